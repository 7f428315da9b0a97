//! `ucp-agent`: every component of a node is this program with another word behind it, those of the controller by way of
//! `ucp-controller`. See
//! [`mke_agent::programs`] for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    mke_agent::programs::main()
}
