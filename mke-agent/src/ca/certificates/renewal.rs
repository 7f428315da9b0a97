//! When a certificate is renewed: after two thirds of its life, some earlier, so that the nodes of a cluster that was
//! made in one hour do not all ask in the same hour again.

use mke_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// The moment from which a certificate is renewed. The spread, at most a twelfth of its life, follows from the `seed` alone,
/// so that every look at it gives the same moment.
pub fn renew_at(not_before: Timestamp, not_after: Timestamp, seed: &str) -> Timestamp {
    let life = not_after.as_secs().saturating_sub(not_before.as_secs()).max(0);
    let digest = Sha256::digest(seed.as_bytes());
    let spread = digest
        .iter()
        .take(4)
        .fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    let earlier = (life / 12).saturating_mul(spread) >> 32;
    Timestamp::from_secs(
        not_before
            .as_secs()
            .saturating_add(life / 3 * 2)
            .saturating_sub(earlier),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// PKI-002: renewal lies between 7/12 and 2/3 of the life, whatever the life and the node.
        #[test]
        fn in_time(start in 0_i64..4_000_000_000, life in 0_i64..1_000_000_000, seed in ".{0,20}") {
            let at = renew_at(Timestamp::from_secs(start), Timestamp::from_secs(start + life), &seed).as_secs();
            prop_assert!(at <= start + life / 3 * 2);
            prop_assert!(at >= start + life / 3 * 2 - life / 12);
        }
    }

    #[test]
    fn nodes_are_spread() {
        let day = 86_400;
        let moments: std::collections::BTreeSet<i64> = (0..100)
            .map(|node| {
                renew_at(
                    Timestamp::from_secs(0),
                    Timestamp::from_secs(90 * day),
                    &format!("node{node}"),
                )
                .as_secs()
                    / day
            })
            .collect();
        assert!(moments.len() > 5, "{moments:?}");
    }
}
