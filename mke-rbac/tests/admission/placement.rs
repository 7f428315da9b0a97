//! Where pods may run.

use mke_rbac::admission::{AdmissionRequest, Cluster, Plugin, RawSettings, Requester, Settings, review};
use serde_json::{Value, json};

use crate::world::{
    Create, Update, admin, allowed, cluster, controller, create, denied, jane, pod, request, settings,
    stored, update,
};

const ORCHESTRATOR: &str = "com.docker.ucp.orchestrator.kubernetes";
const MANAGER: &str = "com.docker.ucp.manager";

fn scheduling(admins: bool, users: bool, cluster: &Cluster) -> Settings {
    settings(
        RawSettings {
            enable_admin_ucp_scheduling: admins,
            enable_user_ucp_scheduling: users,
            ..RawSettings::default()
        },
        cluster,
    )
}

fn in_namespace(mut object: Value, namespace: &str) -> Value {
    object["metadata"]["namespace"] = json!(namespace);
    object
}

fn has(tolerations: &Value, wanted: &Value) -> bool {
    tolerations.as_array().is_some_and(|all| all.contains(wanted))
}

/// ADM-010, SCH-003: who gets which toleration and who is kept off managers, by namespace, requester and settings.
#[test]
fn tolerations_and_affinity() {
    let cluster = cluster("");
    let off = json!({"key": MANAGER, "operator": "DoesNotExist"});
    for (namespace, is_admin, admins, users, orchestrator, managers) in [
        ("dev", false, false, false, false, false),
        ("dev", true, false, false, false, false),
        ("dev", true, true, false, false, true),
        ("dev", false, true, false, false, false),
        ("dev", false, false, true, false, true),
        ("dev", true, false, true, false, true),
        ("kube-system", false, false, false, true, false),
        ("kube-system", true, false, false, true, true),
        ("kube-system", false, true, false, true, false),
        ("kube-system", false, false, true, true, true),
    ] {
        let settings = scheduling(admins, users, &cluster);
        let requester = if is_admin { admin() } else { jane() };
        let template = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"template": {"spec": {"containers": []}}}});
        for (object, at) in [
            (in_namespace(pod(json!({})), namespace), "/spec"),
            (template, "/spec/template/spec"),
        ] {
            let case = format!("{requester} in {namespace}, admins {admins}, users {users}, at {at}");
            let after = stored(review(
                &request(Create, requester.clone(), object),
                &cluster,
                &settings,
            ));
            let spec = after.pointer(at).unwrap();
            let exists = |key: &str| json!({"key": key, "operator": "Exists"});
            assert_eq!(
                has(&spec["tolerations"], &exists(ORCHESTRATOR)),
                orchestrator,
                "{case}"
            );
            assert_eq!(has(&spec["tolerations"], &exists(MANAGER)), managers, "{case}");
            let term = spec.pointer(
                "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchExpressions",
            );
            assert_eq!(term.is_some_and(|term| has(term, &off)), !managers, "{case}");
        }
    }
}

