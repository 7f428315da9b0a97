//! Who is asking: [accounts], [passwords](password), [sessions], [public keys](keys) and [client bundles](bundle).
//!
//! This crate keeps the records of who exists, and turns what a request shows (a session token, a client
//! certificate's key, a name and a password) into an [`identity::Identity`]. What an identity may do is decided
//! in `mke-rbac`; HTTP is spoken in `mke-agent` only. Clock, store and randomness are arguments.
//!
//! ```
//! # use std::{net::IpAddr, num::NonZeroUsize, sync::Arc};
//! # use getrandom::{SysRng, rand_core::UnwrapErr};
//! # use mke_core::{config::SessionSettings, secret::Secret, time::SystemClock};
//! # use mke_core::store::{KeyRange, Store, layout, sqlite::SqliteStore};
//! use mke_auth::accounts::{Accounts, NewUser};
//! use mke_auth::directory::Directory;
//! use mke_auth::password::{HashLimits, PasswordHasher};
//! use mke_auth::sessions::{Backends, LoginRequest, Logins, Sessions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (store, clock, mut rng) = (Arc::new(SqliteStore::in_memory()?), Arc::new(SystemClock), UnwrapErr(SysRng));
//! let hasher = Arc::new(PasswordHasher::new(HashLimits::for_processors(NonZeroUsize::MIN))?);
//! let accounts = Accounts::new(store.clone(), clock.clone(), hasher.clone());
//! let jane = NewUser::local("jane", Secret::new("correct horse"));
//! accounts.create_user(jane, &mut rng).await?;
//!
//! let directory = Directory::load(store.range(KeyRange::prefix(layout::ROOT), 1000).await?.entries);
//! let logins = Logins::new(Arc::new(Sessions::new(store, clock)), hasher);
//! let request = LoginRequest {
//!     username: "jane",
//!     password: &Secret::new("correct horse"),
//!     source: IpAddr::from([192, 0, 2, 1]),
//!     user_agent: "example",
//!     code: None,
//! };
//! let (backends, settings) = (Backends::managed(), SessionSettings::default());
//! let login = logins.login(&directory, request, &backends, &settings, &mut rng).await?;
//! assert_eq!(login.identity.name().as_str(), "jane");
//! # Ok(())
//! # }
//! ```

pub mod accounts;
pub mod bundle;
pub mod directory;
pub mod identity;
pub mod jobs;
pub mod keys;
#[cfg(feature = "ldap")]
pub mod ldap;
pub mod password;
pub mod records;
pub mod registry;
#[cfg(feature = "saml")]
pub mod saml;
pub mod scim;
pub mod second_factor;
pub mod sessions;
mod storage;
mod throttle;

pub use storage::StorageError;
pub use throttle::{FREE_ACCOUNT_FAILURES, FREE_CODE_FAILURES, FREE_SOURCE_FAILURES, MAX_DELAY};
