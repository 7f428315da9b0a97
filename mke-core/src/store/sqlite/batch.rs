//! One SQLite transaction that holds many store transactions. All SQL that changes entries is here.
//!
//! INVARIANT(refuse-before-change): an operation that is refused (a conflict, a missing lease) has changed
//! nothing, because it looks at everything before its first write. So its neighbours in the batch need no
//! savepoint around it; a failure of SQLite itself undoes the whole batch.

use std::ops::Bound;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::history;
use crate::store::{
    Change, Compare, Entry, Event, KeyRange, LeaseId, Revision, StoreError, Txn, TxnOutcome, WatchBatch,
};

/// What happened to a lease, for the timekeeper, once the batch is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseChange {
    Granted(LeaseId, Duration),
    Renewed(LeaseId),
    Ended(LeaseId),
}

/// Why an operation did not happen.
pub(super) enum Failure {
    /// It is not to happen. Nothing was changed; the batch goes on.
    Refused(StoreError),
    /// SQLite failed. The batch must be rolled back.
    Storage(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error)
    }
}

/// An open transaction of SQLite and what became of it so far.
pub(super) struct Batch<'a> {
    connection: &'a Connection,
    start: Head,
    pub(super) head: Head,
    pub(super) written: Vec<WatchBatch>,
    pub(super) leases: Vec<LeaseChange>,
}

/// Where the store stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Head {
    /// The last revision.
    pub(super) revision: Revision,
    /// The first revision that can be watched.
    pub(super) oldest: Revision,
}

/// SQLite's integers are signed. Revisions count from zero and never come near the end.
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a number that cannot be negative unless the file is damaged.
pub(super) fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn read_head(connection: &Connection) -> rusqlite::Result<Head> {
    connection
        .prepare_cached("SELECT revision, oldest FROM head WHERE id = 1")?
        .query_row([], |row| {
            Ok(Head {
                revision: Revision(unsigned(row, 0)?),
                oldest: Revision(unsigned(row, 1)?),
            })
        })
}

/// The condition that a key lies in a range, with parameters from `?1` on. No text of a caller gets into it.
pub(super) fn in_range(range: &KeyRange) -> (String, Vec<&dyn ToSql>) {
    let mut condition = String::new();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    match &range.start {
        Bound::Included(key) => {
            condition.push_str("key >= ?1");
            values.push(key);
        }
        Bound::Excluded(key) => {
            condition.push_str("key > ?1");
            values.push(key);
        }
        Bound::Unbounded => condition.push_str("TRUE"),
    }
    let operator = match &range.end {
        Bound::Included(key) => Some(("<=", key)),
        Bound::Excluded(key) => Some(("<", key)),
        Bound::Unbounded => None,
    };
    if let Some((operator, key)) = operator {
        values.push(key);
        condition.push_str(&format!(" AND key {operator} ?{}", values.len()));
    }
    (condition, values)
}

