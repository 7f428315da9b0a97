//! The vocabulary that every other crate of the project speaks: validated [names], typed [ids], [time],
//! [secrets](secret), how [errors](causes) are told, the [configuration](config) file and what [components are started with](render); and as cargo
//! features how secrets are sealed, the store and certificates.
//!
//! This crate decides nothing about access and opens no socket. Without the adapter of its store it does no input
//! or output at all: clock and randomness are arguments. Without features nothing in it is made for one platform.
//!
//! ```
//! use mke_core::names::AccountName;
//!
//! let name: AccountName = "jane.doe".parse()?;
//! assert_eq!(name.as_str(), "jane.doe");
//! assert!("Jane".parse::<AccountName>().is_err(), "capitals are not allowed");
//! # Ok::<(), mke_core::names::NameError>(())
//! ```
//!
//! | feature | adds |
//! | --- | --- |
//! | `pki` | `pki`: authorities, certificates, public keys, trust in chains |
//! | `seal` | `seal`: secrets at rest |
//! | `store` | `store`: the interface of the store and where its records lie |
//! | `sqlite` | `store::sqlite`, the embedded adapter of the store; brings `store` |
//! | `test-util` | `time::ManualClock`, and `store::suite` that any adapter must pass; brings `store` |

pub mod causes;
pub mod config;
pub mod ids;
pub mod names;
#[cfg(feature = "pki")]
pub mod pki;
pub mod product;
pub mod render;
#[cfg(feature = "seal")]
pub mod seal;
pub mod secret;
#[cfg(feature = "store")]
pub mod store;
pub mod time;
