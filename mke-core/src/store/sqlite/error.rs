//! What SQLite says, in the store's words.

use std::sync::Arc;

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

/// Where the data is, for messages: the file's path, or that there is none.
#[derive(Debug, Clone)]
pub(super) struct Place(pub(super) Arc<str>);

impl Place {
    /// Sorts an error of SQLite into the store's kinds and names the file and the remedy.
    pub(super) fn explain(&self, error: &Error) -> StoreError {
        let place = &self.0;
        match error {
            Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => StoreError::Full(format!(
                    "{place}: {error}; free space on its file system, raise its size limit or compact it"
                )),
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    StoreError::Corrupt(format!("{place}: {error}; restore it from a backup"))
                }
                ErrorCode::TooBig => StoreError::Invalid(format!("{place}: {error}; write less at once")),
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
                    StoreError::Unavailable(format!(
                        "{place}: {error}; this process must be able to write the file and its directory"
                    ))
                }
                _ => StoreError::Unavailable(format!("{place}: {error}")),
            },
            // The file is in order for SQLite, but a field is not what this program writes there.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
            | Error::InvalidColumnType(..)
            | Error::QueryReturnedNoRows => {
                StoreError::Corrupt(format!("{place}: {error}; restore it from a backup"))
            }
            _ => StoreError::Unavailable(format!("{place}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    /// Each kind of failure is told apart, and each message names the file.
    #[test]
    fn failures_by_kind() {
        let place = Place("`/var/lib/mke.db`".into());
        let explain = |code| place.explain(&Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(explain(ffi::SQLITE_FULL), StoreError::Full(_)));
        assert!(matches!(explain(ffi::SQLITE_CORRUPT), StoreError::Corrupt(_)));
        assert!(matches!(explain(ffi::SQLITE_NOTADB), StoreError::Corrupt(_)));
        assert!(matches!(explain(ffi::SQLITE_TOOBIG), StoreError::Invalid(_)));
        for code in [
            ffi::SQLITE_IOERR,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_CANTOPEN,
        ] {
            assert!(matches!(explain(code), StoreError::Unavailable(_)));
        }
        let damaged = place.explain(&Error::IntegralValueOutOfRange(0, -1));
        assert!(matches!(&damaged, StoreError::Corrupt(_)));
        assert!(damaged.to_string().contains("/var/lib/mke.db"));
    }
}
