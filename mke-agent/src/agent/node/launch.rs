//! Runs `ucp-reconcile` once: makes the container, hands over the job, waits for its end, reads what it did.
//!
//! The container stays behind when it has ended, so that its log can be read; that it exited with 0 is the healthy state
//! (ARCH-005).

use std::path::Path;
use std::time::Duration;

use http::{Request, header};
use mke_core::product::{labels, volumes_of};
use mke_core::time::Timestamp;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::job::{Done, Job, PATH, SWARM_CERTIFICATES, VOLUMES};
use super::world::Stage;
use crate::controller::body::full;
use crate::engine::{EngineClient, EngineError};
use crate::life::report::OutcomeReport;

/// The container's name.
pub const NAME: &str = "ucp-reconcile";
/// How long it may take: images may come over a slow line.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// How often is looked whether it has said something.
const GLANCE: Duration = Duration::from_secs(1);
/// Lines of its log in an error.
const TAIL: usize = 5;

/// Why it did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The engine.
    #[error("ucp-reconcile cannot be run")]
    Engine(#[from] EngineError),
    /// The job could not be packed.
    #[error("the job cannot be packed")]
    Pack(#[from] std::io::Error),
    /// It took too long and was stopped.
    #[error("ucp-reconcile did not end within {} minutes and was stopped", LIMIT.as_secs() / 60)]
    Slow,
    /// It ended without saying what it did.
    #[error("ucp-reconcile ended with {code}: {log}")]
    Ended {
        /// Its exit code.
        code: i64,
        /// The end of its log.
        log: String,
    },
    /// It said why it ended early.
    #[error("{0}")]
    Said(String),
}

/// What the container is made of.
pub struct Launcher<'l> {
    /// The engine of the node.
    pub engine: &'l EngineClient,
    /// The engine's id of the image.
    pub image_id: &'l str,
    /// The version of the agent.
    pub version: String,
    /// The engine's data directory.
    pub root_dir: &'l str,
    /// The socket of the engine on the node.
    pub socket: &'l str,
    /// The directory of the node's certificates, as this process sees it.
    pub node_certs: &'l Path,
}

impl Launcher<'_> {
    /// Runs it for a job. Gives what it did; steps that failed are among it.
    ///
    /// # Errors
    /// [`LaunchError`].
    pub async fn run(
        &self,
        job: &Job,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Vec<OutcomeReport>, LaunchError> {
        self.clear().await?;
        for volume in volumes_of(job.role) {
            let body = json!({ "Name": volume.name, "Labels": { labels::INSTANCE_ID: job.cluster_id } });
            self.engine
                .call("POST", "/volumes/create", full(body.to_string()))
                .await?;
        }
        let body = self.container(job);
        let path = format!("/containers/create?name={NAME}");
        self.engine.call("POST", &path, full(body.to_string())).await?;
        self.hand_over(job).await?;
        Done::forget(self.node_certs);
        let begun = Timestamp::from(std::time::SystemTime::now());
        self.engine
            .call("POST", &format!("/containers/{NAME}/start"), full(""))
            .await?;
        stage(Stage::Begun);
        let code = match timeout(LIMIT, self.watched(begun, stage)).await {
            Ok(code) => code?,
            Err(_) => {
                self.engine
                    .call("POST", &format!("/containers/{NAME}/kill"), full(""))
                    .await?;
                return Err(LaunchError::Slow);
            }
        };
        match Done::read(self.node_certs) {
            Some(Done {
                outcomes,
                error: None,
            }) if code == 0 => Ok(outcomes),
            Some(Done { outcomes, error }) if outcomes.iter().any(|outcome| outcome.error.is_some()) => {
                tracing::debug!(code, error, "steps failed");
                Ok(outcomes)
            }
            Some(Done { error: Some(why), .. }) => Err(LaunchError::Said(why)),
            Some(Done { error: None, .. }) | None => Err(LaunchError::Ended {
                code,
                log: self.engine.log_end(NAME, TAIL).await,
            }),
        }
    }

    /// Makes room: waits for one that still runs, then removes it.
    async fn clear(&self) -> Result<(), LaunchError> {
        let container: Value = match self.engine.get_json(&format!("/containers/{NAME}/json")).await {
            Ok(container) => container,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if container.pointer("/State/Running") == Some(&Value::Bool(true)) {
            tracing::info!("ucp-reconcile runs already, its end is waited for");
            if timeout(LIMIT, self.engine.wait_for_container(NAME))
                .await
                .is_err()
            {
                self.engine
                    .call("POST", &format!("/containers/{NAME}/kill"), full(""))
                    .await?;
            }
        }
        Ok(self.engine.remove_container(NAME).await?)
    }

    fn container(&self, job: &Job) -> Value {
        let mut mounts = vec![
            json!({ "Type": "bind", "Source": self.socket, "Target": "/var/run/docker.sock" }),
            json!({
                "Type": "bind", "Source": format!("{}/swarm/certificates", self.root_dir),
                "Target": SWARM_CERTIFICATES, "ReadOnly": true,
            }),
        ];
        mounts.extend(volumes_of(job.role).map(|volume| {
            json!({ "Type": "volume", "Source": volume.name, "Target": format!("{VOLUMES}/{}", volume.name) })
        }));
        json!({
            "Image": self.image_id,
            "Entrypoint": ["/bin/ucp-agent"],
            "Cmd": ["reconcile"],
            "Env": [format!("UCP_VERSION={}", self.version)],
            "Labels": { labels::INSTANCE_ID: job.cluster_id, labels::VERSION: self.version },
            "HostConfig": {
                "Mounts": mounts,
                "LogConfig": { "Type": "json-file", "Config": { "max-size": "5m", "max-file": "2" } },
                "RestartPolicy": { "Name": "no" },
                "SecurityOpt": ["no-new-privileges"],
            },
        })
    }

    async fn hand_over(&self, job: &Job) -> Result<(), LaunchError> {
        let text = serde_json::to_vec(job).map_err(std::io::Error::other)?;
        let mut archive = tar::Builder::new(Vec::new());
        let mut head = tar::Header::new_ustar();
        head.set_size(text.len() as u64);
        head.set_mode(0o600);
        archive.append_data(&mut head, PATH.trim_start_matches('/'), text.as_slice())?;
        let path = format!("/containers/{NAME}/archive?path=/");
        let request = Request::put(&path)
            .header(header::CONTENT_TYPE, "application/x-tar")
            .body(full(archive.into_inner()?));
        self.engine.call_patiently(&path, request).await?;
        Ok(())
    }

    /// Waits for its end and says when it has begun to work.
    async fn watched(
        &self,
        begun: Timestamp,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<i64, LaunchError> {
        let ended = self.engine.wait_for_container(NAME);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                code = &mut ended => return Ok(code?),
                () = sleep(GLANCE) => {
                    let now = Timestamp::from(std::time::SystemTime::now());
                    // It has read its job by then; its first words are those about its plan.
                    if Done::read(self.node_certs).is_some() || now.since(begun) > GLANCE * 2 {
                        stage(Stage::Works);
                    }
                }
            }
        }
    }
}
