//! The `ucp` command: see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    mke_cli::run_in_colours(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
        mke_cli::Colours::of_this_process(),
    )
}
