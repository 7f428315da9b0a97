//! Which texts are access names.

use mke_core::pki::{NameFault, PkiError, SubjectAltName};

#[derive(Debug, PartialEq, Clone, Copy)]
enum Kind {
    Dns,
    Ip,
    Uri,
}

/// pki-07, PKI-013: DNS, wildcard, IDN in its ASCII form, IPv4, IPv6 and URI, and the text that each one shows.
#[test]
fn sec_pki_07_good_names() {
    for (text, kind, shown) in [
        ("mke.example.com", Kind::Dns, "mke.example.com"),
        ("MKE.Example.COM", Kind::Dns, "mke.example.com"),
        ("localhost", Kind::Dns, "localhost"),
        ("node_1", Kind::Dns, "node_1"),
        ("1.example", Kind::Dns, "1.example"),
        ("*.example.com", Kind::Dns, "*.example.com"),
        ("xn--bcher-kva.example", Kind::Dns, "xn--bcher-kva.example"),
        ("xn--p1ai", Kind::Dns, "xn--p1ai"),
        ("10.0.0.1", Kind::Ip, "10.0.0.1"),
        ("::1", Kind::Ip, "::1"),
        ("[::1]", Kind::Ip, "::1"),
        ("[2001:DB8::1]", Kind::Ip, "2001:db8::1"),
        ("https://x", Kind::Uri, "https://x"),
        (
            "https://10.0.0.1:6443/path?a=b#c",
            Kind::Uri,
            "https://10.0.0.1:6443/path?a=b#c",
        ),
        ("https://[::1]:443/", Kind::Uri, "https://[::1]:443/"),
        ("spiffe://cluster/ns/a", Kind::Uri, "spiffe://cluster/ns/a"),
    ] {
        let name: SubjectAltName = text.parse().unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let found = match name {
            SubjectAltName::Dns(_) => Kind::Dns,
            SubjectAltName::Ip(_) => Kind::Ip,
            SubjectAltName::Uri(_) => Kind::Uri,
        };
        assert_eq!((found, name.to_string().as_str()), (kind, shown), "{text}");
        assert_eq!(name.to_string().parse(), Ok(name), "{text} comes back");
    }
}

/// pki-07: bad ones are refused, each with its reason.
#[test]
fn sec_pki_07_bad_names_with_their_reason() {
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = ["a".repeat(63).as_str(); 4].join(".");
    let long_uri = format!("https://x/{}", "a".repeat(2048));
    for (text, expected) in [
        ("", NameFault::Empty),
        ("bücher.example", NameFault::NotAscii),
        ("аpple.example", NameFault::NotAscii),
        ("xn--", NameFault::BadALabel),
        ("xn--abc-", NameFault::BadALabel),
        ("*", NameFault::Wildcard),
        ("*.com", NameFault::Wildcard),
        ("a.*.example.com", NameFault::Wildcard),
        ("a*.example.com", NameFault::Wildcard),
        ("*.*.example.com", NameFault::Wildcard),
        ("a b", NameFault::Label),
        ("a\0.example.com", NameFault::Label),
        ("a\n", NameFault::Label),
        ("a..b", NameFault::Label),
        (".a", NameFault::Label),
        ("a.example.", NameFault::Label),
        ("-a.example", NameFault::Label),
        ("a-.example", NameFault::Label),
        ("a@b.example", NameFault::Label),
        (&long_label, NameFault::Label),
        (&long_name, NameFault::TooLong { max: 253 }),
        ("10.0.0.256", NameFault::BadAddress),
        ("10.0.1", NameFault::BadAddress),
        ("host.1", NameFault::BadAddress),
        ("1:2:3", NameFault::BadAddress),
        ("[::1", NameFault::BadAddress),
        ("[::1]x", NameFault::BadAddress),
        ("[10.0.0.1]", NameFault::BadAddress),
        ("0.0.0.0", NameFault::Unspecified),
        ("::", NameFault::Unspecified),
        ("fe80::1%eth0", NameFault::Zone),
        ("[fe80::1%eth0]", NameFault::Zone),
        ("host:443", NameFault::Port),
        ("10.0.0.1:443", NameFault::Port),
        ("[::1]:443", NameFault::Port),
        ("10.0.0.0/8", NameFault::Network),
        ("example.com/path", NameFault::Network),
        ("://x", NameFault::Uri),
        ("1x://x", NameFault::Uri),
        ("https://a b", NameFault::Uri),
        ("https://a/\"", NameFault::Uri),
        ("https://a/\0", NameFault::Uri),
        ("https://ü", NameFault::Uri),
        ("https://jane:pw@host/", NameFault::Uri),
        ("https://host:99999/", NameFault::Uri),
        ("https://host:x/", NameFault::Uri),
        ("https://[::1", NameFault::Uri),
        ("https://[::zz]/", NameFault::BadAddress),
        ("https:///path", NameFault::Label),
        ("https://*.example.com/", NameFault::Wildcard),
        (&long_uri, NameFault::TooLong { max: 2048 }),
    ] {
        match text.parse::<SubjectAltName>() {
            Err(PkiError::Name { fault, .. }) => assert_eq!(fault, expected, "{text:?}"),
            other => panic!("{text:?} must be refused, got {other:?}"),
        }
    }
}

/// What a refused text looked like is shown without its control characters.
#[test]
fn refusals_are_safe_to_print() {
    let error = "a\u{1b}[2J\n".parse::<SubjectAltName>().unwrap_err().to_string();
    assert!(!error.chars().any(char::is_control), "{error:?}");
}

proptest::proptest! {
    /// pki-07: whatever is accepted is plain ASCII without blanks, and comes back from its own text as the same name.
    #[test]
    fn sec_pki_07_accepted_names_come_back(text in r"[a-zA-Z0-9.:/*\[\]%_@ é-]{0,40}|\PC{0,20}|[a-z]{1,8}://\PC{0,20}") {
        if let Ok(name) = text.parse::<SubjectAltName>() {
            let shown = name.to_string();
            proptest::prop_assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown:?}");
            proptest::prop_assert_eq!(shown.parse(), Ok(name));
        }
    }
}
