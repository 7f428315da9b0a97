//! Case files of the format `kubernetes-cases/1`: sets of Kubernetes roles and bindings, and questions about them.
//!
//! Questions whether a request is allowed become ordinary cases, so that every way can ask them. Questions about
//! writes, impersonation and coverage are asked of the library, because only an API server asks them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mke_rbac::kubernetes::{
    Authorizer, Binding, Impersonation, ImpersonationDecision, KubernetesChange, KubernetesRole, Rbac, Rule,
    WriteDecision, WriteVerb, covers,
};
use mke_rbac::question::{Question, Verdict};
use mke_rbac::state::{StateFile, World, WorldRecord};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::case::{Case, CaseError, CaseFile, Expect};

/// The format that is read here.
pub const FORMAT: &str = "kubernetes-cases/1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(rename = "format")]
    _format: String,
    #[serde(default)]
    kubernetes_sets: BTreeMap<String, RawSet>,
    kubernetes_cases: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    /// Whether the roles and bindings that Kubernetes 1.20 makes by itself are there too.
    #[serde(default)]
    default_roles: bool,
    #[serde(default)]
    roles: Vec<KubernetesRole>,
    #[serde(default)]
    bindings: Vec<Binding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    id: String,
    kind: Kind,
    set: Option<String>,
    user: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    request: Map<String, Value>,
    expect: Expected,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default, rename = "origin")]
    _origin: Option<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Authorize,
    WriteRole,
    WriteBinding,
    Impersonate,
    Covers,
}

/// What must come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// It is allowed.
    Allow,
    /// It is refused, for whatever reason.
    Deny,
    /// It is refused because the request is wrong whoever makes it.
    Error,
    /// Every atom is covered.
    Covered,
    /// Some atom is not.
    #[serde(alias = "not covered", alias = "not-covered", alias = "uncovered")]
    NotCovered,
}

/// A question that only the library is asked.
#[derive(Debug)]
pub struct KubernetesCase {
    /// Its name.
    pub id: String,
    /// The set that it is about; empty for questions about rules alone.
    pub set: String,
    /// The rules of the model that it shows.
    pub rules: Vec<String>,
    user: String,
    groups: Vec<String>,
    asked: Asked,
    expect: Expected,
}

