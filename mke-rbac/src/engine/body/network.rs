//! Networks: creating, connecting, disconnecting (proxy-29, R31).

use serde_json::{Map, Value};

use super::container::{links, without_ids};
use crate::demand::{Access, ObjectFacts, ObjectKind, ObjectRef, Placement};
use crate::engine::answer::PREDEFINED_NETWORKS;
use crate::engine::call::{CallBody, CallError, Place, Rewrite};
use crate::engine::draft::{Draft, labels, text};
use crate::engine::labels::{ACCESS_LABEL, check_spelling};
use crate::operation::{Modifier, ObjectType, Operation};

/// Names that mean predefined networks. A network of a user with such a name would pass for one.
const PREDEFINED: [&str; 8] = [
    "bridge",
    "default",
    "docker_gwbridge",
    "host",
    "ingress",
    "nat",
    "none",
    "null",
];

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    draft.node_of_name();
    let body = draft.json();
    let labels = labels(&body);
    check_spelling(labels.into_iter().flat_map(Map::keys))?;
    let driver = text(&body["Driver"]);
    let on_nodes = matches!(
        driver,
        "" | "bridge" | "host" | "ipvlan" | "macvlan" | "null" | "none"
    );
    draft.placement = Some(Placement {
        object_type: ObjectType::Network,
        existing: None,
        label: labels
            .and_then(|labels| labels.get(ACCESS_LABEL))
            .map(|label| text(label).to_owned()),
        node_bound: on_nodes && text(&body["Scope"]) != "swarm",
    });
    draft.rewrite = Rewrite::Labels;
    if body["Attachable"] == true {
        draft.modifier(Modifier::Attachable);
    }
    if reaches_wire(driver, &body["Options"]) {
        draft.container_modifier(Modifier::HostNetworkingMode);
    }
    let name = text(&body["Name"]);
    if PREDEFINED.contains(&name) || name.contains(':') {
        draft.admin_only("the name of the network has a meaning of its own");
    }
    if body["Ingress"] == true {
        draft.admin_only("the ingress network belongs to the cluster");
    }
    let template = text(&body["ConfigFrom"]["Network"]);
    if !template.is_empty() {
        draft.join(
            template,
            Place::Text {
                pointer: "/ConfigFrom/Network".to_owned(),
                prefix: "",
                suffix: String::new(),
            },
        );
    }
    Ok(())
}

/// Drivers and options that put containers beside the node on its own network: as good as the node's network.
fn reaches_wire(driver: &str, options: &Value) -> bool {
    const OPTIONS: [&str; 3] = [
        "com.docker.network.bridge.name",
        "com.docker.network.windowsshim.interface",
        "parent",
    ];
    matches!(driver, "host" | "ipvlan" | "macvlan" | "l2bridge" | "transparent")
        || options
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .any(|option| OPTIONS.contains(&option.as_str()))
}

pub(super) fn connect(draft: &mut Draft) -> Result<(), CallError> {
    let body = draft.json();
    links(draft, &body["EndpointConfig"]["Links"], "/EndpointConfig/Links")?;
    if let CallBody::Json(Value::Object(body)) = &mut draft.body
        && let Some(endpoint) = body.get_mut("EndpointConfig")
    {
        without_ids(endpoint);
    }
    other_end(draft, &body, Operation::ContainerConnect)
}

pub(super) fn disconnect(draft: &mut Draft) -> Result<(), CallError> {
    let body = draft.json();
    other_end(draft, &body, Operation::ContainerDisconnect)
}

fn other_end(draft: &mut Draft, body: &Value, operation: Operation) -> Result<(), CallError> {
    let container = text(&body["Container"]);
    if container.is_empty() {
        return Err(CallError::Value {
            place: "Container".to_owned(),
            why: "must name a container",
        });
    }
    draft.refer(
        operation,
        ObjectRef::new(ObjectKind::Container, container),
        Place::Text {
            pointer: "/Container".to_owned(),
            prefix: "",
            suffix: String::new(),
        },
    );
    Ok(())
}

/// Predefined networks carry no labels and nothing of anybody; clients look them up before they use them.
/// The containers on them are trimmed from the answer.
pub(super) fn inspect(draft: &mut Draft, own: Option<&ObjectFacts>) -> Result<(), CallError> {
    let predefined = own.and_then(|own| own.predefined_network.as_deref());
    if predefined.is_some_and(|name| PREDEFINED_NETWORKS.contains(&name)) {
        draft.access = Access::Authenticated;
        draft.wants.clear();
    }
    Ok(())
}
