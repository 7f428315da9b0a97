//! The cluster agent: one task on some manager that keeps what there is one of (ARCH-003).
//!
//! | part | decides |
//! | --- | --- |
//! | [`nodes`] | who is in the inventory, and which nodes become mixed |
//! | [`configs`] | which config objects there are, and which licences have been replaced |
//! | [`members`] | which members the replicated store has, and what is written down about that |
//! | [`services`] | what the agents' services are like, and which generations there are |
//! | [`addons`](crate::addons) | what lies in Kubernetes and which taints its nodes bear; shown, and not done as long as there are no images of it |
//!
//! Each pass looks at everything, plans, and does what is to be done. A part that fails does not keep the others from
//! being done; it is tried again at the next event, at the latest some seconds later.

pub mod configs;
pub mod members;
pub mod nodes;
pub mod services;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use mke_core::causes::chain;
use mke_core::product::labels::{ORCHESTRATOR_KUBERNETES, ORCHESTRATOR_SWARM, UPGRADE_HOLD};
use mke_core::product::{ProductVersion, Role, labels};
use mke_core::store::{Event, KeyRange, Revision, Store, StoreError, WatchStream, layout};
use mke_core::time::Clock;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::Events;
use crate::controller::body::full;
use crate::controller::configuration::{self, ChangeError};
use crate::controller::records::decode;
use crate::engine::{EngineClient, EngineError};
use crate::life::report::StoredReport;
use crate::life::swarm::SwarmState;
use crate::life::{Inventory, SwarmNode};
use crate::steps;
use configs::ConfigObject;
use members::{Followed, Manager, Members, MembersError};
use nodes::NodeChange;
use services::{Service, ServiceChange, Wanted};

/// After how many steps everything is looked at again although nothing happened: a minute after something did, then twice as long
/// each time. Events are hints, and hints can be lost.
const FIRST_STEPS: u32 = 16;
const MOST_STEPS: u32 = 64;
/// Rest before a watch that broke off is begun again.
const REWATCH: Duration = Duration::from_secs(60);
/// Rest after a pass that failed.
const RETRY: Duration = Duration::from_secs(5);
/// Rest while a new member of the store learns: it takes seconds, and nothing tells when it is done.
const LEARNING: Duration = Duration::from_secs(1);
/// How often the store is tended: etcd drops history by itself, what is left takes days to become much. A full quota lasts no longer
/// than this.
const TENDING: Duration = Duration::from_secs(300);
/// A member that has not learned for so long has another trouble than that.
const LEARNS_WITHIN: Duration = Duration::from_secs(120);

