//! Chooses the nodes for what is made: containers, local networks and local volumes.
//!
//! The choice itself is pure (`fleet/placement.rs`); here is what it is told: where the caller may schedule, which nodes
//! answer, what they have, and what the request says.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use mke_core::ids::CollectionId;
use mke_rbac::Schedule;
use mke_rbac::demand::{ObjectKind, ObjectRef, Target};
use mke_rbac::engine::{Call, EndpointId};
use mke_rbac::model::builtin;
use mke_rbac::operation::Operation;
use serde_json::Value;

use super::caller::Caller;
use super::site::Members;
use crate::controller::error::{ApiError, Kind};
use crate::controller::state::State;
use crate::engine::{EngineClient, EngineError};
use crate::fleet::ask::{self, LIST_TIME};
use crate::fleet::container::{self, Container};
use crate::fleet::find::{self, Found};
use crate::fleet::member::{Containers, Objects};
use crate::fleet::placement::{self, Candidate, ContainerMarks, NoNode, Strategy, Wanted};
use crate::fleet::{Fleet, Member, Presence, merge};

/// Says that Swarm may use a node (R49).
const SWARM_LABEL: &str = "com.docker.ucp.orchestrator.swarm";
/// Networks that every node has.
const PREDEFINED: [&str; 6] = ["", "default", "bridge", "host", "none", "nat"];

/// Whether what a call makes belongs to the swarm and not to a node: overlay networks, and volumes of drivers that keep
/// them elsewhere.
pub(super) fn is_of_swarm(call: &Call) -> bool {
    let node_bound = call
        .demand()
        .placement
        .as_ref()
        .is_some_and(|placement| placement.node_bound);
    !node_bound && call.wishes().node.is_none()
}

/// The nodes on which something is to be made, the first of which answers; or why there is none.
pub(super) async fn choose(
    state: &State,
    members: &Members,
    caller: &Caller,
    call: &Call,
) -> Result<Result<Vec<Arc<Member>>, NoNode>, ApiError> {
    let schedule = caller.policy.schedule_of_new(&caller.subject, call.demand());
    let body = call.body().unwrap_or(&Value::Null);
    let wanted = wanted(&state.fleet, members, call, body).await?;
    let candidates = candidates(members, caller, schedule.as_ref(), call, body).await;
    // A volume with a name is made on every node: a container that mounts it may come to any.
    let everywhere = call.endpoint().id == EndpointId::VolumeCreate
        && call.wishes().node.is_none()
        && body["Name"].as_str().is_some_and(|name| !name.is_empty());
    if everywhere {
        let usable = |node: &&(Arc<Member>, Candidate)| node.1.admitted && node.1.working;
        let mut all: Vec<Arc<Member>> = candidates
            .iter()
            .filter(usable)
            .map(|(member, _)| member.clone())
            .collect();
        all.sort_by_key(|member| !member.is_local());
        if !all.is_empty() {
            return Ok(Ok(all));
        }
    }
    let (nodes, facts): (Vec<_>, Vec<_>) = candidates.into_iter().unzip();
    let strategy = Strategy::of(&state.snapshot().config.cluster.swarm_strategy);
    let mut chance = [0; 8];
    getrandom::fill(&mut chance).map_err(ApiError::internal)?;
    let chosen = placement::choose(&facts, &wanted, strategy, u64::from_ne_bytes(chance));
    Ok(chosen.map(|position| nodes.get(position).cloned().into_iter().collect()))
}

