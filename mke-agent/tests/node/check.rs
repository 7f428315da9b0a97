//! The check refuses by itself, whoever made the plan.

use mke_agent::node::{
    Action, CertificateNeed, ClusterState, Desired, FakeNode, Observed, ObservedVolume, Plan, Purpose,
    Refusal, Step, StoreHealth, check,
};
use mke_core::product::{Role, labels};

use super::world::{CLUSTER, SWARM_ONLY, again, cluster, foreign, node, settled, turn, well};

fn manager(number: u32) -> Desired {
    Desired::of(&cluster(3, SWARM_ONLY), &node(number, Role::Manager))
}

fn plan_of(desired: &Desired, actions: Vec<Action>) -> Plan {
    Plan {
        cluster_id: desired.cluster_id.clone(),
        node_id: desired.node_id.clone(),
        purpose: Purpose::Converge,
        steps: actions
            .into_iter()
            .map(|action| Step {
                action,
                reason: "a test".to_owned(),
                needs: Vec::new(),
            })
            .collect(),
        blocked: Vec::new(),
        wants_turn: false,
    }
}

fn refused(plan: Plan, desired: &Desired, observed: &Observed, state: &ClusterState) -> String {
    match check(plan, desired, observed, state) {
        Ok(_) => "allowed".to_owned(),
        Err(refusals) => refusals
            .iter()
            .map(Refusal::to_string)
            .collect::<Vec<_>>()
            .join(" / "),
    }
}

fn stop(name: &str) -> Action {
    Action::StopContainer {
        name: name.to_owned(),
        stop_seconds: 1,
    }
}

fn start(name: &str) -> Action {
    Action::StartContainer {
        name: name.to_owned(),
    }
}

fn vet(volume: &str) -> Action {
    Action::VetStore {
        volume: volume.to_owned(),
        ends: false,
        reads_list: true,
    }
}

fn remove(name: &str) -> Action {
    Action::RemoveContainer {
        name: name.to_owned(),
    }
}

fn remove_volume(name: &str) -> Action {
    Action::RemoveVolume {
        name: name.to_owned(),
    }
}

