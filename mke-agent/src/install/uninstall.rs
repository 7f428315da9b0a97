//! Taking an installation off a cluster: services first, then every node by a global service, then what lies in the swarm.
//! Swarm, engines and applications stay.

use std::collections::BTreeMap;
use std::time::Duration;

use mke_core::product::labels;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::daemon::{Daemon, filters};
use super::error::InstallError;
use super::images;
use super::inventory::{Inventory, Kind, Node, RUN};
use super::lock::{Lock, Mark};
use super::progress::{Level, Progress};
use super::removal::{self, Keep, Removal};
use super::remover::{self, Left};
use super::swarm::{Swarm, SwarmInfo};

/// The service that removes on each node. Installers look for it.
pub const SERVICE: &str = "ucp-uninstall-agent";
/// How long all nodes together may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often a node is looked at until nothing is left.
const PASSES: usize = 10;
/// How often one looks.
const LOOK: Duration = Duration::from_millis(300);

/// How nodes are cleaned where this fails (UNI-006). The names of everything that is made fit these filters.
pub const BY_HAND: &str = "on a manager `docker service rm $(docker service ls -f name=ucp- -q)`, then on every node \
                           `docker container rm -f $(docker container ps -a -f name=ucp- -f name=k8s_ -q)` and \
                           `docker volume rm $(docker volume ls -f name=ucp -f name=mke-container-logs -q)`";

/// What to take off, and what to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UninstallOptions {
    /// The instance; `None` takes the one that is there.
    pub id: Option<String>,
    /// What stays.
    pub keep: Keep,
    /// Whether network plug-ins belong to the operator, so that `/etc/cni` is left alone.
    pub unmanaged_cni: bool,
    /// Image for nodes when no service says which one they have.
    pub image: String,
    /// For pulling it.
    pub credentials: Option<String>,
    /// Who runs this, for others who want to.
    pub owner: String,
    /// Names this run.
    pub run: String,
}

/// What is here to be taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The instance.
    pub instance: String,
    /// Its version, where something says it.
    pub version: Option<String>,
    /// How many nodes the swarm has.
    pub nodes: usize,
    /// Whether parts of Kubernetes run on this node.
    pub kubernetes: bool,
    /// What the engine says, for what has to be known besides.
    pub info: SwarmInfo,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uninstalled {
    /// Names of nodes that did not answer, each with the reason. They have to be cleaned by hand.
    pub unanswered: BTreeMap<String, String>,
    /// What could not be removed.
    pub left: Left,
}

/// Looks what is here.
///
/// # Errors
/// No manager, nothing installed, another instance than the one that was named.
pub async fn find(daemon: &Daemon, id: Option<&str>, keep: Keep) -> Result<Found, InstallError> {
    let info = SwarmInfo::read(daemon).await?;
    let Swarm::Manager { cluster_id, .. } = info.swarm.clone() else {
        return Err(InstallError::Swarm(
            "this engine is no manager of a swarm; run this on a manager of the cluster".to_owned(),
        ));
    };
    let inventory = Inventory::read(daemon, true).await?;
    // What a killed installation left counts too: it has labels of the instance.
    if removal::of_instance(&inventory, &cluster_id, keep).is_empty() {
        return Err(InstallError::NotInstalled);
    }
    if let Some(asked) = id
        && asked != cluster_id
    {
        return Err(InstallError::OtherInstance {
            found: cluster_id,
            asked: asked.to_owned(),
        });
    }
    Ok(Found {
        version: inventory.installed_version(&cluster_id).map(str::to_owned),
        instance: cluster_id,
        nodes: inventory.nodes.len(),
        kubernetes: inventory
            .of_kind(Kind::Container)
            .any(|object| object.name.starts_with("k8s_") || object.name.starts_with("ucp-kube")),
        info,
    })
}

/// Takes it off.
///
/// # Errors
/// What [`find`] says, another run, and [`InstallError::TookTooLong`] when nodes did not end; what can be removed is removed
/// all the same.
pub async fn uninstall(
    daemon: &Daemon,
    options: &UninstallOptions,
    progress: &dyn Progress,
) -> Result<Uninstalled, InstallError> {
    let found = find(daemon, options.id.as_deref(), options.keep).await?;
    let lock = Lock::take(
        daemon,
        Mark {
            operation: "uninstall".to_owned(),
            run: options.run.clone(),
            owner: options.owner.clone(),
            instance: found.instance.clone(),
            swarm_made: false,
        },
    )
    .await?;
    if let Some(other) = &lock.abandoned {
        progress.warn(&format!(
            "{} by {} was broken off and is cleaned up",
            other.operation, other.owner
        ));
    }
    let outcome = sweep(daemon, &found.instance, options, progress).await;
    lock.release().await?;
    let uninstalled = outcome?;
    for (name, reason) in &uninstalled.left {
        progress.say(Level::Error, &format!("{name} could not be removed: {reason}"));
    }
    if !uninstalled.unanswered.is_empty() {
        let each = uninstalled
            .unanswered
            .iter()
            .map(|(node, reason)| format!("{node} ({reason})"));
        return Err(InstallError::TookTooLong {
            what: "Uninstalling UCP took too long: not every node answered; uninstalling them".to_owned(),
            seconds: PATIENCE.as_secs(),
            detail: format!(
                ": {}; clean them by hand: {BY_HAND}",
                each.collect::<Vec<_>>().join(", ")
            ),
        });
    }
    Ok(uninstalled)
}

