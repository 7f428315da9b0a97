//! The controller over TLS, without an engine behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

mod support;

#[path = "controller/accounts.rs"]
mod accounts;
#[path = "controller/audit.rs"]
mod audit;
#[path = "controller/authz.rs"]
mod authz;
#[path = "controller/bundles.rs"]
mod bundles;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "controller/config.rs"]
mod config;
#[path = "controller/config_api.rs"]
mod config_api;
#[path = "controller/config_versions.rs"]
mod config_versions;
#[path = "controller/directory.rs"]
mod directory;
#[path = "controller/directory_jobs.rs"]
mod directory_jobs;
#[path = "controller/directory_teams.rs"]
mod directory_teams;
#[path = "controller/framing.rs"]
mod framing;
#[path = "controller/in_cluster.rs"]
mod in_cluster;
#[path = "controller/joined.rs"]
mod joined;
#[path = "controller/login.rs"]
mod login;
#[path = "controller/rbac.rs"]
mod rbac;
#[path = "controller/registry.rs"]
mod registry;
#[path = "controller/scim.rs"]
mod scim;
#[path = "controller/second_factor.rs"]
mod second_factor;
#[path = "controller/startup.rs"]
mod startup;
#[path = "controller/streams.rs"]
mod streams;
#[path = "controller/tls.rs"]
mod tls;
