//! What stands around the workloads of add-ons: namespaces, service accounts with their rights, files and services.

use mke_core::render::dns_address;
use serde_json::{Value, json};

use super::manifest::{Manifest, Place};
use super::settings::{CNI_CONFIG, Settings};
use super::workloads::{SYSTEM, Workload};
use crate::node::ClusterSpec;

/// The service of CoreDNS has this name in every cluster of Kubernetes: programs look for it.
const DNS_SERVICE: &str = "kube-dns";
/// The kinds of Calico's own data, where it keeps it in Kubernetes.
const CALICO_GROUP: &str = "crd.projectcalico.org";

/// The objects that a workload needs.
pub(super) fn of(
    addon: &str,
    workload: &Workload,
    settings: &Settings<'_>,
    cluster: &ClusterSpec,
) -> Vec<Manifest> {
    let (name, namespace) = (workload.name, workload.namespace);
    let mut objects = Vec::new();
    let mut add = |place: Place, content: Value| {
        objects.push(Manifest::new(&cluster.cluster_id, addon, place, content));
    };
    if namespace != SYSTEM {
        add(Place::whole("Namespace", namespace), json!({}));
    }
    add(Place::within(namespace, "ServiceAccount", name), json!({}));
    let rules = rules(name, cluster.config.cluster.network.calico_kdd);
    if !rules.is_empty() {
        add(Place::whole("ClusterRole", name), json!({ "rules": rules }));
        let binding = json!({
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": namespace }],
        });
        add(Place::whole("ClusterRoleBinding", name), binding);
    }
    if let Some(data) = data(name, settings, cluster) {
        add(
            Place::within(namespace, "ConfigMap", name),
            json!({ "data": data }),
        );
    }
    if name == "coredns" {
        let range = &cluster.config.cluster.network.service_cluster_ip_range;
        add(
            Place::within(namespace, "Service", DNS_SERVICE),
            json!({ "spec": {
                "selector": { "k8s-app": name },
                "clusterIP": dns_address(range),
                "ports": [
                    { "name": "dns", "port": 53, "protocol": "UDP" },
                    { "name": "dns-tcp", "port": 53, "protocol": "TCP" },
                    { "name": "metrics", "port": 9153, "protocol": "TCP" },
                ],
            }}),
        );
    }
    objects
}

/// The files of a workload.
fn data(name: &str, settings: &Settings<'_>, cluster: &ClusterSpec) -> Option<Value> {
    match name {
        "coredns" => Some(json!({ "Corefile": settings.file("Corefile")? })),
        "calico-node" => Some(json!({ CNI_CONFIG: cni_config(settings, cluster) })),
        _ => None,
    }
}

/// The chain of network plug-ins of pods. Words between underscores are filled in on each node by what installs it.
fn cni_config(settings: &Settings<'_>, cluster: &ClusterSpec) -> String {
    let rendered = settings.rendered.as_ref();
    let said = |name: &str| {
        rendered
            .and_then(|rendered| rendered.variable(name))
            .unwrap_or_default()
    };
    let mut calico = json!({
        "type": "calico",
        "log_level": "info",
        "nodename": "__KUBERNETES_NODE_NAME__",
        "mtu": said("CNI_MTU").parse::<u32>().unwrap_or_default(),
        "datastore_type": said("DATASTORE_TYPE"),
        "ipam": { "type": "calico-ipam" },
        "policy": { "type": "k8s" },
        "kubernetes": { "kubeconfig": "__KUBECONFIG_FILEPATH__" },
    });
    if !cluster.config.cluster.network.calico_kdd {
        for (field, variable) in [
            ("etcd_endpoints", "ETCD_ENDPOINTS"),
            ("etcd_ca_cert_file", "ETCD_CA_CERT_FILE"),
            ("etcd_cert_file", "ETCD_CERT_FILE"),
            ("etcd_key_file", "ETCD_KEY_FILE"),
        ] {
            calico[field] = json!(said(variable));
        }
    }
    let ports = json!({ "type": "portmap", "snat": true, "capabilities": { "portMappings": true } });
    let chain = json!({ "name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [calico, ports] });
    chain.to_string()
}

/// What a workload may do in Kubernetes. Nothing may read secrets.
fn rules(name: &str, kdd: bool) -> Vec<Value> {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let watch = &["get", "list", "watch"];
    let mut rules = match name {
        "calico-node" => vec![
            rule("", &["pods", "nodes", "namespaces"], &["get"]),
            rule("", &["endpoints", "services"], &["get", "list", "watch"]),
            rule("", &["nodes/status"], &["patch"]),
        ],
        "calico-kube-controllers" => vec![
            rule("", &["pods", "nodes", "namespaces", "serviceaccounts"], watch),
            rule("networking.k8s.io", &["networkpolicies"], watch),
        ],
        "coredns" => vec![
            rule(
                "",
                &["endpoints", "services", "pods", "namespaces"],
                &["list", "watch"],
            ),
            rule("", &["nodes"], &["get"]),
            rule("discovery.k8s.io", &["endpointslices"], &["list", "watch"]),
        ],
        "ucp-metrics" => vec![rule("", &["nodes", "pods", "services", "endpoints"], watch)],
        "ucp-node-feature-discovery" => {
            vec![rule("", &["nodes"], &["get", "list", "patch", "update"])]
        }
        "ucp-nvidia-device-partitioner" => vec![rule("", &["nodes"], &["get", "patch"])],
        _ => Vec::new(),
    };
    if kdd && name.starts_with("calico-") {
        rules.push(rule(
            CALICO_GROUP,
            &["*"],
            &["get", "list", "watch", "create", "update", "delete"],
        ));
        if name == "calico-node" {
            rules.push(rule(
                "",
                &["pods", "nodes", "namespaces", "serviceaccounts"],
                watch,
            ));
            rules.push(rule("", &["pods/status"], &["patch"]));
            rules.push(rule("networking.k8s.io", &["networkpolicies"], watch));
        }
    }
    rules
}
