//! The wheel of the tests: what `cargo xtask wheel` would pack, around the library that the tests of the workspace built.
//!
//! So that the package is tested as it is installed, without compiling everything once more.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{empty, maturin, only, source};
use crate::failure::{Failure, Outcome};
use crate::{artifacts, checkout, command, python};

/// Packs it; `messages` is what cargo said when it built the workspace.
pub(crate) fn of_tests(messages: &str) -> Outcome<PathBuf> {
    let library = artifacts::shared_library(messages, "_native")
        .ok_or_else(|| Failure::Broken("cargo built no library _native".to_owned()))?;
    let home = super::absolute(&checkout::target().join("python-wheel"))?;
    empty(&home)?;
    let (tree, out) = (home.join("tree"), home.join("out"));
    copy(&source().join("python/mke"), &tree.join("mke"))?;
    let installed = tree.join("mke/_native.abi3.so");
    let mut strip = Command::new("strip");
    command::must(strip.arg("--strip-debug").arg("-o").arg(installed).arg(library))?;
    let mut describe = maturin();
    describe.args(["pep517", "write-dist-info", "--interpreter"]);
    describe.arg(python::program("python").get_program());
    command::capture(describe.arg("--metadata-directory").arg(&tree))?;
    std::fs::create_dir(&out).map_err(Failure::file("create", &out))?;
    let mut pack = python::program("python");
    command::capture(
        pack.args(["-m", "wheel", "pack"])
            .arg(tree)
            .arg("--dest-dir")
            .arg(&out),
    )?;
    only(&out, "whl")
}

/// Copies what belongs to the package: sources and types.
fn copy(from: &Path, to: &Path) -> Outcome {
    std::fs::create_dir_all(to).map_err(Failure::file("create", to))?;
    for entry in std::fs::read_dir(from)
        .map_err(Failure::file("read", from))?
        .flatten()
    {
        let path = entry.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() && entry.file_name() != "__pycache__" {
            copy(&path, &to.join(entry.file_name()))?;
        } else if matches!(extension, Some("py" | "pyi" | "typed")) {
            let copied = to.join(entry.file_name());
            std::fs::copy(&path, &copied).map_err(Failure::file("write", &copied))?;
        }
    }
    Ok(())
}