/// ADM-010: what a pod brings itself: tolerations that go, that are narrowed and that stay.
#[test]
fn tolerations_of_the_pod() {
    let cluster = cluster("");
    let own = |tolerations: Value, namespace: &str, requester: Requester| {
        let object = in_namespace(pod(json!({"tolerations": tolerations})), namespace);
        let settings = settings(
            RawSettings {
                plugins: [("DefaultTolerationSeconds".to_owned(), false)].into(),
                ..RawSettings::default()
            },
            &cluster,
        );
        let after = stored(review(&request(Create, requester, object), &cluster, &settings));
        after["spec"]["tolerations"].clone()
    };
    let other = json!({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"});
    for (brought, namespace, requester, kept) in [
        (
            json!([{"key": ORCHESTRATOR, "operator": "Exists"}, other]),
            "dev",
            jane(),
            json!([other]),
        ),
        (
            json!([{"key": ORCHESTRATOR, "effect": "NoExecute"}]),
            "dev",
            admin(),
            json!([]),
        ),
        (
            json!([{"key": ORCHESTRATOR, "operator": "Exists", "effect": "NoExecute"}]),
            "kube-system",
            jane(),
            json!([{"key": ORCHESTRATOR, "operator": "Exists", "effect": "NoExecute"}, {"key": ORCHESTRATOR, "operator": "Exists"}]),
        ),
        (
            json!([{"key": MANAGER, "operator": "Exists"}]),
            "dev",
            jane(),
            json!([]),
        ),
        (
            json!([{"key": MANAGER, "operator": "Equal", "value": "", "effect": "NoSchedule"}]),
            "dev",
            jane(),
            json!([]),
        ),
        (
            json!([{"operator": "Exists"}]),
            "dev",
            jane(),
            json!([{"operator": "Exists", "effect": "PreferNoSchedule"}]),
        ),
        (
            json!([{"operator": "Exists", "effect": "NoExecute"}, other]),
            "dev",
            jane(),
            json!([other]),
        ),
        (
            json!([{"key": "", "operator": "Exists", "effect": "NoSchedule"}]),
            "dev",
            jane(),
            json!([]),
        ),
        (
            json!([{"operator": "Exists"}]),
            "kube-system",
            jane(),
            json!([{"operator": "Exists", "effect": "PreferNoSchedule"}, {"operator": "Exists", "effect": "NoExecute"},
                {"key": ORCHESTRATOR, "operator": "Exists"}]),
        ),
        (json!([other]), "dev", jane(), json!([other])),
    ] {
        assert_eq!(
            own(brought.clone(), namespace, requester.clone()),
            kept,
            "{requester} in {namespace}: {brought}"
        );
    }
    let refusal = denied(create(
        jane(),
        pod(json!({"tolerations": [{"key": 1}]})),
        &cluster,
    ));
    assert!(
        refusal
            .message
            .starts_with("spec.tolerations[0].key: must be a string"),
        "{}",
        refusal.message
    );
}

/// ADM-010: every alternative of a pod's own affinity is narrowed, and one that selects nothing stays so.
#[test]
fn affinity_is_added_everywhere() {
    let cluster = cluster("");
    let required = |terms: Value| json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
    let off = json!({"key": MANAGER, "operator": "DoesNotExist"});
    let zone = json!({"key": "zone", "operator": "In", "values": ["a"]});
    let by_name = json!([{"key": "metadata.name", "operator": "In", "values": ["m1"]}]);
    let after = stored(create(
        jane(),
        pod(required(
            json!([{"matchExpressions": [zone]}, {"matchFields": by_name}, {}]),
        )),
        &cluster,
    ));
    let path = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    assert_eq!(
        after.pointer(path).unwrap(),
        &json!([{"matchExpressions": [zone, off]}, {"matchFields": by_name, "matchExpressions": [off]}, {}])
    );
    denied(create(jane(), pod(json!({"affinity": "none"})), &cluster));
}

/// SCH-004: once everybody may use managers, workloads that are made get the toleration and no affinity against it; those that are there
/// stay as they are, until somebody writes the toleration into them.
#[test]
fn workloads_that_are_there_get_no_toleration_by_themselves() {
    let cluster = cluster("");
    let (off, on) = (
        scheduling(false, false, &cluster),
        scheduling(false, true, &cluster),
    );
    let exists = json!({"key": MANAGER, "operator": "Exists"});
    let tolerations = |object: &Value| object["spec"]["template"]["spec"]["tolerations"].clone();
    let affinity = |object: &Value| object["spec"]["template"]["spec"]["affinity"].clone();
    let fresh = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "dev"},
        "spec": {"template": {"spec": {"containers": []}}}});
    let old = stored(review(&request(Create, jane(), fresh.clone()), &cluster, &off));
    assert!(!has(&tolerations(&old), &exists));
    assert_ne!(affinity(&old), json!(null));

    let mut touched = old.clone();
    touched["metadata"]["labels"] = json!({"team": "a"});
    let after = stored(review(
        &update(jane(), old.clone(), touched.clone()),
        &cluster,
        &on,
    ));
    assert_eq!(after, touched);
    let new = stored(review(&request(Create, jane(), fresh), &cluster, &on));
    assert!(has(&tolerations(&new), &exists));
    assert_eq!(affinity(&new), json!(null));

    let mut edited = old.clone();
    edited["spec"]["template"]["spec"]["tolerations"] = json!([exists]);
    let kept = stored(review(
        &update(jane(), old.clone(), edited.clone()),
        &cluster,
        &on,
    ));
    assert_eq!(tolerations(&kept), json!([exists]));
    // With the settings off again it would not have helped.
    let gone = stored(review(&update(jane(), old, edited), &cluster, &off));
    assert!(!has(&tolerations(&gone), &exists));
}

/// ADM-010: pods that Kubernetes makes of a template are as the template was.
#[test]
fn pods_of_templates_stay_as_they_are() {
    let cluster = cluster("");
    let mut object = pod(json!({"tolerations": [{"key": MANAGER, "operator": "Exists"}]}));
    object["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet", "controller": true}]);
    let after = stored(create(controller("replicaset-controller"), object, &cluster));
    assert!(has(
        &after["spec"]["tolerations"],
        &json!({"key": MANAGER, "operator": "Exists"})
    ));
    assert_eq!(after["spec"]["affinity"], json!(null));
}

