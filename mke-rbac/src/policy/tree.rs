//! The tree of collections (R10). A collection keeps its number as long as it keeps its place, and knows its ancestors
//! by number, so that a new neighbour moves nothing.

use std::collections::HashMap;
use std::sync::Arc;

use mke_core::ids::CollectionId;
use mke_core::names::CollectionPath;
use rustc_hash::FxBuildHasher;

use super::names::Spot;
use super::pages::Pages;
use super::set::pair;
use super::table::{Slot, Table};
use crate::model::{Collection, builtin};

/// A collection with its place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionInfo {
    /// Its id.
    pub id: CollectionId,
    /// Its own name.
    pub name: String,
    /// Its path from the root.
    pub path: CollectionPath,
    /// Its ancestors, the root first; none for the root.
    pub parent_ids: Vec<CollectionId>,
}

/// A collection, looked up: its number and those of its ancestors, the nearest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    pub(crate) number: u32,
    pub(crate) above: &'p [u32],
}

impl<'p> Place<'p> {
    /// Its own number and those above it, nearest first.
    pub(crate) fn way_up(self) -> impl Iterator<Item = u32> + use<'p> {
        std::iter::once(self.number).chain(self.above.iter().copied())
    }

    /// Whether the collection with this number is this one or above it.
    pub(crate) fn is_below(self, above: u32) -> bool {
        self.number == above || self.above.contains(&above)
    }
}

/// All collections that have a place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    by_id: Table,
    by_path: imbl::GenericHashMap<CollectionPath, u32, FxBuildHasher, imbl::shared_ptr::DefaultSharedPtr>,
    /// Pairs of parent and child.
    children: imbl::OrdSet<u64>,
    /// Collections that the root does not reach, or whose path a sibling has.
    pub(crate) unplaced: Arc<Vec<Collection>>,
}

impl Tree {
    /// Walks the tree from its root. Collections that the root does not reach, or whose path a sibling
    /// already has, are left out with everything below them.
    pub(crate) fn compile(collections: Vec<Collection>, spots: &mut Pages<Spot, 32>) -> Self {
        let mut tree = Self {
            by_id: Table::with_capacity(collections.len()),
            ..Self::default()
        };
        let mut children: HashMap<Option<&str>, Vec<&Collection>> = HashMap::new();
        for collection in &collections {
            let parent = collection.parent.as_ref().map(CollectionId::as_str);
            children.entry(parent).or_default().push(collection);
        }
        let roots = children.get(&None).into_iter().flatten();
        let root = roots.copied().find(|root| root.id.as_str() == builtin::ROOT);
        // A list instead of recursion: the depth of the tree is not limited (R15).
        let mut waiting: Vec<_> = root.into_iter().collect();
        while let Some(collection) = waiting.pop() {
            if tree.enter(collection, spots).is_some() {
                let below = children.get(&Some(collection.id.as_str()));
                waiting.extend(below.into_iter().flatten().rev().copied());
            }
        }
        drop(children);
        let mut unplaced = collections;
        unplaced.retain(|collection| tree.by_id.get(collection.id.as_str()).is_none());
        tree.unplaced = Arc::new(unplaced);
        tree
    }

    /// Gives a collection a place below its parent. Nothing when the parent has none, or when the id or the path is
    /// taken.
    pub(crate) fn enter(&mut self, collection: &Collection, spots: &mut Pages<Spot, 32>) -> Option<u32> {
        if self.by_id.get(collection.id.as_str()).is_some() {
            return None;
        }
        let next = u32::try_from(spots.len()).ok()?;
        let (path, parent_ids, parent, above) = match &collection.parent {
            None => (CollectionPath::root(), Vec::new(), next, Vec::new()),
            Some(parent) => {
                let place = self.by_id(parent.as_str())?;
                let info = spots.get(place.number)?.info.as_ref()?;
                let mut parent_ids = info.parent_ids.clone();
                parent_ids.push(info.id.clone());
                let above: Vec<_> = place.way_up().collect();
                (
                    info.path.child(&collection.name).ok()?,
                    parent_ids,
                    place.number,
                    above,
                )
            }
        };
        if self.by_path.contains_key(&path) {
            return None;
        }
        let info = CollectionInfo {
            id: collection.id.clone(),
            name: collection.name.clone(),
            path: path.clone(),
            parent_ids,
        };
        let number = spots.push(Spot {
            info: Some(Arc::new(info)),
            parent,
        });
        self.by_id
            .put(collection.id.as_str(), Slot::new(number, 0, &above));
        self.by_path.insert(path, number);
        if parent != number {
            self.children.insert(pair(parent, number));
        }
        Some(number)
    }

    /// Takes out a collection that has no children.
    pub(crate) fn leave(&mut self, info: &CollectionInfo, number: u32, spots: &mut Pages<Spot, 32>) {
        self.by_id.remove(info.id.as_str());
        self.by_path.remove(&info.path);
        if let Some(spot) = spots.get_mut(number) {
            self.children.remove(&pair(spot.parent, number));
            spot.info = None;
        }
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<Place<'_>> {
        let slot = self.by_id.get(id)?;
        Some(Place {
            number: slot.number,
            above: slot.list.as_slice(),
        })
    }

    pub(crate) fn by_path(&self, path: &CollectionPath) -> Option<u32> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_path.len()
    }

    /// The numbers of the collections right below one.
    pub(crate) fn children(&self, number: u32) -> impl Iterator<Item = u32> {
        let range = pair(number, 0)..=pair(number, u32::MAX);
        self.children.range(range).map(|pair| super::set::halves(*pair).1)
    }
}
