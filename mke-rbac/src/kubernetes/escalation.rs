//! Decides whether somebody may write a role or a binding without getting more than they have (R86, R87).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::authorizer::{Authorizer, MASTERS};
use super::covers::{Atom, missing_atoms};
use super::evidence::{KubernetesDenial, RuleEvidence};
use super::matching::ALL;
use super::model::{Binding, BindingKind, KubernetesRole, Request, RoleKind, RoleRef, Rule};

/// The API group of roles and bindings.
pub const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// How a role or binding is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteVerb {
    /// It is new.
    Create,
    /// It is replaced.
    Update,
    /// It is changed in parts; what comes out is looked at.
    Patch,
}

impl WriteVerb {
    /// The verb of the Kubernetes API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
        }
    }
}

/// Whether a write may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteDecision<'a> {
    /// It may.
    Allowed(WriteReason<'a>),
    /// It may not: every reason.
    Denied(Vec<WriteProblem>),
}

/// Why a write raises no rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteReason<'a> {
    /// The writer is in `system:masters`.
    Masters,
    /// The writer holds the verb `escalate` or `bind` on the role.
    Verb(RuleEvidence<'a>),
    /// The writer holds everything that is given, in the same scope.
    Covered,
}

/// Why a write is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WriteProblem {
    /// The plain permission for the object is missing.
    #[error("{}", KubernetesDenial::of(.0))]
    Forbidden(Box<Request>),
    /// It would give what the writer does not hold.
    #[error("the writer does not hold {}", List(.missing))]
    Escalation {
        /// What is missing; at most a thousand atoms.
        missing: Vec<Atom>,
    },
    /// The role of a binding does not exist, so that nobody can say what it gives.
    #[error("{role} does not exist; create it first, or hold the verb bind on it")]
    MissingRole {
        /// The role.
        role: RoleRef,
    },
    /// The role of a binding cannot be changed: delete the binding and create another one.
    #[error("the binding refers to {old} and cannot be changed to {new}; delete it and create a new one")]
    RoleRefChanged {
        /// What the binding refers to.
        old: RoleRef,
        /// What it would refer to.
        new: RoleRef,
    },
    /// The object is wrong in itself.
    #[error("{0}")]
    Invalid(String),
}

impl WriteProblem {
    /// Whether the request is wrong whoever makes it.
    pub const fn is_error(&self) -> bool {
        matches!(
            self,
            Self::MissingRole { .. } | Self::RoleRefChanged { .. } | Self::Invalid(_)
        )
    }
}

impl WriteDecision<'_> {
    /// Whether the write may go on.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// Why not.
    pub fn problems(&self) -> &[WriteProblem] {
        match self {
            Self::Allowed(_) => &[],
            Self::Denied(problems) => problems,
        }
    }
}

/// The first atoms, and how many more there are.
struct List<'a>(&'a [Atom]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (position, atom) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(f, "{comma}{atom}")?;
        }
        match self.0.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

