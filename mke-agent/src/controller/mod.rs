//! The controller: one TLS port that speaks the control plane's API and passes the Engine API on under access
//! control.
//!
//! [`start`] is all that a program needs. The way of a request is written down in `journey`; who may do what is
//! decided in `mke-rbac`, who is asking in `mke-auth`.
//!
//! | part | what it does |
//! | --- | --- |
//! | `server`, `places`, `tls` | connections and their limits, certificates of both ends |
//! | `journey` | the order of the steps of a request |
//! | `identify`, `origin` | credential to account, browsers on foreign pages |
//! | `api` | the endpoints of the control plane and their rules |
//! | `answering` | how many questions about access are answered at once |
//! | `snapshot`, `follow` | the view that requests are decided on, and how it stays current |
//! | `policy_store`, `records` | roles, collections and grants in the store |
//! | `configuration` | what is configured, its versions, and the one way to change it |
//! | `saml` | the key and the provider's metadata for SAML |
//! | `registry` | tokens for registries |
//! | `setup`, `authorities`, `issue` | what a first start makes, certificates, bundles |
//! | `recovery` | a new password from the shell of this machine |
//! | `live` | settings that act while the controller runs |
//! | `workplace`, `jobs`, `directory_sync` | jobs, also where no API is served |
//! | `audit`, `metrics`, `headers` | what is recorded, counted and added to every answer |

mod answering;
mod api;
pub mod audit;
mod authorities;
pub mod backends;
pub mod body;
pub mod configuration;
mod directory_sync;
pub mod error;
mod fields;
pub(crate) mod files;
mod first_admin;
mod follow;
mod headers;
mod identify;
mod issue;
mod jobs;
mod journey;
pub(crate) mod live;
mod membership;
pub mod metrics;
pub(crate) mod node_names;
mod occupancy;
pub mod options;
mod origin;
mod paging;
mod places;
mod policy_store;
pub(crate) mod records;
pub mod recovery;
mod registry;
pub mod saml;
mod server;
mod setup;
pub mod snapshot;
mod start;
pub mod state;
pub(crate) mod streams;
mod tls;
mod touched;
mod unpack;
mod workplace;

pub(crate) use authorities::vault;
pub use authorities::{Authorities, AuthorityError, ClusterMode, Signer};
pub use error::ApiError;
pub use files::FileError;
pub use first_admin::{FIRST_ADMIN_FILE, FirstAdmin, FirstAdminError};
pub use live::{Logs, SyslogCounts};
pub use options::Options;
pub use policy_store::{PolicyStore, PolicyStoreError};
pub use records::{ClusterRecord, CollectionRecord};
pub use setup::{SetupError, random_password};
pub use start::{Running, StartError, Surroundings, start, start_with};
pub use workplace::{WorkerError, work_on_jobs};

/// The system's random source. It fails only when the system cannot give randomness at all, and then the process
/// must not go on.
pub(crate) fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}
