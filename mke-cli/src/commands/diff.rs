//! `ucp authz diff`: who gained and who lost between two states.

use std::path::PathBuf;

use clap::ValueEnum;
use mke_rbac::inquiry::{Diff, FailOn};

use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The newer state: a state file. The older one is the control plane, or `--state`.
    #[arg(required_unless_present = "to_manifests")]
    to: Option<PathBuf>,
    /// The world of the newer state file, when it has several.
    #[arg(long, value_name = "NAME", requires = "to")]
    to_world: Option<String>,
    /// The newer roles and bindings of Kubernetes: a manifest file.
    #[arg(long, value_name = "FILE")]
    to_manifests: Option<PathBuf>,
    /// Compare the other way round: from the named file to the control plane or `--state`.
    #[arg(long)]
    reverse: bool,
    /// Exit with 1 when this happened, so that a pipeline stops.
    #[arg(long, value_enum)]
    fail_on: Option<On>,
    /// Most entries that are listed; counts stay exact.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    source: Source,
}

/// On what to fail.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum On {
    /// Somebody gained something.
    Gained,
    /// Somebody lost something.
    Lost,
    /// Anything changed.
    Any,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let read = |path: &Option<PathBuf>| path.as_deref().map(authz::read).transpose();
    let inquiry = Diff {
        state: read(&args.to)?,
        world: args.to_world.clone(),
        manifests: read(&args.to_manifests)?,
        reverse: args.reverse,
        fail_on: args.fail_on.map(|on| match on {
            On::Gained => FailOn::Gained,
            On::Lost => FailOn::Lost,
            On::Any => FailOn::Any,
        }),
        limit: args.limit,
    };
    authz::ask(&inquiry, &args.source, output)
}
