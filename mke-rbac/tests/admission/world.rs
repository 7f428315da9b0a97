//! A cluster with a few accounts, and short ways to ask.

use std::sync::OnceLock;

use mke_rbac::admission::{
    AdmissionOperation, AdmissionRequest, Admitted, Cluster, Objects, Outcome, RawSettings, Refusal,
    Requester, Settings, review,
};
use mke_rbac::model::{Model, Organization, Team, User};
use serde_json::{Value, json};

pub(crate) use AdmissionOperation::{Create, Delete, Update};

/// Bindings of the cluster beside those that every cluster has.
const BINDINGS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: dev}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: viewer, namespace: dev}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: jane-is-cluster-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: u-jane}
- {kind: ServiceAccount, name: operator, namespace: dev}
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccounts:tools'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: nearly, namespace: dev}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: ServiceAccount, name: nearly, namespace: dev}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everybody}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: ServiceAccount, name: viewer, namespace: dev}
"#;

pub(crate) fn model() -> Model {
    let user = |name: &str, admin: bool| User {
        id: format!("u-{name}").as_str().into(),
        name: name.to_owned(),
        admin,
        active: true,
        private_collection: None,
        default_collection: None,
    };
    let team = |name: &str, members: &[&str]| Team {
        id: format!("t-{name}").as_str().into(),
        organization: "o-shop".into(),
        name: name.to_owned(),
        members: members.iter().map(|id| (*id).into()).collect(),
    };
    Model {
        users: vec![
            user("root", true),
            user("jane", false),
            user("abby", false),
            user("bob", false),
        ],
        organizations: vec![Organization {
            id: "o-shop".into(),
            name: "shop".to_owned(),
            members: vec!["u-jane".into(), "u-abby".into()],
        }],
        teams: vec![team("ops", &["u-jane", "u-abby"]), team("qa", &["u-jane"])],
        ..Model::default()
    }
}

pub(crate) fn objects() -> Objects {
    static OBJECTS: OnceLock<Objects> = OnceLock::new();
    let objects = OBJECTS.get_or_init(|| {
        let mut objects = Objects::defaults();
        objects.read(BINDINGS).unwrap();
        objects
    });
    objects.clone()
}

/// The cluster with further manifests.
pub(crate) fn cluster(manifests: &str) -> Cluster {
    let mut objects = objects();
    objects.read(manifests).unwrap();
    Cluster::new(objects, &model()).unwrap()
}

/// The cluster with further manifests and without the binding that gives everybody the privileged policy.
pub(crate) fn without_default_policy(manifests: &str) -> Cluster {
    let mut objects = objects();
    assert!(objects.remove("ClusterRoleBinding", None, mke_rbac::admission::DEFAULT_BINDING));
    objects.read(manifests).unwrap();
    Cluster::new(objects, &model()).unwrap()
}

/// A user who is bound to cluster-admin, which opens nothing here.
pub(crate) fn jane() -> Requester {
    Requester::new("u-jane", [])
}

/// A user without any right in Kubernetes but those that everybody has.
pub(crate) fn bob() -> Requester {
    Requester::new("u-bob", [])
}

pub(crate) fn admin() -> Requester {
    Requester::administrator("u-root")
}

pub(crate) fn controller(name: &str) -> Requester {
    Requester::service_account("kube-system", name)
}

/// A pod in the namespace `dev` with fields of its specification.
pub(crate) fn pod(spec: Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "dev"},
        "spec": {"containers": [{"name": "main", "image": "nginx"}]}});
    for (field, value) in spec.as_object().unwrap() {
        pod["spec"][field] = value.clone();
    }
    pod
}

/// A pod with one container with this security context.
pub(crate) fn secured(context: Value) -> Value {
    pod(json!({"containers": [{"name": "main", "image": "nginx", "securityContext": context}]}))
}

pub(crate) fn request(
    operation: AdmissionOperation,
    requester: Requester,
    object: Value,
) -> AdmissionRequest {
    AdmissionRequest::of(operation, requester, object, "default").unwrap()
}

/// An update from one object to another.
pub(crate) fn update(requester: Requester, old: Value, new: Value) -> AdmissionRequest {
    AdmissionRequest {
        old_object: Some(old),
        ..request(Update, requester, new)
    }
}

pub(crate) fn create(requester: Requester, object: Value, cluster: &Cluster) -> Outcome {
    review(&request(Create, requester, object), cluster, &Settings::default())
}

pub(crate) fn settings(raw: RawSettings, cluster: &Cluster) -> Settings {
    raw.check(cluster).unwrap()
}

#[track_caller]
pub(crate) fn allowed(outcome: Outcome) -> Admitted {
    match outcome {
        Outcome::Allowed(admitted) => admitted,
        Outcome::Denied(refused) => panic!("denied: {refused:#?}"),
    }
}

#[track_caller]
pub(crate) fn stored(outcome: Outcome) -> Value {
    allowed(outcome).object.unwrap()
}

#[track_caller]
pub(crate) fn denied(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Allowed(admitted) => panic!("allowed: {admitted:#?}"),
        Outcome::Denied(refused) => refused.refusals.into_iter().next().unwrap(),
    }
}
