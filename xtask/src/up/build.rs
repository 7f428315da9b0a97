//! Builds the `ucp` program.

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::{artifacts, checkout, command, say};

/// Builds and returns the path of the program, as cargo tells it.
pub(super) fn ucp(release: bool) -> Outcome<PathBuf> {
    say::step("building ucp (some minutes the first time)");
    let mut build = checkout::cargo();
    build.current_dir(checkout::root());
    build.args([
        "build",
        "--package",
        "mke-cli",
        "--bin",
        "ucp",
        "--message-format",
        "json-render-diagnostics",
    ]);
    if release {
        build.arg("--release");
    }
    let (status, messages) = command::capture_stdout(&mut build)?;
    if !status.success() {
        return Err(Failure::Broken("ucp cannot be built".to_owned()));
    }
    artifacts::executable(&messages, "ucp")
        .ok_or_else(|| Failure::Broken("cargo built no program ucp".to_owned()))
}
