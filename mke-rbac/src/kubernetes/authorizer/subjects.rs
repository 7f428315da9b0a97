//! Decides which bindings may reach somebody: an index from names and namespaces to what is held there.
//!
//! A place is found by its hash, so that a decision touches no text of anybody who holds nothing that matters. Two
//! places may share a hash: whoever finds a binding that matters compares the names.

use super::Map;
use super::asked::hash;
use super::held::Holds;
use crate::kubernetes::identity::is_service_account;
use crate::kubernetes::model::{Binding, BindingKind, BindingSubject};
use crate::policy::pages::Pages;

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

/// The place in a namespace, whose hash is given so that it is made once, of somebody with this place in the cluster.
#[inline]
pub(super) const fn within(cluster: Place, namespace: u64) -> Place {
    cluster.rotate_left(17) ^ namespace.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Somebody in one namespace or in the cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whom<'n> {
    sort: Sort,
    name: &'n str,
    namespace: Option<&'n str>,
}

impl<'n> Whom<'n> {
    /// Somebody in the cluster.
    #[inline]
    pub(super) const fn new(sort: Sort, name: &'n str) -> Self {
        Self {
            sort,
            name,
            namespace: None,
        }
    }

    /// The same in a namespace.
    #[inline]
    pub(super) const fn within(self, namespace: &'n str) -> Self {
        Self {
            namespace: Some(namespace),
            ..self
        }
    }

