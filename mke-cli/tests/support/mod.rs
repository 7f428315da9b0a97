//! Starts the real `ucp serve` for tests and talks to it.

#![allow(dead_code, reason = "each test binary uses its own part of the harness")]

pub(crate) mod input;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The program under test.
pub(crate) const UCP: &str = env!("CARGO_BIN_EXE_ucp");

/// The first administrator's password in tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A running control plane; stopped and removed on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) url: String,
}

/// How long anything may take that a test waits for. Generous: it only matters when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `check` gives a value.
pub(crate) async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut interval = tokio::time::interval(Duration::from_millis(5));
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "{what} did not happen within {PATIENCE:?}"
        );
        interval.tick().await;
    }
}

impl Server {
    /// Starts a control plane without an engine, with further flags.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::start_with_engine("unix:///nonexistent/docker.sock", flags).await
    }

    /// Starts a control plane over an engine, with further flags.
    pub(crate) async fn start_with_engine(engine: &str, flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // It is started again on the same port, by itself too when it was killed.
        let port = mke_test_support::free_port();
        let child = Command::new(UCP)
            .args([
                "serve",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--host-address",
                "127.0.0.1",
            ])
            .args(["--engine", engine])
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .arg("--admin-bundle")
            .arg(dir.path().join("bundle"))
            .args(flags)
            .env("UCP_ADMIN_PASSWORD", PASSWORD)
            .env_remove("DOCKER_HOST")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            dir,
            url: format!("https://127.0.0.1:{port}"),
        };
        server.pid_other_than(None).await;
        server
    }

    /// Ends the program as an operator does, and waits for that.
    pub(crate) fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        self.child.wait().unwrap();
    }

    /// Ends the program at once, as a loss of power would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same data and address.
    pub(crate) async fn start_again(&mut self) {
        self.start_again_with(&[]).await;
    }

    /// Starts it again on the same data and address, with further flags.
    pub(crate) async fn start_again_with(&mut self, flags: &[&str]) {
        let ready = self.data().join("ready.json");
        let _ = std::fs::remove_file(&ready);
        let log = std::fs::File::options()
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        self.child = Command::new(UCP)
            .args(["serve", "--listen", self.url.trim_start_matches("https://")])
            .args(["--host-address", "127.0.0.1"])
            .args(["--engine", "unix:///nonexistent/docker.sock", "--data-dir"])
            .arg(self.data())
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.pid_other_than(None).await;
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The process that serves, once it is ready and not `old`.
    pub(crate) async fn pid_other_than(&self, old: Option<i32>) -> i32 {
        let path = self.data().join("ready.json");
        eventually(&format!("start, see {}", self.log()), async || {
            let ready: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            let pid = i32::try_from(ready["pid"].as_i64()?).ok()?;
            (Some(pid) != old && Path::new(&format!("/proc/{pid}")).exists()).then_some(pid)
        })
        .await
    }

    /// What the program logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The authority of the served certificate.
    pub(crate) fn ca(&self) -> String {
        std::fs::read_to_string(self.data().join("ca.pem")).unwrap()
    }

    /// An HTTP client that trusts this server, without a credential.
    pub(crate) fn http(&self) -> reqwest::Client {
        client(&self.ca(), None)
    }

    /// Whether somebody who trusts these authorities alone gets an answer.
    pub(crate) async fn reached_trusting(&self, ca: &str) -> bool {
        client(ca, None)
            .get(format!("{}/ca", self.url))
            .send()
            .await
            .is_ok()
    }

    /// An HTTP client with the administrator's bundle.
    pub(crate) fn http_with_bundle(&self) -> reqwest::Client {
        self.client_with(&self.dir.path().join("bundle"))
    }

    /// An HTTP client with an unpacked bundle.
    pub(crate) fn client_with(&self, bundle: &Path) -> reqwest::Client {
        let read = |name: &str| std::fs::read(bundle.join(name)).unwrap();
        client(&self.ca(), Some((read("cert.pem"), read("key.pem"))))
    }

    /// A token of the first administrator.
    pub(crate) async fn login(&self) -> String {
        let body = json!({ "username": "admin", "password": PASSWORD });
        let answer = self
            .http()
            .post(format!("{}/auth/login", self.url))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["auth_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The supervisor, if there is one, takes its child with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of ucp serve ---\n{}", self.log());
        }
    }
}

fn client(ca: &str, identity: Option<(Vec<u8>, Vec<u8>)>) -> reqwest::Client {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = CertificateDer::pem_slice_iter(&cert)
                .map(Result::unwrap)
                .collect();
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&key).unwrap())
                .unwrap()
        }
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// Runs every example of a guide on a desk of files against a server, in the order of the page, and fails with all that
/// print something else than the guide shows. `alike` makes what differs from run to run look the same.
pub(crate) async fn follow_guide(
    server: &Server,
    desk: &Path,
    examples: &[(String, String)],
    alike: impl Fn(&str) -> String,
) {
    let token = server.login().await;
    let programs = Path::new(UCP).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut wrong = Vec::new();
    for (command, shown) in examples {
        let output = Command::new("bash")
            .args(["-c", command])
            .current_dir(desk)
            .env("PATH", &path)
            .env("MKE_URL", &server.url)
            .env("MKE_TOKEN", &token)
            .env("MKE_CA_FILE", server.data().join("ca.pem"))
            .env_remove("MKE_OUTPUT")
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        if alike(&printed) != alike(shown) {
            let said = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!("$ {command}\n{printed}-- and on the side:\n{said}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "the guide shows something else than:\n{}",
        wrong.join("\n")
    );
}

/// The commands of a guide with what they print.
pub(crate) fn examples(guide: &str) -> Vec<(String, String)> {
    let mut examples: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in guide.lines() {
        match (line, inside) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (line, true) => match line.strip_prefix("$ ") {
                Some(command) => examples.push((command.to_owned(), String::new())),
                None => {
                    let shown = &mut examples.last_mut().unwrap().1;
                    shown.push_str(line);
                    shown.push('\n');
                }
            },
            _ => {}
        }
    }
    examples
}
