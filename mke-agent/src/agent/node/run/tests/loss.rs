//! A manager whose store takes no writes, and one that was promoted just now.

use super::*;
use crate::agent::node::run::loss::ALONE_AFTER;

/// A manager as it is left by two others: its own controller cannot write, and it remembers all three.
async fn left_behind() -> Running {
    let world = enrolled();
    let mut agent = Running::start(world.clone(), Role::Manager);
    let mut three = spec(Role::Manager, 1);
    for (id, last) in [("n2", 2), ("n3", 3)] {
        three.cluster.store_members.push(StoreMember {
            id: id.to_owned(),
            address: [10, 0, 0, last].into(),
            member: None,
        });
        three.state.managers.push(ManagerState {
            id: id.to_owned(),
            store: StoreHealth::Unhealthy,
            healthy: false,
        });
    }
    agent.specs.send(three).unwrap();
    agent.settled().await;
    world.done.lock().unwrap().clear();
    agent
}

fn done(agent: &Running) -> Vec<String> {
    agent.world.done.lock().unwrap().clone()
}

/// While it is not known that the others are lost for good nothing is done. When it is known, the member is started once
/// without them, after a copy was made of what it knows; and then as usual, although the rest of what is remembered still counts the
/// others.
#[tokio::test(start_paused = true)]
async fn the_last_manager_goes_on_alone() {
    let mut agent = left_behind().await;
    agent.world.managers_gone.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(done(&agent), [""; 0]);
    *agent.world.verdict.lock().unwrap() = Some(Verdict::Wait("somebody may come back".to_owned()));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(done(&agent), [""; 0]);
    let lost = vec!["host2".to_owned(), "host3".to_owned()];
    *agent.world.verdict.lock().unwrap() = Some(Verdict::Alone { lost, ordered: false });
    // The swarm may change its mind.
    sleep(ALONE_AFTER / 2).await;
    assert_eq!(done(&agent), [""; 0]);
    sleep(ALONE_AFTER).await;
    let steps = done(&agent);
    let expected = [
        "create container ucp-kv-next from mirantis/ucp-etcd:3.4.15",
        "stop container ucp-kv",
        "remove container ucp-kv",
        "keep a copy of what is in volume ucp-kv",
        "rename container ucp-kv-next to ucp-kv",
        "start container ucp-kv",
    ];
    assert_eq!(steps, expected);
    // The store takes writes again, and who is a member is known better.
    *agent.world.verdict.lock().unwrap() = Some(Verdict::Whole);
    agent.world.managers_gone.store(false, Ordering::SeqCst);
    agent.specs.send(spec(Role::Manager, 2)).unwrap();
    sleep(Duration::from_secs(30)).await;
    let steps = done(&agent);
    assert_eq!(steps.get(6..).map(<[String]>::len), Some(5), "{steps:?}");
    assert_eq!(steps.last().map(String::as_str), Some("start container ucp-kv"));
    assert!(!steps[6..].iter().any(|step| step.contains("copy")), "{steps:?}");
    agent.settled().await;
}

/// What a node's label orders is done at once.
#[tokio::test(start_paused = true)]
async fn an_order_is_not_waited_for() {
    let agent = left_behind().await;
    let lost = vec!["host2".to_owned()];
    *agent.world.verdict.lock().unwrap() = Some(Verdict::Alone { lost, ordered: true });
    agent.world.managers_gone.store(true, Ordering::SeqCst);
    sleep(ALONE_AFTER / 2).await;
    assert_eq!(done(&agent).len(), 6, "{:?}", done(&agent));
}

/// A worker that was promoted remembers what it was told, and has a worker's certificate: that is replaced before anything else. When
/// no authority answers, the rest is done in between.
#[tokio::test(start_paused = true)]
async fn a_promoted_node_gets_its_certificate_first() {
    let first_step = async |faults: &[&'static str]| {
        let world = Arc::new(World::default());
        *world.remembered.lock().unwrap() = Some(spec(Role::Manager, 1));
        world.faults.lock().unwrap().extend(faults);
        let mut agent = Running::start(world, Role::Manager);
        agent.settled().await;
        done(&agent).first().cloned()
    };
    assert_eq!(first_step(&[]).await.as_deref(), Some(ENROL));
    let rest = first_step(&["no authority answers"]).await;
    assert!(rest.as_deref().is_some_and(|step| step != ENROL), "{rest:?}");
}
