//! Where specifications come from: a manager's agent makes its own from the swarm and the store, a worker's agent asks a
//! controller, which makes it the same way.

use std::sync::Arc;

use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use mke_core::product::ProductVersion;
use mke_core::store::{KeyRange, Revision, Store, StoreError, layout};
use mke_core::time::SystemClock;
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::access::StoreAccess;
use super::controllers::ControllerAccess;
use super::spec::Sight;
use super::turn;
use super::world::{Failure, Specs};
use crate::agent::Events;
use crate::agent::cluster::members::Record;
use crate::agent::cluster::swarm_nodes;
use crate::controller::configuration;
use crate::controller::records::decode;
use crate::engine::EngineClient;
use crate::life::Inventory;
use crate::mtls::EXCHANGE_TIME;
use crate::node::{ClusterState, StoreMember, WireSpec};
use crate::steps;

/// After how many steps a manager's agent looks again although nothing happened: half a minute after something did, then twice
/// as long each time. Events and watches tell what changed; this is for what they missed.
const FIRST_STEPS: u32 = 8;
const MOST_STEPS: u32 = 32;

/// What makes specifications for managers.
pub struct Own {
    /// The engine of this node.
    pub engine: EngineClient,
    /// The store.
    pub store: Arc<StoreAccess>,
    /// The installation.
    pub cluster_id: String,
    /// Swarm's id of the node.
    pub node_id: String,
    /// The version of this agent.
    pub version: ProductVersion,
    /// Where images come from.
    pub organisation: String,
}

impl Own {
    /// The specification as it is now; nothing while the swarm does not say where the node is.
    ///
    /// # Errors
    /// When swarm or store do not answer.
    pub async fn now(&self) -> Result<Option<WireSpec>, Failure> {
        let store = self.store.get().await?;
        let nodes = swarm_nodes(&self.engine).await?;
        let (in_force, _) = configuration::read(&*store).await?;
        let roll = Inventory::new(store.clone(), Arc::new(SystemClock))
            .roll()
            .await?;
        let members = store_members(&*store).await?;
        let turn = turn::holder(&*store).await?;
        let sight = Sight {
            cluster_id: &self.cluster_id,
            version: self.version,
            organisation: &self.organisation,
            config: &in_force.config,
            nodes: &nodes,
            roll: &roll,
            store_members: members.as_deref(),
            turn: turn.as_ref().map(|(node, _)| node.as_str()),
        };
        Ok(sight.of(&self.node_id))
    }

    /// How the managers do now.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub async fn state(&self) -> Result<ClusterState, Failure> {
        Ok(self.now().await?.map(|spec| spec.state).unwrap_or_default())
    }

    async fn happened(&self, events: &mut Events) -> Result<(), Failure> {
        let store = self.store.get().await?;
        let at = store.range(KeyRange::key(layout::CONFIG), 1).await?.revision;
        let from = Revision(at.0.saturating_add(1));
        let mut config = store.watch(KeyRange::key(layout::CONFIG), from).await?;
        let mut members = store.watch(KeyRange::key(layout::STORE_MEMBERS), from).await?;
        let lost = |item: Option<Result<_, StoreError>>| match item {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(Failure::from(error)),
            None => Err("the store was closed".into()),
        };
        tokio::select! {
            () = events.changed() => Ok(()),
            item = config.next() => lost(item),
            item = members.next() => lost(item),
        }
    }
}

/// The members of the store, as the cluster agent wrote them down.
///
/// # Errors
/// The store's.
pub async fn store_members(store: &dyn Store) -> Result<Option<Vec<StoreMember>>, StoreError> {
    let page = store.range(KeyRange::key(layout::STORE_MEMBERS), 1).await?;
    let entry = page.entries.first();
    Ok(entry.map(decode::<Record>).transpose()?.map(Record::into_members))
}

/// A manager's source.
pub struct ManagerSpecs {
    own: Arc<Own>,
    events: Events,
    steps: u32,
}

impl ManagerSpecs {
    /// Makes specifications with `own`.
    pub fn new(own: Arc<Own>) -> Self {
        Self {
            events: Events::of(own.engine.clone(), &["node"]),
            own,
            steps: FIRST_STEPS,
        }
    }
}

impl Specs for ManagerSpecs {
    async fn next(&mut self, after: Option<u64>) -> Result<Option<WireSpec>, Failure> {
        let current = self.own.now().await?;
        if let Some(spec) = current.filter(|spec| Some(spec.revision) != after) {
            self.steps = FIRST_STEPS;
            return Ok(Some(spec));
        }
        match timeout_at(steps::next(self.steps), self.own.happened(&mut self.events)).await {
            Ok(happened) => {
                self.steps = FIRST_STEPS;
                happened.map(|()| None)
            }
            Err(_) => {
                self.steps = self.steps.saturating_mul(2).min(MOST_STEPS);
                Ok(None)
            }
        }
    }
}

/// A worker's source.
pub struct WorkerSpecs {
    /// The controllers.
    pub controllers: Arc<ControllerAccess>,
    /// Swarm's id of the node.
    pub node_id: String,
    /// The port of the controllers, which the last specification told.
    pub port: watch::Sender<u16>,
}

impl Specs for WorkerSpecs {
    async fn next(&mut self, after: Option<u64>) -> Result<Option<WireSpec>, Failure> {
        let path = format!("/api/node/{}/spec?after={}", self.node_id, after.unwrap_or(0));
        let port = *self.port.borrow();
        let (status, body) = self
            .controllers
            .ask(port, Method::GET, &path, Vec::new(), EXCHANGE_TIME)
            .await?;
        match status {
            StatusCode::OK => {
                let spec: WireSpec = serde_json::from_slice(&body)?;
                self.port
                    .send_replace(spec.cluster.config.cluster.controller_port);
                Ok(Some(spec).filter(|spec| Some(spec.revision) != after))
            }
            StatusCode::NO_CONTENT => Ok(None),
            other => Err(format!("a manager answers {other}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}
