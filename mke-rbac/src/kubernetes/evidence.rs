//! Decides nothing: what a Kubernetes decision says about itself.

use std::fmt;

use serde::Serialize;

use super::model::{Binding, BindingSubject, KubernetesRole, Request, Rule};

/// Yes or no, with what decided. It borrows from the snapshot and the request; serialise it to keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KubernetesDecision<'a> {
    /// Something allows the request.
    Allowed(KubernetesEvidence<'a>),
    /// Nothing does.
    Denied(KubernetesDenial<'a>),
}

impl<'a> KubernetesDecision<'a> {
    /// Whether the request may go on.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// What allows the request.
    pub const fn evidence(&self) -> Option<&KubernetesEvidence<'a>> {
        match self {
            Self::Allowed(evidence) => Some(evidence),
            Self::Denied(_) => None,
        }
    }

    /// Why the request is denied.
    pub const fn denial(&self) -> Option<&KubernetesDenial<'a>> {
        match self {
            Self::Allowed(_) => None,
            Self::Denied(denial) => Some(denial),
        }
    }
}

/// What allows a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KubernetesEvidence<'a> {
    /// The user is in the group `system:masters`, which passes everything (R90).
    Masters,
    /// A rule of a role that a binding gives. When several rules allow a request, one of them is named.
    Rule(RuleEvidence<'a>),
}

/// A rule with the way by which somebody holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RuleEvidence<'a> {
    /// The binding.
    pub binding: &'a Binding,
    /// The subject of the binding that the user matches.
    pub subject: &'a BindingSubject,
    /// The role that the binding refers to.
    pub role: &'a KubernetesRole,
    /// Where the rule is written, when the role is aggregated (R85): a cluster role that it selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a KubernetesRole>,
    /// The position of the rule in `source`, or in `role` when there is no source.
    pub rule_index: usize,
    /// The rule.
    pub rule: &'a Rule,
}

/// A request that nothing allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KubernetesDenial<'a> {
    /// The request: a rule that allows it, bound to the user or one of the groups, is what is missing.
    pub request: &'a Request,
}

impl<'a> KubernetesDenial<'a> {
    pub(super) const fn of(request: &'a Request) -> Self {
        Self { request }
    }
}

/// `RoleBinding blue/readers gives ClusterRole view to Group devs (rule 3 of ClusterRole system:aggregate-to-view)`
impl fmt::Display for RuleEvidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            binding,
            subject,
            role,
            ..
        } = self;
        let written = self.source.unwrap_or(role);
        let number = self.rule_index + 1;
        write!(
            f,
            "{binding} gives {role} to {subject} (rule {number} of {written})"
        )
    }
}

impl fmt::Display for KubernetesEvidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masters => f.write_str("the group system:masters passes everything"),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

/// In the manner of Kubernetes: `user "jane" cannot get resource "pods" in API group "" in the namespace "blue"`.
impl fmt::Display for KubernetesDenial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request {
            user, verb, group, ..
        } = self.request;
        write!(f, "user {user:?} cannot {verb} ")?;
        let Some(resource) = &self.request.resource else {
            let path = self.request.path.as_deref().unwrap_or_default();
            return write!(f, "path {path:?}");
        };
        match &self.request.subresource {
            Some(subresource) if !subresource.is_empty() => {
                write!(f, "resource \"{resource}/{subresource}\" in API group {group:?}")?;
            }
            _ => write!(f, "resource {resource:?} in API group {group:?}")?,
        }
        if let Some(name) = self.request.name.as_deref().filter(|name| !name.is_empty()) {
            write!(f, " with the name {name:?}")?;
        }
        match self.request.scope() {
            Some(namespace) => write!(f, " in the namespace {namespace:?}"),
            None => f.write_str(" at the cluster scope"),
        }
    }
}
