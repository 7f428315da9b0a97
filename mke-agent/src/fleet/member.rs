//! One node of the cluster: how its engine is asked, what is kept of what it said, and whether it answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use mke_rbac::Policy;
use mke_rbac::demand::{Home, ObjectKind};
use mke_rbac::engine::{NEWEST_API, labels};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};

use super::container::{self, Container};
use super::kept::{Budget, Fetch, Kept};
use super::roster::NodeFacts;
use crate::engine::lookup::escaped_query;
use crate::engine::{EngineClient, EngineError};

/// Containers change with events only.
const CONTAINERS_AGE: Duration = Duration::from_secs(300);
/// Not every image that is built makes an event, and drivers of volumes make none of their own.
const OTHERS_AGE: Duration = Duration::from_secs(5);

/// Whether a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nobody has asked it yet.
    Unknown,
    /// Its events arrive.
    Answering,
    /// It did not answer in time, or not at all. It is left out until it does.
    Silent,
}

/// An image, volume or network in the list of its node.
#[derive(Debug)]
pub struct Object {
    /// The id; of volumes the name.
    pub id: String,
    /// The name; of images nothing.
    pub name: String,
    /// What the engine says in lists.
    pub value: Value,
    bytes: usize,
}

/// A kept list of objects.
pub type Objects = Arc<Vec<Arc<Object>>>;
/// A kept list of containers.
pub type Containers = Arc<Vec<Arc<Container>>>;

/// A node and the way to its engine.
#[derive(Debug)]
pub struct Member {
    facts: ArcSwap<NodeFacts>,
    local: bool,
    engine: EngineClient,
    presence: watch::Sender<Presence>,
    pub(super) suspected: Notify,
    containers: Kept<Container>,
    images: Kept<Object>,
    volumes: Kept<Object>,
    networks: Kept<Object>,
    coming: AtomicUsize,
}

impl Member {
    pub(super) fn new(facts: NodeFacts, local: bool, engine: EngineClient, budget: &Arc<Budget>) -> Self {
        Self {
            facts: ArcSwap::from_pointee(facts),
            local,
            engine,
            presence: watch::Sender::new(Presence::Unknown),
            suspected: Notify::new(),
            containers: Kept::new(budget.clone(), CONTAINERS_AGE),
            images: Kept::new(budget.clone(), OTHERS_AGE),
            volumes: Kept::new(budget.clone(), OTHERS_AGE),
            networks: Kept::new(budget.clone(), OTHERS_AGE),
            coming: AtomicUsize::new(0),
        }
    }

    /// What the swarm says about the node.
    pub fn facts(&self) -> Arc<NodeFacts> {
        self.facts.load_full()
    }

    pub(super) fn set_facts(&self, facts: NodeFacts) {
        self.facts.store(Arc::new(facts));
    }

    /// The id of the node in the swarm.
    pub fn id(&self) -> String {
        self.facts.load().id.clone()
    }

    /// How people call the node.
    pub fn name(&self) -> String {
        self.facts.load().name.clone()
    }

    /// Where the node is.
    pub fn address(&self) -> Option<IpAddr> {
        self.facts.load().address
    }

    /// Whether this is the node of the controller.
    pub const fn is_local(&self) -> bool {
        self.local
    }

    /// Its engine.
    pub const fn engine(&self) -> &EngineClient {
        &self.engine
    }

    /// Where the node lies in the collections.
    pub fn home(&self, policy: &Policy) -> Home {
        let facts = self.facts.load();
        let labels: Map<String, Value> = facts
            .labels
            .iter()
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect();
        labels::home_of(Some(&labels), policy)
    }

    /// Whether it answers.
    pub fn presence(&self) -> Presence {
        *self.presence.borrow()
    }

    /// Tells when [`Member::presence`] changes.
    pub fn presences(&self) -> watch::Receiver<Presence> {
        self.presence.subscribe()
    }

    /// It did not answer in time: it is left out until its engine has shown that it lives.
    pub fn suspect(&self) {
        self.set_presence(Presence::Silent);
        self.suspected.notify_one();
    }

    pub(super) fn set_presence(&self, presence: Presence) {
        let changed = self.presence.send_if_modified(|now| {
            let changed = *now != presence;
            *now = presence;
            changed
        });
        if !changed {
            return;
        }
        let watched = presence == Presence::Answering;
        self.containers.watched(watched);
        self.images.watched(watched);
        self.volumes.watched(watched);
        self.networks.watched(watched);
        match presence {
            Presence::Answering => tracing::info!(node = self.name(), "the node answers"),
            Presence::Silent => {
                tracing::warn!(
                    node = self.name(),
                    "the node does not answer and is left out of lists"
                );
            }
            Presence::Unknown => {}
        }
    }

    /// A container is being made here that no list shows yet. It counts until the answer is dropped.
    pub fn expect_one(self: &Arc<Self>) -> Coming {
        self.coming.fetch_add(1, Ordering::Relaxed);
        Coming(self.clone())
    }

    /// Containers that are being made.
    pub fn coming(&self) -> usize {
        self.coming.load(Ordering::Relaxed)
    }

