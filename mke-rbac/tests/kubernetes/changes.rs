//! Changed snapshots against compiling anew, and what a change must not touch.

use mke_rbac::kubernetes::{
    Authorizer, BindingKey, BindingKind, KubernetesChange, KubernetesRole, Rbac, RoleKey, RoleKind,
};

use crate::differential::{compare, compare_views};
use crate::kubernetes_shape::{self as shapes, DENSE, Shape};
use crate::shape::Dice;
use crate::slow;

/// So many bindings on so few subjects that everybody has an index, with few roles and with many.
const PILES: Shape = Shape {
    users: 2,
    groups: 1,
    memberships: 1,
    namespaces: 1,
    roles: 30,
    rules: 3,
    bindings: 90,
    ..DENSE
};

/// Roles with so many rules that each has an index.
const LONG_ROLES: Shape = Shape {
    roles: 4,
    rules: 60,
    ..DENSE
};

/// One change; everything in it may exist already or may not.
fn change(shape: Shape, dice: &mut Dice) -> KubernetesChange {
    let role_number = dice.below(shape.roles + 2);
    let binding_number = dice.below(shape.bindings + 4);
    match dice.below(8) {
        0 => KubernetesChange::PutRole(shapes::cluster_role(shape, role_number, dice)),
        1 => KubernetesChange::PutRole(shapes::role(shape, role_number, dice)),
        2 => KubernetesChange::RemoveRole(shapes::cluster_role(shape, role_number, dice).key()),
        3 => KubernetesChange::RemoveRole(shapes::role(shape, role_number, dice).key()),
        4 => {
            let key = shapes::binding(shape, binding_number, dice).key();
            KubernetesChange::RemoveBinding(key.unwrap())
        }
        _ => KubernetesChange::PutBinding(shapes::binding(shape, binding_number, dice)),
    }
}

/// The same change in the most obvious way.
fn apply(rbac: &mut Rbac, change: &KubernetesChange) {
    match change {
        KubernetesChange::PutRole(role) => {
            rbac.roles.retain(|old| old.key() != role.key());
            rbac.roles.push(role.clone());
        }
        KubernetesChange::RemoveRole(key) => rbac.roles.retain(|old| old.key() != *key),
        KubernetesChange::PutBinding(binding) => {
            rbac.bindings.retain(|old| old.key() != binding.key());
            rbac.bindings.push(binding.clone());
        }
        KubernetesChange::RemoveBinding(key) => rbac.bindings.retain(|old| old.key().as_ref() != Some(key)),
    }
}

fn sorted(rbac: &Rbac) -> (Vec<String>, Vec<String>) {
    let mut roles: Vec<_> = rbac.roles.iter().map(|role| format!("{role:?}")).collect();
    let mut bindings: Vec<_> = rbac
        .bindings
        .iter()
        .map(|binding| format!("{binding:?}"))
        .collect();
    roles.sort();
    bindings.sort();
    (roles, bindings)
}

fn follow_changes(shape: Shape, seeds: std::ops::Range<u64>, changes: usize, requests: usize) {
    for seed in seeds {
        let mut dice = Dice::new(seed);
        let mut rbac = shapes::rbac(shape, &mut dice);
        let mut authorizer = Authorizer::compile(&rbac);
        for _ in 0..changes {
            let change = change(shape, &mut dice);
            let before = authorizer.clone();
            let old = rbac.clone();
            authorizer = authorizer.with(&change);
            apply(&mut rbac, &change);
            assert_eq!(sorted(&authorizer.to_rbac()), sorted(&rbac), "{change:?}");
            for number in 0..requests {
                let request = match number % 2 {
                    0 if !rbac.bindings.is_empty() => shapes::close_request(&rbac, shape, &mut dice),
                    _ => shapes::request(shape, &mut dice),
                };
                compare(&rbac, &authorizer, &request);
                assert_eq!(
                    before.allows(&request),
                    slow::allows(&old, &request),
                    "the old snapshot"
                );
            }
        }
        if !rbac.bindings.is_empty() {
            compare_views(&rbac, &authorizer, shape, &mut dice);
        }
    }
}

/// K8S-001, rbac-01: after any changes a snapshot decides as if it were compiled anew, aggregated roles included,
/// and the snapshot before stays as it was.
#[test]
fn sec_rbac_01_changed_snapshots_equal_new_ones() {
    follow_changes(DENSE, 0..30, 40, 10);
}

