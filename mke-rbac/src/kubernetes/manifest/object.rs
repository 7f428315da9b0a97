//! Decides whether one manifest is a well-formed role or binding, by the rules of the Kubernetes API.

use serde_yaml_ng::Value;

use super::fields::{Fields, Problems, nearest};
use crate::kubernetes::escalation::RBAC_GROUP;
use crate::kubernetes::model::{
    Binding, BindingKind, BindingSubject, KubernetesRole, Rbac, RoleKind, RoleRef, Rule,
};
use crate::kubernetes::selector::{LabelExpression, LabelOperator, LabelSelector};

/// Versions with the form that is read here.
const VERSIONS: [&str; 2] = ["v1", "v1beta1"];

const KINDS: [(&str, ObjectKind); 4] = [
    ("Role", ObjectKind::Role(RoleKind::Role)),
    ("ClusterRole", ObjectKind::Role(RoleKind::ClusterRole)),
    ("RoleBinding", ObjectKind::Binding(BindingKind::RoleBinding)),
    (
        "ClusterRoleBinding",
        ObjectKind::Binding(BindingKind::ClusterRoleBinding),
    ),
];

/// Fields of the metadata of every object. Only name, namespace and labels are kept.
const METADATA: [&str; 17] = [
    "annotations",
    "clusterName",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "initializers",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// What an object is.
#[derive(Debug)]
pub(super) enum Kind<'v> {
    /// A role or binding.
    Rbac(ObjectKind),
    /// A list, with version and kind of its items when those are known.
    List {
        items: &'v Value,
        of: Option<(String, String)>,
    },
    /// Something else: version and kind.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Role(RoleKind),
    Binding(BindingKind),
}

impl ObjectKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Role(kind) => kind.word(),
            Self::Binding(kind) => kind.word(),
        }
    }

    const fn namespaced(self) -> bool {
        matches!(
            self,
            Self::Role(RoleKind::Role) | Self::Binding(BindingKind::RoleBinding)
        )
    }
}

/// Looks at version and kind. An error is a field with a message.
pub(super) fn kind_of(value: &Value) -> Result<Kind<'_>, (&'static str, String)> {
    let Value::Mapping(fields) = value else {
        return Err(("", "must be an object with apiVersion and kind".to_owned()));
    };
    let text = |key| match fields.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.as_str()),
        None | Some(Value::Null | Value::String(_)) => Err((key, "is missing".to_owned())),
        Some(_) => Err((key, "must be text; put it in quotes".to_owned())),
    };
    let (version, kind) = (text("apiVersion")?, text("kind")?);
    let items = || fields.get("items").unwrap_or(&Value::Null);
    let (group, bare) = version.rsplit_once('/').unwrap_or(("", version));
    if group != RBAC_GROUP {
        if version == "v1" && kind == "List" {
            return Ok(Kind::List {
                items: items(),
                of: None,
            });
        }
        // Other products have kinds with these names in groups of their own.
        let ours = KINDS
            .iter()
            .any(|(name, _)| *name == kind.strip_suffix("List").unwrap_or(kind));
        if ours && (group.is_empty() || group.starts_with("rbac")) {
            return Err((
                "apiVersion",
                format!("{kind} belongs to {RBAC_GROUP}/v1, not to `{version}`"),
            ));
        }
        return Ok(Kind::Other(format!("{version} {kind}")));
    }
    if !VERSIONS.contains(&bare) {
        let why = match bare {
            "v1alpha1" => "subjects mean something else there; convert it",
            _ => "this version is not known; write it",
        };
        return Err(("apiVersion", format!("{why} to {RBAC_GROUP}/v1")));
    }
    let (single, list) = match kind.strip_suffix("List") {
        Some(single) => (single, true),
        None => (kind, false),
    };
    let known = KINDS.iter().find(|(name, _)| *name == single);
    let Some((name, kind)) = known else {
        let hint = nearest(single, &KINDS.map(|(name, _)| name));
        let hint = hint
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        return Err(("kind", format!("`{kind}` is no kind of {RBAC_GROUP}{hint}")));
    };
    Ok(match list {
        false => Kind::Rbac(*kind),
        true => Kind::List {
            items: items(),
            of: Some((version.to_owned(), (*name).to_owned())),
        },
    })
}

