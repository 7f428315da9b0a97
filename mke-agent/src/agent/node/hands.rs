//! The world of an agent that runs on a real node.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use mke_core::causes::chain;
use mke_core::product::{ProductVersion, Role};
use mke_core::secret::Secret;
use mke_core::time::SystemClock;
use tokio::sync::{Mutex, watch};

use super::access::{StoreAccess, is_enrolled_as};
use super::controllers::ControllerAccess;
use super::engine_info::{EngineInfo, OwnContainer};
use super::job::{Job, SPEC};
use super::kernel::KernelRunner;
use super::launch::Launcher;
use super::lost_store;
use super::member_data;
use super::sources::Own;
use super::turn::Turn;
use super::world::{Failure, Hands, Local, Stage};
use crate::agent::Events;
use crate::controller::files;
use crate::engine::EngineClient;
use crate::kv::alone::Verdict;
use crate::life::report::OutcomeReport;
use crate::life::{Inventory, Report};
use crate::node::{ClusterState, EngineRuntime, NoMaterial, ObserveError, Observed, Runtime as _, WireSpec};

/// What an agent is told by its program.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The installation.
    pub cluster_id: String,
    /// Swarm's id of the node.
    pub node_id: String,
    /// Its role.
    pub role: Role,
    /// The version of this agent.
    pub version: ProductVersion,
    /// The directory of the node's certificates.
    pub certs: PathBuf,
    /// The certificate of the cluster's authority, PEM.
    pub cluster_ca: String,
    /// The key that opens what is sealed in the store, hexadecimal.
    pub sealing_key: Option<Secret>,
}

/// How long a manager that was connected a moment ago may take for a report before another one is told. What is left of the
/// window of a heartbeat is enough for that one.
const TAKEN_WITHIN: Duration = Duration::from_secs(3);

/// How reports reach the managers.
enum Outlet {
    Manager {
        store: Arc<StoreAccess>,
        own: Arc<Own>,
        /// What was written last, and by which way.
        written: Box<Mutex<Option<(Inventory, Report)>>>,
        turn: Turn,
    },
    Worker {
        controllers: Arc<ControllerAccess>,
        port: watch::Receiver<u16>,
    },
}

/// The hands of an agent on a real node.
pub struct EngineHands {
    engine: EngineClient,
    setup: Setup,
    container: OwnContainer,
    runtime: EngineRuntime<NoMaterial>,
    events: Mutex<Events>,
    outlet: Outlet,
}

impl EngineHands {
    /// For a manager.
    pub fn of_manager(engine: EngineClient, setup: Setup, container: OwnContainer, own: Arc<Own>) -> Self {
        let outlet = Outlet::Manager {
            store: own.store.clone(),
            own,
            written: Box::default(),
            turn: Turn::new(setup.node_id.clone()),
        };
        Self::with(engine, setup, container, outlet)
    }

    /// For a worker.
    pub fn of_worker(
        engine: EngineClient,
        setup: Setup,
        container: OwnContainer,
        controllers: Arc<ControllerAccess>,
        port: watch::Receiver<u16>,
    ) -> Self {
        Self::with(engine, setup, container, Outlet::Worker { controllers, port })
    }

    fn with(engine: EngineClient, setup: Setup, container: OwnContainer, outlet: Outlet) -> Self {
        Self {
            runtime: EngineRuntime::new(engine.clone(), setup.cluster_id.clone(), NoMaterial),
            events: Mutex::new(Events::of(
                engine.clone(),
                &["container", "volume", "network", "image"],
            )),
            engine,
            setup,
            container,
            outlet,
        }
    }

    async fn to_store(
        store: &StoreAccess,
        written: &Mutex<Option<(Inventory, Report)>>,
        node_id: &str,
        report: &Report,
    ) -> Result<(), Failure> {
        let mut written = written.lock().await;
        let store = store.get().await?;
        let inventory = match written.take() {
            Some((inventory, last)) if inventory.is_of(&store) => {
                if last == *report {
                    let beat = inventory.heard_of_node(node_id).await;
                    *written = Some((inventory, last));
                    return Ok(beat?);
                }
                inventory
            }
            _ => Inventory::new(store, Arc::new(SystemClock)),
        };
        inventory.keep_report(node_id, report.clone()).await?;
        inventory.heard_of_node(node_id).await?;
        *written = Some((inventory, report.clone()));
        Ok(())
    }
}

impl Hands for EngineHands {
    async fn changed(&self) {
        self.events.lock().await.changed().await;
    }

    async fn seen(&self) {
        self.events.lock().await.pass_over();
    }

    async fn local(&self) -> Result<Local, Failure> {
        Ok(EngineInfo::of(&self.engine).await?.local)
    }

