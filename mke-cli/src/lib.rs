//! The `ucp` command as a library: parse, call, render.
//!
//! No rule of the product lives here. A command converts its arguments into a request to a library or to a
//! control plane's HTTP API, and hands the result to the renderer. Data goes to standard output, prose to
//! standard error.
//!
//! Exit codes: 0 done; 1 the answer is no (denied, not logged in); 2 usage or configuration; 3 failed.

mod api;
mod args;
mod commands;
mod error;
mod file;
mod output;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::error::CliError;
use crate::output::Output;

pub use crate::output::Colours;

/// Runs the command line and returns its exit code. Nothing is coloured.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    stdout: &mut (dyn Write + Send),
    stderr: &mut (dyn Write + Send),
) -> ExitCode {
    run_in_colours(args, stdout, stderr, Colours::default())
}

/// As [`run`], with colours on the streams that show them.
pub fn run_in_colours(
    args: impl IntoIterator<Item = OsString>,
    stdout: &mut (dyn Write + Send),
    stderr: &mut (dyn Write + Send),
    colours: Colours,
) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // clap decides by itself whether the text is help (standard output) or a complaint.
            let text = error.render();
            let _ = if error.use_stderr() {
                write!(stderr, "{text}")
            } else {
                write!(stdout, "{text}")
            };
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut output = Output::new(stdout, stderr, cli.output).in_colours(colours);
    match commands::dispatch(cli.command, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (CliError::AnswerIsNo | CliError::Mistakes | CliError::Told(_))) => error.exit_code(),
        Err(error) => {
            output.error(&error);
            error.exit_code()
        }
    }
}
