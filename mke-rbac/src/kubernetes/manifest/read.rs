//! Decides where one object of a stream ends and the next begins, and which of them are read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_yaml_ng::Value;

use super::object::{Kind, Object, kind_of};
use super::{ManifestError, ManifestProblem};
use crate::kubernetes::model::Rbac;

/// Longest text that is read.
pub const MAX_BYTES: usize = 64 << 20;

/// Most objects that are read.
pub const MAX_OBJECTS: usize = 1_000_000;

/// Most problems that are reported.
const MAX_PROBLEMS: usize = 100;

/// What a stream of manifests holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifests {
    /// Its roles and bindings.
    pub rbac: Rbac,
    /// How many objects of other kinds were skipped, by `apiVersion` and `kind`: `apps/v1 Deployment`.
    pub skipped: BTreeMap<String, usize>,
}

impl Rbac {
    /// Reads the roles and bindings of a stream of manifests, YAML or JSON. Objects of other kinds are skipped;
    /// [`Manifests::read`] counts them.
    ///
    /// # Errors
    /// Every problem, each with document and field.
    ///
    /// ```
    /// use mke_rbac::kubernetes::Rbac;
    /// let error = Rbac::from_manifests("
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata: {name: reader, namespace: blue}
    /// rules:
    /// - {verb: [get], apiGroups: [''], resources: [pods]}
    /// ").unwrap_err();
    /// assert_eq!(error.to_string(), "\
    /// document 1 (Role blue/reader): rules[0].verb: there is no such field; did you mean `verbs`?
    /// document 1 (Role blue/reader): rules[0].verbs: at least one verb is needed");
    /// ```
    pub fn from_manifests(text: &str) -> Result<Self, ManifestError> {
        Manifests::read(text, None).map(|manifests| manifests.rbac)
    }
}

impl Manifests {
    /// Reads a stream of manifests. Roles and role bindings without a namespace go into the one given here, as
    /// `kubectl` does with the namespace of its context; when none is given they are refused.
    ///
    /// # Errors
    /// Every problem, each with document and field.
    pub fn read(text: &str, namespace: Option<&str>) -> Result<Self, ManifestError> {
        let mut reader = Reader {
            namespace,
            found: Self::default(),
            problems: Vec::new(),
            seen: BTreeSet::new(),
            objects: 0,
        };
        reader.stream(text);
        if reader.problems.is_empty() {
            return Ok(reader.found);
        }
        Err(ManifestError {
            problems: reader.problems,
        })
    }
}

struct Reader<'n> {
    namespace: Option<&'n str>,
    found: Manifests,
    problems: Vec<ManifestProblem>,
    seen: BTreeSet<String>,
    objects: usize,
}

impl Reader<'_> {
    fn stream(&mut self, text: &str) {
        if text.len() > MAX_BYTES {
            let message = format!("the text has {} bytes, at most {MAX_BYTES} are read", text.len());
            self.problem(0, None, "", message);
            return;
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // JSON is not read as YAML, because tabs and escapes differ.
        let json = text.trim_start().starts_with('{');
        let whole_json = json && !text.contains("\n---");
        if whole_json {
            let documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            self.documents(documents.map(|document| document.map_err(|error| error.to_string())));
        } else if let Err(error) = crate::yaml::check(text) {
            self.problem(0, None, "", format!("not readable: {error}"));
        } else {
            let documents = serde_yaml_ng::Deserializer::from_str(text);
            self.documents(
                documents.map(|document| Value::deserialize(document).map_err(|error| error.to_string())),
            );
        }
    }

    fn documents(&mut self, documents: impl Iterator<Item = Result<Value, String>>) {
        for (number, document) in (1..).zip(documents) {
            match document {
                Ok(Value::Null) => {}
                Ok(value) => self.object(number, "", &value),
                Err(error) => {
                    self.problem(number, None, "", format!("not readable: {error}"));
                    // What follows cannot be told apart from the broken part.
                    return;
                }
            }
        }
    }

    fn problem(&mut self, document: usize, object: Option<String>, field: &str, message: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(ManifestProblem {
                document,
                object,
                field: field.to_owned(),
                message,
            });
        }
    }

    /// One object; `path` is where it lies in its document.
    fn object(&mut self, document: usize, path: &str, value: &Value) {
        self.objects += 1;
        if self.objects > MAX_OBJECTS {
            if self.objects == MAX_OBJECTS + 1 {
                self.problem(
                    document,
                    None,
                    path,
                    format!("at most {MAX_OBJECTS} objects are read"),
                );
            }
            return;
        }
        match kind_of(value) {
            Err((field, message)) => self.problem(document, None, &join(path, field), message),
            Ok(Kind::Other(name)) => *self.found.skipped.entry(name).or_default() += 1,
            Ok(Kind::List { items, of }) => self.list(document, path, items, of),
            Ok(Kind::Rbac(kind)) => {
                let mut object = Object::new(kind, self.namespace);
                object.read(value, &mut self.found.rbac);
                let name = object.shown();
                if object.problems.is_empty() && !self.seen.insert(name.clone()) {
                    object.problem(
                        "metadata.name",
                        "an object with this name came before; remove one".to_owned(),
                    );
                }
                for (field, message) in object.problems {
                    self.problem(document, Some(name.clone()), &join(path, &field), message);
                }
            }
        }
    }

    /// The items of a list. Those of a `RoleList` may leave out version and kind.
    fn list(&mut self, document: usize, path: &str, items: &Value, of: Option<(String, String)>) {
        let field = join(path, "items");
        let items = match items {
            Value::Null => return,
            Value::Sequence(items) => items,
            _ => {
                self.problem(document, None, &field, "must be a list of objects".to_owned());
                return;
            }
        };
        for (position, item) in items.iter().enumerate() {
            let path = format!("{field}[{position}]");
            match (&of, item) {
                (Some((version, kind)), Value::Mapping(fields)) if !fields.contains_key("kind") => {
                    let mut fields = fields.clone();
                    fields.insert("kind".into(), kind.as_str().into());
                    fields
                        .entry("apiVersion".into())
                        .or_insert(version.as_str().into());
                    self.object(document, &path, &Value::Mapping(fields));
                }
                _ => self.object(document, &path, item),
            }
        }
    }
}

fn join(path: &str, field: &str) -> String {
    match (path.is_empty(), field.is_empty()) {
        (true, _) => field.to_owned(),
        (false, true) => path.to_owned(),
        (false, false) => format!("{path}.{field}"),
    }
}
