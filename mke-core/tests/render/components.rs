//! Every component, as a whole.

use std::collections::BTreeSet;

use mke_core::config::{Config, Effect, keys};
use mke_core::render::{
    Component, NodeFacts, OperatingSystem, Orchestrator, Origin, Rendered, encryption, render,
};

use crate::{cluster, manager, of, rich, worker};

/// What every component is started with on a manager of a fresh installation, and on a manager of one that is tuned.
#[test]
fn every_component() {
    for component in Component::ALL {
        insta::assert_snapshot!(
            format!("default-{component}"),
            of(component, &Config::default(), &manager())
        );
        let facts = NodeFacts {
            cores: Some(8),
            ..manager()
        };
        insta::assert_snapshot!(format!("rich-{component}"), of(component, &rich(), &facts));
    }
}

/// CFG-044: a kubelet on a worker with a profile, on a Windows worker, and on a node of Swarm.
#[test]
fn kubelets() {
    let profile = NodeFacts {
        kubelet_profile: Some("high".to_owned()),
        kubernetes_minor: 27,
        ..worker()
    };
    insta::assert_snapshot!("kubelet-profile", of(Component::Kubelet, &rich(), &profile));
    let windows = NodeFacts {
        os: OperatingSystem::Windows,
        orchestrator: Orchestrator::Swarm,
        ..worker()
    };
    insta::assert_snapshot!("kubelet-windows", of(Component::Kubelet, &rich(), &windows));
}

/// Every other form of the JSON that scripts read keeps its fields.
#[test]
fn json() {
    insta::assert_json_snapshot!(
        "json-scheduler",
        of(Component::KubeScheduler, &rich(), &manager())
    );
}

/// CFG-029: what does not run, and why: the same inputs never give half of a component.
#[test]
fn what_is_not_started() {
    let default = Config::default();
    let swarm_only = cluster("swarm_only = true");
    let unmanaged = cluster("unmanaged_cni = true");
    let other = cluster("cni_installer_url = \"https://example.com/cni.yaml\"");
    let disabled = cluster("kube_proxy_mode = \"disabled\"");
    let managers_only = [
        Component::KubeApiserver,
        Component::KubeControllerManager,
        Component::KubeScheduler,
        Component::Etcd,
    ];
    for component in Component::ALL {
        for (config, facts, absent) in [
            (&default, manager(), component == Component::NvidiaDevicePlugin),
            (
                &default,
                worker(),
                component == Component::NvidiaDevicePlugin || managers_only.contains(&component),
            ),
            (&swarm_only, manager(), component != Component::Etcd),
            (
                &unmanaged,
                manager(),
                matches!(component, Component::Calico | Component::NvidiaDevicePlugin),
            ),
            (
                &other,
                manager(),
                matches!(component, Component::Calico | Component::NvidiaDevicePlugin),
            ),
            (
                &disabled,
                worker(),
                managers_only.contains(&component)
                    || matches!(component, Component::KubeProxy | Component::NvidiaDevicePlugin),
            ),
        ] {
            let rendered = of(component, config, &facts);
            assert_eq!(rendered.absent.is_some(), absent, "{rendered}");
            if absent {
                let nothing =
                    rendered.flags.is_empty() && rendered.files.is_empty() && rendered.mounts.is_empty();
                assert!(
                    nothing && rendered.to_string().contains("is not started"),
                    "{rendered}"
                );
            }
        }
    }
}

/// Keys that restart a rendered component, or bring it in line on all nodes, and reach it by another way than flags, files
/// and environment.
const BY_OTHER_WAYS: &[(&str, &str)] = &[
    (
        "cluster_config.kube_apiserver_port",
        "the port that the controller publishes",
    ),
    ("cluster_config.dns", "of the containers themselves"),
    ("cluster_config.dns_opt", "of the containers themselves"),
    ("cluster_config.dns_search", "of the containers themselves"),
    ("cluster_config.azure_ip_count", "the allocator of addresses"),
    (
        "cluster_config.gmsa_allow_non_admins",
        "the webhook for Windows accounts",
    ),
    ("cluster_config.windows_gmsa", "the webhook for Windows accounts"),
    (
        "cluster_config.ignore_pod_updates_for_node_selector",
        "the product's own admission",
    ),
    ("cluster_config.storage_expt_enabled", "no effect is documented"),
    (
        "cluster_config.policy_enforcement.gatekeeper.enabled",
        "objects in the cluster",
    ),
    (
        "cluster_config.policy_enforcement.gatekeeper.excluded_namespaces",
        "objects in the cluster",
    ),
    (
        "hardening_configuration.limit_kernel_capabilities",
        "of the containers themselves",
    ),
    (
        "hardening_configuration.pid_limit",
        "of the containers themselves",
    ),
    (
        "hardening_configuration.pid_limit_unspecified",
        "of the containers themselves",
    ),
    (
        "hardening_configuration.hardening_enabled",
        "switches the others of its table",
    ),
    ("cluster_config.iscsi_enabled", "switches the mounts of its paths"),
    (
        "cluster_config.calico_ebpf_enabled",
        "for kube-proxy: it is disabled then",
    ),
    ("cluster_config.cloud_provider", "of each component by itself"),
    (
        "cluster_config.secure_overlay",
        "an agent of its own; what cannot be is refused",
    ),
    (
        "cluster_config.policy_enforcement.pod_security_policy",
        "one of the admission plugins",
    ),
    (
        "cluster_config.k8s_always_pull_images_ac_enabled",
        "one of the admission plugins",
    ),
    ("cluster_config.nvidia_device_plugin", "switches the component"),
    (
        "cluster_config.KubeAPIServerEnableCustomAuditPolicy",
        "switches the policy beside it",
    ),
    (
        "cluster_config.kube_api_server_auditing",
        "switches the flags of its log",
    ),
    (
        "cluster_config.kube_proxy_no_cleanup_on_start",
        "a run before; said in a note",
    ),
    (
        "cluster_config.core_dns_lameduck_config.enabled",
        "switches the duration",
    ),
    ("cluster_config.kms_enabled", "the encryption file"),
    ("cluster_config.kms_name", "the encryption file"),
    ("cluster_config.kms_cachesize", "the encryption file"),
];

