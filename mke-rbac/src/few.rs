//! A list that nearly always holds one item, kept without memory of its own then.

use std::fmt;
use std::ops::Deref;

use serde::{Serialize, Serializer};

/// A list of items, read like a slice.
#[derive(Clone)]
pub struct Few<T>(Items<T>);

#[derive(Clone)]
enum Items<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// No item.
    pub const fn none() -> Self {
        Self(Items::Many(Vec::new()))
    }

    /// One item.
    pub const fn one(item: T) -> Self {
        Self(Items::One(item))
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        match &mut self.0 {
            Items::Many(items) if items.capacity() == 0 => self.0 = Items::One(item),
            Items::Many(items) => items.push(item),
            Items::One(_) => {
                if let Items::One(first) = std::mem::replace(&mut self.0, Items::Many(Vec::new())) {
                    self.0 = Items::Many(vec![first, item]);
                }
            }
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::none()
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Items::One(item) => std::slice::from_ref(item),
            Items::Many(items) => items,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Items::Many(items))
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut few = Self::none();
        few.extend(items);
        few
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.push(item);
        }
    }
}

impl<'f, T> IntoIterator for &'f Few<T> {
    type Item = &'f T;
    type IntoIter = std::slice::Iter<'f, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: Serialize> Serialize for Few<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_a_slice_whatever_its_length() {
        for len in 0..4 {
            let few: Few<u32> = (0..len).collect();
            let all: Vec<u32> = (0..len).collect();
            assert_eq!(*few, *all);
            assert_eq!(few, Few::from(all.clone()));
            assert!((&few).into_iter().eq(&all));
            assert_eq!(
                serde_json::to_string(&few).unwrap(),
                serde_json::to_string(&all).unwrap()
            );
        }
    }
}