    async fn observe(&self, _: &WireSpec) -> Result<Observed, ObserveError> {
        self.runtime.observe().await
    }

    async fn verdict(&self, spec: &WireSpec) -> Result<Verdict, Failure> {
        let own = spec.node.address;
        lost_store::verdict(&self.engine, &self.setup.certs, &self.setup.node_id, own).await
    }

    async fn state(&self, spec: &WireSpec) -> ClusterState {
        let Outlet::Manager { own, .. } = &self.outlet else {
            return spec.state.clone();
        };
        match own.state().await {
            Ok(state) => state,
            Err(error) => {
                tracing::debug!("how the managers do is not known: {}", chain(&*error));
                spec.state.clone()
            }
        }
    }

    async fn reconcile(
        &self,
        spec: Option<&WireSpec>,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Vec<OutcomeReport>, Failure> {
        let info = EngineInfo::of(&self.engine).await?;
        let mut managers: Vec<_> = info.managers.clone();
        for manager in spec.iter().flat_map(|spec| &spec.cluster.managers) {
            if !managers.contains(&manager.address) {
                managers.push(manager.address);
            }
        }
        let job = Job {
            cluster_id: self.setup.cluster_id.clone(),
            node_id: self.setup.node_id.clone(),
            role: self.setup.role,
            spec: spec.cloned(),
            managers,
            cluster_ca: self.setup.cluster_ca.clone(),
            sealing_key: self.setup.sealing_key.clone(),
        };
        let launcher = Launcher {
            engine: &self.engine,
            image_id: &self.container.image_id,
            version: self.setup.version.to_string(),
            root_dir: &info.local.engine.root_dir,
            socket: &info.local.engine.socket,
            node_certs: &self.setup.certs,
        };
        let mut outcomes = launcher.run(&job, stage).await?;
        if let Some(spec) = spec.filter(|spec| spec.node.keeps_kernel()) {
            let runner = KernelRunner {
                engine: &self.engine,
                image_id: &self.container.image_id,
                version: self.setup.version.to_string(),
                cluster_id: &self.setup.cluster_id,
            };
            outcomes.extend(runner.run(spec).await?);
        }
        Ok(outcomes)
    }

    fn is_enrolled(&self) -> bool {
        is_enrolled_as(&self.setup.certs, &self.setup.node_id, self.setup.role)
    }

    async fn take_turn(&self) -> Result<bool, Failure> {
        match &self.outlet {
            Outlet::Manager { store, turn, .. } => Ok(turn.take(&store.get().await?).await?),
            Outlet::Worker { .. } => Ok(true),
        }
    }

    async fn give_turn(&self) {
        if let Outlet::Manager { store, turn, .. } = &self.outlet
            && turn.is_held().await
        {
            turn.give(store.get().await.ok().as_ref()).await;
        }
    }

    async fn report(&self, report: &Report) -> Result<(), Failure> {
        match &self.outlet {
            Outlet::Manager { store, written, .. } => {
                let told = Self::to_store(store, written, &self.setup.node_id, report).await;
                if told.is_err() {
                    store.doubt().await;
                }
                told
            }
            Outlet::Worker { controllers, port } => {
                let path = format!("/api/node/{}/report", self.setup.node_id);
                let body = serde_json::to_vec(report)?;
                let port = *port.borrow();
                let (status, answer) = controllers
                    .ask(port, Method::PUT, &path, body, TAKEN_WITHIN)
                    .await?;
                match status.is_success() {
                    true => Ok(()),
                    false => Err(
                        format!("a manager answers {status}: {}", String::from_utf8_lossy(&answer)).into(),
                    ),
                }
            }
        }
    }

    fn remember(&self, spec: &WireSpec) -> Result<(), Failure> {
        let text = serde_json::to_vec(spec)?;
        files::replace(
            "specification",
            &self.setup.certs.join(SPEC),
            files::PRIVATE,
            &text,
        )?;
        Ok(())
    }

    fn recall(&self) -> Option<WireSpec> {
        let text = files::read("specification", &self.setup.certs.join(SPEC)).ok()??;
        let spec: WireSpec = serde_json::from_slice(&text).ok()?;
        // The disk of another node, or of an earlier installation.
        (spec.node.id == self.setup.node_id && spec.cluster.cluster_id == self.setup.cluster_id)
            .then_some(spec)
    }

    fn lost_member(&self) -> Option<String> {
        member_data::lost_member(&self.setup.certs).filter(|_| self.setup.role == Role::Manager)
    }

    fn version(&self) -> ProductVersion {
        self.setup.version
    }

    fn jitter(&self) -> f64 {
        let mut byte = [0_u8; 1];
        // Without randomness nothing is spread, which is no fault.
        let _ = getrandom::fill(&mut byte);
        f64::from(byte[0]) / 255.0
    }
}
