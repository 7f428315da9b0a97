//! `ucp config to-mke4`: `mke4.yaml` from a 3.x file, with the summary of what did not come along.

use std::path::PathBuf;

use mke_core::config::Version;
use mke_core::config::mke4::{Cluster3, UpgradeSummary, convert, obstacles};

use super::source::Source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Write the new file here and not to standard output. It holds the secrets of the old one.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Check first whether this cluster can be upgraded; nothing is written when it cannot.
    #[arg(long)]
    check: bool,
    /// The version that the cluster runs, such as 3.7.15.
    #[arg(long, requires = "check", value_parser = version)]
    version: Option<Version>,
    /// There is a backup of the cluster.
    #[arg(long, requires = "check")]
    backup_confirmed: bool,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.source.config(output)?;
    if args.check {
        let cluster = Cluster3 {
            version: args.version,
            backup_confirmed: args.backup_confirmed,
        };
        let obstacles = obstacles(&config, cluster);
        for obstacle in &obstacles {
            output.remark(&format!("obstacle: {obstacle}"));
        }
        if !obstacles.is_empty() {
            return Err(CliError::AnswerIsNo);
        }
    }
    let conversion = convert(&config);
    let yaml = conversion
        .to_yaml()
        .map_err(|error| CliError::Failed(format!("cannot write YAML: {error}")))?;
    match &args.out {
        Some(path) => crate::file::replace(path, &yaml)?,
        None => output.data(&yaml)?,
    }
    let summary = UpgradeSummary {
        conversion: &conversion,
        accounts: None,
    };
    output.remark(summary.to_string().trim_end());
    Ok(())
}

fn version(text: &str) -> Result<Version, String> {
    Version::from_text(text).ok_or_else(|| "write a version such as 3.7.15".to_owned())
}
