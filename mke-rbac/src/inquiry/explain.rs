//! `explain`: one decision with everything that it rests on, in names and as a proof.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Inquiry, InquiryError, Report, Scene, explain_kubernetes, wording};
use crate::decision::{Decision, Denial, Subject};
use crate::demand::Access;
use crate::kubernetes::{Binding, BindingSubject, RoleKey, Rule};
use crate::operation::{Modifier, Operation};
use crate::proof::{Claim, Obstacle, Proof, Reason, Remedy, SwarmProof};
use crate::question::{Ask, Asked, GrantTriple, Missing, Question, Ruling, Verdict};

/// Why is this allowed, or denied? In JSON the question itself, with its user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Explain {
    /// A question that is allowed or denied.
    pub question: Question,
}

/// A decision with its grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The decision.
    pub decision: Verdict,
    /// Who asked: the name of a user, or `anonymous`.
    pub who: String,
    /// What was asked, in words.
    pub what: String,
    /// The class of the call, when no operation opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Why, in one sentence.
    pub because: String,
    /// The path of the collection that the object lies in after the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The placement constraint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// Everything that was checked, in the order in which failures are reported (R64).
    pub checks: Vec<Checked>,
    /// What would have allowed it: all of these grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_by: Vec<Remedial>,
    /// Why no grant would have allowed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
    /// What decided about a Kubernetes request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesGrounds>,
    /// The same, for a checker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// One check, with what carries it or what is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The operation.
    pub operation: Operation,
    /// Its modifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
    /// The path of the collection.
    pub collection: String,
    /// Grants that carry it together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Through>,
    /// What no grant carries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// A grant, and why it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Through {
    /// The grant.
    pub grant: GrantTriple,
    /// From the user to the subject of the grant (R2).
    pub membership: Vec<String>,
    /// From the collection of the check to that of the grant (R21).
    pub inheritance: Vec<String>,
}

/// A grant that would help.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedial {
    /// To whom.
    pub subject: String,
    /// The existing role with the fewest operations; nothing when a new one is needed.
    pub role: Option<String>,
    /// On which collection.
    pub collection: String,
    /// What a new role would have to hold.
    pub needs: BTreeMap<Operation, Vec<Modifier>>,
}

/// What decided about a Kubernetes request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesGrounds {
    /// The user name that Kubernetes sees.
    pub user: String,
    /// The groups of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The binding that gives the rule; nothing for members of `system:masters`, and when nothing allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// The subject of the binding that the user matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<BindingSubject>,
    /// The role in which the rule is written: of an aggregated role one that it selects (R85).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleKey>,
    /// The rule that allows it, or, when nothing does, the smallest rule that would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// What would allow it: a binding of an existing role, or of a new one with the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<String>,
}

impl Inquiry for Explain {
    const NAME: &'static str = "explain";
    type Report = Explanation;

    fn ask(&self, scene: &Scene<'_>) -> Result<Explanation, InquiryError> {
        let Question { user, ask } = &self.question;
        if let Ask::K8s(request) = ask {
            return explain_kubernetes::explain(scene, user.as_deref(), request);
        }
        let subject = match user {
            Some(name) => scene.user("user", name)?,
            None => Subject::Anonymous,
        };
        let asked = Asked {
            policy: scene.policy,
            subject: &subject,
            inventory: scene.inventory,
        };
        let ruling = asked.rule(ask)?.ok_or_else(|| not_decided(ask))?;
        Ok(explain(scene, &subject, ask, ruling))
    }
}

fn not_decided(ask: &Ask) -> InquiryError {
    let problem = format!(
        "`{}` is neither allowed nor denied, so there is nothing to explain",
        ask.kind()
    );
    InquiryError::field("kind", problem)
}

fn explain(scene: &Scene<'_>, subject: &Subject, ask: &Ask, ruling: Ruling) -> Explanation {
    let names = scene.names();
    let proof = SwarmProof::of(
        scene.policy,
        subject,
        ruling.access,
        &ruling.checks,
        &ruling.decision,
    );
    let verdict = if proof.is_allowed() {
        Verdict::Allow
    } else {
        Verdict::Deny
    };
    let because = match &ruling.decision {
        Decision::Allowed(permit) => wording::reason(permit.reason()),
        Decision::Denied(denial) => denial.message(),
    };
    let mut explanation = Explanation {
        decision: verdict,
        who: wording::subject(scene, subject),
        what: wording::ask(ask),
        access: (ruling.access != Access::Operation).then_some(ruling.access),
        because,
        collection: None,
        constraint: None,
        checks: checks(scene, &proof),
        allowed_by: Vec::new(),
        obstacles: Vec::new(),
        kubernetes: None,
        proof: None,
    };
    if let Some(placed) = &ruling.placed {
        explanation.collection = Some(names.path(&placed.collection));
        let schedule = placed.schedule.as_ref().filter(|_| proof.is_allowed());
        explanation.constraint = schedule.map(|schedule| schedule.constraint.clone());
    }
    if let Decision::Denied(denial) = &ruling.decision
        && lacks_grants(denial)
    {
        let remedy = scene.policy.remedy(subject, &ruling.checks);
        put_remedy(scene, &mut explanation, &remedy);
    }
    explanation.proof = Some(Proof::Swarm(proof));
    explanation
}

/// Whether grants, or an account that could have some, are what is missing.
fn lacks_grants(denial: &Denial) -> bool {
    match denial {
        Denial::Missing(_) | Denial::Unauthenticated | Denial::Inactive | Denial::UnknownAccount => true,
        Denial::AdministratorOnly { .. } | Denial::Rule(_) | Denial::ConflictingLabels => false,
    }
}

