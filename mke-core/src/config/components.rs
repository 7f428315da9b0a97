//! Components by the names that operators know, as far as changes of the configuration touch them.

/// The control plane's own API.
pub const CONTROLLER: &str = "ucp-controller";
pub(super) const PROXY: &str = "ucp-proxy";
pub(super) const SWARM_MANAGER: &str = "ucp-swarm-manager";
pub(super) const KV: &str = "ucp-kv";
pub(super) const AUTH_STORE: &str = "ucp-auth-store";
pub(super) const AUTH_API: &str = "ucp-auth-api";
pub(super) const METRICS: &str = "ucp-metrics";
pub(super) const API_SERVER: &str = "ucp-kube-apiserver";
pub(super) const CONTROLLER_MANAGER: &str = "ucp-kube-controller-manager";
pub(super) const SCHEDULER: &str = "ucp-kube-scheduler";
pub(super) const KUBELET: &str = "ucp-kubelet";
pub(super) const KUBE_PROXY: &str = "ucp-kube-proxy";
pub(super) const CALICO_NODE: &str = "k8s_calico-node";
pub(super) const CALICO_CONTROLLERS: &str = "k8s_calico-kube-controllers";
pub(super) const COREDNS: &str = "k8s_ucp-coredns_coredns";
pub(super) const ISTIO: &str = "k8s_istio-proxy_istio-ingressgateway";
pub(super) const INGRESS_NGINX: &str = "ingress-nginx";
pub(super) const METALLB: &str = "metallb";

/// What runs in containers of the control plane itself.
pub(super) const CONTROL_PLANE: &[&str] = &[
    CONTROLLER,
    PROXY,
    SWARM_MANAGER,
    KV,
    AUTH_STORE,
    AUTH_API,
    METRICS,
    API_SERVER,
    CONTROLLER_MANAGER,
    SCHEDULER,
    KUBELET,
    KUBE_PROXY,
];
