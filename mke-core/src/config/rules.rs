//! What must hold between keys. Every rule names the keys, what was found, what is allowed and what to do.

use super::cron::Cron;
use super::format::{Cidr, port_range};
use super::read::Report;
use super::{Config, Interlock, ldap_rules};

/// A renewed session must have run for at least this long (SESS-002).
const RENEWAL_MARGIN_MINUTES: u32 = 5;

/// Most custom headers: more would not fit into common clients' limits.
const MAX_HEADERS: usize = 32;

/// Headers that say what an answer is and where it ends, in small letters. A second one of another meaning would break
/// it, so an operator cannot add them.
pub const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "keep-alive",
    "location",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// The largest packet that IPsec leaves room for.
const SECURE_OVERLAY_MTU: u32 = 1452;

/// Shortest time between two clean-ups of etcd.
const CLEANUP_GAP_HOURS: u64 = 72;

pub(super) fn check(config: &Config, report: &mut Report<'_>) {
    sessions(config, report);
    authentication(config, report);
    if config.auth.backend == "ldap" && !report.leaves_directory_out() {
        ldap_rules::check(&config.auth.ldap, "auth.ldap.", report);
    }
    headers(config, report);
    networks(config, report);
    ports(config, report);
    pods(config, report);
    features(config, report);
    schedules(config, report);
}

fn sessions(config: &Config, report: &mut Report<'_>) {
    let sessions = config.auth.sessions;
    let most = sessions.lifetime_minutes.saturating_sub(RENEWAL_MARGIN_MINUTES);
    let found = sessions.renewal_threshold_minutes;
    if found > most {
        report.refuse(
            "auth.sessions.renewal_threshold_minutes",
            &found.to_string(),
            &format!("0 to {most}"),
            format!(
                "{found} is too much for a lifetime of {} minutes, use 0 to {most}",
                sessions.lifetime_minutes
            ),
        );
    }
}

fn authentication(config: &Config, report: &mut Report<'_>) {
    let auth = &config.auth;
    if auth.backend == "ldap" && auth.saml_enabled {
        report.refuse(
            "auth.samlEnabled",
            "true",
            "false",
            "SAML and LDAP exclude each other: set this to false, or `auth.backend` to `managed`",
        );
    }
    if auth.saml_enabled && given(auth.saml.idp_metadata_url.as_deref()).is_none() {
        report.refuse(
            "auth.saml.idpMetadataURL",
            "nothing",
            "the address of the identity provider's metadata",
            "must be given while `auth.samlEnabled` is true",
        );
    }
    let proxy = &auth.saml_proxy;
    if proxy.enabled && given(proxy.proxy_url.as_deref()).is_none() {
        report.refuse(
            "auth.samlProxy.proxy_url",
            "nothing",
            "the address of the proxy",
            "must be given while `auth.samlProxy.enabled` is true",
        );
    }
    if auth.account_lock.enabled
        && auth
            .account_lock
            .failure_trigger
            .is_none_or(|trigger| trigger < 1)
    {
        report.refuse(
            "auth.account_lock.failureTrigger",
            &auth
                .account_lock
                .failure_trigger
                .map_or("nothing".to_owned(), |found| found.to_string()),
            "a whole number from 1",
            "must be 1 or more while `auth.account_lock.enabled` is true",
        );
    }
    let hardening = &config.hardening;
    if !hardening.hardening_enabled {
        for (key, on) in [
            ("limit_kernel_capabilities", hardening.limit_kernel_capabilities),
            ("use_strong_tls_ciphers", hardening.use_strong_tls_ciphers),
        ] {
            if on {
                report.refuse(
                    &format!("hardening_configuration.{key}"),
                    "true",
                    "false",
                    "has no effect alone: set `hardening_configuration.hardening_enabled` to true, or this to false",
                );
            }
        }
    }
    let limited = hardening.hardening_enabled && !hardening.pid_limit_unspecified;
    if !limited && hardening.pid_limit != 0 {
        report.refuse(
            "hardening_configuration.pid_limit",
            &hardening.pid_limit.to_string(),
            "0",
            "must be 0 unless `hardening_enabled` is true and `pid_limit_unspecified` false",
        );
    }
    if limited && hardening.pid_limit < 1 {
        report.refuse(
            "hardening_configuration.pid_limit",
            &hardening.pid_limit.to_string(),
            "a whole number from 1",
            "must be 1 or more while `pid_limit_unspecified` is false",
        );
    }
    if !hardening.hardening_enabled && !hardening.pid_limit_unspecified {
        report.refuse(
            "hardening_configuration.pid_limit_unspecified",
            "false",
            "true",
            "needs `hardening_configuration.hardening_enabled`",
        );
    }
}

