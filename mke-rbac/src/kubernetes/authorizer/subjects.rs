//! Decides which bindings may reach somebody: an index from names and namespaces to what is held there.
//!
//! A place is found by its hash, so that a decision touches no text of anybody who holds nothing that matters. Two
//! places may share a hash: whoever finds a binding that matters compares the names.

use super::Map;
use super::asked::hash;
use super::held::Holds;
use crate::kubernetes::identity::is_service_account;
use crate::kubernetes::model::{Binding, BindingKind, BindingSubject};

/// A kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Users and service accounts, by user name.
    User,
    /// Groups.
    Group,
}

/// The hash of whom something is held by, and where.
pub(super) type Place = u64;

/// Somebody in one namespace or in the cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whom<'n> {
    sort: Sort,
    name: &'n str,
    namespace: Option<&'n str>,
    hash: u64,
}

impl<'n> Whom<'n> {
    /// Somebody in the cluster.
    pub(super) fn new(sort: Sort, name: &'n str) -> Self {
        let own = hash(name);
        Self {
            sort,
            name,
            namespace: None,
            hash: match sort {
                Sort::User => own,
                Sort::Group => own.rotate_left(32),
            },
        }
    }

    /// The same in a namespace, whose hash is given so that it is made once.
    pub(super) const fn within(self, namespace: &'n str, hash: u64) -> Self {
        Self {
            namespace: Some(namespace),
            hash: self.hash.rotate_left(17) ^ hash.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            ..self
        }
    }

    pub(super) const fn place(&self) -> Place {
        self.hash
    }

    /// Whether the binding really reaches them through this subject.
    pub(super) fn is(&self, binding: &Binding, subject: &BindingSubject) -> bool {
        let here = match (binding.kind, self.namespace) {
            (BindingKind::ClusterRoleBinding, None) => true,
            (BindingKind::RoleBinding, Some(namespace)) => binding.namespace.as_deref() == Some(namespace),
            _ => false,
        };
        here && match (subject, self.sort) {
            (BindingSubject::User { name }, Sort::User) | (BindingSubject::Group { name }, Sort::Group) => {
                name == self.name
            }
            (BindingSubject::ServiceAccount { name, namespace }, Sort::User) => {
                let written = namespace.as_deref().filter(|namespace| !namespace.is_empty());
                let Some(namespace) = written.or(self.namespace) else {
                    return false;
                };
                is_service_account(self.name, namespace, name)
            }
            _ => false,
        }
    }
}

/// All places in which something is held. Cheap to clone; clones share what they have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Subjects {
    places: Map<Place, Holds>,
}

impl Subjects {
    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<&Holds> {
        self.places.get(&place)
    }

    /// Changes what is held in one place.
    pub(super) fn change<T>(&mut self, place: Place, change: impl FnOnce(&mut Holds) -> T) -> T {
        let holds = self.places.entry(place).or_default();
        let outcome = change(holds);
        if holds.is_empty() {
            self.places.remove(&place);
        }
        outcome
    }
}
