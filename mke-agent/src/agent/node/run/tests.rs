//! The loop on a node in memory and a clock that jumps from one wake-up to the next.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use mke_core::config::Config;
use mke_core::product::{Os, ProductVersion, labels};
use tokio::sync::Notify;

use super::*;
use crate::agent::node::Failure;
use crate::kv::alone::Verdict;
use crate::node::{
    Action, ClusterSpec, ClusterState, ContainerState, Desired, EngineFacts, ManagerFacts, ManagerState,
    NodeFacts, ObserveError, Observed, ObservedContainer, ObservedNetwork, ObservedVolume, Plan, Purpose,
    StoreHealth, StoreMember, plan,
};

fn failure(text: &str) -> Failure {
    text.into()
}

/// Time passes, on the clock that jumps; nobody waits.
async fn passes(time: Duration) {
    sleep(time).await;
}

/// Stands among the steps for the node's certificate.
const ENROL: &str = "enrol";

/// A node in memory. What `ucp-reconcile` would do is done to [`Observed`] directly.
#[derive(Default)]
struct World {
    observed: Mutex<Observed>,
    happened: Notify,
    /// What the next attempts fail with.
    faults: Mutex<VecDeque<&'static str>>,
    /// Steps that were done, over all attempts.
    done: Mutex<Vec<String>>,
    attempts: AtomicUsize,
    observations: AtomicUsize,
    reports: AtomicUsize,
    phases: Mutex<Vec<Phase>>,
    remembered: Mutex<Option<WireSpec>>,
    enrolled: AtomicBool,
    /// Whether others have the turn.
    turn_taken: AtomicBool,
    managers_gone: AtomicBool,
    verdict: Mutex<Option<Verdict>>,
    lost_member: Mutex<Option<String>>,
}

struct FakeHands(Arc<World>);

impl Hands for FakeHands {
    async fn changed(&self) {
        self.0.happened.notified().await;
    }

    async fn seen(&self) {
        let _ = self.0.happened.notified().now_or_never();
    }

    async fn local(&self) -> Result<Local, Failure> {
        Ok(Local {
            engine: EngineFacts {
                id: "E1".to_owned(),
                ..EngineFacts::default()
            },
            swarm: LocalSwarm::Active,
            cores: None,
        })
    }

    async fn observe(&self, _: &WireSpec) -> Result<Observed, ObserveError> {
        self.0.observations.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.observed.lock().unwrap().clone())
    }

    async fn verdict(&self, _: &WireSpec) -> Result<Verdict, Failure> {
        let verdict = self.0.verdict.lock().unwrap().clone();
        verdict.ok_or_else(|| failure("the swarm has no leader"))
    }

    async fn state(&self, spec: &WireSpec) -> ClusterState {
        spec.state.clone()
    }

    async fn reconcile(
        &self,
        spec: Option<&WireSpec>,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> Result<Vec<OutcomeReport>, Failure> {
        self.0.attempts.fetch_add(1, Ordering::SeqCst);
        stage(Stage::Begun);
        passes(Duration::from_secs(1)).await;
        stage(Stage::Works);
        passes(Duration::from_secs(1)).await;
        // What it does makes events, and so does its own end.
        self.0.happened.notify_one();
        if let Some(fault) = self.0.faults.lock().unwrap().pop_front() {
            return Err(failure(fault));
        }
        let Some(spec) = spec else {
            self.0.enrolled.store(true, Ordering::SeqCst);
            self.0.done.lock().unwrap().push(ENROL.to_owned());
            return Ok(Vec::new());
        };
        let desired = Desired::of(&spec.cluster, &spec.node);
        let mut observed = self.0.observed.lock().unwrap();
        let plan = plan(&desired, &observed, &spec.state, Purpose::Converge);
        Ok(carry_out(&plan, &desired, &mut observed, &self.0.done))
    }

    fn is_enrolled(&self) -> bool {
        self.0.enrolled.load(Ordering::SeqCst)
    }

    async fn take_turn(&self) -> Result<bool, Failure> {
        Ok(!self.0.turn_taken.load(Ordering::SeqCst))
    }

    async fn give_turn(&self) {}

    async fn report(&self, report: &Report) -> Result<(), Failure> {
        self.0.reports.fetch_add(1, Ordering::SeqCst);
        let mut phases = self.0.phases.lock().unwrap();
        if phases.last() != Some(&report.phase) {
            phases.push(report.phase.clone());
        }
        match self.0.managers_gone.load(Ordering::SeqCst) {
            true => Err(failure("nobody answers")),
            false => Ok(()),
        }
    }

    fn remember(&self, spec: &WireSpec) -> Result<(), Failure> {
        *self.0.remembered.lock().unwrap() = Some(spec.clone());
        Ok(())
    }

    fn recall(&self) -> Option<WireSpec> {
        self.0.remembered.lock().unwrap().clone()
    }

    fn lost_member(&self) -> Option<String> {
        self.0.lost_member.lock().unwrap().clone()
    }

    fn version(&self) -> ProductVersion {
        ProductVersion::new(3, 4, 15)
    }

    fn jitter(&self) -> f64 {
        1.0
    }
}

