//! The swarm services of an installation: which there are, where their tasks run and what they see. Pure.
//!
//! Worker agents come in two generations, x and y: during an upgrade the new one takes the workers without the label
//! `com.docker.ucp.upgrade-hold` and the old one keeps those that have it.

use mke_core::product::{ImageRef, ProductVersion, labels, objects};
use serde_json::{Value, json};

use super::inventory::RUN;

/// A generation of worker agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// The first.
    X,
    /// The other.
    Y,
}

impl Generation {
    /// The one that comes after it.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::X => Self::Y,
            Self::Y => Self::X,
        }
    }

    /// The name of its service for Linux, or for Windows.
    pub const fn service(self, windows: bool) -> &'static str {
        match (self, windows) {
            (Self::X, false) => "ucp-worker-agent-x",
            (Self::Y, false) => "ucp-worker-agent-y",
            (Self::X, true) => "ucp-worker-agent-win-x",
            (Self::Y, true) => "ucp-worker-agent-win-y",
        }
    }
}

/// A config object or a secret as tasks see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What all services of one installation share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The instance.
    pub cluster_id: String,
    /// Where images come from.
    pub organisation: String,
    /// Their version.
    pub version: ProductVersion,
    /// Names the run that makes them.
    pub run: String,
    /// The configuration, a version of `com.docker.ucp.config`.
    pub config: Mounted,
    /// The certificate of the cluster's authority.
    pub cluster_ca: Mounted,
    /// The key of the store, for managers.
    pub auth_key: Mounted,
    /// The controller's port.
    pub controller_port: u16,
}

impl Context {
    fn image(&self, name: &str) -> String {
        ImageRef::new(&self.organisation, name, self.version).to_string()
    }

    fn labels(&self) -> Value {
        json!({
            labels::INSTANCE_ID: self.cluster_id,
            labels::VERSION: self.version.to_string(),
            RUN: self.run,
        })
    }

    /// The agent of managers.
    pub fn manager_agent(&self) -> Value {
        self.agent("ucp-manager-agent", "manager", &["node.role==manager"], true)
    }

    /// The agent of Linux workers of a generation. With `held` it keeps the nodes that are held back, and no other.
    pub fn worker_agent(&self, generation: Generation, held: bool) -> Value {
        let hold = hold_constraint(held);
        self.agent(
            generation.service(false),
            "worker",
            &["node.role==worker", &hold],
            false,
        )
    }

    fn agent(&self, name: &str, role: &str, constraints: &[&str], manager: bool) -> Value {
        let mut constraints = constraints.to_vec();
        constraints.push("node.platform.os==linux");
        let mounts = vec![
            bind("/var/run/docker.sock", "/var/run/docker.sock", false),
            json!({ "Type": "volume", "Source": "ucp-node-certs", "Target": "/etc/ucp/node",
                    "VolumeOptions": { "Labels": { labels::INSTANCE_ID: self.cluster_id } } }),
        ];
        self.service(
            name,
            "ucp-agent",
            &["agent", "--role", role],
            mounts,
            manager,
            json!({ "Global": {} }),
            &constraints,
        )
    }

    /// The agent of the cluster, of which there is one.
    pub fn cluster_agent(&self) -> Value {
        let mounts = vec![
            bind("/var/run/docker.sock", "/var/run/docker.sock", false),
            json!({ "Type": "volume", "Source": "ucp-node-certs", "Target": "/etc/ucp/node", "ReadOnly": true }),
        ];
        self.service(
            "ucp-cluster-agent",
            "ucp-agent",
            &["cluster-agent"],
            mounts,
            true,
            json!({ "Replicated": { "Replicas": 1 } }),
            &["node.role==manager", "node.platform.os==linux"],
        )
    }

    /// The port of the authentication API on every manager, which leads to its controller.
    pub fn auth_api(&self) -> Value {
        let target = format!("127.0.0.1:{}", self.controller_port);
        let mut service = self.service(
            "ucp-auth-api",
            "ucp-auth",
            &["auth-api", "--to", &target],
            Vec::new(),
            false,
            json!({ "Global": {} }),
            &["node.role==manager", "node.platform.os==linux"],
        );
        // It is a port of the node itself, and only passes bytes on: it needs nothing that others see.
        on_the_node(&mut service);
        service
    }

    /// What runs the jobs of the authentication service, on every manager: each works with the store of its own node.
    pub fn auth_worker(&self) -> Value {
        let volume = |name: &str, target: &str| {
            json!({ "Type": "volume", "Source": name, "Target": target, "ReadOnly": true,
                    "VolumeOptions": { "Labels": { labels::INSTANCE_ID: self.cluster_id } } })
        };
        let mounts = vec![
            volume("ucp-node-certs", "/etc/ucp/node"),
            volume("ucp-auth-worker-certs", "/v/ucp-auth-worker-certs"),
        ];
        let mut service = self.service(
            "ucp-auth-worker",
            "ucp-auth",
            &["auth-worker"],
            mounts,
            false,
            json!({ "Global": {} }),
            &["node.role==manager", "node.platform.os==linux"],
        );
        on_the_node(&mut service);
        service
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts in which services differ, each once"
    )]
    fn service(
        &self,
        name: &str,
        image: &str,
        arguments: &[&str],
        mounts: Vec<Value>,
        manager: bool,
        mode: Value,
        constraints: &[&str],
    ) -> Value {
        let configs = vec![
            mounted("Config", &self.config, "/etc/ucp/ucp.toml", 0o440),
            mounted("Config", &self.cluster_ca, "/etc/ucp/cluster-ca.pem", 0o444),
        ];
        let secrets = if manager {
            vec![mounted("Secret", &self.auth_key, objects::AUTH_KEY_SECRET, 0o400)]
        } else {
            Vec::new()
        };
        json!({
            "Name": name,
            "Labels": self.labels(),
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": self.image(image),
                    "Command": ["/bin/ucp-agent"],
                    "Args": arguments,
                    "Labels": self.labels(),
                    "Env": [format!("UCP_VERSION={}", self.version)],
                    "Mounts": mounts,
                    "Configs": configs,
                    "Secrets": secrets,
                },
                "Placement": { "Constraints": constraints },
                "RestartPolicy": { "Condition": "any", "Delay": 1_000_000_000_i64 },
                "LogDriver": { "Name": "json-file", "Options": { "max-size": "10m", "max-file": "3" } },
            },
            "Mode": mode,
            "UpdateConfig": { "Parallelism": 0, "FailureAction": "pause", "Order": "stop-first" },
        })
    }
}

