//! Decides whether anything allows a request (R80 to R85, R89, R90).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::change::{BindingKey, KubernetesChange, RoleKey};
use super::evidence::{KubernetesDecision, KubernetesDenial, KubernetesEvidence, RuleEvidence};
use super::model::{Binding, BindingKind, BindingSubject, KubernetesRole, Rbac, Request, RoleKind, Rule};
use super::who_can::KubernetesWhoCan;

/// The group whose members pass everything (R90).
pub const MASTERS: &str = "system:masters";

/// Roles and bindings, ready for questions. Cheap to clone; it never changes.
#[derive(Debug, Clone)]
pub struct Authorizer {
    rbac: Arc<Rbac>,
}

impl Authorizer {
    /// Compiles roles and bindings. A reference to a missing role gives nothing. Of two roles with the same kind,
    /// namespace and name the first one counts, and so it is with bindings that have names.
    pub fn compile(rbac: &Rbac) -> Self {
        let mut kept = Rbac::default();
        let mut seen = BTreeSet::new();
        for role in &rbac.roles {
            if seen.insert(role.key()) {
                kept.roles.push(role.clone());
            }
        }
        let mut seen = BTreeSet::new();
        for binding in &rbac.bindings {
            if binding.key().is_none_or(|key| seen.insert(key)) {
                kept.bindings.push(binding.clone());
            }
        }
        Self { rbac: Arc::new(kept) }
    }

    /// The roles and bindings, as data.
    pub fn to_rbac(&self) -> Rbac {
        (*self.rbac).clone()
    }

    /// Every role.
    pub fn roles(&self) -> impl Iterator<Item = &KubernetesRole> {
        self.rbac.roles.iter()
    }

