//! Volumes that a workload brings into being get the labels of its collection (R30).
//!
//! Without labels a volume would count as lying in `/`, and its maker could never use it again.

use mke_core::ids::CollectionId;
use serde_json::{Map, Value, json};

use super::body::{Source, bind_source};
use super::draft::text;
use super::forward::{Forwarding, with_object};
use super::labels::{OWNER, put};
use crate::demand::{Facts, Home, ObjectKind, ObjectRef};
use crate::judge::Placed;

/// A container: binds of volumes that do not exist yet become mounts, because binds cannot carry labels.
pub(super) fn of_container(body: &mut Value, facts: &Facts, placed: &Placed, with: &Forwarding<'_>) {
    let owner = body["Labels"].get(OWNER).cloned();
    let Some(Value::Object(host)) = body.get_mut("HostConfig") else {
        return;
    };
    let driver = host.get("VolumeDriver").map(text).unwrap_or_default().to_owned();
    let mut mounts = Vec::new();
    if let Some(Value::Array(binds)) = host.get_mut("Binds") {
        binds.retain(|bind| match mount_of(text(bind), &driver, facts) {
            Some(mount) => {
                mounts.push(mount);
                false
            }
            None => true,
        });
    }
    if !mounts.is_empty() {
        match host.entry("Mounts").or_insert(Value::Null) {
            Value::Array(list) => list.extend(mounts),
            slot => *slot = Value::Array(mounts),
        }
    }
    if let Some(mounts) = host.get_mut("Mounts") {
        label(mounts, facts, placed, with, owner);
    }
}

/// A service: its tasks make the volume on every node where they run. The owner is that of the service: were it who
/// changed it last, every change by somebody else would restart its tasks.
pub(super) fn of_service(spec: &mut Value, facts: &Facts, placed: &Placed, with: &Forwarding<'_>) {
    let owner = spec["Labels"].get(OWNER).cloned();
    if let Some(mounts) = spec.pointer_mut("/TaskTemplate/ContainerSpec/Mounts") {
        label(mounts, facts, placed, with, owner);
    }
}

fn label(mounts: &mut Value, facts: &Facts, placed: &Placed, with: &Forwarding<'_>, owner: Option<Value>) {
    let owner_label: Map<_, _> = owner.map(|owner| (OWNER.to_owned(), owner)).into_iter().collect();
    for mount in mounts.as_array_mut().into_iter().flatten() {
        if text(&mount["Type"]) != "volume" {
            continue;
        }
        let home = home(text(&mount["Source"]), facts)
            .unwrap_or(&placed.collection)
            .clone();
        with_object(mount, "VolumeOptions", |_| {});
        with_object(&mut mount["VolumeOptions"], "Labels", |labels| {
            put(labels, with.policy, &home, with.owner, Some(&owner_label));
        });
    }
}

/// Where a volume lies that exists already; on other nodes it is made in the same collection.
fn home<'f>(name: &str, facts: &'f Facts) -> Option<&'f CollectionId> {
    match &volume(name, facts)?.home {
        Home::Collection(home) => Some(home),
        Home::Conflicting => None,
    }
}

fn volume<'f>(name: &str, facts: &'f Facts) -> Option<&'f crate::demand::ObjectFacts> {
    facts.objects.get(&ObjectRef::new(ObjectKind::Volume, name))
}

/// The mount that does what the bind of a new volume does; nothing for other binds.
fn mount_of(bind: &str, driver: &str, facts: &Facts) -> Option<Value> {
    let Source::Volume(name) = bind_source(bind) else {
        return None;
    };
    if volume(name, facts).is_some_and(|found| !found.elsewhere) {
        return None;
    }
    let (_, rest) = bind.split_once(':')?;
    let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
    let mut read_only = false;
    let mut volume_options = Map::new();
    for option in options.split(',') {
        match option {
            "" | "rw" | "z" | "Z" => {}
            "ro" => read_only = true,
            "nocopy" => {
                volume_options.insert("NoCopy".to_owned(), Value::Bool(true));
            }
            // The Engine says what is wrong with it.
            _ => return None,
        }
    }
    if !driver.is_empty() {
        volume_options.insert("DriverConfig".to_owned(), json!({ "Name": driver }));
    }
    Some(json!({
        "Type": "volume",
        "Source": name,
        "Target": target,
        "ReadOnly": read_only,
        "VolumeOptions": volume_options,
    }))
}
