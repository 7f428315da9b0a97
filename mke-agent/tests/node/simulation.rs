//! Simulated clusters with faults: whatever goes wrong on the way, they end as if nothing had.

use std::time::{Duration, Instant};

use mke_agent::node::runtime::fake::Random;
use mke_agent::node::{ContainerState, Desired};
use mke_core::product::{ProductVersion, Role};

use super::cluster::Cluster;
use super::world::SWARM_ONLY;

/// A cluster's life: it is made, its configuration and version change, a worker becomes a manager and a manager a worker.
/// What goes wrong in between follows from the seed; without one nothing does.
async fn life(seed: Option<u64>) -> Cluster {
    let mut cluster = Cluster::new(3, 1, SWARM_ONLY);
    let mut random = Random::new(seed.unwrap_or_default());
    if let Some(seed) = seed {
        cluster.set_faults(seed, 40 + (seed % 5) as u32 * 60);
    }
    for event in 0..5 {
        match event {
            0 => {}
            1 => cluster.change(|spec| {
                let mut config = (*spec.config).clone();
                config.cluster.dns = vec!["10.9.9.9".to_owned()];
                config.cluster.stores.kv_snapshot_count = 777;
                spec.config = config.into();
            }),
            2 => cluster.give_role(3, Role::Manager),
            3 => cluster.change(|spec| spec.version = ProductVersion::new(3, 4, 16)),
            _ => cluster.give_role(1, Role::Worker),
        }
        match seed {
            None => {
                cluster.settle(60).await;
            }
            // The next event does not wait for the last one to be done.
            Some(_) => {
                for _ in 0..=random.next() % 6 {
                    meddle(&cluster, &mut random);
                    cluster.round().await;
                }
            }
        }
    }
    cluster.set_faults(0, 0);
    cluster.settle(60).await;
    cluster
}

/// Machines and people: processes end, engines start again and forget, somebody removes what can be made again.
fn meddle(cluster: &Cluster, random: &mut Random) {
    for member in &cluster.nodes {
        if random.hits(60) {
            member.fake.restart_engine(100);
        }
        member.fake.meddle(|observed| {
            for container in observed.containers.values_mut() {
                if random.hits(20) {
                    container.state = match random.next() % 3 {
                        0 => ContainerState::Exited,
                        1 => ContainerState::Paused,
                        _ => ContainerState::Dead,
                    };
                    container.exit_code = 137;
                }
            }
            if random.hits(30) {
                observed.images.clear();
            }
            if random.hits(20) {
                observed.containers.retain(|name, _| name != "ucp-proxy");
            }
        });
    }
}

/// ARCH-002, ARCH-004: three hundred lives with faults end as the one without: nothing missing, nothing left over, and no
/// plan ever takes the quorum of the store away.
#[tokio::test]
async fn three_hundred_lives() {
    let expected = life(None).await.picture();
    assert_eq!(expected.len(), 4);
    for seed in 1..=300 {
        let found = life(Some(seed)).await;
        assert_eq!(found.picture(), expected, "seed {seed}");
    }
}

/// A cluster of whose steps one in twenty goes wrong, beside one where nothing does: their ends are the same. Gives the former,
/// how many rounds it took and how long, the latter left out.
async fn many(managers: u32, workers: u32) -> (Cluster, usize, Duration) {
    let mut quiet = Cluster::new(managers, workers, SWARM_ONLY);
    let without = quiet.settle(60).await;
    let begun = Instant::now();
    let mut cluster = Cluster::new(managers, workers, SWARM_ONLY);
    cluster.set_faults(7, 50);
    // The same number of rounds for everybody, and then until nobody has anything to do: faults never stop.
    let rounds = cluster.settle(400).await;
    let took = begun.elapsed();
    assert!(rounds >= without);
    assert_eq!(cluster.picture(), quiet.picture());
    for member in &cluster.nodes {
        let desired = Desired::of(&cluster.spec, &member.facts);
        assert_eq!(
            member.fake.look().containers.len(),
            desired.containers.len(),
            "{}",
            member.facts.id
        );
    }
    (cluster, rounds, took)
}

/// ARCH-002: many nodes of whose steps one in twenty goes wrong end as if none had.
#[tokio::test]
async fn many_nodes() {
    many(5, 295).await;
}

/// The same with ten thousand nodes. Run with `cargo xtask bench nodes`, which prints how long it takes.
#[tokio::test]
#[ignore = "a measurement: run it in release with `cargo xtask bench nodes`"]
async fn ten_thousand_nodes() {
    let begun = Instant::now();
    let (cluster, rounds, took) = many(7, 9_993).await;
    let told = format!(
        "nodes: 10000, faults: 5 %, rounds: {rounds}, plans: {}, steps: {}, seconds until all are as wanted: {:.1}, \
         with the cluster without faults and the comparison: {:.1}\n",
        cluster.plans,
        cluster.steps,
        took.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    std::io::Write::write_all(&mut std::io::stdout(), told.as_bytes()).unwrap();
}
