//! What a caller sees of an answer: lists, single objects, events and facts about the Engine (R50, R51, proxy-30,
//! proxy-31).
//!
//! Filters take things away and never fail: what cannot be judged is not shown. They ask through [`Viewer`] and decide
//! nothing themselves. Unlabelled objects count as lying in `/` (R39).

mod events;
mod nested;

use serde_json::{Map, Value};

use super::labels::home_of;
use crate::Policy;
use crate::demand::{Home, ObjectKind, ObjectRef};
use crate::operation::Operation;

/// Networks that exist on every engine. They carry nothing of any tenant, so everybody sees them, with the containers on
/// them taken out; clients look them up before they use them.
pub(super) const PREDEFINED_NETWORKS: [&str; 4] = ["bridge", "host", "none", "nat"];

/// Who looks at an answer.
#[derive(Clone, Copy)]
pub struct Viewer<'v> {
    /// The policy that knows the collections.
    pub policy: &'v Policy,
    /// Whether the caller may use an operation on what lies there: [`Policy::may`].
    pub may: &'v dyn Fn(Operation, &Home) -> bool,
    /// Where an object lies that an answer only names, by id or name. Nothing when it is gone or was not looked up;
    /// then it is not shown.
    pub look_up: &'v dyn Fn(&ObjectRef) -> Option<Home>,
    /// Whether the caller is an administrator, who sees everything.
    pub admin: bool,
}

impl Viewer<'_> {
    fn sees(&self, kind: ObjectKind, home: &Home) -> bool {
        self.admin || (self.may)(view_operation(kind), home)
    }

    fn sees_named(&self, kind: ObjectKind, name: &str) -> bool {
        self.admin
            || (self.look_up)(&ObjectRef::new(kind, name))
                .is_some_and(|home| (self.may)(view_operation(kind), &home))
    }
}

/// The operation that shows objects of a kind. Tasks have one of their own, independent of their service's (R51).
pub const fn view_operation(kind: ObjectKind) -> Operation {
    match kind {
        ObjectKind::Task => Operation::ServiceViewTasks,
        other => other.object_type().view_operation(),
    }
}

/// Filters the answer of a list call, and trims what is left. At most `limit` objects remain.
pub fn list(kind: ObjectKind, answer: Value, limit: Option<usize>, viewer: &Viewer<'_>) -> Value {
    match answer {
        Value::Array(items) => Value::Array(visible(kind, items, limit, viewer)),
        // Volumes come in an object; its warnings name nodes and drivers.
        Value::Object(mut map) if kind == ObjectKind::Volume => {
            let items = match map.remove("Volumes") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            };
            let warnings = map.remove("Warnings").filter(|_| viewer.admin);
            let mut map = Map::new();
            map.insert(
                "Volumes".to_owned(),
                Value::Array(visible(kind, items, limit, viewer)),
            );
            map.insert("Warnings".to_owned(), warnings.unwrap_or(Value::Null));
            Value::Object(map)
        }
        _ => Value::Array(Vec::new()),
    }
}

fn visible(kind: ObjectKind, items: Vec<Value>, limit: Option<usize>, viewer: &Viewer<'_>) -> Vec<Value> {
    items
        .into_iter()
        .filter(|item| shows(kind, item, viewer))
        .take(limit.unwrap_or(usize::MAX))
        .map(|item| inspect(kind, item, viewer))
        .collect()
}

/// Whether an object of an answer may be seen.
pub fn shows(kind: ObjectKind, item: &Value, viewer: &Viewer<'_>) -> bool {
    let predefined = kind == ObjectKind::Network
        && item["Name"]
            .as_str()
            .is_some_and(|name| PREDEFINED_NETWORKS.contains(&name));
    predefined || viewer.sees(kind, &home(kind, item, viewer))
}

/// Trims a single object: references in it to others that the caller may not see.
pub fn inspect(kind: ObjectKind, mut item: Value, viewer: &Viewer<'_>) -> Value {
    if kind == ObjectKind::Secret
        && let Some(spec) = item.get_mut("Spec").and_then(Value::as_object_mut)
    {
        // The Engine never answers with it; should it begin to, it stops here.
        spec.remove("Data");
    }
    if !viewer.admin {
        nested::trim(kind, &mut item, viewer);
    }
    item
}

/// Where an object of an answer lies, by its labels. A task lies where its service does now, which may have moved since
/// the task started.
pub fn home(kind: ObjectKind, item: &Value, viewer: &Viewer<'_>) -> Home {
    if kind == ObjectKind::Task
        && let Some(service) = item["ServiceID"].as_str()
        && let Some(home) = (viewer.look_up)(&ObjectRef::new(ObjectKind::Service, service))
    {
        return home;
    }
    home_of(labels_of(kind, item), viewer.policy)
}

/// The labels of an object, wherever its kind keeps them.
pub fn labels_of(kind: ObjectKind, item: &Value) -> Option<&Map<String, Value>> {
    let pointers: &[&str] = match kind {
        // Single containers keep them in their configuration, lists show them on top.
        ObjectKind::Container => &["/Config/Labels", "/Labels"],
        ObjectKind::Network | ObjectKind::Volume => &["/Labels"],
        ObjectKind::Service | ObjectKind::Node | ObjectKind::Secret | ObjectKind::Config => &["/Spec/Labels"],
        ObjectKind::Task => &["/Spec/ContainerSpec/Labels"],
        // Labels of images say nothing about places: all images lie in the root collection (R35).
        ObjectKind::Image | ObjectKind::Exec => &[],
    };
    pointers
        .iter()
        .find_map(|pointer| item.pointer(pointer).and_then(Value::as_object))
}

/// Trims an event, or drops it (R51).
pub fn event(event: Value, viewer: &Viewer<'_>) -> Option<Value> {
    events::filter(event, viewer)
}

/// Takes cluster secrets and counts of things that users do not see out of `GET /info`.
pub fn info(mut info: Value, admin: bool) -> Value {
    if admin {
        return info;
    }
    if let Value::Object(info) = &mut info {
        for count in [
            "Containers",
            "ContainersRunning",
            "ContainersPaused",
            "ContainersStopped",
            "Images",
        ] {
            if let Some(count) = info.get_mut(count) {
                *count = Value::from(0);
            }
        }
        // Proxies are often given with a password; the root directory and the rest describe the node.
        for text in ["HttpProxy", "HttpsProxy", "NoProxy", "DockerRootDir"] {
            if let Some(text) = info.get_mut(text) {
                *text = Value::from("");
            }
        }
        info.remove("RegistryConfig");
        if let Some(Value::Object(swarm)) = info.get_mut("Swarm") {
            for field in ["Cluster", "JoinTokens", "UnlockKey"] {
                swarm.remove(field);
            }
        }
    }
    info
}
