//! Services for tests: specs, existing ones, and asking for a creation and an update at once.

use mke_rbac::demand::{Facts, ObjectFacts, ObjectKind::Service, ObjectRef};
use mke_rbac::engine::{Call, CallError};
use serde_json::{Value, json};

use super::{LABEL, policy, read, verdict};

pub(crate) fn spec(collection: &str, task: Value) -> Value {
    json!({ "Name": "web", "Labels": { LABEL: collection }, "TaskTemplate": task })
}

pub(crate) fn container(part: Value) -> Value {
    json!({ "ContainerSpec": part })
}

pub(crate) fn create(spec: &Value) -> Call {
    read("POST", "/services/create", &spec.to_string(), None)
        .unwrap_or_else(|error| panic!("{spec}: {error}"))
}

/// An existing service in a collection, with what is stored of it.
pub(crate) fn existing(collection: &str, stored: Value, previous: Option<Value>) -> ObjectFacts {
    let mut own = ObjectFacts::at("svc1", collection.into());
    own.spec = Some(stored);
    own.previous_spec = previous;
    own
}

pub(crate) fn update(spec: &Value, own: &ObjectFacts) -> Result<Call, CallError> {
    read(
        "POST",
        "/services/web/update?version=7",
        &spec.to_string(),
        Some(own),
    )
}

pub(crate) fn with(mut facts: Facts, own: &ObjectFacts) -> Facts {
    facts.objects.insert(ObjectRef::new(Service, "web"), own.clone());
    facts
}

/// Asks for a creation and for an update to the same spec: the answers differ in the operation only.
pub(crate) fn both(name: &str, task: Value, facts: &Facts) -> String {
    let policy = policy();
    let spec = spec("/Shared/dev", task);
    let created = verdict(&policy, name, &create(&spec), facts);
    let own = existing("dev", json!({ "Name": "web" }), None);
    let updated = verdict(
        &policy,
        name,
        &update(&spec, &own).unwrap(),
        &with(facts.clone(), &own),
    );
    assert_eq!(
        created,
        updated.replace("Service Update", "Service Create"),
        "{spec}"
    );
    created
}
