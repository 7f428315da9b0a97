//! One small organization, written as a state file, and short ways to ask about it.

use mke_core::ids::CollectionId;
use mke_rbac::Subject;
use mke_rbac::demand::{Access, Demand, Facts, ObjectFacts, ObjectKind, ObjectRef, Placement, Target, Want};
use mke_rbac::operation::{ObjectType, Operation};
use mke_rbac::state::World;

const STATE: &str = include_str!("data/company.yaml");

pub(crate) fn company() -> World {
    World::parse(STATE, None).unwrap()
}

pub(crate) fn subject(world: &World, user: &str) -> Subject {
    world.subject(Some(user)).unwrap()
}

pub(crate) fn object(kind: ObjectKind, name: &str) -> ObjectRef {
    ObjectRef::new(kind, name)
}

/// The id that the state file gives a collection.
pub(crate) fn at(world: &World, path: &str) -> CollectionId {
    let found = world.policy().collection_by_path(&path.parse().unwrap());
    found.unwrap().id.clone()
}

/// Facts about objects that only lie somewhere.
pub(crate) fn facts(world: &World, objects: &[(ObjectKind, &str, &str)]) -> Facts {
    let mut facts = Facts::default();
    for (kind, name, path) in objects {
        let found = ObjectFacts::at(*name, at(world, path));
        facts.objects.insert(object(*kind, name), found);
    }
    facts
}

/// A demand for a new object.
pub(crate) fn create(object_type: ObjectType, label: Option<&str>, wants: Vec<Want>) -> Demand {
    Demand {
        access: Access::Operation,
        placement: Some(Placement {
            object_type,
            existing: None,
            label: label.map(str::to_owned),
            node_bound: matches!(object_type, ObjectType::Service | ObjectType::Container),
        }),
        wants,
        admin_only: None,
    }
}

/// A demand for a change of an existing object.
pub(crate) fn update(existing: ObjectRef, label: Option<&str>, wants: Vec<Want>) -> Demand {
    let object_type = existing.kind.object_type();
    Demand {
        access: Access::Operation,
        placement: Some(Placement {
            object_type,
            existing: Some(existing),
            label: label.map(str::to_owned),
            node_bound: object_type == ObjectType::Service,
        }),
        wants,
        admin_only: None,
    }
}

/// A demand for one operation on an existing object.
pub(crate) fn on(operation: Operation, object: ObjectRef) -> Demand {
    Demand {
        access: Access::Operation,
        placement: None,
        wants: vec![Want::plain(operation, Target::Object(object))],
        admin_only: None,
    }
}
