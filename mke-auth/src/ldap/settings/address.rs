//! Addresses of directory servers.

use std::fmt;

/// Where a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Whether TLS begins at once (`ldaps://`).
    pub(crate) tls: bool,
    /// Name or IP address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Reads `ldap://host[:port]` or `ldaps://host[:port]`.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (tls, host, port) = scheme_host_port(url.trim_end_matches('/'))?;
        let port = port.unwrap_or(if tls { 636 } else { 389 });
        Some(Self { tls, host, port })
    }
}

/// Takes the start of an LDAP address apart; what follows the host must not be there.
pub(in crate::ldap) fn scheme_host_port(url: &str) -> Option<(bool, String, Option<u16>)> {
    let (scheme, rest) = url.split_once("://")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "ldap" => false,
        "ldaps" => true,
        _ => return None,
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(six) => {
            let (host, port) = six.split_once(']')?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("")))
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, Some("")),
        },
    };
    let port = match port? {
        "" => None,
        digits => Some(digits.parse::<u16>().ok().filter(|port| *port > 0)?),
    };
    let valid = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%'));
    valid.then(|| (tls, host.to_ascii_lowercase(), port))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "ldaps" } else { "ldap" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Option<String> {
        Address::parse(url).map(|address| address.to_string())
    }

    #[test]
    fn addresses() {
        for (url, read) in [
            ("ldap://a.example", Some("ldap://a.example:389")),
            ("LDAPS://A.Example/", Some("ldaps://a.example:636")),
            ("ldap://127.0.0.1:3890", Some("ldap://127.0.0.1:3890")),
            ("ldaps://[::1]:1636", Some("ldaps://[::1]:1636")),
            ("ldap://[::1]", Some("ldap://[::1]:389")),
            ("ldap://", None),
            ("ldap://a:0", None),
            ("ldap://a:99999", None),
            ("ldap://a/dc=x", None),
            ("ldap://a b", None),
            ("ldap://user@a", None),
            ("http://a", None),
        ] {
            assert_eq!(address(url).as_deref(), read, "{url}");
        }
    }
}