/// ADM-010, K8S-009: an update of a pod adds no toleration that its creation would not have got.
#[test]
fn updates_of_pods_add_no_toleration() {
    let cluster = cluster("");
    let kept = json!({"key": ORCHESTRATOR, "operator": "Exists", "effect": "NoSchedule"});
    let old = pod(json!({"tolerations": [kept]}));
    let new = pod(
        json!({"tolerations": [kept, {"key": ORCHESTRATOR, "operator": "Exists"}, {"operator": "Exists", "effect": "NoExecute"}]}),
    );
    let after = stored(review(&update(jane(), old, new), &cluster, &Settings::default()));
    assert_eq!(after["spec"]["tolerations"], json!([kept]));
    assert_eq!(
        after["spec"]["affinity"],
        json!(null),
        "affinity of a pod that exists cannot change"
    );
}

const NODES: &str = r#"
{apiVersion: v1, kind: Namespace, metadata: {name: ops, annotations: {scheduler.alpha.kubernetes.io/node-selector: 'zone=example-zone'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: broken, annotations: {scheduler.alpha.kubernetes.io/node-selector: 'zone'}}}
---
{apiVersion: v1, kind: Node, metadata: {name: worker, labels: {zone: example-zone}}}
---
{apiVersion: v1, kind: Node, metadata: {name: plain}}
---
{apiVersion: v1, kind: Node, metadata: {name: manager, labels: {com.docker.ucp.manager: ''}}, spec: {taints: [{key: com.docker.ucp.manager, effect: NoSchedule}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: registry}, spec: {taints: [{key: com.docker.ucp.manager, effect: NoSchedule}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: swarm}, spec: {taints: [{key: com.docker.ucp.orchestrator.kubernetes, effect: NoExecute}]}}
"#;

/// K8S-008: pods of a namespace get its node selector, and none that contradicts it.
#[test]
fn node_selector_of_the_namespace() {
    let cluster = cluster(NODES);
    for requester in [admin(), jane(), controller("replicaset-controller")] {
        let ask = |selector: Value| {
            create(
                requester.clone(),
                in_namespace(pod(json!({"nodeSelector": selector})), "ops"),
                &cluster,
            )
        };
        assert_eq!(
            stored(ask(json!(null)))["spec"]["nodeSelector"],
            json!({"zone": "example-zone"})
        );
        assert_eq!(
            stored(ask(json!({"disk": "ssd"})))["spec"]["nodeSelector"],
            json!({"disk": "ssd", "zone": "example-zone"})
        );
        let refusal = denied(ask(json!({"zone": "other"})));
        assert_eq!(refusal.plugin, Plugin::PodNodeSelector);
        assert_eq!(
            refusal.message,
            "pods \"web\" is forbidden: pod node label selector conflicts with its namespace node label selector zone=example-zone"
        );
        let refusal = denied(create(
            requester.clone(),
            in_namespace(pod(json!({})), "broken"),
            &cluster,
        ));
        assert_eq!(refusal.plugin, Plugin::PodNodeSelector);
        assert_eq!(
            stored(create(requester.clone(), pod(json!({})), &cluster))["spec"]["nodeSelector"],
            json!(null)
        );
    }
    let default = settings(
        RawSettings {
            cluster_default_node_selector: "tier=app".to_owned(),
            ..RawSettings::default()
        },
        &cluster,
    );
    let after = stored(review(
        &request(Create, jane(), pod(json!({}))),
        &cluster,
        &default,
    ));
    assert_eq!(after["spec"]["nodeSelector"], json!({"tier": "app"}));
    let own = stored(review(
        &request(Create, jane(), in_namespace(pod(json!({})), "ops")),
        &cluster,
        &default,
    ));
    assert_eq!(own["spec"]["nodeSelector"], json!({"zone": "example-zone"}));
}

/// K8S-008, K8S-009: an update cannot drop the selector, and one that changes nothing is no matter.
#[test]
fn updates_keep_the_selector() {
    let cluster = cluster(NODES);
    let with = |selector: Value| in_namespace(pod(json!({"nodeSelector": selector})), "ops");
    let ask = |old: Value, new: Value| review(&update(jane(), old, new), &cluster, &Settings::default());
    denied(ask(with(json!({"zone": "example-zone"})), with(json!({}))));
    denied(ask(
        with(json!({"zone": "example-zone"})),
        with(json!({"zone": "b"})),
    ));
    let before = with(json!({"old": "pod"}));
    let mut labelled = before.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    allowed(ask(before, labelled));
}

/// K8S-009: naming a node, in a pod, a template or a binding, leads nowhere that the scheduler would not.
#[test]
fn naming_a_node_is_no_way_around() {
    let cluster = cluster(NODES);
    for (namespace, node, may) in [
        ("dev", "worker", true),
        ("dev", "plain", true),
        ("dev", "manager", false),
        ("dev", "registry", false),
        ("dev", "swarm", false),
        ("dev", "unknown", false),
        ("ops", "worker", true),
        ("ops", "plain", false),
    ] {
        let object = in_namespace(pod(json!({"nodeName": node})), namespace);
        let template = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"template": {"spec": {"nodeName": node, "containers": []}}}});
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web", "namespace": namespace},
            "target": {"kind": "Node", "name": node}});
        for object in [object, template, binding] {
            let outcome = create(jane(), object.clone(), &cluster);
            assert_eq!(
                outcome.is_allowed(),
                may,
                "{node} in {namespace}: {}",
                object["kind"]
            );
            if !may {
                assert_eq!(denied(outcome).plugin, Plugin::UcpNodeSelector);
            }
            allowed(create(admin(), object, &cluster));
        }
    }
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web", "namespace": "dev"},
        "target": {"kind": "Node", "name": "manager"}});
    allowed(create(
        Requester::new("system:kube-scheduler", []),
        binding,
        &cluster,
    ));
    let everybody = scheduling(false, true, &cluster);
    allowed(review(
        &request(Create, jane(), pod(json!({"nodeName": "manager"}))),
        &cluster,
        &everybody,
    ));
}

