//! Which collections somebody can see (R16). Seeing one shows nothing of its content.
//!
//! A collection is visible when a grant with a non-empty role lies on it or below it, so that the way there can
//! be walked, or when a grant above it carries an operation of a type other than Node and Image. The latter
//! leaves the built-in scheduler grant on `/Shared` out: it must not reveal what is inside.

use mke_core::ids::CollectionId;

use crate::decision::Subject;
use crate::operation::ObjectType;
use crate::policy::{Caller, CollectionInfo, Place, Policy};
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
                let end = self.tree().end(place);
                let here_or_below = self.subjects(caller).numbers().iter().any(|subject| {
                    let grants = self.grant_index().within(*subject, place, end);
                    grants
                        .iter()
                        .any(|(_, entry)| !self.rights_of(entry.role).is_empty())
                });
                here_or_below || self.any_above(caller, place, reveals_below)
            }
        }
    }

    /// Every collection that the subject sees, parents before children.
    pub fn visible_collections(&self, subject: &Subject) -> Vec<&CollectionInfo> {
        let caller = match self.caller(subject) {
            Err(_) => return Vec::new(),
            Ok(Caller::Administrator) => return self.collections().collect(),
            Ok(caller) => caller,
        };
        let mut visible = vec![false; self.collection_count()];
        for subject in self.subjects(caller).numbers() {
            for (place, entry) in self.grant_index().of(*subject) {
                let rights = self.rights_of(entry.role);
                if rights.is_empty() {
                    continue;
                }
                if reveals_below(rights) {
                    visible[place.0 as usize..self.tree().end(*place) as usize].fill(true);
                }
                self.show_path(*place, &mut visible);
            }
        }
        let infos = self.collections().zip(visible);
        infos
            .filter_map(|(info, visible)| visible.then_some(info))
            .collect()
    }

    fn show_path(&self, place: Place, visible: &mut [bool]) {
        let mut at = Some(place);
        while let Some(place) = at {
            visible[place.0 as usize] = true;
            at = self.tree().parent(place);
        }
    }
}