/// Lets a service's tasks share the network of their node, and see nothing but what they mount.
fn on_the_node(service: &mut Value) {
    if let Some(task) = service
        .pointer_mut("/TaskTemplate")
        .and_then(Value::as_object_mut)
    {
        task.insert("Networks".to_owned(), json!([{ "Target": "host" }]));
        if let Some(container) = task.get_mut("ContainerSpec").and_then(Value::as_object_mut) {
            container.remove("Configs");
            container.remove("Secrets");
            container.insert("ReadOnly".to_owned(), json!(true));
        }
    }
}

/// The constraint of a generation: the nodes that are held back, or all others.
pub fn hold_constraint(held: bool) -> String {
    let equal = if held { "==" } else { "!=" };
    format!("node.labels.{}{equal}true", labels::UPGRADE_HOLD)
}

fn bind(source: &str, target: &str, read_only: bool) -> Value {
    json!({ "Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only })
}

fn mounted(kind: &str, object: &Mounted, name: &str, mode: u32) -> Value {
    let (id, shown) = (format!("{kind}ID"), format!("{kind}Name"));
    json!({
        id: object.id,
        shown: object.name,
        "File": { "Name": name, "UID": "0", "GID": "0", "Mode": mode },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        let object = |name: &str| Mounted {
            id: format!("id-{name}"),
            name: name.to_owned(),
        };
        Context {
            cluster_id: "c".to_owned(),
            organisation: "registry.example.com/mirantis".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            run: "r".to_owned(),
            config: object("com.docker.ucp.config-1"),
            cluster_ca: object("com.docker.ucp.cluster-ca"),
            auth_key: object("ucp-auth-key"),
            controller_port: 443,
        }
    }

    fn constraints(service: &Value) -> Vec<&str> {
        let list = service
            .pointer("/TaskTemplate/Placement/Constraints")
            .unwrap()
            .as_array()
            .unwrap();
        list.iter()
            .map(|constraint| constraint.as_str().unwrap())
            .collect()
    }

    /// The new generation takes all workers but those that are held back, the old one keeps these.
    #[test]
    fn generations_share_the_workers() {
        let service = context().worker_agent(Generation::X, false);
        assert_eq!(service["Name"], "ucp-worker-agent-x");
        assert!(constraints(&service).contains(&"node.labels.com.docker.ucp.upgrade-hold!=true"));
        let service = context().worker_agent(Generation::X.other(), true);
        assert_eq!(service["Name"], "ucp-worker-agent-y");
        assert!(constraints(&service).contains(&"node.labels.com.docker.ucp.upgrade-hold==true"));
    }

    /// Workers never see the key of the store; managers do.
    #[test]
    fn secrets_stay_with_managers() {
        let secrets = |service: &Value| {
            service
                .pointer("/TaskTemplate/ContainerSpec/Secrets")
                .unwrap()
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!(secrets(&context().worker_agent(Generation::X, false)), 0);
        assert_eq!(secrets(&context().manager_agent()), 1);
        assert_eq!(secrets(&context().cluster_agent()), 1);
        assert_eq!(constraints(&context().manager_agent())[0], "node.role==manager");
        let api = context().auth_api();
        for service in [&api, &context().auth_worker()] {
            assert!(service.pointer("/TaskTemplate/ContainerSpec/Secrets").is_none());
            assert!(service.pointer("/TaskTemplate/ContainerSpec/Configs").is_none());
            assert_eq!(constraints(service)[0], "node.role==manager");
        }
        assert!(
            api.pointer("/TaskTemplate/ContainerSpec/Mounts")
                .unwrap()
                .as_array()
                .unwrap()
                .is_empty()
        );
    }

    /// CLI-012: images come from where the bootstrapper's came from.
    #[test]
    fn images_and_labels() {
        let service = context().manager_agent();
        let spec = &service["TaskTemplate"]["ContainerSpec"];
        assert_eq!(spec["Image"], "registry.example.com/mirantis/ucp-agent:3.4.15");
        assert_eq!(service["Labels"]["com.docker.ucp.InstanceID"], "c");
        assert_eq!(spec["Configs"][0]["File"]["Name"], "/etc/ucp/ucp.toml");
        assert_eq!(spec["Configs"][0]["ConfigID"], "id-com.docker.ucp.config-1");
    }
}
