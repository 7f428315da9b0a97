//! Plans, case by case: what is done, in which order, and what is left alone.

use mke_agent::node::{
    Action, CertificateNeed, ContainerState, Desired, FakeNode, ObservedNetwork, ObservedVolume, Outcome,
    Plan, Purpose, StepResult, StoreHealth, plan,
};
use mke_core::product::{ProductVersion, Role, labels};

use super::world::{
    CLUSTER, SWARM_ONLY, again, cluster, foreign, lines, node, once, settled, stops, turn, well,
};

fn worker() -> Desired {
    Desired::of(&cluster(1, SWARM_ONLY), &node(7, Role::Worker))
}

pub(crate) fn manager(number: u32) -> Desired {
    Desired::of(&cluster(3, SWARM_ONLY), &node(number, Role::Manager))
}

/// ARCH-002, ARCH-004, VOL-002: an empty worker gets network, volumes and components, in an order in which each finds
/// what it needs; the second plan is empty.
#[tokio::test]
async fn an_empty_worker() {
    let fake = FakeNode::new(CLUSTER);
    let plan = again(&fake, &worker(), &well(1));
    assert_eq!(
        lines(&plan),
        [
            "create network ucp-bridge",
            "create volume ucp-node-certs",
            "create volume mke-container-logs",
            "pull image mirantis/ucp-agent:3.4.15",
            "create container ucp-proxy from mirantis/ucp-agent:3.4.15",
            "start container ucp-proxy",
            "create container ucp-hardware-info from mirantis/ucp-agent:3.4.15",
            "start container ucp-hardware-info",
        ]
    );
    assert_eq!(
        plan.to_string().lines().next(),
        Some("1. create network ucp-bridge: it is missing")
    );
    settled(&worker(), &well(1)).await;
}

