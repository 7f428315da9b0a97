//! `who-can`: everybody who passes a check, a call or a Kubernetes request, and through what.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Inquiry, InquiryError, Report, Scene, identities, text, wording};
use crate::decision::{Check, Subject};
use crate::kubernetes::identity::Identity;
use crate::kubernetes::{BindingSubject, KubernetesDecision, KubernetesEvidence, RuleEvidence};
use crate::model::{Grant, GrantObject, GrantSubject};
use crate::operation::{ModifierSet, Operation};
use crate::question::{Ask, Asked, CheckQuestion, DecidedBy, KubernetesQuestion, Names, Verdict};

/// Who can do this? In JSON the question itself, without a user: `{"kind": "check", "operation": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WhoCan {
    /// What is to be done: anything that is allowed or denied.
    pub ask: Ask,
}

/// Everybody who can.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoCanReport {
    /// What was asked, in words.
    pub what: String,
    /// Active users of this cluster, by name.
    pub users: Vec<Holder>,
    /// Whether requests without credentials can.
    pub anonymous: bool,
    /// Everybody to whom a grant or a binding gives it: teams, organizations and single users, and the users, groups
    /// and service accounts of Kubernetes.
    pub subjects: Vec<Holder>,
}

/// Somebody who can.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The name.
    pub name: String,
    /// What the name of a subject of Kubernetes stands for in this cluster, such as `team:bank/ops`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Through which grants or bindings; [`DecidedBy::ADMIN`] for administrators.
    pub through: Vec<DecidedBy>,
}

impl Inquiry for WhoCan {
    const NAME: &'static str = "who-can";
    type Report = WhoCanReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<WhoCanReport, InquiryError> {
        let mut report = match &self.ask {
            Ask::Check(ask) => check(scene, ask)?,
            Ask::K8s(ask) => kubernetes(scene, ask)?,
            Ask::Create(_) | Ask::Update(_) | Ask::Schedule(_) | Ask::Api(_) => self.one_by_one(scene)?,
            Ask::List(_) | Ask::Collections(_) | Ask::Effective(_) | Ask::Rights(_) => {
                let problem = format!("`{}` is neither allowed nor denied", self.ask.kind());
                return Err(InquiryError::field("kind", problem));
            }
        };
        report.users.sort();
        Ok(report)
    }
}

impl WhoCan {
    /// For what is more than one check: everybody is asked. A request that has no verdict for anybody is an error.
    fn one_by_one(&self, scene: &Scene<'_>) -> Result<WhoCanReport, InquiryError> {
        let mut users = Vec::new();
        let mut judged = false;
        let mut problem = None;
        let rule = |subject: &Subject| {
            let asked = Asked {
                policy: scene.policy,
                subject,
                inventory: scene.inventory,
            };
            Ok::<_, InquiryError>(asked.rule(&self.ask)?.map(|ruling| asked.ruled(ruling)))
        };
        for user in scene.policy.users() {
            match rule(&Subject::Account(user.id.clone())) {
                Ok(Some(answer)) => {
                    judged = true;
                    if answer.decision == Verdict::Allow {
                        users.push(Holder {
                            name: user.name.clone(),
                            account: None,
                            through: answer.decided_by.unwrap_or_default(),
                        });
                    }
                }
                Ok(None) => {}
                Err(error) => problem = Some(error),
            }
        }
        if let (false, Some(problem)) = (judged, problem) {
            return Err(problem);
        }
        let anonymous = rule(&Subject::Anonymous)?.is_some_and(|answer| answer.decision == Verdict::Allow);
        Ok(WhoCanReport {
            what: wording::ask(&self.ask),
            users,
            anonymous,
            subjects: Vec::new(),
        })
    }
}

/// One check: the policy knows who passes, and the grants on the way up say why.
fn check(scene: &Scene<'_>, ask: &CheckQuestion) -> Result<WhoCanReport, InquiryError> {
    let at = scene.collection("collection", &ask.collection)?;
    let check = Check {
        operation: ask.operation,
        modifiers: ask.modifiers.iter().copied().collect(),
        collection: at.id.clone(),
    };
    let above = at.parent_ids.iter().chain([&at.id]);
    let above: BTreeSet<_> = above.collect();
    let grants: Vec<_> = above
        .iter()
        .flat_map(|id| scene.policy.grants_on(&GrantObject::Collection((*id).clone())))
        .filter(|grant| carried(scene, grant, ask.operation).is_some())
        .collect();
    // Everybody may hold a grant of his own here, so no list of grants is searched for each of them.
    let carrying: HashSet<&Grant> = grants.iter().collect();
    let who = scene.policy.who_can(&check);
    let users = who.users().map(|user| {
        let through = if user.admin {
            vec![DecidedBy::Word(DecidedBy::ADMIN.to_owned())]
        } else {
            let mut own = scene.policy.grants_of(&Subject::Account(user.id.clone()));
            own.retain(|grant| carrying.contains(grant));
            named(scene.names(), &own)
        };
        Holder {
            name: user.name.clone(),
            account: None,
            through,
        }
    });
    Ok(WhoCanReport {
        what: wording::ask(&Ask::Check(ask.clone())),
        users: users.collect(),
        anonymous: who.anonymous(),
        subjects: subjects(scene, &grants, &check),
    })
}

