//! The administrator of a cluster on the lab: with `ucp`, and with a client bundle.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mke_test_support::lab::Node;

use super::input::with_input;

/// What a program said on both streams, and whether it ended well.
pub(crate) fn said(output: Output) -> (String, bool) {
    let well = output.status.success();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (said.concat(), well)
}

/// The administrator with `ucp`, logged in at a controller.
pub(crate) struct Admin(tempfile::TempDir);

impl Admin {
    pub(crate) fn at(node: Node<'_>) -> Self {
        let admin = Self(tempfile::tempdir().unwrap());
        let url = format!("https://{}", node.ip());
        let words = [
            "login",
            "--url",
            &url,
            "--insecure",
            "--username",
            "admin",
            "--password-stdin",
        ];
        let (told, well) = admin.run(&words, "correct horse");
        assert!(well, "{told}");
        admin
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn run(&self, words: &[&str], input: &str) -> (String, bool) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ucp"));
        command.args(words).env_clear().env("HOME", self.path());
        said(with_input(&mut command, input))
    }

    /// A client bundle, unpacked.
    pub(crate) fn bundle(&self) -> Bundle {
        let dir = self.path().join("bundle");
        let (told, well) = self.run(&["bundle", "create", "--directory", dir.to_str().unwrap()], "");
        assert!(well, "{told}");
        Bundle(dir)
    }
}

/// A directory with a client bundle.
pub(crate) struct Bundle(PathBuf);

impl Bundle {
    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// The docker client with this bundle, at a port of a node.
    pub(crate) fn docker(&self, node: Node<'_>, port: u16, words: &[&str]) -> (String, bool) {
        let output = Command::new("/usr/bin/docker")
            .args(["--tlsverify", "--host", &format!("tcp://{}:{port}", node.ip())])
            .args([
                "--tlscacert",
                &self.file("ca.pem"),
                "--tlscert",
                &self.file("cert.pem"),
            ])
            .args(["--tlskey", &self.file("key.pem")])
            .args(words)
            .output()
            .unwrap_or_else(|error| panic!("`docker` ({error}): install package docker.io"));
        said(output)
    }

    /// Status and text of `/_ping`, with more words for curl.
    pub(crate) fn ping(&self, node: Node<'_>, with_certificate: bool, words: &[&str]) -> (String, String) {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--insecure",
            "--max-time",
            "20",
            "--write-out",
            "\n%{http_code}",
        ]);
        if with_certificate {
            curl.args(["--cert", &self.file("cert.pem"), "--key", &self.file("key.pem")]);
        }
        let output = curl
            .args(words)
            .arg(format!("https://{}/_ping", node.ip()))
            .output()
            .unwrap_or_else(|error| panic!("`curl` ({error}): install package curl"));
        let text = String::from_utf8(output.stdout).unwrap();
        let (text, status) = text.rsplit_once('\n').unwrap();
        (status.to_owned(), text.trim().to_owned())
    }
}
