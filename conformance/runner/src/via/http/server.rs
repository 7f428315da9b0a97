//! One `ucp serve` with a data directory of its own, stopped when dropped.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use super::super::AskError;

/// The password of everybody on these servers. They listen on the loopback address only, hold nothing, and are
/// gone after the run.
pub(super) const PASSWORD: &str = "conformance-run-only";

/// How long a server may take until it answers.
const START_TIME: Duration = Duration::from_secs(60);

/// How often it is looked whether it does.
const LOOK: Duration = Duration::from_millis(10);

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    url: String,
    authority: String,
    _directory: TempDir,
}

#[derive(Deserialize)]
struct Ready {
    url: String,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(super) async fn start(program: &Path, administrator: &str) -> Result<Self, AskError> {
        let own = |source| AskError::Own {
            what: "the data directory of a server cannot be made",
            source,
        };
        let directory = TempDir::with_prefix("mke-conformance-").map_err(own)?;
        let data = directory.path().join("data");
        let ready_file = directory.path().join("ready.json");
        let log = std::fs::File::create(directory.path().join("log")).map_err(own)?;
        let child = Command::new(program)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-username",
                administrator,
            ])
            .arg("--data-dir")
            .arg(&data)
            .arg("--ready-file")
            .arg(&ready_file)
            // Nothing listens there: a run must not touch the engine of this machine.
            .arg("--engine")
            .arg(format!(
                "unix://{}",
                directory.path().join("no-engine.sock").display()
            ))
            .env("UCP_ADMIN_PASSWORD", PASSWORD)
            .env_remove("UCP_HOST_ADDRESS")
            .env_remove("UCP_HOSTNAMES")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|source| AskError::Program {
                program: program.to_owned(),
                source,
            })?;
        let mut server = Self {
            child,
            url: String::new(),
            authority: String::new(),
            _directory: directory,
        };
        server.url = server.wait_until_ready(&ready_file).await?;
        server.authority = std::fs::read_to_string(data.join("ca.pem")).map_err(|source| AskError::Own {
            what: "the server's authority cannot be read",
            source,
        })?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self, ready_file: &Path) -> Result<String, AskError> {
        let looking = async {
            let mut again = tokio::time::interval(LOOK);
            loop {
                again.tick().await;
                if let Ok(text) = std::fs::read_to_string(ready_file)
                    && let Ok(ready) = serde_json::from_str::<Ready>(&text)
                {
                    return Ok(ready.url);
                }
                if let Ok(Some(status)) = self.child.try_wait() {
                    let said = std::fs::read_to_string(ready_file.with_file_name("log"));
                    return Err(AskError::NoAnswer {
                        status,
                        said: said.unwrap_or_default().trim().to_owned(),
                    });
                }
            }
        };
        match tokio::time::timeout(START_TIME, looking).await {
            Ok(outcome) => outcome,
            Err(_) => Err(AskError::Slow { after: START_TIME }),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The authority that signed its certificate, PEM.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data goes with it, so there is nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
