//! What is known about one node: who it is in the swarm, where it is reached, which labels it has, and its engine.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use mke_core::product::{Orchestrator, Os, Role, labels};
use serde::{Deserialize, Serialize};

/// What is known about one node. A file of it is JSON; unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFacts {
    /// The swarm's id of the node.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// Its part in the cluster.
    pub role: Role,
    /// What it runs.
    #[serde(default)]
    pub os: Os,
    /// The address at which other nodes reach it.
    pub address: IpAddr,
    /// The labels of the swarm's node.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its engine.
    #[serde(default)]
    pub engine: EngineFacts,
    /// How many processor cores it has, when known.
    #[serde(default)]
    pub cores: Option<u32>,
}

/// What is known about a node's engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineFacts {
    /// The engine's own id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its data directory.
    pub root_dir: String,
    /// Its socket on the node.
    pub socket: String,
}

impl Default for EngineFacts {
    fn default() -> Self {
        Self {
            id: String::new(),
            version: String::new(),
            root_dir: "/var/lib/docker".to_owned(),
            socket: "/var/run/docker.sock".to_owned(),
        }
    }
}

/// Everything that keeps facts from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsProblems(pub Vec<String>);

impl std::error::Error for FactsProblems {}

impl fmt::Display for FactsProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the node's facts: {}", self.0.join("; "))
    }
}

impl NodeFacts {
    /// Reads facts from JSON.
    ///
    /// # Errors
    /// When the text is not of this form, or says what cannot be; all of the latter at once.
    pub fn parse(text: &str) -> Result<Self, FactsProblems> {
        let facts: Self =
            serde_json::from_str(text).map_err(|error| FactsProblems(vec![error.to_string()]))?;
        let problems = facts.problems();
        if problems.is_empty() {
            Ok(facts)
        } else {
            Err(FactsProblems(problems))
        }
    }

    /// What in the facts cannot be.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let plain = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        for (field, value) in [("id", &self.id), ("hostname", &self.hostname)] {
            if !plain(value) {
                problems.push(format!(
                    "{field} {value:?}: use letters, digits, `-`, `_` and `.`"
                ));
            }
        }
        if self.role == Role::Manager && self.os == Os::Windows {
            problems.push("os: managers run Linux; use `linux`, or the role `worker`".to_owned());
        }
        if self.address.is_unspecified() {
            problems.push(format!("address {}: nobody reaches a node there", self.address));
        }
        for (field, path) in [
            ("engine.root_dir", &self.engine.root_dir),
            ("engine.socket", &self.engine.socket),
        ] {
            let absolute = path.starts_with('/')
                || path.get(1..3).is_some_and(|drive| drive == ":\\")
                || path.starts_with(r"\\.\pipe\");
            if !absolute || path.chars().any(char::is_control) {
                problems.push(format!("{field} {path:?}: write an absolute path"));
            }
        }
        problems
    }

    /// Whose workloads it takes.
    pub fn orchestrator(&self) -> Orchestrator {
        Orchestrator::of_labels(&self.labels)
    }

    /// Whether somebody asked for nothing to be reconciled there.
    pub fn is_paused(&self) -> bool {
        self.labels
            .get(labels::AGENT_PAUSE)
            .is_some_and(|value| value == "true")
    }

    /// Whether its agent gives kernel parameters the values that a cluster needs.
    pub fn keeps_kernel(&self) -> bool {
        let label = self.labels.get(labels::KERNEL_PARAMETERS);
        self.os == Os::Linux && label.is_some_and(|value| value == "true")
    }

    /// Whether it stays on its version during a phased upgrade.
    pub fn is_held(&self) -> bool {
        self.labels.contains_key(labels::UPGRADE_HOLD)
    }

    /// Further names for its server certificate, from its label; empty parts are left out.
    pub fn sans(&self) -> impl Iterator<Item = &str> {
        let label = self.labels.get(labels::SANS).map_or("", String::as_str);
        label.split(',').map(str::trim).filter(|name| !name.is_empty())
    }
}
