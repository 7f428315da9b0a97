//! Role types of the Kubernetes model that releases before 3.1 had: readable, kept, and without effect (R94).

use serde_json::Value;

use super::body::RoleProblem;

/// How every such type begins.
pub(super) const PREFIX: &str = "Kubernetes ";

/// What can be done to each kind.
const VERBS: &[&str] = &[
    "Create",
    "Delete",
    "Delete Multiple",
    "Get",
    "List",
    "Patch",
    "Update",
    "Watch",
];

/// The one operation outside that scheme, of the type `Kubernetes User`.
const IMPERSONATE: &str = "User Impersonate";

/// The types, without the prefix, and the noun with which their operations begin.
const TYPES: &[(&str, &str)] = &[
    ("Certificate Signing Request", "CertificateSigningRequest"),
    ("Cluster Role", "ClusterRole"),
    ("Cluster Role Binding", "ClusterRoleBinding"),
    ("Component Status", "ComponentStatus"),
    ("Config Map", "ConfigMap"),
    ("Controller Revision", "ControllerRevision"),
    ("Cron Job", "CronJob"),
    ("Custom Resource Definition", "CustomResourceDefinition"),
    ("Daemonset", "Daemonset"),
    ("Deployment", "Deployment"),
    ("Endpoint", "Endpoint"),
    ("Event", "Event"),
    (
        "External Admission Hook Configuration",
        "ExternalAdmissionHookConfiguration",
    ),
    ("Horizontal Pod Autoscaler", "HorizontalPodAutoscaler"),
    ("Ingress", "Ingress"),
    ("Initializer Configuration", "InitializerConfiguration"),
    ("Job", "Job"),
    ("Limit Range", "LimitRange"),
    ("Namespace", "Namespace"),
    ("Network Policy", "NetworkPolicy"),
    ("Node", "Node"),
    ("Persistent Volume", "PersistentVolume"),
    ("Persistent Volume Claim", "PersistentVolumeClaim"),
    ("Pod", "Pod"),
    ("Pod Disruption Budget", "PodDisruptionBudget"),
    ("Pod Preset", "PodPreset"),
    ("Pod Security Policy", "PodSecurityPolicy"),
    ("Pod Template", "PodTemplate"),
    ("Replica Set", "ReplicaSet"),
    ("Replication Controller", "ReplicationController"),
    ("Resource Quota", "ResourceQuota"),
    ("Role", "Role"),
    ("Role Binding", "RoleBinding"),
    ("Secret", "Secret"),
    ("Service", "Service"),
    ("Service Account", "ServiceAccount"),
    ("Stack", "Stack"),
    ("Stateful Set", "StatefulSet"),
    ("Storage Class", "StorageClass"),
    ("Third Party Resource", "ThirdPartyResource"),
    ("User", "User"),
];

/// Reports what no release ever wrote.
pub(super) fn check(name: &str, operations: &Value, problems: &mut Vec<RoleProblem>) {
    let kind = name.strip_prefix(PREFIX).unwrap_or(name);
    let Some((_, noun)) = TYPES.iter().find(|(known, _)| *known == kind) else {
        return problems.push(RoleProblem::UnknownType {
            found: name.to_owned(),
        });
    };
    let Value::Object(operations) = operations else {
        return problems.push(RoleProblem::Shape {
            place: format!("type `{name}`"),
            expected: "an object of operations",
        });
    };
    for (operation, modifiers) in operations {
        let verb = operation
            .strip_prefix(noun)
            .and_then(|rest| rest.strip_prefix(' '));
        let known =
            verb.is_some_and(|verb| VERBS.contains(&verb)) || (operation == IMPERSONATE && *noun == "User");
        if !known {
            problems.push(RoleProblem::UnknownOperation {
                object_type: name.to_owned(),
                found: operation.clone(),
            });
        }
        if !modifiers.is_array() {
            problems.push(RoleProblem::Shape {
                place: format!("operation `{operation}`"),
                expected: "a list of modifiers, `[]` for plain use",
            });
        }
    }
}
