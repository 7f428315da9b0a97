//! One TLS stack, one HTTP stack, one async runtime; and none of them in the pure crates.

use std::collections::BTreeSet;

use super::graph::Graph;

/// Crates that take clock, randomness and data as arguments and do no input or output (without their features), on any target.
pub(super) const PURE: [&str; 2] = ["mke-core", "mke-rbac"];

/// Never in the tree, with the reason.
const BANNED: [(&str, &str); 16] = [
    ("openssl", "TLS is rustls"),
    ("openssl-sys", "TLS is rustls"),
    ("native-tls", "TLS is rustls"),
    ("aws-lc-rs", "the provider of rustls is ring"),
    ("aws-lc-sys", "the provider of rustls is ring"),
    ("boring", "TLS is rustls"),
    ("mbedtls", "TLS is rustls"),
    ("async-std", "the runtime is tokio"),
    ("smol", "the runtime is tokio"),
    ("glommio", "the runtime is tokio"),
    ("monoio", "the runtime is tokio"),
    ("actix-web", "HTTP is hyper"),
    ("curl", "HTTP is hyper"),
    ("isahc", "HTTP is hyper"),
    ("ureq", "HTTP is hyper"),
    ("tiny_http", "HTTP is hyper"),
];

/// In the tree once: two versions would be two stacks whose types do not fit together.
const SINGLE: [&str; 7] = [
    "http",
    "hyper",
    "rustls",
    "rustls-webpki",
    "tokio",
    "tokio-rustls",
    "zip",
];

/// What a pure crate must not reach, whatever the way: runtimes, HTTP and sockets, databases, clocks and random sources,
/// and whatever ties it to a platform. wasm32 has no machine to ask.
const IMPURE: [&str; 31] = [
    "async-io",
    "async-std",
    "axum",
    "cc",
    "chrono",
    "etcd-client",
    "futures-channel",
    "futures-executor",
    "futures-util",
    "getrandom",
    "h2",
    "http",
    "hyper",
    "hyper-util",
    "js-sys",
    "libc",
    "libsqlite3-sys",
    "mio",
    "reqwest",
    "ring",
    "rusqlite",
    "rustix",
    "rustls",
    "rustls-webpki",
    "smol",
    "socket2",
    "tokio",
    "tokio-util",
    "wasm-bindgen",
    "web-time",
    "windows-sys",
];

/// Banned packages and packages with more than one version.
pub(super) fn duplicates(graph: &Graph) -> Vec<String> {
    let banned = BANNED.iter().filter(|(name, _)| !graph.versions(name).is_empty());
    let banned = banned.map(|(name, why)| format!("{name} is in the dependency tree, but {why}"));
    let twice = SINGLE.iter().filter_map(|name| {
        let versions: Vec<&str> = graph.versions(name).into_iter().collect();
        let twice = versions.len() > 1;
        twice.then(|| {
            format!(
                "{name} is in the dependency tree in several versions: {}",
                versions.join(", ")
            )
        })
    });
    banned.chain(twice).collect()
}

/// What the pure crate `name` reaches and must not.
pub(super) fn impurities(name: &str, reached: &BTreeSet<String>) -> Vec<String> {
    let found = IMPURE.iter().filter(|other| reached.contains(**other));
    found
        .map(|other| format!("{name} must stay pure, but pulls in {other}; see `cargo tree -i {other}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_stack_is_seen() {
        let package = |name: &str, version: &str| {
            format!(
                r#"{{"id": "{name} {version}", "name": "{name}", "version": "{version}", "dependencies": []}}"#
            )
        };
        let graph = |packages: &[String]| {
            Graph::of(&format!(
                r#"{{"workspace_members": [], "packages": [{}]}}"#,
                packages.join(",")
            ))
        };
        assert!(duplicates(&graph(&[package("hyper", "1.0.0"), package("rustls", "0.23.0")])).is_empty());
        assert_eq!(
            duplicates(&graph(&[package("hyper", "1.0.0"), package("hyper", "0.14.0")])).len(),
            1
        );
        assert_eq!(duplicates(&graph(&[package("openssl-sys", "0.9.0")])).len(), 1);
    }

    #[test]
    fn a_runtime_in_a_pure_crate_is_seen() {
        let reached = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert!(impurities("mke-rbac", &reached(&["serde", "mke-core"])).is_empty());
        assert_eq!(impurities("mke-rbac", &reached(&["serde", "tokio"])).len(), 1);
    }
}
