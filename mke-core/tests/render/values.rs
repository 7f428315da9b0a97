//! Values of single flags, tables with what is refused.

use mke_core::config::Config;
use mke_core::render::{
    Component, NodeFacts, NodeRole, OperatingSystem, Orchestrator, Origin, pod_limit, render, size_in_bytes,
};

use crate::{cluster, flag, manager, of, places, rich, worker};

/// CFG-021: managers and workers reserve what their own key says, by default and when it is changed.
#[test]
fn reserved_resources() {
    let tuned = cluster(
        "manager_kube_reserved_resources = \"cpu=1\"\nworker_kube_reserved_resources = \"cpu=100m,memory=512Mi\"",
    );
    for (config, facts, expected) in [
        (
            &Config::default(),
            manager(),
            "cpu=250m,memory=2Gi,ephemeral-storage=4Gi",
        ),
        (
            &Config::default(),
            worker(),
            "cpu=50m,memory=300Mi,ephemeral-storage=500Mi",
        ),
        (&tuned, manager(), "cpu=1"),
        (&tuned, worker(), "cpu=100m,memory=512Mi"),
    ] {
        let found = flag(Component::Kubelet, config, &facts, "kube-reserved");
        assert_eq!(found.as_deref(), Some(expected));
    }
}

/// CFG-022: 110 pods and no limit for each core by default; the smaller limit counts; what is out of bounds is refused.
#[test]
fn pod_limits() {
    for (most, per_core, cores, expected) in [
        (110, 0, None, 110),
        (110, 0, Some(2), 110),
        (110, 10, None, 110),
        (110, 10, Some(4), 40),
        (110, 10, Some(64), 110),
        (250, 250, Some(1), 250),
        (110, 10, Some(0), 0),
        (250, 200, Some(u32::MAX), 250),
    ] {
        let config = cluster(&format!(
            "kubelet_max_pods = {most}\nkubelet_pods_per_core = {per_core}"
        ));
        assert_eq!(pod_limit(&config, cores), expected, "{most} {per_core} {cores:?}");
        let value = |name| flag(Component::Kubelet, &config, &worker(), name);
        assert_eq!(value("max-pods"), Some(most.to_string()));
        assert_eq!(value("pods-per-core"), Some(per_core.to_string()));
    }
    for (most, per_core) in [(251, 0), (0, 0), (110, 111)] {
        assert!(
            Config::parse(&format!(
                "[cluster_config]\nkubelet_max_pods = {most}\nkubelet_pods_per_core = {per_core}\n"
            ))
            .is_err()
        );
        let mut config = Config::default();
        config.cluster.kubelet.kubelet_max_pods = most;
        config.cluster.kubelet.kubelet_pods_per_core = per_core;
        let found = places(render(Component::Kubelet, &config, &worker()));
        assert_eq!(found, ["cluster_config.kubelet_max_pods"], "{most} {per_core}");
    }
}

/// CFG-023: custom flags of every component stand last, as they are written; what they override is said; nothing of
/// another component appears.
#[test]
fn custom_flags_come_last() {
    for (component, key, other) in [
        (
            Component::KubeApiserver,
            "custom_kube_api_server_flags",
            "profiling",
        ),
        (
            Component::KubeControllerManager,
            "custom_kube_controller_manager_flags",
            "profiling",
        ),
        (
            Component::KubeScheduler,
            "custom_kube_scheduler_flags",
            "profiling",
        ),
        (Component::Kubelet, "custom_kubelet_flags", "max-pods"),
        (Component::KubeProxy, "custom_kube_proxy_flags", "proxy-mode"),
    ] {
        let config = cluster(&format!("{key} = [\"--own-flag=1\", \"--{other}=odd\"]"));
        let rendered = of(component, &config, &manager());
        let texts: Vec<_> = rendered.flags.iter().map(ToString::to_string).collect();
        let last = format!("--{other}=odd");
        assert!(
            texts.ends_with(&["--own-flag=1".to_owned(), last.clone()]),
            "{texts:?}"
        );
        assert_eq!(rendered.flag(other).unwrap().to_string(), last);
        let [change] = &rendered.overrides[..] else {
            panic!("{:?}", rendered.overrides)
        };
        assert!(!change.adds_up && change.flag == last && change.earlier.starts_with(&format!("--{other}=")));
        assert!(
            matches!(change.origin, Origin::Custom { item: 1, .. }),
            "{change:?}"
        );
        for another in Component::ALL.into_iter().filter(|another| *another != component) {
            assert!(
                of(another, &config, &manager()).flag("own-flag").is_none(),
                "{another}"
            );
        }
    }
}

