//! A simulated cluster: nodes in memory, and just enough of what surrounds their agents to let them act.

use std::collections::{BTreeMap, BTreeSet};

use mke_agent::node::{
    Action, ClusterSpec, ClusterState, ContainerState, Desired, FakeNode, Faults, ManagerFacts, ManagerState,
    NodeFacts, Observed, Plan, Purpose, StoreHealth, StoreMember, apply, check, plan,
};
use mke_core::product::{Role, labels, quorum};

use super::world::{CLUSTER, cluster, node};

/// One node and who is responsible for it.
pub(crate) struct Member {
    pub(crate) facts: NodeFacts,
    pub(crate) fake: FakeNode,
    /// What was wanted when it was last asked, with what it followed from.
    wanted: Option<(u64, Desired)>,
}

/// A simulated cluster.
pub(crate) struct Cluster {
    pub(crate) spec: ClusterSpec,
    pub(crate) nodes: Vec<Member>,
    /// Places of those that are or were managers: nobody else has anything to do with the store.
    notable: BTreeSet<usize>,
    turn: Option<String>,
    revision: u64,
    /// How many plans were made, and how many steps tried.
    pub(crate) plans: u64,
    pub(crate) steps: u64,
}

impl Cluster {
    /// So many managers and workers, with nothing on them. The store begins with the first manager.
    pub(crate) fn new(managers: u32, workers: u32, config: &str) -> Self {
        let mut spec = cluster(managers, config);
        spec.store_members.truncate(1);
        let member = |number| {
            let role = if number < managers {
                Role::Manager
            } else {
                Role::Worker
            };
            Member {
                facts: node(number, role),
                fake: FakeNode::new(CLUSTER),
                wanted: None,
            }
        };
        Self {
            spec,
            nodes: (0..managers + workers).map(member).collect(),
            notable: (0..managers as usize).collect(),
            turn: None,
            revision: 0,
            plans: 0,
            steps: 0,
        }
    }

