//! Which names stand in the certificates of nodes and components. They come from the inventory of the swarm; a request
//! can add none but access names of a controller.

use std::net::{IpAddr, Ipv4Addr};

use mke_core::pki::SubjectAltName;
use mke_core::render::NodeRole;

use super::inventory::{Cluster, ClusterNode};
use crate::mtls::{MANAGER, WORKER};

/// Names by which components tell each other apart. No label and no configuration puts them into a certificate.
const RESERVED: [&str; 2] = [MANAGER, WORKER];

/// The DNS name that stands for a role.
pub(super) fn role_name(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Manager => MANAGER,
        NodeRole::Worker => WORKER,
    }
}

/// Whether a name tells who a component is, so that only the authority itself may write it.
pub fn is_reserved(name: &SubjectAltName, cluster: &Cluster) -> bool {
    match name {
        // Labels of one word are what the parts of a cluster are called; a wildcard covers none of them.
        SubjectAltName::Dns(name) => {
            RESERVED.contains(&name.as_str()) || cluster.nodes.keys().any(|id| id.eq_ignore_ascii_case(name))
        }
        SubjectAltName::Ip(_) | SubjectAltName::Uri(_) => false,
    }
}

/// What every certificate of a node names: itself, its role, its host name, its addresses, and the machine as it calls
/// itself.
pub fn node_names(id: &str, cluster: &Cluster, role: NodeRole) -> Vec<SubjectAltName> {
    let mut names = vec![dns(id), dns(role_name(role))];
    names.extend(machine_names(id, cluster));
    sorted(names)
}

/// Names of a component's own container, on the node's addresses.
pub(super) fn component_names(component: &str, id: &str, cluster: &Cluster) -> Vec<SubjectAltName> {
    let mut names = vec![dns(component)];
    names.extend(machine_names(id, cluster));
    sorted(names)
}

/// What the server certificate of a controller names: its own machine, and for all managers alike their addresses,
/// their host names and the names in their labels (PKI-011, PKI-012), with those that the configuration adds (PKI-013).
/// One set for all managers lets a load balancer send a client to any of them.
pub fn controller_names(id: &str, cluster: &Cluster, asked: &[SubjectAltName]) -> Vec<SubjectAltName> {
    let mut names = vec![dns("ucp-controller")];
    for (other, node) in &cluster.nodes {
        if node.role == NodeRole::Manager || other == id {
            names.extend(machine_names(other, cluster));
        }
        if node.role == NodeRole::Manager {
            names.extend(node.label_names.iter().cloned());
        }
    }
    names.extend(asked.iter().cloned());
    names.retain(|name| !is_reserved(name, cluster));
    sorted(names)
}

/// The names in the label `com.docker.ucp.SANs`, and the texts in it that are none. Those are left out, because one
/// typing error must not take the certificate away from the others.
pub fn label_names(label: &str) -> (Vec<SubjectAltName>, Vec<String>) {
    let (mut names, mut wrong) = (Vec::new(), Vec::new());
    for text in label.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        match text.parse() {
            Ok(name) => names.push(name),
            Err(_) => wrong.push(text.to_owned()),
        }
    }
    (sorted(names), wrong)
}

fn machine_names(id: &str, cluster: &Cluster) -> Vec<SubjectAltName> {
    let mut names = vec![
        dns("localhost"),
        SubjectAltName::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ];
    let Some(node) = cluster.nodes.get(id) else {
        return names;
    };
    names.extend(host_name(node, cluster));
    let addresses = node.addresses.iter().filter(|address| !address.is_unspecified());
    names.extend(addresses.map(|address| SubjectAltName::Ip(*address)));
    names
}

/// A machine chooses its host name itself, so it must not be the name of something else. One that no certificate can
/// carry is left out: the addresses remain.
fn host_name(node: &ClusterNode, cluster: &Cluster) -> Option<SubjectAltName> {
    let name = node.hostname.parse::<SubjectAltName>().ok()?;
    let usable =
        matches!(&name, SubjectAltName::Dns(text) if !text.contains('*')) && !is_reserved(&name, cluster);
    usable.then_some(name)
}

fn dns(name: &str) -> SubjectAltName {
    SubjectAltName::Dns(name.to_ascii_lowercase())
}

fn sorted(mut names: Vec<SubjectAltName>) -> Vec<SubjectAltName> {
    names.sort();
    names.dedup();
    names
}
