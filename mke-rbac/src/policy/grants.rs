//! Grants in numbers, found from both ends: by collection for decisions, by subject for everything that somebody has.
//!
//! A grant takes six bytes in the line of its collection and eight in the list of its subject. Its ids are looked up
//! when somebody reads it, so a policy does not keep the texts of grants.

use crate::model::Grant;

use super::Place;
use super::pages::Pages;
use super::set::{Set, halves, pair};

/// Marks the role of a grant that follows the settings (R14) and was not made by anybody.
pub(crate) const IMPLIED: u32 = 1 << 31;

/// Grants of a collection that lie in its own two lines of the cache.
const LANES: usize = 16;
/// Says in place of a number of grants that they lie elsewhere.
const ELSEWHERE: u16 = u16::MAX;
/// A caller with more subjects is compared with each grant instead of each of its subjects with all.
const MANY: usize = 24;
/// Grants elsewhere are read one by one up to here, and searched beyond.
const READ: usize = 64;
/// Collections on the way to the root that are fetched together.
const TOGETHER: usize = 12;
/// Marks an implied grant in a lane.
const IMPLIED_LANE: u16 = 1 << 15;

/// A grant in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    pub(crate) subject: u32,
    pub(crate) place: u32,
    /// Its role, with [`IMPLIED`] where that is so.
    pub(crate) role: u32,
}

/// The grants on one collection. The first line holds all that a search reads until it finds something.
#[derive(Debug, Clone, Default)]
#[repr(C, align(64))]
pub(crate) struct Bucket {
    /// The subject of each grant, sorted; zeros behind them.
    subjects: [u32; LANES],
    roles: [u16; LANES],
    /// How many grants there are, or [`ELSEWHERE`].
    len: u16,
    more: Set,
}

const _: () = assert!(size_of::<Bucket>() <= 128, "a bucket is two lines of the cache");

/// A role in a lane, when it fits.
fn narrow(role: u32) -> Option<u16> {
    let number = u16::try_from(role & !IMPLIED)
        .ok()
        .filter(|number| *number < IMPLIED_LANE)?;
    Some(if role & IMPLIED == 0 {
        number
    } else {
        number | IMPLIED_LANE
    })
}

fn widen(role: u16) -> u32 {
    let number = u32::from(role & !IMPLIED_LANE);
    if role & IMPLIED_LANE == 0 {
        number
    } else {
        number | IMPLIED
    }
}

impl Bucket {
    /// Of pairs of subject and role, sorted.
    fn from_sorted(pairs: &[u64]) -> Self {
        let mut bucket = Self::default();
        let lanes = bucket.subjects.iter_mut().zip(&mut bucket.roles);
        let mut fits = pairs.len() <= LANES;
        for (pair, (subject, role)) in pairs.iter().zip(lanes) {
            let (number, wide) = halves(*pair);
            *subject = number;
            *role = narrow(wide).unwrap_or_default();
            fits &= narrow(wide).is_some();
        }
        if fits {
            bucket.len = u16::try_from(pairs.len()).unwrap_or_default();
            return bucket;
        }
        Self {
            len: ELSEWHERE,
            more: Set::from_sorted(pairs),
            ..Self::default()
        }
    }

