//! The address plan of one machine: what is there, what the Engine will add, what the configuration asks for.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use mke_core::config::Config;
use serde::Serialize;

use super::allocator::{AllocateError, EngineAllocator};
use super::pool::{AddressPool, default_bridge_pools, default_overlay_pool};
use super::propose::{NoPlace, Wanted, propose};
use super::range::{AddressPlan, Conflict, Purpose, Range};
use crate::daemon::DaemonSettings;
use crate::host::Host;

/// What is known of a machine and of the cluster that it shall be part of.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    /// Routes, addresses and name servers.
    pub host: &'a Host,
    /// The Engine's own file.
    pub daemon: &'a DaemonSettings,
    /// The cluster's configuration; without one, its defaults.
    pub config: &'a Config,
    /// Pools of overlay networks; empty means the default one.
    pub overlays: &'a [AddressPool],
    /// Other nodes, by name and address.
    pub nodes: &'a [(String, IpAddr)],
}

/// A plan without conflicts, and where each part of it is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// For `--pod-cidr`; nothing without Kubernetes.
    pub pod_cidr: Option<IpNet>,
    /// For `--service-cluster-ip-range`; nothing without Kubernetes.
    pub service_cluster_ip_range: Option<IpNet>,
    /// For `docker swarm init --default-addr-pool`, with networks of /24.
    pub default_addr_pool: Option<IpNet>,
    /// For `default-address-pools` of `daemon.json`, with networks of /24; nothing when the pools may stay.
    pub default_address_pools: Option<IpNet>,
}

