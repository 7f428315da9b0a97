//! `authz`: measures, and writes table and picture into the documents.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Parser;
use mke_bench_authz::error::BenchError;
use mke_bench_authz::facts::{self, Facts};
use mke_bench_authz::report::{BEGIN, Memory, Report, replaced};
use mke_bench_authz::rounds::Plan;
use mke_bench_authz::{kubernetes, plot, swarm};

/// What an access decision costs, beside other engines in the same run.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program that asks the upstream authorizer; `cargo xtask` builds it.
    #[arg(long)]
    upstream: PathBuf,
    /// Its version.
    #[arg(long)]
    upstream_version: String,
    /// The directory of the documents.
    #[arg(long)]
    documents: PathBuf,
    /// Rounds in which each engine has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Milliseconds of a turn.
    #[arg(long, default_value_t = 300)]
    turn: u64,
    /// Print the figures and leave the documents as they are.
    #[arg(long)]
    print: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let plan = Plan {
        rounds: arguments.rounds,
        turn: Duration::from_millis(arguments.turn),
    };
    let mut facts = Facts::gather(&arguments.upstream_version);
    let kubernetes = kubernetes::run(plan, &arguments.upstream, &say)?;
    let (swarm, further) = swarm::run(plan, &say)?;
    facts.load[1] = facts::load();
    say("memory");
    let memory = memory()?;
    let report = Report {
        facts,
        swarm,
        further,
        kubernetes,
        memory,
    };
    let picture = "authz-bench.svg";
    let text = report.markdown(picture);
    if arguments.print {
        let _ = std::io::stdout().write_all(text.as_bytes());
        return Ok(());
    }
    let document = arguments.documents.join("benchmarks.md");
    let old = std::fs::read_to_string(&document).map_err(file("read", &document))?;
    let new = replaced(&old, &text).ok_or_else(|| BenchError::Marker {
        path: document.display().to_string(),
        marker: BEGIN,
    })?;
    let picture = arguments.documents.join(picture);
    std::fs::write(&picture, plot::svg(&report.panels())).map_err(file("write", &picture))?;
    std::fs::write(&document, new).map_err(file("write", &document))?;
    let _ = writeln!(std::io::stdout(), "{}\n{}", document.display(), picture.display());
    Ok(())
}

/// Asks the program beside this one, whose allocator counts.
fn memory() -> Result<Memory, BenchError> {
    let own =
        std::env::current_exe().map_err(|error| BenchError::Memory(format!("is not found: {error}")))?;
    let program = own.with_file_name("authz-memory");
    let output = Command::new(&program)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(file("start", &program))?;
    if !output.status.success() {
        return Err(BenchError::Memory(format!("ended with {}", output.status)));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    lines
        .lines()
        .map(|line| {
            let (shape, engine, bytes): (String, String, f64) = serde_json::from_str(line)
                .map_err(|error| BenchError::Memory(format!("said `{line}`: {error}")))?;
            Ok(((shape, engine), bytes))
        })
        .collect()
}

fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BenchError {
    let path = path.display().to_string();
    move |source| BenchError::File { what, path, source }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "    {text}");
}