    /// All pairs of subject and role, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let lanes = self.subjects.iter().zip(&self.roles).take(self.lanes());
        let lanes = lanes.map(|(subject, role)| (*subject, widen(*role)));
        lanes.chain(self.more.iter().map(halves))
    }

    const fn lanes(&self) -> usize {
        if self.len == ELSEWHERE {
            0
        } else {
            self.len as usize
        }
    }

    fn change(&mut self, entry: u64, add: bool) -> bool {
        if self.len == ELSEWHERE {
            let changed = if add {
                self.more.insert(entry)
            } else {
                self.more.remove(entry)
            };
            if changed && self.more.len() <= LANES / 2 {
                let pairs: Vec<_> = self.more.iter().collect();
                *self = Self::from_sorted(&pairs);
            }
            return changed;
        }
        let mut pairs: Vec<_> = self.iter().map(|(subject, role)| pair(subject, role)).collect();
        match (pairs.binary_search(&entry), add) {
            (Err(position), true) => pairs.insert(position, entry),
            (Ok(position), false) => drop(pairs.remove(position)),
            _ => return false,
        }
        *self = Self::from_sorted(&pairs);
        true
    }

    /// Visits the grants of these subjects until the visitor says false.
    #[inline]
    fn visit(&self, subjects: &Subjects<'_>, visit: &mut impl FnMut(u32, u32) -> bool) -> bool {
        if subjects.own.len() > MANY {
            return self.visit_each(subjects, visit);
        }
        let mut same = [0; LANES];
        compare(&mut same, &self.subjects, subjects.own);
        compare(&mut same, &self.subjects, subjects.common);
        let found = same.iter().fold(0, |found, same| found | same);
        // What lies elsewhere has zeros in its lanes, which may or may not be a subject.
        if self.len == ELSEWHERE {
            return self.visit_elsewhere(subjects, visit);
        }
        if found == 0 {
            return true;
        }
        let lanes = self.subjects.iter().zip(&self.roles).zip(&same);
        for ((subject, role), same) in lanes.take(usize::from(self.len)) {
            if *same != 0 && !visit(*subject, widen(*role)) {
                return false;
            }
        }
        true
    }

    #[cold]
    fn visit_each(&self, subjects: &Subjects<'_>, visit: &mut impl FnMut(u32, u32) -> bool) -> bool {
        if self.len == ELSEWHERE {
            return self.visit_elsewhere(subjects, visit);
        }
        let lanes = self.subjects.iter().zip(&self.roles).take(usize::from(self.len));
        let mut own = lanes.filter(|(subject, _)| subjects.contains(**subject));
        own.all(|(subject, role)| visit(*subject, widen(*role)))
    }

    /// Grants pile up on collections near the root: there each subject is searched for.
    #[inline(never)]
    fn visit_elsewhere(&self, subjects: &Subjects<'_>, visit: &mut impl FnMut(u32, u32) -> bool) -> bool {
        if let Set::Small(pairs) = &self.more
            && pairs.len() <= READ
        {
            let mut pairs = pairs.iter().copied().map(halves);
            return pairs.all(|(subject, role)| !subjects.contains(subject) || visit(subject, role));
        }
        subjects.iter().all(|subject| {
            let mut roles = self.more.seconds(subject);
            roles.all(|role| visit(subject, role))
        })
    }
}

/// Marks the lanes that hold one of the wanted subjects. All lanes are compared at once, without a branch that nobody
/// could predict.
#[inline]
fn compare(same: &mut [u32; LANES], lanes: &[u32; LANES], wanted: &[u32]) {
    let mut marks = *same;
    for subject in wanted {
        for (mark, lane) in marks.iter_mut().zip(lanes) {
            *mark |= if lane == subject { u32::MAX } else { 0 };
        }
    }
    *same = marks;
}

/// The subjects through which grants reach a caller: its own, and those that reach everybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subjects<'p> {
    own: &'p [u32],
    common: &'p [u32],
}

impl<'p> Subjects<'p> {
    /// The lists must be sorted and have nothing in common.
    pub(crate) const fn new(own: &'p [u32], common: &'p [u32]) -> Self {
        Self { own, common }
    }

    /// The numbers of its own.
    pub(crate) const fn own(&self) -> &'p [u32] {
        self.own
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + 'p {
        self.own.iter().chain(self.common).copied()
    }

    fn contains(&self, subject: u32) -> bool {
        let own = match self.own.len() {
            0..=16 => self
                .own
                .iter()
                .fold(false, |found, own| found | (*own == subject)),
            _ => self.own.binary_search(&subject).is_ok(),
        };
        own || self.common.contains(&subject)
    }
}

/// All grants on collections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    at: Pages<Bucket, 32>,
    /// Pairs of place and role, by subject.
    of: Pages<Set, 32>,
    /// How many of them were made, and how many follow the settings.
    pub(crate) made: usize,
    pub(crate) implied: usize,
    /// Grants that name an unknown collection or role.
    pub(crate) inert: imbl::OrdSet<Grant>,
    /// Grants on Kubernetes namespaces: kept, never asked here.
    pub(crate) namespaced: imbl::OrdSet<Grant>,
}

impl Grants {
    /// Room for so many collections and subjects.
    pub(crate) fn fit(&mut self, places: usize, subjects: usize) {
        while self.at.len() < places {
            self.at.push(Bucket::default());
        }
        while self.of.len() < subjects {
            self.of.push(Set::Empty);
        }
    }

    /// Fills an empty index.
    pub(crate) fn fill(&mut self, mut all: Vec<Held>) {
        all.sort_unstable_by_key(|held| (held.place, held.subject, held.role));
        all.dedup();
        self.implied = all.iter().filter(|held| held.role & IMPLIED != 0).count();
        self.made = all.len() - self.implied;
        let mut pairs = Vec::new();
        for here in all.chunk_by(|one, other| one.place == other.place) {
            pairs.clear();
            pairs.extend(here.iter().map(|held| pair(held.subject, held.role)));
            let first = here.first().and_then(|held| self.at.get_mut(held.place));
            first
                .into_iter()
                .for_each(|bucket| *bucket = Bucket::from_sorted(&pairs));
        }
        all.sort_unstable();
        for own in all.chunk_by(|one, other| one.subject == other.subject) {
            pairs.clear();
            pairs.extend(own.iter().map(|held| pair(held.place, held.role)));
            let first = own.first().and_then(|held| self.of.get_mut(held.subject));
            first.into_iter().for_each(|set| *set = Set::from_sorted(&pairs));
        }
    }

