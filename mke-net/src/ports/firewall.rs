//! Firewall rules as text: somebody else's firewall is never changed from here.

use std::fmt::Write as _;
use std::net::IpAddr;

use mke_core::product::{Protocol, Role};
use serde_json::{Value, json};

use super::needed::{ClusterPorts, NeededPort, needed};

/// IP protocol of encrypted overlay networks (NET-012).
const ESP: u8 = 50;
/// IP protocol of IP-in-IP (NET-012).
const IP_IN_IP: u8 = 4;

fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}

/// Ports by who may come: from everywhere, and from nodes only.
fn split(role: Role, ports: &ClusterPorts) -> (Vec<NeededPort>, Vec<NeededPort>) {
    let from_elsewhere = needed(role, ports).into_iter().filter(NeededPort::from_elsewhere);
    from_elsewhere.partition(NeededPort::from_outside)
}

/// IP protocols between nodes: encrypted overlays, and IP-in-IP when pods use it.
fn protocols(ports: &ClusterPorts) -> Vec<u8> {
    let ip_in_ip = ports.ip_in_ip.then_some(IP_IN_IP);
    std::iter::once(ESP).chain(ip_in_ip).collect()
}

/// `firewall-cmd` commands for one node: a zone of the other nodes for what only they may reach.
pub fn firewalld(role: Role, ports: &ClusterPorts, nodes: &[IpAddr]) -> String {
    let (outside, inside) = split(role, ports);
    let mut text = String::from("firewall-cmd --permanent --new-zone=ucp-nodes\n");
    for node in nodes {
        let _ = writeln!(
            text,
            "firewall-cmd --permanent --zone=ucp-nodes --add-source={node}"
        );
    }
    for port in inside.iter().chain(&outside) {
        let protocol = word(port.protocol);
        let _ = writeln!(
            text,
            "firewall-cmd --permanent --zone=ucp-nodes --add-port={}/{protocol}",
            port.number
        );
    }
    for protocol in protocols(ports) {
        let _ = writeln!(
            text,
            "firewall-cmd --permanent --zone=ucp-nodes --add-protocol={protocol}"
        );
    }
    for port in &outside {
        let _ = writeln!(
            text,
            "firewall-cmd --permanent --add-port={}/{}",
            port.number,
            word(port.protocol)
        );
    }
    if !ports.swarm_only {
        let (low, high) = ports.node_ports;
        for protocol in ["tcp", "udp"] {
            let _ = writeln!(
                text,
                "firewall-cmd --permanent --add-port={low}-{high}/{protocol}"
            );
        }
    }
    text.push_str("firewall-cmd --reload\n");
    text
}

/// A table for `nft -f`: a chain that accepts what the node needs and says nothing about the rest, so that it stands
/// beside the rules that are there.
pub fn nftables(role: Role, ports: &ClusterPorts, nodes: &[IpAddr]) -> String {
    let (outside, inside) = split(role, ports);
    let mut text = String::from("table inet ucp {\n");
    let family = |v4: bool| {
        nodes
            .iter()
            .filter(move |node| node.is_ipv4() == v4)
            .map(ToString::to_string)
    };
    for (name, kind, v4) in [("nodes4", "ipv4_addr", true), ("nodes6", "ipv6_addr", false)] {
        let elements: Vec<_> = family(v4).collect();
        let _ = write!(text, "    set {name} {{\n        type {kind}\n");
        if !elements.is_empty() {
            let _ = writeln!(text, "        elements = {{ {} }}", elements.join(", "));
        }
        text.push_str("    }\n");
    }
    text.push_str("    chain input {\n        type filter hook input priority filter; policy accept;\n");
    for source in ["ip saddr @nodes4", "ip6 saddr @nodes6"] {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            if let Some(list) = list(&inside, protocol) {
                let _ = writeln!(text, "        {source} {} dport {list} accept", word(protocol));
            }
        }
        let numbers: Vec<_> = protocols(ports).iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "        {source} meta l4proto {{ {} }} accept",
            numbers.join(", ")
        );
    }
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        if let Some(list) = list(&outside, protocol) {
            let _ = writeln!(text, "        {} dport {list} accept", word(protocol));
        }
    }
    if !ports.swarm_only {
        let (low, high) = ports.node_ports;
        for protocol in ["tcp", "udp"] {
            let _ = writeln!(text, "        {protocol} dport {low}-{high} accept");
        }
    }
    text.push_str("    }\n}\n");
    text
}

