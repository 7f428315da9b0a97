//! What the built-in roles let through to the engine, and what not.

use super::cluster::Cluster;
use super::engine::{Engine, IMAGE};

/// RBAC-006, proxy-11, proxy-12, proxy-13, proxy-15: restricted control reaches nothing of the node. Full control does, so
/// it is the role that refuses.
#[tokio::test(flavor = "multi_thread")]
async fn restricted_control_does_not_reach_the_node() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let (jane, fred) = (cluster.user("jane").await, cluster.user("fred").await);
    let fred_id = cluster.account_id("fred").await;
    cluster
        .grant(&fred_id, "fullcontrol", "/Shared/Private/fred")
        .await;
    jane.ok(&["run", "-d", "--name", "hers", IMAGE, "sleep", "1000"])
        .await;
    fred.ok(&["run", "-d", "--name", "his", IMAGE, "sleep", "1000"])
        .await;
    for reach in [
        &["--privileged"][..],
        &["--cap-add", "NET_ADMIN"],
        &["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
        &["--pid", "host"],
        &["--ipc", "host"],
        &["--network", "host"],
        &["--uts", "host"],
        &["-v", "/etc:/host"],
        &["-v", "/var/run/docker.sock:/sock"],
        &["--mount", "type=bind,source=/etc,target=/host"],
        &["--device", "/dev/null:/dev/x"],
        &["--security-opt", "seccomp=unconfined"],
    ] {
        let run = [&["run", "--rm"][..], reach, &[IMAGE, "true"]].concat();
        jane.denied(&run, "Container Create").await;
        fred.ok(&run).await;
    }
    jane.denied(&["exec", "hers", "true"], "Container Exec").await;
    fred.ok(&["exec", "his", "true"]).await;
    let service = [
        "service",
        "create",
        "-d",
        "--no-resolve-image",
        "--mount",
        "type=bind,source=/etc,target=/host",
        IMAGE,
    ];
    jane.denied(&service, "Service Create").await;
    fred.ok(&service).await;
    cluster.stop().await;
}

/// RBAC-025: administrators pull, others only with a grant on the root collection.
#[tokio::test(flavor = "multi_thread")]
async fn pulling_needs_a_grant_on_the_root() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    let archive = cluster.directory().join("empty.tar");
    std::fs::write(&archive, [0; 1024]).unwrap();
    let import = ["import", archive.to_str().unwrap(), "imported"];
    let pull = ["pull", "127.0.0.1:1/absent"];
    jane.denied(&pull, "Image Create").await;
    jane.denied(&import, "Image Create").await;

    let role = serde_json::json!({ "Image": { "Image Create": [] } });
    let role = cluster.role("Pull images", role).await;
    cluster.grant(&cluster.account_id("jane").await, &role, "/").await;
    jane.ok(&import).await;
    // Now it is the registry that does not answer.
    let refused = jane.fails(&pull).await;
    assert!(refused.contains("connection refused"), "{refused}");
    cluster.stop().await;
}