    /// Every container of the node.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn containers(&self) -> Result<Containers, EngineError> {
        let fetch = |wanted| async move {
            let path = match wanted {
                Fetch::Whole => format!("/v{NEWEST_API}/containers/json?all=1"),
                Fetch::Only(ids) => format!(
                    "/v{NEWEST_API}/containers/json?all=1&filters={}",
                    escaped_query(&json!({ "id": ids }).to_string())
                ),
            };
            let list = self.engine.get_bytes(&path).await?;
            container::read(&list, &self.name(), Instant::now())
                .map_err(|source| EngineError::Malformed { path, source })
        };
        self.containers
            .read(fetch, |item| &item.id, Container::bytes)
            .await
    }

    /// Every object of a kind: images, volumes or networks. There are none of other kinds.
    ///
    /// # Errors
    /// When the engine cannot be asked.
    pub async fn objects(&self, kind: ObjectKind) -> Result<Objects, EngineError> {
        let Some((kept, path)) = self.kept(kind) else {
            return Ok(Objects::default());
        };
        let fetch = |_| async move {
            let list: Value = self.engine.get_json(&format!("/v{NEWEST_API}{path}")).await?;
            Ok(objects(kind, list))
        };
        kept.read(fetch, |item| &item.id, |item| item.bytes).await
    }

    /// What was seen last of a kind, also of a node that does not answer any more.
    pub fn last_objects(&self, kind: ObjectKind) -> Objects {
        let kept = self.kept(kind).and_then(|(kept, _)| kept.last());
        kept.unwrap_or_default()
    }

    /// The containers that were seen last.
    pub fn last_containers(&self) -> Containers {
        self.containers.last().unwrap_or_default()
    }

    const fn kept(&self, kind: ObjectKind) -> Option<(&Kept<Object>, &'static str)> {
        match kind {
            ObjectKind::Image => Some((&self.images, "/images/json")),
            ObjectKind::Volume => Some((&self.volumes, "/volumes")),
            ObjectKind::Network => Some((&self.networks, "/networks")),
            _ => None,
        }
    }

    /// Something of a kind was written through this controller. The event comes too, but maybe after the writer's next
    /// question.
    pub fn touch(&self, kind: ObjectKind, id: &str) {
        match kind {
            ObjectKind::Container => self.containers.touch(id),
            ObjectKind::Image => self.images.touch_all(),
            ObjectKind::Volume => self.volumes.touch_all(),
            ObjectKind::Network => self.networks.touch_all(),
            _ => {}
        }
    }

    /// Anything of a kind may have changed.
    pub fn touch_kind(&self, kind: ObjectKind) {
        match kind {
            ObjectKind::Container => self.containers.touch_all(),
            kind => self.touch(kind, ""),
        }
    }

    /// Forgets what an event of the engine makes stale.
    pub(super) fn heard(&self, event: &Value) {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (action, id) = (text("/Action"), text("/Actor/ID"));
        match text("/Type") {
            "container" if changes_list(action) => {
                self.containers.touch(id);
                if action == "commit" {
                    self.images.touch_all();
                }
            }
            "image" => self.images.touch_all(),
            "volume" if matches!(action, "create" | "destroy" | "prune") => self.volumes.touch_all(),
            "network" => {
                self.networks.touch_all();
                let container = text("/Actor/Attributes/container");
                if !container.is_empty() {
                    self.containers.touch(container);
                }
            }
            _ => {}
        }
    }
}

/// Whether what happened to a container shows in a list. Health checks make three events each that do not.
fn changes_list(action: &str) -> bool {
    const QUIET: [&str; 9] = [
        "top",
        "attach",
        "detach",
        "resize",
        "export",
        "copy",
        "archive-path",
        "extract-to-dir",
        "kill",
    ];
    !action.starts_with("exec_") && !QUIET.contains(&action)
}

fn objects(kind: ObjectKind, list: Value) -> Vec<Object> {
    let list = match list {
        Value::Object(mut map) => map.remove("Volumes").unwrap_or_default(),
        list => list,
    };
    let Value::Array(items) = list else {
        return Vec::new();
    };
    let id = if kind == ObjectKind::Volume { "Name" } else { "Id" };
    items
        .into_iter()
        .map(|value| {
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            Object {
                id: text(id),
                name: if kind == ObjectKind::Image {
                    String::new()
                } else {
                    text("Name")
                },
                // A value takes some times the text that it was read from.
                bytes: 4 * value.to_string().len() + 256,
                value,
            }
        })
        .collect()
}

/// Counts a container that is being made, until it is dropped.
#[derive(Debug)]
pub struct Coming(Arc<Member>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.coming.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens inside of containers all the time does not empty the list.
    #[test]
    fn events_that_show() {
        for (action, expected) in [
            ("start", true),
            ("die", true),
            ("rename", true),
            ("health_status: healthy", true),
            ("oom", true),
            ("exec_create: sh", false),
            ("exec_die", false),
            ("attach", false),
            ("kill", false),
        ] {
            assert_eq!(changes_list(action), expected, "{action}");
        }
    }

    #[test]
    fn lists_of_objects() {
        let volumes = objects(
            ObjectKind::Volume,
            json!({ "Volumes": [{ "Name": "data" }], "Warnings": null }),
        );
        assert_eq!(
            (volumes[0].id.as_str(), volumes[0].name.as_str()),
            ("data", "data")
        );
        let networks = objects(ObjectKind::Network, json!([{ "Name": "net", "Id": "x1" }]));
        assert_eq!(
            (networks[0].id.as_str(), networks[0].name.as_str()),
            ("x1", "net")
        );
        assert!(objects(ObjectKind::Image, Value::Null).is_empty());
    }
}
