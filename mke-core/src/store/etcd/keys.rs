//! What our keys and revisions are in etcd, and back. Nothing here talks to it.
//!
//! Keys lie below [`DATA`], so that a range without bounds cannot reach what others keep in the same etcd, such as Kubernetes.
//! A fresh etcd has revision 1, a fresh store revision 0: each of ours is one less than etcd's.

use std::ops::Bound;

use etcd_client::KeyValue;

use crate::store::{Entry, KeyRange, LeaseId, Revision, StoreError};

/// What stands before every key of the store.
pub(super) const DATA: &str = "/ucp/store";

/// What stands before the lanes of writers, which no range of the store reaches.
pub(super) const LANES: &str = "/ucp/txn/";

/// A half-open range of etcd's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// First key.
    pub(super) start: Vec<u8>,
    /// The key after the last.
    pub(super) end: Vec<u8>,
}

/// Where a key lies in etcd.
pub(super) fn place(key: &str) -> Vec<u8> {
    [DATA.as_bytes(), key.as_bytes()].concat()
}

/// The least key after this one.
fn after(key: &str) -> Vec<u8> {
    [DATA.as_bytes(), key.as_bytes(), b"\0"].concat()
}

/// The end of everything that starts with a prefix that does not end with the highest byte.
fn end_of(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

impl Span {
    /// The keys of a range; `None` when there can be none.
    pub(super) fn of(range: &KeyRange) -> Option<Self> {
        if range.is_empty() {
            return None;
        }
        let start = match &range.start {
            Bound::Included(key) => place(key),
            Bound::Excluded(key) => after(key),
            Bound::Unbounded => place(""),
        };
        let end = match &range.end {
            Bound::Included(key) => after(key),
            Bound::Excluded(key) => place(key),
            Bound::Unbounded => end_of(DATA),
        };
        (start < end).then_some(Self { start, end })
    }

    /// No key of the store: empty keys are refused, so nothing lies here.
    pub(super) fn nothing() -> Self {
        Self {
            start: place(""),
            end: after(""),
        }
    }

    /// All lanes of all writers.
    pub(super) fn lanes() -> Self {
        Self {
            start: LANES.as_bytes().to_vec(),
            end: end_of(LANES),
        }
    }
}

/// Our revision for one of etcd's.
pub(super) fn from_etcd(revision: i64) -> Revision {
    Revision(u64::try_from(revision.saturating_sub(1)).unwrap_or(0))
}

/// Etcd's revision for one of ours. One that etcd cannot count to becomes its last.
pub(super) fn to_etcd(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX).saturating_add(1)
}

/// The key in the store of a key in etcd.
pub(super) fn key_of(kv: &KeyValue) -> Result<String, StoreError> {
    let key = kv.key().strip_prefix(DATA.as_bytes()).map(str::from_utf8);
    match key {
        Some(Ok(key)) => Ok(key.to_owned()),
        _ => Err(StoreError::Corrupt(format!(
            "etcd holds the key `{}` below {DATA}, which is not of this store; remove it with etcdctl",
            kv.key().escape_ascii()
        ))),
    }
}

/// The entry of a key in etcd.
pub(super) fn entry(kv: &KeyValue) -> Result<Entry, StoreError> {
    Ok(Entry {
        key: key_of(kv)?,
        value: kv.value().to_vec(),
        created: from_etcd(kv.create_revision()),
        modified: from_etcd(kv.mod_revision()),
        version: u64::try_from(kv.version()).unwrap_or(0),
        lease: (kv.lease() != 0).then_some(LeaseId(kv.lease())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn revisions_count_from_nothing() {
        assert_eq!(from_etcd(1), Revision(0));
        assert_eq!(to_etcd(Revision(0)), 1);
        assert_eq!(to_etcd(Revision(u64::MAX)), i64::MAX);
        assert_eq!(from_etcd(0), Revision(0));
    }

    #[test]
    fn lanes_are_out_of_reach() {
        let all = Span::of(&KeyRange::prefix("")).unwrap();
        let lanes = Span::lanes();
        assert!(lanes.start >= all.end || lanes.end <= all.start);
        assert!(Span::nothing().end <= place("\0\0"));
    }

    fn bound() -> impl Strategy<Value = Bound<String>> {
        let key = || "[ab\0\u{10ffff}]{0,2}";
        prop_oneof![
            key().prop_map(Bound::Included),
            key().prop_map(Bound::Excluded),
            Just(Bound::Unbounded)
        ]
    }

    proptest! {
        /// A key lies in a range exactly when its place lies in the span.
        #[test]
        fn spans_are_ranges(start in bound(), end in bound(), key in "[ab\0\u{10ffff}]{1,3}") {
            let range = KeyRange { start, end };
            let place = place(&key);
            let inside = Span::of(&range).is_some_and(|span| span.start <= place && place < span.end);
            prop_assert_eq!(inside, range.contains(&key));
        }
    }
}
