//! LDAP against real directory servers, and against servers that do not behave.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod fake;
mod killed;
mod lab;
mod login;
mod malformed;
mod people;
mod referrals;
mod safety;
mod searches;
mod teams;
mod tls;

#[path = "../support/mod.rs"]
mod support;
