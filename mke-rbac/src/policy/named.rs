//! Rows that are found by name or by position, each in one line of the cache together with its name.
//!
//! A search by name reads the row at once, without an index before it: names that are short stand in it, so that comparing
//! them waits for no other memory. That one wait is most of what a question costs when there are many rows.

use std::hash::BuildHasher as _;
use std::hint::black_box;

use rustc_hash::FxBuildHasher;

/// Bytes of a name that stands in its row.
const SHORT: usize = 18;
/// In place of a position: nothing is here.
const FREE: u32 = u32::MAX;

/// Rows in an order of their own, each with a name.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    /// In the order of their hashes; a third of them is free.
    rows: Box<[Row<T>]>,
    /// Where the rows are, by position.
    places: Box<[u32]>,
    /// Names that do not fit.
    long: Vec<Box<[u8]>>,
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
        let free = || Row {
            position: FREE,
            name: Name::Long(FREE),
            what: T::default(),
        };
        let room = all.len() + all.len() / 2 + 1;
        let mut named = Self {
            rows: std::iter::repeat_with(free).take(room).collect(),
            places: Box::default(),
            long: Vec::new(),
        };
        let mut places = Vec::with_capacity(all.len());
        for (position, (name, what)) in (0..FREE).zip(all) {
            let start = named.start(name.as_bytes());
            let name = named.keep(name.as_bytes());
            let (before, after) = named.rows.split_at_mut(start);
            let rows = (start..).zip(after).chain((0..).zip(before));
            if let Some((place, row)) = rows.into_iter().find(|(_, row)| row.position == FREE) {
                *row = Row { position, name, what };
                places.push(u32::try_from(place).unwrap_or(FREE));
            }
        }
        named.places = places.into();
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

impl<T> Named<T> {
    /// The position of the row with this name, in UTF-8.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        let (before, after) = self.rows.split_at(self.start(name));
        for row in after.iter().chain(before) {
            if row.position == FREE {
                return None;
            }
            if self.is(&row.name, name) {
                return usize::try_from(row.position).ok();
            }
        }
        None
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

    /// Where a name is looked for first.
    #[inline]
    fn start(&self, name: &[u8]) -> usize {
        let hash = FxBuildHasher.hash_one(name);
        #[expect(clippy::cast_possible_truncation, reason = "below the number of rows")]
        let start = ((u128::from(hash) * self.rows.len() as u128) >> 64) as usize;
        start
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
            assert_eq!(named.find(name.as_bytes()), Some(number), "{name}");
            assert_eq!(named.get(number), Some(&number));
            assert_eq!(named.find(format!("{name}x").as_bytes()), None);
            assert_eq!(
                named.find(&name.as_bytes()[1..]).filter(|found| *found == number),
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
        assert_eq!((named.find(b"one"), named.find(b"")), (Some(0), Some(2)));
        let nothing = Named::<u8>::new([].into_iter());
        assert_eq!((nothing.find(b""), nothing.find(b"one")), (None, None));
    }

    /// What a user and a collection need fits in one line of the cache.
    #[test]
    fn a_row_is_one_line() {
        assert_eq!(size_of::<Row<List>>(), 64);
    }
}
