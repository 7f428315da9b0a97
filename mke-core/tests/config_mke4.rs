//! From a 3.x configuration to `mke4.yaml`.

#![cfg(test)]

use mke_core::config::mke4::{
    Access, CONSEQUENCES, Cluster3, Left, Obstacle, UNUSED_PORTS, UpgradeSummary, convert, obstacles,
    reminders, stale_kubeconf,
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

/// Must be there word for word: the examples that the documents print side by side.
const DOCUMENTED: &str = r#"
[cluster_config]
  custom_kube_api_server_flags = ["--enable-garbage-collector=false"]
  custom_kubelet_flags = ["--event-burst=100", "--event-qps=50"]
  cipher_suites_for_kube_api_server = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
  [cluster_config.custom_kubelet_flags_profiles]
    high = "--kube-reserved=cpu=200m,memory=512Mi --kube-reserved-cgroup=/high"
    low = "--kube-reserved=cpu=100m,memory=256Mi --kube-reserved-cgroup=/low"
  [cluster_config.core_dns_lameduck_config]
    enabled = true
    duration = "7s"
"#;

/// M4-009, M4-010, M4-016: the whole file of the documents' examples, and nothing of them is left.
#[test]
fn documented_examples() {
    let conversion = convert(&Config::parse(DOCUMENTED).unwrap());
    assert_eq!(conversion.left, []);
    insta::assert_snapshot!("documented-examples", conversion.to_yaml().unwrap());
}

/// M4-009: each of the five lists of custom flags becomes the map of its component; every flag that cannot is listed
/// with its list, and none of them is in a map.
#[test]
fn every_unconverted_flag_is_listed() {
    for (key, path) in [
        ("custom_kube_api_server_flags", "apiServer.extraArgs"),
        (
            "custom_kube_controller_manager_flags",
            "controllerManager.extraArgs",
        ),
        ("custom_kubelet_flags", "kubelet.extraArgs"),
        ("custom_kube_scheduler_flags", "scheduler.extraArgs"),
        ("custom_kube_proxy_flags", "network.kubeProxy.extraArgs"),
    ] {
        let text = format!("[cluster_config]\n{key} = [\"--a=1\", \"--a=2\", \"--b\", \"--a=3\"]\n");
        let conversion = convert(&Config::parse(&text).unwrap());
        let spec = Value::Object(conversion.spec().clone());
        assert_eq!(field(&spec, path), json!({"a": 1, "b": true}), "{key}");
        let left: Vec<_> = conversion
            .left
            .iter()
            .map(|left| (left.key.as_str(), left.found.as_str()))
            .collect();
        let full = format!("cluster_config.{key}");
        assert_eq!(left, [(full.as_str(), "--a=2"), (full.as_str(), "--a=3")]);
    }
    let both = "[cluster_config]\ncipher_suites_for_kubelet = \"TLS_AES_128_GCM_SHA256\"\ncustom_kubelet_flags = [\"--tls-cipher-suites=B\"]\n";
    let conversion = convert(&Config::parse(both).unwrap());
    let spec = Value::Object(conversion.spec().clone());
    assert_eq!(
        field(&spec, "kubelet.extraArgs"),
        json!({"tls-cipher-suites": "B"})
    );
    assert_eq!(conversion.left[0].key, "cluster_config.cipher_suites_for_kubelet");
}

/// Secrets of an exported file are masks: they are named, and never written as if they were the secret.
#[test]
fn masks_are_no_secrets() {
    let mask = mke_core::config::MASK;
    let text = RICH.replace("\"reads\"", &format!("\"{mask}\"")).replace(
        "[cluster_config]\n",
        &format!(
            "[auth.external_identity_provider]\nwellKnownConfigUrl = \"https://h/.well-known/openid-configuration\"\n\
             clientID = \"c\"\nclientSecret = \"{mask}\"\n[cluster_config]\n"
        ),
    );
    let conversion = convert(&Config::parse(&text).unwrap());
    assert!(!conversion.to_yaml().unwrap().contains(mask));
    for key in [
        "auth.ldap.reader_password",
        "auth.external_identity_provider.clientSecret",
    ] {
        assert!(
            conversion
                .left
                .iter()
                .any(|left| left.key == key && left.why.contains("by hand")),
            "{key}"
        );
    }
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

/// M4-014, M4-015: every section of the summary, before and after: what did not come along, accounts and rights, each port
/// that falls free, the container runtime, and what the upgrade does or did.
#[test]
fn summary() {
    let conversion = convert(&Config::parse(RICH).unwrap());
    let left = |key: &str| Left {
        key: key.to_owned(),
        found: String::new(),
        why: "bind it by hand".to_owned(),
    };
    let access = Access {
        users: 3,
        organizations: 1,
        teams: 2,
        renamed: vec![
            "team bank/ops is bank-ops-team: another organization has a team of this name".to_owned(),
        ],
        users_left: vec![left("user root")],
        rights_left: vec![left("grant of viewonly to user bill on collection /")],
    };
    let before = UpgradeSummary {
        conversion: &conversion,
        access: None,
        removed: None,
    };
    insta::assert_snapshot!("summary-of-a-conversion", before.to_string());
    let after = UpgradeSummary {
        conversion: &conversion,
        access: Some(&access),
        removed: Some("3.8.5"),
    };
    insta::assert_snapshot!("summary-of-an-upgrade", after.to_string());
    for text in [before.to_string(), after.to_string()] {
        assert!(!text.contains("reads"), "a secret");
        let titles = text.lines().zip(text.lines().skip(1));
        let titles = titles.filter(|(_, line)| line.starts_with("---"));
        let titles: Vec<_> = titles.map(|(title, _)| title).collect();
        let expected = [
            "Configuration file",
            "Authentication",
            "Authorization",
            "Ports",
            "MCR",
            "MKE 3 clean-up",
        ];
        assert_eq!(titles, expected);
    }
    let documented = [
        2377, 6444, 7946, 9055, 12376, 12378, 12379, 12380, 12381, 12382, 12383, 12384, 12385, 12386, 12387,
        12388, 12389, 12391, 12392, 179, 12390, 2376, 443,
    ];
    assert!(documented.iter().all(|port| UNUSED_PORTS.contains(port)));
    assert_eq!(documented.len(), UNUSED_PORTS.len());
}

/// M4-015, M4-018: what an operator must know before: the cluster is away, Swarm and bundles end, where the kubeconfig lies, what
/// is not carried over.
#[test]
fn consequences() {
    let all = CONSEQUENCES.join("\n");
    for part in [
        "cannot be reached",
        "Swarm",
        "client bundles",
        "~/.mke/",
        "not carried over",
        "back it up",
        "restored",
    ] {
        assert!(all.contains(part), "{part}");
    }
    assert!(reminders(&Config::default()).is_empty());
    let gpu = Config::parse("[cluster_config]\nnvidia_device_plugin = true\n").unwrap();
    assert!(reminders(&gpu).iter().any(|reminder| reminder.contains("GPU")));
}

/// M4-008: a kubeconfig file that a failed upgrade left empty or damaged is found, and the message says to delete it; a
/// good one is none.
#[test]
fn stale_kubeconfig_files_are_found() {
    const PATH: &str = "/root/.mke/mke.kubeconf";
    let good = "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://a:6443'}}]\nusers: [{name: \
                a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\n";
    assert_eq!(stale_kubeconf(PATH, good.as_bytes()), None);
    let cut = &good.as_bytes()[..good.len() / 2];
    let other = good.replace("kind: Config", "kind: Secret");
    let empty_lists = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n";
    for content in [
        &b""[..],
        b"\n",
        b"\0\0\0\0",
        b"\xff\xfe",
        b"null",
        b"[]",
        cut,
        other.as_bytes(),
        empty_lists.as_bytes(),
    ] {
        let found = stale_kubeconf(PATH, content);
        assert_eq!(
            found,
            Some(Obstacle::StaleKubeconf(PATH.to_owned())),
            "{content:?}"
        );
        let text = found.map(|obstacle| obstacle.to_string()).unwrap_or_default();
        assert!(text.contains(PATH) && text.contains("delete the file"), "{text}");
    }
}
