//! References from one object to others that the caller may not see (proxy-31).
//!
//! What a client sends back on an update is blanked rather than removed: were a secret missing from a service,
//! the client's next update would take it away from the service without anybody meaning it. With the id still
//! there, that update is refused for lack of Secret Use (R34).

use serde_json::{Map, Value};

use super::{PREDEFINED_NETWORKS, Viewer};
use crate::demand::{ObjectKind, ObjectRef};
use crate::engine::labels::home_of;
use crate::operation::Operation;

pub(super) fn trim(kind: ObjectKind, item: &mut Value, viewer: &Viewer<'_>) {
    match kind {
        ObjectKind::Container => container(item, viewer),
        ObjectKind::Network => network(item, viewer),
        ObjectKind::Service => {
            for spec in ["Spec", "PreviousSpec"] {
                if let Some(container) = item[spec].pointer_mut("/TaskTemplate/ContainerSpec") {
                    files(container, viewer);
                }
            }
        }
        ObjectKind::Task => {
            if let Some(container) = item.pointer_mut("/Spec/ContainerSpec") {
                files(container, viewer);
            }
            retain_items(item.get_mut("NetworksAttachments"), |attachment| {
                let network = &attachment["Network"];
                let labels = network.pointer("/Spec/Labels").and_then(Value::as_object);
                viewer.sees(ObjectKind::Network, &home_of(labels, viewer.policy))
            });
        }
        ObjectKind::Config
        | ObjectKind::Exec
        | ObjectKind::Image
        | ObjectKind::Node
        | ObjectKind::Secret
        | ObjectKind::Volume => {}
    }
}

/// Networks and volumes of a container.
fn container(item: &mut Value, viewer: &Viewer<'_>) {
    retain_entries(item.pointer_mut("/NetworkSettings/Networks"), |name, endpoint| {
        let id = endpoint["NetworkID"].as_str().filter(|id| !id.is_empty());
        PREDEFINED_NETWORKS.contains(&name) || viewer.sees_named(ObjectKind::Network, id.unwrap_or(name))
    });
    retain_items(item.get_mut("Mounts"), |mount| {
        mount["Type"] != "volume"
            || mount["Name"]
                .as_str()
                .is_some_and(|name| viewer.sees_named(ObjectKind::Volume, name))
    });
}

/// Containers and services on a network. Its load balancers and peers are nobody's objects.
fn network(item: &mut Value, viewer: &Viewer<'_>) {
    retain_entries(item.get_mut("Containers"), |id, _| {
        viewer.sees_named(ObjectKind::Container, id)
    });
    retain_entries(item.get_mut("Services"), |name, _| {
        viewer.sees_named(ObjectKind::Service, name)
    });
    if let Some(item) = item.as_object_mut() {
        item.remove("Peers");
    }
}

/// The names of secrets and configs that the caller may neither see nor use.
fn files(container: &mut Value, viewer: &Viewer<'_>) {
    let lists = [
        ("Secrets", "Secret", ObjectKind::Secret, Operation::SecretUse),
        ("Configs", "Config", ObjectKind::Config, Operation::ConfigUse),
    ];
    for (list, field, kind, using) in lists {
        for file in container
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let id = file[format!("{field}ID")].as_str().unwrap_or_default();
            let home = (viewer.look_up)(&ObjectRef::new(kind, id));
            let known = home.is_some_and(|home| viewer.sees(kind, &home) || (viewer.may)(using, &home));
            if !known && let Value::Object(file) = file {
                file.insert(format!("{field}Name"), Value::from(""));
            }
        }
    }
}

fn retain_entries(map: Option<&mut Value>, keep: impl Fn(&str, &Value) -> bool) {
    if let Some(Value::Object(map)) = map {
        let kept: Map<_, _> = std::mem::take(map)
            .into_iter()
            .filter(|(key, value)| keep(key, value))
            .collect();
        *map = kept;
    }
}

fn retain_items(list: Option<&mut Value>, keep: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(list)) = list {
        list.retain(|item| keep(item));
    }
}