    /// The cluster's specification changes.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut ClusterSpec)) {
        change(&mut self.spec);
        self.revision += 1;
    }

    /// A node gets another role.
    pub(crate) fn give_role(&mut self, place: usize, role: Role) {
        self.nodes[place].facts.role = role;
        self.notable.insert(place);
        let managers = self
            .of_role(Role::Manager)
            .map(|member| ManagerFacts {
                id: member.facts.id.clone(),
                hostname: member.facts.hostname.clone(),
                address: member.facts.address,
                sans: String::new(),
            })
            .collect();
        self.change(|spec| spec.managers = managers);
    }

    /// Things go wrong from now on.
    pub(crate) fn set_faults(&self, seed: u64, of_thousand: u32) {
        for (place, member) in self.nodes.iter().enumerate() {
            member.fake.set_faults(Faults {
                seed: seed.wrapping_mul(1_000_003).wrapping_add(place as u64),
                fail: of_thousand / 2,
                half_done: of_thousand / 4,
                crash: of_thousand / 4,
            });
        }
    }

    /// Those that are or were managers, and have this role now.
    fn of_role(&self, role: Role) -> impl Iterator<Item = &Member> {
        let notable = self.notable.iter().map(|place| &self.nodes[*place]);
        notable.filter(move |member| member.facts.role == role)
    }

    fn store_of(&self, member: &Member) -> StoreHealth {
        let is_member = self
            .spec
            .store_members
            .iter()
            .any(|other| other.id == member.facts.id);
        let runs = |observed: &Observed| {
            observed
                .containers
                .get("ucp-kv")
                .is_some_and(|found| found.state == ContainerState::Running)
        };
        let mut running = false;
        member.fake.meddle(|observed| running = runs(observed));
        match (is_member, running) {
            (false, _) => StoreHealth::NoMember,
            (true, true) => StoreHealth::Healthy,
            (true, false) => StoreHealth::Unhealthy,
        }
    }

    /// How the managers do: what every agent is told.
    pub(crate) fn state(&self) -> ClusterState {
        let mut managers: Vec<ManagerState> = self
            .of_role(Role::Manager)
            .map(|member| ManagerState {
                id: member.facts.id.clone(),
                store: self.store_of(member),
                healthy: true,
            })
            .collect();
        // One that was demoted counts until the cluster agent took it out of the store.
        for member in self.of_role(Role::Worker) {
            let store = self.store_of(member);
            if store != StoreHealth::NoMember {
                managers.push(ManagerState {
                    id: member.facts.id.clone(),
                    store,
                    healthy: false,
                });
            }
        }
        ClusterState {
            managers,
            turn: self.turn.clone(),
        }
    }

    fn healthy_members(&self, state: &ClusterState) -> (usize, usize) {
        let members = state
            .managers
            .iter()
            .filter(|manager| manager.store != StoreHealth::NoMember);
        let healthy = members
            .clone()
            .filter(|manager| manager.store == StoreHealth::Healthy);
        (healthy.count(), members.count())
    }

    fn has_quorum(&self, state: &ClusterState) -> bool {
        let (healthy, all) = self.healthy_members(state);
        healthy as u32 >= quorum(all as u32)
    }

    /// What the cluster agent does: one member in or out at a time, while the store can take it.
    fn keep_members(&mut self) {
        let state = self.state();
        let (healthy, all) = self.healthy_members(&state);
        if !self.has_quorum(&state) {
            return;
        }
        let managers: BTreeSet<&String> = self.spec.managers.iter().map(|manager| &manager.id).collect();
        let out = self
            .spec
            .store_members
            .iter()
            .position(|member| !managers.contains(&member.id));
        if let Some(out) = out {
            self.change(|spec| drop(spec.store_members.remove(out)));
            return;
        }
        if healthy < all {
            return;
        }
        let fresh = self.spec.managers.iter().find(|manager| {
            !self
                .spec
                .store_members
                .iter()
                .any(|member| member.id == manager.id)
        });
        if let Some(fresh) = fresh {
            let member = StoreMember {
                id: fresh.id.clone(),
                address: fresh.address,
                member: None,
            };
            self.change(|spec| spec.store_members.push(member));
        }
    }

    /// Every agent gets to act once. Says whether any had something to do.
    pub(crate) async fn round(&mut self) -> bool {
        self.keep_members();
        let mut busy = false;
        for place in 0..self.nodes.len() {
            busy |= self.act(place).await;
        }
        busy || self.spec.store_members.len() != self.spec.managers.len()
    }

    /// One agent looks, plans and has the plan carried out.
    async fn act(&mut self, place: usize) -> bool {
        let state = self.state();
        let revision = self.revision;
        let member = &mut self.nodes[place];
        // Whoever died half-way is followed by somebody else.
        member.fake.revive();
        if member
            .wanted
            .as_ref()
            .is_none_or(|(known, desired)| *known != revision || desired.role != member.facts.role)
        {
            member.wanted = Some((revision, Desired::of(&self.spec, &member.facts)));
        }
        let member = &self.nodes[place];
        let Some((_, desired)) = &member.wanted else {
            return false;
        };
        let observed = member.fake.look();
        self.plans += 1;
        let plan_now = plan(desired, &observed, &state, Purpose::Converge);
        if plan_now.is_empty() {
            return plan_now.blocked.iter().any(|blocked| blocked.later);
        }
        let (state, plan_now) = match self.take_turn(&member.facts, desired, &observed, state, plan_now) {
            Some(ready) => ready,
            None => return true,
        };
        let had_quorum = self.has_quorum(&state);
        let checked = check(plan_now, desired, &observed, &state)
            .unwrap_or_else(|refusals| panic!("{}: {refusals:?}", member.facts.id));
        self.steps += checked.plan().steps.len() as u64;
        let takes_store = checked
            .plan()
            .steps
            .iter()
            .any(|step| matches!(&step.action, Action::StopContainer { name, .. } if name == "ucp-kv"));
        apply(&member.fake, checked, |_| {}).await;
        // However far it came: the store goes on when it went on before.
        if takes_store && had_quorum && self.spec.store_members.len() > 2 {
            let after = self.state();
            assert!(
                self.has_quorum(&after),
                "{} took the quorum away",
                self.nodes[place].facts.id
            );
        }
        self.turn = None;
        true
    }

    /// The plan as it may be carried out: with the turn when nothing else is left, which is to be had only while the store
    /// answers.
    fn take_turn(
        &self,
        facts: &NodeFacts,
        desired: &Desired,
        observed: &Observed,
        state: ClusterState,
        plan_now: Plan,
    ) -> Option<(ClusterState, Plan)> {
        if facts.role == Role::Worker || !plan_now.needs_turn() || state.has_turn(&facts.id) {
            return Some((state, plan_now));
        }
        let mut state = state;
        if self.has_quorum(&state) {
            state.turn = Some(facts.id.clone());
            let plan_now = plan(desired, observed, &state, Purpose::Converge);
            return Some((state, plan_now));
        }
        None
    }

    /// Lets the agents act until nobody has anything to do. Says how many rounds it took.
    pub(crate) async fn settle(&mut self, most: usize) -> usize {
        for round in 1..=most {
            if !self.round().await {
                return round;
            }
        }
        let state = self.state();
        for member in &self.nodes {
            let desired = Desired::of(&self.spec, &member.facts);
            let left = plan(&desired, &member.fake.look(), &state, Purpose::Converge);
            assert!(
                left.is_empty() && left.blocked.is_empty(),
                "{} after {most} rounds: {left} {state:#?}",
                member.facts.id
            );
        }
        panic!(
            "not settled after {most} rounds: {:?} {state:?}",
            self.spec.store_members
        );
    }

    /// What counts about every node in the end: which containers of which description do what, which volumes, networks and
    /// images there are.
    pub(crate) fn picture(&self) -> Vec<NodePicture> {
        self.nodes
            .iter()
            .map(|member| NodePicture::of(&member.fake.look()))
            .collect()
    }
}

/// What counts about a node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NodePicture {
    containers: BTreeMap<String, (BTreeMap<String, String>, ContainerState)>,
    volumes: BTreeMap<String, String>,
    networks: BTreeSet<String>,
}

impl NodePicture {
    fn of(observed: &Observed) -> Self {
        let containers = observed.containers.iter();
        Self {
            containers: containers
                .map(|(name, found)| {
                    let mut kept = found.labels.clone();
                    // How it began depends on what happened before.
                    kept.remove(labels::FIRST_START);
                    (name.clone(), (kept, found.state))
                })
                .collect(),
            volumes: observed
                .volumes
                .iter()
                .map(|(name, found)| (name.clone(), found.driver.clone()))
                .collect(),
            networks: observed.networks.keys().cloned().collect(),
        }
    }
}
