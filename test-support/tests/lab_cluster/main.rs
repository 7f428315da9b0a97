//! Clusters as their operators make and break them: with the image, the docker client and requests alone. Need root, the packages
//! curl, docker.io, iptables, iproute2, python3 and util-linux, and the archive that `cargo xtask test` makes; what is missing
//! fails the test and is named.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed step fails the test, and tells what the engines had in their logs"
)]

mod bundle;
mod grow;
mod power;
mod quorum;
mod request;
mod world;
mod writes;
