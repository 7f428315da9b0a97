//! `cargo xtask bench python`: what the Python package costs, beside other packages of Python in the same interpreter.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, python, say};

/// Builds the package for release, measures, and writes the table into `docs/`.
pub(super) fn run(more: &[String]) -> Outcome {
    python::ensure("cargo xtask bench python")?;
    say::step("building the package");
    let mut build = checkout::cargo();
    build.current_dir(checkout::root());
    command::must(build.args(["build", "--release", "--package", "mke-python"]))?;
    let target = checkout::target();
    let place = target.join("python-bench");
    lay_out(&target.join("release/lib_native.so"), &place)?;
    say::step("measuring");
    let mut measure = python::program("python");
    measure
        .env("PYTHONPATH", absolute(&place)?)
        .env("PYTHONDONTWRITEBYTECODE", "")
        .arg(checkout::root().join("bench/python/measure.py"))
        .arg("--documents")
        .arg(checkout::root().join("docs"))
        .arg("--config")
        .arg(checkout::root().join("mke-core/tests/config_files/full.toml"))
        .args(more);
    command::must(&mut measure)
}

/// The package as it is installed, made of links: its sources, and the library beside them.
fn lay_out(library: &Path, place: &Path) -> Outcome {
    const LIBRARY: &str = "_native.abi3.so";
    if place.exists() {
        std::fs::remove_dir_all(place).map_err(Failure::file("remove", place))?;
    }
    let package = place.join("mke");
    std::fs::create_dir_all(&package).map_err(Failure::file("create", &package))?;
    let source = checkout::root().join("bindings/python/python/mke");
    let entries = std::fs::read_dir(&source).map_err(Failure::file("read", &source))?;
    for entry in entries.flatten().filter(|entry| entry.file_name() != LIBRARY) {
        let link = package.join(entry.file_name());
        symlink(entry.path(), &link).map_err(Failure::file("create", &link))?;
    }
    let link = package.join(LIBRARY);
    symlink(absolute(library)?, &link).map_err(Failure::file("create", &link))
}

fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path).map_err(Failure::file("find", path))
}