/// A plan is what it is after it was written and read.
#[test]
fn plans_can_be_kept() {
    let plan = again(&FakeNode::new(CLUSTER), &manager(0), &well(3));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// The step before each start of the store's member.
pub(crate) const LOOK: &str = "look whose data is in volume ucp-kv";

/// ARCH-002, ARCH-004: what stopped is started, what is gone is made, what is paused goes on; the rest is not touched.
#[tokio::test]
async fn components_come_back() {
    let (desired, state) = (manager(0), well(3));
    for (meddling, expected) in [
        ("exited", vec![LOOK, "start container ucp-kv"]),
        (
            "dead",
            vec![
                "create container ucp-kv-next from mirantis/ucp-etcd:3.4.15",
                "remove container ucp-kv",
                "rename container ucp-kv-next to ucp-kv",
                LOOK,
                "start container ucp-kv",
            ],
        ),
        ("created", vec![LOOK, "start container ucp-kv"]),
        ("paused", vec!["unpause container ucp-kv"]),
        ("restarting", vec![]),
        // Whoever keeps ending may have lost its data.
        (
            "looping",
            vec!["stop container ucp-kv", LOOK, "start container ucp-kv"],
        ),
        ("removing", vec![]),
        (
            "gone",
            vec![
                "create container ucp-kv from mirantis/ucp-etcd:3.4.15",
                LOOK,
                "start container ucp-kv",
            ],
        ),
    ] {
        let fake = settled(&desired, &state).await;
        fake.meddle(|observed| {
            if meddling == "gone" {
                observed.containers.remove("ucp-kv");
                return;
            }
            let kv = observed.containers.get_mut("ucp-kv").unwrap();
            kv.exit_code = 137;
            kv.looping = meddling == "looping";
            kv.state = match meddling {
                "exited" => ContainerState::Exited,
                "dead" => ContainerState::Dead,
                "created" => ContainerState::Created,
                "paused" => ContainerState::Paused,
                "restarting" | "looping" => ContainerState::Restarting,
                _ => ContainerState::Removing,
            };
        });
        let plan = again(&fake, &desired, &state);
        assert_eq!(lines(&plan), expected, "{meddling}");
        if meddling == "exited" {
            assert_eq!(plan.steps[1].reason, "it ended with code 137");
        }
    }
}

/// Another version or description is replaced beside the old container, so that the component is away only while one ends
/// and the other starts; the store comes last.
#[tokio::test]
async fn replacements() {
    let (before, state) = (manager(0), turn(3, 0));
    let fake = settled(&before, &state).await;
    let mut newer = cluster(3, SWARM_ONLY);
    newer.version = ProductVersion::new(3, 4, 16);
    let after = Desired::of(&newer, &node(0, Role::Manager));
    let plan = again(&fake, &after, &state);
    let lines = lines(&plan);
    let place = |line: &str| {
        lines
            .iter()
            .position(|other| other == line)
            .unwrap_or_else(|| panic!("{line}: {lines:#?}"))
    };
    assert!(place("pull image mirantis/ucp-etcd:3.4.16") < place("stop container ucp-kv"));
    let kv = place("stop container ucp-kv");
    assert_eq!(
        lines[kv - 2..=kv + 3],
        [
            "pull image mirantis/ucp-etcd:3.4.16",
            "create container ucp-kv-next from mirantis/ucp-etcd:3.4.16",
            "stop container ucp-kv",
            "remove container ucp-kv",
            "rename container ucp-kv-next to ucp-kv",
            "start container ucp-kv",
        ]
    );
    assert_eq!(kv + 4, lines.len(), "the store is last");
    assert!(!plan.wants_turn, "it has it");
    assert!(
        plan.steps[kv].reason.contains("3.4.15"),
        "{}",
        plan.steps[kv].reason
    );
    let outcomes = once(&fake, &after, &state).await;
    assert!(outcomes.iter().all(Outcome::is_done));
    assert!(again(&fake, &after, &state).is_empty());
}

/// A replacement that was broken off anywhere goes on where it stopped.
#[tokio::test]
async fn broken_off_replacements_go_on() {
    let (before, state) = (manager(0), turn(3, 0));
    let after = Desired::of(
        &cluster(
            3,
            "[cluster_config]\n  swarm_only = true\n  dns = [\"10.9.9.9\"]\n",
        ),
        &node(0, Role::Manager),
    );
    let whole = again(&settled(&before, &state).await, &after, &state);
    for done in 0..=whole.steps.len() {
        let fake = settled(&before, &state).await;
        let mut half = whole.clone();
        half.steps.truncate(done);
        for step in &half.steps {
            mke_agent::node::Runtime::apply(&fake, step).await.unwrap();
        }
        let outcomes = once(&fake, &after, &state).await;
        assert!(outcomes.iter().all(Outcome::is_done), "after {done} steps");
        assert!(again(&fake, &after, &state).is_empty(), "after {done} steps");
        assert!(
            !fake.look().containers.keys().any(|name| name.ends_with("-next")),
            "after {done} steps"
        );
    }
}

/// The store is not taken down while the others could not go on without it, nor out of turn; everything else goes on.
#[tokio::test]
async fn the_store_waits_for_the_others() {
    let after = Desired::of(
        &cluster(
            3,
            "[cluster_config]\n  swarm_only = true\n  dns = [\"10.9.9.9\"]\n",
        ),
        &node(0, Role::Manager),
    );
    for (other, is_turn, expected) in [
        (StoreHealth::Healthy, true, true),
        (StoreHealth::Healthy, false, false),
        (StoreHealth::Unhealthy, true, false),
        (StoreHealth::Unknown, true, false),
        (StoreHealth::NoMember, true, true),
    ] {
        let mut state = turn(3, if is_turn { 0 } else { 1 });
        state.managers[1].store = other;
        let fake = settled(&manager(0), &state).await;
        let plan = again(&fake, &after, &state);
        let replaces = plan.steps.iter().any(|step| stops(&step.action, "ucp-kv"));
        assert_eq!(replaces, expected, "{other:?} {is_turn}");
        assert!(
            plan.steps.iter().any(|step| stops(&step.action, "ucp-proxy")),
            "{other:?} {is_turn}"
        );
        let waits = plan
            .blocked
            .iter()
            .any(|blocked| blocked.object == "container ucp-kv" && blocked.later);
        assert_eq!(waits, !expected, "{other:?} {is_turn}: {plan}");
    }
}

/// Without its turn a manager does everything that takes down nothing others rely on; what is left asks for the turn.
#[tokio::test]
async fn first_what_needs_no_turn() {
    let fake = settled(&manager(0), &well(3)).await;
    let mut newer = cluster(3, SWARM_ONLY);
    newer.version = ProductVersion::new(3, 4, 16);
    let after = Desired::of(&newer, &node(0, Role::Manager));
    fake.meddle(|observed| observed.containers.get_mut("ucp-kv").unwrap().state = ContainerState::Exited);
    let first = again(&fake, &after, &well(3));
    assert!(!first.needs_turn() && first.wants_turn, "{first}");
    assert!(
        lines(&first).contains(&"start container ucp-kv".to_owned()),
        "it is down already: {first}"
    );
    assert!(
        !first
            .steps
            .iter()
            .any(|step| stops(&step.action, "ucp-controller")),
        "{first}"
    );
    once(&fake, &after, &well(3)).await;
    let second = again(&fake, &after, &well(3));
    assert!(
        second.steps.is_empty() && second.needs_turn() && !second.is_empty(),
        "{second}"
    );
    once(&fake, &after, &turn(3, 0)).await;
    assert!(again(&fake, &after, &well(3)).is_empty());
}

/// A store of one may be replaced: nobody else waits for it.
#[tokio::test]
async fn the_only_store_may_be_replaced() {
    let alone = Desired::of(&cluster(1, SWARM_ONLY), &node(0, Role::Manager));
    let fake = settled(&alone, &well(1)).await;
    let after = Desired::of(
        &cluster(
            1,
            "[cluster_config]\n  swarm_only = true\n  kv_snapshot_count = 5\n",
        ),
        &node(0, Role::Manager),
    );
    let plan = again(&fake, &after, &well(1));
    assert!(
        plan.steps.iter().any(|step| stops(&step.action, "ucp-kv")),
        "{plan}"
    );
    once(&fake, &after, &well(1)).await;
    assert!(again(&fake, &after, &well(1)).is_empty());
}

/// VOL-003: volumes that are there are used as they are, whatever their driver, and only missing ones are made.
#[tokio::test]
async fn volumes_are_taken_over() {
    let fake = FakeNode::new(CLUSTER);
    let nfs = ObservedVolume {
        driver: "nfs".to_owned(),
        mountpoint: "/mnt/kv".to_owned(),
        ..ObservedVolume::default()
    };
    fake.meddle(|observed| {
        observed.volumes.insert("ucp-kv".to_owned(), nfs.clone());
    });
    once(&fake, &manager(0), &well(3)).await;
    let observed = fake.look();
    assert_eq!(observed.volumes["ucp-kv"], nfs);
    assert_eq!(observed.volumes["ucp-kv-certs"].driver, "local");
    assert_eq!(
        observed.volumes.len(),
        15,
        "VOL-001: {:?}",
        observed.volumes.keys()
    );
    assert!(again(&fake, &manager(0), &well(3)).is_empty());
}

/// What is not ours is left alone, even under our names, and whatever needs it is not begun.
#[tokio::test]
async fn foreign_objects_are_left_alone() {
    let (desired, state) = (manager(0), well(3));
    let fake = FakeNode::new(CLUSTER);
    fake.meddle(|observed| {
        foreign(observed, "ucp-kv");
        foreign(observed, "web");
        foreign(observed, "ucp-proxy-next");
    });
    let before = fake.look();
    let plan = again(&fake, &desired, &state);
    let blocked: Vec<_> = plan.blocked.iter().map(ToString::to_string).collect();
    assert_eq!(
        blocked,
        [
            "container ucp-client-root-ca: it needs ucp-proxy",
            "container ucp-cluster-root-ca: it needs ucp-proxy",
            "container ucp-controller: it needs ucp-kv",
            "container ucp-kv: a container of somebody else has its name: rename or remove that one",
            "container ucp-metrics: it needs ucp-controller",
            "container ucp-proxy: a container of somebody else has the name ucp-proxy-next: rename it",
            "container ucp-swarm-manager: it needs ucp-kv",
        ]
    );
    once(&fake, &desired, &state).await;
    for (name, container) in before.containers {
        assert_eq!(fake.look().containers[&name], container);
    }
}

/// Of a network with our name and another driver nothing is made use of.
#[test]
fn a_network_of_another_driver() {
    let fake = FakeNode::new(CLUSTER);
    fake.meddle(|observed| {
        let overlay = ObservedNetwork {
            driver: "overlay".to_owned(),
            ..ObservedNetwork::default()
        };
        observed.networks.insert("ucp-bridge".to_owned(), overlay);
    });
    let plan = again(&fake, &worker(), &well(1));
    assert!(
        !lines(&plan).iter().any(|line| line.contains("create container")),
        "{plan}"
    );
    assert!(
        plan.to_string().contains("network ucp-bridge: it has driver"),
        "{plan}"
    );
}

/// A paused node is left as it is, whatever there would be to do.
#[test]
fn a_paused_node() {
    let mut facts = node(7, Role::Worker);
    facts
        .labels
        .insert(labels::AGENT_PAUSE.to_owned(), "true".to_owned());
    let desired = Desired::of(&cluster(1, SWARM_ONLY), &facts);
    let plan = again(&FakeNode::new(CLUSTER), &desired, &well(1));
    assert!(plan.is_empty());
    assert!(plan.blocked[0].why.contains("agent-pause"), "{plan}");
    facts
        .labels
        .insert(labels::AGENT_PAUSE.to_owned(), "false".to_owned());
    let desired = Desired::of(&cluster(1, SWARM_ONLY), &facts);
    assert!(!again(&FakeNode::new(CLUSTER), &desired, &well(1)).is_empty());
}

/// After a demotion what only managers have goes, with the keys of authorities; the store's member goes once the
/// others no longer count on it.
#[tokio::test]
async fn a_demoted_manager() {
    let state = well(3);
    let fake = settled(&manager(2), &state).await;
    let mut facts = node(2, Role::Worker);
    facts.role = Role::Worker;
    let desired = Desired::of(&cluster(2, SWARM_ONLY), &facts);
    let plan = again(&fake, &desired, &state);
    assert!(
        plan.steps
            .iter()
            .any(|step| stops(&step.action, "ucp-controller"))
    );
    assert!(
        !plan.steps.iter().any(|step| stops(&step.action, "ucp-kv")),
        "{plan}"
    );
    once(&fake, &desired, &state).await;
    assert_eq!(
        fake.look().containers.keys().collect::<Vec<_>>(),
        ["ucp-hardware-info", "ucp-kv", "ucp-proxy"]
    );
    assert!(!fake.look().volumes.contains_key("ucp-cluster-root-ca"));
    assert!(fake.look().volumes.contains_key("ucp-kv"));
    let mut out = well(2);
    out.managers.retain(|manager| manager.id != facts.id);
    once(&fake, &desired, &out).await;
    let left = fake.look();
    assert_eq!(
        left.containers.keys().collect::<Vec<_>>(),
        ["ucp-hardware-info", "ucp-proxy"]
    );
    assert_eq!(
        left.volumes.keys().collect::<Vec<_>>(),
        ["mke-container-logs", "ucp-node-certs"]
    );
    assert!(again(&fake, &desired, &out).is_empty());
}

/// What the swarm keeps of a task of ours that ended holds its volume back, and nobody waits for that; one that runs is about to end.
#[tokio::test]
async fn volumes_of_tasks_after_a_demotion() {
    let desired = Desired::of(&cluster(2, SWARM_ONLY), &node(2, Role::Worker));
    let mut state = well(2);
    state
        .managers
        .retain(|manager| manager.id != node(2, Role::Worker).id);
    let fake = settled(&desired, &state).await;
    for (task, later) in [(ContainerState::Running, true), (ContainerState::Exited, false)] {
        fake.meddle(|observed| {
            let volume = observed.volumes["ucp-node-certs"].clone();
            observed
                .volumes
                .insert("ucp-auth-worker-certs".to_owned(), volume);
            let mut container = observed.containers["ucp-proxy"].clone();
            container.state = task;
            container.volumes = ["ucp-auth-worker-certs".to_owned()].into();
            observed
                .containers
                .insert("ucp-auth-worker.a.b".to_owned(), container);
        });
        let plan = again(&fake, &desired, &state);
        assert!(plan.is_empty(), "{plan}");
        let blocked: Vec<_> = plan
            .blocked
            .iter()
            .map(|blocked| (blocked.object.as_str(), blocked.later))
            .collect();
        assert_eq!(blocked, [("volume ucp-auth-worker-certs", later)]);
    }
    fake.meddle(|observed| drop(observed.containers.remove("ucp-auth-worker.a.b")));
    assert!(!again(&fake, &desired, &state).is_empty());
}

/// While no other manager is known to keep the same, data stay, even where they do not belong.
#[tokio::test]
async fn data_stay_when_nobody_else_has_them() {
    let fake = settled(&manager(2), &well(3)).await;
    let desired = Desired::of(&cluster(2, SWARM_ONLY), &node(2, Role::Worker));
    let mut state = well(2);
    for manager in &mut state.managers {
        manager.store = StoreHealth::Unknown;
    }
    let plan = again(&fake, &desired, &state);
    for volume in ["ucp-kv", "ucp-cluster-root-ca", "ucp-client-root-ca"] {
        let removes = |action: &Action| matches!(action, Action::RemoveVolume { name } if name == volume);
        assert!(
            !plan.steps.iter().any(|step| removes(&step.action)),
            "{volume}: {plan}"
        );
    }
}

/// When the product leaves, everything of ours goes and nothing else; a container at work is left for later.
#[tokio::test]
async fn the_product_leaves() {
    let (desired, state) = (manager(0), well(3));
    let fake = settled(&desired, &state).await;
    fake.meddle(|observed| {
        foreign(observed, "web");
        observed
            .volumes
            .insert("ucp-backup".to_owned(), ObservedVolume::default());
        let mut reconcile = observed.containers["ucp-proxy"].clone();
        reconcile.volumes.clear();
        observed.containers.insert("ucp-reconcile".to_owned(), reconcile);
    });
    let observed = fake.look();
    let leaving = plan(&desired, &observed, &state, Purpose::Uninstall);
    assert!(leaving.blocked[0].object.contains("ucp-reconcile"), "{leaving}");
    let checked = mke_agent::node::check(leaving, &desired, &observed, &state).unwrap();
    let outcomes = mke_agent::node::apply(&fake, checked, |_| {}).await;
    assert!(outcomes.iter().all(Outcome::is_done), "{outcomes:#?}");
    let left = fake.look();
    assert_eq!(
        left.containers.keys().collect::<Vec<_>>(),
        ["ucp-reconcile", "web"]
    );
    assert_eq!(
        left.volumes.keys().collect::<Vec<_>>(),
        ["ucp-backup"],
        "it was there before"
    );
    assert!(left.networks.is_empty());
}

/// What certificates need is done before the components that use them are begun.
#[tokio::test]
async fn certificates_come_before_components() {
    let fake = FakeNode::new(CLUSTER);
    let need = CertificateNeed {
        volume: "ucp-node-certs".to_owned(),
        what: "issue the certificate".to_owned(),
        reason: "there is none".to_owned(),
    };
    fake.meddle(|observed| observed.certificates = vec![need.clone()]);
    let plan = again(&fake, &worker(), &well(1));
    let place = |wanted: &str| {
        lines(&plan)
            .iter()
            .position(|line| line.starts_with(wanted))
            .unwrap()
    };
    let issue = place("issue the certificate in volume ucp-node-certs");
    assert!(place("create volume ucp-node-certs") < issue && issue < place("create container"));
    let create = &plan.steps[place("create container ucp-proxy")];
    assert!(create.needs.contains(&issue));
    let outcomes = once(&fake, &worker(), &well(1)).await;
    assert!(outcomes.iter().all(Outcome::is_done));
}

/// A step that fails stops those that need it, the others go on, and each is answered for.
#[tokio::test]
async fn half_a_plan() {
    let fake = FakeNode::new(CLUSTER);
    fake.set_registry(["mirantis/ucp-agent:3.4.15".to_owned()]);
    let outcomes = once(&fake, &manager(0), &well(3)).await;
    let result = |line: &str| {
        let found = outcomes
            .iter()
            .find(|outcome| outcome.step.action.to_string() == line);
        found.unwrap_or_else(|| panic!("{line}")).result.clone()
    };
    assert!(matches!(
        result("pull image mirantis/ucp-etcd:3.4.15"),
        StepResult::Failed(_)
    ));
    assert!(matches!(result("start container ucp-kv"), StepResult::Skipped(_)));
    assert!(matches!(
        result("start container ucp-controller"),
        StepResult::Skipped(_)
    ));
    assert_eq!(result("start container ucp-proxy"), StepResult::Done);
    assert_eq!(result("start container ucp-hardware-info"), StepResult::Done);
    assert!(fake.look().containers["ucp-proxy"].state == ContainerState::Running);
}

/// A member of the store that did not begin before the members changed is made anew with those that there are; one that runs is
/// left alone.
#[tokio::test]
async fn a_member_that_was_told_others() {
    let (desired, state) = (manager(0), well(3));
    let more = Desired::of(&cluster(5, SWARM_ONLY), &node(0, Role::Manager));
    let fake = settled(&desired, &state).await;
    let store = |plan: &Plan| {
        lines(plan)
            .into_iter()
            .filter(|line| line.contains("ucp-kv"))
            .count()
    };
    assert_eq!(store(&again(&fake, &more, &state)), 0);
    for idle in [
        ContainerState::Restarting,
        ContainerState::Exited,
        ContainerState::Created,
    ] {
        let fake = settled(&desired, &state).await;
        fake.meddle(|observed| observed.containers.get_mut("ucp-kv").unwrap().state = idle);
        let plan = again(&fake, &more, &state);
        assert!(
            lines(&plan).contains(&"create container ucp-kv-next from mirantis/ucp-etcd:3.4.15".to_owned()),
            "{idle:?}: {plan}"
        );
    }
}
