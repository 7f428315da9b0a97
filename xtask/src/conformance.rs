//! `cargo xtask conformance`: hands case files to the runner. What a case means is decided there and in the
//! libraries, never here.

use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;

use crate::failure::{Failure, Outcome};
use crate::{artifacts, checkout, command};

/// Decision cases: as data, asked in several ways.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to ask.
    #[arg(long, value_enum, default_value = "library")]
    via: Way,
    /// Files in the format rbac-scenarios/1 or kubernetes-cases/1.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// The ways that the runner knows.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// The library, in one process.
    Library,
    /// The `ucp` command, once per case.
    Ucp,
    /// The API of a control plane that the runner starts.
    Http,
    /// Each of these.
    All,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let way = match args.via {
        Way::Library => "library",
        Way::Ucp => "ucp",
        Way::Http => "http",
        Way::All => "all",
    };
    let runner = build(matches!(args.via, Way::Library))?;
    // The exit code and the last line are the runner's own.
    let status = command::run(Command::new(runner).args(["--via", way]).args(&args.files))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(1) => Err(Failure::No("some cases failed".to_owned())),
        _ => Err(Failure::Broken(format!("the runner ended with {status}"))),
    }
}

/// Builds the runner; for the other ways also `ucp`, which the runner looks for beside itself.
fn build(library: bool) -> Outcome<PathBuf> {
    let mut build = checkout::cargo();
    // The manifest is named, not entered: case files are relative to where the person is.
    build
        .arg("build")
        .arg("--manifest-path")
        .arg(checkout::root().join("Cargo.toml"));
    build.args([
        "--quiet",
        "--message-format",
        "json-render-diagnostics",
        "--package",
        "mke-conformance",
    ]);
    if !library {
        build.args(["--package", "mke-cli"]);
    }
    let (status, messages) = command::capture_stdout(&mut build)?;
    let runner = artifacts::executable(&messages, "mke-conformance").filter(|_| status.success());
    runner.ok_or_else(|| Failure::Broken("the runner cannot be built".to_owned()))
}
