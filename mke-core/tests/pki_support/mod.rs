//! What the certificate tests share: a random source, moments, and OpenSSL as the counterpart that is not ours.

#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "only test code uses this, where a failure must stop the test"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use mke_core::pki::{
    Authority, AuthorityKind, CertificateRequest, IssuedCertificate, KeyPair, Profile, PublicKey,
    SubjectAltName,
};
use mke_core::time::{Clock, SystemClock, Timestamp};
use rand_core::UnwrapErr;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// The present in whole seconds, because OpenSSL asks the machine's clock too.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_secs(SystemClock.now().as_secs())
}

pub(crate) fn authority(kind: AuthorityKind) -> Authority {
    Authority::create(kind, "test-cluster", now(), &mut rng()).unwrap()
}

pub(crate) fn names(texts: &[&str]) -> Vec<SubjectAltName> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn request(profile: Profile, key: &PublicKey) -> CertificateRequest {
    CertificateRequest {
        profile,
        common_name: "jane".to_owned(),
        organization: None,
        organizational_unit: None,
        names: if profile == Profile::Client {
            Vec::new()
        } else {
            names(&["mke.example.com"])
        },
        public_key: key.clone(),
        validity: 30 * DAY,
    }
}

pub(crate) fn issue(authority: &Authority, profile: Profile) -> (IssuedCertificate, KeyPair) {
    let key = KeyPair::generate(&mut rng()).unwrap();
    let issued = authority
        .issue(&request(profile, key.public_key()), now(), &mut rng())
        .unwrap();
    (issued, key)
}

/// A folder in which the `openssl` program works.
pub(crate) struct OpenSsl(tempfile::TempDir);

impl OpenSsl {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs one command line, whose words hold no spaces. Gives what it printed, or its complaint.
    pub(crate) fn try_run(&self, words: &str) -> Result<String, String> {
        let output = Command::new("openssl")
            .args(words.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    pub(crate) fn run(&self, words: &str) -> String {
        self.try_run(words)
            .unwrap_or_else(|complaint| panic!("openssl {words}: {complaint}"))
    }

    /// A self-signed authority in `<name>.pem` and `<name>.key`.
    pub(crate) fn root(&self, name: &str, subject: &str) {
        self.run(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 30 -subj {subject} \
             -addext keyUsage=critical,keyCertSign,cRLSign"
        ));
    }

    /// A certificate in `<name>.pem` with the key in `<name>.key`, signed by `<issuer>`, with these extensions.
    pub(crate) fn leaf(&self, name: &str, issuer: &str, key_kind: &str, extensions: &str) {
        self.write(&format!("{name}.ext"), extensions);
        self.run(&format!(
            "req -new {key_kind} -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        self.run(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days 20 \
             -extfile {name}.ext -out {name}.pem"
        ));
    }
}
