//! A Docker Engine of our own: its data, its socket and its containers lie in the run's directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use http::Method;

use crate::client::Client;
use crate::error::BenchError;
use crate::process::{Daemon, output};
use crate::tools;

/// The image that containers of the run are made from. It has one empty file: nothing is ever started.
pub(crate) const IMAGE: &str = "bench";

/// A running engine.
#[derive(Debug)]
pub(crate) struct Engine {
    socket: PathBuf,
    // Ends the engine on drop.
    _daemon: Daemon,
}

impl Engine {
    /// Starts one that touches neither the machine's network rules nor its bridges.
    pub(crate) async fn start(directory: &Path) -> Result<Self, BenchError> {
        let socket = directory.join("docker.sock");
        let mut command = tools::command("dockerd");
        command
            .args([
                "--iptables=false",
                "--ip6tables=false",
                "--ip-masq=false",
                "--bridge=none",
            ])
            .arg("--data-root")
            .arg(directory.join("engine"))
            .arg("--exec-root")
            .arg(directory.join("engine-run"))
            .arg("--pidfile")
            .arg(directory.join("engine.pid"))
            .arg("--host")
            .arg(format!("unix://{}", socket.display()));
        let mut daemon = Daemon::start("dockerd", &mut command, directory.join("dockerd.log"))?;
        daemon
            .until("answer", async || match Client::unix(&socket).await {
                Ok(mut client) => client.get("/_ping").await.is_ok(),
                Err(_) => false,
            })
            .await?;
        let engine = Self {
            socket,
            _daemon: daemon,
        };
        engine.import_image(directory).await?;
        Ok(engine)
    }

    /// Its unix socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    async fn import_image(&self, directory: &Path) -> Result<(), BenchError> {
        let root = directory.join("image");
        let archive = directory.join("image.tar");
        std::fs::create_dir(&root)
            .and_then(|()| std::fs::write(root.join("program"), ""))
            .map_err(BenchError::file("fill", root.display()))?;
        let mut tar = Command::new("tar");
        tar.arg("--create")
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(&root)
            .arg(".");
        output("tar", &mut tar.into()).await?;
        let archive = std::fs::read(&archive).map_err(BenchError::file("read", archive.display()))?;
        let path = format!("/images/create?fromSrc=-&repo={IMAGE}&tag=latest");
        let mut client = Client::unix(&self.socket).await?;
        client
            .call(Method::POST, &path, "application/x-tar", archive)
            .await
            .map(drop)
    }
}
