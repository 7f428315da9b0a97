//! What is kept in the store about accounts, and in which form: one JSON object per record, with a schema
//! version.
//!
//! A record of a newer version is refused, never read in part: an older manager must not act on fields that it
//! does not understand. So is a record with fields that do not belong there. This module reads and writes
//! bytes; where they lie is the matter of [`mke_core::store::layout`].

mod account;
mod credentials;
mod origin;
mod scim;
mod second_factor;
mod team;

pub use account::{Account, AccountKind, MAX_FULL_NAME_CHARS, User};
pub use credentials::{Login, MAX_LABEL_CHARS, MAX_USER_AGENT_CHARS, PublicKey, Session, TokenHash};
pub use origin::{MAX_ORIGIN_ID_BYTES, MemberSync, Origin, Source};
pub use scim::{ScimEmail, ScimGroup, ScimPerson, ScimToken};
pub use second_factor::{FailureCount, LoginLock, SecondFactor};
pub use team::{MAX_DESCRIPTION_CHARS, Membership, Team};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The version that this program writes, and the newest that it reads.
pub const SCHEMA_VERSION: u64 = 1;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It was written by a newer program.
    #[error("{what} record has schema version {found}, this program reads up to {SCHEMA_VERSION}; update it")]
    Newer {
        /// Which kind of record.
        what: &'static str,
        /// Its version.
        found: u64,
    },
    /// It has no version, or is no JSON object.
    #[error("{what} record is no JSON object with a schema version")]
    Unversioned {
        /// Which kind of record.
        what: &'static str,
    },
    /// Its fields are not those of its kind.
    #[error("{what} record cannot be read or written")]
    Malformed {
        /// Which kind of record.
        what: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Something that is kept in the store.
pub trait Record: Serialize + DeserializeOwned {
    /// What it is called in errors.
    const WHAT: &'static str;
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u64,
    #[serde(flatten)]
    record: &'a T,
}

/// The bytes to store.
///
/// # Errors
///
/// [`RecordError::Malformed`] when the record is no JSON object, which the types here rule out.
pub fn encode<T: Record>(record: &T) -> Result<Vec<u8>, RecordError> {
    serde_json::to_vec(&Versioned {
        v: SCHEMA_VERSION,
        record,
    })
    .map_err(|source| RecordError::Malformed {
        what: T::WHAT,
        source,
    })
}

/// Reads stored bytes.
///
/// # Errors
///
/// [`RecordError`] says what is wrong with them.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, RecordError> {
    let malformed = |source| RecordError::Malformed {
        what: T::WHAT,
        source,
    };
    let mut value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
    let version = value
        .as_object_mut()
        .and_then(|fields| fields.remove("v"))
        .and_then(|version| version.as_u64());
    match version {
        None | Some(0) => Err(RecordError::Unversioned { what: T::WHAT }),
        Some(SCHEMA_VERSION) => serde_json::from_value(value).map_err(malformed),
        Some(found) => Err(RecordError::Newer { what: T::WHAT, found }),
    }
}