fn headers(config: &Config, report: &mut Report<'_>) {
    let count = config.custom_api_server_headers.len();
    if count > MAX_HEADERS {
        report.refuse(
            &format!("custom_api_server_headers[{MAX_HEADERS}]"),
            &count.to_string(),
            &format!("up to {MAX_HEADERS}"),
            format!("{count} headers are too many, at most {MAX_HEADERS} are allowed"),
        );
    }
    for (row, header) in config.custom_api_server_headers.iter().enumerate() {
        if RESERVED_HEADERS.contains(&header.name.to_ascii_lowercase().as_str()) {
            report.refuse(
                &format!("custom_api_server_headers[{row}].name"),
                &header.name,
                "a header that the control plane does not write itself",
                format!(
                    "`{}` belongs to the answer that carries it: choose another name, or remove the row",
                    header.name
                ),
            );
        }
    }
}

fn networks(config: &Config, report: &mut Report<'_>) {
    let network = &config.cluster.network;
    if let (Some(pods), Some(services)) = (
        Cidr::from_text(&network.pod_cidr),
        Cidr::from_text(&network.service_cluster_ip_range),
    ) && pods.overlaps(services)
    {
        report.refuse(
            "cluster_config.pod_cidr",
            &network.pod_cidr,
            "a network without addresses of `cluster_config.service_cluster_ip_range`",
            format!(
                "`{}` shares addresses with `cluster_config.service_cluster_ip_range`, which is `{}`: choose networks apart",
                network.pod_cidr, network.service_cluster_ip_range
            ),
        );
    }
    // The default is let through: files list it on clusters that use no VXLAN.
    if network.vxlan_vni != 10_000 && !network.calico_vxlan {
        report.refuse(
            "cluster_config.vxlan_vni",
            &network.vxlan_vni.to_string(),
            "10000",
            "needs `cluster_config.calico_vxlan`: set that to true, or this to 10000",
        );
    }
    if network.secure_overlay {
        if network.unmanaged_cni {
            report.refuse(
                "cluster_config.secure_overlay",
                "true",
                "false",
                "is not there with `cluster_config.unmanaged_cni`: set one of them to false",
            );
        }
        if network.calico_vxlan {
            report.refuse(
                "cluster_config.secure_overlay",
                "true",
                "false",
                "encrypts IPIP only, so nothing would be encrypted: set `cluster_config.calico_vxlan` to false, or this",
            );
        }
        for (key, mtu) in [
            ("calico_mtu", &network.calico_mtu),
            ("ipip_mtu", &network.ipip_mtu),
        ] {
            if mtu.parse::<u32>().is_ok_and(|mtu| mtu > SECURE_OVERLAY_MTU) {
                report.refuse(
                    &format!("cluster_config.{key}"),
                    mtu,
                    &format!("up to \"{SECURE_OVERLAY_MTU}\""),
                    format!("\"{mtu}\" leaves no room for `cluster_config.secure_overlay`, use \"{SECURE_OVERLAY_MTU}\" or less"),
                );
            }
        }
    }
    let proxy = &config.cluster.kube_proxy;
    if network.calico_ebpf_enabled && proxy.kube_proxy_mode != "disabled" {
        report.refuse(
            "cluster_config.kube_proxy_mode",
            &proxy.kube_proxy_mode,
            "disabled",
            "must be `disabled` while `cluster_config.calico_ebpf_enabled` is true",
        );
    }
    if proxy.kube_proxy_mode != "ipvs" {
        let texts = [
            ("ipvs_min_sync_period", &proxy.ipvs_min_sync_period),
            ("ipvs_scheduler", &proxy.ipvs_scheduler),
            ("ipvs_sync_period", &proxy.ipvs_sync_period),
            ("ipvs_tcp_timeout", &proxy.ipvs_tcp_timeout),
            ("ipvs_tcpfin_timeout", &proxy.ipvs_tcpfin_timeout),
            ("ipvs_udp_timeout", &proxy.ipvs_udp_timeout),
        ];
        let set = texts
            .iter()
            .filter_map(|(key, value)| Some((*key, given(value.as_deref())?.to_owned())))
            .chain(
                (!proxy.ipvs_exclude_cidrs.is_empty())
                    .then(|| ("ipvs_exclude_cidrs", proxy.ipvs_exclude_cidrs.join(", "))),
            )
            .chain(
                proxy
                    .ipvs_strict_arp
                    .then(|| ("ipvs_strict_arp", "true".to_owned())),
            );
        for (key, found) in set {
            report.refuse(
                &format!("cluster_config.{key}"),
                &found,
                "nothing",
                "means nothing unless `cluster_config.kube_proxy_mode` is `ipvs`, which is chosen at installation: remove it",
            );
        }
    }
    if let Ok(count) = config.cluster.azure_ip_count.parse::<u32>()
        && (1..6).contains(&count)
    {
        report.refuse(
            "cluster_config.azure_ip_count",
            &count.to_string(),
            "\"0\", or \"6\" and more",
            format!("\"{count}\" is too few for the system's own pods, use \"0\" to allocate none, or \"6\" and more"),
        );
    }
}

