//! Objects that stay, volumes that reach into nodes, identities in objects.

use mke_rbac::admission::{AdmissionRequest, Plugin, RawSettings, Requester, Settings, Target, review};
use serde_json::{Value, json};

use crate::world::{
    Create, Delete, Update, admin, allowed, cluster, controller, create, denied, jane, request, settings,
    stored, update,
};

fn role_object(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}})
}

/// ADM-005: the built-in cluster-admin stays, for administrators too; other roles and bindings go.
#[test]
fn cluster_admin_stays() {
    let cluster = cluster("");
    for requester in [admin(), jane()] {
        for (kind, name, kept) in [
            ("ClusterRole", "cluster-admin", true),
            ("ClusterRoleBinding", "cluster-admin", true),
            ("ClusterRole", "view", false),
            ("ClusterRoleBinding", "ucp:all:privileged-psp-role", false),
        ] {
            let ask = |object| {
                review(
                    &request(Delete, requester.clone(), object),
                    &cluster,
                    &Settings::default(),
                )
            };
            let outcome = ask(role_object(kind, name));
            assert_eq!(outcome.is_allowed(), !kept, "{kind} {name}");
            if kept {
                assert_eq!(denied(outcome).plugin, Plugin::UcpAuthorization);
            }
        }
        let mut role = role_object("Role", "cluster-admin");
        role["metadata"]["namespace"] = json!("dev");
        allowed(review(
            &request(Delete, requester.clone(), role),
            &cluster,
            &Settings::default(),
        ));
        let all = AdmissionRequest {
            operation: Delete,
            requester,
            target: Target {
                name: None,
                ..Target::of(&role_object("ClusterRole", "x"), "default").unwrap()
            },
            object: None,
            old_object: None,
        };
        denied(review(&all, &cluster, &Settings::default()));
    }
}

fn volume(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": spec})
}

/// ADM-006: volumes that reach into a node are for administrators and cluster-admin service accounts to make and
/// change; everybody may claim them.
#[test]
fn volumes_that_reach_into_a_node() {
    let cluster = cluster(
        "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: disks}, provisioner: kubernetes.io/no-provisioner}\n---\n\
         {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: example.com/fast}",
    );
    let abby = || Requester::new("u-abby", []);
    let settings = settings(
        RawSettings {
            priv_attributes_allowed_for_user_accounts: vec!["hostBindMounts".to_owned()],
            priv_attributes_user_accounts: vec!["abby".to_owned()],
            ..RawSettings::default()
        },
        &cluster,
    );
    for (spec, reaches) in [
        (json!({"hostPath": {"path": "/"}}), true),
        (json!({"local": {"path": "/mnt/disk"}}), true),
        (
            json!({"storageClassName": "Local", "nfs": {"server": "s", "path": "/"}}),
            true,
        ),
        (json!({"storageClassName": "local"}), true),
        (json!({"storageClassName": "disks"}), true),
        (
            json!({"storageClassName": "fast", "nfs": {"server": "s", "path": "/"}}),
            false,
        ),
        (json!({"nfs": {"server": "s", "path": "/"}}), false),
    ] {
        for operation in [Create, Update] {
            let ask = |requester| {
                review(
                    &request(operation, requester, volume(spec.clone())),
                    &cluster,
                    &settings,
                )
            };
            for requester in [jane(), abby(), Requester::service_account("dev", "nearly")] {
                assert_eq!(
                    ask(requester.clone()).is_allowed(),
                    !reaches,
                    "{requester} {operation:?} {spec}"
                );
            }
            allowed(ask(admin()));
            allowed(ask(Requester::service_account("dev", "operator")));
        }
    }
    let refusal = denied(create(
        jane(),
        volume(json!({"hostPath": {"path": "/"}})),
        &cluster,
    ));
    assert_eq!(
        refusal.message,
        "persistentvolumes \"pv\" is forbidden: user \"u-jane\" is not an admin and does not have permissions to use host paths for resource"
    );
    assert!(
        denied(create(
            jane(),
            volume(json!({"hostPath": 1, "storageClassName": 2})),
            &cluster
        ))
        .message
        .contains("storageClassName")
    );

    // The binder of the control plane writes claims into volumes, and does not choose what they reach.
    let (old, mut new) = (
        volume(json!({"local": {"path": "/a"}})),
        volume(json!({"local": {"path": "/a"}})),
    );
    new["spec"]["claimRef"] = json!({"name": "data"});
    let ask = |request| review(&request, &cluster, &Settings::default());
    allowed(ask(update(
        controller("persistent-volume-binder"),
        old.clone(),
        new.clone(),
    )));
    denied(ask(update(jane(), old.clone(), new)));
    denied(ask(update(
        controller("persistent-volume-binder"),
        old,
        volume(json!({"local": {"path": "/b"}})),
    )));

    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "dev"},
        "spec": {"storageClassName": "disks", "volumeName": "pv"}});
    allowed(create(jane(), claim, &cluster));
}

