//! What objects get that say nothing, and the bounds of a namespace.

use mke_rbac::admission::{Plugin, RawSettings, Settings, Status, review};
use serde_json::{Value, json};

use crate::world::{
    Create, admin, allowed, cluster, controller, create, denied, jane, pod, request, settings, stored,
};

/// ADM-003: five minutes on nodes that are not ready or unreachable, unless the pod says something itself.
#[test]
fn default_tolerations() {
    let cluster = cluster("");
    let toleration = |key: &str, seconds: u32| json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds});
    let own = json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10});
    let other = json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoSchedule"});
    for (brought, expected) in [
        (
            json!(null),
            json!([toleration("not-ready", 300), toleration("unreachable", 300)]),
        ),
        (json!([own]), json!([own, toleration("unreachable", 300)])),
        (
            json!([other]),
            json!([
                other,
                toleration("not-ready", 300),
                toleration("unreachable", 300)
            ]),
        ),
    ] {
        let after = stored(create(jane(), pod(json!({"tolerations": brought})), &cluster));
        assert_eq!(after["spec"]["tolerations"], expected);
    }
    let shorter = settings(
        RawSettings {
            default_not_ready_toleration_seconds: 20,
            ..RawSettings::default()
        },
        &cluster,
    );
    let after = stored(review(
        &request(Create, jane(), pod(json!({}))),
        &cluster,
        &shorter,
    ));
    assert_eq!(after["spec"]["tolerations"][0], toleration("not-ready", 20));
    let everything = json!([{"operator": "Exists", "effect": "NoExecute"}]);
    let after = stored(create(
        controller("job-controller"),
        pod(json!({"tolerations": everything})),
        &cluster,
    ));
    assert_eq!(after["spec"]["tolerations"], everything);
}

/// ADM-001: claims that name no class get the default one; an empty name is a choice.
#[test]
fn default_storage_class() {
    let class = |name: &str, default: bool| {
        format!(
            "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}, annotations: \
                  {{storageclass.kubernetes.io/is-default-class: '{default}'}}}}, provisioner: p}}\n---\n"
        )
    };
    let claim = |spec: Value| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "dev"}, "spec": spec});
    let one = cluster(&(class("fast", true) + &class("slow", false)));
    assert_eq!(
        stored(create(jane(), claim(json!({})), &one))["spec"],
        json!({"storageClassName": "fast"})
    );
    assert_eq!(
        stored(create(jane(), claim(json!({"storageClassName": ""})), &one))["spec"]["storageClassName"],
        json!("")
    );
    assert_eq!(
        stored(create(jane(), claim(json!({"storageClassName": "slow"})), &one))["spec"]["storageClassName"],
        json!("slow")
    );
    let none = cluster(&class("slow", false));
    assert_eq!(stored(create(jane(), claim(json!({})), &none))["spec"], json!({}));
    let two = cluster(&(class("a", true) + &class("b", true)));
    assert!(
        denied(create(jane(), claim(json!({})), &two))
            .message
            .contains("2 default StorageClasses were found: a, b")
    );
    allowed(create(jane(), claim(json!({"storageClassName": "a"})), &two));
    denied(create(jane(), claim(json!({"storageClassName": 1})), &one));
}

