//! Case files: worlds, and questions about them with their expected answers. Unknown fields are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mke_rbac::operation::Modifier;
use mke_rbac::question::{Missing, Question, Verdict};
use mke_rbac::state::{StateFile, World, WorldRecord};
use serde::Deserialize;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::kubernetes::{self, KubernetesCase};

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// It cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is not in the format.
    #[error("`{}` is not a case file", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        #[source]
        source: serde_yaml_ng::Error,
    },
    /// Its worlds contradict themselves.
    #[error("`{}` has a world that cannot be", path.display())]
    World {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: mke_rbac::state::StateError,
    },
    /// A case is wrong in itself.
    #[error("`{}`, case {id}: {problem}", path.display())]
    Case {
        /// The file.
        path: PathBuf,
        /// The case.
        id: String,
        /// What is wrong.
        problem: String,
    },
}

/// A file that can be run.
#[derive(Debug)]
pub struct CaseFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its worlds by name, as written.
    pub records: BTreeMap<String, WorldRecord>,
    /// Its worlds by name, compiled.
    pub worlds: BTreeMap<String, World>,
    /// Its cases, in order.
    pub cases: Vec<Case>,
    /// Its cases about Kubernetes that only the library is asked.
    pub kubernetes: Vec<KubernetesCase>,
    /// The file with the worlds, when it is not the file itself.
    state: Option<NamedTempFile>,
}

/// One question with its expected answer.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// The world that it is about.
    pub world: String,
    /// The question.
    pub question: Question,
    /// What must come out. Fields that are absent are not compared.
    pub expect: Expect,
    /// The rules of the model that it shows.
    pub rules: Vec<String>,
}

/// The expected part of an answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The verdict.
    pub decision: Option<Verdict>,
    /// The ids of the grants that decide, or `admin`.
    pub decided_by: Option<BTreeSet<String>>,
    /// Every failed check.
    pub missing: Option<Vec<Missing>>,
    /// The path of the object's collection.
    pub collection: Option<String>,
    /// The path of the schedule root.
    pub schedule_root: Option<String>,
    /// The placement constraint.
    pub constraint: Option<String>,
    /// The nodes that satisfy it.
    pub eligible_nodes: Option<BTreeSet<String>>,
    /// What a list shows.
    pub visible: Option<BTreeSet<String>>,
    /// The effective role.
    pub operations: Option<BTreeMap<String, BTreeSet<Modifier>>>,
    /// The class of the endpoint.
    pub access: Option<mke_rbac::demand::Access>,
    /// The kind of denial.
    pub reason: Option<String>,
    /// The kind of error.
    pub error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    format: String,
    worlds: BTreeMap<String, WorldRecord>,
    scenarios: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: String,
    world: String,
    kind: String,
    request: Map<String, Value>,
    expect: Expect,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

impl CaseFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, CaseError> {
        let text = std::fs::read_to_string(path).map_err(|source| CaseError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    pub(crate) fn new(
        path: &Path,
        records: BTreeMap<String, WorldRecord>,
        worlds: BTreeMap<String, World>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            records,
            worlds,
            cases: Vec::new(),
            kubernetes: Vec::new(),
            state: None,
        }
    }

    /// A file with the worlds, for programs that read a state file.
    pub fn state_path(&self) -> &Path {
        self.state.as_ref().map_or(&self.path, NamedTempFile::path)
    }

    /// Reads the text of a file; the path is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, CaseError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head = serde_yaml_ng::from_str::<Head>(text).ok();
        if head.is_some_and(|head| head.format == kubernetes::FORMAT) {
            let mut file = kubernetes::parse(path, text)?;
            file.state =
                Some(
                    temporary(&kubernetes::state(&file)).map_err(|source| CaseError::Unreadable {
                        path: path.to_owned(),
                        source,
                    })?,
                );
            return Ok(file);
        }
        let wrong_world = |source| CaseError::World {
            path: path.to_owned(),
            source,
        };
        let raw: RawFile = serde_yaml_ng::from_str(text).map_err(|source| CaseError::Syntax {
            path: path.to_owned(),
            source,
        })?;
        StateFile::check_format(&raw.format).map_err(wrong_world)?;
        let mut worlds = BTreeMap::new();
        for (name, record) in &raw.worlds {
            worlds.insert(name.clone(), World::compile(name, record).map_err(wrong_world)?);
        }
        let mut cases = Vec::new();
        let mut ids = BTreeSet::new();
        for case in raw.scenarios {
            let id = case.id.clone();
            let problem = |problem| CaseError::Case {
                path: path.to_owned(),
                id: id.clone(),
                problem,
            };
            if !ids.insert(id.clone()) {
                return Err(problem("the id is used twice".to_owned()));
            }
            if !worlds.contains_key(&case.world) {
                return Err(problem(format!("there is no world `{}`", case.world)));
            }
            cases.push(case.check().map_err(problem)?);
        }
        Ok(Self {
            cases,
            ..Self::new(path, raw.worlds, worlds)
        })
    }
}

/// A file that goes with the case file.
fn temporary(text: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix("mke-conformance-")?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

impl RawCase {
    fn check(self) -> Result<Case, String> {
        if self.expect == Expect::default() {
            return Err("nothing is expected".to_owned());
        }
        let mut fields = self.request;
        if fields
            .insert("kind".to_owned(), Value::String(self.kind))
            .is_some()
        {
            return Err("`kind` stands beside `request`, not inside".to_owned());
        }
        let question = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        Ok(Case {
            id: self.id,
            world: self.world,
            question,
            expect: self.expect,
            rules: self.rules,
        })
    }
}
