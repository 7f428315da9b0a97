//! Which volumes a policy allows.

use super::spec::{AllowedHostPath, PolicySpec};
use crate::admission::outcome::Fault;
use crate::admission::pod::Pod;
use crate::admission::read::{At, Unreadable};

/// What is wrong with the volumes of a pod.
pub(super) fn faults(spec: &PolicySpec, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let mut faults = Vec::new();
    let mut fault = |path: String, message: String| faults.push(Fault { path, message });
    for volume in pod.spec.list("volumes")? {
        let sources = sources(&volume)?;
        let allowed = |kind: &str| {
            spec.volumes
                .iter()
                .any(|allowed| allowed == "*" || allowed == kind)
        };
        if sources.is_empty() && !allowed("emptyDir") {
            fault(
                volume.path.clone(),
                "emptyDir volumes are not allowed to be used".to_owned(),
            );
        }
        for source in &sources {
            let kind = source.path.rsplit('.').next().unwrap_or_default();
            if !allowed(kind) {
                fault(
                    source.path.clone(),
                    format!("{kind} volumes are not allowed to be used"),
                );
                continue;
            }
            match kind {
                "hostPath" => {
                    let path = source.text_of("path")?.unwrap_or_default();
                    let name = volume.text_of("name")?.unwrap_or_default();
                    match judge_host_path(&spec.allowed_host_paths, path) {
                        HostPath::Refused => fault(
                            format!("{}.path", source.path),
                            format!("host path `{path}` is not allowed to be used"),
                        ),
                        HostPath::ReadOnly => {
                            for mount in writable_mounts(pod, name)? {
                                fault(mount, "must be read-only".to_owned());
                            }
                        }
                        HostPath::Allowed => {}
                    }
                }
                "flexVolume" if !spec.allowed_flex_volumes.is_empty() => {
                    let driver = source.text_of("driver")?.unwrap_or_default();
                    if !spec
                        .allowed_flex_volumes
                        .iter()
                        .any(|allowed| allowed.driver == driver)
                    {
                        fault(
                            format!("{}.driver", source.path),
                            format!("the flex volume driver `{driver}` is not allowed to be used"),
                        );
                    }
                }
                "csi" if !spec.allowed_csi_drivers.is_empty() => {
                    let driver = source.text_of("driver")?.unwrap_or_default();
                    if !spec
                        .allowed_csi_drivers
                        .iter()
                        .any(|allowed| allowed.name == driver)
                    {
                        fault(
                            format!("{}.driver", source.path),
                            format!("the CSI driver `{driver}` is not allowed to be used"),
                        );
                    }
                }
                _ => {}
            }
        }
    }
    Ok(faults)
}

/// The sources of a volume. The API wants one at most, none being an empty directory; whatever is there is judged.
fn sources<'v>(volume: &At<'v>) -> Result<Vec<At<'v>>, Unreadable> {
    let mut sources = Vec::new();
    for key in volume.object()?.keys().filter(|key| *key != "name") {
        if let Some(source) = volume.field(key)? {
            source.object()?;
            sources.push(source);
        }
    }
    Ok(sources)
}

enum HostPath {
    Allowed,
    ReadOnly,
    Refused,
}

fn judge_host_path(allowed: &[AllowedHostPath], path: &str) -> HostPath {
    if allowed.is_empty() {
        return HostPath::Allowed;
    }
    // A path that climbs could end anywhere.
    if path.split('/').any(|part| part == "..") {
        return HostPath::Refused;
    }
    let mut matching = allowed
        .iter()
        .filter(|allowed| is_below(&allowed.path_prefix, path))
        .peekable();
    if matching.peek().is_none() {
        return HostPath::Refused;
    }
    if matching.all(|allowed| allowed.read_only) {
        HostPath::ReadOnly
    } else {
        HostPath::Allowed
    }
}

/// Whether a path is a prefix or lies below it, by whole elements.
fn is_below(prefix: &str, path: &str) -> bool {
    let parts = |text: &'_ str| -> Vec<String> {
        text.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned)
            .collect()
    };
    parts(path).starts_with(&parts(prefix))
}

/// Where containers mount a volume without the promise not to write.
fn writable_mounts(pod: &Pod<'_>, volume: &str) -> Result<Vec<String>, Unreadable> {
    let mut places = Vec::new();
    for container in pod.containers()? {
        for mount in container.list("volumeMounts")? {
            let of_volume = mount.text_of("name")? == Some(volume);
            if of_volume && !mount.flag_of("readOnly")?.unwrap_or(false) {
                places.push(format!("{}.readOnly", mount.path));
            }
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_slashes() {
        for (prefix, path, below) in [
            ("/foo", "/foo", true),
            ("/foo", "/foo/bar", true),
            ("/foo/", "//foo/./bar", true),
            ("/foo", "/food", false),
            ("/foo", "/", false),
            ("/", "/etc", true),
        ] {
            assert_eq!(is_below(prefix, path), below, "{path} below {prefix}");
        }
    }
}