    /// Adds a grant; false when it was there.
    pub(crate) fn insert(&mut self, held: Held) -> bool {
        self.change(held, true)
    }

    /// Takes a grant out; false when it was not there.
    pub(crate) fn remove(&mut self, held: Held) -> bool {
        self.change(held, false)
    }

    fn change(&mut self, held: Held, add: bool) -> bool {
        if self.contains(held) == add {
            return false;
        }
        if let Some(bucket) = self.at.get_mut(held.place) {
            bucket.change(pair(held.subject, held.role), add);
        }
        if let Some(set) = self.of.get_mut(held.subject) {
            let entry = pair(held.place, held.role);
            let _ = if add { set.insert(entry) } else { set.remove(entry) };
        }
        let count = if held.role & IMPLIED == 0 {
            &mut self.made
        } else {
            &mut self.implied
        };
        *count = if add { *count + 1 } else { *count - 1 };
        true
    }

    pub(crate) fn contains(&self, held: Held) -> bool {
        let own = self.of.get(held.subject);
        own.is_some_and(|own| own.contains(pair(held.place, held.role)))
    }

    /// The grants on a place, as pairs of subject and role.
    pub(crate) fn at(&self, place: u32) -> impl Iterator<Item = (u32, u32)> {
        self.at.get(place).into_iter().flat_map(Bucket::iter)
    }

    /// The grants of a subject, as pairs of place and role, by place.
    pub(crate) fn of(&self, subject: u32) -> impl Iterator<Item = (u32, u32)> {
        self.of.get(subject).into_iter().flat_map(Set::iter).map(halves)
    }

    /// All grants on collections.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Held> {
        self.of.iter().flat_map(|(subject, set)| {
            set.iter()
                .map(halves)
                .map(move |(place, role)| Held { subject, place, role })
        })
    }

    /// Visits the grants of the subjects on a place and on those above it, in this order, until the visitor says
    /// false.
    pub(crate) fn visit(
        &self,
        subjects: &Subjects<'_>,
        place: Place<'_>,
        mut visit: impl FnMut(Held) -> bool,
    ) {
        // A search costs what waiting for memory costs, so all lines are asked for before the first one is read.
        let mut near = [(0, None); TOGETHER];
        let mut lens = 0;
        for (near, number) in near.iter_mut().zip(place.way_up()) {
            let bucket = self.at.get(number);
            lens ^= bucket.map_or(0, |bucket| bucket.subjects[0]);
            *near = (number, bucket);
        }
        std::hint::black_box(lens);
        let near = near.into_iter().take(place.above.len() + 1);
        let far = place.above.iter().skip(TOGETHER - 1);
        let far = far.map(|number| (*number, self.at.get(*number)));
        for (place, bucket) in near.chain(far) {
            let mut here = |subject, role| visit(Held { subject, place, role });
            if bucket.is_some_and(|bucket| !bucket.visit(subjects, &mut here)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bucket means the same in its lanes and elsewhere, on the way up and down, with roles that fit and roles
    /// that do not.
    #[test]
    fn buckets_of_every_size() {
        let entry = |number: u32| match number % 5 {
            0 => (number, 70_000),
            1 => (number, IMPLIED | 3),
            _ => (number / 3, number),
        };
        for roles_fit in [true, false] {
            let numbers: Vec<_> = (0..60).filter(|number| !roles_fit || number % 5 != 0).collect();
            let mut bucket = Bucket::default();
            let mut expected = std::collections::BTreeSet::new();
            for (step, number) in numbers.iter().chain(&numbers).enumerate() {
                let (subject, role) = entry(*number);
                let add = step < numbers.len();
                assert!(bucket.change(pair(subject, role), add));
                assert!(!bucket.change(pair(subject, role), add));
                if add {
                    expected.insert((subject, role));
                } else {
                    expected.remove(&(subject, role));
                }
                assert!(bucket.iter().eq(expected.iter().copied()));
                let own = [2, 5, 20, 512 + 5, 1000];
                let subjects = Subjects::new(&own, &[0]);
                let mut found = Vec::new();
                bucket.visit(&subjects, &mut |subject, role| {
                    found.push((subject, role));
                    true
                });
                found.sort_unstable();
                let wanted = expected.iter().copied();
                let wanted = wanted.filter(|(subject, _)| *subject == 0 || own.contains(subject));
                assert!(found.into_iter().eq(wanted));
            }
        }
    }
}
