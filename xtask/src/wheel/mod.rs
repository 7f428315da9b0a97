//! `cargo xtask wheel`: the Python package as a wheel and as a source distribution, both seen to work where nothing else is.

mod clean;
mod pack;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{checkout, command, packages, python, say};

pub(crate) use clean::Clean;
pub(crate) use pack::of_tests;

/// Makes the wheel and the source distribution of the Python package.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to write [default: wheels below the target directory].
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

/// Packs the sources, builds the wheel from what was packed, and imports it in an environment that has nothing else.
pub(crate) fn run(args: &Args) -> Outcome {
    packages::ensure(&packages::for_wheel(), "cargo xtask wheel")?;
    python::ensure("cargo xtask wheel")?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| checkout::target().join("wheels"));
    empty(&out)?;
    say::step("packing the sources and building the wheel from them");
    let mut build = maturin();
    build
        .args(["build", "--release", "--sdist", "--out"])
        .arg(absolute(&out)?);
    command::must(&mut build)?;
    say::step("installing the wheel in a clean environment");
    let clean = Clean::install(&only(&out, "whl")?)?;
    say::detail(&clean.look()?);
    for kind in ["whl", "gz"] {
        say::data(&checkout::shown(&only(&out, kind)?));
    }
    Ok(())
}

/// The package's directory.
fn source() -> PathBuf {
    checkout::root().join("bindings/python")
}

fn maturin() -> Command {
    let mut command = python::program("maturin");
    command.current_dir(source());
    checkout::forget(&mut command);
    command
}

/// An empty directory: what another version left there must not be taken for this one.
fn empty(directory: &Path) -> Outcome {
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(Failure::file("remove", directory))?;
    }
    std::fs::create_dir_all(directory).map_err(Failure::file("create", directory))
}

fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path).map_err(Failure::file("find", path))
}

/// The only file of a kind in a directory.
fn only(directory: &Path, extension: &str) -> Outcome<PathBuf> {
    let entries = std::fs::read_dir(directory).map_err(Failure::file("read", directory))?;
    let files = entries.flatten().map(|entry| entry.path());
    let mut files = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        _ => Err(Failure::Broken(format!(
            "{} should hold one file .{extension}",
            directory.display()
        ))),
    }
}
