//! Puts the records of a backup into the store of a new cluster, before its controller begins.

use std::path::Path;

use mke_core::store::{MAX_TXN_BYTES, Store, StoreError, Txn};

use super::selection::Record;
use crate::controller::FileError;
use crate::controller::files;

/// Most records of one transaction.
const STEPS: usize = 1000;
/// Most bytes of one transaction; a larger record has one of its own.
const BYTES: usize = MAX_TXN_BYTES / 2;
/// The file beside the controller's certificates that makes it wait.
const WAIT: &str = "restoring";

/// Writes all records. Done again it changes nothing, so it may be repeated after an answer that was lost.
///
/// # Errors
/// The store's.
pub async fn fill(store: &dyn Store, records: &[Record]) -> Result<(), StoreError> {
    let mut left = records;
    while !left.is_empty() {
        let mut txn = Txn::new();
        let (mut count, mut bytes) = (0, 0);
        for record in left {
            let value = record
                .bytes()
                .ok_or_else(|| StoreError::Invalid(format!("the value of `{}` is none", record.key)))?;
            let size = value.len() + record.key.len();
            if count > 0 && (count == STEPS || bytes + size > BYTES) {
                break;
            }
            (count, bytes) = (count + 1, bytes + size);
            txn = txn.put(record.key.clone(), value);
        }
        store.txn(txn).await?;
        left = left.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Makes the controller of this node wait until [`go_on`]: what it would write into an empty store must not come before what is
/// restored.
///
/// # Errors
/// [`FileError`].
pub fn wait(client_certs: &Path) -> Result<(), FileError> {
    files::private_dir("volume of the controller", client_certs)?;
    files::replace("mark of a restore", &client_certs.join(WAIT), files::PRIVATE, b"")
}

/// Lets the controller begin.
///
/// # Errors
/// [`FileError`].
pub fn go_on(client_certs: &Path) -> Result<(), FileError> {
    let path = client_certs.join(WAIT);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::at("mark of a restore", &path)(error))
        }
        _ => Ok(()),
    }
}

/// Whether the controller has to wait.
pub fn is_under_way(client_certs: &Path) -> bool {
    client_certs.join(WAIT).exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use mke_core::store::KeyRange;
    use mke_core::store::sqlite::{SqliteOptions, SqliteStore};

    #[tokio::test]
    async fn all_records_come() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("store.db"), SqliteOptions::default()).unwrap();
        let record = |number: usize, size: usize| Record {
            key: format!("/mke/accounts/{number:05}"),
            value: base64::engine::general_purpose::STANDARD.encode(vec![b'x'; size]),
            leased: false,
        };
        let mut records: Vec<Record> = (0..2500).map(|number| record(number, 10)).collect();
        records.extend((2500..2504).map(|number| record(number, MAX_TXN_BYTES * 3 / 4)));
        for _ in 0..2 {
            fill(&store, &records).await.unwrap();
            let page = store.range(KeyRange::prefix("/mke/"), usize::MAX).await.unwrap();
            assert_eq!(page.entries.len(), 2504);
        }
    }

    #[test]
    fn the_controller_waits() {
        let dir = tempfile::tempdir().unwrap();
        let certs = dir.path().join("certs");
        assert!(!is_under_way(&certs));
        wait(&certs).unwrap();
        assert!(is_under_way(&certs));
        go_on(&certs).unwrap();
        go_on(&certs).unwrap();
        assert!(!is_under_way(&certs));
    }
}
