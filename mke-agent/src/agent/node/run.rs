//! The loop of a node's agent: whenever something happened, look, decide, and let `ucp-reconcile` do what is to be done.
//!
//! It never changes the node itself, so that what may change it runs only while there is something to change (ARCH-005).
//! When it starts it looks at what is there and touches nothing that is as wanted (ARCH-002). It wakes up for events, for
//! new specifications, for a heartbeat every [`BEAT`], and for a look into the volumes every [`LOOK`].

use std::sync::Arc;
use std::time::Duration;

use mke_core::causes::chain;
use mke_core::product::Role;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::decide::{Decision, carries_msr, components, decide, is_upgrade};
use super::world::{Hands, Local, Specs, Stage};
use crate::life::report::{ComponentReport, ComponentState, LocalSwarm, OutcomeReport, Phase, Report};
use crate::node::WireSpec;
use crate::node::runtime::STEADY;
use crate::steps::{self, STEP};

/// How often managers hear of the node: twice within the window of a heartbeat, and sooner after a report that nobody took.
pub const BEAT: Duration = STEP;
/// Rest before a report is told again that nobody took.
const BEAT_AGAIN: Duration = Duration::from_secs(1);
/// How often `ucp-reconcile` looks into the volumes although nothing happened: certificates grow old silently.
pub const LOOK: Duration = Duration::from_secs(6 * 3600);
/// The first rest after a failure; it doubles with every further one.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How often is looked at a store that takes no writes.
const LOSS_REST: Duration = Duration::from_secs(3);
/// How long a node that just got its certificate waits to be told what is wanted before it does what it remembers.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// Rest before the turn is asked for again, and before looking again at what another node must do first.
const TURN_REST: Duration = Duration::from_secs(3);
/// How long after an attempt that failed nothing that happens on the node counts: an attempt makes dozens of events itself, and
/// components that it started and that end at once make more.
pub const ECHO: Duration = Duration::from_secs(5);

/// How long to rest after so many failures in a row, spread by a quarter so that nodes that failed together do not come
/// back together. `jitter` lies between 0 and 1.
pub fn rest(failures: u32, jitter: f64) -> Duration {
    let doubled =
        FIRST_REST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled
        .min(LONGEST_REST)
        .mul_f64(0.75 + 0.25 * jitter.clamp(0.0, 1.0))
}

/// The agent of a node.
pub struct NodeAgent<H> {
    hands: Arc<H>,
    role: Role,
    spec: Option<WireSpec>,
    /// Whether a manager has told the specification since this agent began. One that is only remembered may be older than
    /// the label that holds the node back.
    told: bool,
    local: Local,
    /// Attempts in a row that did not bring the node to what is wanted.
    failures: u32,
    /// Times in a row that `ucp-reconcile` did its work and the node was not as wanted then.
    vain: u32,
    outcomes: Vec<OutcomeReport>,
    said: watch::Sender<Report>,
    /// When volumes are to be looked into again, whatever happens until then.
    look_at: Instant,
    /// Whether volumes are to be looked into at the next occasion.
    must_look: bool,
    /// When the certificate for the role came.
    enrolled_at: Option<Instant>,
    /// Whether no manager takes reports; on managers it says that the store takes no writes.
    deaf: watch::Sender<bool>,
    /// Since when this manager is the last one.
    alone_since: Option<Instant>,
    /// What was last said about a store that takes no writes.
    loss_said: String,
}

/// What one look led to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Wait for something to happen.
    Wait,
    /// Look again after this, or as soon as something happens.
    After(Duration),
    /// Try again after this. What happens on the node ends it sooner, but not within [`ECHO`]: else each attempt would be
    /// the reason for the next one.
    Rest(Duration),
}

impl<H: Hands> NodeAgent<H> {
    /// An agent for a node with this role.
    pub fn new(hands: H, role: Role) -> Self {
        let report = Report {
            role,
            engine_id: String::new(),
            engine_version: String::new(),
            agent_version: hands.version().to_string(),
            swarm: LocalSwarm::default(),
            phase: Phase::Starting,
            components: Vec::new(),
            outcomes: Vec::new(),
            spec: 0,
            msr: false,
            lost_member: None,
        };
        Self {
            spec: hands.recall().filter(|spec| spec.node.role == role),
            told: false,
            hands: Arc::new(hands),
            role,
            local: Local::default(),
            failures: 0,
            vain: 0,
            outcomes: Vec::new(),
            said: watch::Sender::new(report),
            look_at: Instant::now() + LOOK,
            must_look: false,
            enrolled_at: None,
            deaf: watch::Sender::new(false),
            alone_since: None,
            loss_said: String::new(),
        }
    }

