//! Services, secrets, configs, stacks and nodes through a bundle.

use super::cluster::Cluster;
use super::engine::{Engine, IMAGE, until};

const STACK: &str = r#"
version: "3.8"
services:
  web:
    image: busybox
    command: sleep 1000
    networks: [net]
    configs: [page]
    deploy:
      labels: { com.docker.ucp.access.label: LABEL }
networks:
  net:
    driver: overlay
    labels: { com.docker.ucp.access.label: LABEL }
configs:
  page:
    file: ./page
    labels: { com.docker.ucp.access.label: LABEL }
"#;

/// DAPI-001, DAPI-014, RBAC-015, RBAC-016, RBAC-017, RBAC-037: services and what they use, made, changed, rolled
/// back and moved.
#[tokio::test(flavor = "multi_thread")]
async fn services_secrets_and_configs() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    let id = cluster.account_id("jane").await;
    cluster.grant(&id, "restrictedcontrol", "/Shared/apps").await;
    let label = "com.docker.ucp.access.label=/Shared/apps";

    let file = cluster.directory().join("file");
    std::fs::write(&file, "content").unwrap();
    let file = file.to_str().unwrap();
    jane.ok(&["secret", "create", "--label", label, "key", file])
        .await;
    jane.ok(&["config", "create", "--label", label, "page", file])
        .await;
    jane.ok(&["network", "create", "-d", "overlay", "--label", label, "net"])
        .await;
    let create = [
        "service",
        "create",
        "-d",
        "--no-resolve-image",
        "--name",
        "web",
        "--label",
        label,
        "--secret",
        "key",
        "--config",
        "page",
        "--network",
        "net",
        IMAGE,
        "sleep",
        "1000",
    ];
    jane.ok(&create).await;
    running(&engine, "web").await;
    let labels = engine.inspect(&["service", "inspect", "web"])["Spec"]["Labels"].clone();
    let collection = cluster.collection("/Shared/apps").await;
    assert_eq!(labels["com.docker.ucp.collection"], collection.as_str());
    assert_eq!(labels["com.docker.ucp.collection.shared"], "true");
    assert_eq!(labels["com.docker.ucp.access.owner"], "jane");
    let task = jane.ok(&["service", "ps", "-q", "web"]).await;
    jane.ok(&["inspect", "--type", "task", &task]).await;

    let command = |service: &str| {
        engine.inspect(&["service", "inspect", service])["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"]
            .clone()
    };
    jane.ok(&["service", "update", "-d", "--args", "sleep 2000", "web"])
        .await;
    assert_eq!(command("web")[1], "2000");
    jane.ok(&["service", "rollback", "-d", "web"]).await;
    assert_eq!(command("web")[1], "1000");
    jane.ok(&["service", "scale", "-d", "web=2"]).await;

    // Nobody forges the labels that say where a service lies.
    jane.ok(&[
        "service",
        "update",
        "-d",
        "--label-add",
        "com.docker.ucp.collection=system",
        "web",
    ])
    .await;
    let labels = engine.inspect(&["service", "inspect", "web"])["Spec"]["Labels"].clone();
    assert_eq!(labels["com.docker.ucp.collection"], collection.as_str());
    jane.denied(
        &[
            "service",
            "update",
            "-d",
            "--label-add",
            "com.docker.ucp.access.label=/System",
            "web",
        ],
        "Service Create",
    )
    .await;
    let nowhere = jane
        .fails(&[
            "service",
            "create",
            "-d",
            "--label",
            "com.docker.ucp.access.label=/nowhere",
            IMAGE,
        ])
        .await;
    assert!(nowhere.contains("`/nowhere`"), "{nowhere}");

    // Without a label it lies in the default collection of its maker.
    jane.ok(&[
        "service",
        "create",
        "-d",
        "--no-resolve-image",
        "--name",
        "mine",
        IMAGE,
        "sleep",
        "1000",
    ])
    .await;
    let labels = engine.inspect(&["service", "inspect", "mine"])["Spec"]["Labels"].clone();
    assert_eq!(labels["com.docker.ucp.access.label"], "/Shared/Private/jane");
    jane.ok(&["service", "rm", "web", "mine"]).await;
    jane.ok(&["secret", "rm", "key"]).await;
    jane.ok(&["config", "rm", "page"]).await;
    cluster.stop().await;
}