/// Removes everything of an instance everywhere. The caller holds the lock.
pub(super) async fn sweep(
    daemon: &Daemon,
    instance: &str,
    options: &UninstallOptions,
    progress: &dyn Progress,
) -> Result<Uninstalled, InstallError> {
    let inventory = Inventory::read(daemon, true).await?;
    let plan = removal::of_instance(&inventory, instance, options.keep);
    let (services, others): (Vec<Removal>, Vec<Removal>) = plan
        .into_iter()
        .partition(|removal| matches!(removal, Removal::Object(object) if object.kind == Kind::Service));
    let mut done = Uninstalled::default();
    progress.info("Removing MKE services");
    let image = agents_image(daemon, &services)
        .await
        .unwrap_or_else(|| options.image.clone());
    done.left
        .extend(remover::remove(daemon, &services, progress).await);
    let swept: Vec<&Node> = inventory.nodes.iter().filter(|node| node.os == "linux").collect();
    let lies_on_nodes = !services.is_empty() || others.iter().any(Removal::is_local);
    // Where only configuration is left of an earlier installation, its image may be gone for good.
    if lies_on_nodes || images::has(daemon, &image).await?.is_some() {
        progress.info(&format!("Removing MKE from {} nodes", swept.len()));
        done.unanswered = on_all_nodes(daemon, instance, &image, &swept, options, progress).await?;
        for node in inventory.nodes.iter().filter(|node| node.os != "linux") {
            let reason = format!("nodes that run {} are not cleaned", node.os);
            done.unanswered.insert(node.name.clone(), reason);
        }
    }
    progress.info("Removing MKE objects of the swarm");
    let in_swarm: Vec<Removal> = others.into_iter().filter(|removal| !removal.is_local()).collect();
    done.left
        .extend(remover::remove(daemon, &in_swarm, progress).await);
    Ok(done)
}

/// The image that nodes surely have: the one of the agents that run there.
async fn agents_image(daemon: &Daemon, services: &[Removal]) -> Option<String> {
    let agent = services.iter().find_map(|removal| match removal {
        Removal::Object(object) if object.name == "ucp-manager-agent" => Some(object),
        _ => None,
    })?;
    let service = daemon.find(&format!("/services/{}", agent.id)).await.ok()??;
    let image = service
        .pointer("/Spec/TaskTemplate/ContainerSpec/Image")?
        .as_str()?;
    Some(image.to_owned())
}

/// Runs the remover on every node and gives the nodes on which it did not end well.
async fn on_all_nodes(
    daemon: &Daemon,
    instance: &str,
    image: &str,
    nodes: &[&Node],
    options: &UninstallOptions,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, String>, InstallError> {
    remover::service(daemon, SERVICE).await?;
    daemon
        .post_with(
            "cannot create the service that removes MKE from nodes",
            "/services/create",
            &service(instance, image, options),
            options.credentials.as_deref(),
        )
        .await?;
    let mut waiting: BTreeMap<&str, &Node> = nodes.iter().map(|node| (node.id.as_str(), *node)).collect();
    let mut failed = BTreeMap::new();
    for node in nodes.iter().filter(|node| !node.ready) {
        waiting.remove(node.id.as_str());
        failed.insert(node.name.clone(), "the swarm does not see it".to_owned());
    }
    let end = Instant::now() + PATIENCE;
    while !waiting.is_empty() && Instant::now() < end {
        let query = filters(&json!({ "service": [SERVICE] }));
        for task in daemon.list(&format!("/tasks?filters={query}")).await? {
            let text = |pointer: &str| task.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let state = text("/Status/State");
            let ended_well = state == "complete";
            if !ended_well && !matches!(state, "failed" | "rejected" | "orphaned") {
                continue;
            }
            let Some(node) = waiting.remove(text("/NodeID")) else {
                continue;
            };
            if ended_well {
                progress.debug(&format!("node {} is clean", node.name));
            } else {
                let reason = [text("/Status/Err"), text("/Status/Message")];
                let reason = reason
                    .into_iter()
                    .find(|reason| !reason.is_empty())
                    .unwrap_or(state);
                failed.insert(node.name.clone(), reason.to_owned());
            }
        }
        if !waiting.is_empty() {
            sleep(LOOK).await;
        }
    }
    for node in waiting.values() {
        failed.insert(node.name.clone(), "it did not answer in time".to_owned());
    }
    remover::service(daemon, SERVICE).await?;
    Ok(failed)
}

fn service(instance: &str, image: &str, options: &UninstallOptions) -> Value {
    let mut mounts = vec![json!({
        "Type": "bind", "Source": "/var/run/docker.sock", "Target": "/var/run/docker.sock",
    })];
    if !options.unmanaged_cni {
        // Not /etc/cni itself: a node that never had it could not start the task.
        mounts.push(json!({ "Type": "bind", "Source": "/etc", "Target": "/host/etc" }));
    }
    json!({
        "Name": SERVICE,
        "Labels": { labels::INSTANCE_ID: instance, RUN: options.run },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": image,
                "Command": ["/bin/ucp-agent"],
                "Args": ["uninstall", "--instance", instance],
                "Mounts": mounts,
            },
            "Placement": { "Constraints": ["node.platform.os==linux"] },
            "RestartPolicy": { "Condition": "on-failure", "MaxAttempts": 2 },
        },
        "Mode": { "Global": {} },
    })
}

