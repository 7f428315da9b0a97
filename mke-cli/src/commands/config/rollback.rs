//! `ucp config rollback`: an earlier version of the control plane's configuration comes back, as a new version.

use super::server::{ChangeArgs, Server};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The version, as `ucp config history` lists it.
    version: u64,
    #[command(flatten)]
    how: ChangeArgs,
}

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let server = Server::connect()?;
    server
        .roll_back(args.version, &args.how, output)
        .await?
        .show(output)
}
