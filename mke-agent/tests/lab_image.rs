//! The images of the product in a real engine. Needs root, the packages docker.io, iptables, iproute2 and util-linux, and the archives
//! that `cargo xtask test` makes; what is missing fails the test and is named.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;

use mke_core::product::{DEFAULT_ORGANISATION, DEFAULT_VERSION, ProductVersion, all_images};
use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, until};

/// The name of an image.
fn image(name: &str, version: ProductVersion) -> String {
    format!("{DEFAULT_ORGANISATION}/{name}:{version}")
}

/// The images of the product that an engine has.
fn present(node: Node<'_>) -> BTreeSet<String> {
    let listed = node.docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    listed.lines().map(str::to_owned).collect()
}

/// The images that the product makes, of one version.
fn made(version: ProductVersion) -> BTreeSet<String> {
    let made = all_images().iter().filter(|known| known.made);
    made.map(|known| image(known.name, version)).collect()
}

/// OFF-001, OFF-003: one archive brings every image that the product makes, those of the routing mesh among them, to an engine without a
/// network, and they run there.
#[test]
fn lab_loads_one_archive() {
    let lab = Lab::up(1);
    let node = lab.node(1);
    let archive = images::archive();
    assert_eq!(present(node), BTreeSet::new());
    node.load_images(&archive);
    assert_eq!(present(node), made(DEFAULT_VERSION));

    // Both programs find their libraries.
    let (ucp, agent, etcd, nginx) = ["ucp", "ucp-agent", "ucp-etcd", "ucp-interlock-proxy"]
        .map(|name| image(name, DEFAULT_VERSION))
        .into();
    let version = node.docker(&["run", "--rm", &ucp, "version"]);
    assert!(version.starts_with("ucp "), "{version}");
    assert!(
        node.docker(&["run", "--rm", &agent, "--help"])
            .contains("Usage: ucp-agent")
    );
    let says = [
        "inspect",
        "--format",
        "{{.Config.Env}} {{.Config.Labels}}",
        &agent,
    ];
    let says = node.docker(&says);
    assert!(says.contains(&format!("UCP_VERSION={DEFAULT_VERSION}")), "{says}");
    assert!(
        says.contains(&format!("com.docker.ucp.version:{DEFAULT_VERSION}")),
        "{says}"
    );

    // etcd serves, and containers find it by its name.
    node.docker(&["network", "create", "inside"]);
    let inside = ["run", "--detach", "--network", "inside", "--name"];
    let urls = [
        "--listen-client-urls=http://0.0.0.0:2379",
        "--advertise-client-urls=http://store:2379",
    ];
    node.docker(&[&inside[..], &["store", &etcd], &urls].concat());
    let client = ["exec", "store", "etcdctl", "--endpoints", "http://store:2379"];
    until("etcd answers", || {
        let put = node.try_docker(&[&client[..], &["put", "key", "value"]].concat());
        put.success().then_some(())
    });
    let value = node.docker(&[&client[..], &["get", "key", "--print-value-only"]].concat());
    assert_eq!(value, "value");
    node.docker(&[&inside[..], &["proxy", &nginx]].concat());
    let answers = |host: &str| {
        let url = format!("https://{host}");
        let login = ["--url", &url, "--username", "u", "--password-stdin"];
        let run = [
            "run",
            "--rm",
            "--network",
            "inside",
            "--interactive",
            &ucp,
            "login",
        ];
        let ended = node.try_docker(&[&run[..], &login].concat());
        format!("{}{}", ended.stdout, ended.stderr)
    };
    let (there, absent) = (answers("store:2379"), answers("nobody:2379"));
    assert!(absent.contains("nobody"), "{absent}");
    assert_ne!(
        there.replace("store", "nobody"),
        absent,
        "one has a name, one has not"
    );
    until("nginx runs", || {
        let top = node.docker(&["top", "proxy", "-o", "pid,args"]);
        top.contains("nginx: worker process").then_some(())
    });

    // Another version is other images over the same layers.
    let previous = ProductVersion::new(3, 4, 14);
    node.load_images(&images::previous_archive());
    let both = [made(DEFAULT_VERSION), made(previous)]
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(present(node), both);
    let layers = |version| {
        let name = image("ucp-agent", version);
        node.docker(&["inspect", "--format", "{{json .RootFS.Layers}}", &name])
    };
    assert_eq!(layers(previous), layers(DEFAULT_VERSION));
}
