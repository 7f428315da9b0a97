//! What runs on a node: the [`controller`], which serves the control plane's API and passes the Engine API on under
//! access control, with its [`engine`] client and its [`proxy`]. The [`programs`] are how a node starts them.
//!
//! Rules of access are not here but in `mke-rbac`, and accounts in `mke-auth`; this crate connects them to sockets.

pub mod addons;
pub mod agent;
pub mod backup;
pub mod ca;
mod connection;
pub mod controller;
pub mod engine;
pub mod fleet;
pub mod hardware;
pub mod install;
pub mod kv;
pub mod life;
pub mod mtls;
pub mod node;
pub mod node_metrics;
pub mod node_proxy;
pub mod programs;
pub mod proxy;
pub mod relay;
pub mod steps;