fn checks(scene: &Scene<'_>, proof: &SwarmProof) -> Vec<Checked> {
    let names = scene.names();
    let cited = match &proof.decision {
        Claim::Allowed(Reason::Granted(cited)) => cited.as_slice(),
        Claim::Allowed(_) | Claim::Denied(_) => &[],
    };
    let mut checks: Vec<_> = proof
        .checks
        .iter()
        .enumerate()
        .map(|(position, check)| {
            let citations = cited.get(position).into_iter().flatten();
            let through = citations.filter_map(|citation| {
                Some(Through {
                    grant: names.grant(&citation.grant)?,
                    membership: citation
                        .membership
                        .iter()
                        .map(|step| names.subject(step))
                        .collect(),
                    inheritance: citation.inheritance.iter().map(|step| names.path(step)).collect(),
                })
            });
            Checked {
                operation: check.operation,
                modifiers: check.modifiers.iter().collect(),
                collection: names.path(&check.collection),
                through: through.collect(),
                missing: Vec::new(),
            }
        })
        .collect();
    if let Claim::Denied(refusal) = &proof.decision {
        for missing in &refusal.missing {
            let collection = names.path(&missing.collection);
            let lacks = checks.iter_mut().filter(|check| {
                let modifier = missing
                    .modifier
                    .is_none_or(|modifier| check.modifiers.contains(&modifier));
                check.operation == missing.operation && check.collection == collection && modifier
            });
            for check in lacks {
                check.missing.push(Missing {
                    operation: missing.operation,
                    collection: collection.clone(),
                    modifier: missing.modifier,
                });
            }
        }
    }
    checks
}

fn put_remedy(scene: &Scene<'_>, explanation: &mut Explanation, remedy: &Remedy) {
    let names = scene.names();
    match remedy {
        Remedy::Grants(proposals) => {
            let remedial = proposals.iter().map(|proposal| Remedial {
                subject: names.subject(&proposal.subject),
                role: proposal.role.as_ref().map(|role| names.role_name(role.as_str())),
                collection: names.path(&proposal.collection),
                needs: proposal.needs.clone(),
            });
            explanation.allowed_by = remedial.collect();
        }
        Remedy::Impossible(obstacles) => {
            let obstacles = obstacles.iter().map(|obstacle| match obstacle {
                Obstacle::UnknownAccount => "the account does not exist".to_owned(),
                Obstacle::Inactive => "the account is deactivated".to_owned(),
                Obstacle::NothingAsked => "the request needs nothing that could be granted".to_owned(),
                Obstacle::Collection(id) => format!("there is no collection `{}`", names.path(id)),
                Obstacle::Modifier(operation, modifier) => {
                    format!("{operation} has no modifier {modifier}")
                }
            });
            explanation.obstacles = obstacles.collect();
        }
    }
}

impl Report for Explanation {
    fn is_no(&self) -> bool {
        self.decision != Verdict::Allow
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verdict, may) = match self.decision {
            Verdict::Allow => ("yes", "may"),
            Verdict::Deny | Verdict::Error => ("no", "may not"),
        };
        writeln!(f, "{verdict}: {} {may} {}", self.who, self.what)?;
        writeln!(f, "because: {}", self.because)?;
        if let Some(collection) = &self.collection {
            writeln!(f, "collection: {collection}")?;
        }
        if let Some(constraint) = &self.constraint {
            writeln!(f, "runs where: {constraint}")?;
        }
        for check in &self.checks {
            write_check(f, check, self.decision)?;
        }
        if !self.allowed_by.is_empty() {
            writeln!(f, "\nwould be allowed by")?;
        }
        for remedial in &self.allowed_by {
            match &remedial.role {
                Some(role) => write!(f, "  {role}")?,
                None => {
                    let needs = remedial.needs.iter();
                    let needs: Vec<_> = needs
                        .map(|(operation, modifiers)| wording::operation(*operation, modifiers))
                        .collect();
                    write!(f, "  a new role with {}", needs.join(", "))?;
                }
            }
            writeln!(f, " for {} on {}", remedial.subject, remedial.collection)?;
        }
        if let Some(allowed_by) = self
            .kubernetes
            .as_ref()
            .and_then(|grounds| grounds.allowed_by.as_ref())
        {
            writeln!(f, "\nwould be allowed by\n  {allowed_by}")?;
        }
        if !self.obstacles.is_empty() {
            writeln!(f, "\nno grant would allow it: {}", self.obstacles.join(", "))?;
        }
        Ok(())
    }
}

fn write_check(f: &mut fmt::Formatter<'_>, check: &Checked, verdict: Verdict) -> fmt::Result {
    let what = wording::operation(check.operation, &check.modifiers);
    let mark = if !check.missing.is_empty() {
        "missing"
    } else if verdict == Verdict::Deny {
        "held"
    } else {
        "ok"
    };
    writeln!(f, "\n{what} in {}: {mark}", check.collection)?;
    for missing in &check.missing {
        if let Some(modifier) = missing.modifier {
            writeln!(f, "  {} is there, {modifier} is not", missing.operation)?;
        }
    }
    for through in &check.through {
        writeln!(f, "  {}", through.grant)?;
        if through.membership.len() > 1 {
            writeln!(f, "    {}", through.membership.join(" is in "))?;
        }
        if through.inheritance.len() > 1 {
            writeln!(f, "    {}", through.inheritance.join(" lies in "))?;
        }
    }
    Ok(())
}
