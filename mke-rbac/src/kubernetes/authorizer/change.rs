//! Decides what a change of one role or binding touches.

use std::sync::Arc;

use super::Authorizer;
use super::asked::hash;
use super::held::{Hold, Indexed, Stored};
use super::roles::{Changed, RoleNumber};
use super::subjects::{Place, Sort, Whom, within};
use crate::kubernetes::change::{BindingKey, KubernetesChange};
use crate::kubernetes::identity::service_account_user;
use crate::kubernetes::model::{Binding, BindingKind, BindingSubject};

impl Authorizer {
    /// The snapshot after a change. This one stays as it is, and the two share everything that did not change.
    #[must_use]
    pub fn with(&self, change: &KubernetesChange) -> Self {
        let mut changed = self.clone();
        match change {
            KubernetesChange::PutRole(role) => {
                let roles = changed.roles.put(role);
                changed.follow(&roles);
            }
            KubernetesChange::RemoveRole(key) => {
                let roles = changed.roles.remove(key);
                changed.follow(&roles);
            }
            KubernetesChange::PutBinding(binding) => changed.put_binding(binding),
            KubernetesChange::RemoveBinding(key) => {
                changed.remove_binding(key);
            }
        }
        changed
    }

    /// Lets the indexes of piles follow roles.
    fn follow(&mut self, roles: &[Changed]) {
        for role in roles {
            for place in &role.piles {
                self.subjects.change(*place, |holds| {
                    holds.follow(role.number, role.before.as_deref(), role.after.as_deref());
                });
            }
        }
    }

    /// Puts a binding in the place of one with the same key.
    pub(super) fn put_binding(&mut self, binding: &Binding) {
        let key = binding.key();
        let number = key.as_ref().and_then(|key| self.withdraw(key));
        let number = number.unwrap_or_else(|| {
            self.next += 1;
            if let Some(key) = &key {
                self.names.insert(key, self.next);
            }
            self.next
        });
        let stored = Arc::new(Stored {
            number,
            binding: binding.clone(),
        });
        self.bindings.insert(number, Arc::clone(&stored));
        let Some((reached, role)) = Reached::of(binding).zip(binding.role_key()) else {
            return;
        };
        let role = self.roles.number(&role);
        self.roles.bind(role, reached.hash(), Arc::clone(&stored));
        for (subject, position) in binding.subjects.iter().zip(0..) {
            let Some(place) = reached.place(subject) else {
                continue;
            };
            let hold = Hold {
                role,
                subject: position,
                stored: Arc::clone(&stored),
            };
            let roles = &self.roles;
            let indexed = self.subjects.change(place, |holds| holds.add(hold, roles));
            self.note(place, indexed);
        }
    }

    /// Removes a binding.
    fn remove_binding(&mut self, key: &BindingKey) {
        if let Some(number) = self.withdraw(key) {
            self.bindings.remove(&number);
            self.names.remove(key, number);
        }
    }

    /// Takes from everybody what a binding gives, and says which number it has. The binding itself stays.
    fn withdraw(&mut self, key: &BindingKey) -> Option<u64> {
        let number = self.number(key)?;
        let stored = Arc::clone(self.bindings.get(&number)?);
        if let Some((reached, role)) = Reached::of(&stored.binding).zip(stored.binding.role_key()) {
            let role = self.roles.number(&role);
            self.take_from_all(role, &stored, &reached);
            self.roles.unbind(role, reached.hash(), number);
        }
        Some(number)
    }

    fn take_from_all(&mut self, role: RoleNumber, stored: &Stored, reached: &Reached<'_>) {
        for place in stored
            .binding
            .subjects
            .iter()
            .filter_map(|subject| reached.place(subject))
        {
            let roles = &self.roles;
            let indexed = self
                .subjects
                .change(place, |holds| holds.remove(role, stored.number, roles));
            self.note(place, indexed);
        }
    }

    fn note(&mut self, place: Place, indexed: Indexed) {
        for role in indexed.added {
            self.roles.index(role, place, true);
        }
        for role in indexed.removed {
            self.roles.index(role, place, false);
        }
    }
}

/// Where a binding reaches: the cluster, or one namespace with its hash.
struct Reached<'b> {
    namespace: Option<(&'b str, u64)>,
}

impl<'b> Reached<'b> {
    /// None for a role binding without a namespace, which reaches nowhere.
    fn of(binding: &'b Binding) -> Option<Self> {
        let namespace = match binding.kind {
            BindingKind::ClusterRoleBinding => None,
            BindingKind::RoleBinding => {
                let namespace = binding.namespace.as_deref()?;
                Some((namespace, hash(namespace)))
            }
        };
        Some(Self { namespace })
    }

    /// The hash of the namespace; none for the cluster.
    fn hash(&self) -> Option<u64> {
        self.namespace.map(|(_, hash)| hash)
    }

    /// Where something is held for a subject. A service account without a namespace takes that of the binding; in
    /// a cluster role binding it is nobody (R89).
    fn place(&self, subject: &BindingSubject) -> Option<Place> {
        let account;
        let whom = match subject {
            BindingSubject::User { name } => Whom::new(Sort::User, name),
            BindingSubject::Group { name } => Whom::new(Sort::Group, name),
            BindingSubject::ServiceAccount { name, namespace } => {
                let written = namespace.as_deref().filter(|namespace| !namespace.is_empty());
                let namespace = written.or(self.namespace.map(|(namespace, _)| namespace))?;
                account = service_account_user(namespace, name);
                Whom::new(Sort::User, &account)
            }
        };
        Some(match self.namespace {
            None => whom.place(),
            Some((_, hash)) => within(whom.place(), hash),
        })
    }
}
