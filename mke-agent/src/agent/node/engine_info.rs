//! What an engine says about itself, its place in the swarm and the container that this program runs in.

use std::net::{IpAddr, SocketAddr};

use mke_core::product::{ImageRef, ImageRefError, labels};
use serde::Deserialize;
use serde_json::Value;

use super::world::Local;
use crate::engine::{EngineClient, EngineError};
use crate::life::report::LocalSwarm;
use crate::node::EngineFacts;

/// What an engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineInfo {
    /// For the loop.
    pub local: Local,
    /// Swarm's id of the node; empty outside a swarm.
    pub node_id: String,
    /// The address at which others reach the node, as far as the engine knows.
    pub address: Option<IpAddr>,
    /// The managers that it knows, without repetition.
    pub managers: Vec<IpAddr>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawInfo {
    #[serde(rename = "ID")]
    id: String,
    server_version: String,
    docker_root_dir: String,
    #[serde(rename = "NCPU")]
    cores: Option<u32>,
    swarm: RawSwarm,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawSwarm {
    #[serde(rename = "NodeID")]
    node_id: String,
    node_addr: String,
    local_node_state: LocalSwarm,
    remote_managers: Option<Vec<RawManager>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawManager {
    addr: String,
}

impl EngineInfo {
    /// Asks the engine.
    ///
    /// # Errors
    /// The engine's.
    pub async fn of(engine: &EngineClient) -> Result<Self, EngineError> {
        let socket = engine.socket().map(|path| path.to_string_lossy().into_owned());
        let socket = socket.unwrap_or_else(|| EngineFacts::default().socket);
        Ok(Self::read(engine.get_json("/info").await?, &socket))
    }

    fn read(raw: RawInfo, socket: &str) -> Self {
        let mut managers = Vec::new();
        for manager in raw.swarm.remote_managers.unwrap_or_default() {
            if let Ok(address) = manager.addr.parse::<SocketAddr>()
                && !address.ip().is_unspecified()
                && !managers.contains(&address.ip())
            {
                managers.push(address.ip());
            }
        }
        let defaults = EngineFacts::default();
        Self {
            local: Local {
                engine: EngineFacts {
                    id: raw.id,
                    version: raw.server_version,
                    root_dir: if raw.docker_root_dir.is_empty() {
                        defaults.root_dir
                    } else {
                        raw.docker_root_dir
                    },
                    socket: socket.to_owned(),
                },
                swarm: raw.swarm.local_node_state,
                cores: raw.cores,
            },
            node_id: raw.swarm.node_id,
            address: raw
                .swarm
                .node_addr
                .parse()
                .ok()
                .filter(|address: &IpAddr| !address.is_unspecified()),
            managers,
        }
    }
}

/// The container that this program runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnContainer {
    /// The engine's id of its image: a service may name its image by a digest that no tag leads to.
    pub image_id: String,
    /// Where images come from.
    pub organisation: String,
    /// The installation that it belongs to, as its label says.
    pub instance: Option<String>,
}

/// Why the own container is not known.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The engine.
    #[error("the engine does not describe the container that this agent runs in")]
    Engine(#[from] EngineError),
    /// Its image.
    #[error("the agent runs from an image that is none of the product")]
    Image(#[from] ImageRefError),
}

impl OwnContainer {
    /// Looks the container up by its name or id. A container's host name is its id unless somebody chose another one.
    ///
    /// # Errors
    /// [`OwnError`].
    pub async fn of(engine: &EngineClient, id: &str) -> Result<Self, OwnError> {
        let path = format!("/containers/{}/json", crate::engine::lookup::escaped(id));
        let container: Value = engine.get_json(&path).await?;
        let text = |pointer: &str| {
            container
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let named = text("/Config/Image");
        let image: ImageRef = named.split('@').next().unwrap_or_default().parse()?;
        Ok(Self {
            image_id: text("/Image").to_owned(),
            organisation: image.organisation,
            instance: container
                .pointer("/Config/Labels")
                .and_then(|labels| labels.get(labels::INSTANCE_ID))
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// NST-003: the words of the engine for its part in a swarm; managers once each, without those nobody reaches.
    #[test]
    fn what_an_engine_says() {
        let read = |value: Value| EngineInfo::read(serde_json::from_value(value).unwrap(), "/s");
        let info = read(json!({
            "ID": "E", "ServerVersion": "26.1", "DockerRootDir": "/data", "NCPU": 4,
            "Swarm": {
                "NodeID": "n", "NodeAddr": "10.0.0.2", "LocalNodeState": "pending",
                "RemoteManagers": [
                    { "NodeID": "a", "Addr": "10.0.0.1:2377" }, { "NodeID": "b", "Addr": "[fd00::1]:2377" },
                    { "NodeID": "c", "Addr": "10.0.0.1:2377" }, { "NodeID": "d", "Addr": "0.0.0.0:2377" },
                ],
            },
        }));
        assert_eq!(info.local.swarm, LocalSwarm::Pending);
        assert_eq!((info.node_id.as_str(), info.local.cores), ("n", Some(4)));
        assert_eq!(
            info.managers,
            ["10.0.0.1".parse::<IpAddr>().unwrap(), "fd00::1".parse().unwrap()]
        );
        let outside = read(
            json!({ "ID": "E", "Swarm": { "LocalNodeState": "inactive", "NodeID": "", "RemoteManagers": null } }),
        );
        assert_eq!(outside.local.swarm, LocalSwarm::Inactive);
        assert_eq!((outside.address, outside.managers.len()), (None, 0));
        assert_eq!(outside.local.engine.root_dir, "/var/lib/docker");
    }
}
