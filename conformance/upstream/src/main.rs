//! `mke-upstream`: compares with the upstream authorizer. Exit code 0 without differences, 1 with some, 3 when the
//! upstream program fails.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use mke_upstream::compare::{Plan, Tally, run};

/// Ask the upstream Kubernetes authorizer and ours the same, and report where they differ.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The upstream program.
    #[arg(long)]
    program: PathBuf,
    /// Requests to ask about.
    #[arg(long, default_value_t = 10_000_000)]
    requests: u64,
    /// Pairs of rules to ask whether one covers the other.
    #[arg(long, default_value_t = 1_000_000)]
    covers: u64,
    /// Everything follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; as many as the machine has by default.
    #[arg(long)]
    jobs: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = Plan {
        program: arguments.program,
        requests: arguments.requests,
        covers: arguments.covers,
        seed: arguments.seed,
        jobs: arguments
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
    };
    let said = AtomicU64::new(0);
    let progress = |done: u64| {
        let million = done / 1_000_000;
        if said.fetch_max(million, Ordering::Relaxed) < million {
            let _ = writeln!(std::io::stderr(), "    {million} million asked");
        }
    };
    match run(&plan, progress) {
        Ok(tally) => {
            // A reader that went away is not an error of ours.
            let _ = std::io::stdout()
                .lock()
                .write_all(report(&plan, &tally).as_bytes());
            if tally.differences == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(3)
        }
    }
}

fn report(plan: &Plan, tally: &Tally) -> String {
    let mut lines = vec![
        format!(
            "{} requests about {} policies, seed {}: {} allowed by both, {} about URLs",
            tally.requests, tally.policies, plan.seed, tally.allowed, tally.urls
        ),
        format!("{} pairs of rules: {} covered", tally.pairs, tally.covered),
        format!(
            "{} differences, after {:.0} s",
            tally.differences,
            tally.took.as_secs_f64()
        ),
    ];
    lines.extend(tally.examples.iter().map(|example| format!("\n{example}")));
    lines.push(String::new());
    lines.join("\n")
}
