//! Accounts and collections by id, in a table that snapshots share and whose slot holds the whole answer.
//!
//! Ids made here are random UUIDs. As numbers they are compared in the slot itself; as texts each comparison would
//! wait for memory somewhere else. A slot is one line of the cache and carries, besides the id, its number and the short
//! list that every question needs next: the subjects of a user, or the ancestors of a collection. Ids in any
//! other form (`shared`, ids taken over from elsewhere) are kept as texts, aside.

use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::pages::Pages;

/// Slots of one page. Probing never leaves the page, so a change copies one page only.
const PAGE: usize = 64;
/// Ids per page in a new table: half full, so that most ids lie where they are looked for first.
const FILL: usize = 32;
/// Items that a list holds in its slot.
const INLINE: usize = 9;

/// What is known about an id.
#[derive(Debug, Clone, Default)]
#[repr(align(64))]
pub(crate) struct Slot {
    key: Key,
    /// See the user of the table.
    pub(crate) list: List,
    pub(crate) number: u32,
    pub(crate) flags: u8,
    taken: bool,
}

const _: () = assert!(size_of::<Slot>() == 64, "a slot is one line of the cache");

impl Slot {
    pub(crate) fn new(number: u32, flags: u8, list: &[u32]) -> Self {
        Self {
            key: Key::default(),
            list: List::from(list),
            number,
            flags,
            taken: true,
        }
    }

    /// The same with another list.
    pub(crate) fn with_list(&self, list: &[u32]) -> Self {
        Self {
            list: List::from(list),
            ..*self
        }
    }
}

/// A short list, in place when it is short enough.
#[derive(Debug, Clone)]
pub(crate) enum List {
    /// In the slot.
    Here {
        /// How many of the items count.
        len: u8,
        /// The items.
        items: [u32; INLINE],
    },
    /// Elsewhere.
    There(Arc<[u32]>),
}

impl Default for List {
    fn default() -> Self {
        Self::Here {
            len: 0,
            items: [0; INLINE],
        }
    }
}

impl From<&[u32]> for List {
    fn from(list: &[u32]) -> Self {
        let mut items = [0; INLINE];
        match (items.get_mut(..list.len()), u8::try_from(list.len())) {
            (Some(here), Ok(len)) => {
                here.copy_from_slice(list);
                Self::Here { len, items }
            }
            _ => Self::There(list.into()),
        }
    }
}

impl List {
    pub(crate) fn as_slice(&self) -> &[u32] {
        match self {
            Self::Here { len, items } => items.get(..usize::from(*len)).unwrap_or_default(),
            Self::There(items) => items,
        }
    }
}

/// A UUID as a number, its digits in an order of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Key(u64, u64);

impl Key {
    /// Mixes all bits with one wide multiplication.
    const fn hash(self) -> u64 {
        let first = (self.0 ^ 0x9e37_79b9_7f4a_7c15) as u128;
        let second = (self.1 ^ 0xd1b5_4a32_d192_ed03) as u128;
        let wide = first * second;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
        let mixed = wide as u64 ^ (wide >> 64) as u64;
        mixed
    }
}

/// Slots by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    slots: Pages<Slot, PAGE>,
    pages: usize,
    uuids: usize,
    others: imbl::GenericHashMap<Box<str>, Slot, FxBuildHasher, imbl::shared_ptr::DefaultSharedPtr>,
}

impl Table {
    /// A table with room for so many ids.
    pub(crate) fn with_capacity(ids: usize) -> Self {
        let pages = ids / FILL + 1;
        Self {
            slots: Pages::with_pages(pages),
            pages,
            uuids: 0,
            others: imbl::GenericHashMap::default(),
        }
    }

    /// The slot of an id.
    pub(crate) fn get(&self, id: &str) -> Option<&Slot> {
        match key(id) {
            Some(key) => {
                let (page, start) = self.first(key);
                let page = self.slots.page(page)?;
                Some(&page[find(page, key, start).ok()?])
            }
            None => self.others.get(id),
        }
    }