/// CFG-023: flags that cannot be flags are refused all at once with their place, also in a configuration that was put
/// together by hand; the configuration file does not take most of them either.
#[test]
fn odd_custom_flags() {
    let mut config = Config::default();
    config.cluster.api_server.custom_kube_api_server_flags =
        ["--v=1\n--insecure", "v=2", "--ok=1", "--ok=2", "--nul=\0"]
            .map(str::to_owned)
            .to_vec();
    let key = "cluster_config.custom_kube_api_server_flags";
    let expected = [0, 1, 3, 4].map(|item| format!("{key}[{item}]"));
    assert_eq!(
        places(render(Component::KubeApiserver, &config, &manager())),
        expected
    );
    for bad in ["\"--v=1\\n--insecure\"", "\"v=2\"", "\"--nul=\\u0000\""] {
        let text = format!("[cluster_config]\ncustom_kube_api_server_flags = [{bad}]\n");
        assert!(Config::parse(&text).is_err(), "{bad}");
    }
}

/// CFG-044: a profile's flags come after all others; a node whose label names no profile is refused, not left as it is.
#[test]
fn profiles() {
    let with = |profile: &str| NodeFacts {
        kubelet_profile: Some(profile.to_owned()),
        ..worker()
    };
    let rendered = of(Component::Kubelet, &rich(), &with("high"));
    let last: Vec<_> = rendered
        .flags
        .iter()
        .rev()
        .take(2)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        last,
        [
            "--kube-reserved-cgroup=/high",
            "--kube-reserved=cpu=200m,memory=512Mi"
        ]
    );
    let plain = of(Component::Kubelet, &rich(), &worker());
    assert!(plain.flag("kube-reserved-cgroup").is_none());
    let key = "cluster_config.custom_kubelet_flags_profiles";
    assert_eq!(
        places(render(Component::Kubelet, &rich(), &with("absent"))),
        [key]
    );
    for (text, place) in [
        ("--v=1 v=2", "[1]"),
        ("--v=1\n--w=2", "[0]"),
        ("--v=1 --v=2", "[1]"),
        ("-v", "[0]"),
    ] {
        let mut config = Config::default();
        config
            .cluster
            .kubelet
            .custom_kubelet_flags_profiles
            .insert("p".to_owned(), text.to_owned());
        let found = places(render(Component::Kubelet, &config, &with("p")));
        assert_eq!(found, [format!("{key}.p{place}")], "{text:?}");
        assert!(
            places(render(Component::Kubelet, &config, &worker())).is_empty(),
            "nobody has the profile"
        );
    }
}

