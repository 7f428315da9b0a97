//! What kubelets may change.

use mke_rbac::admission::{Plugin, Requester, Settings, review};
use serde_json::{Value, json};

use crate::world::{Delete, admin, allowed, cluster, create, denied, pod, request, update};

fn kubelet() -> Requester {
    Requester::new("system:node:n1", ["system:nodes".to_owned()])
}

fn mirror(spec: Value) -> Value {
    let mut object = pod(json!({"nodeName": "n1"}));
    object["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "abc"});
    for (field, value) in spec.as_object().unwrap() {
        object["spec"][field] = value.clone();
    }
    object
}

/// ADM-001: a kubelet shows the pods that it runs by itself, without anything of the cluster in them.
#[test]
fn mirror_pods() {
    let cluster = cluster("");
    let admitted = allowed(create(kubelet(), mirror(json!({})), &cluster));
    assert_eq!(
        admitted.object.unwrap()["spec"]["serviceAccountName"],
        json!(null)
    );
    allowed(create(
        kubelet(),
        mirror(json!({"hostNetwork": true, "volumes": [{"name": "v", "hostPath": {"path": "/"}}]})),
        &cluster,
    ));
    for (spec, refused) in [
        (json!({"nodeName": "n2"}), "itself"),
        (json!({"serviceAccountName": "default"}), "service account"),
        (
            json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
            "secret",
        ),
        (json!({"volumes": [{"name": "v", "projected": {}}]}), "projected"),
        (
            json!({"containers": [{"name": "a", "envFrom": [{"secretRef": {"name": "s"}}]}]}),
            "secretRef",
        ),
        (
            json!({"containers": [{"name": "a", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {}}}]}]}),
            "configMapKeyRef",
        ),
    ] {
        let outcome = create(kubelet(), mirror(spec.clone()), &cluster);
        let mke_rbac::admission::Outcome::Denied(refusals) = outcome else {
            panic!("allowed {spec}")
        };
        let own = refusals
            .refusals
            .iter()
            .find(|refusal| refusal.plugin == Plugin::NodeRestriction)
            .unwrap();
        assert!(own.message.contains(refused), "{spec}: {}", own.message);
    }
    denied(create(kubelet(), pod(json!({"nodeName": "n1"})), &cluster));
    denied(create(
        Requester::new("system:node:n1", []),
        mirror(json!({"hostNetwork": true})),
        &cluster,
    ));
    denied(create(
        Requester::new("somebody", ["system:nodes".to_owned()]),
        mirror(json!({})),
        &cluster,
    ));
}

/// ADM-001: a kubelet changes its own node, and there neither taints nor labels that decide where workloads run.
#[test]
fn nodes() {
    let cluster = cluster("");
    let node = |name: &str, labels: Value, spec: Value| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec});
    let ask = |new: Value| {
        review(
            &update(kubelet(), node("n1", json!({}), json!({})), new),
            &cluster,
            &Settings::default(),
        )
    };
    for (labels, may) in [
        (
            json!({"kubernetes.io/hostname": "n1", "topology.kubernetes.io/zone": "a"}),
            true,
        ),
        (
            json!({"node.kubernetes.io/instance-type": "big", "example.com/gpu": "1"}),
            true,
        ),
        (json!({"node-restriction.kubernetes.io/pci": "1"}), false),
        (json!({"a.node-restriction.kubernetes.io/pci": "1"}), false),
        (json!({"node-role.kubernetes.io/master": ""}), false),
        (json!({"foo.k8s.io/x": "1"}), false),
        (json!({"com.docker.ucp.manager": ""}), false),
    ] {
        assert_eq!(
            ask(node("n1", labels.clone(), json!({}))).is_allowed(),
            may,
            "{labels}"
        );
    }
    denied(ask(node(
        "n1",
        json!({}),
        json!({"taints": [{"key": "a", "effect": "NoSchedule"}]}),
    )));
    denied(ask(node("n1", json!({}), json!({"configSource": {}}))));
    denied(create(kubelet(), node("n2", json!({}), json!({})), &cluster));
    allowed(create(
        kubelet(),
        node(
            "n1",
            json!({}),
            json!({"taints": [{"key": "a", "effect": "NoSchedule"}]}),
        ),
        &cluster,
    ));
    denied(review(
        &request(Delete, kubelet(), node("n1", json!({}), json!({}))),
        &cluster,
        &Settings::default(),
    ));
    allowed(create(
        admin(),
        node("n2", json!({"node-role.kubernetes.io/master": ""}), json!({})),
        &cluster,
    ));
}

/// ADM-001: pods on other nodes, leases and CSI nodes of others are out of reach.
#[test]
fn what_belongs_to_others() {
    let cluster = cluster("");
    let on = |node: &str| pod(json!({"nodeName": node}));
    let delete = |object| {
        review(
            &request(Delete, kubelet(), object),
            &cluster,
            &Settings::default(),
        )
    };
    allowed(delete(on("n1")));
    denied(delete(on("n2")));
    let lease = |name: &str, namespace: &str| json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": namespace}});
    allowed(create(kubelet(), lease("n1", "kube-node-lease"), &cluster));
    denied(create(kubelet(), lease("n2", "kube-node-lease"), &cluster));
    denied(create(kubelet(), lease("n1", "dev"), &cluster));
    let csi = |name: &str| json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name}});
    allowed(create(kubelet(), csi("n1"), &cluster));
    denied(create(kubelet(), csi("n2"), &cluster));
    let mut status = update(kubelet(), on("n1"), on("n1"));
    denied(review(&status, &cluster, &Settings::default()));
    status.target.subresource = Some("status".to_owned());
    allowed(review(&status, &cluster, &Settings::default()));
}