/// What one node removes: containers, volumes and the network of an instance, and the files of its network plug-in. Its own
/// container is left to the swarm.
///
/// # Errors
/// What is left, after everything else is gone.
pub async fn on_this_node(
    daemon: &Daemon,
    instance: &str,
    cni: Option<&std::path::Path>,
    progress: &dyn Progress,
) -> Result<(), InstallError> {
    let keep = Keep {
        configuration: true,
        secrets: true,
    };
    let mut left = Left::new();
    // An agent that was just ended may have begun something, which appears after the first look.
    for _ in 0..PASSES {
        let inventory = Inventory::read(daemon, false).await?;
        let plan: Vec<Removal> = removal::of_instance(&inventory, instance, keep)
            .into_iter()
            .filter(|removal| !matches!(removal, Removal::Object(object) if object.name.starts_with(SERVICE)))
            .collect();
        if plan.is_empty() {
            left.clear();
            break;
        }
        left = remover::remove(daemon, &plan, progress).await;
        sleep(LOOK).await;
    }
    if let Some(directory) = cni {
        left.extend(remove_cni(directory));
    }
    if left.is_empty() {
        return Ok(());
    }
    let each = left.iter().map(|(name, reason)| format!("{name}: {reason}"));
    Err(InstallError::System(format!(
        "not everything could be removed: {}",
        each.collect::<Vec<_>>().join("; ")
    )))
}

/// The files that Calico writes; others in the same directory belong to somebody else (UNI-005).
fn remove_cni(directory: &std::path::Path) -> Left {
    let mut left = Left::new();
    for name in ["10-calico.conflist", "calico-kubeconfig", "calico-tls"] {
        let path = directory.join("net.d").join(name);
        let removed = match std::fs::symlink_metadata(&path) {
            Err(error) => Err(error),
            Ok(found) if found.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
        };
        match removed {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => left.push((path.display().to_string(), error.to_string())),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UNI-005: only files of Calico go; without the directory nothing is wrong.
    #[test]
    fn files_of_the_network_plug_in() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("net.d");
        std::fs::create_dir_all(place.join("calico-tls")).unwrap();
        for name in ["10-calico.conflist", "calico-kubeconfig", "20-mine.conflist"] {
            std::fs::write(place.join(name), "x").unwrap();
        }
        assert_eq!(remove_cni(directory.path()), []);
        let names: Vec<_> = std::fs::read_dir(&place)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, ["20-mine.conflist"]);
        assert_eq!(remove_cni(&directory.path().join("absent")), []);
    }

    /// UNI-006: what nodes are cleaned with by hand finds every service, container and volume that is ever made here.
    #[test]
    fn documented_filters_find_everything() {
        use mke_core::product::{components, volumes};
        for component in components().iter().filter(|component| component.made) {
            assert!(component.name.starts_with("ucp-"), "{}", component.name);
        }
        for volume in volumes() {
            // The one that has another name in the documents too.
            let found = volume.name.contains("ucp") || volume.name == "mke-container-logs";
            assert!(found, "{}", volume.name);
        }
        for filter in [
            "service ls -f name=ucp-",
            "-f name=ucp- -f name=k8s_",
            "volume ls -f name=ucp -f name=mke-container-logs ",
        ] {
            assert!(BY_HAND.contains(filter), "{filter}");
        }
    }

    /// UNI-005: with the operator's own plug-in, tasks do not even see the directory.
    #[test]
    fn what_tasks_see() {
        let mut options = UninstallOptions {
            id: None,
            keep: Keep {
                configuration: true,
                secrets: false,
            },
            unmanaged_cni: false,
            image: "mirantis/ucp-agent:3.4.15".to_owned(),
            credentials: None,
            owner: "one".to_owned(),
            run: "r".to_owned(),
        };
        let sees = |options: &UninstallOptions| service("c", "i", options).to_string().contains("/host/etc");
        assert!(sees(&options));
        options.unmanaged_cni = true;
        assert!(!sees(&options));
    }
}