/// CFG-029, CFG-042, IPVS-002: the mode is passed on, IPVS parameters become flags in IPVS only, those that are unset stay with
/// kube-proxy; another mode is refused.
#[test]
fn kube_proxy() {
    let value = |config: &Config, name| flag(Component::KubeProxy, config, &worker(), name);
    let default = Config::default();
    assert_eq!(value(&default, "proxy-mode").as_deref(), Some("iptables"));
    for (name, expected) in [
        ("proxy-mode", "ipvs"),
        ("ipvs-exclude-cidrs", "10.20.0.0/16,10.21.0.0/16"),
        ("ipvs-min-sync-period", "5s"),
        ("ipvs-scheduler", "lc"),
        ("ipvs-strict-arp", "true"),
        ("ipvs-sync-period", "30s"),
        ("ipvs-tcp-timeout", "15m"),
        ("ipvs-tcpfin-timeout", "2m"),
        ("ipvs-udp-timeout", "5m"),
    ] {
        assert_eq!(value(&rich(), name).as_deref(), Some(expected), "{name}");
        if name != "proxy-mode" {
            assert_eq!(value(&default, name), None, "{name}");
        }
    }
    let bare = cluster("kube_proxy_mode = \"ipvs\"");
    assert_eq!(value(&bare, "ipvs-strict-arp").as_deref(), Some("false"));
    assert_eq!(value(&bare, "ipvs-scheduler"), None);
    let mut odd = Config::default();
    odd.cluster.kube_proxy.kube_proxy_mode = "userspace".to_owned();
    assert_eq!(
        places(render(Component::KubeProxy, &odd, &worker())),
        ["cluster_config.kube_proxy_mode"]
    );
    let windows = NodeFacts {
        os: OperatingSystem::Windows,
        ..worker()
    };
    let found = flag(Component::KubeProxy, &rich(), &windows, "proxy-mode");
    assert_eq!(found.as_deref(), Some("kernelspace"));
}

/// CFG-032: sizes are counted in powers of 1024, 2G by default as etcd itself; what is no size is refused.
#[test]
fn quota() {
    for (text, bytes) in [
        ("2G", Some(2_147_483_648)),
        ("500M", Some(524_288_000)),
        ("4GB", Some(4_294_967_296)),
        ("8G", Some(8_589_934_592)),
        ("1", Some(1)),
        ("1KiB", Some(1_024)),
        ("0G", None),
        ("", None),
        ("G", None),
        ("2 G", None),
        ("-2G", None),
        ("+2G", None),
        ("2E", None),
        ("18446744073709551615G", None),
    ] {
        assert_eq!(size_in_bytes(text), bytes, "{text}");
        let mut config = Config::default();
        config.cluster.stores.etcd_storage_quota = text.to_owned();
        let rendered = render(Component::Etcd, &config, &manager());
        match bytes {
            Some(bytes) => {
                let flag = rendered.unwrap().flag("quota-backend-bytes").unwrap().to_string();
                assert_eq!(flag, format!("--quota-backend-bytes={bytes}"));
            }
            None => assert_eq!(places(rendered), ["cluster_config.etcd_storage_quota"], "{text}"),
        }
    }
    let found = flag(
        Component::Etcd,
        &Config::default(),
        &manager(),
        "quota-backend-bytes",
    );
    assert_eq!(found.as_deref(), Some("2147483648"));
}

/// CFG-040, PKI-014: the three lists go to their own component and nowhere else, and names that nobody knows are refused; hardening takes
/// away what is weak and adds nothing; a list without anything strong is refused then.
#[test]
fn cipher_suites() {
    const STRONG: &str = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
    const WEAK: &str = "TLS_RSA_WITH_AES_256_GCM_SHA384";
    let flags = [
        (
            Component::KubeApiserver,
            "cipher_suites_for_kube_api_server",
            "tls-cipher-suites",
        ),
        (
            Component::Kubelet,
            "cipher_suites_for_kubelet",
            "tls-cipher-suites",
        ),
        (Component::Etcd, "cipher_suites_for_etcd_server", "cipher-suites"),
    ];
    let hardened = "[hardening_configuration]\nhardening_enabled = true\nuse_strong_tls_ciphers = true\n";
    for (component, key, name) in flags {
        let with = |hardening: &str, suites: &str| {
            Config::parse(&format!("{hardening}[cluster_config]\n{key} = \"{suites}\"\n")).unwrap()
        };
        let both = format!("{WEAK},{STRONG}");
        let value = |config: &Config| flag(component, config, &manager(), name);
        assert_eq!(value(&with("", "")), None);
        assert_eq!(value(&with("", &both)).as_deref(), Some(both.as_str()));
        assert_eq!(value(&with(hardened, &both)).as_deref(), Some(STRONG));
        let made_up = format!("[cluster_config]\n{key} = \"{STRONG},TLS_MADE_UP_SHA256\"\n");
        assert!(
            Config::parse(&made_up)
                .unwrap_err()
                .to_string()
                .contains("TLS_MADE_UP_SHA256")
        );
        let all = value(&with(hardened, "")).unwrap();
        assert!(
            all.contains(STRONG) && !all.contains(WEAK) && all.split(',').count() == 6,
            "{all}"
        );
        let found = places(render(component, &with(hardened, WEAK), &manager()));
        assert_eq!(found, [format!("cluster_config.{key}")]);
        for (other, _, name) in flags.into_iter().filter(|(other, ..)| *other != component) {
            assert_eq!(flag(other, &with("", &both), &manager(), name), None);
        }
    }
}

