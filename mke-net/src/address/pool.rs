//! `default-address-pools` of the Engine: a base network cut into networks of one size (NET-002).

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// A base network and the prefix length of the networks that are cut out of it; in JSON as in `daemon.json`:
/// `{"base":"10.10.0.0/16","size":24}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct AddressPool {
    base: Ipv4Net,
    size: u8,
}

/// A pool as somebody wrote it, not checked yet.
#[derive(Deserialize)]
struct Written {
    base: Ipv4Net,
    size: u8,
}

impl TryFrom<Written> for AddressPool {
    type Error = PoolProblem;

    fn try_from(written: Written) -> Result<Self, PoolProblem> {
        Self::new(written.base, written.size)
    }
}

/// Why a pool cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolProblem {
    /// The pieces would be larger than the whole.
    #[error("networks of /{size} do not fit into {base}, choose a size from {} to 30", .base.prefix_len())]
    LargerThanBase {
        /// The whole.
        base: Ipv4Net,
        /// Prefix length of a piece.
        size: u8,
    },
    /// A bridge needs an address for itself and at least one for a container.
    #[error("networks of /{size} leave no address for containers, choose a size of at most 30")]
    TooSmall {
        /// Prefix length of a piece.
        size: u8,
    },
}

impl AddressPool {
    /// A pool that hands out networks of prefix length `size` out of `base`. Bits of `base` behind its prefix do not
    /// count.
    ///
    /// # Errors
    /// [`PoolProblem`] when no usable network can be cut out.
    pub fn new(base: Ipv4Net, size: u8) -> Result<Self, PoolProblem> {
        let base = base.trunc();
        if size > 30 {
            return Err(PoolProblem::TooSmall { size });
        }
        if size < base.prefix_len() {
            return Err(PoolProblem::LargerThanBase { base, size });
        }
        Ok(Self { base, size })
    }

    /// The whole.
    pub fn base(self) -> Ipv4Net {
        self.base
    }

    /// Prefix length of one piece.
    pub fn size(self) -> u8 {
        self.size
    }

    /// How many networks the pool has: 2^(size − prefix length of the base).
    pub fn count(self) -> u64 {
        1_u64 << (self.size - self.base.prefix_len())
    }

    /// The piece with this number, from 0, in ascending order of addresses.
    pub fn subnet(self, number: u64) -> Option<Ipv4Net> {
        if number >= self.count() {
            return None;
        }
        let start = u64::from(u32::from(self.base.network())) + (number << (32 - u32::from(self.size)));
        let address = Ipv4Addr::from(u32::try_from(start).ok()?);
        Ipv4Net::new(address, self.size).ok()
    }

    /// The first piece that begins after the end of `net`, when `net` lies in this pool: where a search goes on that
    /// met something taken.
    pub(super) fn number_after(self, net: Ipv4Net) -> u64 {
        let start = u64::from(u32::from(self.base.network()));
        let end = u64::from(u32::from(net.broadcast())) + 1;
        let piece = 1_u64 << (32 - u32::from(self.size));
        end.saturating_sub(start).div_ceil(piece)
    }
}

impl fmt::Display for AddressPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in networks of /{}", self.base, self.size)
    }
}

/// What the Engine uses for bridge networks when `daemon.json` names no pools: 172.17.0.0/16 to 172.31.0.0/16, then
/// 192.168.0.0/16 in networks of /20.
pub fn default_bridge_pools() -> Vec<AddressPool> {
    [
        ([172, 17, 0, 0], 16, 16),
        ([172, 18, 0, 0], 16, 16),
        ([172, 19, 0, 0], 16, 16),
        ([172, 20, 0, 0], 14, 16),
        ([172, 24, 0, 0], 14, 16),
        ([172, 28, 0, 0], 14, 16),
        ([192, 168, 0, 0], 16, 20),
    ]
    .into_iter()
    .map(|(base, prefix, size)| AddressPool {
        base: Ipv4Net::new_assert(Ipv4Addr::from(base), prefix),
        size,
    })
    .collect()
}

/// What a swarm uses for overlay networks when it was made without `--default-addr-pool`: 10.0.0.0/8 in networks of /24.
pub fn default_overlay_pool() -> AddressPool {
    AddressPool {
        base: Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
        size: 24,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    /// NET-002: a size equal to the mask of the base gives one network, a longer one consecutive networks.
    #[test]
    fn pools_are_cut_in_order() {
        let whole = AddressPool::new(net("172.17.0.0/16"), 16).unwrap();
        assert_eq!(whole.count(), 1);
        assert_eq!(whole.subnet(0), Some(net("172.17.0.0/16")));
        assert_eq!(whole.subnet(1), None);
        let cut = AddressPool::new(net("10.10.0.0/16"), 20).unwrap();
        let all: Vec<_> = (0..cut.count()).filter_map(|number| cut.subnet(number)).collect();
        assert_eq!(all.len(), 16);
        assert_eq!(all.first(), Some(&net("10.10.0.0/20")));
        assert_eq!(all.get(1), Some(&net("10.10.16.0/20")));
        assert_eq!(all.last(), Some(&net("10.10.240.0/20")));
    }

    #[test]
    fn pools_that_cannot_be_cut_are_refused() {
        let text = |base, size| AddressPool::new(net(base), size).unwrap_err().to_string();
        assert_eq!(
            text("10.0.0.0/16", 8),
            "networks of /8 do not fit into 10.0.0.0/16, choose a size from 16 to 30"
        );
        for size in [31, 32, 33, 255] {
            assert_eq!(
                text("10.0.0.0/16", size),
                format!("networks of /{size} leave no address for containers, choose a size of at most 30")
            );
        }
    }

    proptest! {
        /// NET-002: the pieces are `ipnet`'s own, and the number after a piece is the next one.
        #[test]
        fn pieces_are_those_of_another_reckoning(address: u32, prefix in 8_u8..=30, more in 0_u8..=10) {
            let size = (prefix + more).min(30);
            let base = Ipv4Net::new(Ipv4Addr::from(address), prefix).unwrap();
            let pool = AddressPool::new(base, size).unwrap();
            let pieces: Vec<_> = (0..pool.count()).filter_map(|number| pool.subnet(number)).collect();
            let expected: Vec<_> = base.trunc().subnets(size).unwrap().collect();
            prop_assert_eq!(&pieces, &expected);
            for (number, piece) in (1..).zip(&pieces) {
                prop_assert_eq!(pool.number_after(*piece), number);
            }
        }
    }
}
