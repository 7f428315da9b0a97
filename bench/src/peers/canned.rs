//! A stand-in for the engine that only repeats recorded answers, from nginx on a unix socket.
//!
//! An engine takes most of the time of a call and hides what lies before it. Behind this one, the differences
//! between proxies are their own.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::front::nginx_head;
use crate::client::Client;
use crate::error::BenchError;
use crate::process::Daemon;
use crate::tools;

/// A path without version and query, and what the engine answered.
pub(crate) type Recording = (String, Bytes);

/// The running stand-in.
#[derive(Debug)]
pub(crate) struct Canned {
    socket: PathBuf,
    _daemon: Daemon,
}

impl Canned {
    /// Starts one that knows these answers; any other path is not found. `/_ping` has to be among them.
    pub(crate) async fn start(directory: &Path, recordings: &[Recording]) -> Result<Self, BenchError> {
        let socket = directory.join("canned.sock");
        let mut locations = String::new();
        for (number, (path, answer)) in recordings.iter().enumerate() {
            let file = directory.join(format!("answer-{number}.json"));
            std::fs::write(&file, answer).map_err(BenchError::file("write", file.display()))?;
            locations.push_str(&location(path, &file));
        }
        let config = directory.join("canned.conf");
        let text = format!(
            "\
{head}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    sendfile on;
    open_file_cache max=100;
    default_type application/json;
    server {{
        listen unix:{socket};
        location / {{
            return 404 '{{\"message\":\"not recorded\"}}';
        }}
{locations}    }}
}}
",
            head = nginx_head(1, "canned"),
            socket = socket.display(),
        );
        std::fs::write(&config, text).map_err(BenchError::file("write", config.display()))?;
        let mut command = tools::command("nginx");
        command
            .arg("-p")
            .arg(directory)
            .arg("-e")
            .arg("stderr")
            .arg("-c")
            .arg(&config);
        let mut daemon = Daemon::start("nginx", &mut command, directory.join("canned.log"))?;
        daemon
            .until("answer", async || match Client::unix(&socket).await {
                Ok(mut client) => client.get("/_ping").await.is_ok(),
                Err(_) => false,
            })
            .await?;
        Ok(Self {
            socket,
            _daemon: daemon,
        })
    }

    /// Its unix socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

/// Answers the path under any version of the Engine API.
fn location(path: &str, file: &Path) -> String {
    let path = path.replace('.', "\\.");
    format!(
        "        location ~ \"^(/v[0-9.]+)?{path}$\" {{\n            alias {};\n        }}\n",
        file.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_takes_every_version_and_no_other_path() {
        let text = location("/images/bench.x/json", Path::new("/run/answer-0.json"));
        assert!(
            text.contains("\"^(/v[0-9.]+)?/images/bench\\.x/json$\""),
            "{text}"
        );
        assert!(text.contains("alias /run/answer-0.json;"), "{text}");
    }
}
