//! Namespaces.

use mke_rbac::admission::{AdmissionRequest, Plugin, Settings, Status, Target, review};
use serde_json::{Value, json};

use crate::world::{Create, Delete, Update, admin, allowed, cluster, create, denied, jane, request};

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn config_map(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}})
}

/// ADM-002: three namespaces stay, whoever asks; others go.
#[test]
fn protected_namespaces() {
    let cluster = cluster("");
    for requester in [admin(), jane()] {
        for (name, kept) in [
            ("default", true),
            ("kube-system", true),
            ("kube-public", true),
            ("kube-node-lease", false),
            ("dev", false),
        ] {
            let outcome = review(
                &request(Delete, requester.clone(), namespace(name)),
                &cluster,
                &Settings::default(),
            );
            assert_eq!(outcome.is_allowed(), !kept, "{name}");
            if kept {
                let refusal = denied(outcome);
                assert_eq!(refusal.plugin, Plugin::NamespaceLifecycle);
                assert_eq!(
                    refusal.message,
                    format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted")
                );
            }
        }
    }
    // All at once would take them too.
    let all = AdmissionRequest {
        operation: Delete,
        requester: admin(),
        target: Target {
            name: None,
            ..Target::of(&namespace("x"), "default").unwrap()
        },
        object: None,
        old_object: None,
    };
    denied(review(&all, &cluster, &Settings::default()));
}

/// ADM-002: nothing new in namespaces that are missing or on their way out; what is there can still go.
#[test]
fn missing_and_terminating_namespaces() {
    let cluster = cluster(
        "{apiVersion: v1, kind: Namespace, metadata: {name: going}, status: {phase: Terminating}}\n---\n\
         {apiVersion: v1, kind: Namespace, metadata: {name: marked, deletionTimestamp: '2026-01-01T00:00:00Z'}}",
    );
    for (operation, name, status) in [
        (Create, "dev", None),
        (Create, "going", Some(Status::Forbidden)),
        (Create, "marked", Some(Status::Forbidden)),
        (Create, "nowhere", Some(Status::NotFound)),
        (Update, "going", None),
        (Update, "nowhere", Some(Status::NotFound)),
        (Delete, "going", None),
        (Delete, "nowhere", None),
    ] {
        let outcome = review(
            &request(operation, admin(), config_map(name)),
            &cluster,
            &Settings::default(),
        );
        assert_eq!(
            outcome.refusal().map(|refusal| refusal.status),
            status,
            "{operation:?} in {name}"
        );
    }
    let refusal = denied(create(admin(), config_map("going"), &cluster));
    assert_eq!(
        refusal.message,
        "configmaps \"c\" is forbidden: unable to create new content in namespace going because it is being terminated"
    );
    assert!(
        denied(create(admin(), config_map("nowhere"), &cluster))
            .message
            .starts_with("namespaces \"nowhere\" not found")
    );
    allowed(create(admin(), namespace("new"), &cluster));
}
