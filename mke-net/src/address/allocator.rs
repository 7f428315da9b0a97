//! Which network the Engine takes next (NET-001, NET-003).
//!
//! The order is that of Docker Engine 20.10: it walks through the pieces of all pools, goes on behind the one that it
//! handed out last, begins anew at the end, and passes over pieces that overlap a network in use, a route of the host or
//! a name server. A network that somebody names does not move the place where it goes on.

use ipnet::{IpNet, Ipv4Net};

use super::pool::{AddressPool, default_bridge_pools};

/// Why no network could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// Every piece of every pool is in use or overlaps the host.
    #[error("no network of the address pools is free, add a pool to `default-address-pools`")]
    Exhausted,
    /// A named network overlaps one in use.
    #[error("{wanted} overlaps {taken}, which is in use")]
    Overlaps {
        /// What was asked for.
        wanted: Ipv4Net,
        /// What is there.
        taken: Ipv4Net,
    },
}

/// The three bridges of a node, as the Engine and the installation make them (NET-001).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bridges {
    /// The Engine's default bridge.
    pub docker0: Ipv4Net,
    /// The gateway of overlay networks, made when the node joins a swarm.
    pub docker_gwbridge: Ipv4Net,
    /// The bridge of the components.
    pub ucp_bridge: Ipv4Net,
}

/// The Engine's allocator of bridge networks.
#[derive(Debug, Clone)]
pub struct EngineAllocator {
    pools: Vec<AddressPool>,
    /// How many pieces lie before each pool, and after the last one how many there are.
    offsets: Vec<u64>,
    next: u64,
    taken: Vec<Ipv4Net>,
    avoided: Vec<Ipv4Net>,
}

impl EngineAllocator {
    /// An Engine that just started with these pools; with none, it uses its default ones. `avoided` are the routes and
    /// name servers of the host; those of IPv6 mean nothing here.
    pub fn new(pools: &[AddressPool], avoided: &[IpNet]) -> Self {
        let pools = if pools.is_empty() {
            default_bridge_pools()
        } else {
            pools.to_vec()
        };
        let offsets = std::iter::once(0)
            .chain(pools.iter().scan(0, |before, pool| {
                *before += pool.count();
                Some(*before)
            }))
            .collect();
        let avoided = avoided.iter().filter_map(|net| match net {
            // A default route is the way to everywhere, not a network that is in use.
            IpNet::V4(net) if net.prefix_len() > 0 => Some(net.trunc()),
            _ => None,
        });
        Self {
            pools,
            offsets,
            next: 0,
            taken: Vec::new(),
            avoided: avoided.collect(),
        }
    }

