//! What the host has now: routes, its own addresses, name servers. Reading is pure; [`Host::observe`] brings the files.

mod tables;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::{fs, io};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::address::{Purpose, Range};

/// One route of the main table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where it leads.
    pub net: IpNet,
    /// Through which interface.
    pub interface: String,
    /// Through which router; without one the network is on the wire.
    pub gateway: Option<IpAddr>,
}

/// What the host has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Host {
    /// Routes, those of IPv4 first.
    pub routes: Vec<Route>,
    /// Its own addresses, without those of the loopback interface.
    pub addresses: BTreeSet<IpAddr>,
    /// Name servers of the resolver.
    pub name_servers: Vec<IpAddr>,
}

/// Why the host could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read")]
pub struct HostError {
    /// The file.
    pub path: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Host {
    /// Reads the network namespace of this process. `root` is `/` outside of tests. A kernel without IPv6 has no such
    /// routes and addresses; that is no error.
    ///
    /// # Errors
    /// [`HostError`] when the tables of IPv4 cannot be read.
    pub fn observe(root: &Path) -> Result<Self, HostError> {
        let must = |path: &str| {
            fs::read_to_string(root.join(path)).map_err(|source| HostError {
                path: format!("/{path}"),
                source,
            })
        };
        let may = |path: &str| must(path).unwrap_or_default();
        Ok(Self::read(&Tables {
            route: &must("proc/net/route")?,
            fib_trie: &must("proc/net/fib_trie")?,
            ipv6_route: &may("proc/net/ipv6_route"),
            if_inet6: &may("proc/net/if_inet6"),
            resolv_conf: &may("etc/resolv.conf"),
        }))
    }

    /// Reads tables of the kernel. Lines that are not understood are left out.
    pub fn read(tables: &Tables<'_>) -> Self {
        let mut routes = tables::routes(tables.route);
        routes.extend(tables::routes_v6(tables.ipv6_route));
        let mut addresses: BTreeSet<IpAddr> =
            tables::local_addresses(tables.fib_trie).map(IpAddr::V4).collect();
        addresses.extend(tables::local_addresses_v6(tables.if_inet6).map(|(address, _)| IpAddr::V6(address)));
        Self {
            routes,
            addresses,
            name_servers: tables::name_servers(tables.resolv_conf),
        }
    }

    /// The networks that others must keep away from: every route but the default one, without bridges and tunnels
    /// that the Engine and Calico made, which are their own business.
    pub fn ranges(&self) -> Vec<Range> {
        let routes = self
            .routes
            .iter()
            .filter(|route| {
                route.net.prefix_len() > 0 && !link_local(route.net) && !made_by_cluster(&route.interface)
            })
            .map(|route| Range::new(Purpose::Host, route.net, format!("route of {}", route.interface)));
        let servers = self
            .name_servers
            .iter()
            .filter(|server| !server.is_loopback())
            .map(|server| Range::new(Purpose::Host, (*server).into(), "name server of /etc/resolv.conf"));
        routes.chain(servers).collect()
    }

    /// What the Engine keeps away from when it chooses a network: routes and name servers, its own bridges included.
    pub fn avoided(&self) -> Vec<IpNet> {
        let routes = self.routes.iter().map(|route| route.net);
        routes
            .chain(self.name_servers.iter().map(|server| (*server).into()))
            .collect()
    }

    /// The IPv4 address of an interface: its own one in a network on its wire. With several, the smallest.
    pub fn address_of(&self, interface: &str) -> Option<Ipv4Addr> {
        let wires: Vec<Ipv4Net> = self
            .routes
            .iter()
            .filter(|route| route.interface == interface && route.gateway.is_none())
            .filter_map(|route| match route.net {
                IpNet::V4(net) => Some(net),
                IpNet::V6(_) => None,
            })
            .collect();
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V4(address) => wires.iter().any(|net| net.contains(address)).then_some(*address),
            IpAddr::V6(_) => None,
        })
    }

    /// The interface with the default route of IPv4.
    pub fn default_interface(&self) -> Option<&str> {
        let mut routes = self.routes.iter();
        let default = routes
            .find(|route| route.net.prefix_len() == 0 && route.gateway.is_some_and(|via| via.is_ipv4()))?;
        Some(&default.interface)
    }
}

