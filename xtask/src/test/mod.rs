//! `cargo xtask test`: everything that continuous integration runs, in the same order, with the services it needs.

mod count;
mod python;
mod seed;
mod steps;

use std::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::{packages, say};
use count::Tally;

/// All checks and tests.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only unit tests, without real services and without the checks of documents and cases.
    #[arg(long)]
    quick: bool,
    /// Only the Python package, built without the tests of the others.
    #[arg(long, conflicts_with = "quick")]
    python: bool,
    #[command(flatten)]
    seeds: seed::Choice,
    /// Only tests whose names contain one of these.
    filter: Vec<String>,
}

/// Runs every step, also after one failed, and ends with the totals on a line of their own.
pub(crate) fn run(args: &Args) -> Outcome {
    let began = Instant::now();
    packages::ensure(&packages::for_test(!args.quick), "cargo xtask test")?;
    if !args.quick {
        crate::python::ensure("cargo xtask test")?;
    }
    let wanted = steps::Wanted {
        filter: &args.filter,
        python: args.python,
        seed: args.seeds.seed(),
    };
    say::detail(&seed::told(wanted.seed));
    let mut total = Tally::default();
    let mut failed = Vec::new();
    for step in steps::chosen(args.quick, args.python, &args.filter) {
        say::step(step.name);
        let start = Instant::now();
        let outcome = (step.run)(&wanted);
        let (tally, verdict) = match outcome {
            Ok(tally) if tally.failed == 0 => (tally, "passed"),
            Ok(tally) => (tally, "failed"),
            Err(failure) => {
                say::error(&failure.to_string());
                (Tally { passed: 0, failed: 1 }, "failed")
            }
        };
        if tally.failed > 0 {
            failed.push(step.name);
        }
        total = total + tally;
        say::detail(&format!(
            "{}: {verdict} in {:.1} s",
            step.name,
            start.elapsed().as_secs_f64()
        ));
    }
    for name in &failed {
        say::error(&format!("failed: {name}"));
    }
    if !failed.is_empty() {
        say::detail(&seed::told(wanted.seed));
    }
    say::detail(&format!("everything took {:.0} s", began.elapsed().as_secs_f64()));
    say::data(&total.to_string());
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::No(format!("{} steps failed", failed.len())))
    }
}
