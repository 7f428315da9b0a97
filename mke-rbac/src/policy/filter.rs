//! Lists: one subject and one operation, asked about many objects (R50).
//!
//! Where the operation is held is found once, from the grants of the subject. Each object then costs one slot, its
//! collection with the ancestors, instead of the grants on all of them.

use mke_core::ids::CollectionId;

use super::tree::Place;
use super::{Caller, Policy};
use crate::decision::Subject;
use crate::demand::Home;
use crate::operation::Operation;

/// One subject and one operation, asked about many objects: the filter of lists (R50).
#[derive(Debug, Clone)]
pub struct Filter<'p> {
    policy: &'p Policy,
    passes: Passes,
}

/// What passes a filter.
#[derive(Debug, Clone)]
enum Passes {
    /// Everything, conflicting labels too: the subject is an administrator.
    All,
    /// What lies on a marked collection or below one. Nothing when none is.
    Below(Marks),
}

/// A set of collections, one bit for each number.
#[derive(Debug, Clone, Default)]
struct Marks(Box<[u64]>);

impl Marks {
    fn new(places: usize) -> Self {
        Self(std::iter::repeat_n(0, places.div_ceil(64)).collect())
    }

    fn mark(&mut self, place: u32) {
        if let Some(word) = self.0.get_mut(place as usize / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// One or zero.
    fn bit(&self, place: u32) -> u64 {
        let word = self.0.get(place as usize / 64).copied().unwrap_or_default();
        (word >> (place % 64)) & 1
    }

    /// Whether the place or one above it is marked. All are read whatever the first ones say: that is cheaper
    /// than branches that depend on a slot which has just been asked for.
    fn reach(&self, place: Place<'_>) -> bool {
        let above = place.above.iter();
        above.fold(self.bit(place.number), |found, above| found | self.bit(*above)) != 0
    }
}

impl Filter<'_> {
    /// As [`Policy::may`].
    pub fn admits(&self, home: &Home) -> bool {
        match (&self.passes, home) {
            (Passes::All, _) => true,
            (_, Home::Conflicting) => false,
            (_, Home::Collection(id)) => self.admits_in(id),
        }
    }

    /// As [`Filter::admits`], for an object in this collection.
    pub fn admits_in(&self, collection: &CollectionId) -> bool {
        match &self.passes {
            Passes::All => true,
            Passes::Below(marks) => {
                let place = self.policy.place(collection);
                place.is_some_and(|place| marks.reach(place))
            }
        }
    }
}

impl Policy {
    /// A filter for a list of objects: whether the subject may use the operation on each. It reads all grants of the
    /// subject once; ask [`Policy::may`] about a few objects.
    pub fn filter(&self, subject: &Subject, operation: Operation) -> Filter<'_> {
        let passes = match self.caller(subject) {
            Err(_) => Passes::Below(Marks::default()),
            Ok(Caller::Administrator) => Passes::All,
            Ok(caller) => Passes::Below(self.marks(&caller, operation)),
        };
        Filter { policy: self, passes }
    }

    /// The collections on which a grant of the caller carries the operation.
    fn marks(&self, caller: &Caller<'_>, operation: Operation) -> Marks {
        let mut marks = Marks::new(self.names.places.len());
        let subjects = self.subjects(caller);
        let own = subjects.iter().flat_map(|subject| self.grants.of(subject));
        for (place, role) in own {
            if self.rights_of(role).modifiers(operation).is_some() {
                marks.mark(place);
            }
        }
        marks
    }
}
