//! Grants by collection: which grants of somebody lie on a collection or above it (R21).
//!
//! The answer is found by walking from the collection to the root. Each collection on the way has a short sorted
//! list of the subjects that hold grants on it. A caller has a handful of subjects; one bit for each, in a word,
//! rules almost every other entry out without looking further.

use super::grants::{Entry, Placed};
use super::tree::{Place, Tree};

/// Lists longer than this are searched instead of read: grants pile up on collections near the root.
const READ: usize = 64;

/// The subjects of one caller: their numbers in order, and a word with a bit for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subjects<'p> {
    numbers: &'p [u32],
    filter: u64,
}

impl<'p> Subjects<'p> {
    /// The numbers must be sorted, without doubles.
    pub(crate) fn new(numbers: &'p [u32]) -> Self {
        Self {
            numbers,
            filter: Self::filter(numbers),
        }
    }

    /// As [`Subjects::new`], with the filter made earlier.
    pub(crate) const fn with_filter(numbers: &'p [u32], filter: u64) -> Self {
        Self { numbers, filter }
    }

    /// The word for these numbers.
    pub(crate) fn filter(numbers: &[u32]) -> u64 {
        numbers.iter().fold(0, |filter, number| filter | bit(*number))
    }

    pub(crate) const fn numbers(&self) -> &'p [u32] {
        self.numbers
    }

    fn contains(&self, number: u32) -> bool {
        self.filter & bit(number) != 0 && self.numbers.contains(&number)
    }
}

const fn bit(number: u32) -> u64 {
    1 << (number % u64::BITS)
}

/// A run of entries: the grants on one collection.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
}

/// All grants, by collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Above {
    /// Where the runs of each place begin, and after the last one where they end.
    starts: Vec<u32>,
    /// For each place the runs on it and above it, nearest first, without empty ones. They stand together, so
    /// that no step of the walk waits for the one before it.
    runs: Vec<Run>,
    /// The subject of each entry, sorted within a run; apart from the rest because the walk reads only this.
    subjects: Vec<u32>,
    entries: Vec<Entry>,
}

impl Above {
    pub(crate) fn compile(mut grants: Vec<Placed>, tree: &Tree) -> Self {
        grants.sort_unstable_by_key(|grant| (grant.place, grant.subject, grant.entry.grant));
        let mut above = Self {
            starts: Vec::with_capacity(tree.infos().len() + 1),
            runs: Vec::new(),
            subjects: grants.iter().map(|grant| grant.subject).collect(),
            entries: grants.iter().map(|grant| grant.entry).collect(),
        };
        above.starts.push(0);
        let mut start = 0;
        for number in 0..tree.infos().len() {
            let place = Place(position(number));
            let here = grants[start..].iter().take_while(|grant| grant.place == place);
            let end = start + here.count();
            if start < end {
                above.runs.push(Run {
                    start: position(start),
                    end: position(end),
                });
            }
            // The walk of the tree puts parents first, so their runs are there.
            if let Some(parent) = tree.parent(place) {
                above.runs.extend_from_within(above.range(parent));
            }
            above.starts.push(position(above.runs.len()));
            start = end;
        }
        above
    }

    fn range(&self, place: Place) -> std::ops::Range<usize> {
        let place = place.0 as usize;
        self.starts[place] as usize..self.starts[place + 1] as usize
    }

    /// Visits the grants of the subjects on the place and above it, nearest first, until the visitor says false.
    pub(crate) fn visit(&self, subjects: Subjects<'_>, place: Place, mut visit: impl FnMut(Entry) -> bool) {
        for run in &self.runs[self.range(place)] {
            let range = run.start as usize..run.end as usize;
            let listed = &self.subjects[range.clone()];
            let entries = &self.entries[range];
            let go_on = if listed.len() <= READ {
                read(listed, entries, subjects, &mut visit)
            } else {
                search(listed, entries, subjects, &mut visit)
            };
            if !go_on {
                return;
            }
        }
    }
}

fn position(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn read(
    listed: &[u32],
    entries: &[Entry],
    subjects: Subjects<'_>,
    visit: &mut impl FnMut(Entry) -> bool,
) -> bool {
    listed
        .iter()
        .zip(entries)
        .filter(|(subject, _)| subjects.contains(**subject))
        .all(|(_, entry)| visit(*entry))
}

fn search(
    listed: &[u32],
    entries: &[Entry],
    subjects: Subjects<'_>,
    visit: &mut impl FnMut(Entry) -> bool,
) -> bool {
    subjects.numbers.iter().all(|number| {
        let first = listed.partition_point(|subject| subject < number);
        listed[first..]
            .iter()
            .zip(&entries[first..])
            .take_while(|(subject, _)| *subject == number)
            .all(|(_, entry)| visit(*entry))
    })
}