    /// What the agent says of its node, now and whenever that changes.
    pub fn reports(&self) -> watch::Receiver<Report> {
        self.said.subscribe()
    }

    /// Works until it is dropped.
    pub async fn run(mut self, specs: impl Specs) {
        let (found, mut specs_found) = mpsc::channel(1);
        let hands = self.hands.clone();
        let (beats, deaf) = (self.said.subscribe(), self.deaf.clone());
        tokio::select! {
            () = follow(specs, found) => {}
            () = keep_reporting(&*hands, beats, &deaf) => {}
            () = self.work(&mut specs_found) => {}
        }
    }

    async fn work(&mut self, specs: &mut mpsc::Receiver<WireSpec>) {
        let mut deaf = self.deaf.subscribe();
        loop {
            let next = self.turn().await;
            let mut wake = match next {
                Next::Wait => self.look_at,
                Next::After(rest) | Next::Rest(rest) => (Instant::now() + rest).min(self.look_at),
            };
            if self.has_lost_store() {
                wake = wake.min(Instant::now() + LOSS_REST);
            }
            let hands = self.hands.clone();
            if let Next::Rest(rest) = next {
                tokio::select! {
                    spec = specs.recv() => match spec {
                        Some(spec) => {
                            self.take(spec);
                            continue;
                        }
                        None => return,
                    },
                    () = sleep(rest.min(ECHO)) => {}
                }
                hands.seen().await;
            }
            tokio::select! {
                spec = specs.recv() => match spec {
                    Some(spec) => self.take(spec),
                    None => return,
                },
                () = hands.changed() => {}
                Ok(()) = deaf.changed() => {}
                () = sleep_until(wake) => {}
            }
            if Instant::now() >= self.look_at {
                self.look_soon();
            }
        }
    }

    fn take(&mut self, spec: WireSpec) {
        self.told = true;
        if self.spec.as_ref().map(|known| known.revision) == Some(spec.revision) {
            return;
        }
        tracing::info!(
            revision = spec.revision,
            version = %self.hands.version(),
            managers = spec.cluster.managers.len(),
            "a new specification"
        );
        if let Err(error) = self.hands.remember(&spec) {
            tracing::warn!(
                "the specification cannot be kept for a start without managers: {}",
                chain(&*error)
            );
        }
        // What is wanted now may work where the former did not.
        self.failures = 0;
        // Names and authorities of certificates may be others, which only a look into the volumes shows.
        self.look_soon();
        self.spec = Some(spec);
    }

    fn look_soon(&mut self) {
        self.must_look = true;
        self.look_at = Instant::now() + LOOK;
    }

