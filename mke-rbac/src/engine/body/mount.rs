//! Where the files of a workload come from: the node, volumes, other containers (proxy-13, proxy-14, proxy-16).

use serde_json::Value;

use crate::demand::{ObjectKind, ObjectRef, Target, Want};
use crate::engine::call::Place;
use crate::engine::draft::{Draft, items, text};
use crate::operation::{Modifier, Operation};

/// `HostConfig.Binds`: `source:target[:options]`. What is not plainly the name of a volume is taken for a path of the
/// node, whatever its spelling.
pub(super) fn binds(draft: &mut Draft, host: &Value) {
    for bind in items(&host["Binds"]) {
        match bind_source(text(bind)) {
            Source::Anonymous => {}
            Source::Volume(name) => volume(draft, name, false),
            Source::Host => draft.modifier(Modifier::HostBindMounts),
        }
    }
}

/// What a bind mounts.
pub(in crate::engine) enum Source<'b> {
    /// A new volume without a name.
    Anonymous,
    /// A volume.
    Volume(&'b str),
    /// A directory, file or pipe of the node.
    Host,
}

/// Reads the source of a bind.
pub(in crate::engine) fn bind_source(bind: &str) -> Source<'_> {
    match bind.split_once(':') {
        None if bind.starts_with('/') && bind.len() > 1 => Source::Anonymous,
        Some((source, _)) if is_volume_name(source) => Source::Volume(source),
        _ => Source::Host,
    }
}

/// The names that the Engine accepts for volumes; at least two characters, so that no drive letter is one.
pub(super) fn is_volume_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() >= 2
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// The mounts of a container or of a service.
pub(super) fn mounts(draft: &mut Draft, mounts: &Value) {
    for mount in items(mounts) {
        let source = text(&mount["Source"]);
        match text(&mount["Type"]) {
            "volume" => {
                let driver = &mount["VolumeOptions"]["DriverConfig"];
                let local = local_options(&driver["Name"], &driver["Options"]);
                if source.is_empty() && local {
                    draft.want(Want::with(
                        Operation::VolumeCreateAttach,
                        [Modifier::LocalDriverOptions],
                        Target::Workload,
                    ));
                } else if source.is_empty() {
                    // A volume without a name is part of the workload.
                } else if is_volume_name(source) {
                    volume(draft, source, local);
                } else {
                    draft.modifier(Modifier::HostBindMounts);
                }
            }
            "tmpfs" => {}
            "bind" | "npipe" => draft.modifier(Modifier::HostBindMounts),
            _ => {
                draft.modifier(Modifier::HostBindMounts);
                draft.privileged();
            }
        }
    }
}

/// Options of the local driver can map any directory of the node (R26).
pub(super) fn local_options(driver: &Value, options: &Value) -> bool {
    matches!(text(driver), "" | "local") && options.as_object().is_some_and(|options| !options.is_empty())
}

fn volume(draft: &mut Draft, name: &str, local_options: bool) {
    let modifiers = local_options.then_some(Modifier::LocalDriverOptions);
    draft.want(Want::with(
        Operation::VolumeCreateAttach,
        modifiers,
        Target::VolumeOrWorkload(ObjectRef::new(ObjectKind::Volume, name)),
    ));
}

/// `HostConfig.VolumesFrom`: `container[:ro|rw]`.
pub(super) fn volumes_from(draft: &mut Draft, host: &Value) {
    for (position, from) in items(&host["VolumesFrom"]).enumerate() {
        let (name, mode) = match text(from).split_once(':') {
            Some((name, mode)) => (name, format!(":{mode}")),
            None => (text(from), String::new()),
        };
        let container = ObjectRef::new(ObjectKind::Container, name);
        draft.want(Want::plain(
            Operation::VolumeCreateAttach,
            Target::VolumesOf(container.clone()),
        ));
        draft.substitute(
            container,
            Place::Text {
                pointer: format!("/HostConfig/VolumesFrom/{position}"),
                prefix: "",
                suffix: mode,
            },
        );
    }
}