fn list(ports: &[NeededPort], protocol: Protocol) -> Option<String> {
    let ports = ports.iter().filter(|port| port.protocol == protocol);
    let numbers: Vec<_> = ports.map(|port| port.number.to_string()).collect();
    (!numbers.is_empty()).then(|| format!("{{ {} }}", numbers.join(", ")))
}

/// `IpPermissions` of an AWS security group, for `aws ec2 authorize-security-group-ingress --ip-permissions`. `group` is
/// the group itself, so that nodes reach each other; `clients` are the networks of clients.
pub fn aws_security_group(role: Role, ports: &ClusterPorts, group: &str, clients: &[String]) -> Value {
    let (outside, inside) = split(role, ports);
    let members = json!([{ "GroupId": group }]);
    let clients: Vec<_> = clients.iter().map(|net| json!({ "CidrIp": net })).collect();
    let port = |port: &NeededPort| json!({ "IpProtocol": word(port.protocol), "FromPort": port.number, "ToPort": port.number });
    let mut rules = Vec::new();
    for needed in inside.iter().chain(&outside) {
        let mut rule = port(needed);
        if let Some(rule) = rule.as_object_mut() {
            rule.insert("UserIdGroupPairs".to_owned(), members.clone());
            if needed.from_outside() {
                rule.insert("IpRanges".to_owned(), json!(clients));
            }
        }
        rules.push(rule);
    }
    for protocol in protocols(ports) {
        rules.push(json!({ "IpProtocol": protocol.to_string(), "UserIdGroupPairs": members }));
    }
    if !ports.swarm_only {
        let (low, high) = ports.node_ports;
        for protocol in ["tcp", "udp"] {
            rules.push(
                json!({ "IpProtocol": protocol, "FromPort": low, "ToPort": high, "IpRanges": clients }),
            );
        }
    }
    json!(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Vec<IpAddr> {
        ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
            .map(|node| node.parse().unwrap())
            .to_vec()
    }

    /// NET-009, NET-010, NET-012: the API is for everybody, the rest for nodes, and what only the node itself reaches
    /// is never opened.
    #[test]
    fn rules_open_what_is_needed_and_nothing_else() {
        let ports = ClusterPorts {
            controller: 8443,
            swarm_only: true,
            ..ClusterPorts::default()
        };
        let text = firewalld(Role::Manager, &ports, &nodes());
        assert!(text.contains("--permanent --add-port=8443/tcp\n"), "{text}");
        assert!(text.contains("--zone=ucp-nodes --add-port=12379/tcp\n"));
        assert!(
            !text.contains("--permanent --add-port=12379/tcp"),
            "the store is for nodes only"
        );
        assert!(text.contains("--add-protocol=50"), "encrypted overlays");
        for never in ["443/tcp\n--", "12378", "12389", "32768", "--add-protocol=4\n"] {
            assert!(!text.contains(never), "{never}: {text}");
        }
        let kubernetes = ClusterPorts {
            ip_in_ip: true,
            ..ClusterPorts::default()
        };
        let text = firewalld(Role::Worker, &kubernetes, &nodes());
        assert!(
            text.contains("--add-port=32768-35535/udp") && text.contains("--add-protocol=4\n"),
            "{text}"
        );
        assert!(!text.contains("12379"), "workers have no store");
    }

    #[test]
    fn other_forms_say_the_same() {
        let ports = ClusterPorts {
            swarm_only: true,
            ..ClusterPorts::default()
        };
        let text = nftables(Role::Worker, &ports, &nodes());
        assert!(
            text.contains("ip saddr @nodes4 tcp dport { 7946, 12376 } accept"),
            "{text}"
        );
        assert!(
            text.contains("ip6 saddr @nodes6 udp dport { 4789, 7946 } accept"),
            "{text}"
        );
        assert!(text.contains("elements = { 192.0.2.1, 192.0.2.2 }"));
        let group = aws_security_group(Role::Manager, &ports, "sg-1", &["0.0.0.0/0".to_owned()]);
        let rules = group.as_array().unwrap();
        let rule = |number: u16| rules.iter().find(|rule| rule["FromPort"] == number).unwrap();
        assert_eq!(rule(443)["IpRanges"][0]["CidrIp"], "0.0.0.0/0");
        assert!(rule(12379).get("IpRanges").is_none());
        assert!(rules.iter().any(|rule| rule["IpProtocol"] == "50"));
    }
}
