//! The vocabulary that every other crate of the project speaks: validated [names], typed [ids], [time],
//! [secrets](secret) and how they are [sealed](seal), the [configuration](config) file, the [store] and
//! [certificates](pki).
//!
//! This crate decides nothing about access and opens no socket. Without its store adapters (cargo features)
//! it does no input or output at all: clock and randomness are arguments.
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
//! | `sqlite` | `store::sqlite`, the embedded adapter of the [`store`] |
//! | `test-util` | `time::ManualClock`, and `store::suite` that any adapter must pass |

pub mod config;
pub mod ids;
pub mod names;
pub mod pki;
pub mod seal;
pub mod secret;
pub mod store;
pub mod time;
