//! The tree of collections, numbered so that "is this an ancestor of that" costs two comparisons (R10, R21).

use std::collections::HashMap;

use mke_core::ids::CollectionId;
use mke_core::names::CollectionPath;
use rustc_hash::FxHashMap;

use super::Warning;
use super::by_id::ById;
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

/// The number of a collection: its position in a walk that visits parents before children and each subtree
/// in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(pub(crate) u32);

/// All collections in walking order.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    infos: Vec<CollectionInfo>,
    // INVARIANT(preorder): the subtree of the collection with number n is exactly the numbers n..ends[n].
    ends: Vec<u32>,
    parents: Vec<Option<Place>>,
    by_id: ById<Place>,
    by_path: FxHashMap<CollectionPath, Place>,
}

impl Tree {
    /// Walks the tree from its root. Collections that the root does not reach, or whose path a sibling
    /// already has, are left out with everything below them.
    pub(crate) fn compile(collections: &[Collection], warnings: &mut Vec<Warning>) -> Self {
        let mut children: HashMap<Option<&str>, Vec<&Collection>> = HashMap::new();
        for collection in collections {
            children
                .entry(collection.parent.as_ref().map(CollectionId::as_str))
                .or_default()
                .push(collection);
        }
        let mut tree = Self {
            infos: Vec::with_capacity(collections.len()),
            ends: Vec::with_capacity(collections.len()),
            parents: Vec::with_capacity(collections.len()),
            by_id: ById::default(),
            by_path: FxHashMap::default(),
        };
        let root = children
            .get(&None)
            .and_then(|roots| roots.iter().find(|root| root.id.as_str() == builtin::ROOT));
        if let Some(root) = root {
            tree.walk(root, &children);
        }
        for collection in collections {
            if !tree.by_id.contains(collection.id.as_str()) {
                warnings.push(Warning::UnreachableCollection(collection.id.clone()));
            }
        }
        tree
    }

    /// A loop instead of recursion: the depth of the tree is not limited (R15).
    fn walk<'m>(&mut self, root: &'m Collection, children: &HashMap<Option<&str>, Vec<&'m Collection>>) {
        enum Step<'m> {
            Enter(&'m Collection, Option<Place>),
            Leave(Place),
        }
        let mut steps = vec![Step::Enter(root, None)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(collection, parent) => {
                    let Some(place) = self.enter(collection, parent) else {
                        continue;
                    };
                    steps.push(Step::Leave(place));
                    let below = children.get(&Some(collection.id.as_str()));
                    for child in below.into_iter().flatten().rev() {
                        steps.push(Step::Enter(child, Some(place)));
                    }
                }
                Step::Leave(place) => self.ends[place.0 as usize] = self.next(),
            }
        }
    }

    fn next(&self) -> u32 {
        u32::try_from(self.infos.len()).unwrap_or(u32::MAX)
    }

    fn enter(&mut self, collection: &Collection, parent: Option<Place>) -> Option<Place> {
        let (path, parent_ids) = match parent {
            None => (CollectionPath::root(), Vec::new()),
            Some(parent) => {
                let parent = self.info(parent);
                let mut parent_ids = parent.parent_ids.clone();
                parent_ids.push(parent.id.clone());
                (parent.path.child(&collection.name).ok()?, parent_ids)
            }
        };
        if self.by_path.contains_key(&path) || self.by_id.contains(collection.id.as_str()) {
            return None;
        }
        let place = Place(self.next());
        self.by_id.insert(collection.id.as_str(), place);
        self.by_path.insert(path.clone(), place);
        self.parents.push(parent);
        self.ends.push(place.0 + 1);
        self.infos.push(CollectionInfo {
            id: collection.id.clone(),
            name: collection.name.clone(),
            path,
            parent_ids,
        });
        Some(place)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<Place> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn by_path(&self, path: &CollectionPath) -> Option<Place> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn info(&self, place: Place) -> &CollectionInfo {
        &self.infos[place.0 as usize]
    }

    pub(crate) fn infos(&self) -> &[CollectionInfo] {
        &self.infos
    }

    pub(crate) fn parent(&self, place: Place) -> Option<Place> {
        self.parents[place.0 as usize]
    }

    /// The number after the last one of the subtree.
    pub(crate) fn end(&self, place: Place) -> u32 {
        self.ends[place.0 as usize]
    }

    /// Whether `below` is `above` or lies under it.
    pub(crate) fn covers(&self, above: Place, below: Place) -> bool {
        above <= below && below.0 < self.end(above)
    }
}
