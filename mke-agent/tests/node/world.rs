//! Clusters and nodes for tests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use mke_agent::node::{
    Action, ClusterSpec, ClusterState, Desired, EngineFacts, FakeNode, ManagerFacts, ManagerState, NodeFacts,
    Observed, Outcome, Plan, Purpose, Runtime, StoreHealth, StoreMember, apply, check, plan,
};
use mke_core::config::Config;
use mke_core::product::{Os, ProductVersion, Role};

/// The id of the tests' installation.
pub(crate) const CLUSTER: &str = "c1uster";

pub(crate) fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + number + 1))
}

/// The node with a number; managers come first.
pub(crate) fn node(number: u32, role: Role) -> NodeFacts {
    NodeFacts {
        id: format!("node{number:05}"),
        hostname: format!("n{number}"),
        role,
        os: Os::Linux,
        address: address(number),
        labels: BTreeMap::new(),
        engine: EngineFacts::default(),
        cores: None,
    }
}

/// A cluster of so many managers, all of them members of the store.
pub(crate) fn cluster(managers: u32, config: &str) -> ClusterSpec {
    let facts: Vec<ManagerFacts> = (0..managers)
        .map(|number| ManagerFacts {
            id: node(number, Role::Manager).id,
            hostname: format!("n{number}"),
            address: address(number),
            sans: String::new(),
        })
        .collect();
    ClusterSpec {
        cluster_id: CLUSTER.to_owned(),
        version: ProductVersion::new(3, 4, 15),
        organisation: "mirantis".to_owned(),
        config: Arc::new(Config::parse(config).unwrap()),
        store_members: facts
            .iter()
            .map(|manager| StoreMember {
                id: manager.id.clone(),
                address: manager.address,
                member: None,
            })
            .collect(),
        managers: facts,
        interlock: false,
        store_alone: false,
    }
}

/// Without Kubernetes.
pub(crate) const SWARM_ONLY: &str = "[cluster_config]\n  swarm_only = true\n";

/// Every manager does well, and it is nobody's turn.
pub(crate) fn well(managers: u32) -> ClusterState {
    ClusterState {
        managers: (0..managers)
            .map(|number| ManagerState {
                id: node(number, Role::Manager).id,
                store: StoreHealth::Healthy,
                healthy: true,
            })
            .collect(),
        turn: None,
    }
}

/// The same, and it is the turn of one.
pub(crate) fn turn(managers: u32, number: u32) -> ClusterState {
    ClusterState {
        turn: Some(node(number, Role::Manager).id),
        ..well(managers)
    }
}

/// One line for each step, without the reason.
pub(crate) fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.action.to_string()).collect()
}

/// Plans, checks and applies once.
pub(crate) async fn once(fake: &FakeNode, desired: &Desired, state: &ClusterState) -> Vec<Outcome> {
    let observed = fake.observe().await.unwrap();
    let plan = plan(desired, &observed, state, Purpose::Converge);
    let checked = check(plan, desired, &observed, state).unwrap_or_else(|refusals| panic!("{refusals:?}"));
    apply(fake, checked, |_| {}).await
}

/// A node that is as it is wanted.
pub(crate) async fn settled(desired: &Desired, state: &ClusterState) -> FakeNode {
    let fake = FakeNode::new(CLUSTER);
    let outcomes = once(&fake, desired, state).await;
    assert!(outcomes.iter().all(Outcome::is_done), "{outcomes:#?}");
    assert_eq!(lines(&again(&fake, desired, state)), Vec::<String>::new());
    fake
}

/// What is still to do.
pub(crate) fn again(fake: &FakeNode, desired: &Desired, state: &ClusterState) -> Plan {
    plan(desired, &fake.look(), state, Purpose::Converge)
}

/// A container of somebody else.
pub(crate) fn foreign(observed: &mut Observed, name: &str) {
    let container = mke_agent::node::ObservedContainer {
        id: format!("foreign-{name}"),
        image: "nginx:1".to_owned(),
        state: mke_agent::node::ContainerState::Running,
        ..Default::default()
    };
    observed.containers.insert(name.to_owned(), container);
}

/// Whether an action takes a container down.
pub(crate) fn stops(action: &Action, wanted: &str) -> bool {
    matches!(action, Action::StopContainer { name, .. } if name == wanted)
}
