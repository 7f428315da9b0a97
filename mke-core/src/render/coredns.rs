//! The Corefile of CoreDNS, with lameduck (CFG-043), and the address at which pods find it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Work;
use super::flags::Origin;
use crate::config::{Cidr, Format};

/// The domain of services and pods.
pub(super) const DOMAIN: &str = "cluster.local";

/// Where a node's own cache of names answers.
pub(super) const NODE_LOCAL: &str = "169.254.20.10";

/// Which address of the network of services is CoreDNS', counted from its first.
const PLACE: u8 = 10;

/// The address of CoreDNS in the network of services; none when the network is too small or no network.
///
/// ```
/// use mke_core::render::dns_address;
/// assert_eq!(dns_address("10.96.0.0/16"), "10.96.0.10".parse().ok());
/// assert_eq!(dns_address("10.96.0.0/30"), None);
/// ```
pub fn address(services: &str) -> Option<IpAddr> {
    let network = Cidr::from_text(services)?;
    let (bits, most) = match network.address {
        IpAddr::V4(_) => (32 - network.prefix.min(32), 32),
        IpAddr::V6(_) => (128 - network.prefix.min(128), 128),
    };
    // The place must lie inside of the network, whose last address is left alone.
    let fits = bits >= 4 && bits <= most;
    fits.then(|| match network.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(u32::from(bits)).unwrap_or(0);
            Ipv4Addr::from((address.to_bits() & mask) + u32::from(PLACE)).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(u32::from(bits)).unwrap_or(0);
            Ipv6Addr::from((address.to_bits() & mask) + u128::from(PLACE)).into()
        }
    })
}

pub(super) fn render(work: &mut Work<'_>) {
    let cluster = &work.config.cluster;
    const KEY: &str = "cluster_config.core_dns_lameduck_config";
    let (health, origin) = if cluster.core_dns_lameduck.enabled {
        let duration = &cluster.core_dns_lameduck.duration;
        if !Format::PositiveDuration.accepts(duration) {
            let key = format!("{KEY}.duration");
            work.problems.add(
                key,
                format!("{duration:?} is no duration above zero such as `7s`"),
            );
        }
        let health = format!("    health {{\n        lameduck {duration}\n    }}\n");
        (
            health,
            Origin::Key("cluster_config.core_dns_lameduck_config.duration"),
        )
    } else {
        let why = "lameduck is off (cluster_config.core_dns_lameduck_config.enabled)";
        ("    health\n".to_owned(), Origin::Fixed(why))
    };
    let range = &cluster.network.service_cluster_ip_range;
    match address(range) {
        Some(address) => work.notes.push(format!(
            "its service has the address {address}, the tenth of {range}"
        )),
        None => work.problems.add(
            "cluster_config.service_cluster_ip_range",
            format!(
                "{range:?} has no room for the address of CoreDNS: use a network of 16 addresses and more"
            ),
        ),
    }
    let text = format!(
        ".:53 {{\n    errors\n{health}    ready\n    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{\n        pods insecure\n        \
         fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }}\n    prometheus :9153\n    forward . /etc/resolv.conf\n    \
         cache 30\n    loop\n    reload\n    loadbalance\n}}\n"
    );
    work.file("Corefile", text, origin);
}
