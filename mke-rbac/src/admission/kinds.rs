//! Which resource a kind is, and where a kind holds pods.

/// A kind that this crate knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// The API group; several of them held workloads at times.
    pub(super) groups: &'static [&'static str],
    pub(super) kind: &'static str,
    /// The name of the resource in paths.
    pub(super) resource: &'static str,
    pub(super) namespaced: bool,
    /// Where a pod lies in the object.
    pub(super) pod: Option<&'static [&'static str]>,
}

const CORE: &[&str] = &[""];
const APPS: &[&str] = &["apps", "extensions"];
const TEMPLATE: Option<&[&str]> = Some(&["spec", "template"]);

const fn plain(
    groups: &'static [&'static str],
    kind: &'static str,
    resource: &'static str,
    namespaced: bool,
) -> Kind {
    Kind {
        groups,
        kind,
        resource,
        namespaced,
        pod: None,
    }
}

const fn pods(
    groups: &'static [&'static str],
    kind: &'static str,
    resource: &'static str,
    pod: Option<&'static [&'static str]>,
) -> Kind {
    Kind {
        groups,
        kind,
        resource,
        namespaced: true,
        pod,
    }
}

const KINDS: [Kind; 37] = [
    pods(CORE, "Pod", "pods", Some(&[])),
    pods(CORE, "PodTemplate", "podtemplates", Some(&["template"])),
    pods(CORE, "ReplicationController", "replicationcontrollers", TEMPLATE),
    pods(APPS, "Deployment", "deployments", TEMPLATE),
    pods(APPS, "DaemonSet", "daemonsets", TEMPLATE),
    pods(APPS, "ReplicaSet", "replicasets", TEMPLATE),
    pods(APPS, "StatefulSet", "statefulsets", TEMPLATE),
    pods(&["batch", "extensions"], "Job", "jobs", TEMPLATE),
    pods(
        &["batch"],
        "CronJob",
        "cronjobs",
        Some(&["spec", "jobTemplate", "spec", "template"]),
    ),
    plain(CORE, "Namespace", "namespaces", false),
    plain(CORE, "Node", "nodes", false),
    plain(CORE, "PersistentVolume", "persistentvolumes", false),
    plain(CORE, "PersistentVolumeClaim", "persistentvolumeclaims", true),
    plain(CORE, "Binding", "bindings", true),
    plain(CORE, "ConfigMap", "configmaps", true),
    plain(CORE, "Endpoints", "endpoints", true),
    plain(CORE, "Event", "events", true),
    plain(CORE, "LimitRange", "limitranges", true),
    plain(CORE, "ResourceQuota", "resourcequotas", true),
    plain(CORE, "Secret", "secrets", true),
    plain(CORE, "Service", "services", true),
    plain(CORE, "ServiceAccount", "serviceaccounts", true),
    plain(&["rbac.authorization.k8s.io"], "Role", "roles", true),
    plain(
        &["rbac.authorization.k8s.io"],
        "RoleBinding",
        "rolebindings",
        true,
    ),
    plain(
        &["rbac.authorization.k8s.io"],
        "ClusterRole",
        "clusterroles",
        false,
    ),
    plain(
        &["rbac.authorization.k8s.io"],
        "ClusterRoleBinding",
        "clusterrolebindings",
        false,
    ),
    plain(
        &["policy", "extensions"],
        "PodSecurityPolicy",
        "podsecuritypolicies",
        false,
    ),
    plain(&["policy"], "PodDisruptionBudget", "poddisruptionbudgets", true),
    plain(&["policy"], "Eviction", "evictions", true),
    plain(&["storage.k8s.io"], "StorageClass", "storageclasses", false),
    plain(&["storage.k8s.io"], "CSINode", "csinodes", false),
    plain(&["coordination.k8s.io"], "Lease", "leases", true),
    plain(&["networking.k8s.io", "extensions"], "Ingress", "ingresses", true),
    plain(
        &["networking.k8s.io", "extensions"],
        "NetworkPolicy",
        "networkpolicies",
        true,
    ),
    plain(&["compose.docker.com"], "Stack", "stacks", true),
    plain(
        &["apiextensions.k8s.io"],
        "CustomResourceDefinition",
        "customresourcedefinitions",
        false,
    ),
    plain(
        &["autoscaling"],
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
    ),
];

/// Looks a kind up by its API group. Kinds of other groups only share a name.
pub(super) fn find(group: &str, kind: &str) -> Option<&'static Kind> {
    KINDS
        .iter()
        .find(|known| known.kind == kind && known.groups.contains(&group))
}

/// The kind that a resource has. Resources of other groups only share a name.
pub(super) fn of_resource(group: &str, resource: &str) -> Option<&'static Kind> {
    KINDS
        .iter()
        .find(|known| known.resource == resource && known.groups.contains(&group))
}

/// The plural that Kubernetes would form of a kind that is not listed.
pub(super) fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if lower.ends_with('s') || lower.ends_with('x') => format!("{lower}es"),
        None => format!("{lower}s"),
    }
}

/// Kinds that hold pods, for tests and documents.
pub(super) fn with_pods() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| kind.pod.is_some())
}
