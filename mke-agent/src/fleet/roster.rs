//! Which nodes the swarm has, as its manager lists them. Pure.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// One node as the swarm describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its id in the swarm.
    pub id: String,
    /// How people call it, and what stands before the names of its objects: its host name, or its id where another node
    /// has the same one.
    pub name: String,
    /// Where it is; nothing when the swarm does not know.
    pub address: Option<IpAddr>,
    /// Whether it is a manager.
    pub manager: bool,
    /// `active`, `pause` or `drain`.
    pub availability: String,
    /// Whether the swarm hears from it.
    pub ready: bool,
    /// Labels of the node, among them those of its collection.
    pub labels: BTreeMap<String, String>,
    /// Labels of its engine.
    pub engine_labels: BTreeMap<String, String>,
    /// Version of its engine.
    pub engine_version: String,
    /// `linux` or `windows`.
    pub os: String,
    /// Architecture, such as `x86_64`.
    pub architecture: String,
    /// Processors, in billionths.
    pub nano_cpus: i64,
    /// Memory, in bytes.
    pub memory_bytes: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Node {
    #[serde(rename = "ID")]
    id: String,
    spec: Spec,
    description: Description,
    status: Status,
    manager_status: Option<ManagerStatus>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Spec {
    role: String,
    availability: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Description {
    hostname: String,
    platform: Platform,
    resources: Resources,
    engine: Engine,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Platform {
    architecture: String,
    #[serde(rename = "OS")]
    os: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Resources {
    #[serde(rename = "NanoCPUs")]
    nano_cpus: i64,
    memory_bytes: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Engine {
    engine_version: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Status {
    state: String,
    addr: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ManagerStatus {
    addr: String,
}

/// Reads the answer of `GET /nodes`, ordered by name.
///
/// # Errors
/// When it is not a list of nodes.
pub fn read(list: &[u8]) -> serde_json::Result<Vec<NodeFacts>> {
    let nodes: Vec<Node> = serde_json::from_slice(list)?;
    let mut facts: Vec<NodeFacts> = nodes.into_iter().map(of_node).collect();
    name_apart(&mut facts);
    facts.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(facts)
}

fn of_node(node: Node) -> NodeFacts {
    NodeFacts {
        address: address(&node),
        manager: node.spec.role == "manager",
        availability: node.spec.availability,
        ready: node.status.state == "ready",
        labels: node.spec.labels.unwrap_or_default(),
        engine_labels: node.description.engine.labels.unwrap_or_default(),
        engine_version: node.description.engine.engine_version,
        os: node.description.platform.os,
        architecture: node.description.platform.architecture,
        nano_cpus: node.description.resources.nano_cpus,
        memory_bytes: node.description.resources.memory_bytes,
        name: node.description.hostname,
        id: node.id,
    }
}

/// A manager that was started without an address shows none in its status, but the others know it.
fn address(node: &Node) -> Option<IpAddr> {
    let known = |address: &IpAddr| !address.is_unspecified();
    let status = node.status.addr.parse().ok().filter(known);
    status.or_else(|| {
        let manager = node.manager_status.as_ref()?;
        let address: SocketAddr = manager.addr.parse().ok()?;
        Some(address.ip()).filter(known)
    })
}

/// Names must tell nodes apart. A node that was joined again leaves its old entry behind: the one that is heard from
/// keeps the name, when it is the only one.
fn name_apart(nodes: &mut [NodeFacts]) {
    let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, node) in nodes.iter().enumerate() {
        holders.entry(node.name.clone()).or_default().push(position);
    }
    for (name, positions) in holders {
        let mut ready = positions
            .iter()
            .copied()
            .filter(|position| nodes.get(*position).is_some_and(|node| node.ready));
        let only = ready.next().filter(|_| ready.next().is_none());
        let keeps = match positions.as_slice() {
            [one] => Some(*one),
            _ => only,
        };
        for position in positions {
            let usable = !name.is_empty() && !name.contains('/');
            if let Some(node) = nodes.get_mut(position)
                && (keeps != Some(position) || !usable)
            {
                node.name = node.id.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(nodes: &[(&str, &str, &str)]) -> Vec<(String, String)> {
        let list: Vec<_> = nodes
            .iter()
            .map(|(id, host, state)| json!({ "ID": id, "Description": { "Hostname": host }, "Status": { "State": state } }))
            .collect();
        let read = read(json!(list).to_string().as_bytes()).unwrap();
        read.into_iter().map(|node| (node.id, node.name)).collect()
    }

    /// DAPI-002: names tell nodes apart, whatever their machines are called.
    #[test]
    fn names_are_of_one_node_each() {
        let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        for (nodes, expected) in [
            (
                vec![("1", "n1", "ready"), ("2", "n2", "down")],
                vec![pair("1", "n1"), pair("2", "n2")],
            ),
            (
                vec![("1", "n1", "down"), ("2", "n1", "ready")],
                vec![pair("1", "1"), pair("2", "n1")],
            ),
            (
                vec![("1", "n1", "ready"), ("2", "n1", "ready")],
                vec![pair("1", "1"), pair("2", "2")],
            ),
            (
                vec![("1", "n1", "down"), ("2", "n1", "down")],
                vec![pair("1", "1"), pair("2", "2")],
            ),
            (vec![("1", "", "ready")], vec![pair("1", "1")]),
            (vec![("1", "a/b", "ready")], vec![pair("1", "1")]),
        ] {
            assert_eq!(names(&nodes), expected, "{nodes:?}");
        }
    }

    #[test]
    fn what_the_swarm_says() {
        let list = json!([
            {
                "ID": "x", "Spec": { "Role": "manager", "Availability": "drain", "Labels": { "a": "b" } },
                "Description": {
                    "Hostname": "n1", "Platform": { "Architecture": "x86_64", "OS": "linux" },
                    "Resources": { "NanoCPUs": 4_000_000_000_i64, "MemoryBytes": 8 },
                    "Engine": { "EngineVersion": "20.10.24", "Labels": { "storage": "ssd" } },
                },
                "Status": { "State": "ready", "Addr": "0.0.0.0" },
                "ManagerStatus": { "Addr": "192.0.2.1:2377" },
            },
            { "ID": "y", "Spec": { "Labels": null }, "Status": { "State": "down", "Addr": "2001:db8::1" } },
        ]);
        let nodes = read(list.to_string().as_bytes()).unwrap();
        let (manager, other) = (&nodes[0], &nodes[1]);
        assert_eq!((manager.name.as_str(), other.name.as_str()), ("n1", "y"));
        assert_eq!(manager.address, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(other.address, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(manager.engine_labels["storage"], "ssd");
        assert!(manager.manager && manager.ready && !other.ready);
        assert!(read(b"{}").is_err());
    }
}
