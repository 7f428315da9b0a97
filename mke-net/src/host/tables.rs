//! The kernel's own tables, as text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Route;

/// Flag of a route that is in use.
const UP: u32 = 0x0001;
/// Flag of a route that answers "unreachable" (`RTF_REJECT`).
const REJECT: u32 = 0x0200;

/// `/proc/net/route`: addresses are 32 bits in the machine's order, in hexadecimal digits.
pub(super) fn routes(table: &str) -> Vec<Route> {
    let route = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let interface = fields.next()?.to_owned();
        let (destination, gateway) = (address(fields.next()?)?, address(fields.next()?)?);
        let flags = u32::from_str_radix(fields.next()?, 16).ok()?;
        let mask = address(fields.nth(3)?)?;
        let net = Ipv4Net::with_netmask(destination, mask).ok()?;
        (flags & UP != 0 && flags & REJECT == 0).then_some(Route {
            net: IpNet::V4(net.trunc()),
            interface,
            gateway: (!gateway.is_unspecified()).then_some(IpAddr::V4(gateway)),
        })
    };
    table.lines().filter_map(route).collect()
}

/// `/proc/net/ipv6_route`.
pub(super) fn routes_v6(table: &str) -> Vec<Route> {
    let route = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let &[destination, prefix, _, _, gateway, _, _, _, flags, interface] = fields.as_slice() else {
            return None;
        };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let net = Ipv6Net::new(address_v6(destination)?, u8::from_str_radix(prefix, 16).ok()?).ok()?;
        let gateway = address_v6(gateway)?;
        (flags & UP != 0 && flags & REJECT == 0).then_some(Route {
            net: IpNet::V6(net.trunc()),
            interface: interface.to_owned(),
            gateway: (!gateway.is_unspecified()).then_some(IpAddr::V6(gateway)),
        })
    };
    table.lines().filter_map(route).collect()
}

/// `/proc/net/fib_trie`: an address that is followed by `/32 host LOCAL` is the host's own.
pub(super) fn local_addresses(table: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut last = None;
    table.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
            return None;
        }
        (line == "/32 host LOCAL")
            .then_some(last)
            .flatten()
            .filter(|address| !address.is_loopback())
    })
}

/// `/proc/net/if_inet6`: addresses with the name of their interface.
pub(super) fn local_addresses_v6(table: &str) -> impl Iterator<Item = (Ipv6Addr, &str)> {
    table.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let address = address_v6(fields.next()?)?;
        let interface = fields.nth(4)?;
        (!address.is_loopback()).then_some((address, interface))
    })
}

/// `nameserver` lines of resolv.conf; a zone behind `%` says through which interface and does not change the address.
pub(super) fn name_servers(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == "nameserver").then_some(())?;
        words.next()?.split('%').next()?.parse().ok()
    };
    text.lines().filter_map(server).collect()
}

fn address(digits: &str) -> Option<Ipv4Addr> {
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some(Ipv4Addr::from(number.to_ne_bytes()))
}

fn address_v6(digits: &str) -> Option<Ipv6Addr> {
    (digits.len() == 32).then_some(())?;
    u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from)
}
