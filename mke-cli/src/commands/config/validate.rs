//! `ucp config validate`: every mistake of a file at once.

use std::path::PathBuf;

use super::server::{ChangeArgs, Server};
use super::source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A configuration file (TOML), `-` for standard input.
    file: PathBuf,
    /// Let unknown keys through when the file says that it is for a newer version.
    #[arg(long)]
    keep_unknown: bool,
    /// Ask the control plane in use, which knows the secrets that masks stand for; nothing is changed.
    #[arg(long)]
    server: bool,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let file = source::file(&args.file)?;
    if !args.server {
        return file.config(args.keep_unknown, output).map(drop);
    }
    let trial = ChangeArgs {
        dry_run: true,
        ..ChangeArgs::default()
    };
    super::super::wait_for(async {
        let server = Server::connect()?;
        let tried = server.replace(&file.name, file.text, &trial, args.keep_unknown, None, output);
        tried.await.map(drop)
    })
}
