//! Nodes that do not answer: left out and said, and back when they are.

use std::time::{Duration, Instant};

use super::engine::{IMAGE, until};
use super::world::{World, sorted};

/// DAPI-002, DAPI-009: a node whose cable is cut is left out of lists within the deadline and named, calls for its
/// containers say so, and all is there again when it is.
#[tokio::test(flavor = "multi_thread")]
async fn lab_silent_nodes_are_left_out() {
    let world = World::start().await;
    let admin = world.admin();
    // Whoever listens at an address is believed only with the certificate of the node that is meant.
    let ping = async |at, meant| {
        world
            .proxies
            .client(&world.lab, at, meant)
            .get_bytes("/_ping")
            .await
            .is_ok()
    };
    assert_eq!((ping(2, 2).await, ping(2, 3).await), (true, false));
    for node in ["n2", "n3"] {
        let constraint = format!("constraint:node=={node}");
        admin
            .ok(&[
                "run",
                "-d",
                "--name",
                &format!("on-{node}"),
                "-e",
                &constraint,
                IMAGE,
                "sleep",
                "1000",
            ])
            .await;
    }
    let list = ["ps", "--format", "{{.Names}}"];
    assert_eq!(sorted(&admin.ok(&list).await), ["n2/on-n2", "n3/on-n3"]);

    world.lab.node(3).partition();
    // What needs the node fails at the deadline at the latest; from then on nobody waits for it.
    let started = Instant::now();
    until("the node is left out", || async {
        (admin.ok(&["ps", "-s", "--format", "{{.Names}}"]).await == "n2/on-n2").then_some(())
    })
    .await;
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    until("the lists that are kept say so too", || async {
        (admin.ok(&list).await == "n2/on-n2").then_some(())
    })
    .await;
    let complaint = admin.fails(&["exec", "on-n3", "true"]).await;
    assert!(
        complaint.contains("is on node n3, which does not answer"),
        "{complaint}"
    );
    let info = world.cluster.api("GET", "/info", None).await;
    assert_eq!(info["ContainersRunning"], 1);
    assert_eq!(
        info["SystemStatus"].to_string().matches("\"Unhealthy\"").count(),
        1
    );
    // New containers go where somebody answers.
    admin
        .ok(&["run", "-d", "--name", "new", IMAGE, "sleep", "1000"])
        .await;
    assert_eq!(world.node_of("new").await, "n2");

    world.lab.node(3).heal();
    world.healthy(3).await;
    assert_eq!(sorted(&admin.ok(&list).await), ["n2/new", "n2/on-n2", "n3/on-n3"]);
    admin.ok(&["exec", "on-n3", "true"]).await;
    world.cluster.stop().await;
}