#[derive(Debug)]
enum Asked {
    WriteRole(RoleWrite),
    WriteBinding(BindingWrite),
    Impersonate(Impersonation),
    Covers(Coverage),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleWrite {
    verb: WriteVerb,
    role: KubernetesRole,
    /// What is there before an update, when the set does not say.
    #[serde(default, alias = "existing")]
    old: Option<KubernetesRole>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingWrite {
    verb: WriteVerb,
    binding: Binding,
    /// What is there before an update, when the set does not say.
    #[serde(default, alias = "existing")]
    old: Option<Binding>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coverage {
    owner: Vec<Rule>,
    requested: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    target: Impersonation,
}

/// Reads the text of a file.
pub(crate) fn parse(path: &Path, text: &str) -> Result<CaseFile, CaseError> {
    let raw: RawFile = serde_yaml_ng::from_str(text).map_err(|source| CaseError::Syntax {
        path: path.to_owned(),
        source,
    })?;
    let mut worlds = BTreeMap::new();
    let mut records = BTreeMap::new();
    for (name, set) in raw.kubernetes_sets {
        let mut rbac = Rbac {
            roles: set.roles,
            bindings: set.bindings,
        };
        if set.default_roles {
            let defaults = Rbac::bootstrap();
            rbac.roles.extend(defaults.roles);
            rbac.bindings.extend(defaults.bindings);
        }
        let record = WorldRecord {
            k8s: rbac,
            ..WorldRecord::default()
        };
        let world = World::compile(&name, &record).map_err(|source| CaseError::World {
            path: path.to_owned(),
            source,
        })?;
        worlds.insert(name.clone(), world);
        records.insert(name, record);
    }
    let mut file = CaseFile::new(path, records, worlds);
    let mut ids = BTreeSet::new();
    for case in raw.kubernetes_cases {
        let id = case.id.clone();
        let problem = |problem| CaseError::Case {
            path: path.to_owned(),
            id: id.clone(),
            problem,
        };
        if !ids.insert(id.clone()) {
            return Err(problem("the id is used twice".to_owned()));
        }
        case.add_to(&mut file).map_err(problem)?;
    }
    Ok(file)
}

impl RawCase {
    fn add_to(self, file: &mut CaseFile) -> Result<(), String> {
        let set = match (&self.set, self.kind) {
            (Some(set), _) if !file.worlds.contains_key(set) => {
                return Err(format!("there is no set `{set}`"));
            }
            (None, Kind::Covers) => String::new(),
            (None, _) => return Err("`set` is missing".to_owned()),
            (Some(set), _) => set.clone(),
        };
        let about_rules = matches!(self.kind, Kind::Covers);
        let of_coverage = matches!(self.expect, Expected::Covered | Expected::NotCovered);
        if about_rules != of_coverage {
            return Err("what is expected does not fit the kind".to_owned());
        }
        if !about_rules && self.user.is_none() {
            return Err("`user` is missing".to_owned());
        }
        let asked = match self.kind {
            Kind::Authorize => return self.authorize(set, file),
            Kind::WriteRole => Asked::WriteRole(read(self.request)?),
            Kind::WriteBinding => Asked::WriteBinding(read(self.request)?),
            Kind::Impersonate => Asked::Impersonate(read::<Target>(self.request)?.target),
            Kind::Covers => Asked::Covers(read(self.request)?),
        };
        file.kubernetes.push(KubernetesCase {
            id: self.id,
            set,
            rules: self.rules,
            user: self.user.unwrap_or_default(),
            groups: self.groups,
            asked,
            expect: self.expect,
        });
        Ok(())
    }

    /// A question that can be asked in every way.
    fn authorize(self, set: String, file: &mut CaseFile) -> Result<(), String> {
        let decision = match self.expect {
            Expected::Allow => Verdict::Allow,
            Expected::Deny => Verdict::Deny,
            _ => return Err("a request is either allowed or denied".to_owned()),
        };
        let mut fields = self.request;
        for (key, value) in [
            ("kind", json!("k8s")),
            ("user", json!(self.user)),
            ("groups", json!(self.groups)),
        ] {
            if fields.insert(key.to_owned(), value).is_some() {
                return Err(format!("`{key}` stands beside `request`, not inside"));
            }
        }
        let question: Question = read(fields)?;
        file.cases.push(Case {
            id: self.id,
            world: set,
            question,
            expect: Expect {
                decision: Some(decision),
                ..Expect::default()
            },
            rules: self.rules,
        });
        Ok(())
    }
}

fn read<T: for<'de> Deserialize<'de>>(fields: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
}

impl KubernetesCase {
    /// Asks the library. A text when something else comes out than expected.
    pub(crate) fn ask(&self, file: &CaseFile) -> Result<(), String> {
        let rbac = file.records.get(&self.set).map(|record| &record.k8s);
        let (got, why) = self.answer(&Authorizer::compile(rbac.unwrap_or(&Rbac::default())));
        let as_expected = match self.expect {
            // An error is a refusal too.
            Expected::Deny => matches!(got, Expected::Deny | Expected::Error),
            expected => got == expected,
        };
        if as_expected {
            return Ok(());
        }
        Err(format!("expected {:?}, got {got:?}: {why}", self.expect).to_lowercase())
    }

    fn answer(&self, authorizer: &Authorizer) -> (Expected, String) {
        match &self.asked {
            Asked::WriteRole(write) => {
                let old = write.old.clone().map(KubernetesChange::PutRole);
                let authorizer = old.map_or_else(|| authorizer.clone(), |old| authorizer.with(&old));
                let decision = authorizer.may_write_role(&self.user, &self.groups, write.verb, &write.role);
                written(&decision)
            }
            Asked::WriteBinding(write) => {
                // The sets need not name their bindings, but an update is about one that has a name.
                let mut new = write.binding.clone();
                let mut old = write.old.clone();
                if let Some(old) = &mut old {
                    let name = new.name.get_or_insert_with(|| "updated".to_owned());
                    old.name = Some(name.clone());
                }
                let old = old.map(KubernetesChange::PutBinding);
                let authorizer = old.map_or_else(|| authorizer.clone(), |old| authorizer.with(&old));
                written(&authorizer.may_write_binding(&self.user, &self.groups, write.verb, &new))
            }
            Asked::Impersonate(target) => {
                let decision = authorizer.may_impersonate(&self.user, &self.groups, target);
                let got = match &decision {
                    ImpersonationDecision::Allowed(_) => Expected::Allow,
                    ImpersonationDecision::Denied(_) => Expected::Deny,
                    ImpersonationDecision::Error(_) => Expected::Error,
                };
                (got, format!("{decision:?}"))
            }
            Asked::Covers(coverage) => match covers(&coverage.owner, &coverage.requested) {
                Ok(()) => (Expected::Covered, "every atom is covered".to_owned()),
                Err(missing) => {
                    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
                    (Expected::NotCovered, missing.join(", "))
                }
            },
        }
    }
}

fn written(decision: &WriteDecision<'_>) -> (Expected, String) {
    let problems = decision.problems();
    let got = match decision.is_allowed() {
        true => Expected::Allow,
        false if problems.iter().any(|problem| problem.is_error()) => Expected::Error,
        false => Expected::Deny,
    };
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    (got, problems.join("; "))
}

/// The sets as a state file, for programs that read one.
pub(crate) fn state(file: &CaseFile) -> String {
    let worlds = file.records.iter();
    let worlds: Map<_, _> = worlds
        .map(|(name, record)| (name.clone(), json!({"k8s": record.k8s})))
        .collect();
    json!({"format": StateFile::FORMAT, "worlds": worlds}).to_string()
}
