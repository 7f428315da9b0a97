//! Medians, quantiles and ratios of few numbers.

use std::time::Duration;

/// The value below which this share of the samples lies; nothing for no samples.
pub(crate) fn quantile(samples: &mut [f64], share: f64) -> Option<f64> {
    samples.sort_unstable_by(f64::total_cmp);
    let last = samples.len().checked_sub(1)?;
    let index = (last as f64 * share).round() as usize;
    samples.get(index).copied()
}

/// Median, least and greatest of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    /// Of these samples; nothing for no samples.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut samples: Vec<_> = samples.into_iter().collect();
        Some(Self {
            median: quantile(&mut samples, 0.5)?,
            least: samples.first().copied()?,
            greatest: samples.last().copied()?,
        })
    }

    /// Of the ratios between two series, round by round: what disturbed a round disturbed both.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
    }
}

/// In microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let mut samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&mut samples, 0.5), Some(3.0));
        assert_eq!(quantile(&mut samples, 0.99), Some(5.0));
        assert_eq!(quantile(&mut samples, 0.0), Some(1.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was half as fast in the second round; the ratio does not see it.
        let spread = Spread::of_ratios(&[80.0, 40.0, 90.0], &[100.0, 50.0, 100.0]).unwrap();
        assert_eq!((spread.median, spread.least, spread.greatest), (0.8, 0.8, 0.9));
        assert_eq!(Spread::of_ratios(&[], &[1.0]), None);
    }
}