/// The same where subjects hold very many bindings, and where roles have very many rules.
#[test]
fn sec_rbac_01_changed_snapshots_equal_new_ones_in_large() {
    follow_changes(PILES, 0..6, 40, 10);
    follow_changes(LONG_ROLES, 0..6, 20, 10);
}

/// Everything comes and goes until nothing is left: what nobody holds leaves no trace in decisions.
#[test]
fn snapshots_can_be_emptied_and_filled_again() {
    let mut dice = Dice::new(5);
    let rbac = shapes::rbac(PILES, &mut dice);
    let mut authorizer = Authorizer::compile(&rbac);
    for _ in 0..3 {
        for binding in &rbac.bindings {
            authorizer = authorizer.with(&KubernetesChange::RemoveBinding(binding.key().unwrap()));
        }
        for role in &rbac.roles {
            authorizer = authorizer.with(&KubernetesChange::RemoveRole(role.key()));
        }
        assert_eq!(authorizer.to_rbac(), Rbac::default());
        for binding in &rbac.bindings {
            authorizer = authorizer.with(&KubernetesChange::PutBinding(binding.clone()));
        }
        for role in &rbac.roles {
            authorizer = authorizer.with(&KubernetesChange::PutRole(role.clone()));
        }
        for _ in 0..200 {
            let request = shapes::close_request(&rbac, PILES, &mut dice);
            compare(&rbac, &authorizer, &request);
        }
    }
}

/// R85: an aggregated role follows when another role gains or loses the label, also through a third one.
#[test]
fn aggregation_follows_changes() {
    let role = |json: &str| serde_json::from_str::<KubernetesRole>(json).unwrap();
    let rbac: Rbac = serde_json::from_str(
        r#"{"roles": [
            {"kind": "ClusterRole", "name": "top", "aggregate": [{"to": "top"}]},
            {"kind": "ClusterRole", "name": "middle", "labels": {"to": "top"}, "aggregate": [{"to": "middle"}]}],
          "bindings": [{"kind": "ClusterRoleBinding", "name": "b", "role": {"kind": "ClusterRole", "name": "top"},
            "subjects": [{"kind": "User", "name": "u"}]}]}"#,
    )
    .unwrap();
    let request = mke_rbac::kubernetes::Request {
        user: "u".into(),
        verb: "get".into(),
        resource: Some("pods".into()),
        ..Default::default()
    };
    let empty = Authorizer::compile(&rbac);
    assert!(!empty.allows(&request));
    let leaf = |label: &str| {
        role(&format!(
            r#"{{"kind": "ClusterRole", "name": "leaf", "labels": {{"to": "{label}"}},
               "rules": [{{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}}]}}"#
        ))
    };
    let with_leaf = empty.with(&KubernetesChange::PutRole(leaf("middle")));
    assert!(with_leaf.allows(&request));
    let moved = with_leaf.with(&KubernetesChange::PutRole(leaf("elsewhere")));
    assert!(!moved.allows(&request));
    let middle = RoleKey {
        kind: RoleKind::ClusterRole,
        namespace: None,
        name: "middle".into(),
    };
    let cut = with_leaf.with(&KubernetesChange::RemoveRole(middle));
    assert!(!cut.allows(&request));
    assert!(with_leaf.allows(&request), "the old snapshot stays as it was");
}

/// Keys that nothing has change nothing; bindings without a name are all kept.
#[test]
fn unknown_keys_and_missing_names() {
    let mut dice = Dice::new(9);
    let mut rbac = shapes::rbac(DENSE, &mut dice);
    for binding in &mut rbac.bindings {
        binding.name = None;
    }
    let authorizer = Authorizer::compile(&rbac);
    assert_eq!(authorizer.bindings().count(), rbac.bindings.len());
    let nothing = authorizer.with(&KubernetesChange::RemoveBinding(BindingKey {
        kind: BindingKind::RoleBinding,
        namespace: Some("ns0".into()),
        name: "nothing".into(),
    }));
    assert_eq!(nothing.to_rbac(), authorizer.to_rbac());
    let twice = authorizer.with(&KubernetesChange::PutBinding(rbac.bindings[0].clone()));
    assert_eq!(twice.bindings().count(), rbac.bindings.len() + 1);
}
