//! `hosts.yaml`: how the upgrade reaches each node by SSH (M4-002).

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_yaml_ng::{Mapping, Value};

use crate::config::Format;

/// The longest file that is read, in bytes.
pub const MAX_HOSTS_BYTES: usize = 256 * 1024;

/// The port of SSH where a host names none.
const SSH_PORT: u16 = 22;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Its name or address, seen from where the upgrade runs.
    pub address: String,
    /// The port of SSH.
    pub port: u16,
    /// The user that logs in.
    pub user: String,
    /// The file of that user's key.
    pub key_path: String,
}

/// One thing that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct HostProblem {
    /// Where: `hosts[2].port`.
    pub field: String,
    /// What is wrong, and what to write.
    pub message: String,
}

/// The nodes of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hosts {
    /// In the order of the file.
    pub hosts: Vec<Host>,
}

impl Hosts {
    /// Reads the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<HostProblem>> {
        let mut problems = Vec::new();
        let hosts = read(text, &mut problems);
        if problems.is_empty() {
            Ok(Self { hosts })
        } else {
            Err(problems)
        }
    }
}

/// As the file: it is read again to the same.
impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_yaml_ng::to_string(self).map_err(|_| fmt::Error)?)
    }
}

fn read(text: &str, problems: &mut Vec<HostProblem>) -> Vec<Host> {
    let mut add = |field: &str, message: &str| {
        problems.push(HostProblem {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    if text.len() > MAX_HOSTS_BYTES {
        add(
            "the file",
            &format!("has {} bytes, at most {MAX_HOSTS_BYTES} are read", text.len()),
        );
        return Vec::new();
    }
    let tree: Value = match serde_yaml_ng::from_str(text) {
        Ok(tree) => tree,
        Err(error) => {
            add("the file", &format!("is no YAML: {error}"));
            return Vec::new();
        }
    };
    let Some(top) = tree.as_mapping() else {
        add("the file", "must begin with `hosts:` and a list below it");
        return Vec::new();
    };
    for key in top.keys().filter(|key| key.as_str() != Some("hosts")) {
        add(&name(key), "is unknown: only `hosts` stands at the top");
    }
    let list = top.get("hosts").and_then(Value::as_sequence);
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        add("hosts", "must be a list with at least one host");
        return Vec::new();
    };
    let mut hosts = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, host) in list.iter().enumerate() {
        let at = format!("hosts[{index}]");
        let Some(host) = host.as_mapping() else {
            add(
                &at,
                "must have the fields `address`, `port`, `user` and `keyPath`",
            );
            continue;
        };
        let host = one(host, &at, &mut add);
        let again = seen
            .get(&host.address)
            .copied()
            .filter(|_| !host.address.is_empty());
        if let Some(first) = again {
            add(
                &format!("{at}.address"),
                &format!("{:?} is hosts[{first}] too: name each host once", host.address),
            );
        }
        seen.insert(host.address.clone(), index);
        hosts.push(host);
    }
    hosts
}

fn one(host: &Mapping, at: &str, add: &mut impl FnMut(&str, &str)) -> Host {
    const FIELDS: [&str; 4] = ["address", "port", "user", "keyPath"];
    for key in host
        .keys()
        .filter(|key| key.as_str().is_none_or(|key| !FIELDS.contains(&key)))
    {
        add(
            &format!("{at}.{}", name(key)),
            "is unknown: a host has `address`, `port`, `user` and `keyPath`",
        );
    }
    let mut text = |field: &str, what: &str, fits: fn(&str) -> bool| {
        let found = host.get(field).and_then(Value::as_str).unwrap_or_default();
        if found.is_empty() || !fits(found) {
            add(&format!("{at}.{field}"), what);
        }
        found.to_owned()
    };
    let plain = |text: &str| !text.chars().any(char::is_control);
    let address = text("address", "must be the name or address of the host", |text| {
        Format::HostName.accepts(text)
    });
    // A name with a dash in front would be an option of the program that logs in.
    let user = text("user", "must be the user that logs in", |text| {
        !text.starts_with('-')
            && !text
                .chars()
                .any(|c| c.is_control() || c.is_whitespace() || c == '@')
    });
    let key_path = text("keyPath", "must be the path of that user's key", plain);
    let port = match host.get("port") {
        None => Some(SSH_PORT),
        Some(port) => port
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port > 0),
    };
    if port.is_none() {
        add(&format!("{at}.port"), "must be a number from 1 to 65535");
    }
    Host {
        address,
        port: port.unwrap_or(SSH_PORT),
        user,
        key_path,
    }
}

fn name(key: &Value) -> String {
    key.as_str()
        .map_or_else(|| "a key".to_owned(), |key| key.escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let problems = Hosts::parse(text).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.field).collect()
    }

    /// M4-002: address, port, user and key of each host; the port may be left out.
    #[test]
    fn hosts() {
        let text = "hosts:\n  - address: 198.51.100.7\n    port: 2222\n    user: ubuntu\n    keyPath: /home/me/.ssh/id\n  - \
                    address: node-2.example.com\n    user: root\n    keyPath: ~/.ssh/id\n";
        let hosts = Hosts::parse(text).unwrap();
        let seen: Vec<_> = hosts
            .hosts
            .iter()
            .map(|host| (host.address.as_str(), host.port))
            .collect();
        assert_eq!(seen, [("198.51.100.7", 2222), ("node-2.example.com", 22)]);
        assert_eq!(Hosts::parse(&hosts.to_string()), Ok(hosts));
    }

    /// M4-002: everything that is wrong is named at once with its place.
    #[test]
    fn every_mistake_at_once() {
        let good = "address: h, user: u, keyPath: k";
        for (text, expected) in [
            ("", &["the file"][..]),
            ("- address: x", &["the file"]),
            ("hosts: {", &["the file"]),
            ("hosts: []", &["hosts"]),
            ("nodes: []", &["nodes", "hosts"]),
            ("hosts: [x]", &["hosts[0]"]),
            (
                "hosts: [{}]",
                &["hosts[0].address", "hosts[0].user", "hosts[0].keyPath"],
            ),
            (&format!("hosts: [{{{good}}}, {{{good}}}]"), &["hosts[1].address"]),
            (&format!("hosts: [{{{good}, port: 0}}]"), &["hosts[0].port"]),
            (&format!("hosts: [{{{good}, port: 65536}}]"), &["hosts[0].port"]),
            (&format!("hosts: [{{{good}, port: '22'}}]"), &["hosts[0].port"]),
            (&format!("hosts: [{{{good}, keypath: x}}]"), &["hosts[0].keypath"]),
            (
                "hosts: [{address: 'a b', user: '-oProxyCommand=x', keyPath: \"k\\n\", port: -1}]",
                &[
                    "hosts[0].address",
                    "hosts[0].user",
                    "hosts[0].keyPath",
                    "hosts[0].port",
                ],
            ),
            (&"#".repeat(MAX_HOSTS_BYTES + 1), &["the file"]),
        ] {
            assert_eq!(
                places(text),
                expected,
                "{}",
                text.chars().take(90).collect::<String>()
            );
        }
    }
}
