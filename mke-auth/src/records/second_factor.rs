//! The second factor of an account, and what failed logins leave behind.

use mke_core::ids::AccountId;
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, TokenHash};

/// The second factor of an account (TFA-001). There is one record per account, below its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecondFactor {
    /// Whose it is.
    pub account: AccountId,
    /// The seed, sealed for the key of this record, base64.
    pub sealed_seed: String,
    /// When it was begun.
    pub begun: Timestamp,
    /// When it was switched on; while there is no such time it protects nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// The time step of the last code that was taken, in units of 30 s since 1970. No code of this step or an earlier
    /// one is taken again (RFC 6238, section 5.2).
    pub last_step: u64,
    /// The hashes of the recovery codes that were not used yet.
    pub recovery: Vec<TokenHash>,
}

impl Record for SecondFactor {
    const WHAT: &'static str = "second factor";
}

/// How often logins failed, for one thing that they are counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureCount {
    /// How often in a row.
    pub failures: u32,
    /// When it happened last.
    pub last: Timestamp,
}

impl Record for FailureCount {
    const WHAT: &'static str = "login failures";
}

/// A lock that failed logins closed (`auth.account_lock`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoginLock {
    /// When it was closed.
    pub since: Timestamp,
    /// When it opens by itself; without a time an administrator opens it.
    pub until: Option<Timestamp>,
}

impl LoginLock {
    /// Whether it is closed at this moment.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Record for LoginLock {
    const WHAT: &'static str = "login lock";
}