/// Why a part of a pass was not done.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The engine.
    #[error("the engine of this manager did not do it")]
    Engine(#[from] EngineError),
    /// The store.
    #[error("the store did not do it")]
    Store(#[from] StoreError),
    /// The configuration in the store.
    #[error("the configuration cannot be read")]
    Configuration(#[from] ChangeError),
    /// Members of the store.
    #[error("the members of the store stay as they are")]
    Members(#[from] MembersError),
}

/// What became of one look at everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Everything is as it should be.
    Done,
    /// A member of the store has to learn, or something else has to happen by itself.
    Learning,
    /// Something could not be done.
    Failed,
}

/// The cluster agent.
pub struct ClusterAgent {
    /// The engine of this manager.
    pub engine: EngineClient,
    /// The cluster's store.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The swarm's id.
    pub cluster_id: String,
    /// The version of this agent, which is the one that workers' agents get.
    pub version: ProductVersion,
    /// Who changes the members of the store; nobody where the store is not replicated.
    pub members: Option<Box<dyn Members>>,
}

impl ClusterAgent {
    /// Works until it is dropped.
    pub async fn run(self) {
        let mut events = Events::of(self.engine.clone(), &["node", "service", "config"]);
        let (mut watch, mut reports): (Option<WatchStream>, Option<WatchStream>) = (None, None);
        let mut learning_since = None;
        let mut tend_at = Instant::now();
        let mut quiet = FIRST_STEPS;
        loop {
            let pass = self.pass().await;
            let (mut again, learns) = match pass {
                Pass::Done => {
                    learning_since = None;
                    (steps::next(quiet), false)
                }
                Pass::Failed => (Instant::now() + RETRY, false),
                Pass::Learning => {
                    let since = *learning_since.get_or_insert_with(Instant::now);
                    let learns = since.elapsed() < LEARNS_WITHIN;
                    (Instant::now() + if learns { LEARNING } else { RETRY }, learns)
                }
            };
            if !learns {
                if Instant::now() >= tend_at {
                    self.tend().await;
                    tend_at = Instant::now() + TENDING;
                }
                again = again.min(tend_at);
            }
            if watch.is_none() {
                watch = self.watch(KeyRange::key(layout::CONFIG)).await;
            }
            if reports.is_none() {
                reports = self.watch(KeyRange::prefix(layout::NODE_REPORTS)).await;
            }
            tokio::select! {
                () = sleep_until(again) => {
                    quiet = quieter(quiet, pass);
                    continue;
                }
                () = events.changed() => {}
                // Without a watch the pause is what remains.
                event = next(&mut watch) => if !event { watch = None },
                goes_on = told(&mut reports) => if !goes_on { reports = None },
            }
            quiet = FIRST_STEPS;
        }
    }

    async fn tend(&self) {
        let Some(members) = &self.members else {
            return;
        };
        match members.tend().await {
            Ok(done) => {
                for what in done {
                    tracing::info!("members of the store: {what}");
                }
            }
            Err(error) => tracing::warn!("members of the store are not tended: {}", chain(&error)),
        }
    }

    async fn watch(&self, range: KeyRange) -> Option<WatchStream> {
        let now = match self.store.range(range.clone(), 1).await {
            Ok(page) => page.revision,
            Err(error) => {
                tracing::warn!(%error, "the store cannot be watched");
                return None;
            }
        };
        self.store
            .watch(range, Revision(now.0.saturating_add(1)))
            .await
            .ok()
    }

    /// Looks at everything once and does what is to be done.
    pub async fn pass(&self) -> Pass {
        let nodes = match swarm_nodes(&self.engine).await {
            Ok(nodes) => nodes,
            Err(error) => {
                tracing::warn!(%error, "the nodes of the swarm cannot be listed");
                return Pass::Failed;
            }
        };
        let (mut all, mut settled) = (true, true);
        for (what, done) in [
            ("inventory", self.keep_inventory(&nodes).await.map(|()| true)),
            ("members of the store", self.keep_members(&nodes).await),
            (
                "configuration and services",
                self.keep_services(&nodes).await.map(|()| true),
            ),
        ] {
            match done {
                Ok(done) => settled &= done,
                Err(error) => {
                    tracing::warn!("{what}: {}, trying again", chain(&error));
                    all = false;
                }
            }
        }
        match (all, settled) {
            (false, _) => Pass::Failed,
            (true, false) => Pass::Learning,
            (true, true) => Pass::Done,
        }
    }

    async fn keep_inventory(&self, nodes: &[SwarmNode]) -> Result<(), PassError> {
        let inventory = Inventory::new(self.store.clone(), self.clock.clone());
        let roll = inventory.roll().await?;
        for change in nodes::plan(nodes, &roll, self.clock.now()) {
            match change {
                NodeChange::Register(record) => {
                    if inventory.register(&record).await? {
                        tracing::info!(node = record.id, hostname = record.hostname, role = ?record.role, "in the inventory");
                    }
                }
                NodeChange::Forget(id) => {
                    inventory.forget(&id).await?;
                    tracing::info!(node = id, "forgotten: it left the swarm");
                }
                NodeChange::Mix { id, why } => {
                    label(&self.engine, &id, &[ORCHESTRATOR_SWARM, ORCHESTRATOR_KUBERNETES]).await?;
                    tracing::info!(node = id, why, "both orchestrators may use the node");
                }
            }
        }
        Ok(())
    }

    /// Says whether there is one member on each manager; otherwise something has to happen by itself first.
    async fn keep_members(&self, nodes: &[SwarmNode]) -> Result<bool, PassError> {
        let Some(members) = &self.members else {
            return Ok(true);
        };
        let roll = Inventory::new(self.store.clone(), self.clock.clone())
            .roll()
            .await?;
        let managers: Vec<Manager> = nodes
            .iter()
            .filter(|node| node.role == Role::Manager)
            .map(|node| Manager {
                id: node.id.clone(),
                // The swarm's leader does not always say where it is itself; it did when it was taken in.
                address: node.address.or_else(|| roll.node(&node.id)?.address),
                present: node.state == SwarmState::Ready,
                lost: roll
                    .report(&node.id)
                    .and_then(|said| u64::from_str_radix(said.report.lost_member.as_deref()?, 16).ok()),
            })
            .collect();
        loop {
            match members.follow(&managers).await? {
                Followed::Done(what) => tracing::info!("members of the store: {what}"),
                Followed::Waiting(why) => {
                    tracing::info!("members of the store: waiting, {why}");
                    return Ok(false);
                }
                Followed::Settled => return Ok(true),
            }
        }
    }

    async fn keep_services(&self, nodes: &[SwarmNode]) -> Result<(), PassError> {
        let (in_force, _) = configuration::read(&*self.store).await?;
        let export = in_force.export().map_err(ChangeError::Invalid)?;
        let objects = self.objects().await?;
        let old_licenses = configs::old_licenses(&objects, &self.cluster_id);
        let mut plan = configs::plan(&objects, export);
        if let Some(name) = &plan.create {
            let body = json!({
                "Name": name,
                "Labels": { labels::INSTANCE_ID: self.cluster_id, "com.docker.ucp.access.label": "/System" },
                "Data": STANDARD.encode(export),
            });
            self.engine
                .call("POST", "/configs/create", full(body.to_string()))
                .await?;
            tracing::info!(object = name, version = %in_force.version, "the configuration has a new object");
            plan = configs::plan(&self.objects().await?, export);
        }
        let services: Vec<Value> = self.engine.get_json("/services").await?;
        let services: Vec<Service> = services
            .iter()
            .filter_map(|service| Service::read(service, &self.cluster_id))
            .collect();
        let wanted = Wanted {
            version: self.version,
            config: plan.current,
            any_held: nodes
                .iter()
                .any(|node| node.role == Role::Worker && node.has(UPGRADE_HOLD)),
        };
        for change in services::plan(&services, &wanted) {
            self.change_service(&change).await?;
        }
        for id in plan.remove.into_iter().chain(old_licenses) {
            // A service that still uses it keeps it until the next pass.
            if let Err(error) = self
                .engine
                .call("DELETE", &format!("/configs/{id}"), full(""))
                .await
            {
                tracing::debug!(%error, object = id, "an old object stays for now");
            }
        }
        Ok(())
    }

    async fn change_service(&self, change: &ServiceChange) -> Result<(), EngineError> {
        let (method, path, body, what, name) = match change {
            ServiceChange::Create(spec) => (
                "POST",
                "/services/create".to_owned(),
                spec.to_string(),
                "made",
                &spec["Name"],
            ),
            ServiceChange::Update { id, version, spec } => (
                "POST",
                format!("/services/{id}/update?version={version}"),
                spec.to_string(),
                "changed",
                &spec["Name"],
            ),
            ServiceChange::Remove(id) => (
                "DELETE",
                format!("/services/{id}"),
                String::new(),
                "removed",
                &Value::Null,
            ),
        };
        self.engine.call(method, &path, full(body)).await?;
        tracing::info!(service = %name, path, "{what}");
        Ok(())
    }

    async fn objects(&self) -> Result<Vec<ConfigObject>, EngineError> {
        let objects: Vec<Value> = self.engine.get_json("/configs").await?;
        let read = |object: &Value| {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            Some(ConfigObject {
                id: text("/ID")?.to_owned(),
                name: text("/Spec/Name")?.to_owned(),
                instance: object["Spec"]["Labels"][labels::INSTANCE_ID]
                    .as_str()
                    .map(str::to_owned),
                content: STANDARD
                    .decode(text("/Spec/Data").unwrap_or_default())
                    .unwrap_or_default(),
            })
        };
        Ok(objects.iter().filter_map(read).collect())
    }
}

/// After how many steps is looked next, when nothing happened until now.
fn quieter(steps: u32, pass: Pass) -> u32 {
    match pass {
        Pass::Done => steps.saturating_mul(2).min(MOST_STEPS),
        Pass::Learning | Pass::Failed => FIRST_STEPS,
    }
}

async fn next(watch: &mut Option<WatchStream>) -> bool {
    match watch {
        Some(stream) => matches!(stream.next().await, Some(Ok(_))),
        None => {
            sleep(REWATCH).await;
            false
        }
    }
}

/// Waits until an agent says what no event of the swarm tells: that the member of the store on its node lost its data, or that the
/// node carries MSR. False when the watch has ended.
async fn told(watch: &mut Option<WatchStream>) -> bool {
    let Some(stream) = watch else {
        sleep(REWATCH).await;
        return false;
    };
    let matters = |event: &Event| match event {
        Event::Put(entry) => decode::<StoredReport>(entry)
            .is_ok_and(|stored| stored.report.lost_member.is_some() || stored.report.msr),
        Event::Delete { .. } => false,
    };
    loop {
        match stream.next().await {
            Some(Ok(batch)) if batch.events.iter().any(matters) => return true,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
    }
}

/// The nodes of the swarm, as a manager's engine lists them.
///
/// # Errors
/// The engine's; also when it is no manager or the swarm has lost its leader.
pub async fn swarm_nodes(engine: &EngineClient) -> Result<Vec<SwarmNode>, EngineError> {
    let nodes: Vec<Value> = engine.get_json("/nodes").await?;
    Ok(nodes.iter().filter_map(SwarmNode::read).collect())
}

/// Sets labels of a node to `true`. Another change of the node in between is an error: the next pass sees it.
async fn label(engine: &EngineClient, id: &str, names: &[&str]) -> Result<(), EngineError> {
    let node: Value = engine.get_json(&format!("/nodes/{id}")).await?;
    let mut spec = node["Spec"].clone();
    if !spec["Labels"].is_object() {
        spec["Labels"] = json!({});
    }
    for name in names {
        spec["Labels"][*name] = json!("true");
    }
    let path = format!("/nodes/{id}/update?version={}", node["Version"]["Index"]);
    engine.call("POST", &path, full(spec.to_string())).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longer nothing happens, the rarer are the looks, but what is tended is not late for them.
    #[test]
    fn looks_become_rarer() {
        let mut steps = FIRST_STEPS;
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(steps);
            steps = quieter(steps, Pass::Done);
        }
        assert_eq!(seen, [16, 32, 64, 64]);
        assert!(steps::STEP * MOST_STEPS <= TENDING);
        for unsettled in [Pass::Learning, Pass::Failed] {
            assert_eq!(quieter(MOST_STEPS, unsettled), FIRST_STEPS);
        }
    }
}
