//! The ports that a node needs in a given configuration (NET-009, NET-010).

use std::fmt;
use std::net::IpAddr;

use mke_core::config::{Config, port_range};
use mke_core::product::{Protocol, Role, Scope, ports_in};
use serde::Serialize;

use super::listening::Listening;

/// Components of the documents that this project does not run: accounts live in the one store, so that nothing
/// listens on the ports of a second one.
const NOT_RUN: [&str; 1] = ["ucp-auth-store"];

/// What of a configuration decides about ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClusterPorts {
    /// Web UI and API.
    pub controller: u16,
    /// The classic endpoint.
    pub swarm: u16,
    /// Swarm control traffic; chosen when the swarm is made, in no configuration file.
    pub swarm_grpc: u16,
    /// The Kubernetes API.
    pub kubernetes: u16,
    /// Ports of Kubernetes services on every node, first and last.
    pub node_ports: (u16, u16),
    /// Whether the cluster has no Kubernetes.
    pub swarm_only: bool,
    /// Whether pods talk through IP-in-IP, which a firewall must let through as a protocol of its own.
    pub ip_in_ip: bool,
}

impl Default for ClusterPorts {
    fn default() -> Self {
        Self {
            controller: 443,
            swarm: 2376,
            swarm_grpc: 2377,
            kubernetes: 6443,
            node_ports: (32_768, 35_535),
            swarm_only: false,
            ip_in_ip: false,
        }
    }
}

impl ClusterPorts {
    /// What a configuration says; `swarm_grpc` is what the swarm was made with.
    pub fn of(config: &Config, swarm_grpc: u16) -> Self {
        let cluster = &config.cluster;
        Self {
            controller: cluster.controller_port,
            swarm: cluster.swarm_port,
            swarm_grpc,
            kubernetes: cluster.api_server.kube_apiserver_port,
            node_ports: port_range(&cluster.network.nodeport_range).unwrap_or(Self::default().node_ports),
            swarm_only: cluster.swarm_only,
            ip_in_ip: !cluster.swarm_only && !cluster.network.calico_vxlan && !cluster.network.unmanaged_cni,
        }
    }

    /// The number under which a port of the documents is served here.
    fn number(&self, documented: u16) -> u16 {
        match documented {
            443 => self.controller,
            2376 => self.swarm,
            2377 => self.swarm_grpc,
            6443 => self.kubernetes,
            fixed => fixed,
        }
    }
}

/// A port that a node needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NeededPort {
    /// Its number.
    pub number: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// From where it must be reached.
    pub scope: &'static [Scope],
    /// What it is for.
    pub purpose: &'static str,
    /// What serves it.
    pub component: Option<&'static str>,
    /// The key of the configuration or the option of the installation that moves it.
    pub setting: Option<&'static str>,
}

impl NeededPort {
    /// Whether other machines must reach it.
    pub fn from_elsewhere(&self) -> bool {
        self.scope.iter().any(|scope| *scope != Scope::Own)
    }

    /// Whether machines outside of the cluster must reach it.
    pub fn from_outside(&self) -> bool {
        self.scope.contains(&Scope::External)
    }
}

impl fmt::Display for NeededPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        };
        write!(f, "{protocol} {} ({})", self.number, self.purpose)
    }
}

/// The ports of a node with this role, by number.
pub fn needed(role: Role, ports: &ClusterPorts) -> Vec<NeededPort> {
    let mut needed: Vec<_> = ports_in(role, ports.swarm_only)
        .filter(|port| {
            !port
                .component
                .is_some_and(|component| NOT_RUN.contains(&component))
        })
        .flat_map(|port| {
            port.protocols.iter().map(|protocol| NeededPort {
                number: ports.number(port.number),
                protocol: *protocol,
                scope: port.scope,
                purpose: port.purpose,
                component: port.component,
                setting: port.config_key.or(port.install_flag),
            })
        })
        .collect();
    needed.sort();
    needed
}

/// A mistake in the choice of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortProblem {
    /// Two things on one port.
    #[error("{one} and {other} would use the same port, change {}", setting(.one, .other))]
    Same {
        /// What.
        one: NeededPort,
        /// And what else.
        other: NeededPort,
    },
    /// A port in the range of Kubernetes services.
    #[error("{port} lies in the node ports {low}-{high}, change `cluster_config.nodeport_range`")]
    NodePort {
        /// What.
        port: NeededPort,
        /// First node port.
        low: u16,
        /// Last node port.
        high: u16,
    },
}

fn setting(one: &NeededPort, other: &NeededPort) -> String {
    match one.setting.or(other.setting) {
        Some(setting) => format!("`{setting}`"),
        None => "one of them".to_owned(),
    }
}

impl ClusterPorts {
    /// The mistakes in this choice of ports, on either role.
    pub fn problems(&self) -> Vec<PortProblem> {
        // A manager needs everything that a worker needs.
        let needed = needed(Role::Manager, self);
        let mut problems = Vec::new();
        for (place, one) in needed.iter().enumerate() {
            let others = needed.get(place + 1..).unwrap_or(&[]);
            for other in others
                .iter()
                .filter(|other| (other.number, other.protocol) == (one.number, one.protocol))
            {
                problems.push(PortProblem::Same {
                    one: one.clone(),
                    other: other.clone(),
                });
            }
            let (low, high) = self.node_ports;
            if !self.swarm_only && (low..=high).contains(&one.number) {
                problems.push(PortProblem::NodePort {
                    port: one.clone(),
                    low,
                    high,
                });
            }
        }
        problems
    }
}