impl Authorizer {
    /// Whether a role may be written (R86): with the plain permission, and one of
    /// membership of `system:masters`, the verb `escalate` on the role, or holding every rule of it. Setting or
    /// keeping an aggregation needs every right there is.
    ///
    /// On an update the role of this snapshot is the old one.
    pub fn may_write_role(
        &self,
        user: &str,
        groups: &[String],
        verb: WriteVerb,
        role: &KubernetesRole,
    ) -> WriteDecision<'_> {
        let namespace = role.namespace.as_deref().filter(|_| role.kind == RoleKind::Role);
        let mut problems = Vec::new();
        match (role.kind, &role.namespace) {
            (RoleKind::Role, None) => {
                problems.push(WriteProblem::Invalid("a Role needs a namespace".to_owned()))
            }
            (RoleKind::Role, Some(_)) if role.aggregate.is_some() => {
                problems.push(WriteProblem::Invalid(
                    "only a ClusterRole can be aggregated".to_owned(),
                ));
            }
            _ => {}
        }
        let request = |verb: &str, name: Option<&str>| Request {
            user: user.to_owned(),
            groups: groups.to_vec(),
            verb: verb.to_owned(),
            group: RBAC_GROUP.to_owned(),
            resource: Some(role.kind.resource().to_owned()),
            name: name.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            ..Request::default()
        };
        // A new object has no name in the request, so that rules for named objects do not help (R83, R86).
        let name = (verb != WriteVerb::Create).then_some(role.name.as_str());
        let plain = request(verb.word(), name);
        if !self.allows(&plain) {
            problems.push(WriteProblem::Forbidden(Box::new(plain)));
        }
        let reason = match self.power(&request("escalate", name)) {
            Some(reason) => Some(reason),
            None => {
                let old = self.role(&role.key());
                let aggregated =
                    |role: &KubernetesRole| role.kind == RoleKind::ClusterRole && role.aggregate.is_some();
                let everything = everything();
                let mut wanted: Vec<&Rule> = role.rules.iter().collect();
                if aggregated(role) || verb != WriteVerb::Create && old.is_some_and(aggregated) {
                    wanted.extend(&everything);
                }
                let held = self.rules_for(user, groups, namespace);
                match missing_atoms(&held, &wanted) {
                    Ok(()) => Some(WriteReason::Covered),
                    Err(missing) => {
                        problems.push(WriteProblem::Escalation { missing });
                        None
                    }
                }
            }
        };
        decided(reason, problems)
    }

    /// Whether a binding may be written (R87): with the plain permission, and one of membership of
    /// `system:masters`, the verb `bind` on the role, or holding every rule of the role in the scope of the
    /// binding. The role of a binding never changes.
    ///
    /// On an update the binding of this snapshot is the old one.
    pub fn may_write_binding(
        &self,
        user: &str,
        groups: &[String],
        verb: WriteVerb,
        binding: &Binding,
    ) -> WriteDecision<'_> {
        let local = binding.kind == BindingKind::RoleBinding;
        let namespace = binding.namespace.as_deref().filter(|_| local);
        let mut problems = Vec::new();
        if local && binding.namespace.is_none() {
            problems.push(WriteProblem::Invalid(
                "a RoleBinding needs a namespace".to_owned(),
            ));
        }
        if !local && binding.role.kind == RoleKind::Role {
            let text = "a ClusterRoleBinding can only refer to a ClusterRole";
            problems.push(WriteProblem::Invalid(text.to_owned()));
        }
        let old = binding.key().filter(|_| verb != WriteVerb::Create);
        if let Some(old) = old.and_then(|key| self.binding(&key))
            && old.role != binding.role
        {
            problems.push(WriteProblem::RoleRefChanged {
                old: old.role.clone(),
                new: binding.role.clone(),
            });
        }
        let request = |verb: &str, resource: &str, name: Option<&str>| Request {
            user: user.to_owned(),
            groups: groups.to_vec(),
            verb: verb.to_owned(),
            group: RBAC_GROUP.to_owned(),
            resource: Some(resource.to_owned()),
            name: name.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            ..Request::default()
        };
        let name = binding.name.as_deref().filter(|_| verb != WriteVerb::Create);
        let plain = request(verb.word(), binding.kind.resource(), name);
        if !self.allows(&plain) {
            problems.push(WriteProblem::Forbidden(Box::new(plain)));
        }
        let bind = request("bind", binding.role.kind.resource(), Some(&binding.role.name));
        let reason = match self.power(&bind) {
            Some(reason) => Some(reason),
            None => match binding.role_key().and_then(|key| self.rules_of(&key)) {
                None => {
                    problems.push(WriteProblem::MissingRole {
                        role: binding.role.clone(),
                    });
                    None
                }
                Some(rules) => {
                    let wanted: Vec<_> = rules.into_iter().map(|(_, rule)| rule).collect();
                    let held = self.rules_for(user, groups, namespace);
                    match missing_atoms(&held, &wanted) {
                        Ok(()) => Some(WriteReason::Covered),
                        Err(missing) => {
                            problems.push(WriteProblem::Escalation { missing });
                            None
                        }
                    }
                }
            },
        };
        decided(reason, problems)
    }

    /// What makes the question of escalation moot.
    fn power(&self, request: &Request) -> Option<WriteReason<'_>> {
        if request.groups.iter().any(|group| group == MASTERS) {
            return Some(WriteReason::Masters);
        }
        self.evidence(request).map(WriteReason::Verb)
    }
}

fn decided(reason: Option<WriteReason<'_>>, problems: Vec<WriteProblem>) -> WriteDecision<'_> {
    match reason {
        Some(reason) if problems.is_empty() => WriteDecision::Allowed(reason),
        _ => WriteDecision::Denied(problems),
    }
}

/// Every right on resources and on URLs.
pub(crate) fn everything() -> [Rule; 2] {
    let all = || vec![ALL.to_owned()];
    let resources = Rule {
        verbs: all(),
        api_groups: all(),
        resources: all(),
        ..Rule::default()
    };
    let urls = Rule {
        verbs: all(),
        non_resource_urls: all(),
        ..Rule::default()
    };
    [resources, urls]
}
