//! `POST /containers/create` and `/containers/{id}/update`.

use serde_json::{Map, Value};

use super::{host, mount};
use crate::demand::{ObjectKind, ObjectRef, Placement};
use crate::engine::call::{CallBody, CallError, Place, Rewrite};
use crate::engine::draft::{Draft, items, labels, text};
use crate::engine::labels::{ACCESS_LABEL, check_spelling};
use crate::engine::shapes::container::is_host_field;
use crate::engine::wishes;
use crate::operation::{Modifier, ObjectType, Operation};

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    if let CallBody::Json(Value::Object(body)) = &mut draft.body {
        draft.wishes = wishes::of_container(body)?;
    }
    let name = draft.query.one("name")?.map(str::to_owned);
    if let Some((node, name)) = name.as_deref().and_then(wishes::node_of) {
        draft.wishes.node = Some(node.to_owned());
        draft.query.set("name", name.to_owned());
    }
    let body = draft.json();
    refuse_outer_host_fields(&body)?;
    let labels = labels(&body);
    check_spelling(labels.into_iter().flat_map(Map::keys))?;
    draft.placement = Some(Placement {
        object_type: ObjectType::Container,
        existing: None,
        label: labels
            .and_then(|labels| labels.get(ACCESS_LABEL))
            .map(|label| text(label).to_owned()),
        node_bound: true,
    });
    draft.rewrite = Rewrite::Container;
    if let CallBody::Json(Value::Object(body)) = &mut draft.body {
        always_host_config(body);
        without_endpoint_ids(body);
    }
    let host = &body["HostConfig"];
    host::settings(draft, host);
    host::resources(draft, host);
    mount::binds(draft, host);
    mount::mounts(draft, &host["Mounts"]);
    mount::volumes_from(draft, host);
    links(draft, &host["Links"], "/HostConfig/Links")?;
    namespaces(draft, host);
    networks(draft, &body)
}

pub(super) fn update(draft: &mut Draft) -> Result<(), CallError> {
    let body = draft.json();
    host::resources(draft, &body);
    Ok(())
}

/// Without a `HostConfig` the Engine takes its fields from the top level. Nobody needs that form, and it would be a
/// second place to check.
fn refuse_outer_host_fields(body: &Value) -> Result<(), CallError> {
    let outer = body
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|key| is_host_field(key));
    match outer {
        Some(key) => Err(CallError::Value {
            place: key.clone(),
            why: "belongs into `HostConfig`",
        }),
        None => Ok(()),
    }
}

fn always_host_config(body: &mut Map<String, Value>) {
    let host = body.entry("HostConfig").or_insert(Value::Null);
    if host.is_null() {
        *host = Value::Object(Map::new());
    }
}

/// A `NetworkID` beside the name of a network wins over the name in the Engine, so it is not sent.
fn without_endpoint_ids(body: &mut Map<String, Value>) {
    let endpoints = body
        .get_mut("NetworkingConfig")
        .and_then(|config| config.get_mut("EndpointsConfig"))
        .and_then(Value::as_object_mut);
    for endpoint in endpoints.into_iter().flat_map(Map::values_mut) {
        without_ids(endpoint);
    }
}

pub(super) fn without_ids(endpoint: &mut Value) {
    if let Value::Object(endpoint) = endpoint {
        endpoint.remove("NetworkID");
        endpoint.remove("EndpointID");
    }
}

/// Namespaces shared with the node or with other containers.
fn namespaces(draft: &mut Draft, host: &Value) {
    let shared = |draft: &mut Draft, field: &'static str, modifier, own: &[&str]| {
        let mode = text(&host[field]);
        if own.contains(&mode) {
            return;
        }
        draft.modifier(modifier);
        other_container(draft, mode, &format!("/HostConfig/{field}"));
    };
    shared(draft, "PidMode", Modifier::PidMode, &[""]);
    shared(
        draft,
        "IpcMode",
        Modifier::IpcMode,
        &["", "none", "private", "shareable"],
    );
    shared(draft, "UsernsMode", Modifier::UserNamespaceMode, &[""]);
}

/// `container:<name>` needs a right on that container too.
fn other_container(draft: &mut Draft, mode: &str, pointer: &str) -> bool {
    let Some(name) = mode.strip_prefix("container:") else {
        return false;
    };
    draft.refer(
        Operation::ContainerConnect,
        ObjectRef::new(ObjectKind::Container, name),
        Place::Text {
            pointer: pointer.to_owned(),
            prefix: "container:",
            suffix: String::new(),
        },
    );
    true
}

fn networks(draft: &mut Draft, body: &Value) -> Result<(), CallError> {
    const MODE: &str = "/HostConfig/NetworkMode";
    let mode = text(&body["HostConfig"]["NetworkMode"]);
    if !predefined(draft, mode) && !other_container(draft, mode, MODE) {
        let place = Place::Text {
            pointer: MODE.to_owned(),
            prefix: "",
            suffix: String::new(),
        };
        draft.join(mode, place);
    }
    let pointer = "/NetworkingConfig/EndpointsConfig";
    let endpoints = body.pointer(pointer).and_then(Value::as_object);
    for (name, endpoint) in endpoints.into_iter().flatten() {
        if !predefined(draft, name) {
            draft.join(
                name,
                Place::Key {
                    pointer: pointer.to_owned(),
                },
            );
        }
        let list = format!("{pointer}/{}/Links", escaped(name));
        links(draft, &endpoint["Links"], &list)?;
    }
    Ok(())
}

/// Networks that the Engine knows by these words wherever a container is created (R39).
fn predefined(draft: &mut Draft, name: &str) -> bool {
    match name {
        "" | "default" | "bridge" | "nat" => draft.modifier(Modifier::BridgeNetworkingMode),
        "host" => draft.modifier(Modifier::HostNetworkingMode),
        "none" => {}
        _ => return false,
    }
    true
}

/// `<container>:<alias>`: the new container learns the other's address and environment.
pub(super) fn links(draft: &mut Draft, links: &Value, pointer: &str) -> Result<(), CallError> {
    for (position, link) in items(links).enumerate() {
        let (name, alias) = text(link).split_once(':').unwrap_or((text(link), text(link)));
        // The Engine shows links as `/name:/container/alias`.
        let name = name.trim_start_matches('/');
        let alias = alias.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || alias.is_empty() || alias.contains(':') {
            return Err(CallError::Value {
                place: "Links".to_owned(),
                why: "must hold entries of the form `container:alias`",
            });
        }
        draft.refer(
            Operation::ContainerConnect,
            ObjectRef::new(ObjectKind::Container, name),
            Place::Text {
                pointer: format!("{pointer}/{position}"),
                prefix: "",
                suffix: format!(":{alias}"),
            },
        );
    }
    Ok(())
}

/// A key as an element of a JSON pointer (RFC 6901 section 3).
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
