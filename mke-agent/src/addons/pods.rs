//! Pods of add-ons: where they may run, what they tolerate, and the workload around them.

use mke_core::product::labels;
use serde_json::{Map, Value, json};

use super::workloads::{SYSTEM, Spread, Workload};

/// The content of a DaemonSet or Deployment.
pub(super) fn workload(
    workload: &Workload,
    host_network: bool,
    init: Vec<Value>,
    containers: Vec<Value>,
    volumes: Vec<(&'static str, Value)>,
) -> Value {
    let mut spec = json!({
        "serviceAccountName": workload.name,
        "nodeSelector": selector(workload.spread),
        "tolerations": tolerations(workload.spread),
        "containers": containers,
    });
    if !init.is_empty() {
        spec["initContainers"] = Value::Array(init);
    }
    if host_network {
        spec["hostNetwork"] = json!(true);
    }
    if workload.namespace == SYSTEM {
        let everywhere = workload.kind() == "DaemonSet";
        spec["priorityClassName"] = json!(if everywhere {
            "system-node-critical"
        } else {
            "system-cluster-critical"
        });
    }
    let mut named = Map::new();
    for (name, source) in volumes {
        named.insert(name.to_owned(), source);
    }
    if !named.is_empty() {
        let volume = |(name, source): (String, Value)| {
            let mut volume = json!({ "name": name });
            if let (Value::Object(volume), Value::Object(source)) = (&mut volume, source) {
                volume.extend(source);
            }
            volume
        };
        spec["volumes"] = named.into_iter().map(volume).collect();
    }
    let own = json!({ "k8s-app": workload.name });
    let mut content = json!({
        "selector": { "matchLabels": own },
        "template": { "metadata": { "labels": own }, "spec": spec },
    });
    if let Spread::Managers(replicas) = workload.spread {
        content["replicas"] = json!(replicas);
    }
    json!({ "spec": content })
}

fn selector(spread: Spread) -> Value {
    let mut labels = json!({ "kubernetes.io/os": "linux" });
    match spread {
        Spread::EveryNode => {}
        Spread::NodesWith(name, value) => labels[name] = json!(value),
        // Kubelets of managers bring this label along.
        Spread::EveryManager | Spread::Managers(_) => labels[labels::MANAGER_TAINT] = json!(""),
    }
    labels
}

/// The product's own pods run wherever they belong, whatever keeps users' pods away (SCH-003). Those of every node come before
/// the node is ready, and stay when it is in trouble.
fn tolerations(spread: Spread) -> Value {
    let exists = |key: &str| json!({ "key": key, "operator": "Exists" });
    let mut all = vec![
        exists(labels::ORCHESTRATOR_KUBERNETES),
        exists(labels::MANAGER_TAINT),
    ];
    match spread {
        Spread::EveryNode | Spread::NodesWith(..) => all.push(json!({ "operator": "Exists" })),
        Spread::EveryManager | Spread::Managers(_) => all.push(exists("CriticalAddonsOnly")),
    }
    Value::Array(all)
}
