//! Kernel parameters: what they are, what a cluster needs, and changes that can be taken back.
//!
//! [`observe`] looks, [`plan`] decides, [`apply`] writes with a journal of the old values, [`confirm`] keeps, [`revert`]
//! takes back. A change that nobody confirms in time is taken back by [`watch`], or by whoever uses any of these functions
//! next; so is one whose writer died.

mod apply;
mod catalogue;
mod effects;
mod error;
mod journal;
mod key;
mod observe;
mod place;
mod plan;
mod reconcile;
mod revert;
mod settings;
mod status;

pub use apply::{apply, confirm};
pub use catalogue::{Figure, Need, Parameter, SetBy, parameter, parameters};
pub use error::KernelError;
pub use key::{Key, KeyError};
pub use observe::{Observation, State, observe};
pub use place::Place;
pub use plan::{Intent, Plan, Step, plan};
pub use reconcile::{Outcome, Reconciled, reconcile};
pub use revert::{Reverted, Settled, revert};
pub use settings::{Setting, Settings};
pub use status::{Drift, Standing, Status, status, watch};

/// The file with values for the next start, below the root. It is read late, so that it has the last word.
pub const SETTINGS_FILE: &str = "etc/sysctl.d/95-ucp.conf";

/// What just happened, for those who watch. Everything that is told is durable already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The old values are in the journal.
    Recorded,
    /// A value was written and is what it shall be.
    Wrote(Step),
    /// Everything is written and waits for a confirmation.
    Waiting,
    /// The change was confirmed.
    Confirming,
    /// The file for the next start is written.
    Persisted,
    /// The journal says that the change holds.
    Confirmed,
    /// The journal says that the change is taken back.
    Reverting,
    /// A value from before is back.
    Restored(Key),
    /// The change is taken back.
    Reverted,
}

/// Where events go.
pub type Progress<'a> = dyn FnMut(&Event) + Send + 'a;
