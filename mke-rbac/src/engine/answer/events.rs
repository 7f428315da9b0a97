//! Which events a caller sees: those of objects that it may view (R51).

use serde_json::Value;

use super::Viewer;
use crate::demand::{Home, ObjectKind, ObjectRef};
use crate::engine::labels::{ACCESS_LABEL, COLLECTION, home_of};

/// The event for this caller, without references to what it may not see.
pub(super) fn filter(mut event: Value, viewer: &Viewer<'_>) -> Option<Value> {
    if viewer.admin {
        return Some(event);
    }
    let kind = kind(event["Type"].as_str()?)?;
    let id = event["Actor"]["ID"].as_str()?.to_owned();
    let home = home(kind, &id, &event, viewer)?;
    if !viewer.sees(kind, &home) {
        return None;
    }
    // Events of networks and volumes tell which container uses them.
    if kind != ObjectKind::Container
        && let Some(Value::Object(attributes)) = event.pointer_mut("/Actor/Attributes")
        && let Some(container) = attributes.get("container").and_then(Value::as_str)
        && !viewer.sees_named(ObjectKind::Container, container)
    {
        attributes.remove("container");
    }
    Some(event)
}

/// The kinds whose events users may see. Those of the daemon, of plugins and of the builder are for
/// administrators, and so is what a newer Engine may add.
fn kind(name: &str) -> Option<ObjectKind> {
    Some(match name {
        "config" => ObjectKind::Config,
        "container" => ObjectKind::Container,
        "image" => ObjectKind::Image,
        "network" => ObjectKind::Network,
        "node" => ObjectKind::Node,
        "secret" => ObjectKind::Secret,
        "service" => ObjectKind::Service,
        "volume" => ObjectKind::Volume,
        _ => return None,
    })
}

/// Where the object of an event lies. Events of containers carry their labels; others must be looked up, and are not
/// shown when their object is gone.
fn home(kind: ObjectKind, id: &str, event: &Value, viewer: &Viewer<'_>) -> Option<Home> {
    let attributes = event.pointer("/Actor/Attributes").and_then(Value::as_object);
    let labelled = attributes.is_some_and(|attributes| {
        attributes.contains_key(ACCESS_LABEL) || attributes.contains_key(COLLECTION)
    });
    match kind {
        ObjectKind::Image => Some(home_of(None, viewer.policy)),
        ObjectKind::Container => Some(home_of(attributes, viewer.policy)),
        _ if labelled => Some(home_of(attributes, viewer.policy)),
        _ => (viewer.look_up)(&ObjectRef::new(kind, id)),
    }
}
