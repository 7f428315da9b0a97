//! Lists, events and single objects show what their reader may see.

use super::cluster::Cluster;
use super::engine::{Engine, IMAGE, until};

/// DAPI-003, RBAC-020, proxy-30: two teams on one engine see disjoint sets; the administrator sees both.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_their_own() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let (jane, joe) = (cluster.user("jane").await, cluster.user("joe").await);
    for (user, name) in [(&jane, "of-jane"), (&joe, "of-joe")] {
        user.ok(&["run", "-d", "--name", name, IMAGE, "sleep", "1000"])
            .await;
        user.ok(&["volume", "create", name]).await;
        user.ok(&["network", "create", "-d", "overlay", name]).await;
        user.ok(&[
            "service",
            "create",
            "-d",
            "--no-resolve-image",
            "--name",
            name,
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    }
    let containers = &["ps", "--filter", "name=^of-j[a-z]*$", "--format", "{{.Names}}"][..];
    let volumes = &["volume", "ls", "--format", "{{.Name}}"][..];
    let networks = &[
        "network",
        "ls",
        "--filter",
        "driver=overlay",
        "--format",
        "{{.Name}}",
    ][..];
    let services = &["service", "ls", "--format", "{{.Name}}"][..];
    for list in [containers, volumes, networks, services] {
        assert_eq!(jane.ok(list).await, "of-jane", "{list:?}");
        assert_eq!(joe.ok(list).await, "of-joe", "{list:?}");
        let both = cluster.admin.ok(list).await;
        assert!(
            both.contains("of-jane") && both.contains("of-joe"),
            "{list:?}: {both}"
        );
    }
    joe.denied(&["inspect", "--type", "container", "of-jane"], "Container View")
        .await;
    joe.denied(&["kill", "of-jane"], "Container Kill").await;
    joe.denied(&["volume", "rm", "of-jane"], "Volume Remove").await;
    assert_eq!(joe.ok(&["images", "-q"]).await, "");
    assert_ne!(cluster.admin.ok(&["images", "-q"]).await, "");

    joe.ok(&["kill", "of-joe"]).await;
    jane.ok(&["kill", "of-jane"]).await;
    let pruned = joe.ok(&["container", "prune", "-f"]).await;
    assert_eq!(
        pruned.lines().filter(|line| line.len() == 64).count(),
        1,
        "{pruned}"
    );
    assert_eq!(
        cluster
            .admin
            .ok(&[
                "ps",
                "-a",
                "--filter",
                "name=^of-j[a-z]*$",
                "--format",
                "{{.Names}}"
            ])
            .await,
        "of-jane"
    );
    joe.ok(&["volume", "prune", "-f"]).await;
    let left = cluster.admin.ok(volumes).await;
    assert!(left.contains("of-jane") && !left.contains("of-joe"), "{left}");
    cluster.stop().await;
}

/// DAPI-004, DAPI-006, DAPI-007, DAPI-008, LOG-001: what `info` and `ps` say.
#[tokio::test(flavor = "multi_thread")]
async fn info_filters_and_ports() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let admin = &cluster.admin;
    let swarm = engine.inspect(&["info"]);
    let info = admin
        .ok(&["info", "--format", "{{.ID}} {{.Swarm.LocalNodeState}}"])
        .await;
    assert_eq!(
        info,
        format!("{} active", swarm["Swarm"]["Cluster"]["ID"].as_str().unwrap())
    );

    let label = "com.docker.ucp.access.label=/System";
    admin
        .ok(&[
            "run", "-d", "--name", "ucp-part", "--label", label, IMAGE, "sleep", "1000",
        ])
        .await;
    admin
        .ok(&[
            "run", "-d", "--name", "web", "-p", "8080:80", IMAGE, "sleep", "1000",
        ])
        .await;
    admin.ok(&["run", "--name", "over", IMAGE, "true"]).await;
    let names = |more: &'static [&'static str]| {
        let list = [&["ps", "--format", "{{.Names}}"][..], more].concat();
        async move { admin.ok(&list).await }
    };
    assert_eq!(names(&[]).await, "web");
    assert_eq!(names(&["-a"]).await, "over\nweb\nucp-part");
    assert_eq!(names(&["-a", "--filter", "status=exited"]).await, "over");
    assert_eq!(names(&["--filter", "status=exited"]).await, "over");

    let jane = cluster.user("jane").await;
    let jane_id = cluster.account_id("jane").await;
    cluster.grant(&jane_id, "viewonly", "/System").await;
    assert_eq!(jane.ok(&["ps", "-a", "--format", "{{.Names}}"]).await, "ucp-part");
    assert!(jane.fails(&["logs", "ucp-part"]).await.contains("access denied"));
    admin.ok(&["logs", "ucp-part"]).await;

    let direct = engine.docker(&["ps", "--format", "{{.Ports}}", "--filter", "name=web"]);
    assert!(direct.contains(":::8080"), "the engine has IPv6: {direct}");
    let once = admin.ok(&["ps", "--format", "{{.Ports}}"]).await;
    assert_eq!(once, "0.0.0.0:8080->80/tcp");
    let bindings = admin
        .ok(&["inspect", "web", "--format", "{{json .NetworkSettings.Ports}}"])
        .await;
    assert_eq!(bindings, r#"{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}"#);
    cluster.stop().await;
}

