"""The types of `Config.to_dict()`, `InterlockConfig.to_dict()` and `AzureConfig.to_dict()`: every key by its name.

Written from the keys of the libraries by a test. Import it for annotations only:

    if TYPE_CHECKING:
        from mke.config_types import ConfigDict
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Dict, List, Optional, TypedDict, Union

from mke.config import Secret

# What a key can hold. Which of these it takes says `Key.kind`.
Value = Union[bool, int, str, Secret, Sequence[str], Mapping[str, str]]


class CustomApiServerHeaders(TypedDict):
    """`[custom_api_server_headers]`."""

    name: str
    value: str


class Registries(TypedDict):
    """`[registries]`."""

    host_address: str
    service_id: str
    ca_bundle: str


class Pki(TypedDict):
    """`[pki]`."""

    client_ca_bundle: str


class EtcdCleanupScheduleConfig(TypedDict):
    """`[etcd_cleanup_schedule_config]`."""

    cleanup_enabled: bool
    min_ttl_to_keep_seconds: int
    cron_expression: Optional[str]
    defrag_enabled: bool
    defrag_pause_seconds: int
    defrag_timeout_seconds: int


class BackupScheduleConfig(TypedDict):
    """`[backup_schedule_config]`."""

    enabled: bool
    notification_delay: int
    path: Optional[str]
    no_passphrase: bool
    passphrase: Secret
    cron_spec: Optional[str]
    include_logs: Optional[bool]
    backups_limit: Optional[int]


class ClusterConfigImagePruneWhitelist(TypedDict):
    """`[cluster_config.image_prune_whitelist]`."""

    key: str
    value: str


class ClusterConfigIngressControllerIngressNodeToleration(TypedDict):
    """`[cluster_config.ingress_controller.ingress_node_toleration]`."""

    key: str
    value: str
    operator: str
    effect: str


class ClusterConfigIngressControllerIngressNodeAffinity(TypedDict):
    """`[cluster_config.ingress_controller.ingress_node_affinity]`."""

    key: str
    value: str


class ClusterConfigIngressControllerIngressExposedPorts(TypedDict):
    """`[cluster_config.ingress_controller.ingress_exposed_ports]`."""

    name: str
    port: int
    target_port: int
    node_port: Optional[int]
    protocol: str


class ClusterConfigIngressControllerIngressExtraArgs(TypedDict):
    """`[cluster_config.ingress_controller.ingress_extra_args]`."""

    http_port: int
    https_port: int
    enable_ssl_passthrough: bool
    default_ssl_certificate: str
    default_backend_service: str


class ClusterConfigIngressController(TypedDict):
    """`[cluster_config.ingress_controller]`."""

    enabled: bool
    ingress_num_replicas: int
    ingress_external_ips: List[str]
    ingress_enable_lb: bool
    ingress_preserve_client_ip: bool
    ingress_config_map: Dict[str, str]
    ingress_tcp_services: Dict[str, str]
    ingress_udp_services: Dict[str, str]
    ingress_extra_args: ClusterConfigIngressControllerIngressExtraArgs
    ingress_exposed_ports: List[ClusterConfigIngressControllerIngressExposedPorts]
    ingress_node_affinity: List[ClusterConfigIngressControllerIngressNodeAffinity]
    ingress_node_toleration: List[ClusterConfigIngressControllerIngressNodeToleration]


class ClusterConfigServiceMeshIngressNodeToleration(TypedDict):
    """`[cluster_config.service_mesh.ingress_node_toleration]`."""

    key: str
    value: str
    operator: str
    effect: str


class ClusterConfigServiceMeshIngressNodeAffinity(TypedDict):
    """`[cluster_config.service_mesh.ingress_node_affinity]`."""

    key: str
    value: str


class ClusterConfigServiceMeshIngressExposedPorts(TypedDict):
    """`[cluster_config.service_mesh.ingress_exposed_ports]`."""

    name: str
    port: int
    target_port: int
    node_port: Optional[int]


class ClusterConfigServiceMesh(TypedDict):
    """`[cluster_config.service_mesh]`."""

    enabled: bool
    ingress_num_replicas: int
    ingress_external_ips: List[str]
    ingress_enable_lb: bool
    ingress_preserve_client_ip: bool
    ingress_exposed_ports: List[ClusterConfigServiceMeshIngressExposedPorts]
    ingress_node_affinity: List[ClusterConfigServiceMeshIngressNodeAffinity]
    ingress_node_toleration: List[ClusterConfigServiceMeshIngressNodeToleration]


class ClusterConfigMetallbConfigMetallbIpAddrPool(TypedDict):
    """`[cluster_config.metallb_config.metallb_ip_addr_pool]`."""

    name: str
    external_ip: List[str]


class ClusterConfigMetallbConfig(TypedDict):
    """`[cluster_config.metallb_config]`."""

    enabled: bool
    metallb_ip_addr_pool: List[ClusterConfigMetallbConfigMetallbIpAddrPool]


class ClusterConfigCoreDnsLameduckConfig(TypedDict):
    """`[cluster_config.core_dns_lameduck_config]`."""

    enabled: bool
    duration: str


class ClusterConfigPolicyEnforcementGatekeeper(TypedDict):
    """`[cluster_config.policy_enforcement.gatekeeper]`."""

    enabled: bool
    excluded_namespaces: List[str]


class ClusterConfigPolicyEnforcement(TypedDict):
    """`[cluster_config.policy_enforcement]`."""

    pod_security_policy: bool
    gatekeeper: ClusterConfigPolicyEnforcementGatekeeper


class ClusterConfigK8sEventRateLimit(TypedDict):
    """`[cluster_config.k8s_event_rate_limit]`."""

    event_rate_limit_ac_enabled: bool


class ClusterConfig(TypedDict):
    """`[cluster_config]`."""

    controller_port: int
    swarm_port: int
    swarm_strategy: str
    dns: List[str]
    dns_opt: List[str]
    dns_search: List[str]
    profiling_enabled: bool
    authz_cache_timeout: int
    external_service_lb: str
    exclude_server_identity_headers: bool
    cloud_provider: str
    azure_ip_count: str
    local_volume_collection_mapping: bool
    image_scan_aggregation_enabled: bool
    image_scan_cvss_version: int
    swarm_polling_disabled: bool
    oidc_client_id: Optional[str]
    hide_swarm_ui: bool
    swarm_only: bool
    shared_sans: List[str]
    pre_logon_message: str
    networks_quota_per_collection: int
    unauthenticated_http2_dos_mitigation: bool
    disable_http2: bool
    pubkey_auth_cache_enabled: bool
    cpu_usage_banner_threshold: int
    cpu_usage_banner_scrape_interval: str
    image_prune_schedule: str
    min_tls_version: str
    cluster_name: str
    gmsa_allow_non_admins: bool
    windows_gmsa: Optional[bool]
    nvidia_device_plugin: bool
    nvidia_device_partitioner: bool
    ignore_pod_updates_for_node_selector: bool
    kv_timeout: int
    kv_snapshot_count: int
    rethinkdb_cache_size: str
    etcd_storage_quota: str
    cipher_suites_for_etcd_server: str
    metrics_retention_time: str
    metrics_scrape_interval: str
    metrics_disk_usage_interval: Optional[str]
    prometheus_memory_limit: str
    prometheus_memory_request: str
    cadvisor_enabled: bool
    node_exporter_port: int
    cni_installer_url: str
    unmanaged_cni: bool
    pod_cidr: str
    service_cluster_ip_range: str
    nodeport_range: str
    calico_mtu: str
    ipip_mtu: str
    calico_vxlan: bool
    calico_vxlan_mtu: str
    calico_vxlan_port: str
    vxlan_vni: int
    calico_ip_auto_method: str
    secure_overlay: bool
    calico_strict_affinity: bool
    calico_kdd: bool
    calico_ebpf_enabled: bool
    kube_default_drop_masq_bits: bool
    multus_cni: Optional[bool]
    node_local_dns: Optional[bool]
    calico_controller_probes_tuning: bool
    calico_controller_liveness_probe_failure_threshold: int
    calico_controller_liveness_probe_initial_delay_seconds: int
    calico_controller_liveness_probe_period_seconds: int
    calico_controller_liveness_probe_success_threshold: int
    calico_controller_liveness_probe_timeout_seconds: int
    calico_controller_readiness_probe_failure_threshold: int
    calico_controller_readiness_probe_initial_delay_seconds: int
    calico_controller_readiness_probe_period_seconds: int
    calico_controller_readiness_probe_success_threshold: int
    calico_controller_readiness_probe_timeout_seconds: int
    kube_proxy_mode: str
    ipvs_exclude_cidrs: List[str]
    ipvs_min_sync_period: Optional[str]
    ipvs_scheduler: Optional[str]
    ipvs_strict_arp: bool
    ipvs_sync_period: Optional[str]
    ipvs_tcp_timeout: Optional[str]
    ipvs_tcpfin_timeout: Optional[str]
    ipvs_udp_timeout: Optional[str]
    custom_kube_proxy_flags: List[str]
    kube_proxy_no_cleanup_on_start: bool
    kube_proxy_use_config_file: bool
    custom_proxy_config_yaml: str
    kube_apiserver_port: int
    custom_kube_api_server_flags: List[str]
    cipher_suites_for_kube_api_server: str
    kms_enabled: bool
    kms_name: Optional[str]
    kms_endpoint: Optional[str]
    kms_cachesize: Optional[int]
    kube_api_server_auditing: bool
    kube_api_server_audit_log_maxage: int
    kube_api_server_audit_log_maxbackup: int
    kube_api_server_audit_log_maxsize: int
    KubeAPIServerCustomAuditPolicyYaml: Optional[str]
    KubeAPIServerEnableCustomAuditPolicy: bool
    kube_api_server_profiling_enabled: bool
    kube_api_server_request_timeout: str
    k8s_always_pull_images_ac_enabled: bool
    custom_kube_controller_manager_flags: List[str]
    custom_kube_scheduler_flags: List[str]
    kube_controller_manager_profiling_enabled: bool
    kube_manager_terminated_pod_gc_threshold: int
    kube_scheduler_profiling_enabled: bool
    kube_scheduler_bind_to_all: bool
    custom_kubelet_flags: List[str]
    custom_kubelet_flags_profiles: Dict[str, str]
    manager_kube_reserved_resources: str
    worker_kube_reserved_resources: str
    kubelet_max_pods: int
    kubelet_pods_per_core: int
    kubelet_data_root: str
    containerd_root: str
    windows_containerd_root: str
    windows_kubelet_data_root: str
    cipher_suites_for_kubelet: str
    kube_protect_kernel_defaults: bool
    kubelet_event_record_qps: int
    disable_seccomp_default: bool
    priv_attributes_allowed_for_user_accounts: List[str]
    priv_attributes_user_accounts: List[str]
    priv_attributes_allowed_for_service_accounts: List[str]
    priv_attributes_service_accounts: List[str]
    storage_expt_enabled: bool
    iscsi_enabled: bool
    iscsiadm_path: str
    iscsidb_path: str
    use_flex_volume_driver: bool
    k8s_event_rate_limit: ClusterConfigK8sEventRateLimit
    policy_enforcement: ClusterConfigPolicyEnforcement
    core_dns_lameduck_config: ClusterConfigCoreDnsLameduckConfig
    metallb_config: ClusterConfigMetallbConfig
    service_mesh: ClusterConfigServiceMesh
    ingress_controller: ClusterConfigIngressController
    image_prune_whitelist: List[ClusterConfigImagePruneWhitelist]


class UserWorkloadDefaultsSwarmDefaultsTasktemplateRestartpolicyMaxattempts(TypedDict):
    """`[user_workload_defaults.swarm_defaults.tasktemplate.restartpolicy.maxattempts]`."""

    value: str


class UserWorkloadDefaultsSwarmDefaultsTasktemplateRestartpolicyDelay(TypedDict):
    """`[user_workload_defaults.swarm_defaults.tasktemplate.restartpolicy.delay]`."""

    value: str


# `[user_workload_defaults.swarm_defaults]`.
UserWorkloadDefaultsSwarmDefaults = TypedDict(
    "UserWorkloadDefaultsSwarmDefaults",
    {
        "tasktemplate.restartpolicy.delay": UserWorkloadDefaultsSwarmDefaultsTasktemplateRestartpolicyDelay,
        "tasktemplate.restartpolicy.maxattempts": UserWorkloadDefaultsSwarmDefaultsTasktemplateRestartpolicyMaxattempts,
    },
)


class UserWorkloadDefaults(TypedDict):
    """`[user_workload_defaults]`."""

    swarm_defaults: UserWorkloadDefaultsSwarmDefaults


class LicenseConfiguration(TypedDict):
    """`[license_configuration]`."""

    auto_refresh: bool
    omit_telemetry: bool


class LogConfiguration(TypedDict):
    """`[log_configuration]`."""

    protocol: str
    host: str
    level: str


class TrustConfiguration(TypedDict):
    """`[trust_configuration]`."""

    require_content_trust: bool
    require_signature_from: List[str]
    allow_repos: List[str]


class TrackingConfiguration(TypedDict):
    """`[tracking_configuration]`."""

    disable_usageinfo: bool
    disable_tracking: bool
    anonymize_tracking: bool
    cluster_label: str
    ops_care: bool


class SchedulingConfiguration(TypedDict):
    """`[scheduling_configuration]`."""

    enable_admin_ucp_scheduling: bool
    enable_user_ucp_scheduling: bool
    default_node_orchestrator: str


class AuditLogConfiguration(TypedDict):
    """`[audit_log_configuration]`."""

    level: str
    support_dump_include_audit_logs: bool


class HardeningConfiguration(TypedDict):
    """`[hardening_configuration]`."""

    hardening_enabled: bool
    limit_kernel_capabilities: bool
    pid_limit: int
    pid_limit_unspecified: bool
    use_strong_tls_ciphers: bool


class AuthAccountLock(TypedDict):
    """`[auth.account_lock]`."""

    enabled: bool
    failureTrigger: Optional[int]
    durationSeconds: Optional[int]


class AuthExternalIdentityProviderAdminRoleCriteria(TypedDict):
    """`[auth.external_identity_provider.adminRoleCriteria]`."""

    term: str
    value: str
    matchType: str


class AuthExternalIdentityProviderSignInCriteria(TypedDict):
    """`[auth.external_identity_provider.signInCriteria]`."""

    term: str
    value: str
    matchType: str


class AuthExternalIdentityProvider(TypedDict):
    """`[auth.external_identity_provider]`."""

    wellKnownConfigUrl: Optional[str]
    clientID: Optional[str]
    clientSecret: Optional[Secret]
    usernameClaim: str
    caBundle: str
    httpProxy: str
    httpsProxy: str
    issuer: str
    userServiceId: Optional[str]
    signInCriteria: List[AuthExternalIdentityProviderSignInCriteria]
    adminRoleCriteria: List[AuthExternalIdentityProviderAdminRoleCriteria]


class AuthSamlProxyCredentialsBasic(TypedDict):
    """`[auth.samlProxy.credentials.basic]`."""

    user: Optional[str]
    password: Optional[Secret]


class AuthSamlProxyCredentials(TypedDict):
    """`[auth.samlProxy.credentials]`."""

    basic: AuthSamlProxyCredentialsBasic


class AuthSamlProxy(TypedDict):
    """`[auth.samlProxy]`."""

    enabled: bool
    proxy_url: Optional[str]
    credentials: AuthSamlProxyCredentials


class AuthSaml(TypedDict):
    """`[auth.saml]`."""

    idpMetadataURL: Optional[str]
    rootCerts: str
    tlsSkipVerify: bool
    spHost: Optional[str]


class AuthLdapUserSearchConfigs(TypedDict):
    """`[auth.ldap.user_search_configs]`."""

    base_dn: Optional[str]
    scope_subtree: bool
    username_attr: str
    full_name_attr: str
    filter: str
    match_group: bool
    match_group_dn: Optional[str]
    match_group_member_attr: str
    match_group_iterate: bool


class AuthLdapAdditionalDomains(TypedDict):
    """`[auth.ldap.additional_domains]`."""

    domain: Optional[str]
    server_url: Optional[str]
    no_simple_pagination: bool
    start_tls: bool
    root_certs: str
    tls_skip_verify: bool
    reader_dn: Optional[str]
    reader_password: Optional[Secret]


class AuthLdapAdminSyncOpts(TypedDict):
    """`[auth.ldap.admin_sync_opts]`."""

    enable_sync: bool
    select_group_members: bool
    group_dn: Optional[str]
    group_member_attr: str
    search_base_dn: Optional[str]
    search_scope_subtree: bool
    search_filter: str


class AuthLdap(TypedDict):
    """`[auth.ldap]`."""

    server_url: Optional[str]
    no_simple_pagination: bool
    start_tls: bool
    root_certs: str
    tls_skip_verify: bool
    reader_dn: Optional[str]
    reader_password: Optional[Secret]
    sync_schedule: str
    jit_user_provisioning: bool
    recovery_admin_username: Optional[str]
    admin_sync_opts: AuthLdapAdminSyncOpts
    additional_domains: List[AuthLdapAdditionalDomains]
    user_search_configs: List[AuthLdapUserSearchConfigs]


class AuthSessions(TypedDict):
    """`[auth.sessions]`."""

    lifetime_minutes: int
    renewal_threshold_minutes: int
    per_user_limit: int
    store_token_per_session: bool


class Auth(TypedDict):
    """`[auth]`."""

    backend: str
    default_new_user_role: str
    managedPasswordDisabled: bool
    managedPasswordFallbackUser: str
    samlEnabled: bool
    samlLoginText: str
    scimEnabled: bool
    sessions: AuthSessions
    ldap: AuthLdap
    saml: AuthSaml
    samlProxy: AuthSamlProxy
    external_identity_provider: AuthExternalIdentityProvider
    account_lock: AuthAccountLock


class ConfigDict(TypedDict):
    """The whole file (config)."""

    auth: Auth
    hardening_configuration: HardeningConfiguration
    audit_log_configuration: AuditLogConfiguration
    scheduling_configuration: SchedulingConfiguration
    tracking_configuration: TrackingConfiguration
    trust_configuration: TrustConfiguration
    log_configuration: LogConfiguration
    license_configuration: LicenseConfiguration
    user_workload_defaults: UserWorkloadDefaults
    cluster_config: ClusterConfig
    backup_schedule_config: BackupScheduleConfig
    etcd_cleanup_schedule_config: EtcdCleanupScheduleConfig
    pki: Pki
    registries: List[Registries]
    custom_api_server_headers: List[CustomApiServerHeaders]


class InterlockExtensionsConfig(TypedDict):
    """`[Extensions.Config]`."""

    Version: str
    HTTPVersion: str
    User: str
    PidPath: str
    MaxConnections: int
    ConnectTimeout: int
    SendTimeout: int
    ReadTimeout: int
    IPHash: bool
    AdminUser: str
    AdminPass: Secret
    SSLOpts: str
    SSLDefaultDHParam: int
    SSLDefaultDHParamPath: str
    SSLVerify: str
    WorkerProcesses: int
    RLimitNoFile: int
    SSLCiphers: str
    SSLProtocols: str
    HideInfoHeaders: bool
    KeepaliveTimeout: str
    ClientMaxBodySize: str
    ClientBodyBufferSize: str
    ClientHeaderBufferSize: str
    LargeClientHeaderBuffers: str
    ClientBodyTimeout: str
    UnderscoresInHeaders: bool
    UpstreamZoneSize: int
    ServerNamesHashBucketSize: int
    GlobalOptions: List[str]
    HTTPOptions: List[str]
    TCPOptions: List[str]
    AccessLogPath: str
    ErrorLogPath: str
    MainLogFormat: Optional[str]
    TraceLogFormat: Optional[str]


class InterlockExtensions(TypedDict):
    """`[Extensions]`."""

    Image: str
    Args: List[str]
    Labels: Dict[str, str]
    ContainerLabels: Dict[str, str]
    Networks: List[str]
    Constraints: List[str]
    PlacementPreferences: List[str]
    ServiceName: str
    ServiceCluster: str
    ProxyImage: str
    ProxyArgs: List[str]
    ProxyLabels: Dict[str, str]
    ProxyContainerLabels: Dict[str, str]
    ProxyServiceName: str
    ProxyConfigPath: str
    ProxyReplicas: int
    ProxyStopSignal: str
    ProxyStopGracePeriod: str
    ProxyConstraints: List[str]
    ProxyPlacementPreferences: List[str]
    ProxyUpdateDelay: Optional[str]
    PublishMode: str
    PublishedPort: int
    TargetPort: int
    PublishedSSLPort: int
    TargetSSLPort: int
    Template: Optional[str]
    HitlessServiceUpdate: bool
    ConfigImage: str
    ConfigServiceName: str
    Config: InterlockExtensionsConfig


class InterlockDict(TypedDict):
    """The whole file (interlock)."""

    ListenAddr: str
    DockerURL: str
    TLSCACert: Optional[str]
    TLSCert: Optional[str]
    TLSKey: Optional[Secret]
    AllowInsecure: bool
    PollInterval: str
    EndpointOverride: Optional[str]
    Extensions: Dict[str, InterlockExtensions]


class AzureDict(TypedDict):
    """The whole file (azure)."""

    tenantId: str
    subscriptionId: str
    aadClientId: str
    aadClientSecret: Secret
    resourceGroup: str
    location: str
    subnetName: str
    securityGroupName: str
    vnetName: str
    useInstanceMetadata: bool
    primaryAvailabilitySetName: Optional[str]
    vnetResourceGroup: Optional[str]
    routeTableName: Optional[str]
    cloud: str
    cloudProviderBackoff: bool
    cloudProviderBackoffRetries: int
    cloudProviderBackoffExponent: int
    cloudProviderBackoffDuration: int
    cloudProviderBackoffJitter: int
    cloudProviderRatelimit: bool
    cloudProviderRateLimitQPS: int
    cloudProviderRateLimitBucket: int
    useManagedIdentityExtension: bool
