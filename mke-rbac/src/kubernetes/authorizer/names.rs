//! Decides nothing: which binding has a name.
//!
//! Names lie in the bindings; here are only their hashes, so that a change copies no text.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use super::Map;
use crate::kubernetes::change::BindingKey;

/// The bindings whose names have one hash.
#[derive(Debug, Clone)]
enum Named {
    One(u64),
    /// Nearly never.
    Many(Vec<u64>),
}

impl Named {
    fn as_slice(&self) -> &[u64] {
        match self {
            Self::One(number) => std::slice::from_ref(number),
            Self::Many(numbers) => numbers,
        }
    }
}

/// Numbers of bindings by name. Cheap to clone; clones share what they have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    numbers: Map<u64, Named>,
}

fn hash(key: &BindingKey) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Names {
    /// The number with this name; `is` compares the name itself.
    pub(super) fn get(&self, key: &BindingKey, is: impl Fn(u64) -> bool) -> Option<u64> {
        let named = self.numbers.get(&hash(key))?;
        named.as_slice().iter().copied().find(|number| is(*number))
    }

    /// Notes the number of a name that has none.
    pub(super) fn insert(&mut self, key: &BindingKey, number: u64) {
        let hash = hash(key);
        let named = match self.numbers.get(&hash) {
            None => Named::One(number),
            Some(others) => Named::Many([others.as_slice(), &[number]].concat()),
        };
        self.numbers.insert(hash, named);
    }

    /// Forgets the number of a name.
    pub(super) fn remove(&mut self, key: &BindingKey, number: u64) {
        let hash = hash(key);
        let Some(named) = self.numbers.get(&hash) else {
            return;
        };
        let others = named.as_slice().iter().copied();
        let others: Vec<_> = others.filter(|other| *other != number).collect();
        if others.is_empty() {
            self.numbers.remove(&hash);
        } else {
            self.numbers.insert(hash, Named::Many(others));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::model::BindingKind;

    /// Names with one hash are told apart, whichever goes first.
    #[test]
    fn names_with_one_hash_are_told_apart() {
        let key = BindingKey {
            kind: BindingKind::ClusterRoleBinding,
            namespace: None,
            name: "a".into(),
        };
        for first in [1, 2] {
            let mut names = Names::default();
            // To the table these are two names with one hash: what a number is called, only the caller knows.
            names.insert(&key, 1);
            names.insert(&key, 2);
            assert_eq!(names.get(&key, |number| number == 1), Some(1));
            assert_eq!(names.get(&key, |number| number == 2), Some(2));
            let before = names.clone();
            names.remove(&key, first);
            assert_eq!(names.get(&key, |number| number == first), None);
            assert_eq!(names.get(&key, |number| number != first), Some(3 - first));
            names.remove(&key, 3 - first);
            assert_eq!(names.get(&key, |_| true), None);
            assert_eq!(before.get(&key, |number| number == first), Some(first));
        }
    }
}
