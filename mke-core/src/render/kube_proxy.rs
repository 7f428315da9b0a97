//! The flags of kube-proxy: mode (CFG-029) and IPVS (CFG-042, IPVS-002).

use super::Work;
use super::api_server::check_yaml;
use super::facts::OperatingSystem;
use super::flags::Origin;
use super::kubelet::MASQUERADE_BIT;

const MODE: &str = "cluster_config.kube_proxy_mode";

pub(super) fn render(work: &mut Work<'_>) {
    let own = &work.config.cluster.kube_proxy;
    let disabled = own.kube_proxy_mode == "disabled";
    if work.is_absent(disabled.then_some("`cluster_config.kube_proxy_mode` is `disabled`")) {
        return;
    }
    if !matches!(own.kube_proxy_mode.as_str(), "iptables" | "ipvs") {
        let found = &own.kube_proxy_mode;
        let allowed = "use `iptables`, `ipvs` or `disabled`";
        work.problems
            .add(MODE, format!("{found:?} is no mode: {allowed}"));
    }
    if !own.kube_proxy_no_cleanup_on_start {
        work.notes.push(
            "`cluster_config.kube_proxy_no_cleanup_on_start` is off: it runs once with --cleanup before it starts".to_owned(),
        );
    }
    work.flags.fact("hostname-override", &work.facts.name, "name");
    if own.kube_proxy_use_config_file {
        file(work);
    } else {
        settings(work);
    }
    work.custom(
        "cluster_config.custom_kube_proxy_flags",
        &own.custom_kube_proxy_flags,
    );
}

/// A file in the place of flags.
fn file(work: &mut Work<'_>) {
    const KEY: &str = "cluster_config.custom_proxy_config_yaml";
    let own = &work.config.cluster.kube_proxy;
    let text = &own.custom_proxy_config_yaml;
    check_yaml(
        work,
        KEY,
        text,
        "kubeproxy.config.k8s.io/",
        "KubeProxyConfiguration",
    );
    let path = work.file("kube-proxy.yaml", text.clone(), Origin::Key(KEY));
    work.flags
        .key("config", path, "cluster_config.kube_proxy_use_config_file");
    work.notes.push(
        "kube-proxy reads a file: the mode, the IPVS parameters and the network of pods are what that file says, and \
         most flags besides --config mean nothing to it"
            .to_owned(),
    );
}

fn settings(work: &mut Work<'_>) {
    let cluster = &work.config.cluster;
    let own = &cluster.kube_proxy;
    let kubeconfig = work.config_path("kube-proxy.kubeconfig");
    let flags = &mut work.flags;
    flags.fact("kubeconfig", kubeconfig, "paths.config");
    flags.key(
        "cluster-cidr",
        &cluster.network.pod_cidr,
        "cluster_config.pod_cidr",
    );
    let why = "only its own node asks it";
    flags.fixed("healthz-bind-address", "127.0.0.1:10256", why);
    flags.fixed("metrics-bind-address", "127.0.0.1:10249", why);
    if work.facts.os == OperatingSystem::Windows {
        flags.fact("proxy-mode", "kernelspace", "os");
        return;
    }
    flags.key("proxy-mode", &own.kube_proxy_mode, MODE);
    if cluster.network.kube_default_drop_masq_bits {
        let key = "cluster_config.kube_default_drop_masq_bits";
        flags.key("iptables-masquerade-bit", MASQUERADE_BIT, key);
    }
    if own.kube_proxy_mode == "ipvs" {
        ipvs(work);
    }
}

fn ipvs(work: &mut Work<'_>) {
    let own = &work.config.cluster.kube_proxy;
    let excluded = own.ipvs_exclude_cidrs.join(",");
    let flags = &mut work.flags;
    flags.key(
        "ipvs-strict-arp",
        own.ipvs_strict_arp,
        "cluster_config.ipvs_strict_arp",
    );
    for (flag, value, key) in [
        (
            "ipvs-exclude-cidrs",
            Some(&excluded),
            "cluster_config.ipvs_exclude_cidrs",
        ),
        (
            "ipvs-min-sync-period",
            own.ipvs_min_sync_period.as_ref(),
            "cluster_config.ipvs_min_sync_period",
        ),
        (
            "ipvs-scheduler",
            own.ipvs_scheduler.as_ref(),
            "cluster_config.ipvs_scheduler",
        ),
        (
            "ipvs-sync-period",
            own.ipvs_sync_period.as_ref(),
            "cluster_config.ipvs_sync_period",
        ),
        (
            "ipvs-tcp-timeout",
            own.ipvs_tcp_timeout.as_ref(),
            "cluster_config.ipvs_tcp_timeout",
        ),
        (
            "ipvs-tcpfin-timeout",
            own.ipvs_tcpfin_timeout.as_ref(),
            "cluster_config.ipvs_tcpfin_timeout",
        ),
        (
            "ipvs-udp-timeout",
            own.ipvs_udp_timeout.as_ref(),
            "cluster_config.ipvs_udp_timeout",
        ),
    ] {
        flags.key_if_given(flag, value.map(String::as_str), key);
    }
}
