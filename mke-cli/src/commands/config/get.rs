//! `ucp config get`: the value of one key.

use mke_core::config::{KeyPath, Value, explain};

use super::source::Source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The key with its tables, such as `auth.sessions.lifetime_minutes` or `registries[0].host_address`.
    key: KeyPath,
    #[command(flatten)]
    source: Source,
    /// Print a secret too, and not stars.
    #[arg(long)]
    reveal: bool,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    explain(&args.key.to_string()).map_err(|error| CliError::Usage(error.to_string()))?;
    let config = args.source.config(output)?;
    let value = config
        .get(&args.key)
        .ok_or_else(|| CliError::Usage(format!("`{}` is not set", args.key)))?;
    let shown = match &value {
        Value::Text(text) => text.clone(),
        Value::Secret(secret) if args.reveal => secret.expose().to_owned(),
        other => other.to_string(),
    };
    output.value(&shown, String::clone)
}
