//! Kubernetes' components on a node: control plane on managers, kubelet and kube-proxy everywhere (ARCH-014, ARCH-015,
//! INST-016). Their flags and files are rendered in the core; here they become containers.

use mke_core::product::Os;
use mke_core::render::{Component, Rendered, render};

use super::of::Work;
use super::places::{KUBERNETES, NODE_CERTS};
use super::{Desired, FileContent, FileSpec, Source};
use crate::node::container::{ContainerSpec, MountSource, MountSpec, NetworkMode};

/// The volume that holds Kubernetes' files of a node, beside the node's certificate.
const VOLUME: &str = "ucp-node-certs";
/// Only the owner reads what may hold a secret.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

pub(super) fn describe(
    work: &Work<'_>,
    name: &str,
    spec: &mut ContainerSpec,
    desired: &mut Desired,
) -> Result<(), String> {
    let component = Component::from_name(name).ok_or("nothing is known of it")?;
    let rendered =
        render(component, &work.cluster.config, &work.render).map_err(|problems| problems.to_string())?;
    if let Some(why) = rendered.absent {
        return Err(why);
    }
    spec.entrypoint = vec![component.name().to_owned()];
    spec.command = rendered.flags.iter().map(ToString::to_string).collect();
    for variable in &rendered.environment {
        spec.environment
            .insert(variable.name.clone(), variable.value.clone());
    }
    for mount in &rendered.mounts {
        mount_path(spec, &mount.source, &mount.target, mount.read_only);
    }
    files(&rendered, spec, desired);
    match component {
        Component::KubeApiserver => {
            for (path, source) in [
                ("encryption.yaml", Source::KubernetesEncryption),
                ("service-account.key", Source::ServiceAccountKey),
            ] {
                held(path, source, desired);
            }
            mount_path(spec, "/var/log/kubernetes", "/var/log/kubernetes", false);
        }
        Component::KubeControllerManager => held("service-account.key", Source::ServiceAccountKey, desired),
        Component::Kubelet => kubelet(work, spec),
        Component::KubeProxy => {
            on_the_node(spec);
            if work.facts.os == Os::Linux {
                mount_path(spec, "/lib/modules", "/lib/modules", true);
                mount_path(spec, "/run/xtables.lock", "/run/xtables.lock", false);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The kubelet is the node's: its container carries it there, and sees the directories that it keeps.
fn kubelet(work: &Work<'_>, spec: &mut ContainerSpec) {
    on_the_node(spec);
    spec.host_processes = work.facts.os == Os::Linux;
    let kubelet = &work.cluster.config.cluster.kubelet;
    let roots: &[&str] = match work.facts.os {
        Os::Linux => &[
            &kubelet.kubelet_data_root,
            &kubelet.containerd_root,
            "/run/containerd",
            "/etc/cni",
            "/opt/cni",
            "/var/log/pods",
            "/var/log/containers",
        ],
        Os::Windows => &[
            &kubelet.windows_kubelet_data_root,
            &kubelet.windows_containerd_root,
        ],
    };
    for root in roots {
        mount_path(spec, root, root, false);
    }
}

/// It works on the node itself: its network, and whatever root may do.
fn on_the_node(spec: &mut ContainerSpec) {
    spec.network = NetworkMode::Host;
    spec.ports.clear();
    spec.privileged = true;
    spec.read_only = false;
}

fn mount_path(spec: &mut ContainerSpec, source: &str, target: &str, read_only: bool) {
    if spec.mounts.iter().all(|mount| mount.target != target) {
        spec.mounts.push(MountSpec {
            source: MountSource::Path(source.to_owned()),
            target: target.to_owned(),
            read_only,
        });
    }
}

/// Rendered files lie beside the node's certificate. The component reads them when it starts, so that another text makes it
/// start anew.
fn files(rendered: &Rendered, spec: &mut ContainerSpec, desired: &mut Desired) {
    let prefix = format!("{NODE_CERTS}/");
    for file in &rendered.files {
        let path = file
            .path
            .strip_prefix(&prefix)
            .unwrap_or(&file.path)
            .trim_start_matches('/');
        let file = FileSpec {
            volume: VOLUME.to_owned(),
            path: path.to_owned(),
            mode: PUBLIC,
            content: FileContent::Text(file.text.clone()),
        };
        if let Some(digest) = file.digest() {
            spec.reads.insert(file.place(), digest);
        }
        add(file, desired);
    }
}

fn held(name: &str, source: Source, desired: &mut Desired) {
    let file = FileSpec {
        volume: VOLUME.to_owned(),
        path: format!("{KUBERNETES}/{name}"),
        mode: PRIVATE,
        content: FileContent::Held(source),
    };
    add(file, desired);
}

/// Several components may read one file.
fn add(file: FileSpec, desired: &mut Desired) {
    let same = |other: &FileSpec| other.volume == file.volume && other.path == file.path;
    if !desired.files.iter().any(same) {
        desired.files.push(file);
    }
}
