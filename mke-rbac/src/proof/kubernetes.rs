//! The written form of a decision of Kubernetes role-based access control, and how it is made from the decision.

use serde::{Deserialize, Serialize};

use crate::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesDecision, KubernetesEvidence, Request, RoleRef, Rule,
    RuleEvidence,
};

/// A request to the Kubernetes API, its decision, and what the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesProof {
    /// The user name that Kubernetes sees.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// The verb.
    pub verb: String,
    /// The API group, empty for the core group.
    pub group: String,
    /// The resource with its subresource: `pods`, `pods/log`. Absent for a URL.
    pub resource: Option<String>,
    /// The name of the object.
    pub name: Option<String>,
    /// The namespace; absent for what lies in none, and for lists over all.
    pub namespace: Option<String>,
    /// The path of a request that is not about a resource.
    pub path: Option<String>,
    /// What was decided.
    pub decision: KubernetesClaim,
}

/// Yes or no, each with its grounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KubernetesClaim {
    /// Yes.
    Allowed(KubernetesReason),
    /// No.
    Denied(KubernetesRefusal),
}

/// Why the answer is yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KubernetesReason {
    /// One of the groups is `system:masters` (R90).
    Masters,
    /// A binding gives a rule that matches.
    Bound(Box<Bound>),
}

/// A rule with the way by which it reaches the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The binding.
    pub binding: BindingName,
    /// Which of its subjects the user is. A service account has got the namespace of the binding when it names none.
    pub subject: BindingSubject,
    /// The role that the binding gives.
    pub role: RoleRef,
    /// The rule that matches.
    pub rule: WrittenRule,
}

/// Names a binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingName {
    /// Of a namespace or of the cluster.
    pub kind: BindingKind,
    /// The namespace of a role binding.
    pub namespace: Option<String>,
    /// Its name; bindings from elsewhere than a cluster may have none.
    pub name: Option<String>,
}

/// A rule with the place where it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    /// The cluster role in which it is written, when the role is aggregated (R85); nothing when it is the role itself.
    pub source: Option<String>,
    /// Its position there, from zero.
    pub index: usize,
    /// The rule.
    pub rule: Rule,
}

/// Why the answer is no, which is always the same: of all bindings for the cluster, and for the namespace that the
/// request is inside of, none gives a rule that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesRefusal {
    /// The namespace in which bindings were looked at, besides those for the cluster.
    pub namespace: Option<String>,
    /// The smallest addition that would allow it: one binding of the user, in that namespace or else for the cluster,
    /// to a role that holds this rule, be it new or one that exists. Nothing for a request that no rule can match.
    pub needs: Option<Rule>,
}

impl KubernetesProof {
    pub(super) fn of(request: &Request, decision: &KubernetesDecision<'_>) -> Self {
        let resource = request
            .resource
            .as_ref()
            .map(|resource| match present(&request.subresource) {
                Some(subresource) => format!("{resource}/{subresource}"),
                None => resource.clone(),
            });
        let decision = match decision {
            KubernetesDecision::Allowed(KubernetesEvidence::Masters) => {
                KubernetesClaim::Allowed(KubernetesReason::Masters)
            }
            KubernetesDecision::Allowed(KubernetesEvidence::Rule(evidence)) => {
                KubernetesClaim::Allowed(KubernetesReason::Bound(Box::new(Bound::of(evidence))))
            }
            KubernetesDecision::Denied(_) => KubernetesClaim::Denied(KubernetesRefusal {
                namespace: request.scope().map(str::to_owned),
                needs: needs(request, resource.as_ref()),
            }),
        };
        Self {
            user: request.user.clone(),
            groups: request.groups.clone(),
            verb: request.verb.clone(),
            group: request.group.clone(),
            resource,
            name: present(&request.name).map(str::to_owned),
            namespace: present(&request.namespace).map(str::to_owned),
            path: request.path.clone(),
            decision,
        }
    }

    /// Whether the answer is yes.
    pub const fn is_allowed(&self) -> bool {
        matches!(self.decision, KubernetesClaim::Allowed(_))
    }
}

impl Bound {
    fn of(evidence: &RuleEvidence<'_>) -> Self {
        let binding = evidence.binding;
        Self {
            binding: BindingName {
                kind: binding.kind,
                namespace: binding.namespace.clone(),
                name: binding.name.clone(),
            },
            subject: resolved(binding, evidence.subject).unwrap_or_else(|| evidence.subject.clone()),
            role: binding.role.clone(),
            rule: WrittenRule {
                source: evidence.source.map(|source| source.name.clone()),
                index: evidence.rule_index,
                rule: evidence.rule.clone(),
            },
        }
    }
}

/// The subject of a binding with the namespace that counts (R89); nothing for a service account that has none.
pub(super) fn resolved(binding: &Binding, subject: &BindingSubject) -> Option<BindingSubject> {
    Some(match subject {
        BindingSubject::ServiceAccount { name, namespace } => BindingSubject::ServiceAccount {
            name: name.clone(),
            namespace: Some(namespace.clone().or_else(|| binding.namespace.clone())?),
        },
        other => other.clone(),
    })
}

/// The rule that matches this request and no other.
fn needs(request: &Request, resource: Option<&String>) -> Option<Rule> {
    let mut rule = Rule {
        verbs: vec![request.verb.clone()],
        resource_names: present(&request.name).map(str::to_owned).into_iter().collect(),
        ..Rule::default()
    };
    match (resource, &request.path) {
        (Some(resource), None) => {
            rule.api_groups = vec![request.group.clone()];
            rule.resources = vec![resource.clone()];
        }
        (None, Some(path)) => rule.non_resource_urls = vec![path.clone()],
        _ => return None,
    }
    Some(rule)
}

/// Empty text counts as absent, as for [`Request`].
fn present(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}
