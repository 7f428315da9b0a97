//! Networks by purpose, and which of them get in each other's way (NET-007, NET-008).

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::finding::Severity;

/// What a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The Engine's default bridge.
    Docker0,
    /// The gateway of overlay networks.
    DockerGwbridge,
    /// The bridge of the components.
    UcpBridge,
    /// Another bridge network that the Engine holds now.
    Bridge,
    /// What the Engine may take for further bridge networks.
    BridgePool,
    /// An overlay network that is there, or comes with the swarm.
    Overlay,
    /// Pods.
    Pods,
    /// Virtual addresses of Kubernetes services.
    Services,
    /// A network that the host reaches without the Engine: an interface, a route, a name server.
    Host,
    /// The address of a node.
    Node,
    /// What the swarm may take for further overlay networks.
    OverlayPool,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 11] = [
        Self::Docker0,
        Self::DockerGwbridge,
        Self::UcpBridge,
        Self::Bridge,
        Self::BridgePool,
        Self::Overlay,
        Self::Pods,
        Self::Services,
        Self::Host,
        Self::Node,
        Self::OverlayPool,
    ];

    /// What follows from an overlap of networks for these purposes; the order does not matter.
    pub fn beside(self, other: Self) -> Option<Severity> {
        use Purpose::{
            Bridge, BridgePool, Docker0, DockerGwbridge, Host, Node, Overlay, OverlayPool, UcpBridge,
        };
        match (self, other) {
            // Routes overlap each other every day, and nodes live in networks of the host.
            (Host, Host) | (Host, Node) | (Node, Host) => None,
            // The Engine passes over what the host uses, and holds its own bridges apart.
            (BridgePool, Host | Docker0 | DockerGwbridge | UcpBridge | Bridge | BridgePool)
            | (Host | Docker0 | DockerGwbridge | UcpBridge | Bridge, BridgePool) => None,
            // The swarm does so with its overlay networks, but takes no two pools that overlap.
            (OverlayPool, Overlay) | (Overlay, OverlayPool) => None,
            (OverlayPool, OverlayPool) => Some(Severity::Error),
            // Nobody else is asked when they take a network.
            (BridgePool | OverlayPool, _) | (_, BridgePool | OverlayPool) => Some(Severity::Warning),
            _ => Some(Severity::Error),
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker0 => "docker0",
            Self::DockerGwbridge => "docker_gwbridge",
            Self::UcpBridge => "ucp-bridge",
            Self::Bridge => "bridge network",
            Self::BridgePool => "address pool",
            Self::Overlay => "overlay network",
            Self::Pods => "pods",
            Self::Services => "services",
            Self::Host => "host",
            Self::Node => "node",
            Self::OverlayPool => "overlay networks",
        })
    }
}

/// A network, what it is for and where that is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Range {
    /// What it is for.
    pub purpose: Purpose,
    /// The network, without bits behind its prefix.
    pub net: IpNet,
    /// Who says so: a configuration key, a flag, an interface, the name of a node.
    pub source: String,
}

impl Range {
    /// A network for a purpose.
    pub fn new(purpose: Purpose, net: IpNet, source: impl Into<String>) -> Self {
        Self {
            purpose,
            net: net.trunc(),
            source: source.into(),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.purpose, self.net, self.source)
    }
}

/// Two networks that overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// How bad it is.
    pub severity: Severity,
    /// The one.
    pub one: Range,
    /// The other.
    pub other: Range,
}

impl Conflict {
    /// Addresses that both have: of two networks that overlap, always the smaller one.
    pub fn shared(&self) -> IpNet {
        match self.one.net.prefix_len() >= self.other.net.prefix_len() {
            true => self.one.net,
            false => self.other.net,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Severity::Error => write!(f, "{} overlap {}", self.one, self.other),
            Severity::Warning | Severity::Info => {
                write!(f, "{} may come to overlap {}", self.one, self.other)
            }
        }
    }
}

/// Everything that takes addresses on one node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AddressPlan {
    ranges: Vec<Range>,
}

impl AddressPlan {
    /// A plan of these networks.
    pub fn new(ranges: Vec<Range>) -> Self {
        Self { ranges }
    }

    /// Adds a network.
    pub fn add(&mut self, range: Range) {
        self.ranges.push(range);
    }