/// Does what a plan says, as the engine would.
fn carry_out(
    plan: &Plan,
    desired: &Desired,
    observed: &mut Observed,
    done: &Mutex<Vec<String>>,
) -> Vec<OutcomeReport> {
    let ours = || [(labels::INSTANCE_ID.to_owned(), desired.cluster_id.clone())].into();
    let mut outcomes = Vec::new();
    for step in &plan.steps {
        match &step.action {
            Action::Pull(image) => {
                observed.images.insert(image.to_string());
            }
            Action::CreateNetwork(network) => {
                let made = ObservedNetwork {
                    driver: network.driver.clone(),
                    labels: ours(),
                    ..ObservedNetwork::default()
                };
                observed.networks.insert(network.name.clone(), made);
            }
            Action::CreateVolume(volume) => {
                let made = ObservedVolume {
                    driver: "local".to_owned(),
                    labels: ours(),
                    ..ObservedVolume::default()
                };
                observed.volumes.insert(volume.name.clone(), made);
            }
            Action::CreateContainer { name, spec } => {
                let mut own: std::collections::BTreeMap<String, String> = ours();
                own.insert(labels::SPEC.to_owned(), spec.digest());
                own.insert(labels::VERSION.to_owned(), spec.image.tag.clone());
                let made = ObservedContainer {
                    image: spec.image.to_string(),
                    labels: own,
                    ..ObservedContainer::default()
                };
                observed.containers.insert(name.clone(), made);
            }
            Action::StartContainer { name } => {
                if let Some(container) = observed.containers.get_mut(name) {
                    container.state = ContainerState::Running;
                }
            }
            Action::StopContainer { name, .. } => {
                if let Some(container) = observed.containers.get_mut(name) {
                    container.state = ContainerState::Exited;
                }
            }
            Action::RemoveContainer { name } => {
                observed.containers.remove(name);
            }
            Action::RenameContainer { from, to } => {
                if let Some(container) = observed.containers.remove(from) {
                    observed.containers.insert(to.clone(), container);
                }
            }
            _ => {}
        }
        done.lock().unwrap().push(step.action.to_string());
        outcomes.push(OutcomeReport {
            step: step.action.to_string(),
            error: None,
        });
    }
    outcomes
}

/// Specifications that the test hands out.
struct FakeSpecs(mpsc::UnboundedReceiver<WireSpec>);

impl Specs for FakeSpecs {
    async fn next(&mut self, _: Option<u64>) -> Result<Option<WireSpec>, Failure> {
        match self.0.recv().await {
            Some(spec) => Ok(Some(spec)),
            None => std::future::pending().await,
        }
    }
}

fn spec(role: Role, revision: u64) -> WireSpec {
    let address = [10, 0, 0, 1].into();
    let mut config = Config::default();
    config.cluster.swarm_only = true;
    WireSpec {
        revision,
        cluster: ClusterSpec {
            cluster_id: "cluster1".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            organisation: "mirantis".to_owned(),
            config: Arc::new(config),
            managers: vec![ManagerFacts {
                id: "n1".to_owned(),
                hostname: "host1".to_owned(),
                address,
                sans: String::new(),
            }],
            store_members: vec![StoreMember {
                id: "n1".to_owned(),
                address,
                member: None,
            }],
            interlock: false,
            store_alone: false,
        },
        node: NodeFacts {
            id: if role == Role::Manager { "n1" } else { "n2" }.to_owned(),
            hostname: "host".to_owned(),
            role,
            os: Os::Linux,
            address,
            labels: Default::default(),
            engine: EngineFacts::default(),
            cores: None,
        },
        state: ClusterState {
            managers: vec![ManagerState {
                id: "n1".to_owned(),
                store: StoreHealth::Healthy,
                healthy: true,
            }],
            turn: None,
        },
    }
}

/// A running agent.
struct Running {
    world: Arc<World>,
    specs: mpsc::UnboundedSender<WireSpec>,
    reports: watch::Receiver<Report>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(world: Arc<World>, role: Role) -> Self {
        let agent = NodeAgent::new(FakeHands(world.clone()), role);
        let reports = agent.reports();
        let (specs, found) = mpsc::unbounded_channel();
        let task = tokio::spawn(agent.run(FakeSpecs(found)));
        Self {
            world,
            specs,
            reports,
            task,
        }
    }

    /// Waits for a phase; the clock jumps meanwhile.
    async fn until(&mut self, wanted: impl Fn(&Phase) -> bool) -> Report {
        let found = self.reports.wait_for(|report| wanted(&report.phase));
        tokio::time::timeout(Duration::from_secs(3600), found)
            .await
            .expect("the phase comes")
            .expect("the agent runs")
            .clone()
    }