impl Machine<'_> {
    /// Everything that takes addresses here.
    ///
    /// # Errors
    /// [`AllocateError`] when the Engine finds no place for its bridges.
    pub fn plan(&self) -> Result<AddressPlan, AllocateError> {
        let mut ranges = self.bridges()?;
        for pool in self.bridge_pools() {
            ranges.push(Range::new(
                Purpose::BridgePool,
                pool.base().into(),
                "default-address-pools",
            ));
        }
        ranges.extend(self.cluster());
        ranges.extend(self.surroundings());
        Ok(AddressPlan::new(ranges))
    }

    /// A plan in which nothing is in anything's way; `conflicts` are those of the plan as it is, and only what they
    /// name is moved.
    ///
    /// # Errors
    /// [`NoPlace`] for each part that has none.
    pub fn propose(&self, conflicts: &[Conflict]) -> Result<Proposal, Vec<NoPlace>> {
        let met = |purpose: Purpose| {
            conflicts
                .iter()
                .any(|conflict| conflict.one.purpose == purpose || conflict.other.purpose == purpose)
        };
        let mut used = self.surroundings();
        let mut wanted = Vec::new();
        for range in self.cluster() {
            if let (Purpose::Pods | Purpose::Services, IpNet::V4(net)) = (range.purpose, range.net) {
                wanted.push(Wanted {
                    purpose: range.purpose,
                    preferred: net,
                });
            }
        }
        wanted.push(Wanted {
            purpose: Purpose::OverlayPool,
            preferred: at_most_16(
                self.overlay_pools()
                    .first()
                    .map_or(default_overlay_pool().base(), |pool| pool.base()),
            ),
        });
        let bridges = [
            Purpose::Docker0,
            Purpose::DockerGwbridge,
            Purpose::UcpBridge,
            Purpose::Bridge,
        ];
        let move_bridges = bridges.into_iter().any(met);
        match move_bridges {
            true => wanted.push(Wanted {
                purpose: Purpose::BridgePool,
                preferred: at_most_16(
                    self.bridge_pools()
                        .first()
                        .map_or(default_overlay_pool().base(), |pool| pool.base()),
                ),
            }),
            // What the Engine may take keeps others away.
            false => used.extend(self.bridges().unwrap_or_default()),
        }
        // Pools must keep away from the host too, though that is no error for them.
        let placed: Vec<_> = used
            .iter()
            .map(|range| Range {
                purpose: Purpose::Node,
                ..range.clone()
            })
            .collect();
        let plan = propose(&wanted, &placed)?;
        let net = |purpose: Purpose| {
            plan.iter()
                .find(|range| range.purpose == purpose)
                .map(|range| range.net)
        };
        Ok(Proposal {
            pod_cidr: net(Purpose::Pods),
            service_cluster_ip_range: net(Purpose::Services),
            default_addr_pool: net(Purpose::OverlayPool),
            default_address_pools: net(Purpose::BridgePool),
        })
    }

    fn bridge_pools(&self) -> Vec<AddressPool> {
        match self.daemon.pools.is_empty() {
            true => default_bridge_pools(),
            false => self.daemon.pools.clone(),
        }
    }

    fn overlay_pools(&self) -> Vec<AddressPool> {
        match self.overlays.is_empty() {
            true => vec![default_overlay_pool()],
            false => self.overlays.to_vec(),
        }
    }

    /// The bridges that are there, and those that will come.
    fn bridges(&self) -> Result<Vec<Range>, AllocateError> {
        let mut engine = EngineAllocator::new(&self.daemon.pools, &self.host.avoided());
        let mut ranges = Vec::new();
        for route in &self.host.routes {
            let purpose = match route.interface.as_str() {
                "docker0" => Purpose::Docker0,
                "docker_gwbridge" => Purpose::DockerGwbridge,
                name if name.starts_with("br-") && crate::host::made_by_cluster(name) => Purpose::Bridge,
                _ => continue,
            };
            if let IpNet::V4(net) = route.net {
                // Two bridges on one network are a conflict of the plan, not a reason to give up.
                let _ = engine.reserve(net);
                ranges.push(Range::new(
                    purpose,
                    net.into(),
                    format!("route of {}", route.interface),
                ));
            }
        }
        let there = |ranges: &[Range], purpose: Purpose| ranges.iter().any(|range| range.purpose == purpose);
        if !there(&ranges, Purpose::Docker0) {
            let net = match self.daemon.bip {
                Some(bip) => {
                    engine.reserve(bip)?;
                    bip.trunc()
                }
                None => engine.allocate()?,
            };
            ranges.push(Range::new(
                Purpose::Docker0,
                net.into(),
                "the Engine's next network",
            ));
        }
        for (purpose, name) in [
            (Purpose::DockerGwbridge, "comes with the swarm"),
            (Purpose::UcpBridge, "comes with the installation"),
        ] {
            let known =
                there(&ranges, purpose) || (purpose == Purpose::UcpBridge && there(&ranges, Purpose::Bridge));
            if !known {
                ranges.push(Range::new(purpose, engine.allocate()?.into(), name));
            }
        }
        Ok(ranges)
    }

    fn cluster(&self) -> Vec<Range> {
        let mut ranges = Vec::new();
        for pool in self.overlay_pools() {
            ranges.push(Range::new(
                Purpose::OverlayPool,
                pool.base().into(),
                "default-addr-pool of the swarm",
            ));
        }
        if let Some(first) = self.overlay_pools().first().and_then(|pool| pool.subnet(0)) {
            ranges.push(Range::new(Purpose::Overlay, first.into(), "ingress"));
        }
        let cluster = &self.config.cluster;
        if !cluster.swarm_only {
            for (purpose, text, key) in [
                (
                    Purpose::Pods,
                    &cluster.network.pod_cidr,
                    "cluster_config.pod_cidr",
                ),
                (
                    Purpose::Services,
                    &cluster.network.service_cluster_ip_range,
                    "cluster_config.service_cluster_ip_range",
                ),
            ] {
                ranges.extend(text.parse().ok().map(|net| Range::new(purpose, net, key)));
            }
        }
        ranges
    }

    fn surroundings(&self) -> Vec<Range> {
        let mut ranges = self.host.ranges();
        let nodes = self.nodes.iter();
        ranges
            .extend(nodes.map(|(name, address)| Range::new(Purpose::Node, (*address).into(), name.clone())));
        ranges
    }
}

