//! From a 3.x configuration to `mke4.yaml`.

#![cfg(test)]

use mke_core::config::mke4::{
    Accounts, Cluster3, Obstacle, UNUSED_PORTS, UpgradeSummary, convert, obstacles,
};
use mke_core::config::{Config, Version};
use serde_json::{Value, json};

/// A file of 3.7 that uses much of what can be converted, and some that cannot.
const RICH: &str = r#"
[auth]
  backend = "ldap"
  scimEnabled = true

  [auth.sessions]
    lifetime_minutes = 90

  [auth.ldap]
    server_url = "ldaps://ldap.example.com"
    reader_dn = "cn=reader,dc=example,dc=com"
    reader_password = "reads"
    root_certs = "pem"

    [[auth.ldap.user_search_configs]]
      base_dn = "ou=people,dc=example,dc=com"
      username_attr = "uid"
      filter = "(objectClass=person)"
      match_group = false

    [[auth.ldap.user_search_configs]]
      base_dn = "ou=robots,dc=example,dc=com"
      match_group = false

[cluster_config]
  controller_port = 8443
  calico_kdd = true
  pod_cidr = "10.11.0.0/16"
  service_cluster_ip_range = "10.12.0.0/16"
  nodeport_range = "32768-34000"
  kubelet_max_pods = 200
  disable_seccomp_default = true
  custom_kube_api_server_flags = ["--enable-garbage-collector=false", "--request-timeout=2m", "--request-timeout=3m"]
  custom_kube_proxy_flags = ["--v=4"]
  priv_attributes_user_accounts = ["jane"]
  priv_attributes_allowed_for_user_accounts = ["hostPID"]

  [cluster_config.custom_kubelet_flags_profiles]
    big = "--max-pods=250 --eviction-hard=memory.available<1Gi --v=2"

  [cluster_config.core_dns_lameduck_config]
    enabled = true
    duration = "7s"

  [cluster_config.metallb_config]
    enabled = true

    [[cluster_config.metallb_config.metallb_ip_addr_pool]]
      name = "edge"
      external_ip = ["198.51.100.0/28"]

  [cluster_config.ingress_controller]
    enabled = true
    ingress_num_replicas = 3

    [cluster_config.ingress_controller.ingress_extra_args]
      http_port = 8080

[tracking_configuration]
  disable_tracking = true
"#;

fn field(spec: &Value, path: &str) -> Value {
    path.split('.').fold(spec.clone(), |at, name| at[name].clone())
}

/// M4-009, M4-010, M4-016: a rich file, field by field; the examples of the documents are among them.
#[test]
fn fields_of_a_rich_file() {
    let config = Config::parse(RICH).unwrap();
    let conversion = convert(&config);
    let spec = Value::Object(conversion.spec().clone());
    for (path, expected) in [
        (
            "apiServer.extraArgs",
            json!({"enable-garbage-collector": false, "request-timeout": "2m"}),
        ),
        ("network.kubeProxy.extraArgs", json!({"v": 4})),
        ("dns.lameduck", json!({"enabled": true, "duration": "7s"})),
        (
            "kubelet.customProfiles",
            json!([{"name": "big", "values": {"maxPods": 250, "evictionHard": {"memory.available": "1Gi"}}}]),
        ),
        ("kubelet.maxPods", json!(200)),
        ("kubelet.seccompDefault", json!(false)),
        (
            "kubelet.managerKubeReserved",
            json!({"cpu": "250m", "memory": "2Gi", "ephemeral-storage": "4Gi"}),
        ),
        (
            "network.providers",
            json!([{"provider": "calico", "enabled": true, "extraConfig": {"cidrV4": "10.11.0.0/16"}}]),
        ),
        ("network.serviceCIDR", json!("10.12.0.0/16")),
        ("network.nodePortRange", json!("32768-34000")),
        ("ingressController.numReplicas", json!(3)),
        ("ingressController.extraArgs.httpPort", json!(8080)),
        (
            "ingressController.nodePorts",
            json!({"http": 33000, "https": 33001}),
        ),
        ("metallb", json!({"enabled": true})),
        ("tracking.enabled", json!(false)),
        ("authentication.expiry.idTokens", json!("90m")),
        (
            "authentication.ldap",
            json!({
                "enabled": true,
                "host": "ldap.example.com:636",
                "bindDN": "cn=reader,dc=example,dc=com",
                "bindPW": "reads",
                "userSearch": {
                    "baseDN": "ou=people,dc=example,dc=com",
                    "filter": "(objectClass=person)",
                    "username": "uid",
                    "nameAttr": "cn",
                },
            }),
        ),
        ("authentication.saml", Value::Null),
    ] {
        assert_eq!(field(&spec, path), expected, "{path}");
    }
}

/// M4-009, M4-010, M4-014: whatever did not come along is named with what it said and why; nothing that is off or at
/// its default is.
#[test]
fn what_is_left_is_named() {
    let conversion = convert(&Config::parse(RICH).unwrap());
    let mut left: Vec<_> = conversion
        .left
        .iter()
        .map(|left| (left.key.as_str(), left.found.as_str()))
        .collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            ("auth.ldap.root_certs", "certificates"),
            ("auth.ldap.user_search_configs[1]", "ou=robots,dc=example,dc=com"),
            ("auth.scimEnabled", "true"),
            ("cluster_config.controller_port", "8443"),
            (
                "cluster_config.custom_kube_api_server_flags",
                "--request-timeout=3m"
            ),
            ("cluster_config.custom_kubelet_flags_profiles.big", "--v=2"),
            (
                "cluster_config.ingress_controller.ingress_exposed_ports[2]",
                "tcp 31400"
            ),
            (
                "cluster_config.metallb_config.metallb_ip_addr_pool[0]",
                "edge: 198.51.100.0/28"
            ),
            (
                "cluster_config.priv_attributes_allowed_for_user_accounts",
                "[\"hostPID\"]"
            ),
            ("cluster_config.priv_attributes_user_accounts", "[\"jane\"]"),
        ]
    );
    assert!(convert(&Config::default()).left.is_empty());
}

