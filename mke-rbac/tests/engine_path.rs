//! A target has one meaning or none.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use mke_rbac::engine::{MAX_PATH_BYTES, MAX_SEGMENTS, MAX_TARGET_BYTES, PathError, normalize};
use proptest::prelude::*;

/// proxy-02, proxy-03: every form that two programs could read differently is refused.
#[test]
fn sec_proxy_02_doubtful_targets_are_refused() {
    for target in [
        "",
        "*",
        "containers/json",
        "http://host/containers/json",
        "host:443",
        "//containers/json",
        "/containers//json",
        "/containers/json//",
        "//",
        "/./containers/json",
        "/containers/./json",
        "/containers/../json",
        "/containers/..",
        "/%2e%2e/json",
        "/%2e/json",
        "/.%2E/json",
        "/containers%2fjson",
        "/containers%2Fjson",
        "/containers%252fjson",
        "/containers/%25/json",
        "/containers/a%5cb/json",
        "/containers/a\\b/json",
        "/containers;a=b/json",
        "/containers/json;a=b",
        "/containers/a%3Bb/json",
        "/containers/json#x",
        "/containers/json?a=1#x",
        "/containers/json?a=1;b=2",
        "/containers/%00/json",
        "/containers/json?a=%00",
        "/containers/%0a/json",
        "/containers/a b/json",
        "/containers/\u{7f}/json",
        "/containers/%c2%80/json",
        "/containers/%ff/json",
        "/containers/%c3/json",
        "/containers/%/json",
        "/containers/%4/json",
        "/containers/%zz/json",
        "/containers/json?a=%f",
        "/v1.041/info",
        "/V1.41/info",
        "/v1/info",
        "/v/info",
        "/v1.41.0/info",
        "/v1./info",
        "/v.41/info",
        "/v01.41/info",
        "/v%31.041/info",
        "/v99999.1/info",
    ] {
        assert!(normalize(target).is_err(), "{target:?} must be refused");
    }
}

/// proxy-02: escapes are decoded once, a trailing slash means nothing, and the path is written in one spelling.
#[test]
fn sec_proxy_02_one_spelling() {
    for (target, path) in [
        ("/", "/"),
        ("/accounts/", "/accounts"),
        ("/accounts", "/accounts"),
        ("/v1.41/containers/json/", "/containers/json"),
        ("/c%6fntainers/js%6Fn", "/containers/json"),
        (
            "/collectionGrants/system%3Aserviceaccount:a/x",
            "/collectionGrants/system:serviceaccount:a/x",
        ),
        ("/images/a@sha256:0/json", "/images/a@sha256:0/json"),
        ("/networks/a%20b", "/networks/a%20b"),
        ("/networks/%C3%A9", "/networks/%C3%A9"),
        ("/version", "/version"),
        ("/volumes", "/volumes"),
        ("/%761.41/info", "/info"),
    ] {
        let target_of = normalize(target).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(target_of.path(), path, "{target}");
    }
    assert_eq!(
        normalize("/v1.41/info").unwrap().version().unwrap().to_string(),
        "1.41"
    );
    assert_eq!(normalize("/version").unwrap().version(), None);
}

/// G-02: the limits on length, elements and parameters, each hit by one.
#[test]
fn limits() {
    let path = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    assert!(normalize(&path(MAX_PATH_BYTES)).is_ok());
    assert!(matches!(
        normalize(&path(MAX_PATH_BYTES + 1)),
        Err(PathError::TooLong { .. })
    ));
    let query = |bytes: usize| format!("/a?b={}", "c".repeat(bytes - 5));
    assert!(normalize(&query(MAX_TARGET_BYTES)).is_ok());
    assert!(normalize(&query(MAX_TARGET_BYTES + 1)).is_err());
    assert!(normalize(&"/a".repeat(MAX_SEGMENTS)).is_ok());
    assert!(matches!(
        normalize(&"/a".repeat(MAX_SEGMENTS + 1)),
        Err(PathError::TooDeep { .. })
    ));
    let parameters = |count: usize| format!("/a?{}", "b=1&".repeat(count));
    assert!(normalize(&parameters(256)).is_ok());
    assert!(normalize(&parameters(257)).is_err());
}

/// Parameters are read by name; a repeated one has no value.
#[test]
fn queries() {
    let target = normalize("/x?a=1&b=c+d%26&a=2&e&f=false&g=0&h=True&i=no").unwrap();
    let query = target.query();
    assert!(query.one("a").is_err());
    assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(query.one("b").unwrap(), Some("c d&"));
    assert_eq!(query.one("e").unwrap(), Some(""));
    assert_eq!(query.one("B").unwrap(), None);
    for (name, on) in [
        ("e", false),
        ("f", false),
        ("g", false),
        ("h", true),
        ("i", false),
        ("z", false),
    ] {
        assert_eq!(query.switch(name).unwrap(), on, "{name}");
    }
    assert_eq!(query.to_string(), "a=1&b=c%20d%26&a=2&e=&f=false&g=0&h=True&i=no");
}

proptest! {
    /// proxy-02: a normalized path is its own normal form, and reading never panics.
    #[test]
    fn normalizing_twice_changes_nothing(target in "(/(%[0-9a-f]{2}|[a-c.:;%\\\\]|é){0,4}){0,5}/?(\\?(a|%41|=|&|;|\\+){0,6})?") {
        if let Ok(first) = normalize(&target) {
            let second = normalize(&first.path()).expect("our own spelling");
            prop_assert_eq!(second.path(), first.path());
            let query = normalize(&format!("/?{}", first.query())).expect("our own spelling");
            prop_assert_eq!(query.query().to_string(), first.query().to_string());
        }
    }

    /// G-07: no text makes the reader panic.
    #[test]
    fn any_text(target in any::<String>()) {
        let _ = normalize(&target);
    }
}
