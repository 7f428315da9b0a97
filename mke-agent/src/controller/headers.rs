//! The headers that every answer carries.

use std::net::IpAddr;

use http::header::{HeaderMap, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY};
use mke_core::config::{Config, RESERVED_HEADERS};

/// Two years, this name and every name below it (PKI-015).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// What the identity headers say (DAPI-012).
#[derive(Debug, Clone)]
pub(crate) struct ServerIdentity {
    name: HeaderValue,
    address: Option<HeaderValue>,
}

impl ServerIdentity {
    /// The host name.
    pub(crate) fn name(&self) -> &str {
        self.name.to_str().unwrap_or("unknown")
    }

    /// The host name and the address that clients are told.
    pub(crate) fn new(host_name: &str, address: Option<IpAddr>) -> Self {
        Self {
            name: HeaderValue::from_str(host_name).unwrap_or(HeaderValue::from_static("unknown")),
            address: address.and_then(|address| HeaderValue::from_str(&address.to_string()).ok()),
        }
    }
}

/// Adds transport security, the server's identity unless it is excluded, and the operator's own headers. An
/// operator's header may repeat a name; it never touches what the answer is
/// and where it ends.
pub(crate) fn add(headers: &mut HeaderMap, config: &Config, identity: &ServerIdentity) {
    headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    if !config.cluster.exclude_server_identity_headers {
        if let Some(address) = &identity.address {
            headers.insert(HeaderName::from_static("x-server-ip"), address.clone());
        }
        headers.insert(HeaderName::from_static("x-server-name"), identity.name.clone());
    }
    for custom in &config.custom_api_server_headers {
        let (Ok(name), Ok(value)) = (
            custom.name.parse::<HeaderName>(),
            custom.value.parse::<HeaderValue>(),
        ) else {
            continue;
        };
        if !RESERVED_HEADERS.contains(&name.as_str()) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::config::CustomHeader;

    fn answered(config: &Config) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let identity = ServerIdentity::new("node-1", "192.0.2.7".parse().ok());
        add(&mut headers, config, &identity);
        headers
    }

    /// PKI-015, pki-11, DAPI-012: the exact value, and identity headers that can be left out.
    #[test]
    fn standing_headers() {
        let mut config = Config::default();
        let headers = answered(&config);
        assert_eq!(
            headers[STRICT_TRANSPORT_SECURITY],
            "max-age=63072000; includeSubDomains"
        );
        assert_eq!(headers["x-server-ip"], "192.0.2.7");
        assert_eq!(headers["x-server-name"], "node-1");
        config.cluster.exclude_server_identity_headers = true;
        let headers = answered(&config);
        assert!(!headers.contains_key("x-server-ip") && !headers.contains_key("x-server-name"));
    }

    /// DAPI-013: repeatable, and never able to break the framing.
    #[test]
    fn custom_headers() {
        let header = |name: &str, value: &str| CustomHeader {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let config = Config {
            custom_api_server_headers: vec![
                header("X-Team", "a"),
                header("X-Team", "b"),
                header("Content-Length", "0"),
            ],
            ..Config::default()
        };
        let headers = answered(&config);
        assert_eq!(headers.get_all("x-team").iter().count(), 2);
        assert!(!headers.contains_key("content-length"));
    }
}
