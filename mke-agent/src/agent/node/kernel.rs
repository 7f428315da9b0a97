//! Lets kernel parameters of the node be set, where its label asks for that (decision 0031): a container in the network of the
//! node does it, looks whether managers are still reached, and takes everything back otherwise. It is removed when it has ended.

use std::net::SocketAddr;
use std::time::Duration;

use mke_core::product::labels;
use mke_net::kernel::Intent;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::controller::body::full;
use crate::engine::{EngineClient, EngineError};
use crate::install::daemon::demultiplexed;
use crate::life::report::OutcomeReport;
use crate::node::WireSpec;

/// The container's name.
pub const NAME: &str = "ucp-reconcile-kernel";
/// Where the container sees the node's files.
pub const ROOT: &str = "/host";
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Why nothing is known of the parameters.
#[derive(Debug, thiserror::Error)]
pub enum KernelRunError {
    /// The engine.
    #[error("kernel parameters cannot be set")]
    Engine(#[from] EngineError),
    /// It took too long.
    #[error("setting kernel parameters did not end within {} s and was stopped", LIMIT.as_secs())]
    Slow,
    /// It failed, or its last words are none.
    #[error("setting kernel parameters ended with {code}: {log}")]
    Ended {
        /// Its exit code.
        code: i64,
        /// Its log.
        log: String,
    },
}

/// What the container is made of.
pub struct KernelRunner<'r> {
    /// The engine of the node.
    pub engine: &'r EngineClient,
    /// The engine's id of the image.
    pub image_id: &'r str,
    /// The version of the agent.
    pub version: String,
    /// The installation.
    pub cluster_id: &'r str,
}

impl KernelRunner<'_> {
    /// Runs it once. Gives what was changed; what was taken back is among it as a failure.
    ///
    /// # Errors
    /// [`KernelRunError`].
    pub async fn run(&self, spec: &WireSpec) -> Result<Vec<OutcomeReport>, KernelRunError> {
        self.engine.remove_container(NAME).await?;
        let path = format!("/containers/create?name={NAME}");
        let body = self.container(spec).to_string();
        self.engine.call("POST", &path, full(body)).await?;
        let ended = self.ended().await;
        self.engine.remove_container(NAME).await?;
        ended
    }

    async fn ended(&self) -> Result<Vec<OutcomeReport>, KernelRunError> {
        let path = format!("/containers/{NAME}/start");
        self.engine.call("POST", &path, full("")).await?;
        let code = timeout(LIMIT, self.engine.wait_for_container(NAME))
            .await
            .map_err(|_| KernelRunError::Slow)??;
        let path = format!("/containers/{NAME}/logs?stdout=1&stderr=1");
        let log = demultiplexed(&self.engine.get_bytes(&path).await?);
        match log.lines().rev().find_map(|line| serde_json::from_str(line).ok()) {
            Some(outcomes) if code == 0 => Ok(outcomes),
            _ => Err(KernelRunError::Ended {
                code,
                log: log.lines().collect::<Vec<_>>().join(" | "),
            }),
        }
    }

    fn container(&self, spec: &WireSpec) -> Value {
        let bind = |path: &str| format!("{path}:{ROOT}{path}");
        json!({
            "Image": self.image_id,
            "Entrypoint": ["/bin/ucp-agent"],
            "Cmd": arguments(spec),
            "Env": [format!("UCP_VERSION={}", self.version)],
            "Labels": { labels::INSTANCE_ID: self.cluster_id, labels::VERSION: self.version },
            "HostConfig": {
                // Parameters of the network belong to a network namespace, and only root on the node may set them.
                "NetworkMode": "host",
                "Privileged": true,
                "ReadonlyRootfs": true,
                // In this form the engine makes directories that are missing.
                "Binds": [bind("/proc/sys"), bind("/etc/sysctl.d"), bind("/var/lib/mke/kernel")],
                "RestartPolicy": { "Name": "no" },
                "LogConfig": { "Type": "json-file", "Config": { "max-size": "1m", "max-file": "1" } },
            },
        })
    }
}

