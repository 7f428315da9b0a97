//! The cluster's key-value store (`ucp-kv`, etcd): how programs reach it, and how its members are looked after.
//!
//! Members follow the managers: observe → plan → check → apply, one change at a time.
//!
//! | file | decides |
//! | --- | --- |
//! | `access` | with which addresses and certificates a program opens it |
//! | `members` | what is known of members: who votes, who is well, who has caught up |
//! | `plan` | the next step towards the members that there should be |
//! | `check` | whether a step leaves a majority |
//! | `keeper` | looks at a real cluster and takes steps |
//! | `upkeep` | when history is dropped and files are made smaller |
//! | `alone` | whether the one that is left goes on alone when most are lost for good |
//! | `start` | with which members a member is started, also when most are lost |
//! | `status` | the report |

mod access;
pub mod alone;
mod check;
mod keeper;
mod members;
mod plan;
pub mod start;
mod status;
#[cfg(test)]
mod tests;
mod upkeep;

pub use access::{AccessError, StoreAccess, StoreCertificates};
pub use check::{Checked, Refusal, check};
pub use keeper::{KeepError, Keeper};
pub use members::{Observed, SeenMember, WantedMember, majority};
pub use plan::{Plan, Step, plan};
pub use start::best_survivor;
pub use status::{ServerStatus, StoreStatus};
pub use upkeep::{Chore, KEEP_REVISIONS, due};
