//! Which collections somebody can see (R16). Seeing one shows nothing of its content.
//!
//! A collection is visible when a grant with a non-empty role lies on it or below it, so that the way there can
//! be walked, or when a grant above it carries an operation of a type other than Node and Image. The latter
//! leaves the built-in scheduler grant on `/Shared` out: it must not reveal what is inside.

use mke_core::ids::CollectionId;

use crate::decision::Subject;
use crate::operation::ObjectType;
use crate::policy::{Caller, CollectionInfo, Policy};
use crate::role::Rights;

/// Whether a role reveals the collections below the one it is granted on.
fn reveals_below(rights: &Rights) -> bool {
    rights.touches(|object_type| !matches!(object_type, ObjectType::Node | ObjectType::Image))
}

impl Policy {
    /// Whether the subject sees this collection.
    pub fn sees_collection(&self, subject: &Subject, collection: &CollectionId) -> bool {
        let Some(place) = self.place(collection) else {
            return false;
        };
        match self.caller(subject) {
            Err(_) => false,
            Ok(Caller::Administrator) => true,
            Ok(caller) => {
                let inherited = {
                    let mut found = false;
                    self.visit(&caller, place, |held| {
                        found = reveals_below(self.rights_of(held.role));
                        !found
                    });
                    found
                };
                inherited || self.holds_below(&caller, place.number)
            }
        }
    }

    /// Whether the caller holds anything on a collection or below it.
    fn holds_below(&self, caller: &Caller<'_>, above: u32) -> bool {
        let subjects = self.subjects(caller);
        let mut held = subjects.iter().flat_map(|subject| self.held_by(subject));
        held.any(|(place, role)| {
            !self.rights_of(role).is_empty() && self.way_up(place).any(|place| place == above)
        })
    }

    /// The number of a collection and those above it, nearest first.
    fn way_up(&self, place: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(place), |place| {
            let parent = self.spot(*place)?.parent;
            (parent != *place).then_some(parent)
        })
    }

    /// Every collection that the subject sees, parents before children.
    pub fn visible_collections(&self, subject: &Subject) -> Vec<&CollectionInfo> {
        let caller = match self.caller(subject) {
            Err(_) => return Vec::new(),
            Ok(Caller::Administrator) => return self.collections().collect(),
            Ok(caller) => caller,
        };
        let parents: Vec<_> = self.parents().collect();
        let mut shown = vec![false; parents.len()];
        let mut revealed = vec![false; parents.len()];
        let subjects = self.subjects(&caller);
        for (place, role) in subjects.iter().flat_map(|subject| self.held_by(subject)) {
            let rights = self.rights_of(role);
            if !rights.is_empty() {
                mark(&mut shown, place);
            }
            if reveals_below(rights) {
                mark(&mut revealed, place);
            }
        }
        // Parents have smaller numbers, so one pass down and one pass up reach everything.
        for (place, parent) in (0u32..).zip(&parents) {
            if is_marked(&revealed, *parent) {
                mark(&mut revealed, place);
            }
        }
        for (place, parent) in parents.iter().enumerate().rev() {
            if shown.get(place) == Some(&true) {
                mark(&mut shown, *parent);
            }
        }
        let numbers = (0u32..).zip(shown.iter().zip(&revealed));
        numbers
            .filter(|(_, (shown, revealed))| **shown || **revealed)
            .filter_map(|(place, _)| self.spot(place)?.info.as_deref())
            .collect()
    }
}

fn mark(marks: &mut [bool], place: u32) {
    if let Some(mark) = marks.get_mut(place as usize) {
        *mark = true;
    }
}

fn is_marked(marks: &[bool], place: u32) -> bool {
    marks.get(place as usize).copied().unwrap_or_default()
}
