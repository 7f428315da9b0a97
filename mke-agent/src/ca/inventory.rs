//! Which nodes the swarm has, as its managers know them: the other half of every decision about a certificate.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use http::{Method, StatusCode};
use mke_core::pki::{SubjectAltName, parse_certificates};
use mke_core::render::NodeRole;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::names::label_names;
use crate::engine::{EngineClient, EngineError};
use crate::mtls::{Caller, Credentials, MtlsError};

/// The label with further names of a manager (PKI-011).
const SANS_LABEL: &str = "com.docker.ucp.SANs";

/// A node as the swarm knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// What the swarm says that it is.
    pub role: NodeRole,
    /// Its host name.
    pub hostname: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The names in its label.
    pub label_names: Vec<SubjectAltName>,
}

/// The swarm at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// Its id.
    pub id: String,
    /// The authorities of its node certificates, DER. There are two while it changes them.
    pub trust_roots: Vec<Vec<u8>>,
    /// Its nodes by id.
    pub nodes: BTreeMap<String, ClusterNode>,
}

/// The swarm cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The engine did not answer, or it is no manager.
    #[error("the swarm cannot be asked for its nodes")]
    Engine(#[from] EngineError),
    /// The proxy in front of the engine cannot be reached.
    #[error("the swarm cannot be asked for its nodes")]
    Proxy(#[from] MtlsError),
    /// The proxy or the engine said no.
    #[error("the engine answered `{path}` with {status}")]
    Refused {
        /// What was asked.
        path: &'static str,
        /// Its status.
        status: StatusCode,
    },
    /// An answer of another shape.
    #[error("the engine's answer to `{path}` is not what its API says")]
    Malformed {
        /// What was asked.
        path: &'static str,
        /// What went wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The engine is in no swarm, or not as a manager.
    #[error("the engine is not a manager of a swarm")]
    NoManager,
}

/// A swarm that is about to be known.
pub type ClusterFuture<'a> = Pin<Box<dyn Future<Output = Result<Cluster, InventoryError>> + Send + 'a>>;

/// Where the inventory comes from.
pub trait Inventory: Send + Sync {
    /// The swarm as it is now.
    fn cluster(&self) -> ClusterFuture<'_>;
}

/// The inventory of the engine of a manager, on its socket.
#[derive(Debug, Clone)]
pub struct EngineInventory(EngineClient);

impl EngineInventory {
    /// Asks this engine.
    pub fn new(engine: EngineClient) -> Self {
        Self(engine)
    }
}

impl Inventory for EngineInventory {
    fn cluster(&self) -> ClusterFuture<'_> {
        Box::pin(async {
            let info: Info = self.0.get_json(INFO).await?;
            let cluster = info.swarm.cluster.ok_or(InventoryError::NoManager)?;
            Ok(assemble(cluster, self.0.get_json(NODES).await?))
        })
    }
}

/// The same through the proxy in front of the engine, for components that have no socket.
pub struct ProxyInventory {
    credentials: Arc<Credentials>,
    address: SocketAddr,
}

impl ProxyInventory {
    /// Asks the engine behind the proxy at this address, which must be that of the own node.
    pub fn new(credentials: Arc<Credentials>, address: SocketAddr) -> Self {
        Self { credentials, address }
    }

    async fn get<T: DeserializeOwned>(&self, path: &'static str) -> Result<T, InventoryError> {
        let loaded = self.credentials.current();
        let node = &loaded.material.holder().common_name;
        let caller = Caller::with_config(loaded.client.clone());
        let answer = caller
            .exchange(self.address, node, Method::GET, path, Vec::new())
            .await?;
        if !answer.status.is_success() {
            return Err(InventoryError::Refused {
                path,
                status: answer.status,
            });
        }
        serde_json::from_slice(&answer.body).map_err(|source| InventoryError::Malformed { path, source })
    }
}

impl Inventory for ProxyInventory {
    fn cluster(&self) -> ClusterFuture<'_> {
        Box::pin(async {
            let info: Info = self.get(INFO).await?;
            let cluster = info.swarm.cluster.ok_or(InventoryError::NoManager)?;
            Ok(assemble(cluster, self.get(NODES).await?))
        })
    }
}

const INFO: &str = "/info";
const NODES: &str = "/nodes";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    swarm: Swarm,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Swarm {
    cluster: Option<SwarmCluster>,
}