/// Single steps that no plan may hold, on a manager that is as it is wanted, whatever the order they come in.
#[tokio::test]
async fn steps_that_are_refused() {
    let (desired, state) = (manager(0), turn(3, 0));
    let fake = settled(&desired, &state).await;
    fake.meddle(|observed| {
        foreign(observed, "web");
        foreign(observed, "ucp-dsinfo");
        let mut task = observed.containers["ucp-proxy"].clone();
        task.volumes.clear();
        observed
            .containers
            .insert("ucp-manager-agent.a.b".to_owned(), task);
        observed
            .volumes
            .insert("data".to_owned(), ObservedVolume::default());
    });
    let observed = fake.look();
    let other = Desired::of(
        &cluster(3, "[cluster_config]\n  dns = [\"10.9.9.9\"]\n"),
        &node(0, Role::Manager),
    );
    let alien = Box::new(other.containers[0].clone());
    for (actions, why) in [
        (vec![stop("web")], "container web is none of the product's"),
        (vec![remove("web")], "container web is none of the product's"),
        (vec![stop("ucp-dsinfo")], "container ucp-dsinfo is not ours"),
        (vec![remove("ucp-dsinfo")], "container ucp-dsinfo is not ours"),
        (vec![stop("ucp-manager-agent.a.b")], "is none of the product's"),
        (
            vec![remove("ucp-proxy")],
            "container ucp-proxy runs: it must be stopped before",
        ),
        (
            vec![stop("ucp-proxy")],
            "it takes ucp-proxy down and does not bring it back",
        ),
        (
            vec![stop("ucp-proxy"), remove("ucp-proxy")],
            "it takes ucp-proxy down and does not bring it back",
        ),
        (vec![start("ucp-upgrader")], "it is not wanted on this node"),
        (
            vec![start("ucp-proxy-next")],
            "there is no container ucp-proxy-next then",
        ),
        (
            vec![remove_volume("data")],
            "volume data is none of the product's",
        ),
        (
            vec![remove_volume("ucp-kv")],
            "container ucp-kv still uses volume ucp-kv",
        ),
        (
            vec![remove_volume("ucp-backup")],
            "nodes with this role have volume ucp-backup",
        ),
        (
            vec![remove_volume("ucp-auth-store-data")],
            "volume ucp-auth-store-data is not known to be ours",
        ),
        (
            vec![Action::RemoveNetwork {
                name: "ucp-bridge".to_owned(),
            }],
            "networks are removed only when the product leaves",
        ),
        (
            vec![Action::CreateContainer {
                name: "ucp-proxy-next".to_owned(),
                spec: alien.clone(),
            }],
            "it is not wanted on this node",
        ),
        (
            vec![Action::CreateContainer {
                name: "ucp-proxy".to_owned(),
                spec: Box::new(desired.containers[0].clone()),
            }],
            "there is a container ucp-proxy already",
        ),
        (
            vec![Action::CreateContainer {
                name: "web2".to_owned(),
                spec: Box::new(desired.containers[0].clone()),
            }],
            "it is not wanted on this node",
        ),
        (
            vec![Action::RenameContainer {
                from: "web".to_owned(),
                to: "ucp-upgrader".to_owned(),
            }],
            "container web is none of the product's",
        ),
        (
            vec![Action::RenameContainer {
                from: "ucp-proxy".to_owned(),
                to: "ucp-kv".to_owned(),
            }],
            "there is a container ucp-kv already",
        ),
        (
            vec![Action::Pull("other/web:1".parse().unwrap())],
            "it is not wanted on this node",
        ),
        (
            vec![Action::Certificate(CertificateNeed {
                volume: "ucp-node-certs".to_owned(),
                what: "issue the certificate".to_owned(),
                reason: "because".to_owned(),
            })],
            "it is not wanted on this node",
        ),
        (
            vec![vet("ucp-kv")],
            "ucp-kv writes to its volume: it must be stopped before its data is looked at",
        ),
        (vec![vet("ucp-node-certs")], "it is not wanted on this node"),
    ] {
        let said = refused(plan_of(&desired, actions.clone()), &desired, &observed, &state);
        assert!(said.contains(why), "{actions:?}: {said}");
    }
    for fine in [
        vec![stop("ucp-proxy"), start("ucp-proxy")],
        vec![stop("ucp-kv"), vet("ucp-kv"), start("ucp-kv")],
    ] {
        let said = refused(plan_of(&desired, fine.clone()), &desired, &observed, &state);
        assert_eq!(said, "allowed", "{fine:?}");
    }
    let worker = Desired::of(&cluster(3, SWARM_ONLY), &node(3, Role::Worker));
    let said = refused(
        plan_of(&worker, vec![vet("ucp-kv")]),
        &worker,
        &Observed::default(),
        &state,
    );
    assert!(said.contains("it is not wanted on this node"), "{said}");
}

/// A plan for another node or installation, for a paused node, or whose steps need later ones, is refused as a whole.
#[tokio::test]
async fn plans_that_are_refused() {
    let (desired, state) = (manager(0), turn(3, 0));
    let fake = FakeNode::new(CLUSTER);
    let plan = again(&fake, &desired, &state);
    let observed = fake.look();
    assert_eq!(refused(plan.clone(), &desired, &observed, &state), "allowed");
    let other = Plan {
        node_id: "other".to_owned(),
        ..plan.clone()
    };
    assert!(refused(other, &desired, &observed, &state).contains("another node"));
    let other = Plan {
        cluster_id: "other".to_owned(),
        ..plan.clone()
    };
    assert!(refused(other, &desired, &observed, &state).contains("another installation"));
    let mut paused = desired.clone();
    paused.paused = true;
    assert!(refused(plan.clone(), &paused, &observed, &state).contains("paused"));
    let mut circle = plan;
    circle.steps[0].needs = vec![3];
    assert!(refused(circle, &desired, &observed, &state).contains("step 4, which comes after it"));
}

/// HA-001: with any number of managers, of which any number answer, the check lets a member of the store go down only when
/// more than half of all members still answer, or when there are too few ever to spare one and all others answer.
#[tokio::test]
async fn quorum_of_the_store() {
    for managers in 1..=7_u32 {
        let desired = Desired::of(&cluster(managers, SWARM_ONLY), &node(0, Role::Manager));
        let observed = settled(&desired, &turn(managers, 0)).await.look();
        for answering in 0..managers {
            let mut state = turn(managers, 0);
            for (place, manager) in state.managers.iter_mut().enumerate().skip(1) {
                if place as u32 > answering {
                    manager.store = if place % 2 == 0 {
                        StoreHealth::Unhealthy
                    } else {
                        StoreHealth::Unknown
                    };
                }
            }
            let plan = plan_of(&desired, vec![stop("ucp-kv"), start("ucp-kv")]);
            let said = refused(plan, &desired, &observed, &state);
            let may = answering > managers / 2 || (managers <= 2 && answering == managers - 1);
            assert_eq!(said == "allowed", may, "{answering} of {managers}: {said}");
            assert!(may || said.contains("would lose its quorum"), "{said}");
        }
    }
}

