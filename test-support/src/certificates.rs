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

    /// Signs another certificate, valid for servers and clients, as `<name>.pem` and `<name>.key`. The subject is in openssl's form,
    /// such as `/OU=ucp-manager/CN=n1`.
    pub fn issue(&self, name: &str, subject: &str, subject_alt_name: &str) {
        fs::write(
            self.path("issued"),
            format!("subjectAltName={subject_alt_name}\nextendedKeyUsage=serverAuth,clientAuth\n"),
        )
        .expect("the extensions are written");
        let (key, request, certificate) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
        );
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        self.openssl(
            ["req", "-new", "-subj", subject]
                .iter()
                .chain(&curve)
                .chain(&["-keyout", &key, "-out", &request]),
        );
        let sign = [
            "x509",
            "-req",
            "-days",
            "2",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
        ];
        self.openssl(
            sign.iter()
                .chain(&["-extfile", "issued", "-in", &request, "-out", &certificate]),
        );
    }

    /// The text of one of its files, such as `server.key`.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
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
