//! Brings the facts that checks look at: from the engine, from the swarm and from probes on the nodes.

use std::collections::BTreeMap;

use mke_core::config::Config;
use mke_core::product::{Protocol, Role, ports_in};
use mke_net::address::{Purpose, Range};
use serde_json::Value;

use super::inventory::Node;
use super::preflight::{Facts, NodeFacts, ranges_of};
use super::probe::{Probed, Said, Wanted};
use super::swarm::SwarmInfo;

/// The ports that a node of a role needs free: all of the product's, without those that the swarm itself holds.
pub fn wanted_ports(config: &Config, role: Role, swarm_is_there: bool, swarm_port: u16) -> Vec<Wanted> {
    let swarm_only = config.cluster.swarm_only;
    let configured = |port: &mke_core::product::Port| match port.config_key {
        Some("cluster_config.controller_port") => config.cluster.controller_port,
        Some("cluster_config.swarm_port") => config.cluster.swarm_port,
        Some("cluster_config.kube_apiserver_port") => config.cluster.api_server.kube_apiserver_port,
        _ if port.install_flag == Some("--swarm-grpc-port") => swarm_port,
        _ => port.number,
    };
    let of_swarm = |port: &mke_core::product::Port| matches!(port.number, 2377 | 7946 | 4789);
    let mut wanted: Vec<Wanted> = ports_in(role, swarm_only)
        .filter(|port| !(swarm_is_there && of_swarm(port)))
        .flat_map(|port| {
            port.protocols.iter().map(move |protocol| Wanted {
                udp: matches!(protocol, Protocol::Udp),
                port: configured(port),
            })
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// Puts together what is known. `address` is where this node is, without a swarm.
pub fn of(info: &SwarmInfo, nodes: &[Node], config: &Config, pools: &[String], probed: &Probed) -> Facts {
    let mut facts = Facts {
        swarm_only: config.cluster.swarm_only,
        ranges: ranges_of(config, pools),
        ..Facts::default()
    };
    if nodes.is_empty() {
        let mut node = this_node(info);
        add_probe(&mut node, "", probed);
        facts.nodes.push(node);
    }
    for node in nodes {
        let here = info.text("/Swarm/NodeID") == node.id;
        let mut found = if here { this_node(info) } else { other_node(node) };
        found.manager = node.manager;
        found.ready = node.ready;
        if node.ready && node.os == "linux" {
            add_probe(&mut found, &node.id, probed);
        }
        facts.nodes.push(found);
    }
    let mut networks: BTreeMap<_, _> = BTreeMap::new();
    for said in probed.said.values() {
        for (net, source) in &said.networks {
            networks.entry(*net).or_insert_with(|| source.clone());
        }
    }
    facts.ranges.extend(
        networks
            .into_iter()
            .map(|(net, source)| Range::new(Purpose::Host, net, source)),
    );
    facts
}

/// What `GET /info` says of the engine that is asked.
pub fn this_node(info: &SwarmInfo) -> NodeFacts {
    let text = |pointer: &str| Some(info.text(pointer).to_owned()).filter(|text| !text.is_empty());
    let number = |pointer: &str| info.info.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let texts = |pointer: &str| {
        let list = info.info.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    };
    let options = || texts("/SecurityOptions");
    NodeFacts {
        name: info.text("/Name").to_owned(),
        manager: true,
        linux: info.text("/OSType") != "windows",
        ready: true,
        engine: info.text("/ServerVersion").to_owned(),
        kernel: text("/KernelVersion"),
        os: text("/OperatingSystem"),
        cpus: u32::try_from(number("/NCPU")).unwrap_or(u32::MAX),
        memory: number("/MemTotal"),
        no_new_privileges: options()
            .any(|option| option == "name=no-new-privileges")
            .then_some(true),
        user_namespaces: options().any(|option| option == "name=userns"),
        cgroup_version: text("/CgroupVersion"),
        storage_driver: text("/Driver"),
        data_root: text("/DockerRootDir"),
        open_tcp: texts("/Warnings").filter_map(open_address).collect(),
        ..NodeFacts::default()
    }
}

/// The address in the engine's warning that it serves anybody there; not in the one about a client's certificate.
fn open_address(warning: &str) -> Option<String> {
    let rest = warning.split_once("API is accessible on ")?.1;
    let address = rest.split([' ', ',']).next()?.trim_end_matches('.');
    Some(address.to_owned())
}

fn other_node(node: &Node) -> NodeFacts {
    NodeFacts {
        name: node.name.clone(),
        manager: node.manager,
        linux: node.os == "linux",
        ready: node.ready,
        engine: node.engine.clone(),
        cpus: u32::try_from(node.nano_cpus / 1_000_000_000).unwrap_or(0),
        memory: u64::try_from(node.memory).unwrap_or(0),
        ..NodeFacts::default()
    }
}

fn add_probe(node: &mut NodeFacts, id: &str, probed: &Probed) {
    if let Some(reason) = probed.silent.get(id) {
        node.not_probed = Some(reason.clone());
    }
    let Some(Said {
        kernel,
        no_new_privileges,
        disk,
        disk_free,
        in_use,
        missing_images,
        cloud,
        ..
    }) = probed.said.get(id)
    else {
        return;
    };
    node.kernel = node.kernel.take().or_else(|| kernel.clone());
    node.no_new_privileges = node.no_new_privileges.or(*no_new_privileges);
    (node.disk, node.disk_free) = (*disk, *disk_free);
    node.ports_in_use.clone_from(in_use);
    node.cloud.clone_from(cloud);
    node.missing_images = missing_images.clone().unwrap_or_default();
    node.clock_offset_ms = probed.clocks.get(id).copied();
    node.ports_unreachable = probed.unreachable.get(id).cloned().unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// REQ-006, REQ-007, INST-007: what the engine says of itself.
    #[test]
    fn an_engine() {
        let info = SwarmInfo::of(json!({
            "Name": "n1", "OSType": "linux", "ServerVersion": "20.10.24", "NCPU": 4, "MemTotal": 17_179_869_184_u64,
            "SecurityOptions": ["name=seccomp,profile=default", "name=userns", "name=no-new-privileges"],
            "Warnings": [
                "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n         Access to the remote API",
                "WARNING: No swap limit support",
            ],
        }));
        let node = this_node(&info);
        assert_eq!((node.cpus, node.memory), (4, 17_179_869_184));
        assert_eq!((node.user_namespaces, node.no_new_privileges), (true, Some(true)));
        assert_eq!(node.open_tcp, ["http://0.0.0.0:2375"]);
        let node = this_node(&SwarmInfo::of(json!({ "SecurityOptions": ["name=seccomp"] })));
        assert_eq!(
            (node.user_namespaces, node.no_new_privileges, node.open_tcp.len()),
            (false, None, 0)
        );
    }

    /// INST-022: configured ports are the ones that are needed; a swarm that is there holds its own.
    #[test]
    fn ports_of_a_manager() {
        let given = [
            super::super::configuration::Given::one("--controller-port", "8443"),
            super::super::configuration::Given::one("--swarm-only", "true"),
        ];
        let config = super::super::configuration::begin(None, &given).unwrap().config;
        let texts = |there| -> Vec<String> {
            wanted_ports(&config, Role::Manager, there, 2399)
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        let with = texts(true);
        for (port, wanted) in [
            ("tcp/8443", true),
            ("tcp/443", false),
            ("tcp/12387", true),
            ("tcp/12379", true),
            ("tcp/7946", false),
            ("tcp/6443", false),
            ("tcp/10250", false),
        ] {
            assert_eq!(with.contains(&port.to_owned()), wanted, "{port}: {with:?}");
        }
        let without = texts(false);
        for port in ["tcp/2399", "tcp/7946", "udp/7946", "udp/4789"] {
            assert!(without.contains(&port.to_owned()), "{port}: {without:?}");
        }
    }
}
