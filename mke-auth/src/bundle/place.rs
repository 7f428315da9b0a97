//! Which servers a bundle points to.

use std::net::Ipv6Addr;

use mke_core::names::AccountName;

/// Longest host name (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

/// Why a bundle cannot point to a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is no host name and no address.
    #[error("`{}` is no host name or address", host.escape_default())]
    Host {
        /// The text as given.
        host: String,
    },
    /// The cluster id holds more than letters, digits, `-`, `_` and `.`.
    #[error("`{}` is no cluster id", id.escape_default())]
    ClusterId {
        /// The text as given.
        id: String,
    },
    /// There is no port 0 to connect to.
    #[error("port 0 cannot be connected to")]
    Port,
}

/// A controller as clients reach it. What is in it can stand in any script as it is, because everything else is
/// refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: String,
    port: u16,
    kube_port: u16,
    cluster_id: String,
    kubernetes: bool,
}

impl Place {
    /// A controller at `host`, a name or an address, on `port`, with the Kubernetes API on `kube_port`.
    /// `kubernetes` says whether that API runs; bundles name it either way, since some clients need it.
    ///
    /// # Errors
    ///
    /// [`PlaceError`].
    pub fn new(
        host: &str,
        port: u16,
        kube_port: u16,
        cluster_id: &str,
        kubernetes: bool,
    ) -> Result<Self, PlaceError> {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let host = match bare.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) if bare == host && is_host_name(host) => host.to_ascii_lowercase(),
            Err(_) => {
                return Err(PlaceError::Host {
                    host: host.to_owned(),
                });
            }
        };
        if cluster_id.is_empty() || cluster_id.len() > MAX_HOST || !cluster_id.bytes().all(is_plain) {
            return Err(PlaceError::ClusterId {
                id: cluster_id.to_owned(),
            });
        }
        if port == 0 || kube_port == 0 {
            return Err(PlaceError::Port);
        }
        Ok(Self {
            host,
            port,
            kube_port,
            cluster_id: cluster_id.to_owned(),
            kubernetes,
        })
    }

    /// `tcp://<host>:<port>`, what docker connects to.
    pub(super) fn docker(&self) -> String {
        format!("tcp://{}:{}", self.host, self.port)
    }

    /// `https://<host>:<kube port>`, what kubectl connects to.
    pub(super) fn kubernetes(&self) -> String {
        format!("https://{}:{}", self.host, self.kube_port)
    }

    /// The name of cluster, user and context: `ucp_<host>:<kube port>_<user>` (CLB-005).
    pub(super) fn context(&self, user: &AccountName) -> String {
        format!("{}{user}", self.context_prefix())
    }

    /// What comes before the user in [`Self::context`].
    pub(super) fn context_prefix(&self) -> String {
        format!("ucp_{}:{}_", self.host, self.kube_port)
    }

    /// The cluster's id.
    pub(super) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// What the context says that it is for.
    pub(super) fn orchestrator(&self) -> &'static str {
        if self.kubernetes { "all" } else { "swarm" }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Host names and IPv4 addresses.
fn is_host_name(host: &str) -> bool {
    let starts_well = host
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    starts_well && host.len() <= MAX_HOST && host.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// pki-06: nothing that a shell would act upon can be a host or a cluster id.
    #[test]
    fn what_bundles_point_to() {
        for (host, shown) in [
            ("ucp.example.com", "tcp://ucp.example.com:443"),
            ("UCP", "tcp://ucp:443"),
            ("10.0.0.1", "tcp://10.0.0.1:443"),
            ("fd00::1", "tcp://[fd00::1]:443"),
            ("[fd00::1]", "tcp://[fd00::1]:443"),
        ] {
            let place = Place::new(host, 443, 6443, "abc", true).unwrap();
            assert_eq!(place.docker(), shown);
        }
        for host in [
            "",
            "-x",
            "a b",
            "a;rm",
            "$(id)",
            "a\nb",
            "a'b",
            "[host]",
            "a:1",
            "é",
            "`id`",
            "%PATH%",
            "fe80::1%eth0",
        ] {
            assert!(
                Place::new(host, 443, 6443, "abc", true).is_err(),
                "{host:?} must be refused"
            );
        }
        for id in ["", "a b", "a\n$(id)"] {
            assert!(
                Place::new("h", 443, 6443, id, true).is_err(),
                "{id:?} must be refused"
            );
        }
        assert!(Place::new("h", 0, 6443, "abc", true).is_err());
    }
}
