//! The file that holds a secret.

use mke_core::config::Config;
use mke_core::render::encryption::{EncryptionKey, render};
use mke_core::render::{Component, NodeFacts};
use serde_json::{Value, json};

use crate::{cluster, manager, of};

const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn key() -> EncryptionKey {
    EncryptionKey::new([7; 32])
}

fn providers(config: &Config) -> Value {
    let file = render(config, &manager(), &key()).unwrap();
    let tree: Value = serde_yaml_ng::from_str(file.text.expose()).unwrap();
    assert_eq!(tree["kind"], "EncryptionConfiguration");
    assert_eq!(tree["apiVersion"], "apiserver.config.k8s.io/v1");
    assert_eq!(tree["resources"][0]["resources"], json!(["secrets"]));
    tree["resources"][0]["providers"].clone()
}

/// KMS-001: the key alone; with a plugin that is first and the key stays, so that nothing becomes unreadable;
/// the size of the cache is optional.
#[test]
fn providers_in_order() {
    let aes = json!({"aescbc": {"keys": [{"name": "key1", "secret": KEY}]}});
    let plain = json!({"identity": {}});
    assert_eq!(providers(&Config::default()), json!([aes, plain]));
    for (lines, kms) in [
        (
            "kms_enabled = true\nkms_name = \"vault\"\nkms_endpoint = \"/run/kms/vault.sock\"\nkms_cachesize = 100",
            json!({"name": "vault", "endpoint": "unix:///run/kms/vault.sock", "cachesize": 100}),
        ),
        (
            "kms_enabled = true\nkms_name = \"a'b: c\"\nkms_endpoint = \"unix:///run/k: {x}.sock\"",
            json!(null),
        ),
        (
            "kms_enabled = true\nkms_name = \"true\"\nkms_endpoint = \"unix:///run/k'{x}#.sock\"",
            json!({"name": "true", "endpoint": "unix:///run/k'{x}#.sock"}),
        ),
    ] {
        if kms.is_null() {
            assert!(render(&cluster(lines), &manager(), &key()).is_err());
        } else {
            assert_eq!(
                providers(&cluster(lines)),
                json!([{"kms": kms}, aes, plain]),
                "{lines}"
            );
        }
    }
    let off = "kms_name = \"vault\"\nkms_endpoint = \"/run/kms/vault.sock\"";
    assert_eq!(
        providers(&cluster(off)),
        json!([aes, plain]),
        "a plugin that is off is not asked"
    );
}

/// KMS-001: the socket is mounted where it is on the host, and the same inputs give the same file, so that a
/// file that was made once needs no second look.
#[test]
fn the_socket_is_mounted() {
    let config =
        cluster("kms_enabled = true\nkms_name = \"vault\"\nkms_endpoint = \"unix:///run/kms/vault.sock\"");
    let rendered = of(Component::KubeApiserver, &config, &manager());
    let mount = rendered.mounts.first().unwrap();
    assert_eq!(
        (mount.source.as_str(), mount.target.as_str()),
        ("/run/kms/vault.sock", "/run/kms/vault.sock")
    );
    let file = render(&config, &manager(), &key()).unwrap();
    let flag = rendered.flag("encryption-provider-config").unwrap();
    assert_eq!(flag.value.as_deref(), Some(file.path.as_str()));
    assert!(
        rendered
            .notes
            .iter()
            .any(|note| note.contains("before this node becomes a manager"))
    );
    let again = render(&config, &manager(), &key()).unwrap();
    assert_eq!(file.text, again.text);
    assert!(
        of(Component::KubeApiserver, &Config::default(), &manager())
            .mounts
            .is_empty()
    );
}

/// KMS-001: a plugin without a name or without a socket on the host is refused, everything at once, also when the
/// configuration was put together by hand.
#[test]
fn plugins_that_cannot_be() {
    for (name, endpoint, wrong) in [
        (Some("vault"), Some("/run/vault.sock"), &[][..]),
        (
            None,
            None,
            &["cluster_config.kms_name", "cluster_config.kms_endpoint"],
        ),
        (Some(""), Some("/run/vault.sock"), &["cluster_config.kms_name"]),
        (Some("a:b"), Some("/run/vault.sock"), &["cluster_config.kms_name"]),
        (Some("a b"), Some("/run/vault.sock"), &["cluster_config.kms_name"]),
        (
            Some("a\nb"),
            Some("/run/vault.sock"),
            &["cluster_config.kms_name"],
        ),
        (
            Some("vault"),
            Some("tcp://10.0.0.1:80"),
            &["cluster_config.kms_endpoint"],
        ),
        (
            Some("vault"),
            Some("vault.sock"),
            &["cluster_config.kms_endpoint"],
        ),
        (
            Some("vault"),
            Some("/run/../etc/shadow"),
            &["cluster_config.kms_endpoint"],
        ),
        (
            Some("vault"),
            Some("/run/vault\n.sock"),
            &["cluster_config.kms_endpoint"],
        ),
        (Some("vault"), Some("/run/"), &["cluster_config.kms_endpoint"]),
    ] {
        let mut config = Config::default();
        let api = &mut config.cluster.api_server;
        api.kms_enabled = true;
        api.kms_name = name.map(str::to_owned);
        api.kms_endpoint = endpoint.map(str::to_owned);
        let problems = render(&config, &manager(), &key()).err().unwrap_or_default();
        let places: Vec<_> = problems.0.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, wrong, "{name:?} {endpoint:?}");
        assert_eq!(
            crate::places(mke_core::render::render(
                Component::KubeApiserver,
                &config,
                &manager()
            )),
            wrong
        );
    }
}

/// Nothing that prints the file prints its text.
#[test]
fn debug_says_nothing() {
    let file = render(
        &Config::default(),
        &NodeFacts::single_manager("n", "::1".parse().unwrap()),
        &key(),
    )
    .unwrap();
    let shown = format!("{file:?} {:?}", key());
    assert!(!shown.contains(KEY) && !shown.contains("BwcH"), "{shown}");
}