/// The network itself, or its first /16 when it is larger: more than that nobody needs, and a /8 is hardly ever free.
fn at_most_16(net: Ipv4Net) -> Ipv4Net {
    match net.prefix_len() < 16 {
        true => Ipv4Net::new(net.network(), 16).unwrap_or(net),
        false => net,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::host::Route;

    fn host(routes: &[(&str, &str)]) -> Host {
        let routes = routes.iter().map(|(interface, net)| Route {
            net: net.parse().unwrap(),
            interface: (*interface).to_owned(),
            gateway: None,
        });
        Host {
            routes: routes.collect(),
            ..Host::default()
        }
    }

    fn conflicts(host: &Host, config: &Config, severity: Severity) -> (Vec<Conflict>, Vec<String>) {
        let machine = Machine {
            host,
            daemon: &DaemonSettings::default(),
            config,
            overlays: &[],
            nodes: &[],
        };
        let all = machine.plan().unwrap().conflicts();
        let texts = all
            .iter()
            .filter(|conflict| conflict.severity == severity)
            .map(ToString::to_string)
            .collect();
        (all, texts)
    }

    /// NET-007: on a machine with networks of its own, defaults are no error.
    #[test]
    fn defaults_are_no_error() {
        let host = host(&[("eth0", "192.0.2.0/24")]);
        let (_, errors) = conflicts(&host, &Config::default(), Severity::Error);
        assert_eq!(errors, [""; 0]);
    }

    /// NET-001, NET-005, NET-007: bridges that are there are not planned again, those that come keep away from them.
    #[test]
    fn bridges_that_are_there_count() {
        let host = host(&[("docker0", "172.18.0.0/16"), ("eth0", "172.17.0.0/16")]);
        let machine = Machine {
            host: &host,
            daemon: &DaemonSettings::default(),
            config: &Config::default(),
            overlays: &[],
            nodes: &[],
        };
        let plan = machine.plan().unwrap();
        let net = |purpose| {
            plan.ranges()
                .iter()
                .find(|range| range.purpose == purpose)
                .unwrap()
                .net
                .to_string()
        };
        assert_eq!(net(Purpose::Docker0), "172.18.0.0/16");
        assert_eq!(net(Purpose::DockerGwbridge), "172.19.0.0/16");
        assert_eq!(net(Purpose::UcpBridge), "172.20.0.0/16");
    }

    /// NET-007, NET-008: pods on the host's network are an error, and the proposal moves them and nothing else.
    #[test]
    fn proposals_move_what_is_in_the_way() {
        let host = host(&[("eth0", "192.168.0.0/16"), ("eth1", "10.0.0.0/16")]);
        let config = Config::default();
        let (all, errors) = conflicts(&host, &config, Severity::Error);
        assert_eq!(
            errors,
            [
                "overlay network 10.0.0.0/24 (ingress) overlap host 10.0.0.0/16 (route of eth1)",
                "pods 192.168.0.0/16 (cluster_config.pod_cidr) overlap host 192.168.0.0/16 (route of eth0)",
            ]
        );
        let machine = Machine {
            host: &host,
            daemon: &DaemonSettings::default(),
            config: &config,
            overlays: &[],
            nodes: &[],
        };
        let proposal = machine.propose(&all).unwrap();
        assert_eq!(
            proposal.service_cluster_ip_range,
            "10.96.0.0/16".parse().ok(),
            "stays"
        );
        assert_eq!(proposal.pod_cidr, "10.1.0.0/16".parse().ok());
        assert_eq!(proposal.default_addr_pool, "10.2.0.0/16".parse().ok());
        assert_eq!(proposal.default_address_pools, None, "bridges may stay");
        let overlays = [AddressPool::new("10.2.0.0/16".parse().unwrap(), 24).unwrap()];
        let mut moved = Config::default();
        moved.cluster.network.pod_cidr = "10.1.0.0/16".to_owned();
        let after = Machine {
            overlays: &overlays,
            config: &moved,
            ..machine
        };
        let left: Vec<_> = after.plan().unwrap().conflicts();
        assert_eq!(left, [], "nothing is in anything's way any more");
    }

    /// NET-007: a bridge on a node's address is an error; the proposal gives the Engine another pool.
    #[test]
    fn bridges_in_the_way_get_another_pool() {
        let host = host(&[("docker0", "172.17.0.0/16"), ("eth0", "172.17.4.0/24")]);
        let (all, errors) = conflicts(&host, &Config::default(), Severity::Error);
        assert_eq!(
            errors,
            ["docker0 172.17.0.0/16 (route of docker0) overlap host 172.17.4.0/24 (route of eth0)"]
        );
        let machine = Machine {
            host: &host,
            daemon: &DaemonSettings::default(),
            config: &Config::default(),
            overlays: &[],
            nodes: &[],
        };
        let pool = machine.propose(&all).unwrap().default_address_pools.unwrap();
        assert!(!pool.contains(&"172.17.4.1".parse::<IpAddr>().unwrap()), "{pool}");
    }
}