/// What the program is told, from the configuration: it is the one that decides what a node needs.
fn arguments(spec: &WireSpec) -> Vec<String> {
    let intent = Intent::of(&spec.cluster.config);
    let mut arguments = vec!["kernel".to_owned(), format!("--root={ROOT}")];
    if intent.swarm_only {
        arguments.push("--swarm-only".to_owned());
    }
    if intent.protect_defaults {
        arguments.push("--protect-defaults".to_owned());
    }
    if let Some((first, last)) = intent.node_ports {
        arguments.push(format!("--node-ports={first}-{last}"));
    }
    let port = spec.cluster.config.cluster.controller_port;
    let managers = spec.cluster.managers.iter();
    arguments
        .extend(managers.map(|manager| format!("--reach={}", SocketAddr::from((manager.address, port)))));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{ClusterSpec, ManagerFacts, NodeFacts};
    use mke_core::config::Config;
    use mke_core::product::{Os, ProductVersion, Role};

    fn spec(label: Option<&str>, os: Os) -> WireSpec {
        let address = [10, 0, 0, 1].into();
        let mut config = Config::default();
        config.cluster.controller_port = 8443;
        WireSpec {
            revision: 1,
            cluster: ClusterSpec {
                cluster_id: "c".to_owned(),
                version: ProductVersion::new(3, 4, 15),
                organisation: "mirantis".to_owned(),
                config: config.into(),
                managers: vec![ManagerFacts {
                    id: "m".to_owned(),
                    hostname: "m".to_owned(),
                    address,
                    sans: String::new(),
                }],
                store_members: Vec::new(),
                interlock: false,
                store_alone: false,
            },
            node: NodeFacts {
                id: "w".to_owned(),
                hostname: "w".to_owned(),
                role: Role::Worker,
                os,
                address,
                labels: label
                    .map(|value| (labels::KERNEL_PARAMETERS.to_owned(), value.to_owned()))
                    .into_iter()
                    .collect(),
                engine: Default::default(),
                cores: None,
            },
            state: Default::default(),
        }
    }

    /// Only a label with the value `true` lets an agent set anything, and only on Linux.
    #[test]
    fn only_where_it_is_asked_for() {
        for (label, os, keeps) in [
            (None, Os::Linux, false),
            (Some(""), Os::Linux, false),
            (Some("false"), Os::Linux, false),
            (Some("true"), Os::Windows, false),
            (Some("true"), Os::Linux, true),
        ] {
            assert_eq!(spec(label, os).node.keeps_kernel(), keeps, "{label:?}");
        }
    }

    /// The container works on the node's own network and sees nothing but parameters and what remembers their changes.
    #[test]
    fn what_it_is_made_of() {
        let engine = EngineClient::new("/nowhere");
        let runner = KernelRunner {
            engine: &engine,
            image_id: "sha256:1",
            version: "3.4.15".to_owned(),
            cluster_id: "c",
        };
        let body = runner.container(&spec(Some("true"), Os::Linux));
        assert_eq!(
            body["Cmd"],
            json!([
                "kernel",
                "--root=/host",
                "--node-ports=32768-35535",
                "--reach=10.0.0.1:8443"
            ])
        );
        let host = &body["HostConfig"];
        assert_eq!(
            host["Binds"],
            json!([
                "/proc/sys:/host/proc/sys",
                "/etc/sysctl.d:/host/etc/sysctl.d",
                "/var/lib/mke/kernel:/host/var/lib/mke/kernel"
            ])
        );
        assert_eq!(host["NetworkMode"], "host");
        let mut swarm_only = spec(Some("true"), Os::Linux);
        let mut config = Config::default();
        config.cluster.swarm_only = true;
        config.cluster.kubelet.kube_protect_kernel_defaults = true;
        swarm_only.cluster.config = config.into();
        let arguments = arguments(&swarm_only);
        assert_eq!(arguments[2..4], ["--swarm-only", "--protect-defaults"]);
        assert!(
            !arguments
                .iter()
                .any(|argument| argument.starts_with("--node-ports"))
        );
    }
}
