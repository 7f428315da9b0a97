//! `ucp dump-certs`: the public certificates of the control plane on this machine: a cluster's from its volumes, those of
//! `ucp serve` from its data directory.

use std::path::{Path, PathBuf};

use mke_agent::controller::options::{PUBLIC_CA, PUBLIC_CERT, PUBLIC_CLUSTER_CA};

use super::bootstrap::{self, LogArgs};
use super::id::DEFAULT_DATA_DIR;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Print only the authority's certificate.
    #[arg(long)]
    ca: bool,
    /// Print the authority of the cluster's own components instead.
    #[arg(long)]
    cluster: bool,
    /// The data directory of `ucp serve`.
    #[arg(long, default_value = DEFAULT_DATA_DIR, env = "MKE_DATA_DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let authority = if args.cluster {
        PUBLIC_CLUSTER_CA
    } else {
        PUBLIC_CA
    };
    let mut pem = match read_public(&args.data_dir, authority) {
        Err(nothing @ CliError::Usage(_)) => {
            let pem = bootstrap::certificates::dump(&args.log, args.ca, args.cluster, nothing)?;
            return output.data(&pem);
        }
        other => other?,
    };
    if !args.ca && !args.cluster {
        pem.push_str(&read_public(&args.data_dir, PUBLIC_CERT)?);
    }
    output.data(&pem)
}

/// Reads one of the public files that `ucp serve` writes at start.
pub(super) fn read_public(data_dir: &Path, name: &str) -> Result<String, CliError> {
    let path = data_dir.join(name);
    std::fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::Usage(format!(
            "no control plane has run on {}; name its directory with --data-dir",
            data_dir.display()
        )),
        _ => CliError::file("cannot read", &path)(error),
    })
}
