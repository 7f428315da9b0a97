//! What all containers have in common, and those of the product's own programs.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mke_core::product::{self, Component, ImageRef, Os, Port, Protocol, Scope, objects};

use super::of::Work;
use super::places::{SOCKET, volume_path};
use crate::node::container::{
    ContainerSpec, DnsSettings, MountSource, MountSpec, NetworkMode, PublishedPort, Restart,
};

/// The program in the product's own images.
const PROGRAM: &str = "/bin/ucp-agent";
/// A log file is at most so large, and there are so many: a node of a dozen components keeps a few hundred megabytes.
const LOG_SIZE: &str = "10m";
const LOG_FILES: u32 = 3;
/// How long components get to end their connections.
const STOP_SECONDS: u32 = 10;
/// The proxy's port on the node.
const ENGINE_PORT: u16 = 12_376;
/// The store's port on managers.
const STORE_PORT: u16 = 12_379;
/// The controller's port in its container.
const CONTROLLER_PORT: u16 = 8_080;
/// The volume with the node's certificate, which every program shows to others.
const NODE_VOLUME: &str = "ucp-node-certs";
/// Where the collector of hardware facts sees the node.
const HOST: &str = "/host";

/// What a component's container is before anything of its own.
pub(super) fn basis(work: &Work<'_>, component: &Component, name: &str) -> Result<ContainerSpec, String> {
    let cluster = work.cluster;
    let swarm_only = cluster.config.cluster.swarm_only;
    let image = product::image_of(component.name, swarm_only)
        .and_then(|image| product::image_on(image, work.facts.os))
        .ok_or("its image is not known")?;
    let volumes = component.volumes.iter().filter(|volume| {
        let is_kept = work.keeps_store() && component.name == super::store::NAME;
        is_kept || product::volume(volume).is_some_and(|volume| volume.roles.contains(&work.facts.role))
    });
    let hardening = &cluster.config.hardening;
    let processes = u32::try_from(hardening.pid_limit)
        .ok()
        .filter(|limit| *limit > 0 && hardening.hardening_enabled && !hardening.pid_limit_unspecified);
    let settings = &cluster.config.cluster;
    Ok(ContainerSpec {
        name: name.to_owned(),
        image: ImageRef::new(&cluster.organisation, image, cluster.version),
        entrypoint: Vec::new(),
        command: Vec::new(),
        first_start: Vec::new(),
        environment: BTreeMap::new(),
        mounts: volumes
            .map(|volume| MountSpec {
                source: MountSource::Volume((*volume).to_owned()),
                target: volume_path(volume),
                read_only: *volume == "ucp-node-certs",
            })
            .collect(),
        ports: component
            .ports
            .iter()
            .filter_map(|number| product::port(*number))
            .filter(|port| port.swarm_only || !swarm_only)
            .flat_map(|port| published(work, port))
            .collect(),
        network: NetworkMode::Bridge(objects::BRIDGE.to_owned()),
        dns: DnsSettings {
            servers: settings.dns.clone(),
            options: settings.dns_opt.clone(),
            search: settings.dns_search.clone(),
        },
        restart: Restart::UnlessStopped,
        privileged: false,
        host_processes: false,
        capabilities: Vec::new(),
        read_only: true,
        memory: None,
        processes,
        stop_seconds: STOP_SECONDS,
        log_size: LOG_SIZE.to_owned(),
        log_files: LOG_FILES,
        reads: BTreeMap::new(),
        needs: Vec::new(),
    })
}

/// How the node's ports lead to the container's. A port for the node itself is open there only.
fn published(work: &Work<'_>, port: &Port) -> Vec<PublishedPort> {
    let settings = &work.cluster.config.cluster;
    let node = match port.number {
        443 => settings.controller_port,
        2376 => settings.swarm_port,
        6443 => settings.api_server.kube_apiserver_port,
        number => number,
    };
    let local = port.scope == [Scope::Own];
    port.protocols
        .iter()
        .map(|protocol| PublishedPort {
            address: local.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            node,
            container: port.inside(),
            udp: *protocol == Protocol::Udp,
        })
        .collect()
}

