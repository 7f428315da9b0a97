//! Components in front of a real engine: the authorities, the proxy, the hardware and the metrics, called by strangers,
//! by nodes and by the ordinary `docker` command. Needs root and the packages docker.io, busybox-static, curl, openssl,
//! iproute2, bsdutils and util-linux; a missing one fails the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

#[path = "components/authority.rs"]
mod authority;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "components/controller_program.rs"]
mod controller_program;
#[allow(dead_code, reason = "each test crate uses a part of the harness")]
#[path = "docker/engine.rs"]
mod engine;
#[path = "components/engine_proxy.rs"]
mod engine_proxy;
#[path = "components/files.rs"]
mod files;
#[path = "components/lines.rs"]
mod lines;
#[path = "components/ports.rs"]
mod ports;
#[path = "components/store.rs"]
mod store;
#[path = "components/world.rs"]
mod world;
