//! `ucp authz explain`: why something is allowed or denied, and what would allow it.

use mke_rbac::inquiry::Explain;

use super::asked::RequestArgs;
use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    request: RequestArgs,
    /// The user that the question is about; without one it is about requests without credentials.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let question = args.request.question(args.user.as_deref())?;
    authz::ask(&Explain { question }, &args.source, output)
}
