//! Carries out removals: goes on when one fails, and says at the end what is left.

use std::collections::BTreeSet;
use std::time::Duration;

use mke_core::causes::chain;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::daemon::{Daemon, filters};
use super::error::InstallError;
use super::inventory::Kind;
use super::progress::Progress;
use super::removal::Removal;

/// How long containers of a removed service may take to end by themselves.
const ENDING: Duration = Duration::from_secs(15);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(200);

/// What could not be removed, each with the reason.
pub type Left = Vec<(String, String)>;

/// Removes everything of a plan, in its order.
pub async fn remove(daemon: &Daemon, removals: &[Removal], progress: &dyn Progress) -> Left {
    let mut left = Left::new();
    for removal in removals {
        progress.debug(&format!("removing {}", removal.name()));
        if let Err(error) = one(daemon, removal).await {
            left.push((removal.name(), chain(&error)));
        }
    }
    left
}

async fn one(daemon: &Daemon, removal: &Removal) -> Result<(), InstallError> {
    let doing = format!("cannot remove {}", removal.name());
    match removal {
        Removal::Object(object) => {
            let (_, place) = object.kind.words();
            let path = match object.kind {
                // Volumes without a name belong to the container; ours have names and are removed on their own.
                Kind::Container => format!("/{place}/{}?force=1&v=1", object.id),
                Kind::Network => {
                    disconnect(daemon, &object.id).await?;
                    format!("/{place}/{}", object.id)
                }
                _ => format!("/{place}/{}", object.id),
            };
            daemon.delete(&doing, &path).await.map(drop)
        }
        Removal::NodeLabels { node, labels, .. } => change_labels(daemon, node, |found| {
            found.retain(|label, _| !labels.contains(label));
        })
        .await
        .map(drop),
    }
}

/// Removes a service of the bootstrapper's own and waits until its containers on this engine are gone: the swarm ends them some
/// time after it has forgotten the service, and until then they hold ports and volumes.
///
/// # Errors
/// The engine's.
pub async fn service(daemon: &Daemon, name: &str) -> Result<(), InstallError> {
    let doing = format!("cannot remove service `{name}`");
    daemon.delete(&doing, &format!("/services/{name}")).await?;
    let query = filters(&json!({ "label": [format!("com.docker.swarm.service.name={name}")] }));
    let path = format!("/containers/json?all=1&filters={query}");
    let end = Instant::now() + ENDING;
    loop {
        let left = daemon.list(&path).await?;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            for container in left.iter().filter_map(|container| container.get("Id")?.as_str()) {
                daemon
                    .delete(&doing, &format!("/containers/{container}?force=1&v=1"))
                    .await?;
            }
            return Ok(());
        }
        sleep(LOOK).await;
    }
}

/// Containers of applications that somebody connected to the network keep running without it.
async fn disconnect(daemon: &Daemon, network: &str) -> Result<(), InstallError> {
    let Some(found) = daemon.find(&format!("/networks/{network}")).await? else {
        return Ok(());
    };
    let containers: BTreeSet<String> = found
        .get("Containers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(id, _)| id.clone())
        .collect();
    for container in containers {
        let body = json!({ "Container": container, "Force": true });
        let doing = format!("cannot disconnect container {container} from network {network}");
        daemon
            .post(&doing, &format!("/networks/{network}/disconnect"), &body)
            .await?;
    }
    Ok(())
}

/// Changes labels of a node as often as somebody else changes the node meanwhile. Whether something changed.
///
/// # Errors
/// The engine's.
pub async fn change_labels(
    daemon: &Daemon,
    node: &str,
    change: impl Fn(&mut serde_json::Map<String, Value>),
) -> Result<bool, InstallError> {
    /// More than that is no coincidence.
    const TRIES: usize = 10;
    let mut last = None;
    for _ in 0..TRIES {
        let found = daemon.get(&format!("/nodes/{node}")).await?;
        let version = found
            .pointer("/Version/Index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let mut spec = found.get("Spec").cloned().unwrap_or(Value::Null);
        let Some(fields) = spec.as_object_mut() else {
            return Err(InstallError::Swarm(format!(
                "the engine describes node {node} without a specification"
            )));
        };
        let before = fields
            .get("Labels")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let mut labels = before.clone();
        change(&mut labels);
        if labels == before {
            return Ok(false);
        }
        fields.insert("Labels".to_owned(), Value::Object(labels));
        let doing = format!("cannot change the labels of node {node}");
        match daemon
            .post(&doing, &format!("/nodes/{node}/update?version={version}"), &spec)
            .await
        {
            Ok(_) => return Ok(true),
            Err(error) if super::is_out_of_sequence(&error) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or(InstallError::Swarm(format!("node {node} changes all the time"))))
}
