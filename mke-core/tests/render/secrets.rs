//! Rendering never panics, and no secret leaves but in the one file for secrets.

use mke_core::config::{Config, UserSearch};
use mke_core::render::encryption::{self, EncryptionKey};
use mke_core::render::{Component, NodeFacts, OperatingSystem, render};
use mke_core::secret::Secret;
use proptest::prelude::*;

use crate::{manager, rich, worker};

const CANARY: &str = "canary-7f3a";

/// Texts that somebody could have written: plausible ones, and ones that break out of quotes, lines and flags.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,6}",
        Just("--v=4".to_owned()),
        Just("a\nb: c".to_owned()),
        Just("--x=\0".to_owned()),
        Just("}\n.:53 { whoami }".to_owned()),
        Just("10.0.0.0/8".to_owned()),
        Just("10.0.0.0/31".to_owned()),
        Just("fd00::/112".to_owned()),
        Just("255.255.255.255/0".to_owned()),
        Just("99999999999999999999G".to_owned()),
        Just("7s".to_owned()),
    ]
}

fn with_secrets(config: &mut Config) {
    let secret = || Some(Secret::new(CANARY));
    config.auth.ldap.reader_password = secret();
    config.auth.ldap.user_search_configs = vec![UserSearch::default()];
    config.auth.saml_proxy.credentials.basic.password = secret();
    config.auth.external_identity_provider.client_secret = secret();
    config.backup_schedule.passphrase = Secret::new(CANARY);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// CFG-023: whatever stands in the configuration, rendering answers or refuses; an answer holds no secret
    /// and no line break inside of a flag.
    #[test]
    fn no_secret_leaves(
        texts in prop::collection::vec(text(), 24),
        flags in prop::collection::vec(text(), 0..4),
        numbers in prop::collection::vec(any::<i64>(), 6),
        switches in any::<[bool; 16]>(),
        minor in 0u16..40,
        cores in any::<Option<u32>>(),
    ) {
        let mut config = if switches[0] { rich() } else { Config::default() };
        with_secrets(&mut config);
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap_or_default();
        config.auth.external_identity_provider.client_id = Some(text());
        config.auth.external_identity_provider.issuer = text();
        let cluster = &mut config.cluster;
        cluster.cloud_provider = text();
        cluster.cluster_name = text();
        cluster.disable_http2 = switches[1];
        cluster.nvidia_device_plugin = switches[2];
        cluster.network.pod_cidr = text();
        cluster.network.service_cluster_ip_range = text();
        cluster.network.nodeport_range = text();
        cluster.network.calico_mtu = text();
        cluster.network.calico_vxlan_port = text();
        cluster.network.calico_ip_auto_method = text();
        cluster.network.calico_vxlan = switches[3];
        cluster.network.secure_overlay = switches[4];
        cluster.network.unmanaged_cni = switches[5];
        cluster.network.node_local_dns = Some(switches[6]);
        cluster.api_server.cipher_suites_for_kube_api_server = text();
        cluster.api_server.kms_enabled = switches[7];
        cluster.api_server.kms_name = Some(text());
        cluster.api_server.kms_endpoint = Some(text());
        cluster.api_server.kube_api_server_auditing = switches[8];
        cluster.api_server.kube_api_server_enable_custom_audit_policy = switches[9];
        cluster.api_server.kube_api_server_custom_audit_policy_yaml = Some(text());
        cluster.api_server.kube_api_server_request_timeout = text();
        cluster.api_server.custom_kube_api_server_flags = flags.clone();
        cluster.controllers.kube_manager_terminated_pod_gc_threshold = numbers[0];
        cluster.controllers.custom_kube_scheduler_flags = flags.clone();
        cluster.kubelet.custom_kubelet_flags = flags.clone();
        cluster.kubelet.kubelet_max_pods = numbers[1];
        cluster.kubelet.kubelet_pods_per_core = numbers[2];
        cluster.kubelet.worker_kube_reserved_resources = text();
        cluster.kubelet.custom_kubelet_flags_profiles.insert("high".to_owned(), flags.join(" "));
        cluster.kube_proxy.kube_proxy_mode = text();
        cluster.kube_proxy.ipvs_scheduler = Some(text());
        cluster.kube_proxy.kube_proxy_use_config_file = switches[10];
        cluster.kube_proxy.custom_proxy_config_yaml = text();
        cluster.core_dns_lameduck.enabled = switches[11];
        cluster.core_dns_lameduck.duration = text();
        cluster.stores.etcd_storage_quota = text();
        cluster.stores.kv_snapshot_count = numbers[3];
        let facts = NodeFacts {
            kubernetes_minor: minor,
            cores,
            os: if switches[12] { OperatingSystem::Windows } else { OperatingSystem::Linux },
            kubelet_profile: switches[13].then(|| "high".to_owned()),
            ..worker()
        };
        let key = EncryptionKey::new([0x5a; 32]);
        let key_text = key.to_base64();
        for component in Component::ALL {
            for facts in [&facts, &NodeFacts { kubernetes_minor: minor, ..manager() }] {
                let shown = match render(component, &config, facts) {
                    Ok(rendered) => {
                        for flag in &rendered.flags {
                            prop_assert!(!flag.to_string().contains(char::is_control), "{flag:?}");
                        }
                        for variable in &rendered.environment {
                            prop_assert!(!variable.value.contains(char::is_control), "{variable:?}");
                        }
                        format!("{rendered} {rendered:?} {}", serde_json::to_string(&rendered).unwrap())
                    }
                    Err(problems) => {
                        prop_assert!(!problems.0.is_empty());
                        format!("{problems} {problems:?}")
                    }
                };
                prop_assert!(!shown.contains(CANARY) && !shown.contains(key_text.expose()), "{shown}");
            }
        }
        if let Ok(file) = encryption::render(&config, &manager(), &key) {
            let text = file.text.expose();
            prop_assert!(!text.contains(CANARY));
            prop_assert_eq!(text.matches(key_text.expose()).count(), 1);
            let tree: serde_json::Value = serde_yaml_ng::from_str(text).unwrap();
            prop_assert_eq!(&tree["kind"], "EncryptionConfiguration");
        }
    }
}
