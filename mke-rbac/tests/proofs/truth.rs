//! What a proof says, judged without engine and checker: by slow evaluators that know the rules only.

use std::collections::BTreeSet;

use mke_core::ids::AccountId;
use mke_rbac::demand::Access;
use mke_rbac::kubernetes::{Binding, BindingKind, BindingSubject, Rbac, Request, RoleKind, RoleRef, Rule};
use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::proof::{
    Bound, Citation, Claim, KubernetesClaim, KubernetesProof, KubernetesReason, Missing, Proof, Reason,
    Refusal, SwarmProof,
};
use mke_rbac::role::{Rights, builtin_roles};
use mke_rbac::{Check, Subject};

use crate::remedy::is_smallest;
use crate::worlds::Question;
use crate::{kubernetes_slow, slow};

/// Whether everything that the proof says is so.
pub(crate) fn holds(model: &Model, rbac: &Rbac, proof: &Proof) -> bool {
    match proof {
        Proof::Swarm(proof) => swarm(model, proof),
        Proof::Kubernetes(proof) => kubernetes(rbac, proof),
    }
}

/// Who asks.
#[derive(Debug, PartialEq)]
enum Standing {
    Anonymous,
    Unknown,
    Inactive,
    Administrator,
    Plain,
}

fn standing(model: &Model, subject: &Subject) -> Standing {
    let Subject::Account(id) = subject else {
        return Standing::Anonymous;
    };
    match model.users.iter().find(|user| user.id == *id) {
        None => Standing::Unknown,
        Some(user) if !user.active => Standing::Inactive,
        Some(user) if user.admin => Standing::Administrator,
        Some(_) => Standing::Plain,
    }
}

fn swarm(model: &Model, proof: &SwarmProof) -> bool {
    use Access::{Admin, Authenticated, Filter, Operation, Public};
    use Standing::{Administrator, Anonymous, Plain};
    let standing = standing(model, &proof.subject);
    let asked = !proof.checks.is_empty();
    let by_grants = asked
        && match standing {
            Plain => [Authenticated, Filter, Operation].contains(&proof.access),
            Anonymous => proof.access == Operation,
            _ => false,
        };
    let refusal = match &proof.decision {
        Claim::Allowed(reason) => {
            let so = match reason {
                Reason::Public => proof.access == Public,
                Reason::Administrator => proof.access != Public && standing == Administrator,
                Reason::Authenticated => {
                    !asked && standing == Plain && [Authenticated, Filter].contains(&proof.access)
                }
                Reason::Granted(cited) => by_grants && granted(model, proof, cited),
            };
            return so && proof.rule.is_none();
        }
        Claim::Denied(refusal) => refusal,
    };
    let rule = proof.rule.as_deref();
    let same = rule == Some(refusal.reason.as_str());
    let no_account = matches!(standing, Standing::Unknown | Standing::Inactive);
    let bare = refusal.missing.is_empty() && refusal.remedy.is_none();
    let lacking = || by_grants && rule.is_none() && lacks(model, proof, refusal);
    proof.access != Public
        && match refusal.reason.as_str() {
            "unknown-account" => bare && rule.is_none() && standing == Standing::Unknown,
            "inactive" => bare && rule.is_none() && standing == Standing::Inactive,
            "conflicting-labels" => bare && same && !no_account,
            "node-in-system-collection" | "advanced-license-required" => {
                bare && same && standing == Administrator
            }
            "node-move-is-admin-only" => bare && same && !no_account && standing != Administrator,
            "administrator-only" => {
                let by_class = rule.is_none() && proof.access == Admin && standing == Plain;
                bare && (by_class || same && !no_account && standing != Administrator)
            }
            "nothing-asked" => {
                bare && rule.is_none() && !asked && proof.access == Operation && standing == Plain
            }
            "unauthenticated" if by_grants => standing == Anonymous && lacking(),
            "unauthenticated" => bare && rule.is_none() && standing == Anonymous,
            "missing-operation" => standing == Plain && lacking(),
            _ => false,
        }
}

/// What grants give somebody, each with its rights.
fn grants(model: &Model, subject: &Subject) -> Vec<(Grant, Rights)> {
    let Subject::Account(user) = subject else {
        let open = model
            .grants
            .iter()
            .filter(|grant| grant.subject == GrantSubject::Anonymous);
        let roles: Vec<_> = builtin_roles().into_iter().chain(model.roles.clone()).collect();
        let with_rights = open.filter_map(|grant| {
            let role = roles.iter().find(|role| role.id == grant.role)?;
            Some((grant.clone(), *role.operations.rights()))
        });
        return with_rights.collect();
    };
    let grants = slow::grants(model, user).into_iter();
    grants.map(|(grant, _, rights)| (grant, rights)).collect()
}

