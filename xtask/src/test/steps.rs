//! The steps of `cargo xtask test`, in the order in which they run: the cheap ones first.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::count::Tally;
use super::{python, seed};
use crate::failure::{Failure, Outcome};
use crate::image::{self, Programs};
use crate::{architecture, artifacts, checkout, command, requirements};

/// One step with the name that is announced.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) run: fn(&Wanted<'_>) -> Outcome<Tally>,
}

/// What is asked of the steps.
pub(super) struct Wanted<'a> {
    /// Only tests whose names contain one of these, unless there is none.
    pub(super) filter: &'a [String],
    /// Whether the Python package is all that is built and tested.
    pub(super) python: bool,
    /// With which property tests choose their cases.
    pub(super) seed: u64,
}

const FORMAT: Step = Step {
    name: "format",
    run: |_| once(&["fmt", "--all", "--check"]),
};
const ARCHITECTURE: Step = Step {
    name: "architecture and document paths",
    run: |_| architecture::run().map(|()| Tally::ONE),
};
const REQUIREMENTS: Step = Step {
    name: "requirements",
    run: |_| requirements::check().map(|()| Tally::ONE),
};
const LINTS: Step = Step {
    name: "lints",
    run: |_| {
        once(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ])
    },
};
const UNIT_TESTS: Step = Step {
    name: "unit tests",
    run: |wanted| tests(&["--lib", "--bins"], wanted),
};
const TESTS: Step = Step {
    name: "tests",
    run: |wanted| tests(&[], wanted),
};
const CASES: Step = Step {
    name: "conformance cases",
    run: |_| cases(),
};

const PYTHON: Step = Step {
    name: "Python package",
    run: python::run,
};

/// What runs: everything; with `quick` only unit tests; with a filter only the tests that it names; or only the Python package.
pub(super) fn chosen(quick: bool, python: bool, filter: &[String]) -> Vec<Step> {
    if python {
        return vec![PYTHON];
    }
    match (quick, filter.is_empty()) {
        (true, true) => vec![FORMAT, LINTS, UNIT_TESTS],
        (true, false) => vec![UNIT_TESTS],
        (false, false) => vec![TESTS, PYTHON],
        (false, true) => vec![FORMAT, ARCHITECTURE, REQUIREMENTS, LINTS, TESTS, CASES, PYTHON],
    }
}

fn cargo() -> Command {
    let mut command = checkout::cargo();
    command.current_dir(checkout::root());
    command
}

fn once(words: &[&str]) -> Outcome<Tally> {
    command::must(cargo().args(words)).map(|()| Tally::ONE)
}

/// All tests of the workspace. `cargo test` and nextest build the same programs with the same features, so nothing
/// is built twice. Tests with real services find the images of the product by variables of the environment.
fn tests(targets: &[&str], wanted: &Wanted<'_>) -> Outcome<Tally> {
    let seed = wanted.seed.to_string();
    let images = if targets.is_empty() {
        image::for_tests(&Programs::among(&built()?)?)?.to_vec()
    } else {
        Vec::new()
    };
    if !has_nextest() {
        let mut test = cargo();
        test.envs(images)
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(targets)
            .arg("--")
            .args(wanted.filter);
        return count(test.env(seed::VARIABLE, &seed));
    }
    let mut test = cargo();
    test.envs(images)
        .args(["nextest", "run", "--workspace", "--no-fail-fast"])
        .args(targets);
    // A filter that fits only documentation tests is no error.
    test.args(["--no-tests", "pass"]).args(wanted.filter);
    let mut tally = count(test.env(seed::VARIABLE, &seed))?;
    if targets.is_empty() {
        // nextest does not run examples in documentation.
        let mut docs = cargo();
        docs.args(["test", "--workspace", "--doc", "--no-fail-fast"])
            .arg("--")
            .args(wanted.filter);
        tally = tally + count(docs.env(seed::VARIABLE, &seed))?;
    }
    Ok(tally)
}

fn has_nextest() -> bool {
    command::capture(cargo().args(["nextest", "--version"])).is_ok()
}

fn count(command: &mut Command) -> Outcome<Tally> {
    let (status, output) = command::tee(command)?;
    Ok(Tally::read(&output, status.success()))
}

/// The cases, asked in every way. Built with the tests of the workspace, so that the features are the same.
fn cases() -> Outcome<Tally> {
    let root = checkout::root();
    let files = case_files(&root)?;
    let runner = program(&built()?, "mke-conformance")?;
    count(
        Command::new(runner)
            .current_dir(&root)
            .args(["--via", "all"])
            .args(files),
    )
}

/// The committed case files, in the order of their names.
fn case_files(root: &Path) -> Outcome<Vec<PathBuf>> {
    let directory = root.join("conformance/cases");
    let entries = std::fs::read_dir(&directory).map_err(Failure::file("read", &directory))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    if files.is_empty() {
        return Err(Failure::No(format!("no case files in {}", directory.display())));
    }
    Ok(files)
}

/// A program of the workspace among the messages of cargo.
pub(super) fn program(messages: &str, name: &str) -> Outcome<PathBuf> {
    let found = artifacts::executable(messages, name);
    found.ok_or_else(|| Failure::Broken(format!("cargo built no program {name}")))
}

/// Builds everything that tests run, and returns what cargo says about it. `cargo build` with these targets makes the programs that
/// `cargo test` runs, with the same features, and the library of the Python package, which `cargo test` leaves out.
fn built() -> Outcome<String> {
    build(&["--workspace", "--lib", "--bins", "--tests"])
}

/// Builds what the tests of the Python package run: as part of everything, so that nothing is built twice, or nothing else.
pub(super) fn built_for_python(alone: bool) -> Outcome<String> {
    if alone {
        build(&[
            "--package",
            "mke-python",
            "--package",
            "mke-cli",
            "--lib",
            "--bins",
        ])
    } else {
        built()
    }
}

fn build(words: &[&str]) -> Outcome<String> {
    let mut build = cargo();
    build.arg("build").args(words);
    build.args(["--message-format", "json-render-diagnostics"]);
    let (status, messages) = command::capture_stdout(&mut build)?;
    if status.success() {
        Ok(messages)
    } else {
        Err(Failure::Broken("the tests cannot be built".to_owned()))
    }
}