/// The tables that a host is read from.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    /// `/proc/net/route`.
    pub route: &'a str,
    /// `/proc/net/fib_trie`.
    pub fib_trie: &'a str,
    /// `/proc/net/ipv6_route`.
    pub ipv6_route: &'a str,
    /// `/proc/net/if_inet6`.
    pub if_inet6: &'a str,
    /// `/etc/resolv.conf`.
    pub resolv_conf: &'a str,
}

fn link_local(net: IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.network().is_link_local(),
        IpNet::V6(net) => net.network().is_unicast_link_local() || net.network().is_multicast(),
    }
}

/// Interfaces of the Engine (`docker0`, `docker_gwbridge`, `br-` and twelve digits of the network's id, `veth…`) and of
/// Kubernetes networks.
pub(crate) fn made_by_cluster(interface: &str) -> bool {
    let bridge = interface
        .strip_prefix("br-")
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    bridge
        || [
            "docker0",
            "docker_gwbridge",
            "tunl0",
            "vxlan.calico",
            "kube-ipvs0",
            "nodelocaldns",
            "lo",
        ]
        .contains(&interface)
        || ["cali", "veth"].iter().any(|start| interface.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        br-0123456789ab\t000013AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        br-lan\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        eth0\t0000000A\t010200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n\
        eth1\t0000FEA9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        broken line\n";
    const TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 4\n     |-- 192.0.2.0\n        /24 link UNICAST\n     \
        |-- 192.0.2.7\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n     \
        |-- 192.0.2.255\n        /32 link BROADCAST\n";

    fn host() -> Host {
        Host::read(&Tables {
            route: ROUTE,
            fib_trie: TRIE,
            ipv6_route: "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 \
                00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
                fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
                00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n\
                00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
                00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n",
            if_inet6: "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n\
                fd000000000000000000000000000007 04 40 00 80     eth0\n\
                00000000000000000000000000000001 01 80 10 80       lo\n",
            resolv_conf: "# none\nnameserver 10.0.0.2\nnameserver 127.0.0.11\nsearch example\nnameserver fe80::1%eth0\n",
        })
    }

    /// NET-007: what is the host's own counts, what the Engine made does not.
    #[test]
    fn ranges_of_the_host() {
        let ranges: Vec<_> = host()
            .ranges()
            .iter()
            .map(|range| format!("{} {}", range.net, range.source))
            .collect();
        assert_eq!(
            ranges,
            [
                "192.168.0.0/24 route of br-lan",
                "192.0.2.0/24 route of eth0",
                "10.0.0.0/8 route of eth0",
                "fd00::/64 route of eth0",
                "10.0.0.2/32 name server of /etc/resolv.conf",
                "fe80::1/128 name server of /etc/resolv.conf",
            ]
        );
        assert!(host().avoided().contains(&"172.17.0.0/16".parse().unwrap()));
    }

    #[test]
    fn addresses_of_the_host() {
        let host = host();
        let addresses: Vec<_> = host.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["192.0.2.7", "fd00::7", "fe80::fc:ff:fe00:1"]);
        assert_eq!(host.default_interface(), Some("eth0"));
        assert_eq!(host.address_of("eth0"), Some(Ipv4Addr::new(192, 0, 2, 7)));
        assert_eq!(host.address_of("eth1"), None);
        assert_eq!(host.address_of("eth"), None);
    }

    #[test]
    fn this_host_is_read() {
        let host = Host::observe(Path::new("/")).unwrap();
        assert!(host.addresses.iter().all(|address| !address.is_loopback()));
        assert!(
            Host::observe(Path::new("/nowhere"))
                .unwrap_err()
                .to_string()
                .starts_with("/proc/net/route")
        );
    }
}
