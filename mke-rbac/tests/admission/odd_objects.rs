//! Arbitrary objects: an answer each time, never a panic, and never a privileged option that slips through.

use std::sync::OnceLock;

use mke_rbac::admission::{
    AdmissionOperation, AdmissionRequest, Cluster, Objects, PodSecurityPolicy, Requester, Settings,
    kinds_with_pods, review,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::world::{admin, cluster, jane};

/// Names that plugins look at, so that arbitrary objects reach deep into them.
const NAMES: [&str; 44] = [
    "metadata",
    "name",
    "namespace",
    "labels",
    "annotations",
    "spec",
    "template",
    "jobTemplate",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "securityContext",
    "privileged",
    "allowPrivilegeEscalation",
    "capabilities",
    "add",
    "drop",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "volumes",
    "hostPath",
    "path",
    "local",
    "storageClassName",
    "tolerations",
    "key",
    "effect",
    "operator",
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
    "matchExpressions",
    "nodeSelector",
    "nodeName",
    "serviceAccountName",
    "resources",
    "limits",
    "requests",
    "cpu",
    "image",
    "subjects",
    "ports",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "true",
            "*",
            "Exists",
            "NoExecute",
            "100m",
            "-1",
            "x/../y",
            "\u{0}",
            "ä"
        ])
        .prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES.to_vec()), inner), 0..6).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

/// An object that says what it is and is arbitrary below.
fn any_object() -> impl Strategy<Value = Value> {
    let kinds: Vec<(&str, &str)> = vec![
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("batch/v1beta1", "CronJob"),
        ("v1", "PersistentVolume"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Node"),
        ("v1", "Namespace"),
        ("v1", "Binding"),
        ("v1", "Service"),
        ("v1", "EphemeralContainers"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("compose.docker.com/v1", "Stack"),
        ("example.com/v1", "Thing"),
    ];
    (prop::sample::select(kinds), any_json(), any_json(), any_json()).prop_map(|((version, kind), spec, metadata, rest)| {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "dev"}, "spec": spec});
        if let (Value::Object(fields), Value::Object(more)) = (&mut object["metadata"], metadata) {
            fields.extend(more);
        }
        if let (Value::Object(fields), Value::Object(more)) = (&mut object, rest) {
            for (name, value) in more {
                fields.entry(name).or_insert(value);
            }
        }
        object
    })
}

const FACTS: &str = r#"
{apiVersion: v1, kind: Namespace, metadata: {name: dev, annotations: {scheduler.alpha.kubernetes.io/node-selector: 'zone=a'}}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: dev}, spec: {limits: [{type: Container, default: {cpu: 1}, max: {cpu: 2}}]}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: dev}, spec: {hard: {pods: 5}}}
"#;

/// Whether any privileged option could be meant anywhere in a pod: an obvious search that knows no types.
fn looks_privileged(pod: &Value) -> bool {
    let is_true = |value: &Value| *value == json!(true);
    let contexts = |holder: &Value| {
        let context = &holder["securityContext"];
        is_true(&context["privileged"])
            || is_true(&context["allowPrivilegeEscalation"])
            || context["capabilities"]["add"]
                .as_array()
                .is_some_and(|added| !added.is_empty())
    };
    let spec = &pod["spec"];
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    ["hostNetwork", "hostPID", "hostIPC"]
        .iter()
        .any(|field| is_true(&spec[*field]))
        || contexts(spec)
        || lists
            .iter()
            .any(|list| spec[*list].as_array().is_some_and(|all| all.iter().any(contexts)))
        || spec["volumes"]
            .as_array()
            .is_some_and(|all| all.iter().any(|volume| !volume["hostPath"].is_null()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// ADM-007: arbitrary objects get an answer, and none with a privileged option is allowed to a user; what is
    /// allowed is what the patch leads to, and no privileged option came in on the way.
    #[test]
    fn arbitrary_objects(object in any_object(), old in prop::option::of(any_object()), operation in 0..3_u8, by in 0..4_u8) {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| cluster(FACTS));
        let requester = match by {
            0 => admin(),
            1 => jane(),
            2 => Requester::service_account("dev", "default"),
            _ => Requester::new("system:node:n1", ["system:nodes".to_owned()]),
        };
        let operation = [AdmissionOperation::Create, AdmissionOperation::Update, AdmissionOperation::Delete][usize::from(operation)];
        if let Ok(request) = AdmissionRequest::of(operation, requester, object, "dev") {
            let request = AdmissionRequest { old_object: request.old_object.clone().or(old), ..request };
            let outcome = review(&request, cluster, &Settings::default());
            if let (mke_rbac::admission::Outcome::Allowed(admitted), Some(before)) = (&outcome, &request.object) {
                let mut patched = before.clone();
                json_patch::patch(&mut patched, &admitted.patch).unwrap();
                prop_assert_eq!(Some(&patched), admitted.object.as_ref());
                let path = kinds_with_pods().find(|(groups, kind, ..)| groups.contains(&request.target.group.as_str()) && *kind == request.target.kind);
                if let (Some((.., path)), true, AdmissionOperation::Create) = (path, by == 1 || by == 2, operation) {
                    let pod = path.iter().fold(&patched, |value, name| &value[*name]);
                    prop_assert!(!looks_privileged(pod), "{}", patched);
                }
            }
        }
    }

    /// PSP-001: arbitrary policies and manifests are read or refused.
    #[test]
    fn arbitrary_manifests(value in any_json(), text in ".{0,200}") {
        let _ = PodSecurityPolicy::from_object(&value);
        let mut objects = Objects::empty();
        let _ = objects.read(&text);
        let _ = objects.read(&value.to_string());
    }
}