    async fn settled(&mut self) -> Report {
        self.until(|phase| *phase == Phase::Settled).await
    }

    /// Lets the agent look at what happened to the node.
    async fn happened(&mut self, change: impl FnOnce(&mut Observed)) {
        change(&mut self.world.observed.lock().unwrap());
        self.world.happened.notify_one();
        // The loop takes its turn before the clock moves.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    fn attempts(&self) -> usize {
        self.world.attempts.load(Ordering::SeqCst)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn enrolled() -> Arc<World> {
    let world = World::default();
    world.enrolled.store(true, Ordering::SeqCst);
    Arc::new(world)
}

/// ARCH-005, NST-004, NST-007: what is to be done is done by `ucp-reconcile`, and the phases say so on the way: just begun, at
/// work, done.
#[tokio::test(start_paused = true)]
async fn a_node_is_brought_to_what_is_wanted() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    let report = agent.settled().await;
    assert!(!report.components.is_empty());
    assert_eq!(report.unwell(), None);
    assert_eq!((report.spec, report.engine_id.as_str()), (1, "E1"));
    assert!(!report.outcomes.is_empty());
    passes(BEAT).await;
    let phases = agent.world.phases.lock().unwrap().clone();
    assert_eq!(
        phases,
        [
            Phase::Starting,
            Phase::Beginning,
            Phase::Reconciling,
            Phase::Settled
        ]
    );
}

/// ARCH-028, ARCH-004: whatever is taken away comes back; nothing else is touched.
#[tokio::test(start_paused = true)]
async fn what_is_taken_away_comes_back() {
    let mut agent = Running::start(enrolled(), Role::Manager);
    agent.specs.send(spec(Role::Manager, 1)).unwrap();
    let report = agent.settled().await;
    let names: Vec<String> = report.components.iter().map(|part| part.name.clone()).collect();
    assert!(names.iter().any(|name| name == "ucp-controller"), "{names:?}");
    for name in names {
        agent.world.done.lock().unwrap().clear();
        agent
            .happened(|observed| {
                observed.containers.remove(&name);
            })
            .await;
        agent.until(|phase| *phase == Phase::Reconciling).await;
        let report = agent.settled().await;
        assert_eq!(report.unwell(), None, "{name}");
        let done = agent.world.done.lock().unwrap().clone();
        assert!(done.iter().all(|step| step.contains(&name)), "{name}: {done:?}");
    }
}

/// ARCH-002: an agent that starts again touches nothing that is as wanted; with what it kept it needs no manager.
#[tokio::test(start_paused = true)]
async fn a_restart_redeploys_nothing() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.settled().await;
    let world = agent.world.clone();
    drop(agent);
    let (attempts, before) = (
        world.attempts.load(Ordering::SeqCst),
        world.observed.lock().unwrap().clone(),
    );
    world.managers_gone.store(true, Ordering::SeqCst);
    let mut again = Running::start(world.clone(), Role::Worker);
    again.settled().await;
    assert_eq!(again.attempts(), attempts);
    assert_eq!(*world.observed.lock().unwrap(), before);
    // And it still repairs.
    again
        .happened(|observed| {
            observed.containers.clear();
        })
        .await;
    again.until(|phase| *phase == Phase::Reconciling).await;
    assert_eq!(again.settled().await.unwell(), None);
}

/// A node without a certificate gets one first, and only then what it is told.
#[tokio::test(start_paused = true)]
async fn the_first_certificate() {
    let world = Arc::new(World::default());
    world.faults.lock().unwrap().push_back("no manager answers");
    let mut agent = Running::start(world.clone(), Role::Worker);
    agent.until(|phase| matches!(phase, Phase::Failed { .. })).await;
    agent.until(|phase| *phase == Phase::Starting).await;
    assert!(world.enrolled.load(Ordering::SeqCst));
    assert_eq!(agent.attempts(), 2);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.settled().await;
}

/// Certificates grow old without an event: volumes are looked into now and then, and a settled node stays settled.
#[tokio::test(start_paused = true)]
async fn volumes_are_looked_into() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.settled().await;
    let before = agent.attempts();
    passes(LOOK / 2).await;
    assert_eq!(agent.attempts(), before);
    passes(LOOK).await;
    assert_eq!(agent.attempts(), before + 1);
    agent.settled().await;
}

/// An idle agent is quiet: heartbeats and nothing else, one in four seconds.
#[tokio::test(start_paused = true)]
async fn idle_is_quiet() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.settled().await;
    let observed = agent.world.observations.load(Ordering::SeqCst);
    let reported = agent.world.reports.load(Ordering::SeqCst);
    passes(Duration::from_secs(300)).await;
    assert_eq!(agent.world.observations.load(Ordering::SeqCst), observed);
    let reports = agent.world.reports.load(Ordering::SeqCst) - reported;
    assert!((73..=74).contains(&reports), "{reports}");
}

mod held;
mod loss;
mod rests;