    /// Looks once, and acts when there is something to do.
    async fn turn(&mut self) -> Next {
        match self.hands.local().await {
            Ok(local) => self.local = local,
            Err(error) => {
                return self.failed(&format!("the engine does not say who it is: {}", chain(&*error)));
            }
        }
        let Some(mut spec) = self.spec.clone() else {
            // Without a certificate no manager says anything: getting one is the first thing to do.
            return self.enrol().await;
        };
        // A node that was promoted has the certificate of a worker, to which nobody tells anything that managers must know.
        // When there is none to be had now, what can be done without is done in between.
        if self.role == Role::Manager && self.failures.is_multiple_of(2) && !self.hands.is_enrolled() {
            return self.enrol().await;
        }
        // What is remembered was told before the promotion was known everywhere.
        if let Some(at) = self.enrolled_at
            && !self.told
            && at.elapsed() < TOLD_WITHIN
        {
            return Next::After(TOLD_WITHIN.saturating_sub(at.elapsed()));
        }
        spec.node.engine = self.local.engine.clone();
        spec.node.cores = self.local.cores;
        spec.cluster.version = self.hands.version();
        if spec.node.role != self.role {
            // The swarm is about to replace this agent by that of the other role.
            self.say(Phase::Waiting, Some(&spec));
            return Next::Wait;
        }
        let observed = match self.hands.observe(&spec).await {
            Ok(observed) => observed,
            Err(error) => return self.failed(&chain(&error)),
        };
        if self.has_lost_store() {
            self.consider_alone(&mut spec).await;
        } else if self.role == Role::Manager {
            self.alone_since = None;
            spec.state = self.hands.state(&spec).await;
        }
        let parts = components(&spec, &observed);
        let (msr, lost) = (carries_msr(&observed), self.hands.lost_member());
        self.said.send_if_modified(|report| {
            let changed = report.components != parts || report.msr != msr || report.lost_member != lost;
            report.components.clone_from(&parts);
            report.msr = msr;
            report.lost_member.clone_from(&lost);
            changed
        });
        let is_untold = !self.told && !spec.cluster.store_alone;
        let mut decision = match is_untold && is_upgrade(&spec, &observed) {
            true => Decision::Held,
            false => decide(&spec, &observed),
        };
        if decision == Decision::NeedsTurn {
            match self.hands.take_turn().await {
                Ok(true) => {
                    spec.state.turn = Some(spec.node.id.clone());
                    decision = decide(&spec, &observed);
                }
                Ok(false) => {
                    self.say(Phase::Waiting, Some(&spec));
                    return Next::After(TURN_REST);
                }
                Err(error) => return self.failed(&format!("no turn among the managers: {}", chain(&*error))),
            }
        }
        match decision {
            Decision::Paused => {
                self.say(Phase::Paused, Some(&spec));
                Next::Wait
            }
            Decision::Held => {
                tracing::debug!("the node is held back on the version that it has");
                self.hands.give_turn().await;
                self.say(Phase::Waiting, Some(&spec));
                Next::Wait
            }
            Decision::Settled if !self.must_look => {
                self.settled(&spec).await;
                // Nothing tells that it runs steadily again.
                let unwell = |part: &ComponentReport| part.state == ComponentState::Unhealthy;
                match parts.iter().any(unwell) {
                    true => Next::After(STEADY),
                    false => Next::Wait,
                }
            }
            Decision::Settled => self.reconcile(Some(&spec), "a look into the volumes").await,
            Decision::Later(why) => {
                tracing::debug!(why, "another node must be done first");
                self.say(Phase::Waiting, Some(&spec));
                Next::After(TURN_REST)
            }
            Decision::NeedsTurn => {
                self.say(Phase::Waiting, Some(&spec));
                Next::After(TURN_REST)
            }
            Decision::Refused(why) => {
                self.hands.give_turn().await;
                if self.said.borrow().phase != (Phase::Refused { why: why.clone() }) {
                    tracing::error!(why, "what would have to be done is refused");
                }
                self.say(Phase::Refused { why }, Some(&spec));
                Next::After(LONGEST_REST)
            }
            Decision::Reconcile(plan) => {
                let first = plan.steps.first().map(ToString::to_string).unwrap_or_default();
                let why = format!("{} steps, first: {first}", plan.steps.len());
                self.reconcile(Some(&spec), &why).await
            }
        }
    }

    async fn settled(&mut self, spec: &WireSpec) {
        if self.failures > 0 {
            tracing::info!(attempts = self.failures, "the node is as wanted again");
        }
        self.failures = 0;
        self.vain = 0;
        self.hands.give_turn().await;
        self.say(Phase::Settled, Some(spec));
    }

    /// Gets the first certificate of the node in its role, then waits to be told what is wanted.
    async fn enrol(&mut self) -> Next {
        if self.hands.is_enrolled() {
            if !matches!(self.said.borrow().phase, Phase::Starting) {
                self.say(Phase::Starting, None);
            }
            self.failures = 0;
            return Next::Wait;
        }
        let why = "the node has no certificate for its role yet";
        let next = self.reconcile(None, why).await;
        self.enrolled_at = self.hands.is_enrolled().then(Instant::now);
        next
    }

