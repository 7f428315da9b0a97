//! Groups of `[cluster_config]` about Kubernetes' own components.

use std::collections::BTreeMap;

use super::components::{API_SERVER, CONTROLLER_MANAGER, COREDNS, KUBELET, PROXY, SCHEDULER};
use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;

section! {
    /// The Kubernetes API server.
    pub struct ApiServer at "cluster_config" {
        /// The port of the Kubernetes API.
        kube_apiserver_port: u16 = Key::integer(6443).min(1).max(65535).required()
            .flag("--kube-apiserver-port").risk("client bundles name the port: their users need new ones")
            .restarts(&[API_SERVER, PROXY]);
        /// Further flags for the Kubernetes API server.
        custom_kube_api_server_flags: Vec<String> = Key::list(&[]).format(Format::Flag)
            .risk("flags are not checked here: a wrong one keeps the component from starting")
            .restarts(&[API_SERVER]);
        /// The TLS ciphers of the Kubernetes API server; empty leaves the choice to it.
        cipher_suites_for_kube_api_server: String = Key::text("").since(3, 4, 8).format(Format::CipherSuites)
            .restarts(&[API_SERVER]);
        /// Whether a plugin for a key management service encrypts secrets.
        kms_enabled: bool = Key::bool(false).since(3, 2, 5).rule("needs `kms_name` and `kms_endpoint`")
            .risk("without the plugin the API server cannot read its secrets").restarts(&[API_SERVER]);
        /// The name of that plugin.
        kms_name: Option<String> = Key::unset(Kind::Text).since(3, 2, 5).restarts(&[API_SERVER]);
        /// The UNIX socket at which the plugin answers on every manager.
        kms_endpoint: Option<String> = Key::unset(Kind::Text).since(3, 2, 5).format(Format::Socket)
            .restarts(&[API_SERVER]);
        /// How many data keys the API server remembers.
        kms_cachesize: Option<i64> = Key::unset(Kind::Integer).since(3, 2, 5).min(1).restarts(&[API_SERVER]);
        /// Whether Kubernetes writes its own audit log.
        kube_api_server_auditing: bool = Key::bool(false).not_in_3_4()
            .rule("needs `audit_log_configuration.level`").restarts(&[API_SERVER]);
        /// How many days audit files are kept.
        kube_api_server_audit_log_maxage: i64 = Key::integer(30).unit("days").not_in_3_4().min(0)
            .restarts(&[API_SERVER]);
        /// How many audit files are kept.
        kube_api_server_audit_log_maxbackup: i64 = Key::integer(10).not_in_3_4().min(0)
            .restarts(&[API_SERVER]);
        /// From which size a new audit file is begun.
        kube_api_server_audit_log_maxsize: i64 = Key::integer(10).unit("MB").not_in_3_4().min(1)
            .restarts(&[API_SERVER]);
        /// The text of an audit policy of one's own.
        kube_api_server_custom_audit_policy_yaml("KubeAPIServerCustomAuditPolicyYaml"): Option<String> = Key::unset(Kind::Text)
            .not_in_3_4().aliases(&["kube_api_server_custom_audit_policy_yaml"]).restarts(&[API_SERVER]);
        /// Whether that policy holds.
        kube_api_server_enable_custom_audit_policy("KubeAPIServerEnableCustomAuditPolicy"): bool = Key::bool(false)
            .not_in_3_4().rule("needs `KubeAPIServerCustomAuditPolicyYaml`").restarts(&[API_SERVER]);
        /// Whether the API server can be profiled.
        kube_api_server_profiling_enabled: bool = Key::bool(true).not_in_3_4().restarts(&[API_SERVER]);
        /// How long a request to the API server may take.
        kube_api_server_request_timeout: String = Key::text("1m").unit("duration").not_in_3_4()
            .format(Format::PositiveDuration).restarts(&[API_SERVER]);
        /// Whether every pod pulls its images anew, so that rights on them are checked.
        k8s_always_pull_images_ac_enabled: bool = Key::bool(false).not_in_3_4().restarts(&[API_SERVER]);
    }
}

section! {
    /// Kubernetes' controller manager and scheduler.
    pub struct Controllers at "cluster_config" {
        /// Further flags for Kubernetes' controller manager.
        custom_kube_controller_manager_flags: Vec<String> = Key::list(&[]).format(Format::Flag)
            .risk("flags are not checked here: a wrong one keeps the component from starting")
            .restarts(&[CONTROLLER_MANAGER]);
        /// Further flags for Kubernetes' scheduler.
        custom_kube_scheduler_flags: Vec<String> = Key::list(&[]).format(Format::Flag).risk("flags are not checked here: a wrong one keeps the component from starting")
            .restarts(&[SCHEDULER]);
        /// Whether the controller manager can be profiled.
        kube_controller_manager_profiling_enabled: bool = Key::bool(true).not_in_3_4()
            .restarts(&[CONTROLLER_MANAGER]);
        /// How many ended pods are kept before the oldest go.
        kube_manager_terminated_pod_gc_threshold: i64 = Key::integer(12500).not_in_3_4().min(0)
            .restarts(&[CONTROLLER_MANAGER]);
        /// Whether the scheduler can be profiled.
        kube_scheduler_profiling_enabled: bool = Key::bool(true).not_in_3_4().restarts(&[SCHEDULER]);
        /// Whether the scheduler listens on every address of its manager.
        kube_scheduler_bind_to_all: bool = Key::bool(false).not_in_3_4().restarts(&[SCHEDULER]);
    }
}

