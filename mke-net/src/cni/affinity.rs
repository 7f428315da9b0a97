//! Whether nodes may borrow addresses from each other's blocks (NET-020, ARCH-017).

/// Strict affinity: on as soon as one node runs Windows, whose network cannot route to a borrowed address. Addresses
/// that were borrowed before go on working.
pub fn strict_affinity(windows_nodes: usize) -> bool {
    windows_nodes > 0
}

#[cfg(test)]
mod tests {
    /// NET-020
    #[test]
    fn one_windows_node_is_enough() {
        assert!(!super::strict_affinity(0));
        assert!(super::strict_affinity(1));
    }
}
