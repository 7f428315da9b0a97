//! When something is tried again.

use super::*;

/// Failures are tried again after rests that grow, and the state says why and how often; a success ends that.
#[tokio::test(start_paused = true)]
async fn failures_are_tried_again() {
    let world = enrolled();
    world.faults.lock().unwrap().extend(["disk full"; 4]);
    let mut agent = Running::start(world.clone(), Role::Worker);
    let begun = Instant::now();
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    for attempts in 1..=4 {
        agent
            .until(|phase| {
                *phase
                    == Phase::Failed {
                        why: "disk full".to_owned(),
                        attempts,
                    }
            })
            .await;
    }
    agent.settled().await;
    assert_eq!(agent.attempts(), 5);
    // Four rests of 1, 2, 4 and 8 s, five attempts of 2 s.
    assert_eq!(begun.elapsed().as_secs(), 25);
}

/// What others do on the node ends a long rest sooner, but not at once: a component that keeps ending is no reason to try
/// without rest. A new specification is tried at once.
#[tokio::test(start_paused = true)]
async fn rests_hold() {
    let failed =
        |wanted| move |phase: &Phase| matches!(phase, Phase::Failed { attempts, .. } if *attempts == wanted);
    let world = enrolled();
    world.faults.lock().unwrap().extend(["disk full"; 40]);
    let mut agent = Running::start(world.clone(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.until(failed(7)).await;
    // The rest is a minute now. Something ends every second and is started again by the engine.
    let (begun, attempts) = (Instant::now(), agent.attempts());
    while begun.elapsed() < Duration::from_secs(70) {
        passes(Duration::from_secs(1)).await;
        world.happened.notify_one();
    }
    // Each attempt takes 2 s, and at least [`ECHO`] lies between two.
    assert!(
        (8..=10).contains(&(agent.attempts() - attempts)),
        "{}",
        agent.attempts()
    );
    // Without anything happening the rest is whole.
    agent.until(failed(20)).await;
    let (begun, attempts) = (Instant::now(), agent.attempts());
    agent.until(failed(21)).await;
    assert_eq!((begun.elapsed().as_secs(), agent.attempts()), (62, attempts + 1));
    let begun = Instant::now();
    agent.specs.send(spec(Role::Worker, 2)).unwrap();
    agent.until(failed(1)).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
}

/// NST-001: a component that keeps ending is unwell until it runs steadily; nothing is made anew for it.
#[tokio::test(start_paused = true)]
async fn unwell_components() {
    let mut agent = Running::start(enrolled(), Role::Worker);
    agent.specs.send(spec(Role::Worker, 1)).unwrap();
    agent.settled().await;
    let attempts = agent.attempts();
    let proxy = |report: &Report| {
        let part = report.components.iter().find(|part| part.name == "ucp-proxy");
        part.map(|part| part.state)
    };
    for (state, looping) in [
        (ContainerState::Restarting, false),
        (ContainerState::Running, true),
    ] {
        let change = |observed: &mut Observed| {
            let proxy = observed.containers.get_mut("ucp-proxy").unwrap();
            (proxy.state, proxy.looping) = (state, looping);
        };
        agent.happened(change).await;
        let said = agent
            .reports
            .wait_for(|report| proxy(report) == Some(ComponentState::Unhealthy));
        tokio::time::timeout(Duration::from_secs(60), said)
            .await
            .unwrap()
            .unwrap();
        // No event says that it is well again.
        let proxy_runs = |observed: &mut Observed| {
            let proxy = observed.containers.get_mut("ucp-proxy").unwrap();
            (proxy.state, proxy.looping) = (ContainerState::Running, false);
        };
        proxy_runs(&mut agent.world.observed.lock().unwrap());
        let said = agent
            .reports
            .wait_for(|report| proxy(report) == Some(ComponentState::Running));
        tokio::time::timeout(Duration::from_secs(60), said)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(agent.attempts(), attempts);
}

/// Rests double up to a minute, and are never longer; spreading takes off a quarter at most.
#[test]
fn rests() {
    for (failures, most) in [
        (0, 1),
        (1, 1),
        (2, 2),
        (3, 4),
        (6, 32),
        (7, 60),
        (40, 60),
        (u32::MAX, 60),
    ] {
        assert_eq!(rest(failures, 1.0), Duration::from_secs(most), "{failures}");
        assert_eq!(
            rest(failures, 0.0),
            Duration::from_secs(most).mul_f64(0.75),
            "{failures}"
        );
    }
}
