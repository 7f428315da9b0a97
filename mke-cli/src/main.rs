//! The `ucp` command: see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    mke_cli::run(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    )
}
