//! Real services for tests, started on free ports of the loopback interface and stopped with their handle.
//!
//! A service that is missing fails the test and names the Debian package; nothing is skipped.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what a test cannot set up ends the test"
)]

mod certificates;
pub mod etcd;
mod ldif;
mod port;
mod slapd;

pub mod images;
pub mod lab;
pub mod recorder;

pub use certificates::Certificates;
pub use ldif::Ldif;
pub use port::free_port;
pub use slapd::{READER_PASSWORD, ROOT_PASSWORD, Slapd, SlapdOptions};
