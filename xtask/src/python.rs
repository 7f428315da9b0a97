//! The Python packages that tests and measurements compare with, in one virtual environment below the target directory.
//!
//! Tests and `mke-bench` find it beside themselves: `python/` stands next to `debug/` and `release/`.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, packages, say};

/// What is installed, from PyPI. Pinned, so that a comparison means the same tomorrow.
const PACKAGES: [&str; 13] = [
    "casbin==1.43.0",
    "cedarpy==4.12.2",
    "docker==7.2.0",
    "jsonschema==4.26.0",
    "ldap3==2.9.1",
    "lxml==6.1.3",
    "pysaml2==7.5.5",
    "pyyaml==6.0.3",
    "scim2-cli==0.6.0",
    "scim2-server==0.8.3",
    "scim2-tester==0.5.2",
    "tomlkit==0.15.2",
    "xmlsec==1.3.17",
];

/// Makes the environment, unless it is there with just these packages.
pub(crate) fn ensure(again: &str) -> Outcome {
    packages::ensure(&packages::for_python(), again)?;
    let home = home();
    let mark = home.join("packages");
    let wanted = PACKAGES.join("\n");
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
    target().join("python")
}

/// The directory below which cargo builds.
pub(crate) fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    // A relative directory is meant from where cargo was called, which is where we stand.
    target.unwrap_or_else(|| checkout::root().join("target"))
}
