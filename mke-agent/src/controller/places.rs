//! How many connections one address holds at once, so that a single client cannot take the places of all others
//! (proxy-35).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts open connections by address, a /64 of IPv6 counting as one: a host usually has a whole one (RFC 6177).
#[derive(Debug)]
pub(super) struct Places {
    /// Only addresses with an open connection are in here, so the limit of all connections bounds it.
    open: Mutex<HashMap<IpAddr, usize>>,
    max: usize,
}

impl Places {
    /// At most `max` connections for each address.
    pub(super) fn new(max: usize) -> Self {
        Self {
            open: Mutex::default(),
            max,
        }
    }

    /// A place for one more connection, given back when dropped; nothing when the address has all of its own.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut open = self.open();
        let held = open.get(&address).copied().unwrap_or(0);
        if held >= self.max {
            return None;
        }
        open.insert(address, held + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Counts are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that counts.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut held) = self.places.open().entry(self.address) {
            match held.get().checked_sub(1) {
                None | Some(0) => {
                    held.remove();
                }
                Some(left) => {
                    held.insert(left);
                }
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sec_proxy_35_an_address_gets_no_more_than_its_places() {
        let places = Arc::new(Places::new(2));
        let mut held = vec![
            places.take(address("192.0.2.1")).unwrap(),
            places.take(address("::ffff:192.0.2.1")).unwrap(),
        ];
        assert!(places.take(address("192.0.2.1")).is_none());
        assert!(places.take(address("192.0.2.2")).is_some());
        held.pop();
        assert!(places.take(address("192.0.2.1")).is_some());
        drop(held);
        assert!(places.open().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let places = Arc::new(Places::new(1));
        let held = places.take(address("2001:db8::1"));
        assert!(held.is_some());
        assert!(places.take(address("2001:db8::2")).is_none());
        assert!(places.take(address("2001:db8:0:1::1")).is_some());
    }
}
