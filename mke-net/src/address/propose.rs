//! A plan without conflicts: keeps what is good, moves what is in the way.

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::pool::AddressPool;
use super::range::{Purpose, Range};

/// What to find a place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// What the network is for.
    pub purpose: Purpose,
    /// Where it would lie if it could choose: kept when nothing is in the way.
    pub preferred: Ipv4Net,
}

/// Where networks without a place are looked for: the private ranges of RFC 1918 and the shared range of RFC 6598, the
/// one last that carriers and clouds use.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/// No place for a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no private network of /{prefix} is free for {purpose}, choose a smaller one", prefix = .wanted.preferred.prefix_len(), purpose = .wanted.purpose)]
pub struct NoPlace {
    /// What found no place.
    pub wanted: Wanted,
}

/// Finds a place for every wanted network, in their order, away from `used` and from each other. Each keeps its
/// preferred place when it is free; otherwise it gets the first free network of the same size in a private range.
///
/// # Errors
/// [`NoPlace`] for each wanted network that has none.
pub fn propose(wanted: &[Wanted], used: &[Range]) -> Result<Vec<Range>, Vec<NoPlace>> {
    let mut placed: Vec<Range> = Vec::new();
    let mut missing = Vec::new();
    // Whoever may stay, stays: a network that has to move must not take the place of a later one.
    let stays: Vec<Option<Range>> = wanted
        .iter()
        .map(|wish| {
            let range = Range::new(wish.purpose, wish.preferred.into(), "as it is");
            let free = used.iter().chain(&placed).all(|other| !in_the_way(&range, other));
            free.then(|| {
                placed.push(range.clone());
                range
            })
        })
        .collect();
    let mut plan = Vec::new();
    for (wish, stay) in wanted.iter().zip(stays) {
        let range = stay.or_else(|| {
            let moved = search(*wish, used, &placed)?;
            placed.push(moved.clone());
            Some(moved)
        });
        match range {
            Some(range) => plan.push(range),
            None => missing.push(NoPlace { wanted: *wish }),
        }
    }
    match missing.is_empty() {
        true => Ok(plan),
        false => Err(missing),
    }
}

fn search(wish: Wanted, used: &[Range], placed: &[Range]) -> Option<Range> {
    let bases = PRIVATE.iter().filter_map(|base| base.parse::<Ipv4Net>().ok());
    for pool in bases.filter_map(|base| AddressPool::new(base, wish.preferred.prefix_len()).ok()) {
        let mut number = 0;
        while let Some(net) = pool.subnet(number) {
            let range = Range::new(wish.purpose, net.into(), "moved");
            match used.iter().chain(placed).find(|other| in_the_way(&range, other)) {
                None => return Some(range),
                Some(other) => {
                    let IpNet::V4(other) = other.net else { break };
                    number = pool.number_after(other).max(number + 1);
                }
            }
        }
    }
    None
}

fn in_the_way(range: &Range, other: &Range) -> bool {
    let overlap = range.net.contains(&other.net.network()) || other.net.contains(&range.net.network());
    overlap && range.purpose.beside(other.purpose).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::range::AddressPlan;
    use super::*;

    fn wish(purpose: Purpose, net: &str) -> Wanted {
        Wanted {
            purpose,
            preferred: net.parse().unwrap(),
        }
    }

    fn used(net: &str) -> Range {
        Range::new(Purpose::Host, net.parse().unwrap(), "eth0")
    }

    fn defaults() -> [Wanted; 3] {
        [
            wish(Purpose::Pods, "192.168.0.0/16"),
            wish(Purpose::Services, "10.96.0.0/16"),
            wish(Purpose::OverlayPool, "10.0.0.0/16"),
        ]
    }

    /// NET-007: what is in nobody's way stays, the others move, and there is no conflict then.
    #[test]
    fn only_what_is_in_the_way_moves() {
        let plan = propose(&defaults(), &[used("192.168.4.0/24"), used("10.1.0.0/16")]).unwrap();
        let texts: Vec<_> = plan.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "pods 10.2.0.0/16 (moved)",
                "services 10.96.0.0/16 (as it is)",
                "overlay networks 10.0.0.0/16 (as it is)"
            ]
        );
    }

    #[test]
    fn without_any_place_every_network_is_named() {
        let problems = propose(&defaults(), &PRIVATE.map(used)).unwrap_err();
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["pods", "services", "overlay networks"]
                .map(|name| format!("no private network of /16 is free for {name}, choose a smaller one"))
        );
    }

    proptest! {
        /// NET-007: a proposed plan has no conflict, keeps every size, and moves nothing that could stay.
        #[test]
        fn proposals_have_no_conflict(
            wishes in prop::collection::vec((5_usize..8, any::<u32>(), 8_u8..=28), 1..6),
            hosts in prop::collection::vec((any::<u32>(), 6_u8..=30), 0..8),
        ) {
            let wishes: Vec<_> = wishes
                .into_iter()
                .map(|(purpose, address, prefix)| Wanted {
                    purpose: Purpose::ALL[purpose],
                    preferred: Ipv4Net::new(address.into(), prefix).unwrap().trunc(),
                })
                .collect();
            let hosts: Vec<_> = hosts
                .into_iter()
                .map(|(address, prefix)| {
                    Range::new(Purpose::Host, Ipv4Net::new(address.into(), prefix).unwrap().into(), "route")
                })
                .collect();
            let alone = |wish: &Wanted| {
                let range = Range::new(wish.purpose, wish.preferred.into(), "");
                hosts.iter().all(|host| !in_the_way(&range, host))
            };
            match propose(&wishes, &hosts) {
                Ok(plan) => {
                    prop_assert_eq!(plan.len(), wishes.len());
                    for (range, wish) in plan.iter().zip(&wishes) {
                        prop_assert_eq!(range.net.prefix_len(), wish.preferred.prefix_len());
                        prop_assert_eq!(range.purpose, wish.purpose);
                    }
                    if alone(&wishes[0]) {
                        prop_assert_eq!(plan[0].net, IpNet::V4(wishes[0].preferred));
                    }
                    let everything = plan.into_iter().chain(hosts).collect();
                    prop_assert_eq!(AddressPlan::new(everything).conflicts(), vec![]);
                }
                Err(missing) => prop_assert!(!missing.is_empty()),
            }
        }
    }
}
