//! The programs of the product, built and without what only a debugger reads.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::{artifacts, checkout, command};

/// Built programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The command.
    pub(crate) ucp: PathBuf,
    /// The components.
    pub(crate) agent: PathBuf,
    /// Those that serve the API.
    pub(crate) controller: PathBuf,
}

impl Programs {
    /// Builds all. In a release the components are built for size (decision 0035).
    pub(super) fn build(release: bool) -> Outcome<Self> {
        if !release {
            return Self::among(&built(&[
                "--package",
                "mke-cli",
                "--package",
                "mke-agent",
                "--bins",
            ])?);
        }
        let fast = [
            "--release",
            "--package",
            "mke-cli",
            "--package",
            "mke-agent",
            "--bin",
            "ucp",
            "--bin",
            "ucp-controller",
        ];
        let small = [
            "--profile",
            "small",
            "--package",
            "mke-agent",
            "--bin",
            "ucp-agent",
        ];
        Self::among(&[built(&fast)?, built(&small)?].join("\n"))
    }

    /// Finds all among the messages of cargo.
    pub(crate) fn among(messages: &str) -> Outcome<Self> {
        let find = |name: &str| {
            artifacts::executable(messages, name)
                .ok_or_else(|| Failure::Broken(format!("cargo built no program {name}")))
        };
        Ok(Self {
            ucp: find("ucp")?,
            agent: find("ucp-agent")?,
            controller: find("ucp-controller")?,
        })
    }
}

/// What cargo says when it builds this.
fn built(what: &[&str]) -> Outcome<String> {
    let mut build = checkout::cargo();
    build
        .current_dir(checkout::root())
        .arg("build")
        .args(what)
        .args(["--message-format", "json-render-diagnostics"]);
    let (status, messages) = command::capture_stdout(&mut build)?;
    match status.success() {
        true => Ok(messages),
        false => Err(Failure::Broken("the programs cannot be built".to_owned())),
    }
}

/// A copy of a program without debug information. Names of functions stay, for the traces of a fault.
pub(super) fn stripped(program: &Path) -> Outcome<PathBuf> {
    let directory = checkout::root().join("target/image");
    std::fs::create_dir_all(&directory).map_err(Failure::file("create", &directory))?;
    let name = program.file_name().unwrap_or_default();
    let copy = directory.join(name);
    command::must(
        Command::new("strip")
            .args(["--strip-debug", "--enable-deterministic-archives", "-o"])
            .arg(&copy)
            .arg(program),
    )?;
    Ok(copy)
}