    /// The slot of an id, to write to.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Slot> {
        match key(id) {
            Some(key) => {
                let (page, start) = self.first(key);
                let at = find(self.slots.page(page)?, key, start).ok()?;
                Some(&mut self.slots.page_mut(page)?[at])
            }
            None => self.others.get_mut(id),
        }
    }

    /// Puts a slot, in place of the one that was there.
    pub(crate) fn put(&mut self, id: &str, slot: Slot) {
        match key(id) {
            Some(key) => self.put_key(Slot { key, ..slot }),
            None => drop(self.others.insert(id.into(), slot)),
        }
    }

    /// Takes an id out.
    pub(crate) fn remove(&mut self, id: &str) {
        let Some(key) = key(id) else {
            self.others.remove(id);
            return;
        };
        let (page, start) = self.first(key);
        let known = self
            .slots
            .page(page)
            .is_some_and(|page| find(page, key, start).is_ok());
        if !known {
            return;
        }
        // The others of the page are put again, so that none is behind a gap.
        let Some(slots) = self.slots.page_mut(page) else {
            return;
        };
        let old = std::mem::replace(slots, std::array::from_fn(|_| Slot::default()));
        self.uuids -= 1;
        for slot in old.into_iter().filter(|slot| slot.taken && slot.key != key) {
            self.uuids -= 1;
            self.put_key(slot);
        }
    }

    fn put_key(&mut self, slot: Slot) {
        let (page, start) = self.first(slot.key);
        let at = match self.slots.page(page) {
            Some(slots) => find(slots, slot.key, start),
            None => Err(None),
        };
        match (at, self.slots.page_mut(page)) {
            (Ok(at), Some(slots)) => slots[at] = slot,
            (Err(Some(at)), Some(slots)) => {
                slots[at] = slot;
                self.uuids += 1;
            }
            _ => self.grow(slot),
        }
    }

    /// Makes a table with twice the room, and puts the slot there.
    fn grow(&mut self, slot: Slot) {
        let others = std::mem::take(&mut self.others);
        let room = (self.uuids * 2).max(self.pages * FILL * 2);
        let old = std::mem::replace(self, Self::with_capacity(room));
        self.others = others;
        for (_, slot) in old.slots.iter().filter(|(_, slot)| slot.taken) {
            self.put_key(slot.clone());
        }
        self.put_key(slot);
    }

    /// In which page an id lies, and where it is looked for first.
    const fn first(&self, key: Key) -> (usize, usize) {
        let hash = key.hash();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the first is below the number of pages, the second below 64"
        )]
        let (page, start) = (
            (((hash >> 32) * self.pages as u64) >> 32) as usize,
            hash as usize % PAGE,
        );
        (page, start)
    }
}

/// Where the id lies in a page, or where it would, or nothing when the page is full.
fn find(page: &[Slot; PAGE], key: Key, start: usize) -> Result<usize, Option<usize>> {
    for step in 0..PAGE {
        let at = (start + step) % PAGE;
        let slot = &page[at];
        if slot.key == key && slot.taken {
            return Ok(at);
        }
        if !slot.taken {
            return Err(Some(at));
        }
    }
    Err(None)
}

/// One byte of each in a word.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The values of eight hexadecimal digits, and not zero when one is no small digit. All eight at once.
const fn digits(text: u64) -> (u64, u64) {
    let letter = (text >> 6) & each(1);
    let value = (text & each(0x0f)) + letter * 9;
    let written = value + each(b'0') + letter * (b'a' as u64 - b'0' as u64 - 10);
    let is_letter = ((value + each(6)) >> 4) & each(1);
    (
        value,
        (written ^ text) | (value & each(0xf0)) | (is_letter ^ letter),
    )
}