#[derive(Deserialize)]
struct SwarmCluster {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "TLSInfo")]
    tls: TlsInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TlsInfo {
    #[serde(default)]
    trust_root: String,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Spec")]
    spec: Spec,
    #[serde(rename = "Description")]
    description: Description,
    #[serde(rename = "Status", default)]
    status: Status,
    #[serde(rename = "ManagerStatus", default)]
    manager: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    role: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    #[serde(default)]
    hostname: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Status {
    #[serde(default)]
    addr: String,
}

fn assemble(cluster: SwarmCluster, nodes: Vec<Node>) -> Cluster {
    let trust_roots = parse_certificates(&cluster.tls.trust_root).unwrap_or_default();
    let nodes = nodes
        .into_iter()
        .map(|node| (node.id.clone(), read(node)))
        .collect();
    Cluster {
        id: cluster.id,
        trust_roots,
        nodes,
    }
}

fn read(node: Node) -> ClusterNode {
    let label = node
        .spec
        .labels
        .as_ref()
        .and_then(|labels| labels.get(SANS_LABEL));
    let (label_names, wrong) = label_names(label.map_or("", String::as_str));
    if !wrong.is_empty() {
        tracing::warn!(
            node = node.id,
            ?wrong,
            "the label {SANS_LABEL} holds texts that are no names"
        );
    }
    // The one address by which agents are told of the node too, so that both sides know the same names. A manager may see
    // itself at 0.0.0.0; the address of its raft port tells more.
    let of_manager = node
        .manager
        .and_then(|manager| Some(manager.addr.parse::<SocketAddr>().ok()?.ip()));
    let address = of_manager
        .filter(|address| !address.is_unspecified())
        .or_else(|| node.status.addr.parse().ok())
        .filter(|address: &IpAddr| !address.is_unspecified());
    let addresses = address.into_iter().collect();
    ClusterNode {
        // Whatever is not a manager gets no more than a worker.
        role: if node.spec.role == "manager" {
            NodeRole::Manager
        } else {
            NodeRole::Worker
        },
        hostname: node.description.hostname,
        addresses,
        label_names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PKI-011: addresses and label names come from the swarm; what is no name is left out.
    #[test]
    fn nodes_are_read() {
        let nodes: Vec<Node> = serde_json::from_value(serde_json::json!([{
            "ID": "n1", "Description": { "Hostname": "one" },
            "Spec": { "Role": "manager", "Labels": { SANS_LABEL: "lb.example.com, spiffe://c/m ,not a name" } },
            "Status": { "Addr": "0.0.0.0" }, "ManagerStatus": { "Addr": "10.0.0.1:2377" },
        }, {
            "ID": "n4", "Description": {}, "Spec": { "Role": "manager" },
            "Status": { "Addr": "192.0.2.4" }, "ManagerStatus": { "Addr": "10.0.0.4:2377" },
        }, {
            "ID": "n2", "Description": {}, "Spec": { "Role": "worker" }, "Status": { "Addr": "10.0.0.2" },
        }, {
            "ID": "n3", "Description": {}, "Spec": { "Role": "something new", "Labels": null },
        }]))
        .unwrap();
        let tls = TlsInfo {
            trust_root: String::new(),
        };
        let cluster = assemble(
            SwarmCluster {
                id: "c".to_owned(),
                tls,
            },
            nodes,
        );
        let n1 = &cluster.nodes["n1"];
        assert_eq!((n1.role, &*n1.hostname), (NodeRole::Manager, "one"));
        assert_eq!(n1.addresses, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
        let names: Vec<String> = n1.label_names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["lb.example.com", "spiffe://c/m"]);
        assert_eq!(
            cluster.nodes["n2"].addresses,
            ["10.0.0.2".parse::<IpAddr>().unwrap()]
        );
        assert_eq!(cluster.nodes["n3"].role, NodeRole::Worker);
        // What the agent of the node is told, so that it does not find a name too many in its certificate.
        let told = serde_json::json!({
            "ID": "n4", "Status": { "Addr": "192.0.2.4" }, "ManagerStatus": { "Addr": "10.0.0.4:2377" },
            "Spec": { "Role": "manager" }, "Description": {},
        });
        let told = crate::life::SwarmNode::read(&told).unwrap().address;
        assert_eq!(cluster.nodes["n4"].addresses, Vec::from_iter(told));
    }
}
