//! `ucp id`: the id of the control plane on this machine. A cluster's comes from the engine, that of `ucp serve` from its
//! data directory.

use std::path::PathBuf;

use super::bootstrap::{self, LogArgs};
use crate::error::CliError;
use crate::output::Output;

/// Where the control plane keeps its data unless told otherwise.
pub(crate) const DEFAULT_DATA_DIR: &str = "/var/lib/mke";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// The data directory of `ucp serve`.
    #[arg(long, default_value = DEFAULT_DATA_DIR, env = "MKE_DATA_DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let name = mke_agent::controller::options::PUBLIC_CLUSTER_ID;
    let id = match super::dump_certs::read_public(&args.data_dir, name) {
        Err(nothing @ CliError::Usage(_)) => bootstrap::certificates::id(&args.log, nothing)?,
        other => other?,
    };
    output.value(&id.trim(), |id| (*id).to_owned())
}
