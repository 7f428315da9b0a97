//! The Python packages that tests and measurements need, in one virtual environment below the target directory: what they compare
//! with, and what checks and packs `bindings/python`.
//!
//! Tests and `mke-bench` find it beside themselves: `python/` stands next to `debug/` and `release/`.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, packages, say};

/// What is installed, from PyPI. Pinned, so that a comparison means the same tomorrow.
const PACKAGES: [&str; 23] = [
    // The checker that pyright is, with the program that runs it, so that nothing is fetched when it is called.
    "basedpyright==1.40.2",
    "casbin==1.43.0",
    "cedarpy==4.12.2",
    "docker==7.2.0",
    "jsonschema==4.26.0",
    "ldap3==2.9.1",
    "lxml==6.1.3",
    "matplotlib==3.11.2",
    "maturin==1.16.0",
    "mypy==2.4.1",
    "pandas==3.1.1",
    "pyarrow==26.0.1",
    "pysaml2==7.5.5",
    "pytest-asyncio==1.5.0",
    "pytest==9.2.0",
    "pyyaml==6.0.3",
    "rich==15.0.0",
    "scim2-cli==0.6.0",
    "scim2-server==0.8.3",
    "scim2-tester==0.5.2",
    "tomlkit==0.15.2",
    "wheel==0.48.0",
    "xmlsec==1.3.17",
];

/// Makes the environment, unless it is there with just these packages. One that was moved is made anew: its programs name the
/// place where it was made.
pub(crate) fn ensure(again: &str) -> Outcome {
    packages::ensure(&packages::for_python(), again)?;
    let home = home();
    let mark = home.join("packages");
    let place = std::path::absolute(&home).map_err(Failure::file("find", &home))?;
    let wanted = format!("{}\n{}", place.display(), PACKAGES.join("\n"));
    if std::fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    say::step(&format!("Python packages: {}", PACKAGES.join(", ")));
    command::must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    command::must(
        Command::new(home.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES),
    )?;
    std::fs::write(&mark, wanted).map_err(Failure::file("write", &mark))
}

/// A program of the environment; it is there after [`ensure`].
pub(crate) fn program(name: &str) -> Command {
    Command::new(home().join("bin").join(name))
}

fn home() -> PathBuf {
    checkout::target().join("python")
}