/// The modifiers that somebody holds for the operation of a check.
fn held(model: &Model, subject: &Subject, check: &Check) -> Option<ModifierSet> {
    let above = slow::ancestors(model, &check.collection);
    let here = grants(model, subject)
        .into_iter()
        .filter(|(grant, _)| match &grant.object {
            GrantObject::Collection(place) => above.contains(place),
            _ => false,
        });
    here.filter_map(|(_, rights)| rights.modifiers(check.operation))
        .reduce(ModifierSet::union)
}

fn granted(model: &Model, proof: &SwarmProof, cited: &[Vec<Citation>]) -> bool {
    cited.len() == proof.checks.len()
        && proof.checks.iter().zip(cited).all(|(check, citations)| {
            let union = citations
                .iter()
                .flat_map(|one| one.rule.modifiers.iter().copied());
            let enough = union.collect::<ModifierSet>().covers(check.modifiers);
            let mut each = citations.iter();
            !citations.is_empty() && enough && each.all(|one| cited_truly(model, &proof.subject, check, one))
        })
}

fn cited_truly(model: &Model, subject: &Subject, check: &Check, citation: &Citation) -> bool {
    let GrantObject::Collection(place) = &citation.grant.object else {
        return false;
    };
    let Some((_, rights)) = grants(model, subject)
        .into_iter()
        .find(|(grant, _)| *grant == citation.grant)
    else {
        return false;
    };
    let way = slow::ancestors(model, &check.collection);
    let depth = way.iter().position(|id| id == place);
    let modifiers = &citation.rule.modifiers;
    let distinct = modifiers.iter().collect::<BTreeSet<_>>().len() == modifiers.len();
    citation.rule.operation == check.operation
        && distinct
        && rights.modifiers(check.operation) == Some(modifiers.iter().copied().collect())
        && depth.is_some_and(|depth| citation.inheritance == way[..=depth])
        && is_way(model, subject, &citation.membership, &citation.grant.subject)
}

/// Whether a membership path is one.
fn is_way(model: &Model, subject: &Subject, way: &[GrantSubject], to: &GrantSubject) -> bool {
    let Subject::Account(user) = subject else {
        return way == [GrantSubject::Anonymous] && *to == GrantSubject::Anonymous;
    };
    let starts = way.first() == Some(&GrantSubject::User(user.clone()));
    starts
        && way.last() == Some(to)
        && way
            .windows(2)
            .all(|pair| is_step(model, user, &pair[0], &pair[1]))
}

fn is_step(model: &Model, user: &AccountId, from: &GrantSubject, to: &GrantSubject) -> bool {
    let itself = *from == GrantSubject::User(user.clone());
    match to {
        GrantSubject::Authenticated => itself,
        GrantSubject::Team(id) => {
            let mut teams = model.teams.iter();
            itself && teams.any(|team| team.id == *id && team.members.contains(user))
        }
        GrantSubject::Organization(id) => {
            let listed = model.organizations.iter().any(|organization| {
                organization.id == *id
                    && (organization.name == "docker-datacenter" || organization.members.contains(user))
            });
            let through = model
                .teams
                .iter()
                .any(|team| GrantSubject::Team(team.id.clone()) == *from && team.organization == *id);
            itself && listed || through
        }
        GrantSubject::User(_) | GrantSubject::Anonymous => false,
    }
}

fn lacks(model: &Model, proof: &SwarmProof, refusal: &Refusal) -> bool {
    let mut missing = Vec::new();
    for check in &proof.checks {
        let absent = |modifier| Missing {
            operation: check.operation,
            modifier,
            collection: check.collection.clone(),
        };
        match held(model, &proof.subject, check) {
            None => missing.push(absent(None)),
            Some(held) => missing.extend(check.modifiers.minus(held).iter().map(|one| absent(Some(one)))),
        }
    }
    let same =
        missing.len() == refusal.missing.len() && missing.iter().all(|one| refusal.missing.contains(one));
    let own = |operation: Operation| operation.modifiers().iter().copied().collect::<ModifierSet>();
    let possible = proof.checks.iter().all(|check| {
        !slow::ancestors(model, &check.collection).is_empty() && own(check.operation).covers(check.modifiers)
    });
    let question = Question {
        subject: proof.subject.clone(),
        access: Access::Operation,
        checks: proof.checks.clone(),
    };
    let itself = match &proof.subject {
        Subject::Account(user) => GrantSubject::User(user.clone()),
        Subject::Anonymous => GrantSubject::Anonymous,
    };
    !missing.is_empty()
        && same
        && match &refusal.remedy {
            None => !possible,
            Some(proposals) => {
                possible
                    && proposals.iter().all(|proposal| proposal.subject == itself)
                    && is_smallest(model, &question, proposals)
            }
        }
}

