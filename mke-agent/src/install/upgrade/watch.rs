//! What each node runs, told by a program on it: the versions of its components. The upgrade deploys it with the new image
//! first, so that a node that cannot get the image is known before anything changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mke_core::product::{ProductVersion, labels};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::daemon::{Daemon, filters};
use super::super::error::InstallError;
use super::super::inventory::{Inventory, Kind, Node, RUN};
use super::super::probe::NODE_VARIABLE;
use super::super::remover;

/// The service.
const NAME: &str = "ucp-upgrade-watch";
/// How long nodes may take to speak.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(500);
/// Components that tell which version a node has: that of every node, and those of managers.
const TELLING: [&str; 3] = ["ucp-proxy", "ucp-controller", "ucp-kv"];
/// What the swarm says of a task whose node has got a label that keeps it away: nothing is wrong with that.
const MOVED_AWAY: &str = "assigned node no longer meets constraints";

/// What a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    /// Its id in the swarm.
    pub node: String,
    /// How often it has spoken: later words count.
    pub number: u64,
    /// Version and state of its components, by name.
    pub components: BTreeMap<String, (String, String)>,
}

impl Runs {
    /// The version that the node has as a whole: nothing while components differ or one does not run.
    pub fn version(&self, manager: bool) -> Option<ProductVersion> {
        let mut versions = BTreeSet::new();
        for name in TELLING.iter().filter(|name| manager || **name == "ucp-proxy") {
            let (version, state) = self.components.get(*name)?;
            (state == "running").then_some(())?;
            versions.insert(version.parse().ok()?);
        }
        (versions.len() == 1).then(|| versions.pop_first()).flatten()
    }
}

/// Tells what runs here whenever that changes, until `ended` is.
///
/// # Errors
/// The engine's.
pub async fn run(
    daemon: &Daemon,
    node: String,
    instance: &str,
    mut tell: impl FnMut(&str),
    ended: impl Future<Output = ()>,
) -> Result<(), InstallError> {
    let telling = async {
        let (mut told, mut number) = (None, 0);
        loop {
            let components = components(daemon, instance).await?;
            if told.as_ref() != Some(&components) {
                number += 1;
                let runs = Runs {
                    node: node.clone(),
                    number,
                    components: components.clone(),
                };
                tell(&serde_json::to_string(&runs).map_err(|error| InstallError::System(error.to_string()))?);
                told = Some(components);
            }
            sleep(LOOK).await;
        }
    };
    tokio::select! {
        ended = telling => ended,
        () = ended => Ok(()),
    }
}

async fn components(
    daemon: &Daemon,
    instance: &str,
) -> Result<BTreeMap<String, (String, String)>, InstallError> {
    let query = filters(&json!({ "label": [format!("{}={instance}", labels::INSTANCE_ID)] }));
    let list = daemon
        .list(&format!("/containers/json?all=1&filters={query}"))
        .await?;
    let text = |item: &Value, pointer: &str| {
        item.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Ok(list
        .iter()
        .filter_map(|item| {
            let name = text(item, "/Names/0").trim_start_matches('/').to_owned();
            let version = item.get("Labels")?.get(labels::VERSION)?.as_str()?.to_owned();
            // Tasks of services have names of their own, and are not what decides.
            mke_core::product::is_component_name(&name).then(|| (name, (version, text(item, "/State"))))
        })
        .collect())
}

/// The service on all Linux nodes.
pub struct Watch<'a> {
    daemon: &'a Daemon,
}

