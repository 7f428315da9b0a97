//! The secure overlay on one node: IPSec for the tunnel to another node, AES-GCM with 128 bits (SOV-001).

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use mke_core::secret::Secret;

/// IP-in-IP.
const IP_IN_IP: u8 = 4;

/// Key and salt of AES-GCM with 128 bits: 20 bytes.
pub struct TunnelKey(Secret);

impl TunnelKey {
    /// Takes 16 bytes of key and 4 of salt.
    pub fn new(bytes: &[u8; 20]) -> Self {
        let mut digits = String::with_capacity(40);
        for byte in bytes {
            let _ = write!(digits, "{byte:02x}");
        }
        Self(Secret::from(digits))
    }
}

/// Two nodes, as one of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunnel {
    /// This node.
    pub own: Ipv4Addr,
    /// The other one.
    pub peer: Ipv4Addr,
    /// The number of the key in force. Each turn of the keys takes the next one.
    pub turn: u16,
}

/// The lines for `ip -batch` that encrypt the tunnel: a state for each direction and the policies that refuse
/// packets in the clear. States of the turn before stay until the next one, so that packets on their way are understood.
///
/// The text holds keys: write it only where nobody else reads.
pub fn secure_tunnel(tunnel: &Tunnel, outward: &TunnelKey, inward: &TunnelKey) -> Secret {
    let Tunnel { own, peer, turn } = tunnel;
    let mut text = String::new();
    for (source, destination, key) in [(own, peer, outward), (peer, own, inward)] {
        let _ = writeln!(
            text,
            "xfrm state add src {source} dst {destination} proto esp spi {:#010x} mode transport aead rfc4106(gcm(aes)) 0x{} 128",
            spi(*source, *turn),
            key.0.expose()
        );
    }
    for (source, destination, direction, sender) in [(own, peer, "out", own), (peer, own, "in", peer)] {
        let _ = writeln!(
            text,
            "xfrm policy update src {source}/32 dst {destination}/32 proto {IP_IN_IP} dir {direction} tmpl src {source} dst \
             {destination} proto esp spi {:#010x} mode transport",
            spi(*sender, *turn)
        );
    }
    Secret::from(text)
}

/// The number of a state: the turn above 256, because lower ones are reserved (RFC 4303, section 2.1), and the end of the
/// sender's address, so that two senders never meet.
fn spi(sender: Ipv4Addr, turn: u16) -> u32 {
    let [.., third, fourth] = sender.octets();
    (u32::from(turn.max(1)) << 16) | u32::from(u16::from_be_bytes([third, fourth]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOV-001: both ends agree on states and numbers, and nothing goes in the clear.
    #[test]
    fn both_ends_agree() {
        let (a, b) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
        let (one, two) = (TunnelKey::new(&[1; 20]), TunnelKey::new(&[2; 20]));
        let here = secure_tunnel(
            &Tunnel {
                own: a,
                peer: b,
                turn: 7,
            },
            &one,
            &two,
        );
        let there = secure_tunnel(
            &Tunnel {
                own: b,
                peer: a,
                turn: 7,
            },
            &two,
            &one,
        );
        let states = |text: &Secret| {
            let mut lines: Vec<_> = text
                .expose()
                .lines()
                .filter(|line| line.starts_with("xfrm state"))
                .map(str::to_owned)
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(states(&here), states(&there));
        assert_eq!(states(&here).len(), 2);
        let policies: Vec<_> = here
            .expose()
            .lines()
            .filter(|line| line.starts_with("xfrm policy"))
            .collect();
        assert!(
            policies[0].contains("dst 192.0.2.2/32 proto 4 dir out") && policies[1].contains("dir in"),
            "{policies:?}"
        );
        let next = secure_tunnel(
            &Tunnel {
                own: a,
                peer: b,
                turn: 8,
            },
            &one,
            &two,
        );
        assert!(
            states(&next).iter().all(|line| !states(&here).contains(line)),
            "a new turn has new numbers"
        );
        assert!(!format!("{here:?}").contains("0101"), "keys are never printed");
    }
}