fn ports(config: &Config, report: &mut Report<'_>) {
    let cluster = &config.cluster;
    let own = [
        ("cluster_config.controller_port", cluster.controller_port),
        (
            "cluster_config.kube_apiserver_port",
            cluster.api_server.kube_apiserver_port,
        ),
        ("cluster_config.swarm_port", cluster.swarm_port),
        (
            "cluster_config.node_exporter_port",
            cluster.metrics.node_exporter_port,
        ),
    ];
    for (index, (key, port)) in own.iter().enumerate() {
        if let Some((other, _)) = own.iter().take(index).find(|(_, other)| other == port) {
            report.refuse(
                key,
                &port.to_string(),
                "a port of its own",
                format!("{port} is the port of `{other}` too, choose another"),
            );
        }
    }
    let Some((low, high)) = port_range(&cluster.network.nodeport_range) else {
        return;
    };
    for (key, port) in own {
        if (low..=high).contains(&port) {
            report.refuse(
                key,
                &port.to_string(),
                &format!("a port outside {low}-{high}"),
                format!(
                    "{port} lies in `cluster_config.nodeport_range`, which is for services: choose another"
                ),
            );
        }
    }
    let mut node_port = |key: String, port: Option<u16>| {
        // 0 lets Kubernetes choose.
        if let Some(port) = port.filter(|port| *port != 0 && !(low..=high).contains(port)) {
            report.refuse(
                &key,
                &port.to_string(),
                &format!("{low} to {high}"),
                format!("{port} lies outside `cluster_config.nodeport_range`, use {low} to {high}"),
            );
        }
    };
    if cluster.service_mesh.enabled {
        for (row, port) in cluster.service_mesh.ports.iter().enumerate() {
            node_port(
                format!("cluster_config.service_mesh.ingress_exposed_ports[{row}].node_port"),
                port.node_port,
            );
        }
    }
    if cluster.ingress_controller.enabled {
        for (row, port) in cluster.ingress_controller.ports.iter().enumerate() {
            node_port(
                format!("cluster_config.ingress_controller.ingress_exposed_ports[{row}].node_port"),
                port.node_port,
            );
        }
    }
}

fn pods(config: &Config, report: &mut Report<'_>) {
    let kubelet = &config.cluster.kubelet;
    if kubelet.kubelet_pods_per_core > kubelet.kubelet_max_pods {
        report.refuse(
            "cluster_config.kubelet_pods_per_core",
            &kubelet.kubelet_pods_per_core.to_string(),
            &format!("0 to {}", kubelet.kubelet_max_pods),
            format!(
                "{} is more than `cluster_config.kubelet_max_pods`, use 0 to {}",
                kubelet.kubelet_pods_per_core, kubelet.kubelet_max_pods
            ),
        );
    }
}

fn features(config: &Config, report: &mut Report<'_>) {
    let cluster = &config.cluster;
    let api = &cluster.api_server;
    if api.kms_enabled {
        for (key, value) in [("kms_name", &api.kms_name), ("kms_endpoint", &api.kms_endpoint)] {
            if given(value.as_deref()).is_none() {
                report.refuse(
                    &format!("cluster_config.{key}"),
                    "nothing",
                    "text",
                    "must be given while `cluster_config.kms_enabled` is true",
                );
            }
        }
    }
    if api.kube_api_server_auditing && config.audit_log.level == super::AuditLevel::Off {
        report.refuse(
            "cluster_config.kube_api_server_auditing",
            "true",
            "false",
            "needs `audit_log_configuration.level`: set that to `metadata` or `request`",
        );
    }
    if api.kube_api_server_enable_custom_audit_policy
        && given(api.kube_api_server_custom_audit_policy_yaml.as_deref()).is_none()
    {
        report.refuse(
            "cluster_config.KubeAPIServerEnableCustomAuditPolicy",
            "true",
            "false",
            "needs the policy in `cluster_config.KubeAPIServerCustomAuditPolicyYaml`",
        );
    }
    if cluster.metallb.enabled && cluster.metallb.pools.is_empty() {
        report.refuse(
            "cluster_config.metallb_config.enabled",
            "true",
            "false",
            "needs an address pool: add `[[cluster_config.metallb_config.metallb_ip_addr_pool]]`",
        );
    }
    probes(config, report);
}

