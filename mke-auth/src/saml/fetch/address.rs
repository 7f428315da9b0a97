//! Which addresses the configuration means (saml-38).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is allowed beyond the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meant {
    /// An address that is written out in the configured URL.
    pub(super) literal: bool,
    /// Private addresses that a name leads to.
    pub(super) private: bool,
}

/// Whether `host`, which leads to `address`, is meant.
pub(super) fn is_meant(host: &str, address: IpAddr, meant: Meant) -> bool {
    if host.parse::<IpAddr>().is_ok() && meant.literal {
        return true;
    }
    match place_of(address) {
        Place::Internet => true,
        Place::Private => meant.private,
        Place::Never => false,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Internet,
    Private,
    Never,
}

fn place_of(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(v4) => place_of_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => place_of_v4(v4),
            None => place_of_v6(v6),
        },
    }
}

/// The IPv4 address inside one that is mapped, or translated by the well-known prefix (RFC 6052).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let translated = match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    };
    v6.to_ipv4_mapped().or(translated)
}

fn place_of_v4(v4: Ipv4Addr) -> Place {
    let [a, b, ..] = v4.octets();
    if v4.is_link_local()
        || v4.is_unspecified()
        || v4.is_multicast()
        || v4.is_broadcast()
        || a == 0
        || a >= 240
    {
        Place::Never
    } else if v4.is_private()
        || v4.is_loopback()
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
    {
        Place::Private
    } else {
        Place::Internet
    }
}

fn place_of_v6(v6: Ipv6Addr) -> Place {
    let [first, ..] = v6.segments();
    if v6.is_unspecified() || v6.is_multicast() || first & 0xffc0 == 0xfe80 {
        Place::Never
    } else if v6.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
        Place::Private
    } else {
        Place::Internet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// saml-38: where names and written addresses may lead.
    #[test]
    fn sec_saml_38_private_and_link_local_addresses() {
        let public = Meant {
            literal: true,
            private: false,
        };
        let own_roots = Meant {
            literal: true,
            private: true,
        };
        let redirected = Meant {
            literal: false,
            private: false,
        };
        for (host, address, by_name, with_roots, after_redirect) in [
            ("idp", "8.8.8.8", true, true, true),
            ("idp", "2001:4860:4860::8888", true, true, true),
            ("idp", "10.0.0.1", false, true, false),
            ("idp", "172.16.0.1", false, true, false),
            ("idp", "192.168.1.1", false, true, false),
            ("idp", "100.64.0.1", false, true, false),
            ("idp", "127.0.0.1", false, true, false),
            ("idp", "::1", false, true, false),
            ("idp", "fd00::1", false, true, false),
            ("idp", "::ffff:10.0.0.1", false, true, false),
            ("idp", "64:ff9b::a00:1", false, true, false),
            ("idp", "169.254.169.254", false, false, false),
            ("idp", "::ffff:169.254.169.254", false, false, false),
            ("idp", "fe80::1", false, false, false),
            ("idp", "0.0.0.0", false, false, false),
            ("idp", "255.255.255.255", false, false, false),
            ("idp", "224.0.0.1", false, false, false),
            ("10.0.0.1", "10.0.0.1", true, true, false),
            ("127.0.0.1", "127.0.0.1", true, true, false),
            ("169.254.169.254", "169.254.169.254", true, true, false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(is_meant(host, address, public), by_name, "{host} {address}");
            assert_eq!(
                is_meant(host, address, own_roots),
                with_roots,
                "{host} {address} with roots"
            );
            assert_eq!(
                is_meant(host, address, redirected),
                after_redirect,
                "{host} {address} redirected"
            );
        }
    }
}