section! {
    /// What runs pods on a node.
    pub struct Kubelet at "cluster_config" {
        /// Further flags for kubelets.
        custom_kubelet_flags: Vec<String> = Key::list(&[]).format(Format::Flag).risk("flags are not checked here: a wrong one keeps the component from starting")
            .all_nodes(&[KUBELET]);
        /// Sets of kubelet flags under a name that nodes are given by label.
        custom_kubelet_flags_profiles: BTreeMap<String, String> = Key::map().not_in_3_4()
            .all_nodes(&[KUBELET]);
        /// What pods leave to the system on managers.
        manager_kube_reserved_resources: String = Key::text("cpu=250m,memory=2Gi,ephemeral-storage=4Gi")
            .format(Format::Resources).all_nodes(&[KUBELET]);
        /// What pods leave to the system on workers.
        worker_kube_reserved_resources: String = Key::text("cpu=50m,memory=300Mi,ephemeral-storage=500Mi")
            .format(Format::Resources).all_nodes(&[KUBELET]);
        /// How many pods a node may run.
        kubelet_max_pods: i64 = Key::integer(110).min(1).max(250).required().all_nodes(&[KUBELET]);
        /// How many pods a node may run for each processor core; 0 is no limit.
        kubelet_pods_per_core: i64 = Key::integer(0).min(0).since(3, 4, 4).rule("at most `kubelet_max_pods`")
            .all_nodes(&[KUBELET]);
        /// Where kubelets keep their data on Linux.
        kubelet_data_root: String = Key::text("/var/lib/kubelet").since(3, 4, 2).flag("--kubelet-data-root")
            .format(Format::AbsolutePath).not_empty().fixed_at_install();
        /// Where containerd keeps its data on Linux.
        containerd_root: String = Key::text("/var/lib/containerd").since(3, 4, 2).flag("--containerd-root")
            .format(Format::AbsolutePath).not_empty().fixed_at_install();
        /// Where containerd keeps its data on Windows nodes that join.
        windows_containerd_root: String = Key::text(r"C:\ProgramData\containerd")
            .flag("--windows-containerd-root").format(Format::WindowsPath);
        /// Where kubelets keep their data on Windows nodes that join.
        windows_kubelet_data_root: String = Key::text(r"C:\k").flag("--windows-kubelet-data-root")
            .format(Format::WindowsPath);
        /// The TLS ciphers of kubelets; empty leaves the choice to them.
        cipher_suites_for_kubelet: String = Key::text("").since(3, 4, 8).format(Format::CipherSuites)
            .all_nodes(&[KUBELET]);
        /// Whether kubelets refuse to start on other kernel parameters than they expect.
        kube_protect_kernel_defaults: bool = Key::bool(false).not_in_3_4()
            .risk("nodes with other kernel parameters lose their kubelet").all_nodes(&[KUBELET]);
        /// How many events a kubelet may write a second.
        kubelet_event_record_qps: i64 = Key::integer(50).not_in_3_4().min(0).all_nodes(&[KUBELET]);
        /// Whether pods that do not say run without a seccomp profile.
        disable_seccomp_default: bool = Key::bool(false).not_in_3_4().all_nodes(&[KUBELET]);
    }
}

section! {
    /// The limit on events.
    pub struct EventRateLimit at "cluster_config.k8s_event_rate_limit" {
        /// Whether the API server refuses events that come too fast.
        event_rate_limit_ac_enabled: bool = Key::bool(false).not_in_3_4().restarts(&[API_SERVER]);
    }
}

section! {
    /// Admission policies.
    pub struct PolicyEnforcement at "cluster_config.policy_enforcement" {
        /// Whether pod security policies hold.
        pod_security_policy: bool = Key::bool(true).not_in_3_4()
            .risk("off, pods are no longer held to any pod security policy").restarts(&[API_SERVER]);
    }
    tables {
        /// OPA Gatekeeper.
        gatekeeper("gatekeeper"): Gatekeeper;
    }
}

section! {
    /// OPA Gatekeeper.
    pub struct Gatekeeper at "cluster_config.policy_enforcement.gatekeeper" {
        /// Whether OPA Gatekeeper checks what is created.
        enabled: bool = Key::bool(false).not_in_3_4().restarts(&[API_SERVER]);
        /// Namespaces that Gatekeeper does not look at.
        excluded_namespaces: Vec<String> = Key::list(&[]).not_in_3_4().restarts(&[API_SERVER]);
    }
}

section! {
    /// How CoreDNS ends.
    pub struct CoreDnsLameduck at "cluster_config.core_dns_lameduck_config" {
        /// Whether CoreDNS goes on answering for a while when it is told to end.
        enabled: bool = Key::bool(false).not_in_3_4().restarts(&[COREDNS]);
        /// For how long.
        duration: String = Key::text("7s").unit("duration").not_in_3_4().format(Format::PositiveDuration)
            .not_empty().restarts(&[COREDNS]);
    }
}
