//! What a whole configuration file costs: reading and checking it, and one edit that keeps everything else, beside
//! Python's `tomllib` and `tomlkit` on the same text in the same run.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use mke_core::config::{Config, Document, KeyPath, Setting, Value};

use crate::args::Args;
use crate::error::BenchError;
use crate::report::{Cell, Table};
use crate::stats::Spread;
use crate::tools;

/// A whole file of version 3.4, with every table.
const FILE: &str = include_str!("../../../mke-core/tests/config_files/full.toml");

/// Repetitions in one round; a figure is the least of their times, which is what the work itself takes.
const TIMES: usize = 300;

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
        read.push(least(|| Config::parse(FILE).is_ok()));
        whole.push(least(change));
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
    table.row([
        Cell::from("read, with every check"),
        Spread::of(read.iter().copied()).into(),
        "tomllib: read only".into(),
        Spread::of(tomllib.iter().copied()).into(),
        Spread::of_ratios(&tomllib, &read).into(),
        "2.5".into(),
    ]);
    table.row([
        Cell::from("read and check two versions, compare all values, edit a key, write"),
        Spread::of(whole.iter().copied()).into(),
        "tomlkit: read, edit a key, write".into(),
        Spread::of(tomlkit.iter().copied()).into(),
        Spread::of_ratios(&tomlkit, &whole).into(),
        "1000 µs, 30".into(),
    ]);
    table.note(format!(
        "{} bytes, {} lines; each figure is the least of {TIMES} repetitions, rounds alternate",
        FILE.len(),
        FILE.lines().count()
    ));
    Ok(vec![table])
}

/// A change as the controller sees it: the file in force and the new text, what differs, and the text with an edit.
fn change() -> bool {
    let Ok(mut document) = Document::parse(FILE) else {
        return false;
    };
    let path: KeyPath = ["cluster_config", "kubelet_max_pods"]
        .iter()
        .fold(KeyPath::default(), |path, name| path.join(name));
    if document.set(&path, &Value::Integer(120)).is_err() {
        return false;
    }
    let text = document.to_string();
    let (Ok(old), Ok(new)) = (Config::parse(FILE), Config::parse(&text)) else {
        return false;
    };
    let (old, new) = (old.settings(), new.settings());
    let differs = |(old, new): &(&Setting, &Setting)| old.path != new.path || old.value != new.value;
    old.iter().zip(&new).filter(differs).count() == 1
}

/// The least time that a piece of work takes, in microseconds.
fn least(work: impl Fn() -> bool) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        black_box(work());
        least = least.min(crate::stats::micros(start.elapsed()));
    }
    least
}

/// A Python with `tomlkit`, in an environment of its own below the target directory.
fn python() -> Result<PathBuf, BenchError> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let home = PathBuf::from(target).join("bench-python");
    let python = home.join("bin/python");
    if !home.join("tomlkit-is-there").is_file() {
        output(tools::command("python3").args(["-m", "venv"]).arg(&home))?;
        output(Command::new(&python).args(["-m", "pip", "install", "--quiet", "tomlkit"]))?;
        let mark = home.join("tomlkit-is-there");
        std::fs::write(&mark, "").map_err(BenchError::file("write", mark.display().to_string()))?;
    }
    Ok(python)
}

/// Microseconds of reading with `tomllib`, and of reading, editing and writing with `tomlkit`.
fn peers(python: &Path, file: &Path) -> Result<(f64, f64), BenchError> {
    let text = output(
        Command::new(python)
            .arg("-c")
            .arg(PEERS)
            .arg(file)
            .arg((TIMES / 10).to_string()),
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

fn output(command: &mut Command) -> Result<String, BenchError> {
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
