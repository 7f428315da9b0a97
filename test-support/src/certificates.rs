//! An authority and a server certificate for the loopback address, made by openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An authority and a certificate that it signed, as PEM files in a directory.
#[derive(Debug)]
pub struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    /// Makes both; the server's certificate names what `subject_alt_name` says, such as `IP:127.0.0.1`.
    pub fn new(subject_alt_name: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory for certificates");
        let made = Self { directory };
        fs::write(
            made.path("extensions"),
            format!("subjectAltName={subject_alt_name}\nextendedKeyUsage=serverAuth\n"),
        )
        .expect("the extensions are written");
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        made.openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=Test authority"]
                .iter()
                .chain(&key)
                .chain(&["-keyout", "ca.key", "-out", "ca.pem"]),
        );
        made.openssl(["req", "-new", "-subj", "/CN=server"].iter().chain(&key).chain(&[
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        ]));
        made.openssl(
            [
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                "server.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-extfile",
                "extensions",
                "-out",
                "server.pem",
            ]
            .iter(),
        );
        made
    }

    fn openssl<'a>(&self, arguments: impl Iterator<Item = &'a &'a str>) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .expect("openssl runs; install Debian package openssl");
        assert!(
            output.status.success(),
            "openssl: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The authority's certificate as PEM text.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.path("ca.pem")).expect("the authority is there")
    }

    /// The directory with `ca.pem`, `server.pem` and `server.key`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}