/// CFG-043: the duration stands in the Corefile when lameduck is on; a text that is no duration cannot break out.
#[test]
fn lameduck() {
    let corefile = |config: &Config| of(Component::Coredns, config, &manager()).files[0].text.clone();
    assert!(!corefile(&Config::default()).contains("lameduck"));
    assert!(corefile(&rich()).contains("    health {\n        lameduck 9s\n    }\n"));
    let table = "[cluster_config.core_dns_lameduck_config]\nenabled = true\n";
    assert!(corefile(&Config::parse(table).unwrap()).contains("lameduck 7s\n"));
    for bad in ["0s", "7", "7s }\nwhoami", ""] {
        let mut config = Config::default();
        config.cluster.core_dns_lameduck.enabled = true;
        config.cluster.core_dns_lameduck.duration = bad.to_owned();
        let found = places(render(Component::Coredns, &config, &manager()));
        assert_eq!(
            found,
            ["cluster_config.core_dns_lameduck_config.duration"],
            "{bad:?}"
        );
    }
}

/// Calico reads etcd until it is told to keep its data in Kubernetes; then nothing of etcd is left.
#[test]
fn calico_datastore() {
    let etcd = of(Component::Calico, &Config::default(), &manager());
    assert_eq!(etcd.variable("DATASTORE_TYPE"), Some("etcdv3"));
    let servers = "https://10.0.0.1:12379,https://10.0.0.2:12379,https://10.0.0.3:12379";
    assert_eq!(etcd.variable("ETCD_ENDPOINTS"), Some(servers));
    let kdd = of(Component::Calico, &cluster("calico_kdd = true"), &manager());
    assert_eq!(kdd.variable("DATASTORE_TYPE"), Some("kubernetes"));
    assert!(
        kdd.environment
            .iter()
            .all(|variable| !variable.name.starts_with("ETCD"))
    );
}

/// Packets are as large as the data plane in use says; encryption that would encrypt nothing is refused.
#[test]
fn calico_data_plane() {
    for (lines, backend, mtu, vni) in [
        ("", "vxlan", "1450", Some("10000")),
        (
            "calico_vxlan_mtu = \"8950\"\nvxlan_vni = 12000",
            "vxlan",
            "8950",
            Some("12000"),
        ),
        ("calico_vxlan = false", "bird", "1480", None),
        (
            "calico_vxlan = false\ncalico_mtu = \"1400\"",
            "bird",
            "1400",
            None,
        ),
    ] {
        let rendered = of(Component::Calico, &cluster(lines), &worker());
        assert_eq!(
            rendered.variable("CALICO_NETWORKING_BACKEND"),
            Some(backend),
            "{lines}"
        );
        assert_eq!(rendered.variable("CNI_MTU"), Some(mtu), "{lines}");
        assert_eq!(rendered.variable("FELIX_VXLANVNI"), vni, "{lines}");
    }
    let mut both = Config::default();
    both.cluster.network.secure_overlay = true;
    assert_eq!(
        places(render(Component::Calico, &both, &worker())),
        ["cluster_config.secure_overlay"]
    );
}

