//! `ucp config apply`: a new file for the control plane.

use std::path::PathBuf;

use super::server::{ChangeArgs, Server};
use super::source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file as it shall be (TOML), `-` for standard input. Masks in it keep the secrets that are there.
    file: PathBuf,
    /// Let unknown keys through when the file says that it is for a newer version.
    #[arg(long)]
    keep_unknown: bool,
    /// Only when this version is still in force, so that nobody's change is undone.
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    how: ChangeArgs,
}

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let file = source::file(&args.file)?;
    let tag = args.if_version.map(|version| format!("\"{version}\""));
    let server = Server::connect()?;
    let applied = server
        .replace(
            &file.name,
            file.text,
            &args.how,
            args.keep_unknown,
            tag.as_deref(),
            output,
        )
        .await?;
    applied.show(output)
}