/// ADM-001, K8S-006: every pod has a service account, which exists; tokens and pull secrets follow from it.
#[test]
fn service_accounts() {
    let cluster = cluster(
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: build, namespace: dev}, secrets: [{name: build-token}], imagePullSecrets: [{name: pull}]}\n---\n\
         {apiVersion: v1, kind: ServiceAccount, metadata: {name: quiet, namespace: dev}, secrets: [{name: t}], automountServiceAccountToken: false}",
    );
    let after = |spec: Value| stored(create(jane(), pod(spec), &cluster))["spec"].clone();
    assert_eq!(after(json!({}))["serviceAccountName"], json!("default"));
    let built = after(json!({"serviceAccountName": "build"}));
    assert_eq!(built["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(
        built["volumes"],
        json!([{"name": "build-token", "secret": {"secretName": "build-token"}}])
    );
    assert_eq!(
        built["containers"][0]["volumeMounts"],
        json!([{"name": "build-token", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}])
    );
    let own = after(
        json!({"serviceAccountName": "build", "imagePullSecrets": [{"name": "mine"}], "automountServiceAccountToken": false}),
    );
    assert_eq!(own["imagePullSecrets"], json!([{"name": "mine"}]));
    assert_eq!(own["volumes"], json!(null));
    assert_eq!(
        after(json!({"serviceAccountName": "quiet"}))["volumes"],
        json!(null)
    );
    assert_eq!(
        after(json!({"serviceAccountName": "quiet", "automountServiceAccountToken": true}))["volumes"][0]["name"],
        json!("t")
    );
    for name in ["missing", "operator"] {
        let refusal = denied(create(jane(), pod(json!({"serviceAccountName": name})), &cluster));
        assert_eq!(refusal.plugin, Plugin::ServiceAccount);
        assert!(
            refusal
                .message
                .ends_with(&format!("serviceaccount \"{name}\" not found")),
            "{}",
            refusal.message
        );
    }
    let default = pod(json!({"serviceAccountName": "build"}));
    let mut elsewhere = default;
    elsewhere["metadata"]["namespace"] = json!("default");
    denied(create(jane(), elsewhere, &cluster));
}

const RANGE: &str = r#"
apiVersion: v1
kind: LimitRange
metadata: {name: bounds, namespace: dev}
spec:
  limits:
  - type: Container
    default: {cpu: 500m, memory: 1Gi}
    defaultRequest: {cpu: 100m}
    min: {cpu: 50m}
    max: {cpu: '2'}
    maxLimitRequestRatio: {memory: '4'}
  - type: Pod
    max: {cpu: '3'}
  - type: PersistentVolumeClaim
    min: {storage: 1Gi}
    max: {storage: 10Gi}
"#;

/// ADM-001: limit ranges give defaults.
#[test]
fn limit_range_defaults() {
    let cluster = cluster(RANGE);
    let after = |resources: Value| {
        let object = pod(json!({"containers": [{"name": "a", "image": "x", "resources": resources}]}));
        stored(create(jane(), object, &cluster))["spec"]["containers"][0]["resources"].clone()
    };
    assert_eq!(
        after(json!({})),
        json!({"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}})
    );
    // A limit without a request is the request too, so no default comes between them.
    assert_eq!(
        after(json!({"limits": {"cpu": 1}})),
        json!({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"memory": "1Gi"}})
    );
    let mut elsewhere = pod(json!({}));
    elsewhere["metadata"]["namespace"] = json!("default");
    assert_eq!(
        stored(create(jane(), elsewhere, &cluster))["spec"]["containers"][0]["resources"],
        json!(null)
    );
}

/// ADM-001: limit ranges bound containers, pods and claims, for administrators too.
#[test]
fn limit_range_bounds() {
    let cluster = cluster(RANGE);
    let container = |resources: Value| json!({"name": "a", "image": "x", "resources": resources});
    let of = |containers: Value| pod(json!({"containers": containers}));
    for (object, refused) in [
        (of(json!([container(json!({"limits": {"cpu": "2"}}))])), None),
        (
            of(json!([container(json!({"limits": {"cpu": "2.001"}}))])),
            Some("maximum cpu usage per Container is 2, but request is 2.001"),
        ),
        (
            of(json!([container(json!({"requests": {"cpu": "10m"}}))])),
            Some("minimum cpu usage per Container is 50m, but request is 10m"),
        ),
        (
            of(json!([container(
                json!({"requests": {"memory": "1Mi"}, "limits": {"memory": "5Mi"}})
            )])),
            Some(
                "memory max limit to request ratio per Container is 4, but the limit is 5Mi for a request of 1Mi",
            ),
        ),
        (
            of(json!([
                container(json!({"limits": {"cpu": "2"}})),
                container(json!({"limits": {"cpu": "1500m"}}))
            ])),
            Some("maximum cpu usage per Pod is 3, but request is 3500m"),
        ),
        (
            of(json!([container(json!({"limits": {"cpu": "lots"}}))])),
            Some("spec.containers[0].resources.limits[cpu]: must be an amount such as `100m` or `1Gi`"),
        ),
    ] {
        for requester in [admin(), jane()] {
            let outcome = create(requester, object.clone(), &cluster);
            match refused {
                None => drop(allowed(outcome)),
                Some(text) => {
                    let refusal = denied(outcome);
                    assert_eq!(refusal.plugin, Plugin::LimitRanger);
                    assert!(refusal.message.contains(text), "{}", refusal.message);
                }
            }
        }
    }
    let claim = |storage: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "dev"},
        "spec": {"resources": {"requests": {"storage": storage}}}})
    };
    allowed(create(jane(), claim("10Gi"), &cluster));
    assert!(
        denied(create(jane(), claim("11Gi"), &cluster))
            .message
            .contains("maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 11Gi")
    );
    assert!(
        denied(create(jane(), claim("1Mi"), &cluster))
            .message
            .contains("minimum storage")
    );
}

