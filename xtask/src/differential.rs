//! `cargo xtask differential`: asks the upstream Kubernetes authorizer and ours the same, and fails on any difference.
//! What is asked and compared is decided in `conformance/upstream`.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{artifacts, checkout, command, say, upstream};

/// Our Kubernetes decisions beside upstream's, on generated policies and requests.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests to ask about.
    #[arg(long, default_value_t = 10_000_000)]
    requests: u64,
    /// Pairs of rules to ask whether one covers the other.
    #[arg(long, default_value_t = 1_000_000)]
    covers: u64,
    /// Everything follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let upstream = upstream::build("cargo xtask differential")?;
    let driver = driver()?;
    say::step(&format!(
        "{} requests and {} pairs of rules, asked of both",
        args.requests, args.covers
    ));
    let mut compare = Command::new(driver);
    compare.arg("--program").arg(&upstream.program);
    for (name, value) in [
        ("--requests", args.requests),
        ("--covers", args.covers),
        ("--seed", args.seed),
    ] {
        compare.arg(name).arg(value.to_string());
    }
    let status = command::run(&mut compare)?;
    match status.code() {
        Some(0) => {
            say::data(&format!("upstream: {} {}", upstream::PACKAGE, upstream.version));
            Ok(())
        }
        Some(1) => Err(Failure::No(format!(
            "decisions differ from those of {} {}; each example above is as small as it gets",
            upstream::PACKAGE,
            upstream.version
        ))),
        _ => Err(Failure::Broken(format!("the comparison ended with {status}"))),
    }
}

/// Millions of requests: optimised.
fn driver() -> Outcome<std::path::PathBuf> {
    let mut build = checkout::cargo();
    build
        .args([
            "build",
            "--release",
            "--quiet",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(["--package", "mke-upstream", "--manifest-path"])
        .arg(checkout::root().join("Cargo.toml"));
    let (status, messages) = command::capture_stdout(&mut build)?;
    let driver = artifacts::executable(&messages, "mke-upstream").filter(|_| status.success());
    driver.ok_or_else(|| Failure::Broken("the driver of the comparison cannot be built".to_owned()))
}