impl<'a> Watch<'a> {
    /// Deploys it.
    ///
    /// # Errors
    /// The engine's.
    pub async fn start(
        daemon: &'a Daemon,
        image: &str,
        instance: &str,
        run: &str,
        credentials: Option<&str>,
    ) -> Result<Self, InstallError> {
        let watch = Self { daemon };
        watch.remove().await?;
        let labels = json!({ labels::INSTANCE_ID: instance, RUN: run });
        let body = json!({
            "Name": NAME,
            "Labels": labels,
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": image,
                    "Command": ["/bin/ucp-agent"],
                    "Args": ["watch", format!("--instance={instance}")],
                    "Env": [format!("{NODE_VARIABLE}={{{{.Node.ID}}}}")],
                    "Mounts": [{ "Type": "bind", "Source": "/var/run/docker.sock", "Target": "/var/run/docker.sock" }],
                },
                "Placement": { "Constraints": ["node.platform.os==linux"] },
                "RestartPolicy": { "Condition": "none" },
            },
            "Mode": { "Global": {} },
        });
        daemon
            .post_with(
                "cannot create the service that watches nodes",
                "/services/create",
                &body,
                credentials,
            )
            .await?;
        Ok(watch)
    }

    /// Waits until all nodes have spoken.
    ///
    /// # Errors
    /// [`InstallError::Images`] with the nodes that cannot run the new image, and [`InstallError::TookTooLong`].
    pub async fn everybody(&self, nodes: &[Node]) -> Result<BTreeMap<String, Runs>, InstallError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let runs = self.now().await?;
            let missing: Vec<&Node> = nodes
                .iter()
                .filter(|node| node.os == "linux" && node.ready && !runs.contains_key(&node.id))
                .collect();
            if missing.is_empty() {
                return Ok(runs);
            }
            let refused = self.refused(&missing).await?;
            if !refused.is_empty() {
                return Err(InstallError::Images(refused.join("; ")));
            }
            if Instant::now() > end {
                let names: Vec<&str> = missing.iter().map(|node| node.name.as_str()).collect();
                return Err(InstallError::TookTooLong {
                    what: "starting the new image on all nodes".to_owned(),
                    seconds: PATIENCE.as_secs(),
                    detail: format!(": {} did not answer", names.join(", ")),
                });
            }
            sleep(LOOK).await;
        }
    }

    /// What nodes have said last.
    ///
    /// # Errors
    /// The engine's.
    pub async fn now(&self) -> Result<BTreeMap<String, Runs>, InstallError> {
        let log = self.daemon.log("services", NAME, 1000).await?;
        let mut latest: BTreeMap<String, Runs> = BTreeMap::new();
        for runs in log
            .lines()
            .filter_map(|line| serde_json::from_str::<Runs>(line).ok())
        {
            let newer = latest
                .get(&runs.node)
                .is_none_or(|known| known.number < runs.number);
            if newer {
                latest.insert(runs.node.clone(), runs);
            }
        }
        Ok(latest)
    }

    async fn refused(&self, missing: &[&Node]) -> Result<Vec<String>, InstallError> {
        let query = filters(&json!({ "service": [NAME] }));
        let tasks = self.daemon.list(&format!("/tasks?filters={query}")).await?;
        let text = |task: &Value, pointer: &str| {
            task.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(tasks
            .iter()
            .filter(|task| matches!(text(task, "/Status/State").as_str(), "rejected" | "failed"))
            .filter_map(|task| {
                let node = missing.iter().find(|node| node.id == text(task, "/NodeID"))?;
                Some(format!("{}: {}", node.name, text(task, "/Status/Err")))
            })
            .collect())
    }

    /// Ends it.
    ///
    /// # Errors
    /// The engine's.
    pub async fn remove(&self) -> Result<(), InstallError> {
        remover::service(self.daemon, NAME).await
    }
}

