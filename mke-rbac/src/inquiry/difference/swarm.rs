//! What each user gained and lost on which collections.
//!
//! The rights of a user change only at collections on which a grant reaches it, so only those are looked at; what
//! lies between has the rights of the nearest one above. The counts are exact nevertheless: they are numbers of
//! collections, taken from the [`Forest`].

use std::collections::{BTreeSet, HashSet};

use mke_core::ids::CollectionId;
use rustc_hash::FxHashMap;

use super::forest::{Counts, Forest};
use super::report::{PlaceChange, PlaceState};
use super::uses::Uses;
use crate::decision::Subject;
use crate::model::{GrantObject, User};
use crate::policy::Policy;

/// A user, as far as comparing goes: in either policy or in both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person<'p> {
    pub(super) before: Option<&'p User>,
    pub(super) after: Option<&'p User>,
}

/// Where something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Top {
    /// At the collection with this number.
    Number(usize),
    /// At the user's own private collection.
    OwnPrivate,
}

impl Top {
    fn path(self, forest: &Forest<'_>) -> String {
        match self {
            Self::Number(number) => forest.node(number).path(),
            Self::OwnPrivate => PlaceChange::OWN_PRIVATE.to_owned(),
        }
    }
}

/// The same change on some collections: one of them and what lies below, except for parts that changed otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell {
    top: Top,
    state: PlaceState,
    gained: Uses,
    lost: Uses,
    collections: u64,
    except: Vec<Top>,
}

/// The rights of somebody in one policy.
#[derive(Debug, Clone, Copy)]
enum Standing<'p> {
    /// Administrators pass everywhere, also for collections that do not exist.
    Everything,
    /// Unknown and inactive accounts pass nothing.
    Nothing,
    /// What grants say.
    Granted(&'p Policy),
}

/// Compares people over one forest.
pub(super) struct Comparison<'p> {
    pub(super) before: &'p Policy,
    pub(super) after: &'p Policy,
    pub(super) forest: &'p Forest<'p>,
}

impl<'p> Comparison<'p> {
    /// What changed for one person; for requests without credentials when both subjects say so.
    pub(super) fn cells(
        &self,
        before: Option<&Subject>,
        after: Option<&Subject>,
        own: &Person<'_>,
    ) -> Vec<Cell> {
        let older = standing(self.before, before);
        let newer = standing(self.after, after);
        let mut points = BTreeSet::from_iter(self.forest.roots().iter().copied());
        if let (Standing::Granted(_), Some(subject)) = (older, before) {
            points.extend(places(self.before, subject).filter_map(|id| self.forest.before(&id)));
        }
        if let (Standing::Granted(_), Some(subject)) = (newer, after) {
            points.extend(places(self.after, subject).filter_map(|id| self.forest.after(&id)));
        }
        let private = self.private(own);
        let mut sweep = Sweep {
            forest: self.forest,
            open: Vec::new(),
            cells: Vec::new(),
        };
        for point in points {
            sweep.close(point);
            let node = self.forest.node(point);
            let old = rights(older, before, node.before.map(|info| &info.id));
            let new = rights(newer, after, node.after.map(|info| &info.id));
            let top = if private == Some(point) {
                Top::OwnPrivate
            } else {
                Top::Number(point)
            };
            sweep.enter(point, top, changes(old, new, older, newer));
        }
        sweep.close(usize::MAX);
        sweep.cells.retain(|cell| cell.collections > 0);
        sweep.cells.sort();
        sweep.cells
    }

    fn private(&self, own: &Person<'_>) -> Option<usize> {
        let older = own.before.and_then(|user| user.private_collection.as_ref());
        let newer = own.after.and_then(|user| user.private_collection.as_ref());
        let older = older.and_then(|id| self.forest.before(id));
        newer.and_then(|id| self.forest.after(id)).or(older)
    }
}

fn standing<'p>(policy: &'p Policy, subject: Option<&Subject>) -> Standing<'p> {
    match subject {
        None => Standing::Nothing,
        Some(Subject::Anonymous) => Standing::Granted(policy),
        Some(subject) if policy.is_administrator(subject) => Standing::Everything,
        Some(Subject::Account(id)) => match policy.user(id.as_str()) {
            Some(user) if user.active => Standing::Granted(policy),
            _ => Standing::Nothing,
        },
    }
}

fn places(policy: &Policy, subject: &Subject) -> impl Iterator<Item = CollectionId> {
    let mut seen = HashSet::new();
    let grants = policy.grants_of(subject).into_iter();
    grants.filter_map(move |grant| match grant.object {
        GrantObject::Collection(id) => seen.insert(id.clone()).then_some(id),
        _ => None,
    })
}