/// The defaults of the probes are marks for "not set" and cannot be used.
fn probes(config: &Config, report: &mut Report<'_>) {
    let probes = &config.cluster.calico_probes;
    if !probes.calico_controller_probes_tuning {
        return;
    }
    for (name, found, least) in [
        (
            "liveness_probe_failure_threshold",
            probes.calico_controller_liveness_probe_failure_threshold,
            1,
        ),
        (
            "liveness_probe_initial_delay_seconds",
            probes.calico_controller_liveness_probe_initial_delay_seconds,
            0,
        ),
        (
            "liveness_probe_period_seconds",
            probes.calico_controller_liveness_probe_period_seconds,
            1,
        ),
        (
            "liveness_probe_success_threshold",
            probes.calico_controller_liveness_probe_success_threshold,
            1,
        ),
        (
            "liveness_probe_timeout_seconds",
            probes.calico_controller_liveness_probe_timeout_seconds,
            1,
        ),
        (
            "readiness_probe_failure_threshold",
            probes.calico_controller_readiness_probe_failure_threshold,
            1,
        ),
        (
            "readiness_probe_initial_delay_seconds",
            probes.calico_controller_readiness_probe_initial_delay_seconds,
            0,
        ),
        (
            "readiness_probe_period_seconds",
            probes.calico_controller_readiness_probe_period_seconds,
            1,
        ),
        (
            "readiness_probe_success_threshold",
            probes.calico_controller_readiness_probe_success_threshold,
            1,
        ),
        (
            "readiness_probe_timeout_seconds",
            probes.calico_controller_readiness_probe_timeout_seconds,
            1,
        ),
    ] {
        if found < least {
            report.refuse(
                &format!("cluster_config.calico_controller_{name}"),
                &found.to_string(),
                &format!("a whole number from {least}"),
                format!(
                    "must be {least} or more while `cluster_config.calico_controller_probes_tuning` is true"
                ),
            );
        }
    }
}

fn schedules(config: &Config, report: &mut Report<'_>) {
    let backup = &config.backup_schedule;
    if backup.no_passphrase && !backup.passphrase.is_empty() {
        report.refuse(
            "backup_schedule_config.no_passphrase",
            "true",
            "false",
            "there is a `backup_schedule_config.passphrase`: remove it, or set this to false",
        );
    }
    if backup.enabled && !backup.no_passphrase && backup.passphrase.is_empty() {
        report.refuse(
            "backup_schedule_config.passphrase",
            "nothing",
            "a passphrase",
            "must be given, unless `backup_schedule_config.no_passphrase` is true",
        );
    }
    for (key, on, value) in [
        ("backup_schedule_config.path", backup.enabled, &backup.path),
        (
            "backup_schedule_config.cron_spec",
            backup.enabled,
            &backup.cron_spec,
        ),
        (
            "etcd_cleanup_schedule_config.cron_expression",
            config.etcd_cleanup.cleanup_enabled,
            &config.etcd_cleanup.cron_expression,
        ),
    ] {
        // An absent key was reported before; what is left is empty text.
        if on && value.as_deref() == Some("") {
            report.refuse(key, "\"\"", "text", "must not be empty while its schedule is on");
        }
    }
    if let Some(expression) = &config.etcd_cleanup.cron_expression
        && let Some(gap) = Cron::from_text(expression).and_then(|cron| cron.shortest_gap_hours())
        && gap < CLEANUP_GAP_HOURS
    {
        report.refuse(
            "etcd_cleanup_schedule_config.cron_expression",
            expression,
            &format!("at least {CLEANUP_GAP_HOURS} hours between two runs"),
            format!("`{expression}` runs again after {gap} hours, use at least {CLEANUP_GAP_HOURS}"),
        );
    }
}

/// The rules of the Interlock file.
pub(super) fn check_interlock(interlock: &Interlock, report: &mut Report<'_>) {
    if interlock.extensions.is_empty() {
        report.refuse(
            "Extensions",
            "nothing",
            "at least one table such as `[Extensions.default]`",
            "at least one extension must be there: add `[Extensions.default]`",
        );
    }
    for (name, extension) in &interlock.extensions {
        if extension.published_port == extension.published_ssl_port {
            report.refuse(
                &format!("Extensions.{}.PublishedSSLPort", super::path::quoted_name(name)),
                &extension.published_ssl_port.to_string(),
                "a port of its own",
                format!(
                    "{} is `PublishedPort` too, choose another",
                    extension.published_ssl_port
                ),
            );
        }
    }
}

/// Text that says something.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
