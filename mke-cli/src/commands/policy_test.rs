//! `ucp authz test`: checks a file of what must be and what must never be.
//!
//! Exit codes: 0 all hold; 1 one does not; 2 one cannot be checked, or the file is none.

use std::path::PathBuf;

use mke_rbac::inquiry::{PolicyTests, Report as _};

use super::authz::{self, Source, usage};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The assertions, YAML or JSON; `-` for standard input.
    file: PathBuf,
    /// Write the results as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let tests = PolicyTests::parse(&authz::read(&args.file)?).map_err(|error| usage(&args.file, &error))?;
    let report = authz::report(&tests, &args.source)?;
    if let Some(path) = &args.junit {
        std::fs::write(path, report.junit()).map_err(CliError::file("cannot write", path))?;
    }
    output.value(&report, ToString::to_string)?;
    match (report.errors, report.is_no()) {
        (0, false) => Ok(()),
        (0, true) => Err(CliError::AnswerIsNo),
        (errors, _) => Err(CliError::Usage(format!(
            "{}: {errors} of {} assertions cannot be checked",
            args.file.display(),
            report.tests.len()
        ))),
    }
}