fn request(proof: &KubernetesProof) -> Request {
    let (resource, subresource) = match proof.resource.as_ref().map(|kind| kind.split_once('/')) {
        Some(Some((kind, below))) => (Some(kind.to_owned()), Some(below.to_owned())),
        _ => (proof.resource.clone(), None),
    };
    Request {
        user: proof.user.clone(),
        groups: proof.groups.clone(),
        verb: proof.verb.clone(),
        group: proof.group.clone(),
        resource,
        subresource,
        name: proof.name.clone(),
        namespace: proof.namespace.clone(),
        path: proof.path.clone(),
    }
}

fn kubernetes(rbac: &Rbac, proof: &KubernetesProof) -> bool {
    let request = request(proof);
    match &proof.decision {
        KubernetesClaim::Allowed(KubernetesReason::Masters) => {
            proof.groups.iter().any(|group| group == "system:masters")
        }
        KubernetesClaim::Allowed(KubernetesReason::Bound(bound)) => {
            kubernetes_slow::allows(&only(rbac, bound), &request)
        }
        KubernetesClaim::Denied(refusal) => {
            let enough = refusal.needs.as_ref().map(|rule| {
                let mut rbac = rbac.clone();
                give(&mut rbac, &request, refusal.namespace.as_deref(), rule.clone());
                single(rule) && kubernetes_slow::allows(&rbac, &request)
            });
            let askable = request.resource.is_some() != request.path.is_some();
            !kubernetes_slow::allows(rbac, &request)
                && refusal.namespace.as_deref() == request.scope()
                && if askable {
                    enough == Some(true)
                } else {
                    enough.is_none()
                }
        }
    }
}

/// A cluster with nothing but the binding, the subject and the one rule that a proof names.
fn only(rbac: &Rbac, bound: &Bound) -> Rbac {
    let mut rbac = rbac.clone();
    let namespace = |one: &BindingSubject, binding: &Binding| match one {
        BindingSubject::ServiceAccount { name, namespace } => BindingSubject::ServiceAccount {
            name: name.clone(),
            namespace: namespace.clone().or_else(|| binding.namespace.clone()),
        },
        other => other.clone(),
    };
    rbac.bindings.retain_mut(|binding| {
        let subjects = std::mem::take(&mut binding.subjects);
        let mut subjects = subjects
            .into_iter()
            .map(|subject| namespace(&subject, binding))
            .collect::<Vec<_>>();
        subjects.retain(|subject| *subject == bound.subject);
        binding.subjects = subjects;
        let named = &bound.binding;
        (binding.kind, &binding.namespace, &binding.name) == (named.kind, &named.namespace, &named.name)
            && binding.role == bound.role
    });
    for role in &mut rbac.roles {
        let written = match &bound.rule.source {
            Some(source) => role.kind == RoleKind::ClusterRole && role.name == *source,
            None => role.kind == bound.role.kind && role.name == bound.role.name,
        };
        let rule = role
            .rules
            .get(bound.rule.index)
            .filter(|rule| written && **rule == bound.rule.rule);
        role.rules = rule.cloned().into_iter().collect();
    }
    rbac
}

/// One more binding of the user to a role with this rule.
fn give(rbac: &mut Rbac, request: &Request, namespace: Option<&str>, rule: Rule) {
    rbac.roles.push(mke_rbac::kubernetes::KubernetesRole {
        kind: RoleKind::ClusterRole,
        name: "made".to_owned(),
        namespace: None,
        labels: [("made".to_owned(), "for this".to_owned())].into(),
        aggregate: None,
        rules: vec![rule],
    });
    rbac.bindings.push(Binding {
        kind: match namespace {
            Some(_) => BindingKind::RoleBinding,
            None => BindingKind::ClusterRoleBinding,
        },
        name: Some("made".to_owned()),
        namespace: namespace.map(str::to_owned),
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: "made".to_owned(),
        },
        subjects: vec![BindingSubject::User {
            name: request.user.clone(),
        }],
    });
}

/// Whether a rule is for one verb and one thing only, and for none with a star where the request has none.
fn single(rule: &Rule) -> bool {
    let things = rule.resources.len() + rule.non_resource_urls.len();
    rule.verbs.len() == 1 && things == 1 && rule.api_groups.len() <= 1 && rule.resource_names.len() <= 1
}