/// K8S-009: labels and taints of nodes that decide where workloads run are for administrators to change.
#[test]
fn updates_of_nodes_are_no_way_around() {
    let cluster = cluster(NODES);
    let node = |labels: Value, taints: Value| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "m", "labels": labels}, "spec": {"taints": taints}});
    let taint = json!([{"key": MANAGER, "effect": "NoSchedule"}]);
    let before = node(json!({MANAGER: "", "zone": "a", "colour": "red"}), taint.clone());
    for (after, may) in [
        (
            node(json!({MANAGER: "", "zone": "a", "colour": "blue"}), taint.clone()),
            true,
        ),
        (
            node(
                json!({MANAGER: "", "zone": "a"}),
                json!([{"key": "gpu", "effect": "NoSchedule"}, {"key": MANAGER, "effect": "NoSchedule"}]),
            ),
            true,
        ),
        (node(json!({MANAGER: "", "zone": "a"}), json!([])), false),
        (
            node(
                json!({MANAGER: "", "zone": "a"}),
                json!([{"key": MANAGER, "effect": "PreferNoSchedule"}]),
            ),
            false,
        ),
        (node(json!({"zone": "a"}), taint.clone()), false),
        (
            node(json!({MANAGER: "", "zone": "example-zone"}), taint.clone()),
            false,
        ),
        (node(json!({MANAGER: ""}), taint.clone()), false),
        (
            node(
                json!({MANAGER: "", "zone": "a", "com.docker.ucp.orchestrator.kubernetes": "true"}),
                taint.clone(),
            ),
            false,
        ),
    ] {
        for subresource in [None, Some("status")] {
            let ask = |requester: Requester| {
                let mut request = update(requester, before.clone(), after.clone());
                request.target.subresource = subresource.map(str::to_owned);
                review(&request, &cluster, &Settings::default())
            };
            let outcome = ask(jane());
            assert_eq!(outcome.is_allowed(), may, "{after}");
            allowed(ask(admin()));
        }
    }
    let without_old: AdmissionRequest = request(Update, jane(), before);
    denied(review(&without_old, &cluster, &Settings::default()));
}

/// K8S-009: who works in a namespace cannot loosen its node selector.
#[test]
fn the_annotation_of_a_namespace_is_kept() {
    let cluster = cluster(NODES);
    let key = "scheduler.alpha.kubernetes.io/node-selector";
    let namespace = |annotations: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ops", "annotations": annotations}});
    let before = namespace(json!({key: "zone=example-zone"}));
    let ask = |requester, after| {
        review(
            &update(requester, before.clone(), after),
            &cluster,
            &Settings::default(),
        )
    };
    denied(ask(jane(), namespace(json!({}))));
    denied(ask(jane(), namespace(json!({key: ""}))));
    allowed(ask(
        jane(),
        namespace(json!({key: "zone=example-zone", "note": "x"})),
    ));
    allowed(ask(admin(), namespace(json!({}))));
}

/// ADM-010: the annotation of mirror pods, written by somebody who is no kubelet, opens no manager.
#[test]
fn an_annotation_makes_no_mirror_pod() {
    let cluster = cluster("");
    let mut object = pod(json!({"tolerations": [{"key": MANAGER, "operator": "Exists"}]}));
    object["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "abc"});
    let after = stored(create(jane(), object, &cluster));
    let kept = json!({"key": MANAGER, "operator": "Exists"});
    assert!(!has(&after["spec"]["tolerations"], &kept), "{after}");
    let terms =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    assert!(after.pointer(terms).is_some(), "{after}");
}