/// A port that somebody else has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The port that is needed.
    pub port: NeededPort,
    /// Who has it.
    pub listening: Listening,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, listening } = self;
        write!(f, "{port} is in use by {listening}")?;
        match port.setting {
            Some(setting) => write!(f, ", stop it or set `{setting}`"),
            None => f.write_str(", stop it"),
        }
    }
}

/// What listens on a port that is needed. `ours` tells listeners that belong there, those of the Engine for
/// instance; a listener on a loopback address is in the way like any other, because the port is taken on all addresses.
pub fn conflicts(
    needed: &[NeededPort],
    listening: &[Listening],
    ours: impl Fn(&NeededPort, &Listening) -> bool,
) -> Vec<Conflict> {
    let mut found = Vec::new();
    for port in needed {
        let mut seen: Vec<IpAddr> = Vec::new();
        for there in listening {
            let met = there.port == port.number && there.protocol == port.protocol;
            if met && !ours(port, there) && !seen.contains(&there.address) {
                seen.push(there.address);
                found.push(Conflict {
                    port: port.clone(),
                    listening: there.clone(),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(role: Role, ports: &ClusterPorts) -> Vec<u16> {
        let mut numbers: Vec<_> = needed(role, ports).iter().map(|port| port.number).collect();
        numbers.dedup();
        numbers
    }

    /// NET-009: what each role needs, and what it does not.
    #[test]
    fn ports_by_role() {
        let default = ClusterPorts::default();
        let swarm = ClusterPorts {
            swarm_only: true,
            ..default
        };
        assert_eq!(
            numbers(Role::Worker, &default),
            [179, 4789, 6444, 7946, 9091, 9099, 10250, 12376, 12378, 12389]
        );
        assert_eq!(numbers(Role::Worker, &swarm), [4789, 7946, 12376, 12378, 12389]);
        assert_eq!(
            numbers(Role::Manager, &swarm),
            [
                443, 2376, 2377, 4789, 7946, 12376, 12378, 12379, 12380, 12381, 12382, 12385, 12386, 12387,
                12389
            ]
        );
        let manager = numbers(Role::Manager, &default);
        assert!(
            numbers(Role::Worker, &default)
                .iter()
                .all(|port| manager.contains(port))
        );
        assert!(!manager.contains(&12383), "no second store");
        let gossip: Vec<_> = needed(Role::Worker, &swarm)
            .into_iter()
            .filter(|port| port.number == 7946)
            .collect();
        assert_eq!(gossip.len(), 2, "TCP and UDP");
    }

    /// NET-010: a changed port changes everywhere, and clashes are told.
    #[test]
    fn configured_ports() {
        let ports = ClusterPorts {
            controller: 8443,
            swarm: 3376,
            swarm_grpc: 3377,
            kubernetes: 7443,
            ..ClusterPorts::default()
        };
        let manager = numbers(Role::Manager, &ports);
        assert!([8443, 3376, 3377, 7443].iter().all(|port| manager.contains(port)));
        assert!([443, 2376, 2377, 6443].iter().all(|port| !manager.contains(port)));
        assert_eq!(ports.problems(), []);
        let texts = |ports: ClusterPorts| {
            ports
                .problems()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(ClusterPorts {
                controller: 12376,
                ..ClusterPorts::default()
            }),
            [
                "TCP 12376 (Web UI and API) and TCP 12376 (TLS authentication proxy to the container runtime) would use the \
              same port, change `cluster_config.controller_port`"
            ]
        );
        assert_eq!(
            texts(ClusterPorts {
                controller: 33000,
                ..ClusterPorts::default()
            }),
            [
                "TCP 33000 (Web UI and API) lies in the node ports 32768-35535, change `cluster_config.nodeport_range`"
            ]
        );
        assert_eq!(
            texts(ClusterPorts {
                controller: 33000,
                swarm_only: true,
                ..ClusterPorts::default()
            }),
            [""; 0]
        );
    }

    /// NET-009: somebody on a needed port is named with the remedy; the owner itself is no conflict.
    #[test]
    fn listeners_in_the_way() {
        let needed = needed(Role::Manager, &ClusterPorts::default());
        let there = |port, protocol| Listening {
            address: "127.0.0.1".parse().unwrap(),
            port,
            protocol,
            owner: None,
        };
        let listening = [
            there(443, Protocol::Tcp),
            there(7946, Protocol::Udp),
            there(80, Protocol::Tcp),
        ];
        let texts: Vec<_> = conflicts(&needed, &listening, |port, _| port.number == 7946)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts,
            [
                "TCP 443 (Web UI and API) is in use by 127.0.0.1:443, stop it or set `cluster_config.controller_port`"
            ]
        );
        assert_eq!(conflicts(&needed, &listening, |_, _| false).len(), 2);
        assert_eq!(conflicts(&needed, &[there(443, Protocol::Udp)], |_, _| false), []);
    }
}
