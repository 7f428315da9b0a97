//! A wanted container in the words of the Engine API.

use std::collections::BTreeMap;

use mke_core::product::{Protocol, labels};
use serde_json::{Map, Value, json};

use crate::node::container::{ContainerSpec, MountSource, MountSpec, NetworkMode, Restart};

/// The collection that the product's own containers lie in.
const SYSTEM: &str = "/System";

/// The labels of a component's container.
pub(super) fn labels(spec: &ContainerSpec, cluster_id: &str) -> BTreeMap<String, String> {
    [
        (labels::INSTANCE_ID, cluster_id.to_owned()),
        (labels::VERSION, spec.image.tag.clone()),
        (labels::SPEC, spec.digest()),
        (labels::FIRST_START, spec.first_start_digest()),
        (labels::ACCESS_LABEL, SYSTEM.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The body of `POST /containers/create`.
pub(super) fn body(spec: &ContainerSpec, cluster_id: &str) -> Value {
    let mut exposed = Map::new();
    let mut bindings = Map::new();
    for port in &spec.ports {
        let protocol = match port.protocol() {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        let key = format!("{}/{protocol}", port.container);
        let binding = json!({
            "HostIp": port.address.map(|address| address.to_string()).unwrap_or_default(),
            "HostPort": port.node.to_string(),
        });
        exposed.insert(key.clone(), json!({}));
        match bindings.get_mut(&key).and_then(Value::as_array_mut) {
            Some(list) => list.push(binding),
            None => {
                bindings.insert(key, json!([binding]));
            }
        }
    }
    let environment: Vec<String> = spec
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let command: Vec<&String> = spec.command.iter().chain(&spec.first_start).collect();
    let mounts: Vec<Value> = spec.mounts.iter().map(mount).collect();
    let (mode, networking) = match &spec.network {
        NetworkMode::Host => ("host", json!({})),
        // The name under which others of the network find it, also while its container still has another one.
        NetworkMode::Bridge(network) => (
            network.as_str(),
            json!({ "EndpointsConfig": { network: { "Aliases": [spec.name] } } }),
        ),
    };
    let restart = match spec.restart {
        Restart::UnlessStopped => "unless-stopped",
        Restart::Never => "no",
    };
    let mut host = json!({
        "Mounts": mounts,
        "PortBindings": bindings,
        "NetworkMode": mode,
        "RestartPolicy": { "Name": restart },
        "LogConfig": {
            "Type": "json-file",
            "Config": { "max-size": spec.log_size, "max-file": spec.log_files.to_string() },
        },
        "Dns": spec.dns.servers,
        "DnsOptions": spec.dns.options,
        "DnsSearch": spec.dns.search,
        "ReadonlyRootfs": spec.read_only,
        "Privileged": spec.privileged,
        "PidMode": if spec.host_processes { "host" } else { "" },
        "Memory": spec.memory.unwrap_or_default(),
    });
    if let Some(host) = host.as_object_mut() {
        if let Some(limit) = spec.processes {
            host.insert("PidsLimit".to_owned(), json!(limit));
        }
        if !spec.privileged {
            host.insert("CapDrop".to_owned(), json!(["ALL"]));
            host.insert("CapAdd".to_owned(), json!(spec.capabilities));
            host.insert("SecurityOpt".to_owned(), json!(["no-new-privileges"]));
        }
    }
    json!({
        "Image": spec.image.to_string(),
        "Entrypoint": spec.entrypoint,
        "Cmd": command,
        "Env": environment,
        "Labels": labels(spec, cluster_id),
        "ExposedPorts": exposed,
        "StopTimeout": spec.stop_seconds,
        "HostConfig": host,
        "NetworkingConfig": networking,
    })
}

fn mount(mount: &MountSpec) -> Value {
    let (kind, source) = match &mount.source {
        MountSource::Volume(name) => ("volume", name.as_str()),
        MountSource::Path(path) => ("bind", path.as_str()),
        MountSource::Memory => ("tmpfs", ""),
    };
    let mut value = json!({ "Type": kind, "Target": mount.target, "ReadOnly": mount.read_only });
    if let Some(value) = value.as_object_mut()
        && !source.is_empty()
    {
        value.insert("Source".to_owned(), json!(source));
    }
    value
}
