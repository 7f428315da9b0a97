//! Manifests: what is read, what is skipped, and what is refused with which words.

use mke_rbac::kubernetes::{BindingSubject, MAX_BYTES, Manifests, Rbac, RoleKind};

use crate::kubernetes_shape::{self as shapes, DENSE, PLAIN};
use crate::shape::Dice;

const STREAM: &str = "
# A whole directory in one stream.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: reader
  namespace: blue
  labels: {team: shop}
  annotations: {note: 'kept nowhere'}
  creationTimestamp: null
rules:
- apiGroups: [\"\"]
  resources: [pods, pods/log]
  verbs: [get, list]
  resourceNames: [web]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {anything: [1, 2, {deep: true}]}
---
---
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1beta1
  kind: RoleBinding
  metadata: {name: readers, namespace: blue}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
  subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}
  - {kind: Group, name: devs}
  - {kind: ServiceAccount, name: robot}
- {apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: blue}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleList
items:
- metadata: {name: urls}
  rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
- metadata: {name: all}
  aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}]}
  rules: null
";

/// K8S-001: roles and bindings are read out of a stream of manifests, lists are opened, other objects counted.
#[test]
fn streams_are_read() {
    let manifests = Manifests::read(STREAM, None).unwrap();
    let rbac = &manifests.rbac;
    let names: Vec<_> = rbac.roles.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["Role blue/reader", "ClusterRole urls", "ClusterRole all"]);
    assert_eq!(rbac.roles[0].labels["team"], "shop");
    assert_eq!(rbac.roles[0].rules[0].resource_names, ["web"]);
    assert_eq!(rbac.roles[2].aggregate.as_ref().unwrap()[0].expressions.len(), 1);
    assert_eq!(rbac.bindings[0].role.kind, RoleKind::Role);
    assert_eq!(rbac.bindings[0].subjects.len(), 3);
    assert!(matches!(
        &rbac.bindings[0].subjects[2],
        BindingSubject::ServiceAccount { namespace: None, .. }
    ));
    let skipped: Vec<_> = manifests.skipped.iter().collect();
    assert_eq!(
        skipped,
        [
            (&"apps/v1 Deployment".to_owned(), &1),
            (&"v1 ServiceAccount".to_owned(), &1)
        ]
    );
    assert_eq!(Rbac::from_manifests("").unwrap(), Rbac::default());
    assert_eq!(Rbac::from_manifests("---\n---\n").unwrap(), Rbac::default());
}

/// JSON is read as JSON, one object or several, with tabs and escapes.
#[test]
fn json_is_read() {
    let role = "{\t\"apiVersion\": \"rbac.authorization.k8s.io/v1\", \"kind\": \"ClusterRole\",\n\t\"metadata\": {\"name\": \"caf\\u00e9\"}, \"rules\": []}";
    assert_eq!(Rbac::from_manifests(role).unwrap().roles[0].name, "café");
    let two = format!("{role}\n{}", role.replace("caf\\u00e9", "tea"));
    assert_eq!(Rbac::from_manifests(&two).unwrap().roles.len(), 2);
    let repeated = role.replace("\"rules\": []", "\"rules\": [], \"rules\": null");
    assert!(
        Rbac::from_manifests(&repeated).is_err(),
        "a field that is there twice"
    );
}

/// Everything that is wrong is said at once, with document and field, and then nothing is read.
#[test]
fn problems_are_all_reported() {
    let text = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: 1, labels: {a: 1}, namespaces: blue}
rules:
- {verbs: get, apiGroups: [''], resources: [pods]}
- {verbs: [], apiGroups: [''], resources: []}
- {verbs: [get], nonResourceURLs: [/x]}
- just text
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: a/b, namespace: blue}
roleRef: {apiGroup: rbac, kind: Role, name: r}
subjects:
- {kind: Robot, name: x}
- {kind: ServiceAccount, name: x, apiGroup: rbac.authorization.k8s.io}
- {kind: User, apiGroup: v1}
---
apiVersion: rbac.authorization.k8s.io/v1alpha1
kind: Role
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBindings
---
apiVersion: v1
kind: ClusterRole
---
kind: Role
---
- a list
";
    let error = Rbac::from_manifests(text).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

/// One broken document spoils the stream: what follows cannot be told apart from it.
#[test]
fn broken_text_is_refused() {
    for text in [
        "kind: [",
        "apiVersion: v1\nkind: Pod\n---\n{\"a\": ",
        "a: 1\na: 2",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"} trailing",
        "\u{0}",
        "x",
        "[]",
    ] {
        assert!(Rbac::from_manifests(text).is_err(), "{text:?}");
    }
    let deep = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": {}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(Rbac::from_manifests(&deep).is_err());
    let deep = format!(
        "apiVersion: v1\nkind: List\nitems: {}{}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert!(Rbac::from_manifests(&deep).is_err());
    let large = " ".repeat(MAX_BYTES + 1);
    let error = Rbac::from_manifests(&large).unwrap_err();
    assert!(error.to_string().contains("at most"), "{error}");
}

/// A namespace that is left out is that of the reader's choice, or refused; two objects with one name are refused.
#[test]
fn namespaces_and_names() {
    let text = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: []}";
    assert!(Rbac::from_manifests(&format!("# yaml\n{text}")).is_err());
    let yaml = text.replace("{apiVersion", "---\n{apiVersion");
    let read = Manifests::read(&yaml, Some("here")).unwrap();
    assert_eq!(read.rbac.roles[0].namespace.as_deref(), Some("here"));
    let twice = format!("{yaml}\n{yaml}");
    let error = Manifests::read(&twice, Some("here")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "document 2 (Role here/r): metadata.name: an object with this name came before; remove one"
    );
}

/// What is written is read again as the same, for whatever Kubernetes would take.
#[test]
fn written_manifests_are_read_again() {
    for seed in 0..50 {
        let mut rbac = shapes::rbac(PLAIN, &mut Dice::new(seed));
        if seed % 2 == 0 {
            for (role, number) in rbac.roles.iter_mut().zip(0..) {
                let aggregated = shapes::cluster_role(DENSE, number, &mut Dice::new(seed));
                if role.kind == RoleKind::ClusterRole {
                    role.aggregate = aggregated.aggregate;
                    role.labels = aggregated.labels;
                }
            }
        }
        let written = rbac.to_manifests().to_string();
        // JSON needs no namespace for service accounts of role bindings, and keeps all names.
        let read = Rbac::from_manifests(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(read, rbac);
        let yaml = serde_yaml_ng::to_string(&rbac.to_manifests()).unwrap();
        assert_eq!(Rbac::from_manifests(&yaml).unwrap(), rbac);
    }
}