    /// How many networks the pools have in all.
    pub fn total(&self) -> u64 {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// The networks in use, in the order in which they were taken.
    pub fn taken(&self) -> &[Ipv4Net] {
        &self.taken
    }

    /// Takes a named network, as `bip`, `docker network create --subnet` and a network that is already there do.
    ///
    /// # Errors
    /// [`AllocateError::Overlaps`] when it overlaps one in use.
    pub fn reserve(&mut self, net: Ipv4Net) -> Result<(), AllocateError> {
        let wanted = net.trunc();
        match self.taken.iter().find(|taken| overlap(**taken, wanted)) {
            Some(&taken) => Err(AllocateError::Overlaps { wanted, taken }),
            None => {
                self.taken.push(wanted);
                Ok(())
            }
        }
    }

    /// Gives a network back. The Engine does not go back for it before it has been through all others.
    pub fn release(&mut self, net: Ipv4Net) {
        self.taken.retain(|taken| *taken != net.trunc());
    }

    /// Takes the next free network.
    ///
    /// # Errors
    /// [`AllocateError::Exhausted`].
    pub fn allocate(&mut self) -> Result<Ipv4Net, AllocateError> {
        let (number, net) = self.search(self.next).ok_or(AllocateError::Exhausted)?;
        self.next = (number + 1) % self.total();
        self.taken.push(net);
        Ok(net)
    }

    /// The first free network of the pools, wherever the last one was: how `docker0` gets its own at the start.
    fn first_free(&self) -> Option<Ipv4Net> {
        self.search(0).map(|(_, net)| net)
    }

    /// The bridges of a node: `docker0` takes what `bip` says or the first free network, the two others the next ones.
    ///
    /// # Errors
    /// [`AllocateError`].
    pub fn bridges(&mut self, bip: Option<Ipv4Net>) -> Result<Bridges, AllocateError> {
        let docker0 = match bip {
            Some(bip) => bip.trunc(),
            None => self.first_free().ok_or(AllocateError::Exhausted)?,
        };
        self.reserve(docker0)?;
        Ok(Bridges {
            docker0,
            docker_gwbridge: self.allocate()?,
            ucp_bridge: self.allocate()?,
        })
    }

    /// The first free piece from number `start` on, all the way round.
    fn search(&self, start: u64) -> Option<(u64, Ipv4Net)> {
        self.walk(start, self.total()).or_else(|| self.walk(0, start))
    }

    fn walk(&self, start: u64, end: u64) -> Option<(u64, Ipv4Net)> {
        for (pool, range) in self.pools.iter().zip(self.offsets.windows(2)) {
            let &[first, after] = range else { continue };
            let mut number = start.max(first);
            while number < after.min(end) {
                let net = pool.subnet(number - first)?;
                match self.in_the_way(net) {
                    None => return Some((number, net)),
                    Some(other) => number = (first + pool.number_after(other)).max(number + 1),
                }
            }
        }
        None
    }

    fn in_the_way(&self, net: Ipv4Net) -> Option<Ipv4Net> {
        let mut others = self.taken.iter().chain(&self.avoided);
        others.find(|other| overlap(**other, net)).copied()
    }
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn pool(base: &str, size: u8) -> AddressPool {
        AddressPool::new(net(base), size).unwrap()
    }

    /// NET-001: the three bridges take the first, second and third network of the pools.
    #[test]
    fn bridges_take_the_first_three() {
        let bridges = EngineAllocator::new(&[], &[]).bridges(None).unwrap();
        assert_eq!(bridges.docker0, net("172.17.0.0/16"));
        assert_eq!(bridges.docker_gwbridge, net("172.18.0.0/16"));
        assert_eq!(bridges.ucp_bridge, net("172.19.0.0/16"));
        let two = [pool("10.1.0.0/24", 24), pool("10.2.0.0/24", 24)];
        assert_eq!(
            EngineAllocator::new(&two, &[]).bridges(None),
            Err(AllocateError::Exhausted),
            "NET-001 asks for three pools"
        );
    }

    /// NET-003: `bip` leaves the first pool to the gateway bridge, and so does a first pool that has more than one
    /// network.
    #[test]
    fn a_first_pool_with_several_networks_shifts_the_others() {
        let bip = EngineAllocator::new(&[], &[])
            .bridges(Some(net("10.9.8.1/24")))
            .unwrap();
        assert_eq!(
            (bip.docker0, bip.docker_gwbridge),
            (net("10.9.8.0/24"), net("172.17.0.0/16"))
        );
        let pools = [
            pool("10.1.0.0/16", 20),
            pool("10.2.0.0/16", 16),
            pool("10.3.0.0/16", 16),
        ];
        let shifted = EngineAllocator::new(&pools, &[]).bridges(None).unwrap();
        assert_eq!(shifted.docker_gwbridge, net("10.1.16.0/20"));
        assert_eq!(shifted.ucp_bridge, net("10.1.32.0/20"));
    }

    #[test]
    fn networks_of_the_host_are_passed_over() {
        let host = ["172.18.5.0/24", "0.0.0.0/0", "fd00::/8"].map(|net| net.parse().unwrap());
        let bridges = EngineAllocator::new(&[], &host).bridges(None).unwrap();
        assert_eq!(
            (bridges.docker0, bridges.docker_gwbridge),
            (net("172.17.0.0/16"), net("172.19.0.0/16"))
        );
    }

    #[test]
    fn a_network_that_was_given_back_comes_last() {
        let mut engine = EngineAllocator::new(&[pool("10.0.0.0/24", 26)], &[]);
        let first = engine.allocate().unwrap();
        engine.release(first);
        let rest: Vec<_> = std::iter::from_fn(|| engine.allocate().ok()).collect();
        assert_eq!(
            rest,
            ["10.0.0.64/26", "10.0.0.128/26", "10.0.0.192/26", "10.0.0.0/26"].map(net)
        );
        assert_eq!(
            engine.reserve(net("10.0.0.65/30")),
            Err(AllocateError::Overlaps {
                wanted: net("10.0.0.64/30"),
                taken: net("10.0.0.64/26")
            })
        );
    }

    #[test]
    fn a_pool_of_a_million_networks_costs_nothing() {
        let mut engine = EngineAllocator::new(&[pool("10.0.0.0/8", 30)], &["10.0.0.0/9".parse().unwrap()]);
        assert_eq!(engine.allocate(), Ok(net("10.128.0.0/30")));
    }

    proptest! {
        /// NET-001, NET-002: the quick search finds what trying piece after piece finds.
        #[test]
        fn the_search_is_that_of_trying_all(
            pools in prop::collection::vec((0_u32..8, 22_u8..=26, 0_u8..=3), 1..4),
            steps in prop::collection::vec((0_u8..4, 0_u32..2048, 22_u8..=28), 0..24),
            host in prop::collection::vec((0_u32..2048, 22_u8..=28), 0..3),
        ) {
            let at = |number: u32, prefix| Ipv4Net::new((0x0a00_0000 + number).into(), prefix).unwrap().trunc();
            let pools: Vec<_> = pools
                .into_iter()
                .map(|(number, prefix, more)| AddressPool::new(at(number * 256, prefix), prefix + more).unwrap())
                .collect();
            let host: Vec<_> = host.into_iter().map(|(number, prefix)| at(number, prefix)).collect();
            let avoided: Vec<_> = host.iter().copied().map(IpNet::V4).collect();
            let mut quick = EngineAllocator::new(&pools, &avoided);
            let all: Vec<_> = pools.iter().flat_map(|pool| pool.base().subnets(pool.size()).unwrap()).collect();
            let (mut taken, mut next) = (Vec::<Ipv4Net>::new(), 0);
            let meets = |a: &Ipv4Net, b: &Ipv4Net| a.contains(b) || b.contains(a);
            for (kind, number, prefix) in steps {
                match kind {
                    0 if !taken.is_empty() => {
                        let gone = taken.remove(number as usize % taken.len());
                        quick.release(gone);
                    }
                    1 => {
                        let named = at(number, prefix);
                        let free = !taken.iter().any(|other| meets(other, &named));
                        prop_assert_eq!(quick.reserve(named).is_ok(), free);
                        if free { taken.push(named) }
                    }
                    _ => {
                        let order = (next..all.len()).chain(0..next);
                        let found = order.into_iter().find(|number| {
                            !taken.iter().chain(&host).any(|other| meets(other, &all[*number]))
                        });
                        prop_assert_eq!(quick.allocate().ok(), found.map(|number| all[number]));
                        if let Some(number) = found {
                            taken.push(all[number]);
                            next = (number + 1) % all.len();
                        }
                    }
                }
            }
        }
    }
}