/// DAPI-005: lists and logs over HTTP with a session's token.
#[tokio::test(flavor = "multi_thread")]
async fn lists_and_logs_with_a_token() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    jane.ok(&["run", "--name", "talks", IMAGE, "echo", "spoken"])
        .await;
    let token = cluster.login("jane").await;
    let (status, list) = cluster
        .call(&token, "GET", "/containers/json?all=true", None)
        .await;
    assert!(status.is_success());
    assert_eq!(list[0]["Names"], serde_json::json!(["/talks"]));
    let path = format!("/containers/{}/logs?stdout=1", list[0]["Id"].as_str().unwrap());
    let (status, logs) = cluster.call(&token, "GET", &path, None).await;
    assert!(status.is_success());
    assert!(logs.as_str().unwrap().contains("spoken"), "{logs}");
    let (status, _) = cluster.call("wrong", "GET", &path, None).await;
    assert_eq!(status.as_u16(), 401);
    // The names of nodes may stand before those of what lies on them.
    let (status, _) = cluster
        .call(&token, "GET", "/containers/manager1/talks/json", None)
        .await;
    assert!(status.is_success());
    let (status, _) = cluster
        .call(&token, "GET", "/containers/elsewhere/talks/json", None)
        .await;
    assert_eq!(status.as_u16(), 404);
    cluster.stop().await;
}

/// R51, proxy-30: events of others do not show, whatever kind of object they are about.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_others_stay_hidden() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let (jane, joe) = (cluster.user("jane").await, cluster.user("joe").await);
    for (user, name) in [(&jane, "of-jane"), (&joe, "of-joe")] {
        user.ok(&["volume", "create", name]).await;
        user.ok(&["network", "create", "-d", "overlay", name]).await;
        user.ok(&["run", "--name", name, IMAGE, "true"]).await;
        user.ok(&[
            "service",
            "create",
            "-d",
            "--no-resolve-image",
            "--name",
            name,
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    }
    let seen = |user: super::cluster::Docker| async move {
        user.ok(&[
            "events",
            "--since",
            "1h",
            "--until",
            "0s",
            "--format",
            "{{.Type}} {{json .Actor}}",
        ])
        .await
    };
    let kinds = ["container", "network", "service", "volume"];
    let events = until("an event of every kind", || async {
        let events = seen(joe.clone()).await;
        let shown = |kind: &&str| events.lines().any(|line| line.starts_with(*kind));
        kinds.iter().all(shown).then_some(events)
    })
    .await;
    assert!(!events.contains("of-jane"), "{events}");
    let events = seen(cluster.admin.clone()).await;
    assert!(
        events.contains("of-jane") && events.contains("of-joe"),
        "{events}"
    );
    cluster.stop().await;
}
