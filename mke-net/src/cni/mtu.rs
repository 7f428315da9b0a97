//! The largest packet of a pod (NET-017, SOV-003).

use mke_core::config::Config;

use super::encapsulation::Encapsulation;

/// Bytes that the secure overlay and its tunnel add at most: 20 for the tunnel, 26 for encryption.
const SECURE_OVERHEAD: u16 = 46;
/// What every host of IPv4 must be able to take in one piece (RFC 791).
const SMALLEST: u16 = 576;

/// A packet size that does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MtuProblem {
    /// Packets do not fit through the link.
    #[error(
        "`{key}` is {found}, but packets of pods have at most {largest} bytes on links of {link}: set it to {largest} or less"
    )]
    TooLarge {
        /// The key.
        key: &'static str,
        /// Its value.
        found: u16,
        /// The largest that works.
        largest: u16,
        /// The smallest link between nodes.
        link: u16,
    },
    /// Packets would be cut to crumbs.
    #[error(
        "`{key}` is {found}, less than the 576 bytes that every host takes in one piece: set it to {largest}"
    )]
    TooSmall {
        /// The key.
        key: &'static str,
        /// Its value.
        found: u16,
        /// The largest that works.
        largest: u16,
    },
    /// The link itself is too small for any encapsulation.
    #[error("links of {link} bytes leave no room for {overhead} bytes of encapsulation")]
    Link {
        /// The smallest link between nodes.
        link: u16,
        /// What encapsulation adds.
        overhead: u16,
    },
}

/// The largest packet of a pod on links of `link` bytes: 1450 with VXLAN and 1480 with IP-in-IP on Ethernet.
pub fn packet_size(link: u16, encapsulation: Encapsulation) -> Option<u16> {
    let size = link.checked_sub(encapsulation.overhead())?;
    (size >= SMALLEST).then_some(size)
}

/// The largest packet of a pod when traffic is encrypted, a multiple of 4 as IPSec needs it: 1452 on Ethernet.
pub fn secure_overlay_size(link: u16) -> Option<u16> {
    let size = link.checked_sub(SECURE_OVERHEAD)?;
    let size = size - size % 4;
    (size >= SMALLEST).then_some(size)
}

/// The problems of configured sizes, given by key; `link` is the smallest link between nodes.
pub fn packet_sizes(
    link: u16,
    encapsulation: Encapsulation,
    secure: bool,
    configured: &[(&'static str, u16)],
) -> Vec<MtuProblem> {
    let (largest, overhead) = match secure {
        true => (secure_overlay_size(link), SECURE_OVERHEAD),
        false => (packet_size(link, encapsulation), encapsulation.overhead()),
    };
    let Some(largest) = largest else {
        return vec![MtuProblem::Link { link, overhead }];
    };
    let problem = |&(key, found): &(&'static str, u16)| match found {
        found if found > largest => Some(MtuProblem::TooLarge {
            key,
            found,
            largest,
            link,
        }),
        found if found < SMALLEST => Some(MtuProblem::TooSmall { key, found, largest }),
        _ => None,
    };
    configured.iter().filter_map(problem).collect()
}

/// The problems of the sizes that a configuration asks for; `link` is the smallest link between nodes.
pub fn packet_size_problems(config: &Config, link: u16) -> Vec<MtuProblem> {
    let network = &config.cluster.network;
    let (encapsulation, texts) = match network.calico_vxlan {
        true => (
            Encapsulation::Vxlan,
            vec![("cluster_config.calico_vxlan_mtu", &network.calico_vxlan_mtu)],
        ),
        false => (
            Encapsulation::IpInIp,
            vec![
                ("cluster_config.calico_mtu", &network.calico_mtu),
                ("cluster_config.ipip_mtu", &network.ipip_mtu),
            ],
        ),
    };
    // What is no number was refused with the configuration.
    let sizes = texts
        .into_iter()
        .filter_map(|(key, text)| Some((key, text.trim().parse().ok()?)));
    packet_sizes(
        link,
        encapsulation,
        network.secure_overlay,
        &sizes.collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_on_ethernet() {
        assert_eq!(packet_size(1500, Encapsulation::Vxlan), Some(1450));
        assert_eq!(packet_size(1500, Encapsulation::IpInIp), Some(1480));
        assert_eq!(secure_overlay_size(1500), Some(1452));
        assert_eq!(packet_size(600, Encapsulation::Vxlan), None);
        let texts: Vec<_> = packet_sizes(
            1400,
            Encapsulation::Vxlan,
            false,
            &[("cluster_config.calico_vxlan_mtu", 1450), ("x", 100), ("y", 1350)],
        )
        .iter()
        .map(ToString::to_string)
        .collect();
        assert_eq!(
            texts,
            [
                "`cluster_config.calico_vxlan_mtu` is 1450, but packets of pods have at most 1350 bytes on links of 1400: \
                 set it to 1350 or less",
                "`x` is 100, less than the 576 bytes that every host takes in one piece: set it to 1350",
            ]
        );
        assert_eq!(packet_sizes(580, Encapsulation::IpInIp, true, &[]).len(), 1);
    }

    proptest! {
        /// NET-017, SOV-003: what is told is the largest size that fits, found by trying all.
        #[test]
        fn the_largest_size_is_told(link: u16) {
            for encapsulation in [Encapsulation::Vxlan, Encapsulation::IpInIp] {
                let fits = (576..=link).rev().find(|size| u32::from(*size) + u32::from(encapsulation.overhead()) <= u32::from(link));
                prop_assert_eq!(packet_size(link, encapsulation), fits);
            }
            // 20 bytes of tunnel and 26 of encryption, in words of 4.
            let fits = (576..=link).rev().find(|size| size % 4 == 0 && u32::from(*size) + 20 + 26 <= u32::from(link));
            prop_assert_eq!(secure_overlay_size(link), fits);
        }
    }
}
