//! What is written down about a lab, so that another program finds it again, or removes what is left of it.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::net::Subnet;
use crate::process::Process;

/// The file in the directory of every lab; without it nothing there is ours to remove.
const FILE: &str = "lab.json";

/// A lab as it was when something last changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose lab it is; nobody's when it is kept.
    pub(crate) owner: Option<Process>,
    /// The name of its control groups.
    pub(crate) name: String,
    pub(crate) subnet: Subnet,
    pub(crate) switch: Pair,
    /// More options for engines.
    pub(crate) engine: Vec<String>,
    pub(crate) nodes: Vec<NodeRecord>,
}

/// A process that holds namespaces, and the one that waits for it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) outer: Process,
    pub(crate) init: Process,
}

/// A node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NodeRecord {
    pub(crate) name: String,
    /// Absent while it is switched off.
    pub(crate) process: Option<Pair>,
}

impl Record {
    /// The record in a lab's directory, if there is one that can be read.
    pub(crate) fn read(directory: &Path) -> Option<Self> {
        let text = fs::read(directory.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(crate) fn write(&self, directory: &Path) -> Result<(), LabError> {
        let path = directory.join(FILE);
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| LabError::file("write", &path)(error.into()))?;
        let new = directory.join("lab.json.new");
        fs::write(&new, text).map_err(LabError::file("write", &new))?;
        fs::rename(&new, &path).map_err(LabError::file("write", &path))
    }

    /// Every process that holds namespaces of the lab.
    pub(crate) fn processes(&self) -> impl Iterator<Item = Process> {
        let nodes = self.nodes.iter().filter_map(|node| node.process);
        nodes
            .chain([self.switch])
            .flat_map(|pair| [pair.init, pair.outer])
    }
}