/// The name server of pods is the tenth address of the network of services, or the node's own cache; a network without
/// room for it is refused.
#[test]
fn name_server() {
    for (lines, expected) in [
        ("", "10.96.0.10"),
        ("service_cluster_ip_range = \"10.12.0.0/28\"", "10.12.0.10"),
        ("service_cluster_ip_range = \"10.12.3.77/16\"", "10.12.0.10"),
        ("service_cluster_ip_range = \"fd00:1::/112\"", "fd00:1::a"),
        ("node_local_dns = true", "169.254.20.10"),
    ] {
        let found = flag(Component::Kubelet, &cluster(lines), &worker(), "cluster-dns");
        assert_eq!(found.as_deref(), Some(expected), "{lines}");
    }
    let small = cluster("service_cluster_ip_range = \"10.12.0.0/29\"");
    let found = places(render(Component::Coredns, &small, &manager()));
    assert_eq!(found, ["cluster_config.service_cluster_ip_range"]);
}

/// Tokens of an identity provider are taken by the API server only when it can check all that the configuration asks of
/// them; then no token can name an account of the product.
#[test]
fn tokens_of_an_identity_provider() {
    let with = |issuer: &str, rule: &str| {
        Config::parse(&format!(
            "[auth.external_identity_provider]\nwellKnownConfigUrl = \"https://id.example.com/.well-known/openid-configuration\"\n\
             clientID = \"mke\"\nissuer = \"{issuer}\"\n{rule}"
        ))
        .unwrap()
    };
    let rule = |kind: &str, value: &str| {
        format!(
            "[[auth.external_identity_provider.signInCriteria]]\nterm = \"group\"\nvalue = \"{value}\"\nmatchType = \"{kind}\"\n"
        )
    };
    for (issuer, rule, taken) in [
        ("https://id.example.com", String::new(), true),
        ("https://id.example.com", rule("must", "ops"), true),
        ("https://id.example.com", rule("contains", "ops"), false),
        ("https://id.example.com", rule("must", "ops,dev"), false),
        ("http://id.example.com", String::new(), false),
        ("", String::new(), false),
    ] {
        let rendered = of(Component::KubeApiserver, &with(issuer, &rule), &manager());
        assert_eq!(
            rendered.flag("oidc-issuer-url").is_some(),
            taken,
            "{issuer} {rule}"
        );
        assert_eq!(rendered.notes.is_empty(), taken, "{:?}", rendered.notes);
        let claim = rendered.flag("oidc-required-claim").map(ToString::to_string);
        let expected = (taken && !rule.is_empty()).then(|| "--oidc-required-claim=group=ops".to_owned());
        assert_eq!(claim, expected);
        if taken {
            assert_eq!(
                rendered.flag("oidc-username-prefix").unwrap().value.as_deref(),
                Some("oidc:")
            );
        }
    }
}

/// Texts that are files of their own are refused when they are something else, and nothing of them is repeated.
#[test]
fn files_of_the_operator() {
    let audit = |text: &str| {
        let mut config = rich();
        let api = &mut config.cluster.api_server;
        api.kube_api_server_enable_custom_audit_policy = true;
        api.kube_api_server_custom_audit_policy_yaml = Some(text.to_owned());
        render(Component::KubeApiserver, &config, &manager())
    };
    let good = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n";
    let rendered = audit(good).unwrap();
    assert!(
        rendered
            .files
            .iter()
            .any(|file| file.path.ends_with("/audit-policy.yaml") && file.text == good)
    );
    for bad in [
        "",
        "kind: Policy",
        "apiVersion: v1\nkind: Secret\n",
        "a: &a [*a]",
        "{",
        "- x",
    ] {
        let found = places(audit(bad));
        assert_eq!(
            found,
            ["cluster_config.KubeAPIServerCustomAuditPolicyYaml"],
            "{bad:?}"
        );
    }
    let mut proxy = Config::default();
    proxy.cluster.kube_proxy.kube_proxy_use_config_file = true;
    proxy.cluster.kube_proxy.custom_proxy_config_yaml = "kind: Pod".to_owned();
    let found = places(render(Component::KubeProxy, &proxy, &worker()));
    assert_eq!(found, ["cluster_config.custom_proxy_config_yaml"]);
}

