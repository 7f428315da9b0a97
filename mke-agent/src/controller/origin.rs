//! Whether a page of another site made a browser send a request.
//!
//! A browser presents a client certificate on its own, also when a foreign page sends a form or opens a WebSocket to
//! this server. Such requests say where they come from: in `Origin` (RFC 6454, section 7) and in `Sec-Fetch-Site`
//! (W3C Fetch Metadata). Clients that are no browsers send neither. Bearer tokens need none of this: no browser adds
//! them on its own.

use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::{Authority, Scheme, Uri};

/// Whether the request comes from another site, or does not say clearly that it does not.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let cross_site = headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"));
    let host = headers.get(HOST).and_then(authority);
    let foreign_origin = headers
        .get_all(ORIGIN)
        .iter()
        .any(|value| match (origin(value), &host) {
            (Some(origin), Some(host)) => origin != place(host, &Scheme::HTTPS),
            _ => true,
        });
    cross_site || foreign_origin
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    Authority::try_from(value.as_bytes()).ok()
}

/// Host and port of an origin; nothing for `null`, which hides where a request comes from.
fn origin(value: &HeaderValue) -> Option<(String, u16)> {
    let uri = Uri::try_from(value.as_bytes()).ok()?;
    Some(place(uri.authority()?, uri.scheme()?))
}

fn place(authority: &Authority, scheme: &Scheme) -> (String, u16) {
    let usual = if *scheme == Scheme::HTTP { 80 } else { 443 };
    (
        authority.host().to_ascii_lowercase(),
        authority.port_u16().unwrap_or(usual),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse().expect("a header name"),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn origins_are_compared_with_the_host() {
        for (host, origin, foreign) in [
            ("mke.example.com", "https://mke.example.com", false),
            ("mke.example.com:443", "https://MKE.example.com", false),
            ("mke.example.com:6443", "https://mke.example.com:6443", false),
            ("[2001:db8::1]:6443", "https://[2001:db8::1]:6443", false),
            ("mke.example.com", "https://evil.example.com", true),
            ("mke.example.com", "https://mke.example.com.evil.example", true),
            ("mke.example.com:6443", "https://mke.example.com:8443", true),
            ("mke.example.com:6443", "https://mke.example.com", true),
            ("mke.example.com", "http://mke.example.com", true),
            ("mke.example.com", "null", true),
            ("mke.example.com", "", true),
        ] {
            let headers = headers(&[("host", host), ("origin", origin)]);
            assert_eq!(is_foreign(&headers), foreign, "{origin} on {host}");
        }
    }

    #[test]
    fn requests_without_a_browser_are_not_foreign() {
        for (pairs, foreign) in [
            (&[("host", "h")][..], false),
            (&[("host", "h"), ("sec-fetch-site", "same-origin")], false),
            (&[("host", "h"), ("sec-fetch-site", "none")], false),
            (&[("host", "h"), ("sec-fetch-site", "Cross-Site")], true),
            (&[("origin", "https://h")], true),
            (
                &[("host", "h"), ("origin", "https://h"), ("origin", "https://evil")],
                true,
            ),
        ] {
            assert_eq!(is_foreign(&headers(pairs)), foreign, "{pairs:?}");
        }
    }
}
