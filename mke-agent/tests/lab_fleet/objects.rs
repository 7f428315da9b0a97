//! Images, volumes, networks, services and events of all nodes.

use serde_json::{Value, json};

use super::engine::{IMAGE, until, write_context};
use super::world::{World, sorted};

/// DAPI-002, DAPI-003: an image of several nodes is one, tags and removals reach all, builds are found, images are loaded
/// everywhere, and what a registry lacks is said for each node.
#[tokio::test(flavor = "multi_thread")]
async fn lab_images() {
    let world = World::start().await;
    let admin = world.admin();
    let names = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
    admin.ok(&["tag", IMAGE, "tagged:1"]).await;
    for node in world.lab.nodes() {
        assert!(
            node.docker(&["images", "-q", "tagged:1"]).trim().len() > 3,
            "{}",
            node.name()
        );
    }
    let listed = admin.ok(&names).await;
    assert_eq!(listed.matches("tagged:1").count(), 1, "{listed}");
    let archive = world.cluster.directory().join("image.tar");
    admin
        .ok(&["save", "-o", archive.to_str().unwrap(), "tagged:1"])
        .await;
    admin.ok(&["rmi", "tagged:1"]).await;
    assert!(!admin.ok(&names).await.contains("tagged"));
    admin.ok(&["load", "-i", archive.to_str().unwrap()]).await;
    for node in world.lab.nodes() {
        assert!(
            node.docker(&["images", "-q", "tagged:1"]).trim().len() > 3,
            "{}",
            node.name()
        );
    }

    let context = world.cluster.directory().join("context");
    write_context(&context);
    admin
        .ok(&["build", "-q", "-t", "built:1", context.to_str().unwrap()])
        .await;
    let with_buildkit = admin.with_buildkit();
    with_buildkit
        .ok(&["build", "-q", "-t", "built:2", context.to_str().unwrap()])
        .await;
    let listed = admin.ok(&names).await;
    assert!(
        listed.contains("built:1") && listed.contains("built:2"),
        "{listed}"
    );
    // Built by one account, so on one node, and a container comes to its image.
    let holders = |image: &'static str| {
        let has =
            |node: &mke_test_support::lab::Node<'_>| !node.docker(&["images", "-q", image]).trim().is_empty();
        world
            .lab
            .nodes()
            .filter(has)
            .map(|node| node.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(holders("built:1"), holders("built:2"));
    assert_eq!(holders("built:1").len(), 1);
    admin.ok(&["inspect", "built:1"]).await;
    admin.ok(&["history", "built:2"]).await;

    let pulled = admin.fails(&["pull", "127.0.0.1:1/nothing"]).await;
    assert!(pulled.contains("127.0.0.1:1"), "{pulled}");
    world.cluster.stop().await;
}

/// DAPI-002, DAPI-003, RBAC-020, R38: volumes and networks of each node carry its name, those of the swarm are shown once,
/// and a volume that nodes disagree about is for administrators.
#[tokio::test(flavor = "multi_thread")]
async fn lab_volumes_and_networks() {
    let world = World::start().await;
    let admin = world.admin();
    let jane = world.cluster.user("jane").await;
    let volumes = ["volume", "ls", "--format", "{{.Name}}"];
    admin.ok(&["volume", "create", "data"]).await;
    assert_eq!(sorted(&admin.ok(&volumes).await), ["n2/data", "n3/data"]);
    admin.ok(&["volume", "inspect", "data"]).await;
    admin.ok(&["volume", "create", "n3/alone"]).await;
    assert_eq!(
        admin
            .ok(&["volume", "inspect", "--format", "{{.Name}}", "alone"])
            .await,
        "n3/alone"
    );
    admin
        .ok(&[
            "run",
            "--rm",
            "--name",
            "writer",
            "-v",
            "alone:/v",
            IMAGE,
            "sh",
            "-c",
            "echo kept > /v/file",
        ])
        .await;
    let kept = admin
        .ok(&["run", "--rm", "-v", "alone:/v", IMAGE, "cat", "/v/file"])
        .await;
    assert_eq!(kept, "kept", "the container came to its volume");
    assert_eq!(jane.ok(&volumes).await, "");
    // Hers on a node that the administrator's is not on would be another volume of one name.
    let refused = jane
        .fails(&[
            "run",
            "--rm",
            "-e",
            "constraint:node==n2",
            "-v",
            "alone:/v",
            IMAGE,
            "true",
        ])
        .await;
    assert!(refused.contains("access denied"), "{refused}");
    jane.ok(&["volume", "create", "hers"]).await;
    assert_eq!(sorted(&jane.ok(&volumes).await), ["n2/hers", "n3/hers"]);
    world.lab.node(1).docker(&["volume", "create", "hers"]);
    until("the nodes disagree", || async {
        let hers = jane.ok(&volumes).await;
        hers.is_empty().then_some(())
    })
    .await;
    assert!(admin.ok(&volumes).await.contains("n1/hers"));
    admin.ok(&["volume", "rm", "data", "n1/hers"]).await;
    assert_eq!(sorted(&jane.ok(&volumes).await), ["n2/hers", "n3/hers"]);
    // Once for each node that has one.
    let pruned = admin.ok(&["volume", "prune", "-f"]).await;
    assert_eq!(pruned.matches("hers").count(), 2, "{pruned}");

    admin
        .ok(&["network", "create", "-d", "overlay", "--attachable", "wide"])
        .await;
    admin.ok(&["network", "create", "n2/near"]).await;
    let networks = admin.ok(&["network", "ls", "--format", "{{.Name}}"]).await;
    let shown = sorted(&networks);
    assert_eq!(shown.iter().filter(|name| **name == "wide").count(), 1);
    assert!(
        shown.contains(&"n2/near") && !shown.contains(&"n3/near"),
        "{shown:?}"
    );
    for node in ["n1", "n2", "n3"] {
        assert!(shown.contains(&format!("{node}/bridge").as_str()), "{shown:?}");
    }
    admin
        .ok(&[
            "run",
            "-d",
            "--name",
            "in-near",
            "--network",
            "near",
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    assert_eq!(world.node_of("in-near").await, "n2");
    admin
        .ok(&[
            "run",
            "-d",
            "--name",
            "in-wide",
            "-e",
            "constraint:node==n3",
            "--network",
            "wide",
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    admin.ok(&["network", "inspect", "wide"]).await;
    assert_eq!(
        admin
            .ok(&["network", "inspect", "--format", "{{.Name}}", "near"])
            .await,
        "n2/near"
    );
    admin
        .ok(&["network", "disconnect", "-f", "near", "in-near"])
        .await;
    admin.ok(&["network", "connect", "near", "in-near"]).await;
    world.cluster.stop().await;
}

/// LBL-002, LBL-001, DAPI-014: services made or updated through the controller get the constraint, others do not; agents of
/// the control plane never do. DAPI-002: their containers on all nodes are in one list.
#[tokio::test(flavor = "multi_thread")]
async fn lab_services_and_events() {
    let world = World::start().await;
    let admin = world.admin();
    let orchestrator = "node.labels.com.docker.ucp.orchestrator.swarm==true";
    let constraints = |service: &'static str| {
        let format = "{{json .Spec.TaskTemplate.Placement.Constraints}}";
        let text = world
            .lab
            .node(1)
            .docker(&["service", "inspect", "--format", format, service]);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let create = ["service", "create", "-d", "--no-resolve-image", "--name"];
    for old in ["old", "ucp-worker-agent-x"] {
        world
            .lab
            .node(1)
            .docker(&[&create[..], &[old, "--replicas", "0", IMAGE]].concat());
    }
    let begun = admin.ok(&["info", "--format", "{{.SystemTime}}"]).await;
    admin
        .ok(&[&create[..], &["new", "--mode", "global", IMAGE, "sleep", "1000"]].concat())
        .await;
    assert_eq!(
        constraints("new"),
        json!(["node.labels.com.docker.ucp.collection.system!=true", orchestrator])
    );
    assert_eq!(constraints("old"), Value::Null);
    admin
        .ok(&["service", "update", "-d", "--env-add", "A=b", "old"])
        .await;
    admin
        .ok(&[
            "service",
            "update",
            "-d",
            "--env-add",
            "A=b",
            "ucp-worker-agent-x",
        ])
        .await;
    assert_eq!(constraints("old"), json!([orchestrator]));
    assert!(
        !constraints("ucp-worker-agent-x")
            .to_string()
            .contains("orchestrator")
    );
    until("the tasks run", || async {
        let list = admin.ok(&["ps", "--format", "{{.Names}}"]).await;
        let nodes: Vec<&str> = sorted(&list).iter().map(|name| &name[..2]).collect();
        (nodes == ["n2", "n3"]).then_some(())
    })
    .await;
    let now = admin.ok(&["info", "--format", "{{.SystemTime}}"]).await;
    let events = admin
        .ok(&[
            "events",
            "--since",
            &begun,
            "--until",
            &now,
            "--format",
            "{{json .}}",
        ])
        .await;
    let events: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for node in ["n2", "n3"] {
        let started =
            |event: &&Value| event["Action"] == "start" && event["Actor"]["Attributes"]["node.name"] == node;
        assert_eq!(events.iter().filter(started).count(), 1, "{node}: {events:#?}");
    }
    let made = |event: &&Value| event["Type"] == "service" && event["Action"] == "create";
    assert_eq!(events.iter().filter(made).count(), 1);

    // Live, and filtered for users.
    let jane = world.cluster.user("jane").await;
    let mut heard = jane.spawn(&["events", "--format", "{{.Action}} {{.Actor.Attributes.name}}"]);
    let mut lines = tokio::io::BufReader::new(heard.stdout.take().unwrap());
    let name = "hers";
    let mut line = String::new();
    // The stream is open when the first event of hers arrives; what was before is not repeated.
    let seen = until("an event of hers", || {
        let jane = jane.clone();
        async move {
            jane.ok(&["run", "--rm", "--name", name, IMAGE, "true"]).await;
            Some(())
        }
    });
    let read = tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line);
    let ((), read) = tokio::join!(
        seen,
        tokio::time::timeout(std::time::Duration::from_secs(60), read)
    );
    read.unwrap().unwrap();
    assert!(line.ends_with("hers\n"), "{line}");
    heard.kill().await.unwrap();
    world.cluster.stop().await;
}
