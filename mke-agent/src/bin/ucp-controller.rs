//! `ucp-controller`: what `ucp-agent controller` and `ucp-agent auth-worker` become. See [`mke_agent::programs`].

use std::process::ExitCode;

fn main() -> ExitCode {
    mke_agent::programs::main_of_controller()
}