/// A component that is one of the product's own programs.
pub(super) fn describe(work: &Work<'_>, component: &Component, spec: &mut ContainerSpec) {
    let (cluster, facts) = (work.cluster, work.facts);
    let settings = &cluster.config.cluster;
    spec.entrypoint = vec![PROGRAM.to_owned()];
    // The proxy in front of the node's engine, for whoever has no business with its socket.
    let engine = || format!("--engine=https://{}", SocketAddr::new(facts.address, ENGINE_PORT));
    let authority = |kind: &str| {
        let volume = volume_path(component.name);
        vec![
            "ca".to_owned(),
            format!("--kind={kind}"),
            format!("--authority={volume}"),
            engine(),
        ]
    };
    spec.command = match component.name {
        "ucp-cluster-root-ca" => authority("cluster"),
        "ucp-client-root-ca" => authority("client"),
        "ucp-proxy" => vec!["proxy".to_owned(), listen(2376)],
        "ucp-swarm-manager" => vec![
            "swarm-manager".to_owned(),
            listen(2375),
            format!("--to=ucp-controller:{CONTROLLER_PORT}"),
        ],
        "ucp-hardware-info" => vec!["hardware-info".to_owned(), format!("--root={HOST}")],
        "ucp-metrics" => vec!["metrics".to_owned(), engine()],
        other => vec![other.strip_prefix("ucp-").unwrap_or(other).to_owned()],
    };
    let mut say = |name: &str, value: String| {
        spec.environment.insert(name.to_owned(), value);
    };
    say("UCP_CLUSTER_ID", cluster.cluster_id.clone());
    say("UCP_NODE_ID", facts.id.clone());
    say("UCP_NODE_ADDRESS", facts.address.to_string());
    match component.name {
        "ucp-controller" => {
            say("UCP_CONTROLLER_PORT", settings.controller_port.to_string());
            say("UCP_SWARM_PORT", settings.swarm_port.to_string());
            say("UCP_KV_TIMEOUT", settings.stores.kv_timeout.to_string());
            engine_socket(work, spec);
        }
        "ucp-proxy" => {
            spec.first_start = vec![format!("--kv={}", stores(work))];
            engine_socket(work, spec);
        }
        "ucp-metrics" => {
            let metrics = &settings.metrics;
            say("UCP_METRICS_RETENTION", metrics.metrics_retention_time.clone());
            say("UCP_METRICS_INTERVAL", metrics.metrics_scrape_interval.clone());
        }
        "ucp-hardware-info" => {
            for tables in ["/proc", "/sys"] {
                spec.mounts.push(MountSpec {
                    source: MountSource::Path(tables.to_owned()),
                    target: format!("{HOST}{tables}"),
                    read_only: true,
                });
            }
        }
        _ => {}
    }
    if !spec.volumes().any(|volume| volume == NODE_VOLUME) {
        spec.mounts.push(MountSpec {
            source: MountSource::Volume(NODE_VOLUME.to_owned()),
            target: volume_path(NODE_VOLUME),
            read_only: true,
        });
    }
    if facts.os == Os::Linux {
        spec.mounts.push(MountSpec {
            source: MountSource::Memory,
            target: "/tmp".to_owned(),
            read_only: false,
        });
    } else {
        // Windows has neither read-only containers nor mounts of memory.
        spec.read_only = false;
    }
}

/// Components reach the engine through the proxy, so that it must be there before them.
pub(super) fn needs_proxy(component: &Component) -> bool {
    matches!(
        component.name,
        "ucp-cluster-root-ca" | "ucp-client-root-ca" | "ucp-metrics"
    )
}

fn listen(port: u16) -> String {
    format!("--listen=0.0.0.0:{port}")
}

/// The members of the store, that of the node first. Managers come and go, and are no reason to make every proxy anew.
fn stores(work: &Work<'_>) -> String {
    let mut managers: Vec<&crate::node::ManagerFacts> = work.cluster.managers.iter().collect();
    managers.sort_by_key(|manager| (manager.id != work.facts.id, &manager.id));
    let places: Vec<String> = managers
        .iter()
        .map(|manager| SocketAddr::new(manager.address, STORE_PORT).to_string())
        .collect();
    places.join(",")
}

fn engine_socket(work: &Work<'_>, spec: &mut ContainerSpec) {
    let socket = &work.facts.engine.socket;
    let target = if work.facts.os == Os::Windows {
        socket
    } else {
        SOCKET
    };
    spec.mounts.push(MountSpec {
        source: MountSource::Path(socket.clone()),
        target: target.to_owned(),
        read_only: false,
    });
}