/// DAPI-014: services can always be created, updated and removed.
#[tokio::test(flavor = "multi_thread")]
async fn service_loop() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    for round in 0..5 {
        let name = format!("loop-{round}");
        jane.ok(&[
            "service",
            "create",
            "-d",
            "--no-resolve-image",
            "--name",
            &name,
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
        jane.ok(&["service", "update", "-d", "--env-add", "ROUND=1", &name])
            .await;
        running(&engine, &name).await;
        jane.ok(&["service", "rm", &name]).await;
    }
    cluster.stop().await;
}

/// DAPI-001, RBAC-022, RBAC-023: stacks, as the sum of their parts.
#[tokio::test(flavor = "multi_thread")]
async fn stacks() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    let id = cluster.account_id("jane").await;
    cluster.grant(&id, "restrictedcontrol", "/Shared/apps").await;
    std::fs::write(cluster.directory().join("page"), "content").unwrap();
    let file = cluster.directory().join("stack.yml");
    std::fs::write(&file, STACK.replace("LABEL", "/Shared/apps")).unwrap();
    let deploy = [
        "stack",
        "deploy",
        "--resolve-image",
        "never",
        "-c",
        file.to_str().unwrap(),
        "site",
    ];
    jane.ok(&deploy).await;
    running(&engine, "site_web").await;
    assert_eq!(
        jane.ok(&["stack", "ls", "--format", "{{.Name}} {{.Services}}"])
            .await,
        "site 1"
    );
    jane.ok(&["stack", "services", "site"]).await;
    jane.ok(&["stack", "rm", "site"]).await;

    std::fs::write(&file, STACK.replace("LABEL", "/System")).unwrap();
    jane.denied(&deploy, "Config Create").await;
    cluster.stop().await;
}

/// RBAC-017, RBAC-023: the network that a stack brings along lies in the default collection of the deployer. Who may not
/// make networks there names one that exists.
#[tokio::test(flavor = "multi_thread")]
async fn stacks_of_low_privilege() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    let role = serde_json::json!({
        "Service": { "Service Create": [], "Service Update": [], "Service View": [], "Service Delete": [] },
        "Network": { "Network Connect": [], "Network View": [] },
        "Node": { "Node Schedule": [] },
    });
    let role = cluster.role("Deploy", role).await;
    cluster
        .grant(&cluster.account_id("jane").await, &role, "/Shared/apps")
        .await;
    let apps = cluster.collection("/Shared/apps").await;
    let default = serde_json::json!({ "id": apps });
    cluster.api("PUT", "/defaultCollection/jane", Some(default)).await;
    cluster
        .admin
        .ok(&[
            "network",
            "create",
            "-d",
            "overlay",
            "--label",
            "com.docker.ucp.access.label=/Shared/apps",
            "shared-net",
        ])
        .await;

    let file = cluster.directory().join("stack.yml");
    let deploy = [
        "stack",
        "deploy",
        "--resolve-image",
        "never",
        "-c",
        file.to_str().unwrap(),
        "site",
    ];
    let implied = "version: \"3.8\"\nservices: { web: { image: busybox, command: sleep 1000 } }\n";
    std::fs::write(&file, implied).unwrap();
    jane.denied(&deploy, "Network Create").await;
    let named = implied.replace("sleep 1000", "sleep 1000, networks: [net]")
        + "networks: { net: { external: true, name: shared-net } }\n";
    std::fs::write(&file, named).unwrap();
    jane.ok(&deploy).await;
    running(&engine, "site_web").await;
    let labels = engine.inspect(&["service", "inspect", "site_web"])["Spec"]["Labels"].clone();
    assert_eq!(labels["com.docker.ucp.collection"], apps.as_str());
    cluster.stop().await;
}

/// DAPI-001, RBAC-018, RBAC-039, NOD-005, ORC-003: nodes are seen, only administrators change the swarm, and what would harm the cluster
/// is refused to them too.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_and_the_swarm() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    let shown = until("the node is in its collection", || async {
        Some(
            jane.ok(&["node", "ls", "--format", "{{.Hostname}} {{.Status}}"])
                .await,
        )
        .filter(|list| !list.is_empty())
    })
    .await;
    assert_eq!(shown, "manager1 Ready");
    let labels = engine.inspect(&["node", "inspect", "self"])["Spec"]["Labels"].clone();
    assert_eq!(labels["com.docker.ucp.access.label"], "/Shared");
    assert_eq!(labels["com.docker.ucp.orchestrator.swarm"], "true");
    for refused in [
        &["swarm", "join-token", "worker"][..],
        &["swarm", "update", "--task-history-limit", "3"],
        &["swarm", "leave", "--force"],
        &["node", "update", "--availability", "drain", "manager1"],
    ] {
        assert!(jane.fails(refused).await.contains("access denied"), "{refused:?}");
    }
    // A manager is not removed, whoever asks, nor left without any orchestrator.
    let own = engine.docker(&["info", "--format", "{{.Swarm.NodeID}}"]);
    for name in ["manager1", own.trim()] {
        let why = cluster.admin.fails(&["node", "rm", "--force", name]).await;
        assert!(why.contains("docker node demote manager1"), "{why}");
    }
    let label = "com.docker.ucp.orchestrator.swarm";
    let why = cluster
        .admin
        .fails(&["node", "update", "--label-rm", label, "manager1"])
        .await;
    assert!(why.contains("add the label"), "{why}");
    cluster
        .admin
        .ok(&["swarm", "update", "--task-history-limit", "3"])
        .await;
    assert!(
        cluster
            .admin
            .ok(&["swarm", "join-token", "-q", "worker"])
            .await
            .starts_with("SWMTKN-")
    );
    cluster.stop().await;
}

/// Waits until a task of a service runs.
async fn running(engine: &Engine, service: &str) {
    until("a task runs", || async {
        let states = engine.docker(&["service", "ps", "--format", "{{.CurrentState}}", service]);
        states.contains("Running").then_some(())
    })
    .await;
}