    /// The networks, in the order in which they were added.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Every pair that gets in each other's way, errors first, then in the order of the plan.
    ///
    /// Networks are sorted once: two networks overlap only when one contains the other, so that each needs to be
    /// compared only with those that it lies in.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut sorted: Vec<(usize, &Range)> = self.ranges.iter().enumerate().collect();
        sorted.sort_by_key(|(_, range)| (range.net.network(), range.net.prefix_len()));
        let mut around: Vec<(usize, &Range)> = Vec::new();
        let mut found = Vec::new();
        for (number, range) in sorted {
            around.retain(|(_, outer)| outer.net.contains(&range.net.network()));
            for &(other, outer) in &around {
                if let Some(severity) = range.purpose.beside(outer.purpose) {
                    found.push((severity, number.min(other), number.max(other)));
                }
            }
            around.push((number, range));
        }
        found.sort_by_key(|&(severity, one, other)| (std::cmp::Reverse(severity), one, other));
        let range = |number: usize| self.ranges.get(number).cloned();
        found
            .into_iter()
            .filter_map(|(severity, one, other)| {
                Some(Conflict {
                    severity,
                    one: range(one)?,
                    other: range(other)?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(purpose: Purpose, net: &str) -> Range {
        Range::new(purpose, net.parse().unwrap(), "test")
    }

    fn severities(ranges: &[(Purpose, &str)]) -> Vec<Severity> {
        let ranges = ranges.iter().map(|(purpose, net)| range(*purpose, net)).collect();
        AddressPlan::new(ranges)
            .conflicts()
            .iter()
            .map(|conflict| conflict.severity)
            .collect()
    }

    /// NET-007, NET-008: overlaps are found, and what only looks like one is not.
    #[test]
    fn overlaps_by_purpose() {
        use Purpose::{BridgePool, Docker0, Host, Node, Overlay, OverlayPool, Pods, Services};
        use Severity::{Error, Warning};
        for (one, other, expected) in [
            ((Pods, "192.168.0.0/16"), (Host, "192.168.7.0/24"), vec![Error]),
            ((Pods, "192.168.0.0/16"), (Node, "192.168.7.4/32"), vec![Error]),
            ((Pods, "10.0.0.0/8"), (Services, "10.96.0.0/16"), vec![Error]),
            ((Overlay, "10.0.0.0/24"), (Host, "10.0.0.0/16"), vec![Error]),
            (
                (OverlayPool, "10.0.0.0/8"),
                (Services, "10.96.0.0/16"),
                vec![Warning],
            ),
            ((OverlayPool, "10.0.0.0/8"), (Host, "10.1.0.0/16"), vec![Warning]),
            (
                (OverlayPool, "10.0.0.0/8"),
                (OverlayPool, "10.9.0.0/16"),
                vec![Error],
            ),
            ((OverlayPool, "10.0.0.0/8"), (Overlay, "10.0.0.0/24"), vec![]),
            (
                (OverlayPool, "172.16.0.0/12"),
                (BridgePool, "172.17.0.0/16"),
                vec![Warning],
            ),
            ((Docker0, "172.17.0.0/16"), (Host, "172.17.0.0/24"), vec![Error]),
            ((Node, "10.1.1.1/32"), (Node, "10.1.1.1/32"), vec![Error]),
            ((Pods, "fd00:1::/64"), (Services, "fd00:1::/112"), vec![Error]),
            (
                (BridgePool, "192.168.0.0/16"),
                (Pods, "192.168.0.0/16"),
                vec![Warning],
            ),
            ((BridgePool, "172.16.0.0/12"), (Docker0, "172.17.0.0/16"), vec![]),
            ((BridgePool, "172.16.0.0/12"), (Host, "172.20.0.0/24"), vec![]),
            ((Host, "0.0.0.0/1"), (Host, "10.0.0.0/8"), vec![]),
            ((Host, "10.0.0.0/24"), (Node, "10.0.0.7/32"), vec![]),
            ((Pods, "192.168.0.0/17"), (Host, "192.168.128.0/17"), vec![]),
            ((Pods, "10.0.0.0/8"), (Services, "::a00:0/104"), vec![]),
        ] {
            assert_eq!(severities(&[one, other]), expected, "{one:?} {other:?}");
            assert_eq!(severities(&[other, one]), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn errors_come_first_and_name_both() {
        let plan = AddressPlan::new(vec![
            Range::new(
                Purpose::BridgePool,
                "192.168.0.0/16".parse().unwrap(),
                "daemon.json",
            ),
            Range::new(Purpose::Pods, "192.168.0.0/16".parse().unwrap(), "--pod-cidr"),
            Range::new(Purpose::Host, "192.168.7.9/24".parse().unwrap(), "route of eth0"),
        ]);
        let conflicts = plan.conflicts();
        let texts: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "pods 192.168.0.0/16 (--pod-cidr) overlap host 192.168.7.0/24 (route of eth0)",
                "address pool 192.168.0.0/16 (daemon.json) may come to overlap pods 192.168.0.0/16 (--pod-cidr)",
            ]
        );
        assert_eq!(conflicts[0].shared().to_string(), "192.168.7.0/24");
    }

    proptest! {
        /// NET-007: the conflicts are those of comparing every pair address by address.
        #[test]
        fn conflicts_are_those_of_all_addresses(
            nets in prop::collection::vec((0_usize..11, 0_u32..256, 24_u8..=32), 0..12),
        ) {
            let ranges: Vec<_> = nets
                .into_iter()
                .map(|(purpose, host, prefix)| {
                    let net = ipnet::Ipv4Net::new((0x0a00_0000 + host).into(), prefix).unwrap();
                    Range::new(Purpose::ALL[purpose], net.into(), host.to_string())
                })
                .collect();
            let addresses = |range: &Range| {
                let IpNet::V4(net) = range.net else { unreachable!() };
                u32::from(net.network())..=u32::from(net.broadcast())
            };
            let mut expected = Vec::new();
            for (number, one) in ranges.iter().enumerate() {
                for other in &ranges[number + 1..] {
                    let met = addresses(one).any(|address| addresses(other).contains(&address));
                    if let Some(severity) = one.purpose.beside(other.purpose).filter(|_| met) {
                        expected.push(Conflict { severity, one: one.clone(), other: other.clone() });
                    }
                }
            }
            expected.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
            prop_assert_eq!(AddressPlan::new(ranges).conflicts(), expected);
        }
    }
}