/// Facts that cannot be are refused all at once; unknown fields are.
#[test]
fn facts() {
    let good = "name: node-1\naddress: 10.0.0.1\nrole: manager\nmanagers: [10.0.0.1]\n";
    let facts = NodeFacts::parse(good).unwrap();
    assert_eq!(
        facts,
        NodeFacts::single_manager("node-1", "10.0.0.1".parse().unwrap())
    );
    assert_eq!(
        (facts.role, facts.orchestrator),
        (NodeRole::Manager, Orchestrator::Kubernetes)
    );
    for (text, expected) in [
        (format!("{good}colour: red\n"), vec!["the node's facts"]),
        ("name: x".to_owned(), vec!["the node's facts"]),
        (good.replace("10.0.0.1", "somewhere"), vec!["the node's facts"]),
        (good.replace("node-1", "Node_1"), vec!["name"]),
        (good.replace("node-1", "\"a\\nb\""), vec!["name"]),
        (good.replace("[10.0.0.1]", "[]"), vec!["managers", "managers"]),
        (good.replace("[10.0.0.1]", "[10.0.0.2]"), vec!["managers"]),
        (
            format!("{good}os: windows\ncluster_id: a b\npaths: {{config: etc}}\n"),
            vec!["os", "cluster_id", "paths.config"],
        ),
    ] {
        let problems = NodeFacts::parse(&text).err().unwrap_or_default();
        let places: Vec<_> = problems.0.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, expected, "{text}");
    }
}

/// Swarm-only nodes bear the taint that keeps pods off, managers the one that keeps users' pods off; others bear none.
#[test]
fn taints() {
    let taint = |facts: &NodeFacts| {
        flag(
            Component::Kubelet,
            &Config::default(),
            facts,
            "register-with-taints",
        )
    };
    let swarm = |facts: NodeFacts| NodeFacts {
        orchestrator: Orchestrator::Swarm,
        ..facts
    };
    let manager_taint = "com.docker.ucp.manager=:NoSchedule";
    let swarm_taint = "com.docker.ucp.orchestrator.kubernetes=:NoExecute";
    assert_eq!(taint(&worker()), None);
    assert_eq!(taint(&manager()).as_deref(), Some(manager_taint));
    assert_eq!(taint(&swarm(worker())).as_deref(), Some(swarm_taint));
    assert_eq!(
        taint(&swarm(manager())),
        Some(format!("{manager_taint},{swarm_taint}"))
    );
}

/// Flags of one release of Kubernetes are not given to another that would not start with them.
#[test]
fn releases() {
    let value = |component, minor, name| {
        let facts = NodeFacts {
            kubernetes_minor: minor,
            ..manager()
        };
        flag(component, &Config::default(), &facts, name)
    };
    for (component, name, present, absent) in [
        (Component::KubeScheduler, "port", 20, 24),
        (Component::KubeControllerManager, "port", 23, 24),
        (Component::Kubelet, "container-runtime", 26, 27),
        (Component::Kubelet, "seccomp-default", 25, 24),
    ] {
        assert!(value(component, present, name).is_some(), "{component} {name}");
        assert!(value(component, absent, name).is_none(), "{component} {name}");
    }
    let plugins = |minor| value(Component::KubeApiserver, minor, "enable-admission-plugins").unwrap();
    assert!(plugins(24).contains("PodSecurityPolicy") && !plugins(25).contains("PodSecurityPolicy"));
}
