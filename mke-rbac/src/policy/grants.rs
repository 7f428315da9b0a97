//! Grants by subject: all grants of somebody, or those on one part of the tree.

use rustc_hash::FxHashMap;

use super::Warning;
use super::tree::{Place, Tree};
use crate::model::{Grant, GrantObject, GrantSubject};

/// What a grant gives, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its role.
    pub(crate) role: u32,
    /// Its position among all grants.
    pub(crate) grant: u32,
}

/// A grant in numbers: who, where, what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) subject: u32,
    pub(crate) place: Place,
    pub(crate) entry: Entry,
}

/// All grants on collections, by subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrantIndex {
    /// Subjects that have grants, numbered.
    numbers: FxHashMap<GrantSubject, u32>,
    /// Where the grants of each subject begin, and after the last one where they end.
    starts: Vec<u32>,
    /// Sorted by place within a subject.
    grants: Vec<(Place, Entry)>,
}

impl GrantIndex {
    /// Numbers the grants. Those that name an unknown collection or role do nothing.
    pub(crate) fn compile<'m>(
        grants: impl Iterator<Item = (usize, &'m Grant)>,
        tree: &Tree,
        role_of: impl Fn(usize, &Grant) -> Option<u32>,
        warnings: &mut Vec<Warning>,
    ) -> (Self, Vec<Placed>) {
        let mut numbers = FxHashMap::default();
        let mut placed = Vec::new();
        for (position, grant) in grants {
            let GrantObject::Collection(collection) = &grant.object else {
                continue;
            };
            let place = tree.by_id(collection.as_str());
            let role = role_of(position, grant);
            let (Some(place), Some(role), Ok(grant_number)) = (place, role, u32::try_from(position)) else {
                warnings.push(Warning::InertGrant(grant.clone()));
                continue;
            };
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            let subject = match numbers.get(&grant.subject) {
                Some(subject) => *subject,
                None => *numbers.entry(grant.subject.clone()).or_insert(next),
            };
            placed.push(Placed {
                subject,
                place,
                entry: Entry {
                    role,
                    grant: grant_number,
                },
            });
        }
        placed.sort_unstable_by_key(|grant| (grant.subject, grant.place, grant.entry.grant));
        let mut starts = vec![0; numbers.len() + 1];
        for grant in &placed {
            starts[grant.subject as usize + 1] += 1;
        }
        for subject in 1..starts.len() {
            starts[subject] += starts[subject - 1];
        }
        let index = Self {
            numbers,
            starts,
            grants: placed.iter().map(|grant| (grant.place, grant.entry)).collect(),
        };
        (index, placed)
    }

    /// The number of a subject; nothing when it has no grants.
    pub(crate) fn number(&self, subject: &GrantSubject) -> Option<u32> {
        self.numbers.get(subject).copied()
    }

    /// All grants of a subject, in the order of the tree.
    pub(crate) fn of(&self, subject: u32) -> &[(Place, Entry)] {
        let subject = subject as usize;
        &self.grants[self.starts[subject] as usize..self.starts[subject + 1] as usize]
    }

    /// The grants of a subject on the places from `place` to before `end`: a subtree.
    pub(crate) fn within(&self, subject: u32, place: Place, end: u32) -> &[(Place, Entry)] {
        let all = self.of(subject);
        let first = all.partition_point(|(at, _)| *at < place);
        let last = all.partition_point(|(at, _)| at.0 < end);
        &all[first..last]
    }
}
