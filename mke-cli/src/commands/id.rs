//! `ucp id`: reads what the control plane left in its data directory.

use std::path::PathBuf;

use crate::error::CliError;
use crate::output::Output;

/// Where the control plane keeps its data unless told otherwise.
pub(crate) const DEFAULT_DATA_DIR: &str = "/var/lib/mke";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data directory of `ucp serve`.
    #[arg(long, default_value = DEFAULT_DATA_DIR, env = "MKE_DATA_DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let id =
        super::dump_certs::read_public(&args.data_dir, mke_agent::controller::options::PUBLIC_CLUSTER_ID)?;
    output.value(&id.trim(), |id| (*id).to_owned())
}
