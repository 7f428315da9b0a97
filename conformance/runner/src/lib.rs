//! Runs decision cases that are written as data: worlds, questions and expected answers.
//!
//! The same files are asked of the library, of the command line and of the HTTP API ([`via`]), so that the three
//! cannot drift apart. The format is described in `conformance/README.md`. This crate judges answers; it decides
//! no access question itself.

pub mod case;
pub mod compare;
pub mod kubernetes;
pub mod run;
pub mod via;
