//! A map from ids that does not have to look at the text of the id it finds.
//!
//! Ids made here are random UUIDs. As numbers they are compared in the table itself; as texts each comparison
//! would wait for memory somewhere else. Ids in any other form (`shared`, ids taken over from elsewhere) are kept
//! as texts.

use rustc_hash::FxHashMap;

/// Values by id.
#[derive(Debug, Clone)]
pub(crate) struct ById<V> {
    uuids: FxHashMap<u128, V>,
    others: FxHashMap<Box<str>, V>,
}

impl<V> Default for ById<V> {
    fn default() -> Self {
        Self {
            uuids: FxHashMap::default(),
            others: FxHashMap::default(),
        }
    }
}

impl<V> ById<V> {
    pub(crate) fn get(&self, id: &str) -> Option<&V> {
        match number(id) {
            Some(number) => self.uuids.get(&number),
            None => self.others.get(id),
        }
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.get(id).is_some()
    }

    pub(crate) fn insert(&mut self, id: &str, value: V) {
        match number(id) {
            Some(number) => self.uuids.insert(number, value),
            None => self.others.insert(id.into(), value),
        };
    }
}

/// No hexadecimal digit.
const NONE: u8 = 0xff;

/// The value of each byte as a small hexadecimal digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// The number of a UUID in its usual form: small letters, 8-4-4-4-12. Every number has one such form, so equal
/// numbers mean equal ids; other spellings of a UUID are other ids.
fn number(id: &str) -> Option<u128> {
    let text: &[u8; 36] = id.as_bytes().try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let mut number = 0;
    let mut wrong = 0;
    for part in [0..8, 9..13, 14..18, 19..23, 24..36] {
        let mut digits: u64 = 0;
        let width = part.len() * 4;
        for byte in &text[part] {
            let digit = DIGITS[*byte as usize];
            wrong |= digit & 0xf0;
            digits = (digits << 4) | u64::from(digit & 0xf);
        }
        number = (number << width) | u128::from(digits);
    }
    (wrong == 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "5d7d6a1e-90ab-4cde-8f01-23456789abcd";

    /// Only the usual form is a number; everything else stays the text that it is.
    #[test]
    fn other_spellings_are_other_ids() {
        assert_eq!(number(UUID), Some(0x5d7d_6a1e_90ab_4cde_8f01_2345_6789_abcd));
        let others = [
            UUID.to_uppercase(),
            UUID.replace('-', ""),
            UUID.replace('-', "0"),
            format!("{{{UUID}}}"),
            format!("{UUID} "),
            UUID.replace('e', "g"),
            UUID.replace("5d", "5\u{e4}"),
            String::new(),
            "shared".to_owned(),
        ];
        let mut map = ById::default();
        map.insert(UUID, 0);
        for other in &others {
            assert_eq!(number(other), None, "{other}");
            assert!(!map.contains(other), "{other}");
        }
        for (value, other) in others.iter().enumerate() {
            map.insert(other, value + 1);
        }
        assert_eq!(map.get(UUID), Some(&0));
        for (value, other) in others.iter().enumerate() {
            assert_eq!(map.get(other), Some(&(value + 1)), "{other}");
        }
    }
}
