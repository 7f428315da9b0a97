//! `ucp config diff`: what becomes different, and what that touches.

use std::path::PathBuf;

use mke_core::config::{Difference, Impact};
use serde::Serialize;

use super::File;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file as it is (TOML).
    before: PathBuf,
    /// The file as it shall be, `-` for standard input.
    after: PathBuf,
    /// Exit with 1 when there is a difference, for scripts.
    #[arg(long)]
    exit_code: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    differences: Vec<Difference>,
    impact: Impact,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let before = File::at(&args.before).config(output)?;
    let after = File::at(&args.after).config(output)?;
    let differences = before.diff(&after);
    let report = Report {
        impact: Impact::of(&differences),
        differences,
    };
    output.value(&report, text)?;
    if args.exit_code && !report.differences.is_empty() {
        return Err(CliError::AnswerIsNo);
    }
    Ok(())
}

fn text(report: &Report) -> String {
    if report.differences.is_empty() {
        return String::new();
    }
    let mut lines: Vec<_> = report.differences.iter().map(Difference::to_string).collect();
    lines.push(report.impact.to_string());
    lines.join("\n")
}