/// Two managers are never down at once: without the turn neither store nor controller may go down, while a worker's
/// components and a manager's other ones may.
#[tokio::test]
async fn one_manager_at_a_time() {
    let desired = manager(0);
    let observed = settled(&desired, &turn(3, 0)).await.look();
    for name in ["ucp-kv", "ucp-controller", "ucp-proxy", "ucp-metrics"] {
        for (state, is_turn) in [
            (turn(3, 0), true),
            (turn(3, 1), false),
            (well(3), false),
            (well(1), true),
        ] {
            let plan = plan_of(&desired, vec![stop(name), start(name)]);
            let said = refused(plan, &desired, &observed, &state);
            let relied_on = name == "ucp-kv" || name == "ucp-controller";
            assert_eq!(said == "allowed", is_turn || !relied_on, "{name}: {said}");
        }
    }
}

/// VOL-001: data are removed only when the product leaves, or when nodes of this role do not have them, nobody uses them and
/// another manager keeps the same.
#[tokio::test]
async fn data_are_kept() {
    let observed = settled(&manager(2), &turn(3, 2)).await.look();
    let worker = Desired::of(&cluster(2, SWARM_ONLY), &node(2, Role::Worker));
    let mut bare = observed.clone();
    bare.containers.clear();
    let mut others_gone = well(3);
    others_gone.managers.truncate(2);
    let mut unknown = others_gone.clone();
    for manager in &mut unknown.managers {
        manager.store = StoreHealth::Unknown;
    }
    for (desired, observed, state, volume, expected) in [
        (&worker, &bare, &others_gone, "ucp-kv", "allowed"),
        (&worker, &bare, &others_gone, "ucp-cluster-root-ca", "allowed"),
        (&worker, &bare, &well(3), "ucp-kv", "still counts on"),
        (
            &worker,
            &bare,
            &unknown,
            "ucp-kv",
            "no other manager is known to have it",
        ),
        (
            &worker,
            &bare,
            &unknown,
            "ucp-client-root-ca",
            "no other manager is known to have it",
        ),
        (
            &worker,
            &bare,
            &unknown,
            "ucp-metrics-data",
            "no other manager is known to have it",
        ),
        (&worker, &bare, &unknown, "ucp-kv-certs", "allowed"),
        (&worker, &observed, &others_gone, "ucp-kv", "still uses"),
        (
            &worker,
            &bare,
            &others_gone,
            "ucp-node-certs",
            "nodes with this role have",
        ),
        (
            &manager(2),
            &bare,
            &others_gone,
            "ucp-kv",
            "nodes with this role have",
        ),
    ] {
        let said = refused(
            plan_of(desired, vec![remove_volume(volume)]),
            desired,
            observed,
            state,
        );
        assert!(said.contains(expected), "{volume}: {said}, not {expected}");
    }
    let mut foreign = bare.clone();
    foreign
        .volumes
        .get_mut("ucp-kv")
        .unwrap()
        .labels
        .insert(labels::INSTANCE_ID.to_owned(), "other".to_owned());
    let said = refused(
        plan_of(&worker, vec![remove_volume("ucp-kv")]),
        &worker,
        &foreign,
        &others_gone,
    );
    assert!(said.contains("not known to be ours"), "{said}");
    let leaving = Plan {
        purpose: Purpose::Uninstall,
        ..plan_of(&manager(2), vec![remove_volume("ucp-kv")])
    };
    assert_eq!(refused(leaving, &manager(2), &bare, &well(3)), "allowed");
    let making = Plan {
        purpose: Purpose::Uninstall,
        ..plan_of(
            &manager(2),
            vec![Action::CreateVolume(manager(2).volumes[0].clone())],
        )
    };
    assert!(refused(making, &manager(2), &bare, &well(3)).contains("nothing is made"));
}
