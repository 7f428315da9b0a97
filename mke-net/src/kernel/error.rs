//! Why the kernel's parameters could not be read or changed.

use std::io;
use std::path::Path;

use super::key::Key;

/// Why it failed. Whatever fails, the journal remembers the values from before.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// There is no such namespace, or it must not be entered.
    #[error("network namespace `{name}` cannot be entered; `ip netns list` shows those with a name")]
    NoNamespace {
        /// As it was asked for.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file.
    #[error("{doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system has no clock.
    #[error("/proc/uptime does not say how long the machine has been on")]
    NoClock,
    /// Somebody else is changing parameters.
    #[error("another process is changing kernel parameters now (it holds {path}); wait for it and try again")]
    Busy {
        /// The lock.
        path: String,
    },
    /// A change waits for its confirmation.
    #[error(
        "a change waits for its confirmation; confirm it with `ucp kernel confirm` or take it back with `ucp kernel revert`"
    )]
    Unconfirmed,
    /// There is nothing to confirm.
    #[error("no change waits for a confirmation; `ucp kernel status` shows what there is")]
    NothingToConfirm,
    /// The time was over.
    #[error(
        "nobody confirmed in time, the values from before are back; apply again and confirm within the time"
    )]
    TooLate,
    /// A journal cannot be understood.
    #[error("{path} cannot be understood ({reason}); keep it, it has the values from before")]
    BadJournal {
        /// The journal.
        path: String,
        /// Why.
        reason: String,
    },
    /// A value was not what the plan was made for.
    #[error("{key} is `{found}` now and was `{expected}` when the plan was made; plan again")]
    Moved {
        /// The parameter.
        key: Key,
        /// What the plan knew.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The kernel refused a value, or made another one of it. What had been changed was taken back.
    #[error("{key} = {value}: {reason}; {after}")]
    Refused {
        /// The parameter.
        key: Key,
        /// The value.
        value: String,
        /// What the kernel did instead.
        reason: String,
        /// What became of the change.
        after: String,
    },
    /// Some values cannot be taken back.
    #[error("cannot set {} back: {reason}; the journal keeps the values, run `ucp kernel revert` again when that is solved", keys.join(", "))]
    NotTakenBack {
        /// The parameters.
        keys: Vec<String>,
        /// What the system said to the first.
        reason: String,
    },
}

impl KernelError {
    /// For `map_err` on file operations.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { doing, path, source }
    }
}
