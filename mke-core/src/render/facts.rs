//! What rendering must know about a node besides the configuration: plain inputs, checked before they are used.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::problem::{RenderProblem, RenderProblems};

/// The part that a node has in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// It carries the control plane.
    Manager,
    /// It carries workloads only.
    Worker,
}

/// Whose workloads run on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Orchestrator {
    /// Those of Kubernetes.
    #[default]
    Kubernetes,
    /// Those of Swarm; Kubernetes keeps off.
    Swarm,
    /// Those of both.
    Mixed,
}

/// What a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum OperatingSystem {
    /// Linux
    #[default]
    Linux,
    /// Windows; such nodes are workers.
    Windows,
}

/// Where components find files, as they see them from inside of their containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// `ca.pem`, `cert.pem` and `key.pem` of the node (volume `ucp-node-certs`).
    pub node_certs: String,
    /// The same three files of the key-value store (volume `ucp-kv-certs`).
    pub kv_certs: String,
    /// Files that rendering makes, and kubeconfig files.
    pub config: String,
    /// The data of the key-value store (volume `ucp-kv`).
    pub kv_data: String,
    /// Where the API server writes its audit log.
    pub audit_log: String,
    /// The socket of containerd.
    pub containerd: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            node_certs: "/etc/ucp/node-certs".to_owned(),
            kv_certs: "/etc/ucp/kv-certs".to_owned(),
            config: "/etc/ucp/kubernetes".to_owned(),
            kv_data: "/var/lib/ucp/kv".to_owned(),
            audit_log: "/var/log/kubernetes/audit.log".to_owned(),
            containerd: "/run/containerd/containerd.sock".to_owned(),
        }
    }
}

/// What is known about one node. A file of it is JSON or YAML; unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFacts {
    /// The name under which Kubernetes knows the node.
    pub name: String,
    /// The address at which other nodes reach it.
    pub address: IpAddr,
    /// Its part in the cluster.
    pub role: NodeRole,
    /// Whose workloads run there.
    #[serde(default)]
    pub orchestrator: Orchestrator,
    /// What it runs.
    #[serde(default)]
    pub os: OperatingSystem,
    /// The addresses of all managers.
    pub managers: Vec<IpAddr>,
    /// The identifier of the installation.
    #[serde(default)]
    pub cluster_id: String,
    /// How many processor cores the node has, when known.
    #[serde(default)]
    pub cores: Option<u32>,
    /// The profile of kubelet flags that the node's label names.
    #[serde(default)]
    pub kubelet_profile: Option<String>,
    /// The second number of the version of Kubernetes: 20 is 1.20, which came with 3.4. Flags come and go with it.
    #[serde(default = "kubernetes_minor")]
    pub kubernetes_minor: u16,
    /// Where files lie.
    #[serde(default)]
    pub paths: Paths,
}

const fn kubernetes_minor() -> u16 {
    20
}

impl NodeFacts {
    /// The only manager of a cluster of one node, with everything else as on a fresh installation.
    pub fn single_manager(name: &str, address: IpAddr) -> Self {
        Self {
            name: name.to_owned(),
            address,
            role: NodeRole::Manager,
            orchestrator: Orchestrator::default(),
            os: OperatingSystem::default(),
            managers: vec![address],
            cluster_id: String::new(),
            cores: None,
            kubelet_profile: None,
            kubernetes_minor: kubernetes_minor(),
            paths: Paths::default(),
        }
    }

    /// Reads facts from JSON or YAML.
    ///
    /// # Errors
    /// When the text is neither, has unknown fields, or says what cannot be; all of the latter at once.
    pub fn parse(text: &str) -> Result<Self, RenderProblems> {
        let facts: Self = serde_yaml_ng::from_str(text).map_err(|error| {
            RenderProblems(vec![RenderProblem::new("the node's facts", error.to_string())])
        })?;
        let mut problems = RenderProblems::default();
        facts.check(&mut problems);
        problems.or(facts)
    }

    pub(super) fn check(&self, problems: &mut RenderProblems) {
        if !is_node_name(&self.name) {
            problems.add(
                "name",
                format!(
                    "{:?} is no name of a node: use small letters, digits, `-` and `.`, at most 253",
                    self.name
                ),
            );
        }
        if self.managers.is_empty() {
            problems.add("managers", "name the address of at least one manager");
        }
        if self.role == NodeRole::Manager {
            if !self.managers.contains(&self.address) {
                problems.add(
                    "managers",
                    format!(
                        "the node is a manager: its address {} must be among them",
                        self.address
                    ),
                );
            }
            if self.os == OperatingSystem::Windows {
                problems.add("os", "managers run Linux; use `linux`, or the role `worker`");
            }
        }
        let id = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if !self.cluster_id.chars().all(id) {
            problems.add("cluster_id", "use letters, digits, `-`, `_`, `.` and `:` only");
        }
        let paths = &self.paths;
        for (field, path) in [
            ("paths.node_certs", &paths.node_certs),
            ("paths.kv_certs", &paths.kv_certs),
            ("paths.config", &paths.config),
            ("paths.kv_data", &paths.kv_data),
            ("paths.audit_log", &paths.audit_log),
            ("paths.containerd", &paths.containerd),
        ] {
            let absolute = path.starts_with('/') || path.get(1..3).is_some_and(|drive| drive == ":\\");
            if !absolute || path.chars().any(|c| c.is_control() || c == ',') {
                problems.add(
                    field,
                    format!("{path:?} is no absolute path without commas and control characters"),
                );
            }
        }
    }

    /// Why a component of managers does not run here, if it does not.
    pub(super) fn not_on_workers(&self) -> Option<&'static str> {
        (self.role == NodeRole::Worker).then_some("it runs on managers only")
    }
}

/// A DNS subdomain (RFC 1123), which Kubernetes asks of the names of nodes.
fn is_node_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
