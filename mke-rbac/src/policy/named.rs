//! Rows that are found by name or by position, each in one line of the cache together with its name.
//!
//! A search by name reads one row, the only one where the name can be: rows never move, so each small group of names gets a
//! seed with which all of them lead to places of their own. The seeds stay in the cache of a core; the row is the one wait for
//! memory, and most of what a question costs when there are many rows. Trying one place after the other instead waited for
//! two rows on average, and as no processor can foretell for how many, it could not go on with the question meanwhile.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::hint::black_box;

use rustc_hash::FxBuildHasher;

/// Bytes of a name that stands in its row.
const SHORT: usize = 18;
/// In place of a position: nothing is here.
const FREE: u32 = u32::MAX;
/// Names that share a seed, on average. With fewer the seeds take more room, with more they are harder to find.
const TOGETHER: usize = 4;
/// Groups with more names do not come about by chance, and trying seeds for them would take long.
const MOST: usize = 32;

/// Rows, each with a name.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    /// First those to which names lead, a fifth of them free; behind them all others.
    rows: Box<[Row<T>]>,
    /// To how many rows names lead.
    led_to: usize,
    /// Of each group of names the seed with which they differ.
    seeds: Box<[u16]>,
    /// Where the rows are, by position.
    places: Box<[u32]>,
    /// Names that do not fit.
    long: Vec<Box<[u8]>>,
    /// Where the names are for which there was no seed: somebody chose them so that their hashes are alike.
    others: BTreeMap<Box<[u8]>, u32>,
}

#[derive(Debug, Clone)]
#[repr(align(64))]
struct Row<T> {
    position: u32,
    name: Name,
    what: T,
}

#[derive(Debug, Clone)]
enum Name {
    Short {
        len: u8,
        bytes: [u8; SHORT],
    },
    /// One of the names elsewhere.
    Long(u32),
}

impl<T: Default> Named<T> {
    /// Rows with these names. Of several with one name the first is found.
    pub(super) fn new<'n>(all: impl ExactSizeIterator<Item = (&'n str, T)>) -> Self {
        let count = all.len();
        let led_to = count + count / 4 + 1;
        let (names, whats): (Vec<&[u8]>, Vec<T>) = all.map(|(name, what)| (name.as_bytes(), what)).unzip();
        let plan = Plan::new(&names, led_to);
        let free = || Row {
            position: FREE,
            name: Name::Long(FREE),
            what: T::default(),
        };
        let mut named = Self {
            rows: std::iter::repeat_with(free).take(led_to + plan.others).collect(),
            led_to,
            seeds: plan.seeds.into(),
            places: plan.places.into(),
            long: Vec::new(),
            others: BTreeMap::new(),
        };
        for (position, (name, what)) in (0..FREE).zip(names.into_iter().zip(whats)) {
            let kept = named.keep(name);
            let place = named.places.get(position as usize).copied().unwrap_or(FREE);
            if let Some(row) = named.rows.get_mut(place as usize) {
                *row = Row {
                    position,
                    name: kept,
                    what,
                };
            }
            if place as usize >= led_to && named.find(name).is_none() {
                named.others.insert(name.into(), place);
            }
        }
        named
    }

    fn keep(&mut self, name: &[u8]) -> Name {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(here), Ok(len)) => {
                here.copy_from_slice(name);
                Name::Short { len, bytes }
            }
            _ => {
                self.long.push(name.into());
                Name::Long(u32::try_from(self.long.len() - 1).unwrap_or(FREE))
            }
        }
    }
}

/// Which name goes where.
struct Plan {
    seeds: Vec<u16>,
    /// By position.
    places: Vec<u32>,
    /// How many are placed behind those to which names lead.
    others: usize,
}

impl Plan {
    /// The groups with most names choose first, while most places are free.
    fn new(names: &[&[u8]], led_to: usize) -> Self {
        let mut plan = Self {
            seeds: vec![0; names.len() / TOGETHER + 1],
            places: vec![FREE; names.len()],
            others: 0,
        };
        let mut hashes: Vec<_> = names.iter().map(|name| hash(name)).zip(0..FREE).collect();
        // Groups are ranges of hashes. Of equal hashes the first position comes first.
        hashes.sort_unstable();
        let count = plan.seeds.len();
        let mut groups: Vec<_> = hashes
            .chunk_by(|one, other| share(one.0, count) == share(other.0, count))
            .collect();
        groups.sort_by_key(|names| std::cmp::Reverse(names.len()));
        let mut taken = vec![false; led_to];
        let mut led = Vec::new();
        let mut rest = Vec::new();
        for names in groups {
            let same = names.chunk_by(|one, other| one.0 == other.0);
            let first: Vec<_> = same.filter_map(<[_]>::first).copied().collect();
            let seed = (0..=u16::MAX).filter(|_| first.len() <= MOST).find(|seed| {
                led.clear();
                first.iter().all(|(hash, _)| {
                    let place = place(*hash, *seed, led_to);
                    let is_free = taken.get(place) == Some(&false) && !led.contains(&place);
                    led.push(place);
                    is_free
                })
            });
            let Some(seed) = seed else {
                rest.extend(names.iter().map(|(_, position)| *position));
                continue;
            };
            let group = first.first().map_or(0, |(hash, _)| share(*hash, count));
            if let Some(known) = plan.seeds.get_mut(group) {
                *known = seed;
            }
            for (place, (_, position)) in led.iter().zip(&first) {
                if let Some(taken) = taken.get_mut(*place) {
                    *taken = true;
                }
                plan.put(*position, *place);
            }
            let later = names.iter().filter(|name| !first.contains(name));
            rest.extend(later.map(|(_, position)| *position));
        }
        // The first of a name stays before the others.
        rest.sort_unstable();
        plan.others = rest.len();
        for (place, position) in (led_to..).zip(rest) {
            plan.put(position, place);
        }
        plan
    }