/// No key is both converted and left behind for the same value, and every key of a rich file is one of them.
#[test]
fn every_key_in_use_is_accounted_for() {
    let config = Config::parse(RICH).unwrap();
    let conversion = convert(&config);
    for line in RICH.lines().filter(|line| line.contains(" = ")) {
        let name = line.split('=').next().unwrap().trim();
        let known = conversion
            .converted
            .iter()
            .map(|converted| &converted.key)
            .chain(conversion.left.iter().map(|left| &left.key))
            .any(|key| key.contains(name));
        let part_of_another = ["match_group", "base_dn", "name", "external_ip", "big", "tls"].contains(&name);
        assert!(known || part_of_another, "{name}");
    }
}

/// An ingress that is off gets 33000 and 33001, or the first two ports of another range.
#[test]
fn node_ports_of_an_ingress_that_is_off() {
    for (text, expected) in [
        ("", json!({"http": 33000, "https": 33001})),
        (
            "[cluster_config]\n  nodeport_range = \"30000-31000\"\n",
            json!({"http": 30000, "https": 30001}),
        ),
    ] {
        let conversion = convert(&Config::parse(text).unwrap());
        let spec = Value::Object(conversion.spec().clone());
        assert_eq!(field(&spec, "ingressController.nodePorts"), expected, "{text}");
    }
}

/// The file is YAML of the documented kind, with booleans and not their words.
#[test]
fn the_file() {
    let yaml = convert(&Config::parse(RICH).unwrap()).to_yaml().unwrap();
    assert!(
        yaml.starts_with("apiVersion: mke.mirantis.com/v1alpha1\nkind: MkeConfig\n"),
        "{yaml}"
    );
    assert!(
        yaml.contains("  apiServer:\n    extraArgs:\n      enable-garbage-collector: false\n"),
        "{yaml}"
    );
}

/// M4-001, M4-004: what speaks against an upgrade, all at once; the words about etcd are those that operators search
/// for.
#[test]
fn obstacles_before_an_upgrade() {
    let ready = Cluster3 {
        version: Some(Version::new(3, 7, 15)),
        backup_confirmed: true,
    };
    let with = |text: &str| Config::parse(&format!("[cluster_config]\n{text}\n")).unwrap();
    let kdd = with("calico_kdd = true");
    assert_eq!(obstacles(&kdd, ready), []);
    let latest = Cluster3 {
        version: Some(Version::new(3, 8, 5)),
        ..ready
    };
    assert_eq!(obstacles(&kdd, latest), []);
    for (config, cluster, expected) in [
        (
            &kdd,
            Cluster3 {
                version: Some(Version::new(3, 6, 9)),
                ..ready
            },
            vec![Obstacle::Version("3.6.9".to_owned())],
        ),
        (
            &kdd,
            Cluster3 {
                version: Some(Version::new(3, 9, 1)),
                ..ready
            },
            vec![Obstacle::Version("3.9.1".to_owned())],
        ),
        (
            &with(""),
            Cluster3 {
                version: None,
                backup_confirmed: false,
            },
            vec![
                Obstacle::UnknownVersion,
                Obstacle::NoBackup,
                Obstacle::CalicoInEtcd,
            ],
        ),
        (&with("unmanaged_cni = true"), ready, vec![Obstacle::UnmanagedCni]),
        (
            &with("calico_kdd = true\nkube_proxy_mode = \"ipvs\""),
            ready,
            vec![Obstacle::Ipvs],
        ),
        (
            &with("calico_kdd = true\ncalico_ebpf_enabled = true\nkube_proxy_mode = \"disabled\""),
            ready,
            vec![Obstacle::Ebpf],
        ),
    ] {
        assert_eq!(obstacles(config, cluster), expected);
    }
    assert!(
        Obstacle::CalicoInEtcd
            .to_string()
            .contains("mke3 cluster is using etcdv3 and not kdd backend for calico")
    );
}

/// M4-014: the summary names what did not come along, the accounts, and each port that falls free.
#[test]
fn summary() {
    let conversion = convert(&Config::parse(RICH).unwrap());
    let accounts = Accounts {
        users: 3,
        organizations: 1,
        teams: 2,
    };
    let text = UpgradeSummary {
        conversion: &conversion,
        accounts: Some(accounts),
    }
    .to_string();
    for expected in [
        "cluster_config.custom_kube_api_server_flags = --request-timeout=3m: a map holds each flag once",
        "Users: 3",
        "Organizations: 1",
        "Teams: 2",
        "12391, 12392",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("reads"));
    let documented = [
        2377, 6444, 7946, 9055, 12376, 12378, 12379, 12380, 12381, 12382, 12383, 12384, 12385, 12386, 12387,
        12388, 12389, 12391, 12392, 179, 12390, 2376, 443,
    ];
    assert!(documented.iter().all(|port| UNUSED_PORTS.contains(port)));
    assert_eq!(documented.len(), UNUSED_PORTS.len());
}