/// Every key that touches a rendered component is the origin of something rendered, or reaches it by another way that is
/// named.
#[test]
fn every_key_reaches_its_component() {
    const TOUCHED: &[&str] = &[
        "ucp-kv",
        "ucp-kube-apiserver",
        "ucp-kube-controller-manager",
        "ucp-kube-scheduler",
        "ucp-kubelet",
        "ucp-kube-proxy",
        "k8s_calico-node",
        "k8s_calico-kube-controllers",
        "k8s_ucp-coredns_coredns",
    ];
    let audit = "apiVersion: audit.k8s.io/v1\\nkind: Policy\\nrules: []";
    let proxy = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\\nkind: KubeProxyConfiguration";
    let suite = "TLS_AES_128_GCM_SHA256";
    let custom = Config::parse(&format!(
        "[audit_log_configuration]\nlevel = \"metadata\"\n[cluster_config]\nkube_api_server_auditing = true\n\
         KubeAPIServerEnableCustomAuditPolicy = true\nKubeAPIServerCustomAuditPolicyYaml = \"{audit}\"\n\
         kube_proxy_use_config_file = true\ncustom_proxy_config_yaml = \"{proxy}\"\n\
         cipher_suites_for_etcd_server = \"{suite}\"\ncipher_suites_for_kubelet = \"{suite}\"\n\
         cipher_suites_for_kube_api_server = \"{suite}\"\n"
    ))
    .unwrap();
    let profile = NodeFacts {
        kubelet_profile: Some("low".to_owned()),
        kubernetes_minor: 27,
        ..worker()
    };
    let windows = NodeFacts {
        os: OperatingSystem::Windows,
        ..worker()
    };
    let mut origins = BTreeSet::new();
    for config in [&Config::default(), &rich(), &custom] {
        for facts in [&manager(), &worker(), &profile, &windows] {
            for component in Component::ALL {
                if let Ok(rendered) = render(component, config, facts) {
                    origins.extend(of_all(&rendered));
                }
            }
        }
    }
    let mut lost = Vec::new();
    for key in keys() {
        let (Effect::Restart(touched) | Effect::AllNodes(touched)) = key.effect else {
            continue;
        };
        let path = key.path();
        if !touched.iter().any(|name| TOUCHED.contains(name)) {
            continue;
        }
        let by_another_way = BY_OTHER_WAYS.iter().any(|(known, _)| *known == path);
        // Probes are one file, and items of maps and rows have their table as origin.
        let reached = origins.iter().any(|origin| path.starts_with(origin.as_str()))
            || path.contains("calico_controller_") && path.contains("_probe_");
        if !reached && !by_another_way {
            lost.push(path);
        }
    }
    assert!(lost.is_empty(), "these keys reach nothing: {lost:?}");
    for (path, _) in BY_OTHER_WAYS {
        assert!(keys().iter().any(|key| key.path() == *path), "{path} is no key");
    }
}

fn of_all(rendered: &Rendered) -> BTreeSet<String> {
    let flags = rendered.flags.iter().map(|flag| &flag.origin);
    let environment = rendered.environment.iter().map(|variable| &variable.origin);
    let files = rendered.files.iter().map(|file| &file.origin);
    let mounts = rendered.mounts.iter().map(|mount| &mount.origin);
    let all = flags.chain(environment).chain(files).chain(mounts);
    all.filter_map(|origin| match origin {
        Origin::Key(key) | Origin::Custom { key, .. } => Some((*key).to_owned()),
        Origin::Profile(_) => Some("cluster_config.custom_kubelet_flags_profiles".to_owned()),
        Origin::Fact(_) | Origin::Fixed(_) => None,
    })
    .collect()
}

/// Names of components come with the product's prefix or without; others are none.
#[test]
fn names() {
    for component in Component::ALL {
        assert_eq!(Component::from_name(component.name()), Some(component));
    }
    for (name, expected) in [
        ("ucp-kv", Some(Component::Etcd)),
        ("ucp-kube-apiserver", Some(Component::KubeApiserver)),
        ("kube-dns", None),
        ("", None),
        ("Kubelet", None),
        (encryption::FILE, None),
    ] {
        assert_eq!(Component::from_name(name), expected, "{name}");
    }
}
