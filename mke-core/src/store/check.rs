//! What every adapter refuses before it looks at its data: requests that are too large or contradict
//! themselves. Whether the conditions hold is not decided here.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::time::Duration;

use super::{Change, Compare, KeyRange, StoreError, Txn};

/// Longest key, in bytes. Far above any key that [`super::layout`] makes of valid ids and names.
pub const MAX_KEY_BYTES: usize = 4096;

/// Most bytes in the keys and values of one transaction: 1 MiB, so that it fits into a request of etcd, whose
/// limit is 1.5 MiB with everything around it.
pub const MAX_TXN_BYTES: usize = 1 << 20;

/// Most comparisons and changes in one transaction, together. It bounds how long one writer can hold up the
/// others.
pub const MAX_TXN_STEPS: usize = 10_000;

/// Longest time to live of a lease: ten years. Beyond that a key needs no lease.
pub const MAX_LEASE_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Txn {
    /// Refuses a transaction that is too large, names an empty or overlong key, or touches a key twice.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] says which rule and which key.
    pub fn check(&self) -> Result<(), StoreError> {
        let steps = self.compares.len() + self.changes.len();
        if steps > MAX_TXN_STEPS {
            return Err(StoreError::Invalid(format!(
                "a transaction of {steps} steps is too long, at most {MAX_TXN_STEPS} are allowed; split it"
            )));
        }
        let mut bytes = 0;
        for compare in &self.compares {
            let (key, value): (&str, &[u8]) = match compare {
                Compare::Absent(key) | Compare::Present(key) | Compare::Modified(key, _) => (key, &[]),
                Compare::Value(key, value) => (key, value),
            };
            check_key(key)?;
            bytes += key.len() + value.len();
        }
        for change in &self.changes {
            if let Change::Put { key, value, .. } = change {
                check_key(key)?;
                bytes += key.len() + value.len();
            }
        }
        if bytes > MAX_TXN_BYTES {
            return Err(StoreError::Invalid(format!(
                "a transaction of {bytes} bytes is too large, at most {MAX_TXN_BYTES} are allowed; split it"
            )));
        }
        self.check_touched_once()
    }

    /// Ranges count as touching every key that could lie in them, so the answer does not depend on the data.
    fn check_touched_once(&self) -> Result<(), StoreError> {
        let mut put = BTreeSet::new();
        let mut deleted = Vec::new();
        for change in &self.changes {
            match change {
                Change::Put { key, .. } => {
                    if !put.insert(key.as_str()) {
                        return Err(touched_twice(key));
                    }
                }
                Change::Delete(range) => {
                    if !range.is_empty() {
                        deleted.push(range);
                    }
                }
            }
        }
        for range in &deleted {
            let bounds = (
                range.start.as_ref().map(String::as_str),
                range.end.as_ref().map(String::as_str),
            );
            if let Some(key) = put.range::<str, _>(bounds).next() {
                return Err(touched_twice(key));
            }
        }
        deleted.sort_by_key(|range| start(range));
        for (first, second) in deleted.iter().zip(deleted.iter().skip(1)) {
            let (key, excluded) = start(second);
            let overlap = match &first.end {
                Bound::Unbounded => true,
                Bound::Included(end) => key < end.as_str() || (key == end && !excluded),
                Bound::Excluded(end) => key < end.as_str(),
            };
            if overlap {
                return Err(touched_twice(key));
            }
        }
        Ok(())
    }
}

impl KeyRange {
    /// Whether no key at all can lie inside, because the start is not before the end.
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Unbounded, Bound::Excluded(end)) => end.is_empty(),
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
        }
    }
}

/// Where a range starts, in an order in which ranges can be sorted.
fn start(range: &KeyRange) -> (&str, bool) {
    match &range.start {
        Bound::Unbounded => ("", false),
        Bound::Included(key) => (key, false),
        Bound::Excluded(key) => (key, true),
    }
}

fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() {
        return Err(StoreError::Invalid("a key must not be empty".to_owned()));
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(StoreError::Invalid(format!(
            "a key of {} bytes is too long, at most {MAX_KEY_BYTES} are allowed",
            key.len()
        )));
    }
    Ok(())
}

/// Refuses a lease that would end at once or hardly ever.
///
/// # Errors
///
/// [`StoreError::Invalid`].
pub fn check_ttl(ttl: Duration) -> Result<(), StoreError> {
    if ttl.as_millis() == 0 || ttl > MAX_LEASE_TTL {
        return Err(StoreError::Invalid(format!(
            "a lease of {ttl:?} cannot be granted, it must last between a millisecond and ten years"
        )));
    }
    Ok(())
}

fn touched_twice(key: &str) -> StoreError {
    StoreError::Invalid(format!(
        "key `{}` is touched by more than one change",
        key.escape_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: Bound<&str>, end: Bound<&str>) -> KeyRange {
        KeyRange {
            start: start.map(str::to_owned),
            end: end.map(str::to_owned),
        }
    }

    #[test]
    fn a_key_may_be_touched_once() {
        use Bound::{Excluded, Included, Unbounded};
        let delete = |start, end| Txn::new().delete_range(range(start, end));
        let allowed = [
            Txn::new().put("a", "").put("b", "").delete("c"),
            delete(Included("b"), Excluded("c")).put("a", "").put("c", ""),
            delete(Included("b"), Excluded("c")).delete("c"),
            delete(Included("b"), Included("c")).delete_range(range(Excluded("c"), Unbounded)),
            delete(Included("c"), Excluded("c")).put("c", ""),
            delete(Included("d"), Included("c")).put("c", ""),
        ];
        for txn in allowed {
            assert!(txn.check().is_ok(), "must be allowed: {txn:?}");
        }
        let refused = [
            Txn::new().put("a", "").put("a", ""),
            Txn::new().put("a", "").delete("a"),
            Txn::new().delete("a").delete("a"),
            delete(Included("b"), Included("c")).put("c", ""),
            delete(Included("b"), Included("c")).delete("c"),
            delete(Included("a"), Included("z")).delete("c").put("zz", ""),
            delete(Unbounded, Unbounded).put("c", ""),
            delete(Excluded("b"), Unbounded).delete_range(range(Included("a"), Excluded("c"))),
            Txn::new().delete("m").delete_range(KeyRange::prefix("")),
        ];
        for txn in refused {
            assert!(
                matches!(txn.check(), Err(StoreError::Invalid(_))),
                "must be refused: {txn:?}"
            );
        }
    }

    #[test]
    fn sizes_at_their_bounds() {
        let long = "k".repeat(MAX_KEY_BYTES);
        assert!(Txn::new().put(long.clone(), "").check().is_ok());
        assert!(Txn::new().put(long.clone() + "k", "").check().is_err());
        assert!(Txn::new().when(Compare::Absent(long + "k")).check().is_err());
        assert!(Txn::new().put("", "x").check().is_err());
        assert!(Txn::new().put("k", vec![0; MAX_TXN_BYTES - 1]).check().is_ok());
        assert!(Txn::new().put("k", vec![0; MAX_TXN_BYTES]).check().is_err());
        let puts = |n: usize| (0..n).fold(Txn::new(), |txn, i| txn.put(format!("{i}"), ""));
        assert!(puts(MAX_TXN_STEPS).check().is_ok());
        assert!(puts(MAX_TXN_STEPS + 1).check().is_err());
    }

    #[test]
    fn leases_at_their_bounds() {
        assert!(check_ttl(Duration::from_millis(1)).is_ok());
        assert!(check_ttl(MAX_LEASE_TTL).is_ok());
        for ttl in [
            Duration::ZERO,
            Duration::from_micros(999),
            MAX_LEASE_TTL + Duration::from_secs(1),
            Duration::MAX,
        ] {
            assert!(check_ttl(ttl).is_err(), "{ttl:?} must be refused");
        }
    }
}
