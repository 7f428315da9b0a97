//! The step for `bindings/python`: its tests, on the package as it is installed, and the checks of its types.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::count::Tally;
use super::seed;
use super::steps::{Wanted, built_for_python, program};
use crate::failure::Outcome;
use crate::{checkout, command, python, say, wheel};

/// Packs the library that the tests of the workspace built, installs it where nothing else is, and runs the tests on it. The types
/// are checked meanwhile.
pub(super) fn run(wanted: &Wanted<'_>) -> Outcome<Tally> {
    let messages = built_for_python(wanted.python)?;
    let clean = wheel::Clean::install(&wheel::of_tests(&messages)?)?;
    let packages = clean.packages()?;
    let ucp = program(&messages, "ucp")?;
    let tests = || tests(wanted, &clean.interpreter(), &packages, &ucp);
    if !wanted.filter.is_empty() {
        return tests();
    }
    std::thread::scope(|scope| {
        let packages = &packages;
        let checks = CHECKS
            .map(|Check { name, command }| (name, scope.spawn(move || outcome(&mut command(packages)))));
        let mut tally = tests()?;
        for (name, check) in checks {
            tally = tally + told(name, check.join().unwrap_or_else(|_| Err("broke off".to_owned())));
        }
        Ok(tally)
    })
}

/// pytest on the installed package. Examples, guides and the plugin are tests of its own directory.
fn tests(wanted: &Wanted<'_>, clean: &Path, packages: &Path, ucp: &Path) -> Outcome<Tally> {
    let mut test = environment(packages, "python");
    test.args(["-m", "pytest", "--quiet", "--color=no", "-p", "no:cacheprovider"]);
    if !wanted.filter.is_empty() {
        test.args(["-k", &wanted.filter.join(" or ")]);
    }
    // What starts a program of the product finds the one that was built; what starts Python, the clean environment.
    test.env("MKE_UCP", ucp).env("MKE_PYTHON", clean);
    test.env(seed::VARIABLE, wanted.seed.to_string());
    let (status, output) = command::tee(&mut test)?;
    // No test has the name that is asked for.
    let none = !wanted.filter.is_empty() && status.code() == Some(5);
    Ok(Tally::pytest(&output, status.success() || none))
}

/// A check of the types.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    command: fn(&Path) -> Command,
}

const CHECKS: [Check; 3] = [
    Check {
        name: "mypy --strict",
        command: |packages| {
            let mut check = environment(packages, "python");
            check.args(["-m", "mypy", "--strict", "--no-incremental", "python"]);
            if examples().is_dir() {
                check.arg(examples());
            }
            check
        },
    },
    Check {
        name: "pyright",
        command: |packages| {
            let mut check = environment(packages, "basedpyright");
            check
                .arg("--pythonpath")
                .arg(python::program("python").get_program());
            check
        },
    },
    // Whether the types that are written for the native modules are what the modules have.
    Check {
        name: "stubtest",
        command: |packages| {
            let mut check = environment(packages, "python");
            check.args([
                "-m",
                "mypy.stubtest",
                "mke",
                "--mypy-config-file",
                "pyproject.toml",
            ]);
            check
        },
    },
];

fn examples() -> std::path::PathBuf {
    checkout::root().join("examples/python")
}

/// A program of the environment with packages, which sees the installed package too.
fn environment(packages: &Path, name: &str) -> Command {
    let mut command = python::program(name);
    command.current_dir(checkout::root().join("bindings/python"));
    command
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// What a check printed, and the seconds it took, when it found nothing or when it did.
fn outcome(check: &mut Command) -> Result<f64, String> {
    let start = Instant::now();
    let output = check
        .output()
        .map_err(|error| format!("cannot start it: {error}"))?;
    if output.status.success() {
        Ok(start.elapsed().as_secs_f64())
    } else {
        let (out, err) = (&output.stdout, &output.stderr);
        Err(format!(
            "{}{}",
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(err)
        ))
    }
}

fn told(name: &str, outcome: Result<f64, String>) -> Tally {
    match outcome {
        Ok(seconds) => {
            say::detail(&format!("{name}: nothing found in {seconds:.1} s"));
            Tally::ONE
        }
        Err(found) => {
            say::error(&format!("{name} of the Python package:\n{}", found.trim_end()));
            Tally { passed: 0, failed: 1 }
        }
    }
}