    async fn reconcile(&mut self, spec: Option<&WireSpec>, why: &str) -> Next {
        tracing::info!(why, "ucp-reconcile begins");
        let said = self.said.clone();
        let stage = move |stage: Stage| {
            said.send_if_modified(|report| {
                let phase = match stage {
                    Stage::Begun => Phase::Beginning,
                    Stage::Works => Phase::Reconciling,
                };
                let changed = report.phase != phase;
                report.phase = phase;
                changed
            });
        };
        let done = self.hands.reconcile(spec, &stage).await;
        match done {
            Ok(outcomes) => {
                let failed = outcomes.iter().find_map(|outcome| {
                    let error = outcome.error.as_ref()?;
                    Some(format!("{}: {error}", outcome.step))
                });
                for outcome in &outcomes {
                    match &outcome.error {
                        None => tracing::info!("done: {}", outcome.step),
                        Some(error) => tracing::warn!("failed: {}: {error}", outcome.step),
                    }
                }
                if !outcomes.is_empty() {
                    self.outcomes = outcomes;
                }
                match failed {
                    Some(why) => self.failed(&why),
                    None => {
                        self.must_look = false;
                        // Whether it is enough is seen by the next look. Only that one counts as success, so that a step
                        // that does not bring what it promises cannot keep the loop busy.
                        self.vain = self.vain.saturating_add(1);
                        match self.vain {
                            1 => Next::After(Duration::ZERO),
                            more => Next::Rest(rest(more, self.hands.jitter())),
                        }
                    }
                }
            }
            Err(error) => self.failed(&chain(&*error)),
        }
    }

    /// Says what failed, and rests.
    fn failed(&mut self, why: &str) -> Next {
        self.failures = self.failures.saturating_add(1);
        let pause = rest(self.failures, self.hands.jitter());
        tracing::warn!(
            attempts = self.failures,
            seconds = pause.as_secs(),
            "trying again: {why}"
        );
        let phase = Phase::Failed {
            why: why.to_owned(),
            attempts: self.failures,
        };
        self.say(phase, None);
        Next::Rest(pause)
    }

    fn say(&self, phase: Phase, spec: Option<&WireSpec>) {
        self.said.send_if_modified(|report| {
            let mut next = report.clone();
            next.phase = phase;
            next.role = self.role;
            next.engine_id.clone_from(&self.local.engine.id);
            next.engine_version.clone_from(&self.local.engine.version);
            next.swarm = self.local.swarm;
            next.outcomes.clone_from(&self.outcomes);
            if let Some(spec) = spec {
                next.spec = spec.revision;
            }
            let next = next.fitted();
            let changed = *report != next;
            *report = next;
            changed
        });
    }
}

/// Hands on every specification that is another one than before.
async fn follow(mut specs: impl Specs, found: mpsc::Sender<WireSpec>) {
    // What is only remembered is told once more, so that it is known to be still so.
    let mut known = None;
    let mut failures = 0_u32;
    loop {
        match specs.next(known).await {
            Ok(Some(spec)) => {
                if failures > 0 {
                    tracing::info!("a manager answers again");
                }
                failures = 0;
                known = Some(spec.revision);
                if found.send(spec).await.is_err() {
                    return;
                }
            }
            Ok(None) => failures = 0,
            Err(error) => {
                failures = failures.saturating_add(1);
                // Once is news; the rest goes on until it is over.
                if failures == 1 {
                    tracing::warn!(
                        "no manager says what is wanted, the node goes on as it is: {}",
                        chain(&*error)
                    );
                }
                sleep(rest(failures.min(4), 0.5)).await;
            }
        }
    }
}

/// Tells the managers how the node does: at once when that changes, else every [`BEAT`].
async fn keep_reporting<H: Hands>(hands: &H, mut said: watch::Receiver<Report>, deaf: &watch::Sender<bool>) {
    let mut silent = false;
    loop {
        let report = said.borrow_and_update().clone();
        match hands.report(&report).await {
            Ok(()) => silent = false,
            Err(error) if !silent => {
                tracing::warn!("no manager takes the report of this node: {}", chain(&*error));
                silent = true;
            }
            Err(_) => {}
        }
        deaf.send_if_modified(|deaf| std::mem::replace(deaf, silent) != silent);
        tokio::select! {
            changed = said.changed() => if changed.is_err() { return },
            () = steps::pass(1), if !silent => {}
            () = sleep(BEAT_AGAIN), if silent => {}
        }
    }
}

mod loss;
#[cfg(test)]
mod tests;