/// K8S-004, ADM-011: names of users, organizations and teams in new bindings become ids; others stay.
#[test]
fn subjects_become_ids() {
    let cluster = cluster("");
    let subject =
        |kind: &str, name: &str| json!({"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name});
    for (kind, written, kept) in [
        ("User", "jane", "u-jane"),
        ("User", "u-jane", "u-jane"),
        ("User", "stranger", "stranger"),
        ("User", "system:kube-scheduler", "system:kube-scheduler"),
        ("User", "shop", "shop"),
        ("Group", "shop", "org:o-shop"),
        ("Group", "org:shop", "org:o-shop"),
        ("Group", "shop:ops", "team:o-shop:t-ops"),
        ("Group", "team:shop:ops", "team:o-shop:t-ops"),
        ("Group", "shop:nobody", "shop:nobody"),
        ("Group", "jane", "jane"),
        ("Group", "system:authenticated", "system:authenticated"),
        ("ServiceAccount", "jane", "jane"),
    ] {
        for binding in ["RoleBinding", "ClusterRoleBinding"] {
            let mut object = role_object(binding, "b");
            object["subjects"] = json!([subject("Group", "untouched"), subject(kind, written)]);
            object["roleRef"] = json!({"kind": "ClusterRole", "name": "view"});
            let after = stored(create(admin(), object, &cluster));
            assert_eq!(
                after["subjects"],
                json!([subject("Group", "untouched"), subject(kind, kept)]),
                "{written}"
            );
        }
    }
    let mut object = role_object("ClusterRoleBinding", "b");
    object["subjects"] = json!([{"kind": "User", "name": 5}]);
    assert!(
        denied(create(admin(), object, &cluster))
            .message
            .starts_with("subjects[0].name: must be a string")
    );
    let other = json!({"apiVersion": "example.com/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
        "subjects": [subject("User", "jane")]});
    assert_eq!(
        stored(create(admin(), other.clone(), &cluster)),
        other,
        "another product's kind"
    );
}

/// ADM-011: stacks carry who wrote them, whatever they say themselves; deleted service accounts are reported.
#[test]
fn stacks_and_service_accounts() {
    let cluster = cluster("");
    let stack = json!({"apiVersion": "compose.docker.com/v1beta2", "kind": "Stack", "metadata": {"name": "s", "namespace": "dev",
        "annotations": {"com.docker.ucp.stack.user": "u-root", "mine": "x"}}, "spec": {}});
    let after = stored(create(jane(), stack, &cluster));
    assert_eq!(
        after["metadata"]["annotations"],
        json!({"com.docker.ucp.stack.user": "u-jane", "com.docker.ucp.stack.groups": "system:authenticated", "mine": "x"})
    );
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "build", "namespace": "dev"}});
    let admitted = allowed(review(
        &request(Delete, jane(), account.clone()),
        &cluster,
        &Settings::default(),
    ));
    let notes: Vec<&str> = admitted.notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(
        notes,
        ["remove the service account dev:build from scheduling authorization"]
    );
    assert!(allowed(create(jane(), account, &cluster)).notes.is_empty());
}
