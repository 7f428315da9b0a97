//! Which key of a 3.x file becomes which field below `spec` of `mke4.yaml`, and how its value changes on the way.

/// How a value changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It stays as it is.
    Same,
    /// On becomes off, off becomes on.
    Not,
    /// A list of flags becomes a map.
    Flags,
    /// `cpu=250m,memory=2Gi` becomes a map.
    Resources,
    /// Minutes become a duration.
    Minutes,
}

/// One key and its field.
pub(super) struct Row {
    /// The key with its tables.
    pub(super) from: &'static str,
    /// The field below `spec`.
    pub(super) to: &'static str,
    pub(super) turn: Turn,
}

const fn row(from: &'static str, to: &'static str, turn: Turn) -> Row {
    Row { from, to, turn }
}

/// Keys that map one to one. Sections that do not are read by code beside this table.
pub(super) const ROWS: &[Row] = &[
    row(
        "cluster_config.custom_kube_api_server_flags",
        "apiServer.extraArgs",
        Turn::Flags,
    ),
    row(
        "cluster_config.custom_kube_controller_manager_flags",
        "controllerManager.extraArgs",
        Turn::Flags,
    ),
    row(
        "cluster_config.custom_kubelet_flags",
        "kubelet.extraArgs",
        Turn::Flags,
    ),
    row(
        "cluster_config.custom_kube_scheduler_flags",
        "scheduler.extraArgs",
        Turn::Flags,
    ),
    row(
        "cluster_config.custom_kube_proxy_flags",
        "network.kubeProxy.extraArgs",
        Turn::Flags,
    ),
    row(
        "cluster_config.core_dns_lameduck_config.enabled",
        "dns.lameduck.enabled",
        Turn::Same,
    ),
    row(
        "cluster_config.core_dns_lameduck_config.duration",
        "dns.lameduck.duration",
        Turn::Same,
    ),
    row(
        "cluster_config.policy_enforcement.gatekeeper.enabled",
        "policyController.opaGatekeeper.enabled",
        Turn::Same,
    ),
    row(
        "cluster_config.policy_enforcement.gatekeeper.excluded_namespaces",
        "policyController.opaGatekeeper.exemptNamespaces",
        Turn::Same,
    ),
    row("cluster_config.kubelet_max_pods", "kubelet.maxPods", Turn::Same),
    row(
        "cluster_config.kubelet_pods_per_core",
        "kubelet.podsPerCore",
        Turn::Same,
    ),
    row(
        "cluster_config.kubelet_event_record_qps",
        "kubelet.eventRecordQPS",
        Turn::Same,
    ),
    row(
        "cluster_config.kubelet_data_root",
        "kubelet.kubeletRootDir",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_protect_kernel_defaults",
        "kubelet.protectKernelDefaults",
        Turn::Same,
    ),
    row(
        "cluster_config.disable_seccomp_default",
        "kubelet.seccompDefault",
        Turn::Not,
    ),
    row(
        "cluster_config.manager_kube_reserved_resources",
        "kubelet.managerKubeReserved",
        Turn::Resources,
    ),
    row(
        "cluster_config.worker_kube_reserved_resources",
        "kubelet.workerKubeReserved",
        Turn::Resources,
    ),
    row(
        "cluster_config.kube_api_server_auditing",
        "apiServer.audit.enabled",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_api_server_audit_log_maxage",
        "apiServer.audit.maxAge",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_api_server_audit_log_maxbackup",
        "apiServer.audit.maxBackup",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_api_server_audit_log_maxsize",
        "apiServer.audit.maxSize",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_api_server_request_timeout",
        "apiServer.requestTimeout",
        Turn::Same,
    ),
    row(
        "cluster_config.k8s_event_rate_limit.event_rate_limit_ac_enabled",
        "apiServer.eventRateLimit.enabled",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_manager_terminated_pod_gc_threshold",
        "controllerManager.terminatedPodGCThreshold",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_scheduler_profiling_enabled",
        "scheduler.profilingEnabled",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_scheduler_bind_to_all",
        "scheduler.bindToAll",
        Turn::Same,
    ),
    row(
        "cluster_config.etcd_storage_quota",
        "etcd.storageQuota",
        Turn::Same,
    ),
    row(
        "cluster_config.cipher_suites_for_etcd_server",
        "etcd.tlsCipherSuites",
        Turn::Same,
    ),
    row(
        "cluster_config.pod_cidr",
        "network.providers[provider=calico].extraConfig.cidrV4",
        Turn::Same,
    ),
    row(
        "cluster_config.service_cluster_ip_range",
        "network.serviceCIDR",
        Turn::Same,
    ),
    row(
        "cluster_config.nodeport_range",
        "network.nodePortRange",
        Turn::Same,
    ),
    row(
        "cluster_config.kube_proxy_mode",
        "network.kubeProxy.mode",
        Turn::Same,
    ),
    row("cluster_config.multus_cni", "network.multus.enabled", Turn::Same),
    row(
        "cluster_config.nvidia_device_plugin",
        "devicePlugins.nvidiaGPU.enabled",
        Turn::Same,
    ),
    row(
        "cluster_config.cadvisor_enabled",
        "monitoring.enableCAdvisor",
        Turn::Same,
    ),
    row(
        "tracking_configuration.ops_care",
        "monitoring.enableOpscare",
        Turn::Same,
    ),
    row(
        "tracking_configuration.disable_tracking",
        "tracking.enabled",
        Turn::Not,
    ),
    row(
        "tracking_configuration.cluster_label",
        "tracking.clusterLabel",
        Turn::Same,
    ),
    row(
        "auth.external_identity_provider.issuer",
        "authentication.oidc.issuer",
        Turn::Same,
    ),
    row(
        "auth.external_identity_provider.clientID",
        "authentication.oidc.clientID",
        Turn::Same,
    ),
    row(
        "auth.external_identity_provider.clientSecret",
        "authentication.oidc.clientSecret",
        Turn::Same,
    ),
    row("auth.samlEnabled", "authentication.saml.enabled", Turn::Same),
    row(
        "auth.saml.idpMetadataURL",
        "authentication.saml.ssoMetadataURL",
        Turn::Same,
    ),
    row("auth.saml.rootCerts", "authentication.saml.caData", Turn::Same),
    row(
        "auth.sessions.lifetime_minutes",
        "authentication.expiry.idTokens",
        Turn::Minutes,
    ),
];
