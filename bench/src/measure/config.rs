//! What a whole configuration file costs: reading and checking it, and a change of it from text to text, beside Python's
//! `tomllib` and `tomlkit` on the same text in the same run.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use mke_core::config::{Config, Document, Impact, KeyPath, ReadOptions, Value};

use crate::args::Args;
use crate::error::BenchError;
use crate::report::{Cell, Table};
use crate::stats::Spread;

/// A whole file of version 3.4, with every table.
const FILE: &str = include_str!("../../../mke-core/tests/config_files/full.toml");

/// Repetitions in one round; a figure is the least of their times, which is what the work itself takes.
const TIMES: usize = 300;

/// The same of the peers, which take much longer.
const PEER_TIMES: usize = 30;

/// What is compared, in the words of the table.
const CHANGE: &str = "read, check, set a key, read and check the result, find what differs, write";
const READS: &str = "tomllib: read only";
const EDITS: &str = "tomlkit: read, set a key, write";

/// Reads, and reads, edits one key and writes, `sys.argv[2]` times each; prints the least time of both in microseconds.
const PEERS: &str = r#"
import sys, time, tomllib, tomlkit
text = open(sys.argv[1]).read()
def best(work):
    least = float("inf")
    for _ in range(int(sys.argv[2])):
        start = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - start)
    return least * 1e6
def edit():
    document = tomlkit.parse(text)
    document["cluster_config"]["kubelet_max_pods"] = 120
    tomlkit.dumps(document)
print(best(lambda: tomllib.loads(text)), best(edit))
"#;

/// The table of this subject.
pub(super) fn run(args: &Args) -> Result<Vec<Table>, BenchError> {
    let directory = super::directory()?;
    let file = directory.path().join("file.toml");
    std::fs::write(&file, FILE).map_err(BenchError::file("write", file.display().to_string()))?;
    let python = python()?;
    let (mut read, mut whole, mut tomllib, mut tomlkit) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        read.push(least(|| Config::parse(FILE).is_ok())?);
        whole.push(least(change)?);
        let (reading, editing) = peers(&python, &file)?;
        tomllib.push(reading);
        tomlkit.push(editing);
    }
    let mut table = Table::new(
        "A configuration file",
        &[
            "work",
            "µs",
            "peer on the same text",
            "peer, µs",
            "times faster",
            "aim",
        ],
    );
    let comparisons = [
        ("read, with every check", &read, READS, &tomllib, ""),
        (CHANGE, &whole, READS, &tomllib, "≤ 1000 µs, 2.5"),
        (CHANGE, &whole, EDITS, &tomlkit, "30"),
    ];
    for (work, ours, peer, theirs, aim) in comparisons {
        table.row([
            Cell::from(work),
            Spread::of(ours.iter().copied()).into(),
            peer.into(),
            Spread::of(theirs.iter().copied()).into(),
            Spread::of_ratios(theirs, ours).into(),
            aim.into(),
        ]);
    }
    table.note(format!(
        "{} bytes, {} lines; each figure is the least of {TIMES} repetitions ({PEER_TIMES} of the peers), rounds alternate. \
         The peers check nothing and compare nothing.",
        FILE.len(),
        FILE.lines().count()
    ));
    Ok(vec![table])
}

/// A change as the controller sees it: the text is read and checked, a key is set, the result is read and checked, what
/// differs is found with what it touches, and the text is written.
fn change() -> bool {
    let options = ReadOptions::default();
    let path: KeyPath = ["cluster_config", "kubelet_max_pods"]
        .iter()
        .fold(KeyPath::default(), |path, name| path.join(name));
    let Ok(mut document) = Document::parse(FILE) else {
        return false;
    };
    let Ok(before) = document.read(&options) else {
        return false;
    };
    if document.set(&path, &Value::Integer(120)) != Ok(true) {
        return false;
    }
    let Ok(after) = document.read(&options) else {
        return false;
    };
    let differences = before.value.diff(&after.value);
    let impact = Impact::of(&differences);
    let text = document.to_string();
    differences.len() == 1 && impact.refused.is_empty() && text.len() == FILE.len()
}

/// The least time that a piece of work takes, in microseconds. Work that fails is not measured.
fn least(work: impl Fn() -> bool) -> Result<f64, BenchError> {
    let mut least = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        let done = black_box(work());
        least = least.min(crate::stats::micros(start.elapsed()));
        if !done {
            return Err(BenchError::Malformed {
                what: "the example file".to_owned(),
                missing: "form that is accepted",
            });
        }
    }
    Ok(least)
}

/// The Python with `tomlkit`, in the environment that `cargo xtask` makes beside this program.
pub(super) fn python() -> Result<PathBuf, BenchError> {
    let program = std::env::current_exe().map_err(BenchError::file("find", "this program"))?;
    let target = program.ancestors().nth(2).unwrap_or_else(|| Path::new("target"));
    let python = target.join("python/bin/python");
    if python.is_file() {
        Ok(python)
    } else {
        Err(BenchError::NoPython { path: python })
    }
}

/// Microseconds of reading with `tomllib`, and of reading, editing and writing with `tomlkit`.
fn peers(python: &Path, file: &Path) -> Result<(f64, f64), BenchError> {
    let text = output(
        Command::new(python)
            .arg("-c")
            .arg(PEERS)
            .arg(file)
            .arg(PEER_TIMES.to_string()),
    )?;
    let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(reading), Some(editing)) => Ok((reading, editing)),
        _ => Err(BenchError::Malformed {
            what: "the output of Python".to_owned(),
            missing: "two numbers",
        }),
    }
}

/// What a program prints.
pub(super) fn output(command: &mut Command) -> Result<String, BenchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|source| BenchError::Start {
        program: program.clone(),
        source,
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(BenchError::Ended {
        program,
        status: output.status,
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
