//! Amounts of resources as Kubernetes writes them: `100m`, `1.5Gi`, `2e3`.

use std::fmt;

/// How many of the smallest unit make one.
const SCALE: i128 = 1_000_000_000;

/// An exact amount, counted in billionths. What is smaller is rounded up, as Kubernetes does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Quantity(i128);

impl Quantity {
    pub(super) const ZERO: Self = Self(0);

    /// A whole number.
    pub(super) const fn whole(number: i64) -> Self {
        Self(number as i128 * SCALE)
    }

    /// Reads an amount; none when it is not one or too large.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let end = text
            .find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | '+' | '-'))
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at_checked(end)?;
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 || fraction.len() > 18 {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let (times, by) = factor(suffix)?;
        let divisor = 10_i128
            .checked_pow(u32::try_from(fraction.len()).ok()?)?
            .checked_mul(by)?;
        let scaled = mantissa.checked_mul(SCALE)?.checked_mul(times)?;
        let rounded = scaled.checked_add(divisor - 1)? / divisor;
        Some(Self(if negative { -rounded } else { rounded }))
    }

    /// The sum; the greatest amount when it is too large to be counted.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The product with a small number.
    pub(super) const fn times(self, number: i64) -> Self {
        Self(self.0.saturating_mul(number as i128))
    }

    /// Whether `self / other` is more than `ratio`.
    pub(super) fn is_more_than(self, ratio: Self, other: Self) -> bool {
        // self / other > ratio, with both sides counted in billionths.
        match (self.0.checked_mul(SCALE), other.0.checked_mul(ratio.0)) {
            (Some(left), Some(right)) => left > right,
            // Too large for an exact answer: refuse rather than let something through.
            _ => true,
        }
    }
}

/// What a suffix multiplies with and divides by.
fn factor(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let size = 10_i128.checked_pow(power.unsigned_abs())?;
            if size > 1_000_000_000_000_000_000 {
                return None;
            }
            if power < 0 { (1, size) } else { (size, 1) }
        }
    })
}

impl fmt::Display for Quantity {
    /// Whole numbers plainly, others in thousandths, rounded up.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % SCALE == 0 {
            write!(out, "{}", self.0 / SCALE)
        } else {
            let milli = SCALE / 1_000;
            write!(out, "{}m", (self.0 + milli - 1).div_euclid(milli))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, shown) in [
            ("0", Some("0")),
            ("1", Some("1")),
            ("100m", Some("100m")),
            ("0.1", Some("100m")),
            ("1.5", Some("1500m")),
            ("1Ki", Some("1024")),
            ("1.5Ki", Some("1536")),
            ("2e3", Some("2000")),
            ("2E3", Some("2000")),
            ("1E", Some("1000000000000000000")),
            ("5e-3", Some("5m")),
            ("-1", Some("-1")),
            ("+1k", Some("1000")),
            ("16Ei", Some("18446744073709551616")),
            ("", None),
            (".", None),
            ("m", None),
            ("1Kib", None),
            ("1e99", None),
            ("one", None),
            ("1-1", None),
            ("999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(
                Quantity::parse(text).map(|q| q.to_string()).as_deref(),
                shown,
                "{text}"
            );
        }
    }

    #[test]
    fn ratios_are_compared_exactly() {
        let parse = |text| Quantity::parse(text).unwrap();
        assert!(!parse("2").is_more_than(parse("2"), parse("1")));
        assert!(parse("2").is_more_than(parse("1.9"), parse("1")));
    }
}
