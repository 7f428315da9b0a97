//! `ucp config explain`: what is known about a key.

use mke_core::config::{Explanation, explain};

use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The key with its tables, such as `auth.sessions.lifetime_minutes`.
    key: String,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let explanation = explain(&args.key).map_err(|error| CliError::Usage(error.to_string()))?;
    output.value(&explanation, Explanation::to_string)
}
