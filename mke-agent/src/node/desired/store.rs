//! The manager's member of the replicated store: etcd under `ucp-kv` (INST-013).
//!
//! A member is wanted once the cluster counts on it. Who is in the cluster stands among the arguments of the first
//! start only: etcd keeps its own list afterwards, and a manager that comes or goes must not make all members start anew.

use std::fmt::Write as _;
use std::net::SocketAddr;

use mke_core::product::Role;
use mke_core::render::{Component, render};

use super::of::Work;
use super::places::volume_path;
use crate::node::container::{ContainerSpec, Restart};

/// The component.
pub(super) const NAME: &str = "ucp-kv";
/// Its volumes.
pub(super) const VOLUMES: [&str; 2] = ["ucp-kv", "ucp-kv-certs"];
/// The port at which members talk to each other.
const PEER_PORT: u16 = 12_380;
/// What makes a member forget all others when it starts. It would forget those that were added since at each further start,
/// so that a container with it is replaced as soon as it has done its work, and is not started again by the engine.
const ALONE: &str = "--force-new-cluster=true";
/// The end of the flags that name the list of revoked certificates.
const LIST: &str = "-crl-file=";
/// How long a member gets to hand over its lead and write what it has.
const STOP_SECONDS: u32 = 30;

pub(super) fn describe(work: &Work<'_>, spec: &mut ContainerSpec) -> Result<(), String> {
    let (cluster, facts) = (work.cluster, work.facts);
    if !cluster.store_members.iter().any(|member| member.id == facts.id) {
        return Err("the store does not count on this node yet: the cluster agent takes it in".to_owned());
    }
    let mut known = work.render.clone();
    known.name.clone_from(&facts.id);
    known.name.make_ascii_lowercase();
    if work.keeps_store() {
        known.role = Role::Manager;
        known.managers.push(facts.address);
    }
    let rendered =
        render(Component::Etcd, &cluster.config, &known).map_err(|problems| problems.to_string())?;
    spec.entrypoint = vec!["/bin/etcd".to_owned()];
    spec.command = rendered.flags.iter().map(ToString::to_string).collect();
    let mut members = String::new();
    for member in &cluster.store_members {
        let comma = if members.is_empty() { "" } else { "," };
        let peer = SocketAddr::new(member.address, PEER_PORT);
        let _ = write!(
            members,
            "{comma}{}=https://{peer}",
            member.id.to_ascii_lowercase()
        );
    }
    let state = if cluster.store_members.len() == 1 {
        "new"
    } else {
        "existing"
    };
    spec.first_start = vec![
        format!("--initial-cluster={members}"),
        format!("--initial-cluster-state={state}"),
    ];
    let certs = volume_path("ucp-kv-certs");
    for (name, value) in [
        ("ETCDCTL_API", "3".to_owned()),
        ("ETCDCTL_ENDPOINTS", "https://127.0.0.1:2379".to_owned()),
        ("ETCDCTL_CACERT", format!("{certs}/ca.pem")),
        ("ETCDCTL_CERT", format!("{certs}/cert.pem")),
        ("ETCDCTL_KEY", format!("{certs}/key.pem")),
    ] {
        spec.environment.insert(name.to_owned(), value);
    }
    for mount in &mut spec.mounts {
        mount.read_only = mount.target == certs;
    }
    spec.stop_seconds = STOP_SECONDS;
    if cluster.store_alone {
        spec.command.push(ALONE.to_owned());
        spec.restart = Restart::Never;
    }
    Ok(())
}

/// Whether a container's member reads a list of revoked certificates. It lets nobody in when there is none.
pub(in crate::node) fn reads_list(spec: &ContainerSpec) -> bool {
    spec.name == NAME && spec.command.iter().any(|argument| argument.contains(LIST))
}

/// Whether a container starts its member as a cluster of its own.
pub(in crate::node) fn is_alone(spec: &ContainerSpec) -> bool {
    spec.name == NAME && spec.command.iter().any(|argument| argument == ALONE)
}
