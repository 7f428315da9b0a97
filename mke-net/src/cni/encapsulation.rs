//! VXLAN or IP-in-IP (NET-016).

use serde::{Deserialize, Serialize};

/// How the packets of pods travel between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encapsulation {
    /// In UDP packets: what every network lets through.
    Vxlan,
    /// In IP packets: what the secure overlay encrypts.
    IpInIp,
}

/// How a cluster came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// The version that was installed first: major, minor, patch.
    pub installed: (u16, u16, u16),
}

impl Encapsulation {
    /// What a cluster uses that says nothing else: VXLAN since 3.3.0; a cluster that began earlier stays on IP-in-IP
    /// through all upgrades, because nodes of both kinds would not reach each other.
    pub fn default_for(history: History) -> Self {
        match history.installed >= (3, 3, 0) {
            true => Self::Vxlan,
            false => Self::IpInIp,
        }
    }

    /// Bytes that it adds to each packet of IPv4.
    pub const fn overhead(self) -> u16 {
        match self {
            Self::Vxlan => 50,
            Self::IpInIp => 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NET-016: new clusters use VXLAN, old ones stay as they are.
    #[test]
    fn upgraded_clusters_stay_on_ip_in_ip() {
        for (installed, expected) in [
            ((3, 4, 15), Encapsulation::Vxlan),
            ((3, 3, 0), Encapsulation::Vxlan),
            ((3, 2, 99), Encapsulation::IpInIp),
            ((2, 2, 4), Encapsulation::IpInIp),
        ] {
            assert_eq!(Encapsulation::default_for(History { installed }), expected);
        }
    }
}
