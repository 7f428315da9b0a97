//! Client bundles, and the docker client that uses one with the controller of any manager.

use std::path::{Path, PathBuf};
use std::process::Command;

use mke_test_support::lab::Node;

use super::world::Cluster;

impl Cluster {
    /// A client bundle of the administrator, unpacked.
    pub(crate) fn bundle(&self, node: Node<'_>) -> Bundle {
        let directory = self.lab.directory().join("bundle");
        std::fs::create_dir_all(&directory).unwrap();
        let archive = directory.join("bundle.zip");
        let fetched = Command::new("curl")
            .args(["--silent", "--insecure", "--fail", "--max-time", "60", "--output"])
            .arg(&archive)
            .arg("--header")
            .arg(format!("Authorization: Bearer {}", self.token))
            .arg(format!("https://{}/api/clientbundle", node.ip()))
            .status()
            .unwrap();
        assert!(fetched.success(), "no bundle from {}", node.name());
        let unpacked = Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .args([&archive, &directory])
            .status()
            .unwrap_or_else(|error| panic!("`python3` ({error}): install package python3"));
        assert!(unpacked.success());
        Bundle(directory)
    }
}

/// A client bundle, to be used with any manager.
pub(crate) struct Bundle(PathBuf);

impl Bundle {
    /// Runs the docker client with it on the controller of a node; the output, or what it complained about.
    pub(crate) fn docker(&self, node: Node<'_>, words: &[&str]) -> Result<String, String> {
        let output = docker(&self.0)
            .arg("--host")
            .arg(format!("tcp://{}:443", node.ip()))
            .args(words)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }
}

/// The docker client with the certificates of a directory.
fn docker(bundle: &Path) -> Command {
    let mut command = Command::new("docker");
    command
        .env_remove("DOCKER_CONTEXT")
        .env("DOCKER_CONFIG", bundle.join("client"));
    command.arg("--tlsverify");
    for (option, file) in [
        ("--tlscacert", "ca.pem"),
        ("--tlscert", "cert.pem"),
        ("--tlskey", "key.pem"),
    ] {
        command.arg(option).arg(bundle.join(file));
    }
    command
}
