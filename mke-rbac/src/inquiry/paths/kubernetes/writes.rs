//! Bindings and roles that somebody may write although they give more than the writer has (R86, R87).

use std::collections::BTreeSet;

use super::{Cluster, Move, State, is_everything};
use crate::inquiry::directory::Identity;
use crate::inquiry::log::KubernetesUse;
use crate::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, RBAC_GROUP, RoleKind, RoleRef, Rule, WriteDecision,
    WriteReason, WriteVerb,
};

impl Cluster<'_> {
    /// Bindings and roles that give more than their writer has (R86, R87). Who has everything gains nothing by them.
    pub(super) fn writes(&self, state: &State) -> Vec<Move> {
        let State::As(identity) = state else {
            return Vec::new();
        };
        let mut moves = Vec::new();
        for namespace in [None].into_iter().chain(self.namespaces.iter().map(Some)) {
            moves.extend(self.bind(identity, namespace.map(String::as_str)));
        }
        moves.extend(self.escalate(identity));
        moves
    }

    fn gained(namespace: Option<&str>) -> State {
        namespace.map_or(State::Everything, |namespace| State::All(namespace.to_owned()))
    }

    /// Whether there is nothing left to give.
    fn has_everything(&self, identity: &Identity, namespace: Option<&str>) -> bool {
        let held = self
            .authorizer
            .rules_for(&identity.user, &identity.groups, namespace);
        held.into_iter().any(is_everything)
    }

    fn bind(&self, identity: &Identity, namespace: Option<&str>) -> Option<Move> {
        if self.has_everything(identity, namespace) {
            return None;
        }
        self.powerful.iter().find_map(|role| {
            let binding = Binding {
                kind: match namespace {
                    Some(_) => BindingKind::RoleBinding,
                    None => BindingKind::ClusterRoleBinding,
                },
                name: Some("way-to-root".to_owned()),
                namespace: namespace.map(str::to_owned),
                role: RoleRef {
                    kind: RoleKind::ClusterRole,
                    name: role.clone(),
                },
                subjects: vec![BindingSubject::User {
                    name: identity.user.clone(),
                }],
            };
            let decision = self.authorizer.may_write_binding(
                &identity.user,
                &identity.groups,
                WriteVerb::Create,
                &binding,
            );
            let WriteDecision::Allowed(WriteReason::Verb(evidence)) = decision else {
                return None;
            };
            let needs = ["create", "bind"].map(|verb| KubernetesUse {
                verb: verb.to_owned(),
                group: RBAC_GROUP.to_owned(),
                resource: Some(match verb {
                    "bind" => "clusterroles".to_owned(),
                    _ => binding.kind.resource().to_owned(),
                }),
                name: (verb == "bind").then(|| role.clone()),
                namespace: namespace.map(str::to_owned),
                ..KubernetesUse::default()
            });
            let place = namespace.map_or("the cluster".to_owned(), |namespace| {
                format!("namespace {namespace}")
            });
            Some(Move {
                to: Some(Self::gained(namespace)),
                step: self.step(
                    "bind",
                    &format!("bind oneself to {role} in {place}"),
                    needs.to_vec(),
                    vec![evidence.to_string()],
                ),
                conditions: Vec::new(),
            })
        })
    }

    fn escalate(&self, identity: &Identity) -> Vec<Move> {
        let mut moves = Vec::new();
        let mut seen = BTreeSet::new();
        let scopes = [None]
            .into_iter()
            .chain(self.namespaces.iter().map(|name| Some(name.as_str())));
        for scope in scopes {
            if self.has_everything(identity, scope) {
                continue;
            }
            for held in self
                .authorizer
                .held_rules(&identity.user, &identity.groups, scope)
            {
                let cluster = held.binding.kind == BindingKind::ClusterRoleBinding;
                let namespace = if cluster { None } else { scope };
                if !seen.insert((held.role.key(), namespace)) || held.role.aggregate.is_some() {
                    continue;
                }
                let wanted = KubernetesRole {
                    rules: vec![everything()],
                    ..held.role.clone()
                };
                let write = [WriteVerb::Update, WriteVerb::Patch]
                    .into_iter()
                    .find_map(|verb| {
                        let decision =
                            self.authorizer
                                .may_write_role(&identity.user, &identity.groups, verb, &wanted);
                        match decision {
                            WriteDecision::Allowed(WriteReason::Verb(evidence)) => {
                                Some((verb, evidence.to_string()))
                            }
                            _ => None,
                        }
                    });
                let Some((verb, by)) = write else {
                    continue;
                };
                let needs = [verb.word(), "escalate"].map(|verb| KubernetesUse {
                    verb: verb.to_owned(),
                    group: RBAC_GROUP.to_owned(),
                    resource: Some(held.role.kind.resource().to_owned()),
                    name: Some(held.role.name.clone()),
                    namespace: held.role.namespace.clone(),
                    ..KubernetesUse::default()
                });
                moves.push(Move {
                    to: Some(Self::gained(namespace)),
                    step: self.step(
                        "escalate",
                        &format!(
                            "write every right into the own {} {}",
                            held.role.kind.word(),
                            held.role.name
                        ),
                        needs.to_vec(),
                        vec![by],
                    ),
                    conditions: Vec::new(),
                });
            }
        }
        moves
    }
}

fn everything() -> Rule {
    let all = || vec!["*".to_owned()];
    Rule {
        verbs: all(),
        api_groups: all(),
        resources: all(),
        ..Rule::default()
    }
}
