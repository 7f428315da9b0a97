//! The graph of packages, from `cargo metadata` and `cargo tree`.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::checkout;
use crate::command;
use crate::failure::{Failure, Outcome};

/// The part of `cargo metadata` that the rules look at.
#[derive(Debug, Deserialize)]
pub(super) struct Graph {
    pub(super) packages: Vec<Package>,
    workspace_members: Vec<String>,
}

/// One package, ours or not.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for an ordinary dependency, else `dev` or `build`.
    kind: Option<String>,
}

impl Graph {
    pub(super) fn observe(root: &Path) -> Outcome<Self> {
        let mut command = checkout::cargo();
        command
            .current_dir(root)
            .args(["metadata", "--format-version", "1"]);
        let text = command::capture(&mut command)?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::Broken(format!("cannot read what cargo metadata says: {error}")))
    }

    /// Packages of the workspace.
    pub(super) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Versions of a package by name.
    pub(super) fn versions(&self, name: &str) -> BTreeSet<&str> {
        let same = self.packages.iter().filter(|package| package.name == name);
        same.map(|package| package.version.as_str()).collect()
    }

    #[cfg(test)]
    pub(super) fn of(json: &str) -> Self {
        serde_json::from_str(json).unwrap()
    }
}

impl Package {
    /// Names of its dependencies, with the kind for messages.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.dependencies
            .iter()
            .map(|other| (other.name.as_str(), other.kind.as_deref().unwrap_or("normal")))
    }
}

/// Names of all packages that `name` pulls in without its features and without development dependencies,
/// for any target.
pub(super) fn reached(root: &Path, name: &str) -> Outcome<BTreeSet<String>> {
    let mut command = checkout::cargo();
    command.current_dir(root).args([
        "tree",
        "--package",
        name,
        "--no-default-features",
        "--target",
        "all",
    ]);
    command.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let text = command::capture(&mut command)?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    Ok(names
        .filter(|other| *other != name && !other.is_empty())
        .map(str::to_owned)
        .collect())
}
