//! Which certificates etcd must refuse although they are valid: those of nodes that are no managers any more (decision 0032).
//!
//! Etcd asks nobody who is a manager; it only reads a list of revoked serial numbers, at each handshake. So every manager writes down
//! which of its certificates open the store, and every manager keeps that list for its own member.

use std::collections::BTreeSet;

use mke_core::pki::{Holder, parse_certificates};
use mke_core::store::{KeyRange, Store, StoreError, Txn, layout};
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::controller::records::{decode, encode};

/// The list, beside the certificate of etcd.
pub const FILE: &str = "crl.pem";
/// Most certificates that are looked at: a manager has four, and a few more while old ones last.
const MANY: usize = 10_000;

/// A certificate that opens the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opener {
    /// The node that has it.
    pub node: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Until when it is valid.
    pub not_after: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Record {
    /// In seconds since 1970.
    not_after: i64,
}

impl Opener {
    /// What stands in a certificate in PEM, when it can be read.
    pub fn of(node: &str, chain_pem: &str) -> Option<Self> {
        let leaf = parse_certificates(chain_pem).ok()?.into_iter().next()?;
        let holder = Holder::of(&leaf).ok()?;
        Some(Self {
            node: node.to_owned(),
            serial: holder.serial,
            not_after: holder.not_after,
        })
    }
}

/// Everything that was written down.
///
/// # Errors
/// The store's.
pub async fn known(store: &dyn Store) -> Result<Vec<Opener>, StoreError> {
    let page = store
        .range(KeyRange::prefix(layout::STORE_CERTIFICATES), MANY)
        .await?;
    let mut all = Vec::with_capacity(page.entries.len());
    for entry in &page.entries {
        let Some(parts) = layout::parts(layout::STORE_CERTIFICATES, &entry.key) else {
            continue;
        };
        let [node, serial] = &parts[..] else {
            continue;
        };
        let record: Record = decode(entry)?;
        all.push(Opener {
            node: node.to_string(),
            serial: serial.to_string(),
            not_after: Timestamp::from_secs(record.not_after),
        });
    }
    Ok(all)
}

/// Writes certificates down, and forgets those that have ended by themselves.
///
/// # Errors
/// The store's.
pub async fn write_down(store: &dyn Store, new: &[Opener], now: Timestamp) -> Result<(), StoreError> {
    let mut txn = Txn::new();
    for opener in new {
        let record = Record {
            not_after: opener.not_after.as_secs(),
        };
        txn = txn.put(
            layout::store_certificate(&opener.node, &opener.serial),
            encode(&record)?,
        );
    }
    for ended in known(store).await?.iter().filter(|opener| opener.not_after < now) {
        txn = txn.delete(layout::store_certificate(&ended.node, &ended.serial));
    }
    // It has no conditions that could fail.
    store.txn(txn).await.map(drop)
}

/// The serial numbers that are refused: of nodes that are neither managers nor have a member of the store, because such a member
/// votes until it is taken out, and the others may need its vote for that.
pub fn refused(known: &[Opener], trusted: &BTreeSet<&str>, now: Timestamp) -> BTreeSet<String> {
    known
        .iter()
        .filter(|opener| opener.not_after >= now && !trusted.contains(opener.node.as_str()))
        .map(|opener| opener.serial.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mke_core::store::sqlite::{SqliteOptions, SqliteStore};

    use super::*;

    fn opener(node: &str, serial: &str, not_after: i64) -> Opener {
        Opener {
            node: node.to_owned(),
            serial: serial.to_owned(),
            not_after: Timestamp::from_secs(not_after),
        }
    }

    /// A demoted manager is refused once its member is taken out, a manager never, and what has ended needs no list.
    #[test]
    fn who_is_refused() {
        let all = [
            opener("a", "01", 100),
            opener("b", "02", 100),
            opener("b", "03", 10),
        ];
        let refused =
            |trusted: &[&str]| refused(&all, &trusted.iter().copied().collect(), Timestamp::from_secs(50));
        assert!(refused(&["a", "b"]).is_empty());
        assert_eq!(refused(&["a"]), BTreeSet::from(["02".to_owned()]));
    }

    /// What is written down is found again, until it ends.
    #[tokio::test]
    async fn written_down() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("s.db"), SqliteOptions::default()).unwrap();
        let now = Timestamp::from_secs(50);
        let (old, new) = (opener("a", "01", 60), opener("b", "02", 100));
        write_down(&store, std::slice::from_ref(&old), now).await.unwrap();
        assert_eq!(known(&store).await.unwrap(), [old]);
        let later = now.plus(Duration::from_secs(20));
        write_down(&store, std::slice::from_ref(&new), later)
            .await
            .unwrap();
        assert_eq!(known(&store).await.unwrap(), [new]);
    }
}
