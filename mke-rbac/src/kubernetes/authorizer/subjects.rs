//! Decides which bindings reach somebody: an index from names to what is held in the cluster and in namespaces.

use std::sync::Arc;

use super::Map;
use super::held::Holds;

/// More namespaces than this have an index.
const FEW: usize = 8;

/// A kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// Users and service accounts, by user name.
    User,
    Group,
}

/// Where something is held: by whom, and in which namespace or in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) sort: Sort,
    pub(super) name: Arc<str>,
    pub(super) namespace: Option<Arc<str>>,
}

/// What one user or group holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) cluster: Holds,
    namespaces: Namespaces,
}

#[derive(Debug, Clone)]
enum Namespaces {
    Few(Vec<(Arc<str>, Holds)>),
    Many(Map<Arc<str>, Holds>),
}

impl Default for Namespaces {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Entry {
    pub(super) fn namespace(&self, namespace: &str) -> Option<&Holds> {
        match &self.namespaces {
            Namespaces::Few(few) => {
                let found = few.iter().find(|(own, _)| **own == *namespace);
                found.map(|(_, holds)| holds)
            }
            Namespaces::Many(many) => many.get(namespace),
        }
    }

    fn namespace_mut(&mut self, namespace: &Arc<str>) -> Option<&mut Holds> {
        if let Namespaces::Few(few) = &mut self.namespaces
            && few.len() >= FEW
            && few.iter().all(|(own, _)| own != namespace)
        {
            self.namespaces = Namespaces::Many(std::mem::take(few).into_iter().collect());
        }
        match &mut self.namespaces {
            Namespaces::Few(few) => {
                let position = few.iter().position(|(own, _)| own == namespace);
                let position = position.unwrap_or_else(|| {
                    few.push((Arc::clone(namespace), Holds::default()));
                    few.len() - 1
                });
                few.get_mut(position).map(|(_, holds)| holds)
            }
            Namespaces::Many(many) => Some(many.entry(Arc::clone(namespace)).or_default()),
        }
    }

    /// Drops what holds nothing.
    fn tidy(&mut self, namespace: Option<&Arc<str>>) {
        let Some(namespace) = namespace else {
            return;
        };
        match &mut self.namespaces {
            Namespaces::Few(few) => few.retain(|(_, holds)| !holds.is_empty()),
            Namespaces::Many(many) => {
                if many.get(namespace).is_some_and(Holds::is_empty) {
                    many.remove(namespace);
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        let nowhere = match &self.namespaces {
            Namespaces::Few(few) => few.is_empty(),
            Namespaces::Many(many) => many.is_empty(),
        };
        nowhere && self.cluster.is_empty()
    }
}

type Entries = Map<Arc<str>, Arc<Entry>>;

/// All users and groups that a binding names. Cheap to clone; clones share what they have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Subjects {
    users: Entries,
    groups: Entries,
}

impl Subjects {
    #[inline]
    pub(super) fn user(&self, name: &str) -> Option<&Entry> {
        self.users.get(name).map(|entry| &**entry)
    }

    #[inline]
    pub(super) fn group(&self, name: &str) -> Option<&Entry> {
        self.groups.get(name).map(|entry| &**entry)
    }

    /// Changes what is held in one place.
    pub(super) fn change<T>(&mut self, place: &Place, change: impl FnOnce(&mut Holds) -> T) -> Option<T> {
        let entries = match place.sort {
            Sort::User => &mut self.users,
            Sort::Group => &mut self.groups,
        };
        let entry = Arc::make_mut(entries.entry(Arc::clone(&place.name)).or_default());
        let holds = match &place.namespace {
            None => Some(&mut entry.cluster),
            Some(namespace) => entry.namespace_mut(namespace),
        };
        let outcome = holds.map(change);
        entry.tidy(place.namespace.as_ref());
        if entry.is_empty() {
            entries.remove(&place.name);
        }
        outcome
    }
}
