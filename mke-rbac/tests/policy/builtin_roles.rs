//! The built-in roles: as golden JSON, against a second list of the facts, and against each other.

use std::collections::{BTreeMap, BTreeSet};

use mke_rbac::operation::{Modifier, ModifierSet, ObjectType, Operation, OperationSet};
use mke_rbac::role::{Rights, builtin, builtin_roles};
use serde::Deserialize;

fn rights(id: &str) -> Rights {
    let role = builtin_roles().into_iter().find(|role| role.id.as_str() == id);
    *role.unwrap().operations.rights()
}

/// RBAC-004, RBAC-005, RBAC-006, RBAC-007: the bodies that the API shows, word for word.
#[test]
fn golden_bodies() {
    for role in builtin_roles() {
        insta::assert_json_snapshot!(role.id.as_str(), role);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vocabulary {
    types: BTreeMap<String, TypeFacts>,
    operations: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    roles: BTreeMap<String, RoleFacts>,
    full_minus_restricted: Difference,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeFacts {
    label_editable: bool,
    view_operation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleFacts {
    name: String,
    operations: BTreeSet<String>,
    modifiers: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    operations: BTreeSet<String>,
    modifiers: BTreeSet<(String, String)>,
}

fn vocabulary() -> Vocabulary {
    toml::from_str(include_str!("data/vocabulary.toml")).unwrap()
}

/// RBAC-011: the types, operations and modifiers are exactly those of the product, in its order of modifiers.
#[test]
fn vocabulary_does_not_drift() {
    let facts = vocabulary();
    let types: BTreeSet<_> = ObjectType::ALL
        .iter()
        .map(|object_type| object_type.name())
        .collect();
    assert_eq!(types, facts.types.keys().map(String::as_str).collect());
    for object_type in ObjectType::ALL {
        let known = &facts.types[object_type.name()];
        assert_eq!(
            object_type.label_editable(),
            known.label_editable,
            "{object_type}"
        );
        assert_eq!(object_type.view_operation().name(), known.view_operation);
        let operations: BTreeMap<_, Vec<_>> = Operation::ALL
            .iter()
            .filter(|operation| operation.object_type() == *object_type)
            .map(|operation| {
                let modifiers = operation.modifiers().iter();
                (
                    operation.name().to_owned(),
                    modifiers.map(|modifier| modifier.name().to_owned()).collect(),
                )
            })
            .collect();
        assert_eq!(operations, facts.operations[object_type.name()], "{object_type}");
    }
}

/// RBAC-004 to RBAC-008: each built-in role holds exactly the operations and modifiers of the list.
#[test]
fn builtin_roles_do_not_drift() {
    let facts = vocabulary();
    assert_eq!(builtin_roles().len(), facts.roles.len());
    for role in builtin_roles() {
        let known = &facts.roles[role.id.as_str()];
        assert_eq!(role.name, known.name);
        assert!(role.system_role);
        let held = role.operations.rights();
        for operation in Operation::ALL {
            assert_eq!(
                held.operations().contains(*operation),
                known.operations.contains(operation.name()),
                "{operation} in {}",
                role.id
            );
            for modifier in operation.modifiers() {
                let listed = known.modifiers.get(operation.name());
                assert_eq!(
                    held.allows(*operation, ModifierSet::of(*modifier)),
                    listed.is_some_and(|listed| listed.contains(modifier.name())),
                    "{operation} with {modifier} in {}",
                    role.id
                );
            }
        }
    }
}

/// RBAC-006, RBAC-008: Full Control holds all that Restricted Control holds, and more by exactly the listed things.
#[test]
fn full_control_exceeds_restricted_control_by_the_host() {
    let facts = vocabulary().full_minus_restricted;
    let (full, restricted) = (rights(builtin::FULL_CONTROL), rights(builtin::RESTRICTED_CONTROL));
    assert!(full.covers(&restricted));
    assert_eq!(full, Rights::all());
    let operations: BTreeSet<_> = full
        .operations()
        .minus(restricted.operations())
        .iter()
        .map(|operation| operation.name().to_owned())
        .collect();
    assert_eq!(operations, facts.operations);
    let modifiers: BTreeSet<(String, String)> = restricted
        .iter()
        .flat_map(|(operation, held)| {
            let more = full.modifiers(operation).unwrap_or_default().minus(held);
            more.iter()
                .map(move |modifier| (operation.name().to_owned(), modifier.name().to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(modifiers, facts.modifiers);
}

/// RBAC-007: Scheduler sees nodes and places workloads on them, and nothing else; so it shows no workload.
#[test]
fn scheduler_holds_two_node_operations() {
    let expected: OperationSet = [Operation::NodeSchedule, Operation::NodeView]
        .into_iter()
        .collect();
    assert_eq!(rights(builtin::SCHEDULER).operations(), expected);
}

/// RBAC-005: View Only holds a subset of Restricted Control, no modifier, and nothing that changes or uses.
#[test]
fn view_only_looks_and_nothing_else() {
    let view = rights(builtin::VIEW_ONLY);
    assert!(rights(builtin::RESTRICTED_CONTROL).covers(&view));
    assert_eq!(view.iter().count(), 14);
    for (operation, modifiers) in view.iter() {
        assert!(modifiers.is_empty());
        let looks = ["View", "Logs", "Stats", "Top", "History", "View Tasks"]
            .iter()
            .any(|ending| operation.name().ends_with(ending));
        assert!(looks, "{operation} does more than look");
    }
    for object_type in ObjectType::ALL {
        assert!(
            view.operations().contains(object_type.view_operation()),
            "{object_type}"
        );
    }
}

/// RBAC-004: None holds nothing.
#[test]
fn none_is_empty() {
    assert!(rights(builtin::NONE).is_empty());
    assert_eq!(
        serde_json::to_value(&builtin_roles()[0].operations).unwrap(),
        serde_json::json!({})
    );
}

/// The JSON form of a role reads back as the same role; modifiers stand in the product's order.
#[test]
fn bodies_survive_a_round_trip() {
    for role in builtin_roles() {
        let text = serde_json::to_string(&role).unwrap();
        assert_eq!(serde_json::from_str::<mke_rbac::Role>(&text).unwrap(), role);
    }
    let full = serde_json::to_value(Rights::all().iter().map(|(o, _)| o.name()).collect::<Vec<_>>()).unwrap();
    assert_eq!(full.as_array().unwrap().len(), Operation::ALL.len());
    let create =
        &serde_json::to_value(&builtin_roles()[4].operations).unwrap()["Container"]["Container Create"];
    assert_eq!(create[0], Modifier::IpcMode.name());
}
