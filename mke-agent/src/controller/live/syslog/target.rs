//! Where messages go, as the configuration says.

use std::fmt;
use std::net::IpAddr;

use mke_core::config::Log;

/// The port of syslog where the configuration names none (RFC 5426, RFC 6587).
const PORT: u16 = 514;

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Protocol {
    /// A stream, each message with its length before it.
    Tcp,
    /// A datagram for each message.
    Udp,
}

/// A remote syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Target {
    pub(super) protocol: Protocol,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// The target that is configured; nothing where no host is.
    pub(in super::super) fn of(log: &Log) -> Option<Self> {
        let text = log.host.trim();
        if text.is_empty() {
            return None;
        }
        let (host, port) = match text.parse::<IpAddr>() {
            Ok(_) => (text, PORT),
            Err(_) => match text.rsplit_once(':') {
                Some((host, port)) => (host, port.parse().unwrap_or(PORT)),
                None => (text, PORT),
            },
        };
        Some(Self {
            protocol: match log.protocol.as_str() {
                "udp" => Protocol::Udp,
                _ => Protocol::Tcp,
            },
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        write!(f, "{protocol}://{}", self.host)?;
        write!(f, ":{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CFG-007, CFG-011: names and addresses, with a port or without; no host is no target.
    #[test]
    fn hosts_and_ports() {
        for (host, protocol, shown) in [
            ("", "tcp", None),
            ("logs.example.com", "tcp", Some("tcp://logs.example.com:514")),
            (
                "logs.example.com:6514",
                "udp",
                Some("udp://logs.example.com:6514"),
            ),
            ("192.0.2.1", "udp", Some("udp://192.0.2.1:514")),
            ("192.0.2.1:1514", "tcp", Some("tcp://192.0.2.1:1514")),
            ("::1", "tcp", Some("tcp://::1:514")),
            ("[::1]:1514", "tcp", Some("tcp://::1:1514")),
        ] {
            let log = Log {
                host: host.to_owned(),
                protocol: protocol.to_owned(),
                ..Log::default()
            };
            assert_eq!(
                Target::of(&log).map(|target| target.to_string()).as_deref(),
                shown,
                "{host}"
            );
        }
    }
}
