//! `ucp config diff`: what becomes different, and what that touches.

use std::path::PathBuf;

use super::server::{ChangeArgs, Server};
use super::show::Changes;
use super::source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file as it is and the file as it shall be (TOML), `-` for standard input. With `--server` only the second:
    /// it is compared with what is in force; without any, what runs is compared with what is stored.
    #[arg(num_args = 0..=2)]
    files: Vec<PathBuf>,
    /// Compare with the control plane in use.
    #[arg(long)]
    server: bool,
    /// Exit with 1 when there is a difference, for scripts.
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let changes = match (args.files.as_slice(), args.server) {
        ([before, after], false) => {
            let before = source::file(before)?.config(false, output)?;
            let after = source::file(after)?.config(false, output)?;
            Changes::of(&before.diff(&after))
        }
        ([after], true) => {
            let file = source::file(after)?;
            super::super::wait_for(trial(file, output))?
        }
        ([], true) => super::super::wait_for(drift(output))?,
        _ => {
            return Err(CliError::Usage(
                "name two files, or `--server` with the file as it shall be, or `--server` alone".to_owned(),
            ));
        }
    };
    output.styled(&changes, Changes::styled)?;
    if args.exit_code && !changes.differences.is_empty() {
        return Err(CliError::AnswerIsNo);
    }
    Ok(())
}

/// What the control plane would make of a file. It knows the secrets that masks stand for.
async fn trial(file: source::Named, output: &mut Output<'_>) -> Result<Changes, CliError> {
    let how = ChangeArgs {
        dry_run: true,
        ..ChangeArgs::default()
    };
    let server = Server::connect()?;
    let tried = server
        .replace(&file.name, file.text, &how, false, None, output)
        .await?;
    Ok(tried.changes())
}

async fn drift(output: &mut Output<'_>) -> Result<Changes, CliError> {
    let drift = Server::connect()?.drift().await?;
    output.remark(&format!(
        "version {} is stored, version {} runs",
        drift.stored, drift.running
    ));
    Ok(Changes {
        differences: drift.differences,
        impact: drift.impact,
    })
}
