//! `POST /services/create` and `/services/{id}/update`: the checks of a container, on the template of its tasks
//! (proxy-24 to proxy-27). An update is checked whole, not by its difference (R34).

use serde_json::{Map, Value};

use super::{mount, task};
use crate::demand::{ObjectFacts, ObjectKind, ObjectRef, Placement};
use crate::engine::call::{CallBody, CallError, Place, Rewrite};
use crate::engine::draft::{Draft, items, labels, text};
use crate::engine::labels::{ACCESS_LABEL, check_spelling};
use crate::engine::shape::is_zero;
use crate::operation::{Modifier, ObjectType, Operation};

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    let spec = draft.json();
    place(draft, &spec, None)?;
    draft.rewrite = Rewrite::Service { stored: None };
    template(draft, &spec)
}

pub(super) fn update(draft: &mut Draft, own: Option<&ObjectFacts>) -> Result<(), CallError> {
    let existing = draft.own.clone();
    let stored = own.and_then(|own| own.spec.clone());
    match draft.query.one("rollback")? {
        None | Some("") => {
            let spec = draft.json();
            place(draft, &spec, existing)?;
            draft.rewrite = Rewrite::Service {
                stored: stored.map(Box::new),
            };
            template(draft, &spec)
        }
        // The Engine ignores the body and restores the spec before the last update, so that one is judged. Its labels
        // and constraints were put in place when it was stored.
        Some("previous") => {
            let spec = own.and_then(|own| own.previous_spec.clone());
            match (spec, existing) {
                (Some(spec), existing) => {
                    place(draft, &spec, existing)?;
                    if let Some(placement) = &mut draft.placement {
                        // Without its labels the service would lie in the root collection (R39).
                        placement.label.get_or_insert_with(|| "/".to_owned());
                    }
                    draft.without_substitutions(|draft| template(draft, &spec))?;
                    // Sent as well, so that an Engine that overlooked the parameter would do the same.
                    draft.body = CallBody::Json(spec);
                    draft.rewrite = Rewrite::Rollback {
                        stored: Box::new(stored.unwrap_or_default()),
                    };
                    Ok(())
                }
                (None, Some(existing)) => Err(CallError::NoPreviousSpec(existing)),
                (None, None) => Err(CallError::MissingBody),
            }
        }
        Some(_) => Err(CallError::Value {
            place: "query rollback".to_owned(),
            why: "must be `previous` or absent",
        }),
    }
}

fn place(draft: &mut Draft, spec: &Value, existing: Option<ObjectRef>) -> Result<(), CallError> {
    let service = labels(spec);
    let container = labels(&spec["TaskTemplate"]["ContainerSpec"]);
    check_spelling(service.into_iter().chain(container).flat_map(Map::keys))?;
    draft.placement = Some(Placement {
        object_type: ObjectType::Service,
        existing,
        label: service
            .and_then(|labels| labels.get(ACCESS_LABEL))
            .map(|label| text(label).to_owned()),
        node_bound: true,
    });
    Ok(())
}

fn template(draft: &mut Draft, spec: &Value) -> Result<(), CallError> {
    let task = &spec["TaskTemplate"];
    let container = &task["ContainerSpec"];
    // Plugins run on the node itself; attachments are made by the Engine for its own containers.
    let runtime = matches!(text(&task["Runtime"]), "" | "container");
    if !runtime || !task["PluginSpec"].is_null() || !task["NetworkAttachmentSpec"].is_null() {
        draft.admin_only("only tasks that run containers can be granted");
    }
    mount::mounts(draft, &container["Mounts"]);
    if !is_zero(&container["CapabilityAdd"]) {
        draft.container_modifier(Modifier::AdditionalKernelCapabilities);
    }
    if reaches_node(task) {
        draft.privileged();
    }
    credential_spec(draft, &container["Privileges"]["CredentialSpec"]);
    files(draft, container, "Secrets", "Secret", ObjectKind::Secret)?;
    files(draft, container, "Configs", "Config", ObjectKind::Config)?;
    networks(draft, &task["Networks"], "/TaskTemplate/Networks")?;
    networks(draft, &spec["Networks"], "/Networks")
}

/// Settings of tasks that cost `Privileged`, for the reasons given in [`super::host`].
fn reaches_node(task: &Value) -> bool {
    let container = &task["ContainerSpec"];
    !is_zero(&container["Privileges"]["SELinuxContext"])
        || !task::sysctls_have_namespaces(&container["Sysctls"])
        || !task::ulimits_are_harmless(&container["Ulimits"])
        || !matches!(text(&container["Isolation"]), "" | "default" | "hyperv")
        || !task::logs_stay_here(&task["LogDriver"]["Name"], &task["LogDriver"]["Options"])
}

fn credential_spec(draft: &mut Draft, spec: &Value) {
    if is_zero(spec) {
        return;
    }
    draft.modifier(Modifier::CredentialSpec);
    let config = text(&spec["Config"]);
    if !config.is_empty() {
        draft.refer(
            Operation::ConfigUse,
            ObjectRef::new(ObjectKind::Config, config),
            Place::Text {
                pointer: "/TaskTemplate/ContainerSpec/Privileges/CredentialSpec/Config".to_owned(),
                prefix: "",
                suffix: String::new(),
            },
        );
    }
}

/// Secrets and configs, by id or by name; the id counts when both are there, as in the Engine.
fn files(
    draft: &mut Draft,
    container: &Value,
    list: &str,
    field: &str,
    kind: ObjectKind,
) -> Result<(), CallError> {
    let operation = match kind {
        ObjectKind::Secret => Operation::SecretUse,
        _ => Operation::ConfigUse,
    };
    for (position, file) in items(&container[list]).enumerate() {
        let id = text(&file[format!("{field}ID")]);
        let name = if id.is_empty() {
            text(&file[format!("{field}Name")])
        } else {
            id
        };
        if name.is_empty() {
            return Err(CallError::Value {
                place: format!("TaskTemplate.ContainerSpec.{list}[{position}]"),
                why: "must name what it mounts",
            });
        }
        draft.refer(
            operation,
            ObjectRef::new(kind, name),
            Place::Text {
                pointer: format!("/TaskTemplate/ContainerSpec/{list}/{position}/{field}ID"),
                prefix: "",
                suffix: String::new(),
            },
        );
    }
    Ok(())
}

fn networks(draft: &mut Draft, networks: &Value, pointer: &str) -> Result<(), CallError> {
    for (position, network) in items(networks).enumerate() {
        let target = text(&network["Target"]);
        if target.is_empty() {
            return Err(CallError::Value {
                place: format!("Networks[{position}].Target"),
                why: "must name a network",
            });
        }
        draft.join(
            target,
            Place::Text {
                pointer: format!("{pointer}/{position}/Target"),
                prefix: "",
                suffix: String::new(),
            },
        );
    }
    Ok(())
}
