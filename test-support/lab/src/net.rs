//! The addresses of a lab, and how its subnet is claimed.
//!
//! A lab has one of [`SUBNETS`]. The claim is the host's end of the cable to the switch: its name holds the subnet's number, making a
//! link of a name that is there fails, and the link goes away with the switch. So nobody has to remember or to release
//! anything.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// `10.198.K.0/24`: far from the engines' own pools and from what machines commonly use.
const SUBNETS: RangeInclusive<u8> = 2..=250;

/// Node 1 has the address that ends with 11.
const FIRST_NODE: u8 = 10;

/// As many nodes as a lab may have.
pub(crate) const MOST_NODES: u8 = 60;

/// For overlay networks of a swarm; not the lab's own.
pub(crate) const OVERLAY_POOL: &str = "10.90.0.0/16";

/// One subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Subnet(u8);

impl Subnet {
    /// All subnets, beginning somewhere, so that labs that start at once rarely try the same.
    pub(crate) fn all(seed: u32) -> impl Iterator<Item = Self> {
        let count = u32::from(SUBNETS.end() - SUBNETS.start()) + 1;
        let skip = usize::try_from(seed % count).unwrap_or(0);
        let all = SUBNETS.map(Self);
        all.clone().skip(skip).chain(all.take(skip))
    }

    /// The host's end of the cable.
    pub(crate) fn host_link(self) -> String {
        format!("mkelab{}", self.0)
    }

    /// The host's address on the lab's net.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        self.at(1)
    }

    /// The switch: default gateway and name server of the nodes, which answers everything with "unreachable" at once. Silence
    /// would cost 20 s for each task, because engines ask a registry first.
    pub(crate) fn switch(self) -> Ipv4Addr {
        self.at(254)
    }

    /// The address of a node, counted from 1.
    pub(crate) fn node(self, number: u8) -> Ipv4Addr {
        self.at(FIRST_NODE.saturating_add(number))
    }

    /// A hardware address that a node keeps when it starts again, so that its neighbours' tables stay right.
    pub(crate) fn hardware(self, number: u8) -> String {
        format!("02:6d:6b:65:{:02x}:{number:02x}", self.0)
    }

    /// In the notation with a prefix length.
    pub(crate) fn range(self) -> String {
        format!("{}/24", self.at(0))
    }

    fn at(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 198, self.0, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subnet_is_tried_once() {
        for seed in [0, 1, 248, 249, 12_345, u32::MAX] {
            let mut all: Vec<u8> = Subnet::all(seed).map(|subnet| subnet.0).collect();
            all.sort_unstable();
            assert_eq!(all, SUBNETS.collect::<Vec<_>>(), "{seed}");
        }
    }

    #[test]
    fn addresses_of_a_lab_do_not_meet() {
        let subnet = Subnet(7);
        let mut all = vec![subnet.gateway(), subnet.switch()];
        all.extend((1..=MOST_NODES).map(|number| subnet.node(number)));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(subnet.node(1).to_string(), "10.198.7.11");
        assert_eq!(subnet.range(), "10.198.7.0/24");
        assert!(
            subnet.host_link().len() < 16,
            "the kernel's limit for names of links"
        );
    }
}
