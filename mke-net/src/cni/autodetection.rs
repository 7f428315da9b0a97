//! How a node finds the address that others reach it by (NET-019).

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::Ipv4Net;

use crate::host::Host;

/// A method of `calico_ip_auto_method`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Autodetection {
    /// The first address of the first interface that is not the cluster's own.
    FirstFound,
    /// The address from which another one is reached.
    CanReach(IpAddr),
    /// The first address of an interface; names may end in `.*`.
    Interface(Vec<String>),
    /// The first address of an interface that is none of these.
    SkipInterface(Vec<String>),
    /// The first address inside of a network.
    Cidr(Vec<Ipv4Net>),
    /// The address under which Kubernetes knows the node.
    KubernetesInternalIp,
}

/// A text that is no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no method: use `first-found`, `can-reach=ADDRESS`, `interface=NAME,…`, `skip-interface=NAME,…`, \
     `cidr=NETWORK,…` or `kubernetes-internal-ip`"
)]
pub struct MethodError(String);

impl FromStr for Autodetection {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let wrong = || MethodError(text.to_owned());
        let names = |list: &str| {
            let names: Vec<_> = list.split(',').map(|name| name.trim().to_owned()).collect();
            names.iter().all(|name| interface_name(name)).then_some(names)
        };
        match text.trim().split_once('=') {
            None if matches!(text.trim(), "" | "first-found") => Ok(Self::FirstFound),
            None if text.trim() == "kubernetes-internal-ip" => Ok(Self::KubernetesInternalIp),
            Some(("can-reach", address)) => address.parse().map(Self::CanReach).map_err(|_| wrong()),
            Some(("interface", list)) => names(list).map(Self::Interface).ok_or_else(wrong),
            Some(("skip-interface", list)) => names(list).map(Self::SkipInterface).ok_or_else(wrong),
            Some(("cidr", list)) => {
                let nets: Result<Vec<_>, _> = list.split(',').map(|net| net.trim().parse()).collect();
                nets.map(Self::Cidr).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

impl Autodetection {
    /// The address that the method finds on a host; `internal` is the one that Kubernetes knows.
    pub fn find(&self, host: &Host, internal: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let mut interfaces: Vec<&str> = Vec::new();
        for route in host
            .routes
            .iter()
            .filter(|route| !crate::host::made_by_cluster(&route.interface))
        {
            if !interfaces.contains(&route.interface.as_str()) {
                interfaces.push(&route.interface);
            }
        }
        let mut interfaces = interfaces.into_iter();
        match self {
            Self::KubernetesInternalIp => internal,
            Self::FirstFound => interfaces.find_map(|interface| host.address_of(interface)),
            Self::Interface(names) => {
                let mut wanted =
                    interfaces.filter(|interface| names.iter().any(|name| matches(name, interface)));
                wanted.find_map(|interface| host.address_of(interface))
            }
            Self::SkipInterface(names) => {
                let mut left =
                    interfaces.filter(|interface| !names.iter().any(|name| matches(name, interface)));
                left.find_map(|interface| host.address_of(interface))
            }
            Self::Cidr(nets) => host.addresses.iter().find_map(|address| match address {
                IpAddr::V4(address) => nets.iter().any(|net| net.contains(address)).then_some(*address),
                IpAddr::V6(_) => None,
            }),
            Self::CanReach(there) => {
                // The most exact route wins, as in the kernel.
                let leads = host.routes.iter().filter(|route| route.net.contains(there));
                let route = leads.max_by_key(|route| route.net.prefix_len())?;
                host.address_of(&route.interface)
            }
        }
    }
}

/// Names of interfaces have at most 15 bytes; a trailing `.*` stands for any end.
fn interface_name(name: &str) -> bool {
    let plain = name.strip_suffix(".*").unwrap_or(name);
    !plain.is_empty()
        && plain.len() <= 15
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b':'))
}

fn matches(name: &str, interface: &str) -> bool {
    match name.strip_suffix(".*") {
        Some(start) => interface.starts_with(start),
        None => name == interface,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Tables;

    fn host() -> Host {
        // eth0 192.0.2.7/24 with the default route, eth1 10.0.0.7/8, docker0 172.17.0.1/16.
        let route = "Iface Destination Gateway Flags RefCnt Use Metric Mask\n\
            docker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0\n\
            eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n\
            eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n\
            eth1 0000000A 00000000 0001 0 0 0 000000FF 0 0 0\n";
        let own = ["172.17.0.1", "192.0.2.7", "10.0.0.7"];
        let trie: String = own
            .iter()
            .map(|own| format!("|-- {own}\n/32 host LOCAL\n"))
            .collect();
        Host::read(&Tables {
            route,
            fib_trie: &trie,
            ipv6_route: "",
            if_inet6: "",
            resolv_conf: "",
        })
    }

    /// NET-019: each method finds the address that it names, and nothing where there is none.
    #[test]
    fn methods_and_their_addresses() {
        for (method, expected) in [
            ("first-found", Some("192.0.2.7")),
            ("", Some("192.0.2.7")),
            ("interface=eth1", Some("10.0.0.7")),
            ("interface=ens.*,eth.*", Some("192.0.2.7")),
            ("interface=docker0", None),
            ("skip-interface=eth0", Some("10.0.0.7")),
            ("skip-interface=eth.*", None),
            ("cidr=10.0.0.0/8", Some("10.0.0.7")),
            ("cidr=203.0.113.0/24", None),
            ("can-reach=10.9.9.9", Some("10.0.0.7")),
            ("can-reach=203.0.113.9", Some("192.0.2.7")),
            ("kubernetes-internal-ip", Some("192.0.2.99")),
        ] {
            let found = method
                .parse::<Autodetection>()
                .unwrap()
                .find(&host(), "192.0.2.99".parse().ok());
            assert_eq!(
                found,
                expected.map(|address| address.parse().unwrap()),
                "{method}"
            );
        }
    }

    #[test]
    fn what_is_no_method_is_refused() {
        for text in [
            "first",
            "interface=",
            "interface=a b",
            "can-reach=",
            "can-reach=x",
            "cidr=10.0.0.0",
            "dns=x",
            "interface=0123456789abcdef",
        ] {
            let error = text.parse::<Autodetection>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` is no method: use `first-found`")),
                "{error}"
            );
        }
    }
}