/// Whether the one engine that there is fits what the request says about nodes.
///
/// # Errors
/// What it does not fit, and when the engine cannot be asked.
pub(super) async fn must_fit(engine: &EngineClient, call: &Call) -> Result<(), ApiError> {
    if call.wishes().is_empty() {
        return Ok(());
    }
    let info: Value = engine.get_json("/info").await?;
    let text = |pointer: &str| {
        info.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let labels = info["Labels"].as_array().into_iter().flatten();
    let mut candidate = Candidate {
        name: text("/Name"),
        id: text("/Swarm/NodeID"),
        admitted: true,
        working: true,
        properties: labels
            .filter_map(|label| label.as_str()?.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        ..Candidate::default()
    };
    for (key, pointer) in [
        ("ostype", "/OSType"),
        ("architecture", "/Architecture"),
        ("engineversion", "/ServerVersion"),
    ] {
        candidate.properties.push((key.to_owned(), text(pointer)));
    }
    if !call.wishes().affinities.is_empty() {
        let containers = engine.get_bytes("/containers/json?all=1").await?;
        let containers = container::read(&containers, "", Instant::now()).map_err(ApiError::internal)?;
        let images: Value = engine.get_json("/images/json").await?;
        candidate.containers = containers.iter().map(marks).collect();
        candidate.images = images
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(image_names)
            .collect();
    }
    let wanted = Wanted {
        wishes: call.wishes().clone(),
        ..Wanted::default()
    };
    match placement::choose(&[candidate], &wanted, Strategy::Spread, 0) {
        Ok(_) => Ok(()),
        Err(none) => Err(ApiError::new(Kind::Conflict, none.to_string())),
    }
}

/// Nodes that answer, take work, and on which the caller may schedule something: all of them for administrators.
pub(super) fn usable(members: &Members, caller: &Caller) -> Vec<Arc<Member>> {
    let may = |member: &Arc<Member>| {
        let home = member.home(&caller.policy);
        caller.admin || caller.policy.may(&caller.subject, Operation::NodeSchedule, &home)
    };
    members
        .iter()
        .filter(|member| member.presence() != Presence::Silent && may(member))
        .cloned()
        .collect()
}

/// Whether what a caller runs may run there: not on managers, unless it has the right or a setting says so.
pub(super) fn may_run(member: &Member, caller: &Caller) -> bool {
    let anywhere = CollectionId::new(builtin::ROOT);
    let home = member.home(&caller.policy);
    match caller.policy.schedule(&caller.subject, &anywhere) {
        Ok(schedule) => schedule.admits(&home, &caller.policy),
        // Without a right on the root there may be one below.
        Err(_) => caller.policy.may(&caller.subject, Operation::NodeSchedule, &home),
    }
}

/// Refuses a container name that another node has already: names are those of the cluster.
pub(super) async fn must_be_free(
    members: &Members,
    node: Option<&Member>,
    name: &str,
) -> Result<(), ApiError> {
    let name = name.trim_start_matches('/');
    if name.is_empty() {
        return Ok(());
    }
    let here = node.map(Member::id);
    let others = members.iter().filter(|member| Some(member.id()) != here).cloned();
    let lists = ask::each(
        others,
        LIST_TIME,
        |member| async move { member.containers().await },
    )
    .await;
    for (_, containers) in &lists.answers {
        let taken = containers.iter().find(|container| {
            let mut names = container.names.iter();
            names.any(|taken| taken.trim_start_matches('/') == name)
        });
        if let Some(taken) = taken {
            return Err(ApiError::new(
                Kind::Conflict,
                format!(
                    "Conflict. The container name \"/{name}\" is already in use by container \"{}\". You have to remove \
                     (or rename) that container to be able to reuse that name.",
                    taken.id
                ),
            ));
        }
    }
    Ok(())
}

async fn wanted(fleet: &Fleet, members: &Members, call: &Call, body: &Value) -> Result<Wanted, EngineError> {
    let container = call.endpoint().id == EndpointId::ContainerCreate;
    let host = &body["HostConfig"];
    let number = |field: &str| host[field].as_i64().unwrap_or(0);
    Ok(Wanted {
        wishes: call.wishes().clone(),
        only: if container {
            needs(fleet, members, call).await?
        } else {
            None
        },
        ports: ports(&host["PortBindings"]),
        nano_cpus: number("NanoCpus"),
        memory_bytes: number("Memory").max(number("MemoryReservation")),
        needs_image: container,
    })
}

/// Ports of the node that are asked for by number. The engine finds out about ranges.
fn ports(bindings: &Value) -> Vec<(u16, String)> {
    let mut ports = Vec::new();
    for (port, bindings) in bindings.as_object().into_iter().flatten() {
        let protocol = port.split_once('/').map_or("tcp", |(_, protocol)| protocol);
        for binding in bindings.as_array().into_iter().flatten() {
            if let Some(number) = binding["HostPort"].as_str().and_then(|text| text.parse().ok())
                && number != 0
            {
                ports.push((number, protocol.to_owned()));
            }
        }
    }
    ports
}

/// The nodes that have the containers and local networks that a new container names; nothing when it names none.
async fn needs(fleet: &Fleet, members: &Members, call: &Call) -> Result<Option<Vec<String>>, EngineError> {
    let mut only: Option<BTreeSet<String>> = None;
    for want in &call.demand().wants {
        let object = match &want.on {
            Target::Object(object) | Target::VolumesOf(object) | Target::Network(object) => object,
            Target::Root | Target::Workload | Target::VolumeOrWorkload(_) => continue,
        };
        let Some(nodes) = nodes_with(fleet, members, object).await? else {
            continue;
        };
        only = Some(match only {
            Some(before) => before.intersection(&nodes).cloned().collect(),
            None => nodes,
        });
    }
    Ok(only.map(|nodes| nodes.into_iter().collect()))
}

/// The names of the nodes that have an object; nothing when it does not bind to a node, or does not exist, which is said
/// elsewhere.
async fn nodes_with(
    fleet: &Fleet,
    members: &Members,
    object: &ObjectRef,
) -> Result<Option<BTreeSet<String>>, EngineError> {
    let bound = match object.kind {
        ObjectKind::Container => true,
        ObjectKind::Network => !PREDEFINED.contains(&object.name.as_str()),
        _ => false,
    };
    if !bound {
        return Ok(None);
    }
    let holders = match find::find(fleet, members, object.kind, &object.name).await? {
        Found::On(holders) | Found::Several(holders) => holders,
        Found::Nowhere | Found::Silent(_) => return Ok(None),
    };
    if object.kind == ObjectKind::Network {
        for member in &holders {
            let networks = member.objects(ObjectKind::Network).await.unwrap_or_default();
            let name = object.name.as_str();
            let of_swarm = networks.iter().any(|network| {
                (network.name == name || network.id.starts_with(name)) && merge::is_swarm(&network.value)
            });
            if of_swarm {
                return Ok(None);
            }
        }
    }
    Ok(Some(holders.iter().map(|member| member.name()).collect()))
}

async fn candidates(
    members: &Members,
    caller: &Caller,
    schedule: Option<&Schedule>,
    call: &Call,
    body: &Value,
) -> Vec<(Arc<Member>, Candidate)> {
    let image = body["Image"].as_str().unwrap_or_default();
    let volumes: Vec<&str> = call
        .demand()
        .wants
        .iter()
        .filter_map(|want| match &want.on {
            Target::VolumeOrWorkload(volume) => Some(volume.name.as_str()),
            _ => None,
        })
        .collect();
    let by_affinity = !call.wishes().affinities.is_empty();
    let of = |member: Arc<Member>| {
        let volumes = &volumes;
        async move {
            let admitted = schedule
                .is_some_and(|schedule| schedule.admits(&member.home(&caller.policy), &caller.policy));
            let mut candidate = of_facts(&member, admitted);
            if admitted && candidate.working {
                match lists(&member, !image.is_empty(), !volumes.is_empty()).await {
                    Some(lists) => complete(&mut candidate, &lists, image, volumes, by_affinity),
                    None => candidate.working = false,
                }
            }
            candidate.count += member.coming();
            (member, candidate)
        }
    };
    join_all(members.iter().cloned().map(of)).await
}

fn of_facts(member: &Member, admitted: bool) -> Candidate {
    let facts = member.facts();
    let labelled = facts.labels.get(SWARM_LABEL).is_some_and(|value| value == "true");
    let mut properties: Vec<(String, String)> = facts
        .engine_labels
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in [
        ("ostype", &facts.os),
        ("architecture", &facts.architecture),
        ("engineversion", &facts.engine_version),
    ] {
        properties.push((key.to_owned(), value.clone()));
    }
    for (key, value) in &facts.labels {
        properties.push((format!("node.labels.{key}"), value.clone()));
    }
    Candidate {
        name: facts.name.clone(),
        id: facts.id.clone(),
        admitted,
        working: member.presence() != Presence::Silent
            && facts.ready
            && facts.availability == "active"
            && labelled,
        properties,
        nano_cpus: facts.nano_cpus,
        memory_bytes: facts.memory_bytes,
        ..Candidate::default()
    }
}

struct Lists {
    containers: Containers,
    images: Objects,
    volumes: Objects,
}

/// What a node has; nothing when it does not answer.
async fn lists(member: &Arc<Member>, images: bool, volumes: bool) -> Option<Lists> {
    let asked = ask::each([member.clone()], LIST_TIME, |member| async move {
        Ok(Lists {
            containers: member.containers().await?,
            images: match images {
                true => member.objects(ObjectKind::Image).await?,
                false => Objects::default(),
            },
            volumes: match volumes {
                true => member.objects(ObjectKind::Volume).await?,
                false => Objects::default(),
            },
        })
    })
    .await;
    asked.answers.into_iter().next().map(|(_, lists)| lists)
}

fn complete(candidate: &mut Candidate, lists: &Lists, image: &str, volumes: &[&str], by_affinity: bool) {
    candidate.count = lists.containers.len();
    candidate.ports = lists
        .containers
        .iter()
        .flat_map(|container| container.host_ports.iter().cloned())
        .collect();
    candidate.image = find::has_image(&lists.images, image);
    candidate.volumes = lists
        .volumes
        .iter()
        .filter(|volume| volumes.contains(&volume.name.as_str()))
        .count();
    if !by_affinity {
        return;
    }
    candidate.containers = lists.containers.iter().map(|item| marks(item)).collect();
    candidate.images = lists
        .images
        .iter()
        .flat_map(|image| image_names(&image.value))
        .collect();
}

/// What affinities can ask for about a container.
fn marks(container: &Container) -> ContainerMarks {
    let names = container
        .names
        .iter()
        .map(|name| name.trim_start_matches('/').to_owned());
    ContainerMarks {
        names: std::iter::once(container.id.clone()).chain(names).collect(),
        labels: container
            .labels
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}

/// The id of an image and its names, those without a tag as well.
fn image_names(image: &Value) -> Vec<String> {
    let id = image["Id"].as_str().map(str::to_owned);
    let tags = image["RepoTags"].as_array().into_iter().flatten();
    let tags = tags.filter_map(Value::as_str).flat_map(|tag| {
        let bare = tag.strip_suffix(":latest").map(str::to_owned);
        std::iter::once(tag.to_owned()).chain(bare)
    });
    id.into_iter().chain(tags).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_by_number() {
        let bindings = json!({
            "80/tcp": [{ "HostPort": "8080" }, { "HostIp": "::1", "HostPort": "8081" }],
            "53/udp": [{ "HostPort": "53" }], "1/tcp": [{ "HostPort": "" }], "2/tcp": [{ "HostPort": "1-9" }], "3": null,
        });
        let mut found = ports(&bindings);
        found.sort();
        let port = |number, protocol: &str| (number, protocol.to_owned());
        assert_eq!(found, [port(53, "udp"), port(8080, "tcp"), port(8081, "tcp")]);
        assert!(ports(&Value::Null).is_empty());
    }
}