/// ADM-001, K8S-007: quotas count against the usage that they report.
#[test]
fn quotas() {
    let cluster = cluster(
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: small, namespace: dev}, spec: {hard: {pods: '3', requests.cpu: '2', \
           count/deployments.apps: '1', services.nodeports: '2'}}, status: {used: {pods: '2', requests.cpu: 1500m, count/deployments.apps: '1'}}}\n---\n\
         {apiVersion: v1, kind: ResourceQuota, metadata: {name: jobs, namespace: dev}, spec: {hard: {pods: '0'}, scopes: [Terminating]}}\n---\n\
         {apiVersion: v1, kind: ResourceQuota, metadata: {name: gold, namespace: dev}, spec: {hard: {pods: '0'}, scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [gold]}]}}}",
    );
    let of = |spec: Value| pod(spec);
    let cpu = |amount: &str| json!({"containers": [{"name": "a", "image": "x", "resources": {"requests": {"cpu": amount}}}]});
    allowed(create(jane(), of(cpu("500m")), &cluster));
    let refusal = denied(create(admin(), of(cpu("501m")), &cluster));
    assert_eq!(refusal.plugin, Plugin::ResourceQuota);
    assert_eq!(refusal.status, Status::Forbidden);
    assert_eq!(
        refusal.message,
        "pods \"web\" is forbidden: exceeded quota: small, requested: requests.cpu=501m, used: requests.cpu=1500m, limited: requests.cpu=2"
    );
    assert!(
        denied(create(jane(), of(json!({})), &cluster))
            .message
            .contains("failed quota: small: must specify requests.cpu")
    );
    let mut ending = of(cpu("1m"));
    ending["spec"]["activeDeadlineSeconds"] = json!(5);
    assert!(
        denied(create(jane(), ending, &cluster))
            .message
            .contains("exceeded quota: jobs")
    );
    let mut gold = of(cpu("1m"));
    gold["spec"]["priorityClassName"] = json!("gold");
    assert!(
        denied(create(jane(), gold, &cluster))
            .message
            .contains("exceeded quota: gold")
    );
    let deployment =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w", "namespace": "dev"}});
    assert!(
        denied(create(jane(), deployment, &cluster))
            .message
            .contains("count/deployments.apps=1")
    );
    let service = |ports: usize| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "dev"},
        "spec": {"type": "NodePort", "ports": vec![json!({"port": 1}); ports]}})
    };
    allowed(create(jane(), service(2), &cluster));
    denied(create(jane(), service(3), &cluster));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "dev"}});
    allowed(review(
        &request(Create, jane(), secret),
        &cluster,
        &Settings::default(),
    ));
}
