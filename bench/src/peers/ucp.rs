//! `ucp serve`, built like a release and started on a data directory of the run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use mke_test_support::free_port;
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;

use crate::client::{Client, text};
use crate::error::BenchError;
use crate::process::{self, Daemon};
use crate::trust;

/// The first administrator's password.
const PASSWORD: &str = "bench administrator";

/// Builds the program next to this one and returns where it is.
pub(crate) async fn build() -> Result<PathBuf, BenchError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = tokio::process::Command::new(cargo);
    command
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "mke-cli",
            "--bin",
            "ucp",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    process::output("cargo build", &mut command).await?;
    // This program lies in TARGET/release or TARGET/debug.
    let own = std::env::current_exe().map_err(BenchError::file("find", "this program"))?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("target"));
    Ok(target.join("release/ucp"))
}

/// A running control plane.
pub(crate) struct Ucp {
    port: u16,
    /// From starting the process to its first answer.
    started_in: Duration,
    root: String,
    connector: TlsConnector,
    daemon: Daemon,
}

impl Ucp {
    /// Starts the program on a data directory, which may be new or from an earlier start.
    pub(crate) async fn start(program: &Path, data: &Path, engine: &Path) -> Result<Self, BenchError> {
        let port = free_port();
        let ready = data.with_extension("ready");
        let _ = std::fs::remove_file(&ready);
        let mut command = Command::new(program);
        command
            .arg("serve")
            .arg("--listen")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--engine")
            .arg(format!("unix://{}", engine.display()))
            .arg("--data-dir")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready)
            .env("UCP_ADMIN_PASSWORD", PASSWORD)
            .env_remove("MKE_LOG");
        let start = Instant::now();
        let mut daemon = Daemon::start("ucp serve", &mut command, data.with_extension("log"))?;
        daemon.until("become ready", async || ready.exists()).await?;
        let ca = data.join("ca.pem");
        let root = std::fs::read_to_string(&ca).map_err(BenchError::file("read", ca.display()))?;
        let connector = trust::connector([root.as_str()])?;
        // Not `/_ping`, which says whether the engine behind is well.
        Client::tls(port, &connector).await?.get("/ca").await?;
        Ok(Self {
            port,
            started_in: start.elapsed(),
            root,
            connector,
            daemon,
        })
    }

    /// Its port on the loopback interface.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// From starting the process to its first answer.
    pub(crate) const fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The authority of its certificate, PEM.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// The process.
    pub(crate) const fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// A new connection without a session.
    pub(crate) async fn client(&self) -> Result<Client, BenchError> {
        Client::tls(self.port, &self.connector).await
    }

    /// A session token of the first administrator.
    pub(crate) async fn log_in_administrator(&self) -> Result<String, BenchError> {
        self.log_in("admin", PASSWORD).await
    }

    async fn log_in(&self, name: &str, password: &str) -> Result<String, BenchError> {
        let body = json!({ "username": name, "password": password });
        let answer = self
            .client()
            .await?
            .json(Method::POST, "/auth/login", &body)
            .await?;
        text(&answer, "auth_token")
    }

    /// Makes a user; returns its id and a session token.
    pub(crate) async fn add_user(
        &self,
        administrator: &mut Client,
        name: &str,
    ) -> Result<(String, String), BenchError> {
        const PASSWORD: &str = "bench user";
        let account = json!({ "name": name, "password": PASSWORD, "isActive": true });
        let account = administrator.json(Method::POST, "/accounts/", &account).await?;
        Ok((text(&account, "id")?, self.log_in(name, PASSWORD).await?))
    }
}

/// Lets a user view a collection.
pub(crate) async fn let_view(
    administrator: &mut Client,
    user: &str,
    collection: &str,
) -> Result<(), BenchError> {
    let grant = format!("/collectionGrants/{user}/{collection}/viewonly?type=collection");
    administrator
        .call(Method::PUT, &grant, "", Bytes::new())
        .await
        .map(drop)
}

/// Makes a collection below `/Shared` and returns its id.
pub(crate) async fn add_collection(administrator: &mut Client, name: &str) -> Result<String, BenchError> {
    let body = json!({ "name": name, "parent_id": "shared" });
    text(
        &administrator.json(Method::POST, "/collections", &body).await?,
        "id",
    )
}

/// Sets the audit level: empty, `metadata` or `request`.
pub(crate) async fn set_audit_level(administrator: &mut Client, level: &str) -> Result<(), BenchError> {
    let path = "/api/ucp/config/logging";
    let mut config: Value =
        serde_json::from_slice(&administrator.get(path).await?).map_err(|_| BenchError::Malformed {
            what: format!("the answer to {path}"),
            missing: "JSON",
        })?;
    if let Some(config) = config.as_object_mut() {
        config.insert("auditLevel".to_owned(), level.into());
    }
    administrator.json(Method::PUT, path, &config).await.map(drop)
}
