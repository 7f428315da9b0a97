//! What the loop of a node's agent needs from the world. Programs give it the engine and the managers, tests a fake node
//! and a clock of their own.

use std::future::Future;

use mke_core::product::ProductVersion;

use crate::kv::alone::Verdict;
use crate::life::Report;
use crate::life::report::{LocalSwarm, OutcomeReport};
use crate::node::{ClusterState, EngineFacts, ObserveError, Observed, WireSpec};

/// Why something could not be done; with all its causes.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where specifications come from.
pub trait Specs: Send + 'static {
    /// Waits for a specification with another revision than `after`, or for some time.
    ///
    /// # Errors
    /// When nobody who could say it answers. Trying again at once is allowed: implementations rest by themselves.
    fn next(&mut self, after: Option<u64>) -> impl Future<Output = Result<Option<WireSpec>, Failure>> + Send;
}

/// What is known about the node's engine at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Local {
    /// Its facts.
    pub engine: EngineFacts,
    /// Its part in the swarm.
    pub swarm: LocalSwarm,
    /// How many processor cores it has.
    pub cores: Option<u32>,
}

/// How far `ucp-reconcile` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It was started.
    Begun,
    /// It has said something.
    Works,
}

/// The node itself.
pub trait Hands: Send + Sync + 'static {
    /// Waits until something happened on the node.
    fn changed(&self) -> impl Future<Output = ()> + Send;

    /// What happened until now is no news any more: [`Self::changed`] waits for something later.
    fn seen(&self) -> impl Future<Output = ()> + Send;

    /// Asks the engine about itself.
    ///
    /// # Errors
    /// The engine's.
    fn local(&self) -> impl Future<Output = Result<Local, Failure>> + Send;

    /// Looks at the node.
    ///
    /// # Errors
    /// [`ObserveError`].
    fn observe(&self, spec: &WireSpec) -> impl Future<Output = Result<Observed, ObserveError>> + Send;

    /// What the member of the store on this manager is to do when the store takes no writes.
    ///
    /// # Errors
    /// When that cannot be found out, also because the swarm has no leader.
    fn verdict(&self, spec: &WireSpec) -> impl Future<Output = Result<Verdict, Failure>> + Send;

    /// How the managers do now, for a plan of a manager. What cannot be found out is as it was in the specification.
    fn state(&self, spec: &WireSpec) -> impl Future<Output = ClusterState> + Send;

    /// Runs `ucp-reconcile` to its end: one that runs already is waited for first. `stage` is told how far it is. Gives
    /// what it did, in order; steps that failed are among it. Without a specification it only gets the node's first
    /// certificate, which it takes to be told anything.
    ///
    /// # Errors
    /// When it could not be started, or ended without doing its work.
    fn reconcile(
        &self,
        spec: Option<&WireSpec>,
        stage: &(dyn Fn(Stage) + Send + Sync),
    ) -> impl Future<Output = Result<Vec<OutcomeReport>, Failure>> + Send;

    /// Whether the node has a certificate to show to managers.
    fn is_enrolled(&self) -> bool;

    /// Takes the turn among the managers, or keeps it when this node has it. Says whether it has it now.
    ///
    /// # Errors
    /// When nobody can say.
    fn take_turn(&self) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// Gives the turn back.
    fn give_turn(&self) -> impl Future<Output = ()> + Send;

    /// Tells the managers how the node does; the same again says that it lives.
    ///
    /// # Errors
    /// When no manager takes it.
    fn report(&self, report: &Report) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Keeps the last good specification for a start without managers.
    ///
    /// # Errors
    /// When it cannot be written.
    fn remember(&self, spec: &WireSpec) -> Result<(), Failure>;

    /// The specification that was kept.
    fn recall(&self) -> Option<WireSpec>;

    /// The id of the store's member on this node that lost its data, as the last `ucp-reconcile` found it.
    fn lost_member(&self) -> Option<String>;

    /// The version of this agent: what its node shall have.
    fn version(&self) -> ProductVersion;

    /// A number between 0 and 1, for spreading attempts.
    fn jitter(&self) -> f64;
}