    fn put(&mut self, position: u32, place: usize) {
        if let Some(known) = self.places.get_mut(position as usize) {
            *known = u32::try_from(place).unwrap_or(FREE);
        }
    }
}

fn hash(name: &[u8]) -> u64 {
    FxBuildHasher.hash_one(name)
}

/// A number below `count`, or 0, in the order of hashes.
#[inline]
const fn share(hash: u64, count: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "below a number of this size")]
    let share = ((hash as u128 * count as u128) >> 64) as usize;
    share
}

/// Where a name leads. All bits are mixed with one wide multiplication.
#[inline]
const fn place(hash: u64, seed: u16, count: usize) -> usize {
    let wide = (hash ^ (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) as u128 * 0xd1b5_4a32_d192_ed03;
    #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
    let mixed = wide as u64 ^ (wide >> 64) as u64;
    share(mixed, count)
}

impl<T> Named<T> {
    /// The row with this name, in UTF-8: its position and what is in it.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<(usize, &T)> {
        let hash = hash(name);
        let seed = self.seeds.get(share(hash, self.seeds.len()))?;
        let mut row = self.rows.get(place(hash, *seed, self.led_to))?;
        if !self.is(&row.name, name) {
            if self.others.is_empty() {
                return None;
            }
            row = self.rows.get(*self.others.get(name)? as usize)?;
        }
        Some((usize::try_from(row.position).ok()?, &row.what))
    }

    #[inline]
    pub(super) fn get(&self, position: usize) -> Option<&T> {
        self.row(position).map(|row| &row.what)
    }

    /// Asks for the memory of a row and does not wait for it.
    #[inline]
    pub(super) fn fetch(&self, position: usize) {
        black_box(self.row(position).map(|row| row.position));
    }

    pub(super) const fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    fn row(&self, position: usize) -> Option<&Row<T>> {
        let place = usize::try_from(*self.places.get(position)?).ok()?;
        self.rows.get(place)
    }

    #[inline]
    fn is(&self, known: &Name, name: &[u8]) -> bool {
        match known {
            Name::Short { len, bytes } => bytes.get(..usize::from(*len)) == Some(name),
            Name::Long(number) => self
                .long
                .get(*number as usize)
                .is_some_and(|known| **known == *name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::List;
    use super::*;

    /// Names of every length around the one that fits are found, and nothing else is.
    #[test]
    fn names_of_every_length() {
        let name = |number: usize| format!("{number}-{}", "ä".repeat(number % 30));
        let names: Vec<_> = (0..2000).map(name).collect();
        let named = Named::new(names.iter().map(String::as_str).zip(0..2000));
        assert_eq!(named.len(), 2000);
        for (number, name) in names.iter().enumerate() {
            assert_eq!(named.find(name.as_bytes()), Some((number, &number)), "{name}");
            assert_eq!(named.get(number), Some(&number));
            assert_eq!(named.find(format!("{name}x").as_bytes()), None);
            assert_eq!(
                named
                    .find(&name.as_bytes()[1..])
                    .filter(|found| found.0 == number),
                None
            );
        }
        assert_eq!(named.find(b""), None);
        assert_eq!(named.get(2000), None);
        named.fetch(2000);
    }

    /// Of two rows with one name the first is found; without rows nothing is.
    #[test]
    fn the_first_of_a_name_counts() {
        let named = Named::new([("one", 1), ("one", 2), ("", 3)].into_iter());
        assert_eq!(
            (named.find(b"one"), named.find(b"")),
            (Some((0, &1)), Some((2, &3)))
        );
        assert_eq!((named.get(1), named.get(2)), (Some(&2), Some(&3)));
        let nothing = Named::<u8>::new([].into_iter());
        assert_eq!((nothing.find(b""), nothing.find(b"one")), (None, None));
    }

    /// Names that one group would hold are found as well when they are too many for a seed, and so are the first ones of names
    /// that come twice.
    #[test]
    fn names_of_one_group() {
        let all = (0..2_000_000).map(|number| format!("{number}"));
        let alike: Vec<_> = all.filter(|name| hash(name.as_bytes()) >> 49 == 7).collect();
        assert!(alike.len() > MOST);
        let twice = alike.iter().chain(&alike).chain(&alike).map(String::as_str);
        let numbered: Vec<_> = twice.zip(0..).collect();
        let named = Named::new(numbered.into_iter());
        for (number, name) in alike.iter().enumerate() {
            assert_eq!(named.find(name.as_bytes()), Some((number, &number)), "{name}");
        }
        assert_eq!(named.find(b"-1"), None);
        assert!((0..3 * alike.len()).all(|number| named.get(number) == Some(&number)));
    }

    /// What a user and a collection need fits in one line of the cache.
    #[test]
    fn a_row_is_one_line() {
        assert_eq!(size_of::<Row<List>>(), 64);
    }
}
