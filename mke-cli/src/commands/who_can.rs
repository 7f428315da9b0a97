//! `ucp authz who-can`: everybody who can do something, and through what.

use mke_rbac::inquiry::WhoCan;

use super::asked::RequestArgs;
use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let ask = args.request.question(None)?.ask;
    authz::ask(&WhoCan { ask }, &args.source, output)
}