fn rights(standing: Standing<'_>, subject: Option<&Subject>, collection: Option<&CollectionId>) -> Uses {
    match (standing, subject, collection) {
        (Standing::Everything, ..) => Uses::all(),
        (Standing::Granted(policy), Some(subject), Some(collection)) => {
            Uses::of(policy.effective(subject, collection).rights())
        }
        _ => Uses::NONE,
    }
}

/// What was gained and lost on collections of each kind.
type Changes = [(PlaceState, Uses, Uses); 3];

fn changes(old: Uses, new: Uses, older: Standing<'_>, newer: Standing<'_>) -> Changes {
    // What does not exist passes administrators only.
    let beyond = |standing| match standing {
        Standing::Everything => Uses::all(),
        Standing::Nothing | Standing::Granted(_) => Uses::NONE,
    };
    let (older, newer) = (beyond(older), beyond(newer));
    [
        (PlaceState::Kept, new.minus(old), old.minus(new)),
        (PlaceState::Removed, newer.minus(old), old.minus(newer)),
        (PlaceState::Added, new.minus(older), older.minus(new)),
    ]
}

/// A walk over the points of one person, which are sorted: each point is below those that are still open.
struct Sweep<'f> {
    forest: &'f Forest<'f>,
    open: Vec<Open>,
    cells: Vec<Cell>,
}

struct Open {
    end: usize,
    changes: Changes,
    /// Collections in its subtree that no point further down has taken.
    left: Counts,
    /// Which of [`Sweep::cells`] take its collections, by kind.
    cells: [Option<usize>; 3],
}

impl Sweep<'_> {
    /// Ends every open point whose subtree ends here or before.
    fn close(&mut self, number: usize) {
        while self.open.last().is_some_and(|open| open.end <= number) {
            if let Some(open) = self.open.pop() {
                self.count(&open);
            }
        }
    }

    fn count(&mut self, open: &Open) {
        let left = [open.left.both, open.left.removed, open.left.added];
        for (cell, count) in open.cells.iter().zip(left) {
            if let Some(cell) = cell.and_then(|cell| self.cells.get_mut(cell)) {
                cell.collections += count;
            }
        }
    }

    fn enter(&mut self, point: usize, top: Top, changes: Changes) {
        let counts = self.forest.counts(point);
        let mut above = self.open.last_mut();
        if let Some(above) = &mut above {
            above.left = above.left.minus(counts);
        }
        let mut cells = [None; 3];
        let kinds = [counts.both, counts.removed, counts.added];
        for (kind, (state, gained, lost)) in changes.into_iter().enumerate() {
            let over = above.as_ref().and_then(|above| above.cells[kind]);
            let same = above
                .as_ref()
                .is_some_and(|above| above.changes[kind] == (state, gained, lost));
            if same {
                cells[kind] = over;
                continue;
            }
            if kinds[kind] == 0 {
                continue;
            }
            if let Some(over) = over.and_then(|over| self.cells.get_mut(over)) {
                over.except.push(top);
            }
            if !gained.is_empty() || !lost.is_empty() {
                cells[kind] = Some(self.cells.len());
                self.cells.push(Cell {
                    top,
                    state,
                    gained,
                    lost,
                    collections: 0,
                    except: Vec::new(),
                });
            }
        }
        self.open.push(Open {
            end: self.forest.end(point),
            changes,
            left: counts,
            cells,
        });
    }
}

/// How many decisions cells stand for.
pub(super) fn totals(cells: &[Cell]) -> (u64, u64) {
    let sum = |uses: fn(&Cell) -> Uses| cells.iter().map(|cell| cell.collections * uses(cell).len()).sum();
    (sum(|cell| cell.gained), sum(|cell| cell.lost))
}

/// Cells in words.
pub(super) fn places_of(cells: &[Cell], forest: &Forest<'_>, excepted: usize) -> Vec<PlaceChange> {
    let path = |top: &Top| top.path(forest);
    let topmost = |cell: &Cell| match (cell.top, cell.state) {
        (Top::Number(number), PlaceState::Added | PlaceState::Removed) if cell.except.is_empty() => {
            let only = forest.only(number, cell.state == PlaceState::Added);
            only.map_or_else(|| path(&cell.top), |only| forest.node(only).path())
        }
        _ => path(&cell.top),
    };
    let mut places: Vec<_> = cells
        .iter()
        .map(|cell| PlaceChange {
            collection: topmost(cell),
            moved_from: match cell.top {
                Top::Number(number) => forest.node(number).old_path(),
                Top::OwnPrivate => None,
            },
            state: cell.state,
            collections: cell.collections,
            except: cell.except.iter().take(excepted).map(path).collect(),
            exceptions: cell.except.len(),
            gained: cell.gained.into(),
            lost: cell.lost.into(),
        })
        .collect();
    places.sort_by(|one, other| (&one.collection, one.state).cmp(&(&other.collection, other.state)));
    places
}

/// People by what changed for them.
pub(super) type ByChange<T> = FxHashMap<Vec<Cell>, Vec<T>>;