/// A role or binding that is being read.
#[derive(Debug)]
pub(super) struct Object<'n> {
    kind: ObjectKind,
    default_namespace: Option<&'n str>,
    name: String,
    namespace: Option<String>,
    pub(super) problems: Problems,
}

impl<'n> Object<'n> {
    pub(super) const fn new(kind: ObjectKind, default_namespace: Option<&'n str>) -> Self {
        Self {
            kind,
            default_namespace,
            name: String::new(),
            namespace: None,
            problems: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, field: &str, message: String) {
        self.problems.push((field.to_owned(), message));
    }

    /// `Role blue/reader`; without what is not known.
    pub(super) fn shown(&self) -> String {
        let namespace = self.namespace.as_deref().map(|namespace| format!("{namespace}/"));
        let text = format!(
            "{} {}{}",
            self.kind.word(),
            namespace.unwrap_or_default(),
            self.name
        );
        text.trim_end().to_owned()
    }

    /// Reads the object and adds it.
    pub(super) fn read(&mut self, value: &Value, into: &mut Rbac) {
        match self.kind {
            ObjectKind::Role(kind) => into.roles.extend(self.role(kind, value)),
            ObjectKind::Binding(kind) => into.bindings.extend(self.binding(kind, value)),
        }
    }

    fn role(&mut self, kind: RoleKind, value: &Value) -> Option<KubernetesRole> {
        let known: &[&str] = match kind {
            RoleKind::Role => &["apiVersion", "kind", "metadata", "rules"],
            RoleKind::ClusterRole => &["apiVersion", "kind", "metadata", "rules", "aggregationRule"],
        };
        let fields = Fields::new("", value, known, &mut self.problems)?;
        let labels = self.metadata(&fields);
        let mut rules = Vec::new();
        for (position, rule) in fields.items("rules", &mut self.problems).iter().enumerate() {
            rules.extend(self.rule(&format!("rules[{position}]"), rule));
        }
        let aggregate = match kind {
            RoleKind::Role => None,
            RoleKind::ClusterRole => fields
                .get("aggregationRule")
                .map(|rule| self.aggregation(rule).unwrap_or_default()),
        };
        Some(KubernetesRole {
            kind,
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            labels,
            aggregate,
            rules,
        })
    }

    fn binding(&mut self, kind: BindingKind, value: &Value) -> Option<Binding> {
        let known = ["apiVersion", "kind", "metadata", "roleRef", "subjects"];
        let fields = Fields::new("", value, &known, &mut self.problems)?;
        self.metadata(&fields);
        let role = match fields.get("roleRef") {
            Some(role) => self.role_ref(kind, role),
            None => {
                self.problem("roleRef", "is missing".to_owned());
                None
            }
        };
        let mut subjects = Vec::new();
        for (position, subject) in fields.items("subjects", &mut self.problems).iter().enumerate() {
            subjects.extend(self.subject(kind, &format!("subjects[{position}]"), subject));
        }
        Some(Binding {
            kind,
            name: Some(self.name.clone()),
            namespace: self.namespace.clone(),
            role: role?,
            subjects,
        })
    }

    /// Reads name and namespace and gives the labels.
    fn metadata(&mut self, fields: &Fields<'_>) -> std::collections::BTreeMap<String, String> {
        let Some(metadata) = fields.get("metadata") else {
            self.problem("metadata", "is missing".to_owned());
            return Default::default();
        };
        let Some(metadata) = Fields::new("metadata", metadata, &METADATA, &mut self.problems) else {
            return Default::default();
        };
        if let Some(name) = metadata.needed("name", &mut self.problems) {
            self.name = name.to_owned();
            self.check_name("metadata.name", name);
        }
        let written = metadata.text("namespace", &mut self.problems);
        match (self.kind.namespaced(), written) {
            (true, _) => {
                self.namespace = written.or(self.default_namespace).map(str::to_owned);
                if self.namespace.is_none() {
                    let message = format!("is missing; a {} lies in a namespace", self.kind.word());
                    self.problem("metadata.namespace", message);
                }
            }
            (false, Some(_)) => {
                let message = format!("must be absent; a {} lies in no namespace", self.kind.word());
                self.problem("metadata.namespace", message);
            }
            (false, None) => {}
        }
        metadata.labels("labels", &mut self.problems)
    }

    /// Names of roles and bindings are one part of a path.
    fn check_name(&mut self, field: &str, name: &str) {
        if name == "." || name == ".." || name.contains(['/', '%']) {
            self.problem(
                field,
                format!("`{name}` is no name: `/`, `%`, `.` and `..` cannot be used"),
            );
        }
    }

    fn rule(&mut self, path: &str, value: &Value) -> Option<Rule> {
        let known = [
            "verbs",
            "apiGroups",
            "resources",
            "resourceNames",
            "nonResourceURLs",
        ];
        let problems = &mut self.problems;
        let fields = Fields::new(path, value, &known, problems)?;
        let rule = Rule {
            verbs: fields.texts("verbs", problems),
            api_groups: fields.texts("apiGroups", problems),
            resources: fields.texts("resources", problems),
            resource_names: fields.texts("resourceNames", problems),
            non_resource_urls: fields.texts("nonResourceURLs", problems),
        };
        // A list with a wrong item is reported already.
        let absent = |key| {
            fields
                .get(key)
                .is_none_or(|value| value.as_sequence().is_some_and(Vec::is_empty))
        };
        if absent("verbs") {
            problems.push((fields.at("verbs"), "at least one verb is needed".to_owned()));
        }
        if absent("nonResourceURLs") {
            for key in ["apiGroups", "resources"] {
                if absent(key) {
                    let message = "at least one is needed; `''` is the core group, `*` means all";
                    problems.push((fields.at(key), message.to_owned()));
                }
            }
            return Some(rule);
        }
        let at = fields.at("nonResourceURLs");
        if self.kind.namespaced() {
            problems.push((at, "only a ClusterRole can have URLs".to_owned()));
        } else if ["apiGroups", "resources", "resourceNames"]
            .iter()
            .any(|key| !absent(key))
        {
            problems.push((
                at,
                "a rule has either resources or URLs; write two rules".to_owned(),
            ));
        }
        Some(rule)
    }

    fn aggregation(&mut self, value: &Value) -> Option<Vec<LabelSelector>> {
        let path = "aggregationRule";
        let fields = Fields::new(path, value, &["clusterRoleSelectors"], &mut self.problems)?;
        let selectors = fields.items("clusterRoleSelectors", &mut self.problems);
        let at = fields.at("clusterRoleSelectors");
        if selectors.is_empty() {
            self.problem(&at, "at least one selector is needed".to_owned());
        }
        let selectors = selectors.iter().enumerate();
        Some(
            selectors
                .filter_map(|(position, selector)| self.selector(&format!("{at}[{position}]"), selector))
                .collect(),
        )
    }

    fn selector(&mut self, path: &str, value: &Value) -> Option<LabelSelector> {
        let known = ["matchLabels", "matchExpressions"];
        let fields = Fields::new(path, value, &known, &mut self.problems)?;
        let labels = fields.labels("matchLabels", &mut self.problems);
        let mut expressions = Vec::new();
        let written = fields.items("matchExpressions", &mut self.problems);
        for (position, expression) in written.iter().enumerate() {
            let path = format!("{path}.matchExpressions[{position}]");
            expressions.extend(self.expression(&path, expression));
        }
        Some(LabelSelector { labels, expressions })
    }

    fn expression(&mut self, path: &str, value: &Value) -> Option<LabelExpression> {
        let problems = &mut self.problems;
        let fields = Fields::new(path, value, &["key", "operator", "values"], problems)?;
        let key = fields.needed("key", problems);
        let operator = fields.needed("operator", problems);
        let values = fields.texts("values", problems);
        let operator = match operator? {
            "In" => LabelOperator::In,
            "NotIn" => LabelOperator::NotIn,
            "Exists" => LabelOperator::Exists,
            "DoesNotExist" => LabelOperator::DoesNotExist,
            other => {
                let message = format!("`{other}` is not one of In, NotIn, Exists, DoesNotExist");
                problems.push((fields.at("operator"), message));
                return None;
            }
        };
        let takes_values = matches!(operator, LabelOperator::In | LabelOperator::NotIn);
        if takes_values == values.is_empty() {
            let message = match takes_values {
                true => "In and NotIn need values",
                false => "Exists and DoesNotExist take no values",
            };
            problems.push((fields.at("values"), message.to_owned()));
        }
        Some(LabelExpression {
            key: key?.to_owned(),
            operator,
            values,
        })
    }

    fn role_ref(&mut self, binding: BindingKind, value: &Value) -> Option<RoleRef> {
        let problems = &mut self.problems;
        let fields = Fields::new("roleRef", value, &["apiGroup", "kind", "name"], problems)?;
        if let Some(group) = fields.text("apiGroup", problems)
            && group != RBAC_GROUP
        {
            problems.push((fields.at("apiGroup"), format!("must be {RBAC_GROUP}")));
        }
        let kind = fields.needed("kind", problems);
        let name = fields.needed("name", problems);
        let kind = match (kind?, binding) {
            ("ClusterRole", _) => RoleKind::ClusterRole,
            ("Role", BindingKind::RoleBinding) => RoleKind::Role,
            ("Role", BindingKind::ClusterRoleBinding) => {
                let message = "a ClusterRoleBinding can only refer to a ClusterRole";
                problems.push((fields.at("kind"), message.to_owned()));
                return None;
            }
            (other, _) => {
                problems.push((
                    fields.at("kind"),
                    format!("`{other}` is neither Role nor ClusterRole"),
                ));
                return None;
            }
        };
        let name = name?.to_owned();
        self.check_name("roleRef.name", &name);
        Some(RoleRef { kind, name })
    }

    fn subject(&mut self, binding: BindingKind, path: &str, value: &Value) -> Option<BindingSubject> {
        let problems = &mut self.problems;
        // Kubernetes takes a namespace for users and groups too, and ignores it.
        let known = ["apiGroup", "kind", "name", "namespace"];
        let fields = Fields::new(path, value, &known, problems)?;
        let kind = fields.needed("kind", problems);
        let name = fields.needed("name", problems);
        let namespace = fields.text("namespace", problems);
        let group = fields.text("apiGroup", problems);
        let kind = kind?;
        let right = match kind {
            "User" | "Group" => RBAC_GROUP,
            "ServiceAccount" => "",
            other => {
                let message = format!("`{other}` is none of User, Group, ServiceAccount");
                problems.push((fields.at("kind"), message));
                return None;
            }
        };
        if group.is_some_and(|group| group != right) {
            let message = match right {
                "" => "must be absent for a ServiceAccount".to_owned(),
                group => format!("must be {group}"),
            };
            problems.push((fields.at("apiGroup"), message));
        }
        let name = name?.to_owned();
        Some(match kind {
            "User" => BindingSubject::User { name },
            "Group" => BindingSubject::Group { name },
            _ => {
                if namespace.is_none() && binding == BindingKind::ClusterRoleBinding {
                    problems.push((fields.at("namespace"), "is missing".to_owned()));
                }
                BindingSubject::ServiceAccount {
                    name,
                    namespace: namespace.map(str::to_owned),
                }
            }
        })
    }
}
