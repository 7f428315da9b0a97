//! `ucp config validate`: every mistake of a file at once.

use std::path::PathBuf;

use mke_core::config::Document;

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
        let config = file.config(args.keep_unknown, output)?;
        let described = Document::parse(&file.text).is_ok_and(|document| document.has_directory());
        if config.auth.backend == "ldap" && !described {
            output.remark(
                "the file has no `[auth.ldap]`: it fits a control plane that knows its directory already",
            );
        }
        return Ok(());
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
