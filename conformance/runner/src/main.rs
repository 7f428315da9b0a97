//! `mke-conformance`: runs case files. Exit code 0 when all pass, 1 when some fail, 2 when a file is bad.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mke_conformance::case::CaseFile;
use mke_conformance::run::{run, with_sources};
use mke_conformance::via::{AskError, Http, Library, Ucp, Via};

/// Run decision cases from data files.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How to ask.
    #[arg(long, value_enum, default_value = "library")]
    via: Way,
    /// The `ucp` program; by default the one beside this program.
    #[arg(long)]
    ucp: Option<PathBuf>,
    /// Case files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// The library in this process.
    Library,
    /// The `ucp` command, once per case.
    Ucp,
    /// The API of `ucp serve`, started anew for every world.
    Http,
    /// Every way.
    All,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut files = Vec::new();
    for path in &arguments.files {
        match CaseFile::read(path) {
            Ok(file) => files.push(file),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "error: {}", with_sources(&error));
                return ExitCode::from(2);
            }
        }
    }
    let mut ways = match ways(&arguments) {
        Ok(ways) => ways,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", with_sources(&error));
            return ExitCode::FAILURE;
        }
    };
    match run(&files, &mut ways, &mut std::io::stdout().lock()) {
        Ok(tally) if tally.failed == 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn ways(arguments: &Arguments) -> Result<Vec<Box<dyn Via>>, AskError> {
    let wanted = |way| arguments.via == way || arguments.via == Way::All;
    let mut ways: Vec<Box<dyn Via>> = Vec::new();
    if wanted(Way::Library) {
        ways.push(Box::new(Library));
    }
    if wanted(Way::Ucp) {
        ways.push(Box::new(Ucp::new(program(arguments))));
    }
    if wanted(Way::Http) {
        ways.push(Box::new(Http::new(program(arguments))?));
    }
    Ok(ways)
}

fn program(arguments: &Arguments) -> PathBuf {
    arguments.ucp.clone().unwrap_or_else(|| {
        let beside = std::env::current_exe().ok();
        let beside = beside.and_then(|own| Some(own.parent()?.join("ucp")));
        beside.unwrap_or_else(|| PathBuf::from("ucp"))
    })
}
