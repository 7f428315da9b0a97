//! Programs that lie in `ucp-controller`, the file beside `ucp-agent`: this process becomes that one, with the same command line.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::ProgramError;

/// The file.
const FILE: &str = "ucp-controller";

/// Arguments: whatever that program takes.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(super) struct Args {
    /// What it is told; `--help` shows all.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Becomes it.
///
/// # Errors
/// [`ProgramError::Beside`] when it cannot be started.
pub(super) fn run(_: &Args) -> Result<(), ProgramError> {
    let own = std::env::current_exe().map_err(ProgramError::Start)?;
    let path = own.with_file_name(FILE);
    let mut words = std::env::args_os();
    let mut command = Command::new(&path);
    if let Some(name) = words.next() {
        // Who looks at processes knows it by this.
        command.arg0(name);
    }
    let source = command.args(words).exec();
    Err(ProgramError::Beside { path, source })
}
