//! What listens on this machine now, and which process it is.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::{fmt, fs};

use mke_core::product::Protocol;
use serde::Serialize;

/// The process behind a socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// Its id, as seen from here.
    pub pid: u32,
    /// Its name, as the kernel has it.
    pub name: String,
}

/// A socket that waits for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listening {
    /// The address on which it waits.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Who waits; not known without the right to look, or when the process lives in another namespace.
    pub owner: Option<Owner>,
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(owner) = &self.owner {
            write!(f, "{} (process {}) at ", owner.name, owner.pid)?;
        }
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

/// State `LISTEN` of a TCP socket.
const LISTEN: u8 = 0x0a;
/// State of a UDP socket without a peer.
const UNCONNECTED: u8 = 0x07;

impl Listening {
    /// Everything that listens in the network namespace of this process. `root` is `/` outside of tests.
    ///
    /// Tables that are not there, those of IPv6 for instance, count as empty; owners are found as far as the caller
    /// may look.
    pub fn observe(root: &Path) -> Vec<Self> {
        let owners = owners(root);
        let tables = [
            ("tcp", Protocol::Tcp),
            ("tcp6", Protocol::Tcp),
            ("udp", Protocol::Udp),
            ("udp6", Protocol::Udp),
        ];
        tables
            .into_iter()
            .flat_map(|(table, protocol)| {
                let text = fs::read_to_string(root.join("proc/net").join(table)).unwrap_or_default();
                let sockets = sockets(&text, protocol);
                sockets
                    .map(|(inode, listening)| Self {
                        owner: owners.get(&inode).cloned(),
                        ..listening
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

/// Sockets that wait, with their inodes; lines that are not understood are left out.
fn sockets(table: &str, protocol: Protocol) -> impl Iterator<Item = (u64, Listening)> {
    table.lines().filter_map(move |line| {
        let mut fields = line.split_ascii_whitespace();
        let (address, port) = fields.nth(1)?.split_once(':')?;
        let state = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
        let waits = match protocol {
            Protocol::Tcp => state == LISTEN,
            Protocol::Udp => state == UNCONNECTED,
        };
        let inode = fields.nth(5)?.parse().ok()?;
        let listening = Listening {
            address: parse_address(address)?,
            port: u16::from_str_radix(port, 16).ok()?,
            protocol,
            owner: None,
        };
        waits.then_some((inode, listening))
    })
}

/// Addresses are words of 32 bits in the machine's order.
fn parse_address(digits: &str) -> Option<IpAddr> {
    let word = |digits: &str| u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes);
    match digits.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(digits)?))),
        32 => {
            let mut bytes = [0_u8; 16];
            for (place, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(digits.get(place * 8..place * 8 + 8)?)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

/// Processes by the inodes of their sockets.
fn owners(root: &Path) -> HashMap<u64, Owner> {
    let mut owners = HashMap::new();
    let entries = fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    for process in entries {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let descriptors = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        let inodes: Vec<u64> = descriptors
            .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
            .filter_map(|link| {
                link.to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .parse()
                    .ok()
            })
            .collect();
        if !inodes.is_empty() {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let owner = Owner {
                pid,
                name: name.trim_end().to_owned(),
            };
            owners.extend(inodes.into_iter().map(|inode| (inode, owner.clone())));
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn tables_of_the_kernel_are_read() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3172 1 x 100 0 0 10 0\n   \
            1: 0100007F:01BC 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 3173 1 x 100 0 0 10 0\n   \
            2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 9 1\n\
            broken\n";
        let found: Vec<_> = sockets(tcp, Protocol::Tcp)
            .map(|(inode, there)| format!("{inode} {there}"))
            .collect();
        assert_eq!(found, ["3172 127.0.0.1:443", "9 [::1]:80"]);
    }

    /// NET-009: who listens is named.
    #[test]
    fn the_own_sockets_are_found() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        let all = Listening::observe(Path::new("/"));
        for (address, protocol) in [
            (tcp.local_addr().unwrap(), Protocol::Tcp),
            (udp.local_addr().unwrap(), Protocol::Udp),
        ] {
            let here = all
                .iter()
                .find(|there| {
                    (there.address, there.port, there.protocol) == (address.ip(), address.port(), protocol)
                })
                .unwrap();
            assert_eq!(here.owner.as_ref().unwrap().pid, std::process::id());
        }
        assert_eq!(Listening::observe(Path::new("/nowhere")), []);
    }
}
