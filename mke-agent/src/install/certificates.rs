//! Which instance this node belongs to, and its public certificates, read from its volumes. Keys stay where they are.

use mke_core::product::labels;
use serde_json::{Value, json};

use super::daemon::Daemon;
use super::error::InstallError;
use super::inventory::Inventory;
use super::swarm::{Swarm, SwarmInfo};

/// The instance of this node: the swarm's id, when the product is installed on it.
///
/// # Errors
/// [`InstallError::NotInstalled`], and the engine's.
pub async fn id(daemon: &Daemon) -> Result<String, InstallError> {
    let info = SwarmInfo::read(daemon).await?;
    let manager = matches!(info.swarm, Swarm::Manager { .. });
    let inventory = Inventory::read(daemon, manager).await?;
    let instances = inventory.instances();
    if let Swarm::Manager { cluster_id, .. } = &info.swarm
        && instances.contains(cluster_id.as_str())
    {
        return Ok(cluster_id.clone());
    }
    // A worker does not know the swarm's id; its components do.
    match instances.into_iter().next() {
        Some(instance) if !manager => Ok(instance.to_owned()),
        _ => Err(InstallError::NotInstalled),
    }
}

/// The certificates of the web server, or with `cluster` those of the node among the cluster's own components.
///
/// # Errors
/// [`InstallError::NotInstalled`] when the volume is not there or empty, and the engine's.
pub async fn dump(
    daemon: &Daemon,
    image: &str,
    only_ca: bool,
    cluster: bool,
) -> Result<String, InstallError> {
    let volume = if cluster {
        "ucp-node-certs"
    } else {
        "ucp-controller-server-certs"
    };
    // Naming a volume that is not there would make it.
    if daemon.find(&format!("/volumes/{volume}")).await?.is_none() {
        return Err(InstallError::NotInstalled);
    }
    let body = json!({
        "Image": image,
        "Labels": { labels::INSTANCE_ID: "dump-certs" },
        "HostConfig": { "Binds": [format!("{volume}:/certificates:ro")], "NetworkMode": "none" },
    });
    let doing = format!("cannot read volume `{volume}`");
    // It is never started: its files can be read all the same.
    let made = daemon.post(&doing, "/containers/create", &body).await?;
    let id = made
        .get("Id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let text = read(daemon, &id, only_ca).await;
    daemon
        .delete(&doing, &format!("/containers/{id}?force=1"))
        .await?;
    text
}

async fn read(daemon: &Daemon, container: &str, only_ca: bool) -> Result<String, InstallError> {
    let names: &[&str] = if only_ca {
        &["ca.pem"]
    } else {
        &["ca.pem", "cert.pem"]
    };
    let mut text = String::new();
    for name in names {
        let file = daemon
            .read_file(container, &format!("/certificates/{name}"))
            .await?;
        let file = file.ok_or(InstallError::NotInstalled)?;
        let pem = String::from_utf8_lossy(&file);
        text.push_str(&pem);
        if !pem.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}