/// The subjects whose own grants suffice.
fn subjects(scene: &Scene<'_>, grants: &[Grant], check: &Check) -> Vec<Holder> {
    let mut by_subject: BTreeMap<&GrantSubject, Vec<Grant>> = BTreeMap::new();
    for grant in grants {
        by_subject.entry(&grant.subject).or_default().push(grant.clone());
    }
    let holders = by_subject.into_iter().filter_map(|(subject, own)| {
        let held = own
            .iter()
            .filter_map(|grant| carried(scene, grant, check.operation));
        let held = held.fold(ModifierSet::EMPTY, ModifierSet::union);
        held.covers(check.modifiers).then(|| Holder {
            name: scene.names().subject(subject),
            account: None,
            through: named(scene.names(), &own),
        })
    });
    let mut holders: Vec<_> = holders.collect();
    holders.sort();
    holders
}

/// The modifiers with which a grant gives the operation. The setting's `admin` is no role and gives everything (R14).
fn carried(scene: &Scene<'_>, grant: &Grant, operation: Operation) -> Option<ModifierSet> {
    match scene.policy.role(grant.role.as_str()) {
        Some(role) => role.operations.rights().modifiers(operation),
        None if grant.role.as_str() == "admin" => Some(operation.modifiers().iter().copied().collect()),
        None => None,
    }
}

fn named(names: Names<'_>, grants: &[Grant]) -> Vec<DecidedBy> {
    let grants = grants.iter().filter_map(|grant| names.grant(grant));
    let mut through: Vec<_> = grants.map(DecidedBy::Grant).collect();
    through.sort();
    through.dedup();
    through
}

/// A Kubernetes request: the accounts of this cluster that pass, and whom bindings name.
fn kubernetes(scene: &Scene<'_>, ask: &KubernetesQuestion) -> Result<WhoCanReport, InquiryError> {
    if ask.account.is_some() || !ask.groups.is_empty() {
        return Err(InquiryError::field(
            "groups",
            "everybody is asked, so leave `groups` and `account` out",
        ));
    }
    let authorizer = scene.authorizer();
    let decide = |who: Identity| {
        let request = ask.request(who);
        match authorizer.decide(&request) {
            KubernetesDecision::Allowed(KubernetesEvidence::Masters) => Some(DecidedBy::ADMIN.to_owned()),
            KubernetesDecision::Allowed(KubernetesEvidence::Rule(evidence)) => Some(evidence.to_string()),
            KubernetesDecision::Denied(_) => None,
        }
    };
    let users = scene.policy.users().filter_map(|user| {
        let through = decide(scene.directory().identity(user.id.as_str())?)?;
        Some(Holder {
            name: user.name.clone(),
            account: None,
            through: vec![DecidedBy::Word(through)],
        })
    });
    let users = users.collect();
    let request = ask.request(Identity::anonymous());
    let found = authorizer.who_can(&request);
    let holder = |subject: BindingSubject, evidence: &RuleEvidence<'_>| Holder {
        name: subject.to_string(),
        account: identities::meaning(scene.policy, &subject),
        through: vec![DecidedBy::Word(evidence.to_string())],
    };
    let user = |(name, evidence): (&&str, &RuleEvidence<'_>)| {
        let name = (*name).to_owned();
        holder(BindingSubject::User { name }, evidence)
    };
    let group = |(name, evidence): (&&str, &RuleEvidence<'_>)| {
        let name = (*name).to_owned();
        holder(BindingSubject::Group { name }, evidence)
    };
    let service_account = |((namespace, name), evidence): (&(&str, &str), &RuleEvidence<'_>)| {
        let (name, namespace) = ((*name).to_owned(), Some((*namespace).to_owned()));
        holder(BindingSubject::ServiceAccount { name, namespace }, evidence)
    };
    let subjects = found
        .users
        .iter()
        .map(user)
        .chain(found.groups.iter().map(group))
        .chain(found.service_accounts.iter().map(service_account));
    Ok(WhoCanReport {
        what: wording::kubernetes(ask),
        users,
        anonymous: decide(Identity::anonymous()).is_some(),
        subjects: subjects.collect(),
    })
}

impl Report for WhoCanReport {
    fn is_no(&self) -> bool {
        self.users.is_empty() && self.subjects.is_empty() && !self.anonymous
    }
}

impl fmt::Display for WhoCanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_no() {
            return writeln!(f, "nobody may {}", self.what);
        }
        if self.anonymous {
            writeln!(f, "requests without credentials may {}\n", self.what)?;
        }
        if !self.users.is_empty() {
            text::table(f, ["USER", "THROUGH"], &rows(&self.users))?;
        }
        if !self.users.is_empty() && !self.subjects.is_empty() {
            writeln!(f)?;
        }
        if !self.subjects.is_empty() {
            text::table(f, ["SUBJECT", "THROUGH"], &rows(&self.subjects))?;
        }
        Ok(())
    }
}

fn rows(holders: &[Holder]) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    for holder in holders {
        let mut name = match &holder.account {
            Some(account) => format!("{} = {account}", holder.name),
            None => holder.name.clone(),
        };
        if holder.through.is_empty() {
            rows.push([name.clone(), String::new()]);
        }
        for through in &holder.through {
            // A name once, however many ways there are.
            rows.push([std::mem::take(&mut name), through.to_string()]);
        }
    }
    rows
}