    /// Every binding.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.rbac.bindings.iter()
    }

    /// The role with this key.
    pub fn role(&self, key: &RoleKey) -> Option<&KubernetesRole> {
        self.rbac.roles.iter().find(|role| role.key() == *key)
    }

    /// The binding with this key.
    pub fn binding(&self, key: &BindingKey) -> Option<&Binding> {
        self.rbac
            .bindings
            .iter()
            .find(|binding| binding.key().as_ref() == Some(key))
    }

    /// The rules that a role gives, each with the role in which it is written. For an aggregated cluster role
    /// those are the rules of the roles that it selects, which may be aggregated in turn (R85). None when there
    /// is no such role.
    pub fn rules_of(&self, key: &RoleKey) -> Option<Vec<(&KubernetesRole, &Rule)>> {
        let rules = self.sources(self.role(key)?);
        Some(rules.map(|(source, _, rule)| (source, rule)).collect())
    }

    /// Whether anything allows the request. Allocates nothing.
    pub fn allows(&self, request: &Request) -> bool {
        self.decide(request).is_allowed()
    }

    /// Whether anything allows the request, and what.
    pub fn decide<'a>(&'a self, request: &'a Request) -> KubernetesDecision<'a> {
        if request.groups.iter().any(|group| group == MASTERS) {
            return KubernetesDecision::Allowed(KubernetesEvidence::Masters);
        }
        match self.evidence(request) {
            Some(evidence) => KubernetesDecision::Allowed(KubernetesEvidence::Rule(evidence)),
            None => KubernetesDecision::Denied(KubernetesDenial { request }),
        }
    }

    /// A rule that allows the request, without a look at `system:masters`.
    pub(super) fn evidence(&self, request: &Request) -> Option<RuleEvidence<'_>> {
        let held = self.held_rules(&request.user, &request.groups, request.scope());
        held.into_iter().find(|evidence| {
            let with_urls = evidence.binding.kind == BindingKind::ClusterRoleBinding;
            evidence.rule.allows(request, with_urls)
        })
    }

    /// The snapshot after a change. This one stays as it is.
    #[must_use]
    pub fn with(&self, change: &KubernetesChange) -> Self {
        let mut rbac = self.to_rbac();
        match change {
            KubernetesChange::PutRole(role) => {
                let key = role.key();
                rbac.roles.retain(|old| old.key() != key);
                rbac.roles.push(role.clone());
            }
            KubernetesChange::RemoveRole(key) => rbac.roles.retain(|old| old.key() != *key),
            KubernetesChange::PutBinding(binding) => {
                if let Some(key) = binding.key() {
                    rbac.bindings.retain(|old| old.key().as_ref() != Some(&key));
                }
                rbac.bindings.push(binding.clone());
            }
            KubernetesChange::RemoveBinding(key) => {
                rbac.bindings.retain(|old| old.key().as_ref() != Some(key));
            }
        }
        Self { rbac: Arc::new(rbac) }
    }

    /// Whom bindings allow the request; its user and groups are ignored. Members of `system:masters` may always.
    pub fn who_can<'a>(&'a self, request: &Request) -> KubernetesWhoCan<'a> {
        let mut found = KubernetesWhoCan::default();
        let scope = request.scope();
        for binding in self
            .rbac
            .bindings
            .iter()
            .filter(|binding| in_scope(binding, scope))
        {
            let with_urls = binding.kind == BindingKind::ClusterRoleBinding;
            let Some(role) = binding.role_key().and_then(|key| self.role(&key)) else {
                continue;
            };
            let mut rules = self.sources(role);
            let Some((source, rule_index, rule)) = rules.find(|(_, _, rule)| rule.allows(request, with_urls))
            else {
                continue;
            };
            for subject in &binding.subjects {
                let evidence = RuleEvidence {
                    binding,
                    subject,
                    role,
                    source: (source != role).then_some(source),
                    rule_index,
                    rule,
                };
                found.add(evidence);
            }
        }
        found
    }

    /// Every rule that somebody holds in a namespace, or in the whole cluster: what `can-i --list` shows.
    pub fn rules_for(&self, user: &str, groups: &[String], namespace: Option<&str>) -> Vec<&Rule> {
        let held = self.held_rules(user, groups, namespace);
        held.into_iter().map(|evidence| evidence.rule).collect()
    }

    /// Every rule that somebody holds in a namespace, or in the whole cluster, with the way by which it is held.
    /// Membership in `system:masters` adds none.
    pub fn held_rules(
        &self,
        user: &str,
        groups: &[String],
        namespace: Option<&str>,
    ) -> Vec<RuleEvidence<'_>> {
        let scope = namespace.filter(|namespace| !namespace.is_empty());
        let applicable = self
            .rbac
            .bindings
            .iter()
            .filter(move |binding| in_scope(binding, scope));
        applicable
            .filter_map(move |binding| {
                let subject = binding
                    .subjects
                    .iter()
                    .find(|subject| reaches(binding, subject, user, groups))?;
                let role = self.role(&binding.role_key()?)?;
                Some((binding, subject, role))
            })
            .flat_map(move |(binding, subject, role)| {
                self.sources(role)
                    .map(move |(source, rule_index, rule)| RuleEvidence {
                        binding,
                        subject,
                        role,
                        source: (source != role).then_some(source),
                        rule_index,
                        rule,
                    })
            })
            .collect()
    }

    fn sources<'a>(
        &'a self,
        role: &'a KubernetesRole,
    ) -> impl Iterator<Item = (&'a KubernetesRole, usize, &'a Rule)> {
        let mut plain = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let mut waiting = vec![role];
        while let Some(role) = waiting.pop() {
            if seen.contains(&role.name.as_str()) {
                continue;
            }
            match &role.aggregate {
                Some(selectors) if role.kind == RoleKind::ClusterRole => {
                    seen.push(&role.name);
                    let selected = self.rbac.roles.iter().filter(|other| {
                        other.kind == RoleKind::ClusterRole
                            && selectors.iter().any(|selector| selector.selects(&other.labels))
                    });
                    waiting.extend(selected);
                }
                _ => plain.push(role),
            }
        }
        plain.into_iter().flat_map(|role| {
            let rules = role.rules.iter().enumerate();
            rules.map(move |(index, rule)| (role, index, rule))
        })
    }
}

fn in_scope(binding: &Binding, scope: Option<&str>) -> bool {
    match binding.kind {
        BindingKind::ClusterRoleBinding => true,
        BindingKind::RoleBinding => binding.namespace.is_some() && binding.namespace.as_deref() == scope,
    }
}

fn reaches(binding: &Binding, subject: &BindingSubject, user: &str, groups: &[String]) -> bool {
    match subject {
        BindingSubject::User { name } => name == user,
        BindingSubject::Group { name } => groups.contains(name),
        BindingSubject::ServiceAccount { name, namespace } => {
            match namespace.as_deref().or(binding.namespace.as_deref()) {
                Some(namespace) => user == format!("system:serviceaccount:{namespace}:{name}"),
                None => false,
            }
        }
    }
}
