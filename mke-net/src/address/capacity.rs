//! Whether a range is large enough for the nodes, pods and networks that are wanted.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::pool::AddressPool;

/// Calico hands addresses to nodes in blocks of this prefix length.
const CALICO_BLOCK: u8 = 26;
/// Of the addresses of a service network, the first is that of the Kubernetes API and the tenth that of DNS; network
/// and last address are not given out.
const SERVICES_KEPT: u64 = 4;

/// What a cluster is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Nodes.
    pub nodes: u64,
    /// Pods on each node (`kubelet_max_pods`).
    pub pods_per_node: u64,
    /// Kubernetes services.
    pub services: u64,
    /// Overlay networks.
    pub overlays: u64,
}

/// A range that is too small.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapacityProblem {
    /// Pods do not fit.
    #[error(
        "{net} holds {holds} pods on {nodes} nodes, {wanted} are wanted: choose a network of at most /{prefix}"
    )]
    Pods {
        /// The network of the pods.
        net: Ipv4Net,
        /// Pods that fit, counted in blocks of whole nodes.
        holds: u64,
        /// Nodes.
        nodes: u64,
        /// Pods wanted.
        wanted: u64,
        /// Longest prefix that is enough; 0 when none is.
        prefix: u8,
    },
    /// Services do not fit.
    #[error("{net} holds {holds} services, {wanted} are wanted: choose a network of at most /{prefix}")]
    Services {
        /// The network of the services.
        net: Ipv4Net,
        /// Services that fit.
        holds: u64,
        /// Services wanted.
        wanted: u64,
        /// Longest prefix that is enough; 0 when none is.
        prefix: u8,
    },
    /// Overlay networks do not fit.
    #[error(
        "the overlay pools hold {holds} networks, {wanted} are wanted: add a pool or choose a longer prefix for each"
    )]
    Overlays {
        /// Networks that fit.
        holds: u64,
        /// Networks wanted.
        wanted: u64,
    },
    /// The tasks of a global service do not fit into one overlay network.
    #[error(
        "an overlay network of /{size} holds {holds} tasks, a task on each of {nodes} nodes does not fit: choose a shorter prefix"
    )]
    OverlaySize {
        /// Prefix length of one overlay network.
        size: u8,
        /// Addresses for tasks.
        holds: u64,
        /// Nodes.
        nodes: u64,
    },
}

impl Capacity {
    /// The problems of these ranges, all of them; a range that is `None` is not used.
    pub fn problems(
        &self,
        pods: Option<Ipv4Net>,
        services: Option<Ipv4Net>,
        overlays: &[AddressPool],
    ) -> Vec<CapacityProblem> {
        let pods = pods.and_then(|net| self.pods(net));
        let services = services.and_then(|net| self.services(net));
        pods.into_iter()
            .chain(services)
            .chain(self.overlays(overlays))
            .collect()
    }

    fn pods(&self, net: Ipv4Net) -> Option<CapacityProblem> {
        let wanted = self.nodes.saturating_mul(self.pods_per_node);
        let blocks = addresses(net) >> (32 - CALICO_BLOCK);
        // With fewer blocks than nodes some node gets none of its own.
        let per_node = blocks.checked_div(self.nodes).unwrap_or(blocks) << (32 - CALICO_BLOCK);
        let block = 1_u64 << (32 - CALICO_BLOCK);
        let needed = self
            .pods_per_node
            .div_ceil(block)
            .saturating_mul(self.nodes)
            .saturating_mul(block);
        (per_node < self.pods_per_node).then(|| CapacityProblem::Pods {
            net,
            holds: per_node.saturating_mul(self.nodes),
            nodes: self.nodes,
            wanted,
            prefix: prefix_for(needed),
        })
    }

    fn services(&self, net: Ipv4Net) -> Option<CapacityProblem> {
        let holds = addresses(net).saturating_sub(SERVICES_KEPT);
        (holds < self.services).then(|| CapacityProblem::Services {
            net,
            holds,
            wanted: self.services,
            prefix: prefix_for(self.services.saturating_add(SERVICES_KEPT)),
        })
    }

    fn overlays(&self, pools: &[AddressPool]) -> Vec<CapacityProblem> {
        let mut problems = Vec::new();
        if pools.is_empty() {
            return problems;
        }
        let holds = pools.iter().map(|pool| pool.count()).fold(0, u64::saturating_add);
        if holds < self.overlays {
            problems.push(CapacityProblem::Overlays {
                holds,
                wanted: self.overlays,
            });
        }
        if let Some(size) = pools.iter().map(|pool| pool.size()).max() {
            // Network, last address, gateway, and an address of the load balancer on each node.
            let holds = (1_u64 << (32 - u32::from(size))).saturating_sub(3) / 2;
            if holds < self.nodes {
                problems.push(CapacityProblem::OverlaySize {
                    size,
                    holds,
                    nodes: self.nodes,
                });
            }
        }
        problems
    }
}

fn addresses(net: Ipv4Net) -> u64 {
    1_u64 << (32 - u32::from(net.prefix_len()))
}

/// The longest prefix with so many addresses; 0 when even all of IPv4 is too small.
fn prefix_for(addresses: u64) -> u8 {
    (0..=32_u8)
        .rev()
        .find(|prefix| 1_u64 << (32 - u32::from(*prefix)) >= addresses)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(capacity: Capacity, pods: &str, services: &str, overlay: (&str, u8)) -> Vec<String> {
        let pool = AddressPool::new(overlay.0.parse().unwrap(), overlay.1).unwrap();
        let problems = capacity.problems(pods.parse().ok(), services.parse().ok(), &[pool]);
        problems.iter().map(ToString::to_string).collect()
    }

    /// NET-008: ranges that are too small are named with the size that would do.
    #[test]
    fn small_ranges_are_named_with_a_remedy() {
        let capacity = Capacity {
            nodes: 100,
            pods_per_node: 110,
            services: 1000,
            overlays: 50,
        };
        assert_eq!(
            texts(capacity, "192.168.0.0/16", "10.96.0.0/16", ("10.0.0.0/8", 24)),
            [""; 0]
        );
        assert_eq!(
            texts(capacity, "192.168.0.0/20", "10.96.0.0/24", ("10.0.0.0/20", 24)),
            [
                "192.168.0.0/20 holds 0 pods on 100 nodes, 11000 are wanted: choose a network of at most /18",
                "10.96.0.0/24 holds 252 services, 1000 are wanted: choose a network of at most /22",
                "the overlay pools hold 16 networks, 50 are wanted: add a pool or choose a longer prefix for each",
            ]
        );
        let many = Capacity {
            nodes: 200,
            ..capacity
        };
        assert_eq!(
            texts(many, "192.168.0.0/16", "10.96.0.0/16", ("10.0.0.0/8", 24)),
            [
                "an overlay network of /24 holds 126 tasks, a task on each of 200 nodes does not fit: choose a shorter prefix"
            ]
        );
    }
}
