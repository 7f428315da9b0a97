//! Backups of a cluster: taking one while everything runs, and installing a cluster that begins with what one holds.
//!
//! | file | decides |
//! | --- | --- |
//! | `archive` | the form of an archive, and whether one is whole |
//! | `openpgp` | the encryption of archives and logs, which `gpg --decrypt` reads |
//! | `selection` | which records of the store come back |
//! | `collect` | what a backup holds; runs on a manager beside its volumes |
//! | `take` | the steps of a backup, seen from the bootstrapper |
//! | `restore` | whether an archive may be restored here, and what an installation takes from it |
//! | `fill` | putting the records into a new store |

pub mod archive;
pub mod collect;
pub mod fill;
pub mod openpgp;
pub mod restore;
pub mod selection;
pub mod take;

pub use archive::{Archive, ArchiveError, Metadata};
pub use openpgp::OpenPgpError;
