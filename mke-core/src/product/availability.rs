//! How many managers a cluster can lose (HA-001).

use serde::Serialize;

/// How many managers are recommended, from and to.
pub const RECOMMENDED_MANAGERS: (u32, u32) = (3, 5);

/// What a number of managers means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Availability {
    /// How many managers there are.
    pub managers: u32,
    /// How many of them must agree.
    pub quorum: u32,
    /// How many of them can fail.
    pub tolerated: u32,
    /// Whether it is a number that is recommended: three to five, and odd.
    pub recommended: bool,
}

/// How many of so many managers must agree: more than half. None of none.
pub const fn quorum(managers: u32) -> u32 {
    if managers == 0 { 0 } else { managers / 2 + 1 }
}

/// What a number of managers means.
///
/// ```
/// use mke_core::product::availability;
/// assert_eq!(availability(3).tolerated, 1);
/// assert!(!availability(4).recommended, "a fourth manager helps nobody");
/// ```
pub const fn availability(managers: u32) -> Availability {
    let (least, most) = RECOMMENDED_MANAGERS;
    Availability {
        managers,
        quorum: quorum(managers),
        tolerated: managers - quorum(managers),
        recommended: managers >= least && managers <= most && managers % 2 == 1,
    }
}
