//! Numbers that depend on a seed only, so that a difference found once is found again (SplitMix64).

/// A sequence of numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent sequence for part `number` of the same run.
    pub fn part(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(dice.roll())
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The remainder is below `bound`, which is a usize.
        self.roll()
            .checked_rem(bound as u64)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(0)
    }

    /// Yes, once in `times` on average.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of the items; nothing when there are none.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        items.get(self.below(items.len()))
    }

    /// One of the words; the empty text when there are none.
    pub fn word(&mut self, words: &[&str]) -> String {
        self.pick(words)
            .map(|word| (*word).to_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence() {
        let rolls = |mut dice: Dice| [dice.roll(), dice.roll(), dice.roll()];
        assert_eq!(rolls(Dice::new(3)), rolls(Dice::new(3)));
        assert_ne!(rolls(Dice::part(3, 0)), rolls(Dice::part(3, 1)));
        assert_eq!(Dice::new(1).below(0), 0);
    }
}
