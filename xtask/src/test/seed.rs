//! With which seed the property tests choose their cases.
//!
//! A run that judges a change uses one seed, always the same: a fault that was there before must not be blamed on the
//! change. New seeds are tried on purpose, and printed so that what they find can be repeated.

use std::hash::{BuildHasher as _, RandomState};

/// What proptest reads before it makes its cases, also where a test states how many there are.
pub(super) const VARIABLE: &str = "PROPTEST_RNG_SEED";

/// The seed of every run that asks for no other.
const USUAL: u64 = 20_261_121;

/// Which seed the caller wants.
#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Let property tests choose cases that nobody has seen yet, instead of those of every run.
    #[arg(long, conflicts_with = "seed")]
    fresh_seeds: bool,
    /// Let property tests choose the cases of this seed again.
    #[arg(long)]
    seed: Option<u64>,
}

impl Choice {
    /// The seed of this run. A fresh one is another one at each call.
    pub(super) fn seed(&self) -> u64 {
        match self.seed {
            Some(seed) => seed,
            None if self.fresh_seeds => fresh(),
            None => USUAL,
        }
    }
}

/// Another number every time: the standard library keys its hashes from the operating system's random source.
fn fresh() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// What a run says of its seed.
pub(super) fn told(seed: u64) -> String {
    format!("property tests use {VARIABLE}={seed}; `cargo xtask test --seed {seed}` repeats their cases")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_change_only_on_purpose() {
        let choice = |fresh_seeds, seed| Choice { fresh_seeds, seed }.seed();
        assert_eq!(choice(false, None), USUAL);
        assert_eq!(choice(false, Some(7)), 7);
        assert_ne!(choice(true, None), choice(true, None));
        assert!(told(7).contains("PROPTEST_RNG_SEED=7;") && told(7).contains("--seed 7"));
    }
}