/// The key of a UUID in its usual form: small letters, 8-4-4-4-12. Every key has one such form, so equal keys mean
/// equal ids; other spellings of a UUID are other ids.
fn key(id: &str) -> Option<Key> {
    let text: &[u8; 36] = id.as_bytes().try_into().ok()?;
    let (a, rest) = text.split_first_chunk::<8>()?;
    let (b, rest) = rest.split_first_chunk::<5>()?;
    let (c, rest) = rest.split_first_chunk::<5>()?;
    let (d, rest) = rest.split_first_chunk::<5>()?;
    let (e, f) = rest.split_first_chunk::<5>()?;
    let f: &[u8; 8] = f.try_into().ok()?;
    let dashes = (b[0] ^ b'-') | (c[0] ^ b'-') | (d[0] ^ b'-') | (e[0] ^ b'-');
    let (a, wrong_a) = digits(u64::from_le_bytes(*a));
    let (b, wrong_b) = digits(u64::from_le_bytes([
        b[1], b[2], b[3], b[4], c[1], c[2], c[3], c[4],
    ]));
    let (d, wrong_d) = digits(u64::from_le_bytes([
        d[1], d[2], d[3], d[4], e[1], e[2], e[3], e[4],
    ]));
    let (f, wrong_f) = digits(u64::from_le_bytes(*f));
    let wrong = wrong_a | wrong_b | wrong_d | wrong_f | u64::from(dashes);
    (wrong == 0).then_some(Key(a | (b << 4), d | (f << 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "5d7d6a1e-90ab-4cde-8f01-23456789abcd";

    fn numbered(number: u32) -> Slot {
        Slot::new(number, 0, &[])
    }

    /// Only the usual form is a number; everything else stays the text that it is.
    #[test]
    fn other_spellings_are_other_ids() {
        assert!(key(UUID).is_some());
        let others = [
            UUID.to_uppercase(),
            UUID.replace('-', ""),
            UUID.replace('-', "0"),
            format!("{{{UUID}}}"),
            format!("{UUID} "),
            UUID.replace("5d", "5\u{e4}"),
            String::new(),
            "shared".to_owned(),
        ];
        let mut table = Table::with_capacity(1);
        table.put(UUID, numbered(0));
        for other in &others {
            assert_eq!(key(other), None, "{other}");
            assert!(table.get(other).is_none(), "{other}");
        }
        for (number, other) in (1..).zip(&others) {
            table.put(other, numbered(number));
        }
        assert_eq!(table.get(UUID).map(|slot| slot.number), Some(0));
        for (number, other) in (1..).zip(&others) {
            assert_eq!(table.get(other).map(|slot| slot.number), Some(number), "{other}");
        }
    }

    /// Of all bytes, only the small hexadecimal digits are digits, at every place, and each change of a digit
    /// makes another key.
    #[test]
    fn every_byte_at_every_place() {
        let dashes = [8, 13, 18, 23];
        for place in 0..36 {
            let mut keys = Vec::new();
            for byte in 0..=127u8 {
                let mut text = UUID.as_bytes().to_vec();
                text[place] = byte;
                let found = key(std::str::from_utf8(&text).unwrap());
                let right = match dashes.contains(&place) {
                    true => byte == b'-',
                    false => b"0123456789abcdef".contains(&byte),
                };
                assert_eq!(found.is_some(), right, "{byte:#x} at {place}");
                keys.extend(found);
            }
            let count = keys.len();
            keys.sort_by_key(|key| (key.0, key.1));
            keys.dedup();
            assert_eq!(keys.len(), count);
        }
    }

    /// Growing and shrinking loses nothing, and older snapshots keep what they had.
    #[test]
    fn ids_come_and_go() {
        let id = |number: u32| match number % 3 {
            0 => format!("name-{number}"),
            _ => format!("{number:08x}-0000-4000-8000-000000000000"),
        };
        let mut table = Table::default();
        let mut half = Table::default();
        for number in 0..3000 {
            table.put(
                &id(number),
                Slot::new(number, 1, &vec![number; number as usize % 12]),
            );
            if number == 1499 {
                half = table.clone();
            }
        }
        for number in (0..3000).step_by(2) {
            table.remove(&id(number));
            table.remove(&id(number));
        }
        for number in 0..3000 {
            let found = table.get(&id(number));
            assert_eq!(found.map(|slot| slot.number), (number % 2 == 1).then_some(number));
            if let Some(slot) = found {
                assert_eq!(slot.list.as_slice(), vec![number; number as usize % 12]);
            }
            assert_eq!(half.get(&id(number)).is_some(), number < 1500);
        }
        table.get_mut(&id(1)).unwrap().flags = 9;
        assert_eq!(table.get(&id(1)).map(|slot| slot.flags), Some(9));
        assert_eq!(half.get(&id(1)).map(|slot| slot.flags), Some(1));
    }
}