/// Traces of upgrades that never ended: upgraders that are left, and agents whose newest task was refused (UPG-015). Pure.
pub fn stuck(inventory: &Inventory, tasks: &[Value]) -> Vec<String> {
    let mut found: Vec<String> = inventory
        .objects
        .iter()
        .filter(|object| {
            matches!(object.kind, Kind::Container | Kind::Service) && object.name.starts_with("ucp-upgrader")
        })
        .map(|object| {
            format!(
                "{} {} of an earlier upgrade is left",
                object.kind.words().0,
                object.name
            )
        })
        .collect();
    let text = |task: &Value, pointer: &str| {
        task.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    for service in inventory
        .of_kind(Kind::Service)
        .filter(|service| service.has_catalogue_name())
    {
        let mut newest: BTreeMap<String, &Value> = BTreeMap::new();
        for task in tasks.iter().filter(|task| text(task, "/ServiceID") == service.id) {
            let known = newest.entry(text(task, "/NodeID")).or_insert(task);
            // Moments as the swarm writes them; the fraction has always nine digits or its zeros are cut.
            if moment(&text(known, "/CreatedAt")) < moment(&text(task, "/CreatedAt")) {
                *known = task;
            }
        }
        for (node, task) in newest {
            if text(task, "/Status/State") == "rejected" && text(task, "/Status/Err") != MOVED_AWAY {
                let name = inventory
                    .nodes
                    .iter()
                    .find(|other| other.id == node)
                    .map_or(node.as_str(), |node| &node.name);
                let reason = text(task, "/Status/Err");
                found.push(format!(
                    "the task of {} on {name} was refused: {reason}",
                    service.name
                ));
            }
        }
    }
    found
}

fn moment(text: &str) -> (String, String) {
    let plain = text.trim_end_matches('Z');
    let (seconds, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    (seconds.to_owned(), format!("{fraction:0<9}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::inventory::examples::object;
    use super::*;

    #[test]
    fn the_version_of_a_node() {
        let runs = |components: &[(&str, &str, &str)]| Runs {
            node: "n".to_owned(),
            number: 1,
            components: components
                .iter()
                .map(|(name, version, state)| {
                    ((*name).to_owned(), ((*version).to_owned(), (*state).to_owned()))
                })
                .collect(),
        };
        let (proxy, controller) = (
            ("ucp-proxy", "3.4.15", "running"),
            ("ucp-controller", "3.4.15", "running"),
        );
        let store = ("ucp-kv", "3.4.15", "running");
        let new = Some("3.4.15".parse().unwrap());
        assert_eq!(runs(&[proxy, controller, store]).version(true), new);
        assert_eq!(runs(&[proxy, controller]).version(true), None);
        assert_eq!(runs(&[proxy]).version(false), new);
        assert_eq!(runs(&[proxy]).version(true), None);
        assert_eq!(
            runs(&[proxy, ("ucp-controller", "3.4.14", "running"), store]).version(true),
            None
        );
        assert_eq!(runs(&[("ucp-proxy", "3.4.15", "exited")]).version(false), None);
        assert_eq!(runs(&[]).version(false), None);
    }

    /// UPG-015: an upgrader that is left and an agent that is refused stop the next upgrade; an agent that was refused once
    /// and runs now does not.
    #[test]
    fn traces_of_earlier_upgrades() {
        let moved = json!({ "ServiceID": "id-ucp-worker-agent-x", "NodeID": "n1", "CreatedAt": "2026-01-01T00:00:00Z",
            "Status": { "State": "rejected", "Err": "assigned node no longer meets constraints" } });
        let task = |service: &str, created: &str, state: &str| {
            json!({ "ServiceID": format!("id-{service}"), "NodeID": "n1", "CreatedAt": created,
                    "Status": { "State": state, "Err": "No such image" } })
        };
        let inventory = |names: &[(Kind, &str)]| Inventory {
            objects: names
                .iter()
                .map(|(kind, name)| object(*kind, name, "c"))
                .collect(),
            ..Inventory::default()
        };
        let agent = (Kind::Service, "ucp-worker-agent-x");
        let early = "2026-01-01T00:00:00.5Z";
        let late = "2026-01-01T00:00:00.51Z";
        for (names, tasks, wanted) in [
            (vec![], vec![], 0),
            (vec![(Kind::Container, "ucp-upgrader")], vec![], 1),
            (vec![(Kind::Service, "ucp-upgrader")], vec![], 1),
            (vec![agent], vec![task(agent.1, early, "rejected")], 1),
            (vec![agent], vec![moved], 0),
            (
                vec![agent],
                vec![task(agent.1, early, "rejected"), task(agent.1, late, "running")],
                0,
            ),
            (
                vec![agent],
                vec![task(agent.1, early, "running"), task(agent.1, late, "rejected")],
                1,
            ),
            (
                vec![(Kind::Service, "web")],
                vec![task("web", early, "rejected")],
                0,
            ),
        ] {
            assert_eq!(
                stuck(&inventory(&names), &tasks).len(),
                wanted,
                "{names:?} {tasks:?}"
            );
        }
    }
}
