//! A set of pairs of numbers, in order, that snapshots share.
//!
//! Most sets are small and lie in one piece, which is copied when it changes; large ones are trees.

use std::sync::Arc;

/// Sets that are larger become trees. Copying this many pairs takes about as long as changing a tree.
const SMALL: usize = 1024;

/// Pairs of numbers, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) enum Set {
    /// Nothing, without memory of its own.
    #[default]
    Empty,
    /// In one piece.
    Small(Arc<[u64]>),
    /// As a tree.
    Large(imbl::OrdSet<u64>),
}

/// A pair as one number that sorts by its first half.
pub(crate) const fn pair(first: u32, second: u32) -> u64 {
    ((first as u64) << 32) | second as u64
}

/// The halves of a pair.
pub(crate) const fn halves(pair: u64) -> (u32, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    let second = pair as u32;
    ((pair >> 32) as u32, second)
}

impl Set {
    /// Of pairs that are sorted and differ.
    pub(crate) fn from_sorted(pairs: &[u64]) -> Self {
        match pairs.len() {
            0 => Self::Empty,
            1..=SMALL => Self::Small(pairs.into()),
            _ => Self::Large(pairs.iter().copied().collect()),
        }
    }

    /// How many pairs there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Small(pairs) => pairs.len(),
            Self::Large(pairs) => pairs.len(),
        }
    }

    /// Whether the pair is in it.
    pub(crate) fn contains(&self, pair: u64) -> bool {
        match self {
            Self::Empty => false,
            Self::Small(pairs) => pairs.binary_search(&pair).is_ok(),
            Self::Large(pairs) => pairs.contains(&pair),
        }
    }

    /// Adds a pair; false when it was there.
    pub(crate) fn insert(&mut self, pair: u64) -> bool {
        match self {
            Self::Empty => *self = Self::Small([pair].into()),
            Self::Small(pairs) => {
                let Err(position) = pairs.binary_search(&pair) else {
                    return false;
                };
                let (before, after) = pairs.split_at(position);
                // Of known length, so that it is written where it stays.
                let grown: Vec<u64> = [before, &[pair], after].concat();
                *self = Self::from_sorted(&grown);
            }
            Self::Large(pairs) => return pairs.insert(pair).is_none(),
        }
        true
    }

    /// Takes a pair out; false when it was not there.
    pub(crate) fn remove(&mut self, pair: u64) -> bool {
        match self {
            Self::Empty => return false,
            Self::Small(pairs) => {
                let Ok(position) = pairs.binary_search(&pair) else {
                    return false;
                };
                let rest = [&pairs[..position], &pairs[position + 1..]].concat();
                *self = Self::from_sorted(&rest);
            }
            Self::Large(pairs) => return pairs.remove(&pair).is_some(),
        }
        true
    }

    /// All pairs in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        let (small, large) = match self {
            Self::Empty => (None, None),
            Self::Small(pairs) => (Some(pairs.iter()), None),
            Self::Large(pairs) => (None, Some(pairs.iter())),
        };
        let small = small.into_iter().flatten();
        small.chain(large.into_iter().flatten()).copied()
    }

    /// The second halves of all pairs with this first half, in order.
    pub(crate) fn seconds(&self, first: u32) -> impl Iterator<Item = u32> {
        let range = pair(first, 0)..=pair(first, u32::MAX);
        let (small, large) = match self {
            Self::Empty => (None, None),
            Self::Small(pairs) => {
                let start = pairs.partition_point(|known| known < range.start());
                let pairs = pairs.get(start..).unwrap_or_default();
                (
                    Some(pairs.iter().take_while(move |known| halves(**known).0 == first)),
                    None,
                )
            }
            Self::Large(pairs) => (None, Some(pairs.range(range))),
        };
        let small = small.into_iter().flatten();
        small
            .chain(large.into_iter().flatten())
            .map(|pair| halves(*pair).1)
    }
}

impl FromIterator<u64> for Set {
    fn from_iter<I: IntoIterator<Item = u64>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self::from_sorted(&pairs)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Small and large sets mean the same, on the way up and down.
    #[test]
    fn sets_of_every_size_agree_with_a_tree() {
        let mut set = Set::default();
        let mut expected = BTreeSet::new();
        let pairs = (0..4 * SMALL as u64).map(|number| number * 7919 % 5003);
        for (step, number) in pairs.clone().chain(pairs).enumerate() {
            let pair = pair((number % 50) as u32, (number / 50) as u32);
            if step < 4 * SMALL {
                assert_eq!(set.insert(pair), expected.insert(pair));
            } else {
                assert_eq!(set.remove(pair), expected.remove(&pair));
            }
            assert_eq!(set.len(), expected.len());
            if step % 97 == 0 {
                assert!(set.iter().eq(expected.iter().copied()));
                let of = expected.iter().filter(|known| halves(**known).0 == 7);
                assert!(set.seconds(7).eq(of.map(|known| halves(*known).1)));
            }
        }
        assert_eq!(set.len(), 0);
    }
}