impl<'a> Batch<'a> {
    pub(super) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        let head = read_head(connection)?;
        Ok(Self {
            connection,
            start: head,
            head,
            written: Vec::new(),
            leases: Vec::new(),
        })
    }

    /// Writes down the new head, if there is one, and forgets old history beyond `keep` revisions.
    pub(super) fn finish(&mut self, keep: u64) -> rusqlite::Result<()> {
        // A tenth of slack, so that history is cut now and then instead of with every commit.
        if self.head.revision.0.saturating_sub(self.head.oldest.0) > keep.saturating_add(keep / 10) {
            self.forget_before(Revision(self.head.revision.0 - keep))?;
        }
        if self.head != self.start {
            self.connection
                .prepare_cached("UPDATE head SET revision = ?1, oldest = ?2 WHERE id = 1")?
                .execute(params![to_sql(self.head.revision.0), to_sql(self.head.oldest.0)])?;
        }
        Ok(())
    }

    pub(super) fn txn(&mut self, txn: &Txn) -> Result<TxnOutcome, Failure> {
        for compare in &txn.compares {
            if !self.holds(compare)? {
                return Ok(TxnOutcome::Conflict(self.head.revision));
            }
        }
        for change in &txn.changes {
            if let Change::Put {
                lease: Some(lease), ..
            } = change
            {
                self.ttl(*lease)?;
            }
        }
        let revision = Revision(self.head.revision.0 + 1);
        let mut events = Vec::with_capacity(txn.changes.len());
        for change in &txn.changes {
            match change {
                Change::Put { key, value, lease } => events.push(self.put(key, value, *lease, revision)?),
                Change::Delete(range) => {
                    let (condition, values) = in_range(range);
                    let sql = format!("DELETE FROM entries WHERE {condition} RETURNING key");
                    let deleted = self.delete(&sql, &values)?;
                    events.extend(deleted.into_iter().map(|key| Event::Delete { key, revision }));
                }
            }
        }
        self.record(revision, events)?;
        Ok(TxnOutcome::Committed(self.head.revision))
    }

    pub(super) fn grant(&mut self, ttl: Duration) -> Result<LeaseId, Failure> {
        let millis = to_sql(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let id = self
            .connection
            .prepare_cached("INSERT INTO leases (ttl_millis) VALUES (?1) RETURNING id")?
            .query_row([millis], |row| row.get(0))?;
        self.leases.push(LeaseChange::Granted(LeaseId(id), ttl));
        Ok(LeaseId(id))
    }

    /// Only notes it: the time left is not stored.
    pub(super) fn renew(&mut self, lease: LeaseId) -> Result<(), Failure> {
        self.ttl(lease)?;
        self.leases.push(LeaseChange::Renewed(lease));
        Ok(())
    }

    /// Deletes a lease and its keys, at one revision if there are any.
    pub(super) fn end(&mut self, lease: LeaseId) -> Result<(), Failure> {
        self.ttl(lease)?;
        let revision = Revision(self.head.revision.0 + 1);
        let deleted = self.delete("DELETE FROM entries WHERE lease = ?1 RETURNING key", &[&lease.0])?;
        self.connection
            .prepare_cached("DELETE FROM leases WHERE id = ?1")?
            .execute([lease.0])?;
        self.record(
            revision,
            deleted
                .into_iter()
                .map(|key| Event::Delete { key, revision })
                .collect(),
        )?;
        self.leases.push(LeaseChange::Ended(lease));
        Ok(())
    }

    pub(super) fn compact(&mut self, revision: Revision) -> Result<(), Failure> {
        if revision > self.head.revision {
            return Err(Failure::Refused(StoreError::Invalid(format!(
                "cannot compact at revision {}, the last one is {}",
                revision.0, self.head.revision.0
            ))));
        }
        Ok(self.forget_before(revision)?)
    }

    fn forget_before(&mut self, revision: Revision) -> rusqlite::Result<()> {
        if revision > self.head.oldest {
            self.connection
                .prepare_cached("DELETE FROM history WHERE revision < ?1")?
                .execute([to_sql(revision.0)])?;
            self.head.oldest = revision;
        }
        Ok(())
    }

    fn holds(&self, compare: &Compare) -> rusqlite::Result<bool> {
        let modified = |key: &str| -> rusqlite::Result<Option<u64>> {
            self.connection
                .prepare_cached("SELECT modified FROM entries WHERE key = ?1")?
                .query_row([key], |row| unsigned(row, 0))
                .optional()
        };
        Ok(match compare {
            Compare::Absent(key) => modified(key)?.is_none(),
            Compare::Present(key) => modified(key)?.is_some(),
            Compare::Modified(key, revision) => modified(key)? == Some(revision.0),
            Compare::Value(key, value) => self
                .connection
                .prepare_cached("SELECT value = ?2 FROM entries WHERE key = ?1")?
                .query_row(params![key, value], |row| row.get(0))
                .optional()?
                .unwrap_or(false),
        })
    }

    fn ttl(&self, lease: LeaseId) -> Result<Duration, Failure> {
        self.connection
            .prepare_cached("SELECT ttl_millis FROM leases WHERE id = ?1")?
            .query_row([lease.0], |row| unsigned(row, 0))
            .optional()?
            .map(Duration::from_millis)
            .ok_or(Failure::Refused(StoreError::NoSuchLease(lease)))
    }

    fn put(
        &self,
        key: &str,
        value: &[u8],
        lease: Option<LeaseId>,
        revision: Revision,
    ) -> rusqlite::Result<Event> {
        let (number, lease_id) = (to_sql(revision.0), lease.map(|lease| lease.0));
        // Most keys that are written in bulk are new, and to ask for what was there costs as much as to write.
        let new = self
            .connection
            .prepare_cached(
                "INSERT INTO entries (key, value, created, modified, version, lease)
                 VALUES (?1, ?2, ?3, ?3, 1, ?4) ON CONFLICT (key) DO NOTHING",
            )?
            .execute(params![key, value, number, lease_id])?;
        let (created, version) = if new == 1 {
            (revision.0, 1)
        } else {
            self.connection
                .prepare_cached(
                    "UPDATE entries SET value = ?2, modified = ?3, version = version + 1, lease = ?4
                     WHERE key = ?1 RETURNING created, version",
                )?
                .query_row(params![key, value, number, lease_id], |row| {
                    Ok((unsigned(row, 0)?, unsigned(row, 1)?))
                })?
        };
        Ok(Event::Put(Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            created: Revision(created),
            modified: revision,
            version,
            lease,
        }))
    }

    /// Runs a deletion that returns keys; they come back in byte order, which SQLite does not promise.
    fn delete(&self, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut keys = statement
            .query_map(values, |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// Appends the events to the history. A transaction without any takes no revision.
    fn record(&mut self, revision: Revision, events: Vec<Event>) -> rusqlite::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.connection
            .prepare_cached("INSERT INTO history (revision, events) VALUES (?1, ?2)")?
            .execute(params![to_sql(revision.0), history::encode(&events)])?;
        self.head.revision = revision;
        self.written.push(WatchBatch { revision, events });
        Ok(())
    }
}
