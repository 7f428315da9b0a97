//! `ucp authz to-mke4`: organizations, teams, roles and bindings as manifests for MKE 4.

use std::path::PathBuf;

use mke_rbac::mke4::{Conversion, ToMke4};

use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the manifests here and print the report; without it they are the result, and the report is a remark.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let conversion = authz::report(&ToMke4 {}, &args.source)?;
    let yaml = conversion
        .to_yaml()
        .map_err(|error| CliError::Failed(format!("cannot write YAML: {error}")))?;
    match &args.out {
        Some(path) => {
            crate::file::replace(path, &yaml)?;
            output.value(&conversion, Conversion::to_string)
        }
        None => {
            let report = conversion.to_string();
            output.value(&conversion, |_| yaml)?;
            output.remark(report.trim_end());
            Ok(())
        }
    }
}
