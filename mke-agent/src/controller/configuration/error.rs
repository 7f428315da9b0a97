//! Why a change of the configuration was not applied.

use mke_core::config::{Difference, Problems};
use mke_core::store::StoreError;

use super::{MAX_WHY, Version};
use crate::controller::state::NotInForce;

/// Why the configuration was not changed. Nothing of the change was applied then, except where it says so.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError {
    /// It breaks rules, all of which are named.
    #[error("the configuration is not valid: {0}")]
    Invalid(Problems),
    /// It changes what is fixed at installation, or goes back where there is no way back; these are all such keys.
    #[error(
        "the change is refused, because it changes what cannot be changed any more: {}; give these keys their present \
         values, or install anew with `--existing-config`",
        listed(.0)
    )]
    Fixed(Vec<Difference>),
    /// Others applied a change while the request was under way.
    #[error(
        "{by} changed the configuration to version {current} while this request was under way: read it again, repeat \
         the edit and send it again"
    )]
    Overlapped {
        /// The version that is in force.
        current: Version,
        /// Who made it.
        by: String,
        /// What the request would have made of it.
        tried: Vec<Difference>,
    },
    /// The caller expected another version.
    #[error(
        "the configuration is at version {current}, the request expects {expected}: read it again, repeat the edit and \
         send it again"
    )]
    Stale {
        /// The version that the caller named.
        expected: Version,
        /// The version that is in force.
        current: Version,
        /// What the request would have made of it.
        tried: Vec<Difference>,
    },
    /// The version is not in the history.
    #[error(
        "there is no version {0} in the history of the configuration, list the history for those that are kept"
    )]
    NoSuchVersion(Version),
    /// The reason is too long or holds control characters.
    #[error("the reason must be one line of at most {MAX_WHY} characters")]
    Why,
    /// Text and history do not fit into the store.
    #[error(
        "the configuration of {bytes} bytes is too large: with its history it would take {takes} bytes, and the store \
         takes {most} at once; shorten it"
    )]
    TooLarge {
        /// Size of its text.
        bytes: usize,
        /// What text and history take in the store.
        takes: usize,
        /// What the store takes.
        most: usize,
    },
    /// The cluster is being upgraded.
    #[error(
        "the cluster is being upgraded by {owner}: change the configuration when that has ended; an upgrade that was \
         broken off goes on when it is run again"
    )]
    Upgrading {
        /// Who upgrades it.
        owner: String,
    },
    /// Others changed it again and again.
    #[error("others are changing the configuration, try again")]
    Busy,
    /// It was applied, but this controller does not work with it yet.
    #[error(transparent)]
    NotInForce(#[from] NotInForce),
    /// The store.
    #[error("the store did not take the change")]
    Store(#[from] StoreError),
}

fn listed(differences: &[Difference]) -> String {
    let keys: Vec<_> = differences
        .iter()
        .map(|change| {
            let shown = |value: &Option<mke_core::config::Value>| {
                value.as_ref().map_or("unset".to_owned(), ToString::to_string)
            };
            format!(
                "`{}` ({} is in force, not {})",
                change.path,
                shown(&change.before),
                shown(&change.after)
            )
        })
        .collect();
    keys.join(", ")
}
