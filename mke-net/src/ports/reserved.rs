//! `net.ipv4.ip_local_reserved_ports`: node ports are added to what is there, and nothing of it is lost (NET-015).

use std::fmt;
use std::str::FromStr;

/// A set of ports, as the kernel writes it: `22,8000-8080`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortRanges(Vec<(u16, u16)>);

/// A text that is no set of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no port and no range of ports such as `8000-8080`")]
pub struct RangeError(String);

impl PortRanges {
    /// One range.
    pub fn one(low: u16, high: u16) -> Self {
        Self(vec![(low.min(high), low.max(high))])
    }

    /// The ranges in ascending order; none meets the next one.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }

    /// Whether a port is in the set.
    pub fn contains(&self, port: u16) -> bool {
        self.0.iter().any(|(low, high)| (*low..=*high).contains(&port))
    }

    /// Whether every port of another set is in this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.clone().with(other) == *self
    }

    /// This set and another one.
    #[must_use]
    pub fn with(self, other: &Self) -> Self {
        let mut all = self.0;
        all.extend(&other.0);
        Self::merged(all)
    }

    fn merged(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (low, high) in ranges {
            match merged.last_mut() {
                Some((_, end)) if u32::from(low) <= u32::from(*end) + 1 => *end = high.max(*end),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }
}

impl FromStr for PortRanges {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let wrong = |part: &str| RangeError(part.to_owned());
        let port = |part: &str| {
            part.parse::<u16>()
                .ok()
                .filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let parts = text.trim().split(',').filter(|part| !part.is_empty());
        let ranges = parts.map(|part| {
            let part = part.trim();
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            match (port(low), port(high)) {
                (Some(low), Some(high)) if low <= high => Ok((low, high)),
                _ => Err(wrong(part)),
            }
        });
        Ok(Self::merged(ranges.collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for PortRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (low, high)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match low == high {
                true => write!(f, "{comma}{low}")?,
                false => write!(f, "{comma}{low}-{high}")?,
            }
        }
        Ok(())
    }
}

/// The value of `net.ipv4.ip_local_reserved_ports` that keeps programs from taking node ports by chance. `None` when the
/// present value does already.
///
/// # Errors
/// [`RangeError`] when the present value is not understood: then it is left alone.
pub fn reserve_node_ports(present: &str, node_ports: (u16, u16)) -> Result<Option<PortRanges>, RangeError> {
    let present: PortRanges = present.parse()?;
    let wanted = PortRanges::one(node_ports.0, node_ports.1);
    Ok((!present.covers(&wanted)).then(|| present.with(&wanted)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reserved(present: &str) -> Option<String> {
        reserve_node_ports(present, (32_768, 35_535))
            .unwrap()
            .map(|ranges| ranges.to_string())
    }

    /// NET-015: values that are there stay, and a value that is enough is left alone.
    #[test]
    fn values_that_are_there_stay() {
        assert_eq!(reserved("\n").as_deref(), Some("32768-35535"));
        assert_eq!(
            reserved("22,8080-8090\n").as_deref(),
            Some("22,8080-8090,32768-35535")
        );
        assert_eq!(reserved("32000-33000,35536").as_deref(), Some("32000-35536"));
        assert_eq!(reserved("32768-35535"), None);
        assert_eq!(reserved("1-65535"), None);
        for wrong in ["x", "9-8", "1-2-3", "+5", "70000", "-"] {
            assert!(reserve_node_ports(wrong, (1, 2)).is_err(), "{wrong}");
        }
    }

    proptest! {
        /// NET-015: the union has exactly the ports of both, and is written as it is read.
        #[test]
        fn a_union_has_the_ports_of_both(
            one in prop::collection::vec((0_u16..60, 0_u16..60), 0..5),
            other in prop::collection::vec((0_u16..60, 0_u16..60), 0..5),
        ) {
            let set = |ranges: &[(u16, u16)]| {
                ranges.iter().fold(PortRanges::default(), |set, (a, b)| set.with(&PortRanges::one(*a, *b)))
            };
            let holds = |ranges: &[(u16, u16)], port: u16| ranges.iter().any(|(a, b)| (*a.min(b)..=*a.max(b)).contains(&port));
            let union = set(&one).with(&set(&other));
            for port in 0..=61 {
                prop_assert_eq!(union.contains(port), holds(&one, port) || holds(&other, port));
            }
            prop_assert!(union.covers(&set(&one)) && union.covers(&set(&other)));
            prop_assert_eq!(union.to_string().parse::<PortRanges>().unwrap(), union.clone());
            prop_assert!(union.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
