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
//! | `missing` | what a writer is told when the store takes no writes |
//! | `data`, `wal` | whether a member may be started with the data that its node has, and whose data that is |
//! | `status` | the report |

mod access;
pub mod alone;
mod check;
pub mod data;
mod keeper;
mod members;
pub mod missing;
mod plan;
mod status;
#[cfg(test)]
mod tests;
mod upkeep;
pub mod wal;

pub use access::{AccessError, StoreAccess, StoreCertificates};
pub use check::{Checked, Refusal, check};
pub use keeper::{KeepError, Keeper};
pub use members::{Observed, SeenMember, WantedMember, majority};
pub use plan::{Plan, Step, plan};
pub use status::{ServerStatus, StoreStatus};
pub use upkeep::{Chore, KEEP_REVISIONS, due};