    #[inline]
    pub(super) fn place(&self) -> Place {
        let own = hash(self.name);
        let cluster = match self.sort {
            Sort::User => own,
            Sort::Group => own.rotate_left(32),
        };
        match self.namespace {
            None => cluster,
            Some(namespace) => within(cluster, hash(namespace)),
        }
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

/// Slots of one page. Probing never leaves the page, so that a change copies one page only.
const PAGE: usize = 32;
/// Places for each page, on average, before there are twice as many pages: most lie where they are looked for first.
const FILL: usize = 16;

/// One place. It is free when nothing is held there.
#[derive(Debug, Clone, Default)]
#[repr(align(32))]
struct Slot {
    place: Place,
    holds: Holds,
}

const _: () = assert!(size_of::<Slot>() == 32, "two slots are one line of the cache");

/// Where a place is in its page.
enum Found {
    Here(usize),
    /// It is not there, but could be here.
    Free(usize),
    /// It is not there, and the page is full.
    Full,
}

/// All places in which something is held. Cheap to clone; clones share the pages that did not change.
#[derive(Debug, Clone, Default)]
pub(super) struct Subjects {
    slots: Pages<Slot, PAGE>,
    pages: usize,
    /// Places in pages.
    len: usize,
    /// Places whose page is full.
    overflow: Map<Place, Holds>,
}

impl Subjects {
    /// An empty table with room for so many places.
    pub(super) fn with_capacity(places: usize) -> Self {
        let pages = places / FILL + 1;
        Self {
            slots: Pages::with_pages(pages),
            pages,
            ..Self::default()
        }
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<&Holds> {
        let (page, start) = self.first(place);
        let slots = self.slots.page(page)?;
        match find(slots, place, start) {
            Found::Here(at) => Some(&slots[at % PAGE].holds),
            Found::Free(_) => None,
            Found::Full => self.overflow.get(&place),
        }
    }

    /// Changes what is held in one place.
    pub(super) fn change<T>(&mut self, place: Place, change: impl FnOnce(&mut Holds) -> T) -> T {
        let (page, start) = self.first(place);
        let found = self.slots.page(page).map(|slots| find(slots, place, start));
        if let Some(Found::Here(at)) = found
            && let Some(slots) = self.slots.page_mut(page)
        {
            let holds = &mut slots[at % PAGE].holds;
            let outcome = change(holds);
            if holds.is_empty() {
                self.close(page);
            }
            return outcome;
        }
        let mut holds = self.overflow.remove(&place).unwrap_or_default();
        let outcome = change(&mut holds);
        self.put(place, holds);
        outcome
    }

    /// Puts a place that is not there.
    fn put(&mut self, place: Place, holds: Holds) {
        if holds.is_empty() {
            return;
        }
        if self.len >= self.pages * FILL {
            self.grow();
        }
        let (page, start) = self.first(place);
        let found = self.slots.page(page).map(|slots| find(slots, place, start));
        match (found, self.slots.page_mut(page)) {
            (Some(Found::Here(at) | Found::Free(at)), Some(slots)) => {
                slots[at % PAGE] = Slot { place, holds };
                self.len += 1;
            }
            _ => drop(self.overflow.insert(place, holds)),
        }
    }

    /// Puts the places of a page again after one became empty, so that none is behind a gap or left out.
    fn close(&mut self, page: usize) {
        let Some(slots) = self.slots.page_mut(page) else {
            return;
        };
        let old = std::mem::replace(slots, std::array::from_fn(|_| Slot::default()));
        let taken: Vec<_> = old.into_iter().filter(|slot| !slot.holds.is_empty()).collect();
        // The one that became empty is no longer among them.
        self.len -= taken.len() + 1;
        for slot in taken {
            self.put(slot.place, slot.holds);
        }
        let left_out = (self.overflow.keys().copied()).find(|place| self.first(*place).0 == page);
        if let Some(place) = left_out
            && let Some(holds) = self.overflow.remove(&place)
        {
            self.put(place, holds);
        }
    }

    /// Twice as many pages.
    fn grow(&mut self) {
        let old = std::mem::replace(self, Self::with_capacity((self.pages * FILL * 2).max(FILL)));
        let slots = old.slots.iter().map(|(_, slot)| (slot.place, slot.holds.clone()));
        let left_out = old.overflow.iter().map(|(place, holds)| (*place, holds.clone()));
        for (place, holds) in slots.chain(left_out) {
            self.put(place, holds);
        }
    }

    /// The page of a place, and where in it to begin.
    #[inline]
    const fn first(&self, place: Place) -> (usize, usize) {
        let wide = (place ^ 0x9e37_79b9_7f4a_7c15) as u128 * 0xd1b5_4a32_d192_ed03;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
        let mixed = wide as u64 ^ (wide >> 64) as u64;
        let page = (mixed as u128 * self.pages as u128) >> 64;
        (page as usize, mixed as usize % PAGE)
    }
}

#[inline]
fn find(slots: &[Slot; PAGE], place: Place, start: usize) -> Found {
    for step in 0..PAGE {
        let at = (start + step) % PAGE;
        let slot = &slots[at];
        if slot.holds.is_empty() {
            return Found::Free(at);
        }
        if slot.place == place {
            return Found::Here(at);
        }
    }
    Found::Full
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::kubernetes::authorizer::held::{Hold, Stored};
    use crate::kubernetes::model::{RoleKind, RoleRef};

    fn holds(number: u64) -> Holds {
        let binding = Binding {
            kind: BindingKind::ClusterRoleBinding,
            name: None,
            namespace: None,
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: String::new(),
            },
            subjects: Vec::new(),
        };
        Holds::One(Hold {
            role: 0,
            subject: 0,
            stored: Arc::new(Stored { number, binding }),
        })
    }

    fn number(holds: Option<&Holds>) -> Option<u64> {
        holds?.iter().next().map(|hold| hold.stored.number)
    }

    fn agrees(subjects: &Subjects, all: &BTreeMap<Place, u64>, places: &[Place]) {
        for place in places {
            assert_eq!(number(subjects.at(*place)), all.get(place).copied(), "{place}");
        }
    }

    /// Places come and go, with so many in one page that it is full, and while the table grows; snapshots that were
    /// taken before stay as they were.
    #[test]
    fn places_come_and_go() {
        let table = Subjects::with_capacity(40 * FILL);
        let crowded = (0..200_000_u64)
            .filter(|place| table.first(*place).0 == 7)
            .take(100);
        let places: Vec<Place> = crowded.chain(1_000_000..1_000_400).collect();
        let mut random = 1_u64;
        for start in [table, Subjects::default()] {
            let (mut subjects, mut all) = (start, BTreeMap::new());
            let mut full = false;
            for step in 0..6_000_u64 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let place = places[(random >> 33) as usize % places.len()];
                // Mostly additions, then mostly removals.
                let add = (random >> 20) % 4 < if step < 3_000 { 3 } else { 1 };
                let before = (step % 500 == 0).then(|| (subjects.clone(), all.clone()));
                subjects.change(place, |held| {
                    *held = if add { holds(step) } else { Holds::Nothing }
                });
                match add {
                    true => all.insert(place, step),
                    false => all.remove(&place),
                };
                full |= !subjects.overflow.is_empty();
                if let Some((subjects, all)) = before {
                    agrees(&subjects, &all, &places);
                }
                if step % 100 == 0 {
                    agrees(&subjects, &all, &places);
                }
                assert_eq!(subjects.len + subjects.overflow.len(), all.len());
            }
            agrees(&subjects, &all, &places);
            for place in &places {
                subjects.change(*place, |held| *held = Holds::Nothing);
            }
            agrees(&subjects, &BTreeMap::new(), &places);
            assert!(subjects.overflow.is_empty() && subjects.len == 0);
            assert!(
                full || subjects.pages < 40,
                "a page was full in the table that was large enough"
            );
        }
    }
}
