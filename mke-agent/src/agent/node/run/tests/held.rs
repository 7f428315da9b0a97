//! Nodes that are paused or held back, and agents of another version or role.

use super::*;

/// The label `com.docker.ucp.agent-pause`: nothing is done, whatever is missing, until it goes.
#[tokio::test(start_paused = true)]
async fn a_paused_node_is_left_alone() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    let mut paused = spec(Role::Worker, 1);
    paused
        .node
        .labels
        .insert(labels::AGENT_PAUSE.to_owned(), "true".to_owned());
    agent.specs.send(paused).unwrap();
    agent.until(|phase| *phase == Phase::Paused).await;
    passes(LOOK * 3).await;
    assert_eq!(agent.attempts(), 0);
    agent.specs.send(spec(Role::Worker, 2)).unwrap();
    agent.settled().await;
    assert_eq!(agent.attempts(), 1);
}

/// A held node keeps its version although its agent has the next one, and gets it when the label goes. An agent that
/// only remembers what was wanted does not raise the version before a manager has said so again.
#[tokio::test(start_paused = true)]
async fn a_held_node_keeps_its_version() {
    let world = enrolled();
    let mut agent = Running::start(world.clone(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.settled().await;
    drop(agent);
    let old = |observed: &mut Observed| {
        for container in observed.containers.values_mut() {
            container
                .labels
                .insert(labels::VERSION.to_owned(), "3.4.14".to_owned());
            container.labels.insert(labels::SPEC.to_owned(), "old".to_owned());
        }
    };
    old(&mut world.observed.lock().unwrap());
    let attempts = world.attempts.load(Ordering::SeqCst);
    let mut agent = Running::start(world, Role::Worker);
    agent.until(|phase| *phase == Phase::Waiting).await;
    passes(LOOK * 3).await;
    assert_eq!(agent.attempts(), attempts);
    let mut held = spec(Role::Worker, 2);
    held.node
        .labels
        .insert(labels::UPGRADE_HOLD.to_owned(), String::new());
    agent.specs.send(held).unwrap();
    passes(LOOK * 3).await;
    assert_eq!(agent.attempts(), attempts);
    agent.specs.send(spec(Role::Worker, 3)).unwrap();
    agent.settled().await;
    assert!(agent.attempts() > attempts);
    assert!(
        agent
            .world
            .observed
            .lock()
            .unwrap()
            .containers
            .values()
            .all(|container| { container.labels.get(labels::VERSION).map(String::as_str) == Some("3.4.15") })
    );
}

/// A held worker that has a later version than its agent goes back to that of the agent.
#[tokio::test(start_paused = true)]
async fn a_held_worker_goes_back() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    let mut held = spec(Role::Worker, 1);
    held.node
        .labels
        .insert(labels::UPGRADE_HOLD.to_owned(), "true".to_owned());
    agent.specs.send(held).unwrap();
    agent.settled().await;
    let attempts = agent.attempts();
    agent
        .happened(|observed| {
            for container in observed.containers.values_mut() {
                container
                    .labels
                    .insert(labels::VERSION.to_owned(), "3.4.16".to_owned());
                container.labels.insert(labels::SPEC.to_owned(), "new".to_owned());
            }
        })
        .await;
    agent.until(|phase| *phase == Phase::Reconciling).await;
    agent.settled().await;
    assert!(agent.attempts() > attempts);
}

/// Agents of a newer version bring components to it; an agent of the other role touches nothing.
#[tokio::test(start_paused = true)]
async fn the_own_version_and_role_count() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    let mut old = spec(Role::Worker, 1);
    old.cluster.version = ProductVersion::new(3, 4, 14);
    agent.specs.send(old).unwrap();
    let report = agent.settled().await;
    assert!(
        report.components.iter().all(|part| part.version == "3.4.15"),
        "{:?}",
        report.components
    );
    let attempts = agent.attempts();
    agent.specs.send(spec(Role::Manager, 2)).unwrap();
    agent.until(|phase| *phase == Phase::Waiting).await;
    assert_eq!(agent.attempts(), attempts);
}
