//! Which header lines cross the proxy.
//!
//! Towards the engine only those pass that its API knows: an unknown header, the caller's credential or a
//! header about the caller's own connection never reaches it. Towards the caller everything passes but what
//! describes the connection to the engine (RFC 9110, section 7.6.1).

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};

/// The protocols that the engine's API switches to.
const PROTOCOLS: [&str; 3] = ["tcp", "h2c", "websocket"];

/// The headers of the request to the engine: those that its endpoint knows. Registry passwords are among them;
/// they are handed on and never logged (proxy-33). A switch of protocol is asked for with [`set_upgrade`].
pub(super) fn towards_engine(caller: &HeaderMap, known: &[&'static str]) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(known.len() + 3);
    for name in known {
        let name = HeaderName::from_static(name);
        if name != CONNECTION && name != UPGRADE {
            for value in caller.get_all(&name) {
                headers.append(name.clone(), value.clone());
            }
        }
    }
    headers
}

/// Removes from an answer what concerned only the connection to the engine.
pub(crate) fn towards_caller(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in [
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
    ] {
        headers.remove(name);
    }
}

/// The protocol that a request asks to switch to, in the engine's spelling. `None` without one, and for a
/// protocol that the engine does not speak: a server may ignore an upgrade (RFC 9110, section 7.8).
pub(crate) fn wanted_upgrade(caller: &HeaderMap) -> Option<&'static str> {
    let asked = caller
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    let mut protocols = caller.get_all(UPGRADE).iter();
    let (Some(protocol), None) = (protocols.next(), protocols.next()) else {
        return None;
    };
    let protocol = protocol.to_str().ok()?.trim();
    PROTOCOLS
        .into_iter()
        .find(|known| asked && protocol.eq_ignore_ascii_case(known))
}

/// Asks for a switch of protocol, or agrees to it.
pub(crate) fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, protocol);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// proxy-03, proxy-33: registry passwords pass where the endpoint reads them; the caller's own credential and
    /// unknown headers never do.
    #[test]
    fn only_known_headers_reach_the_engine() {
        let caller = map(&[
            ("authorization", "Bearer secret"),
            ("cookie", "token=secret"),
            ("x-http-method-override", "DELETE"),
            ("content-length", "5"),
            ("x-registry-auth", "e30="),
            ("connection", "Upgrade"),
            ("upgrade", "tcp"),
        ]);
        let sent = towards_engine(&caller, &["connection", "upgrade", "x-registry-auth"]);
        assert_eq!(
            sent.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-registry-auth"]
        );
        assert!(towards_engine(&caller, &[]).is_empty());
    }

    /// RFC 9110 section 7.6.1: also headers that `Connection` names are dropped.
    #[test]
    fn connection_headers_stop_here() {
        let mut headers = map(&[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "1"),
            ("transfer-encoding", "chunked"),
            ("api-version", "1.41"),
        ]);
        towards_caller(&mut headers);
        assert_eq!(headers.len(), 1);
        assert!(headers.contains_key("api-version"));
    }

    /// A switch needs both headers, one protocol, and one that the engine speaks.
    #[test]
    fn upgrades() {
        let ask = |lines: &[(&'static str, &'static str)]| wanted_upgrade(&map(lines));
        assert_eq!(
            ask(&[("connection", "keep-alive, Upgrade"), ("upgrade", "tcp")]),
            Some("tcp")
        );
        assert_eq!(
            ask(&[("connection", "Upgrade"), ("upgrade", "WebSocket")]),
            Some("websocket")
        );
        assert_eq!(ask(&[("connection", "close"), ("upgrade", "tcp")]), None);
        assert_eq!(ask(&[("upgrade", "tcp")]), None);
        assert_eq!(
            ask(&[("connection", "Upgrade"), ("upgrade", "tcp"), ("upgrade", "h2c")]),
            None
        );
        assert_eq!(ask(&[("connection", "Upgrade"), ("upgrade", "h3")]), None);
    }
}
