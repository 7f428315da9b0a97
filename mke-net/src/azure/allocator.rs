//! Addresses of one machine for its pods (AZ-003, AZ-006).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The addresses of a machine, and which pod has which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodPool {
    addresses: BTreeMap<Ipv4Addr, Option<String>>,
}

/// Why a pod has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// All are in use.
    #[error(
        "all {0} addresses of this machine are in use, raise `--azure-ip-count` or move pods to other nodes"
    )]
    Full(usize),
}

impl PodPool {
    /// Takes the addresses that the machine has now. Pods keep theirs; an address that is gone is taken away only once
    /// its pod is.
    pub fn refresh(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        let mut next: BTreeMap<_, Option<String>> =
            addresses.into_iter().map(|address| (address, None)).collect();
        for (address, pod) in std::mem::take(&mut self.addresses) {
            if pod.is_some() {
                next.insert(address, pod);
            }
        }
        self.addresses = next;
    }

    /// The address of a pod: the one that it has, or the smallest free one.
    ///
    /// # Errors
    /// [`PoolError::Full`].
    pub fn allocate(&mut self, pod: &str) -> Result<Ipv4Addr, PoolError> {
        if let Some(address) = self.of(pod) {
            return Ok(address);
        }
        let full = PoolError::Full(self.addresses.len());
        let (address, owner) = self
            .addresses
            .iter_mut()
            .find(|(_, owner)| owner.is_none())
            .ok_or(full)?;
        *owner = Some(pod.to_owned());
        Ok(*address)
    }

    /// Takes the address of a pod back. A pod without one is no error: the network plugin may ask twice.
    pub fn release(&mut self, pod: &str) {
        for owner in self
            .addresses
            .values_mut()
            .filter(|owner| owner.as_deref() == Some(pod))
        {
            *owner = None;
        }
    }

    /// The address of a pod.
    pub fn of(&self, pod: &str) -> Option<Ipv4Addr> {
        let mut addresses = self.addresses.iter();
        addresses
            .find(|(_, owner)| owner.as_deref() == Some(pod))
            .map(|(address, _)| *address)
    }

    /// How many addresses are free.
    pub fn free(&self) -> usize {
        self.addresses.values().filter(|owner| owner.is_none()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(hosts: std::ops::Range<u8>) -> Vec<Ipv4Addr> {
        hosts.map(|host| Ipv4Addr::new(10, 0, 0, host)).collect()
    }

    /// AZ-003, AZ-004, AZ-006: a pod has one address, a full machine says so, and addresses in use are not taken away.
    #[test]
    fn pods_take_and_give_back() {
        let mut pool = PodPool::default();
        assert_eq!(pool.allocate("early"), Err(PoolError::Full(0)));
        pool.refresh(addresses(5..8));
        let first = pool.allocate("a").unwrap();
        assert_eq!(pool.allocate("a"), Ok(first), "asking twice changes nothing");
        let second = pool.allocate("b").unwrap();
        pool.allocate("c").unwrap();
        assert_eq!(pool.allocate("d"), Err(PoolError::Full(3)));
        pool.release("b");
        pool.release("b");
        assert_eq!(pool.allocate("d"), Ok(second));
        pool.refresh(addresses(20..22));
        assert_eq!(
            (pool.of("a"), pool.free()),
            (Some(first), 2),
            "pods keep what they have"
        );
        pool.release("a");
        pool.refresh(addresses(20..22));
        assert_eq!(
            (pool.of("a"), pool.free()),
            (None, 2),
            "an address that is gone does not come back"
        );
    }
}
