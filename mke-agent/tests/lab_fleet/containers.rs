//! Containers: where they come to be, and that everything one does with them reaches their node.

use super::engine::{IMAGE, until};
use super::world::{World, sorted};

/// DAPI-002, ARCH-023, SCH-001, SCH-002, SCH-005: containers of users and administrators are spread over the workers and
/// go where constraints and names say; who has the right on `/` reaches managers as well; what nobody can take is refused.
#[tokio::test(flavor = "multi_thread")]
async fn lab_containers_are_placed() {
    let world = World::start().await;
    let admin = world.admin();
    for name in ["aa", "bb", "cc", "dd"] {
        admin
            .ok(&["run", "-d", "--name", name, IMAGE, "sleep", "1000"])
            .await;
    }
    let names = admin.ok(&["ps", "--format", "{{.Names}}"]).await;
    let nodes: Vec<&str> = sorted(&names)
        .iter()
        .map(|name| name.split_once('/').unwrap().0)
        .collect();
    assert_eq!(nodes, ["n2", "n2", "n3", "n3"], "{names}");

    admin
        .ok(&["run", "-d", "--name", "n3/pinned", IMAGE, "sleep", "1000"])
        .await;
    assert_eq!(world.node_of("pinned").await, "n3");
    admin
        .ok(&[
            "run",
            "-d",
            "--name",
            "wished",
            "-e",
            "constraint:node==n2",
            "-e",
            "A=b",
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    assert_eq!(world.node_of("wished").await, "n2");
    let environment = admin.ok(&["exec", "wished", "env"]).await;
    assert!(
        environment.contains("A=b") && !environment.contains("constraint"),
        "{environment}"
    );
    admin
        .ok(&[
            "run",
            "-d",
            "--name",
            "near",
            "-e",
            "affinity:container==pinned",
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    assert_eq!(world.node_of("near").await, "n3");
    admin
        .ok(&[
            "run",
            "-d",
            "--name",
            "linked",
            "--link",
            "pinned:db",
            IMAGE,
            "sleep",
            "1000",
        ])
        .await;
    assert_eq!(world.node_of("linked").await, "n3");
    let none = "could not find any nodes on which the container could be created";
    for wish in [
        "constraint:node==n1",
        "constraint:storage==ssd",
        "affinity:container==nothing",
    ] {
        let complaint = admin.fails(&["run", "-d", "-e", wish, IMAGE, "true"]).await;
        assert!(complaint.contains(none), "{complaint}");
    }
    // Names are those of the cluster.
    let complaint = admin
        .fails(&["run", "-d", "--name", "n2/pinned", IMAGE, "true"])
        .await;
    assert!(complaint.contains("already in use"), "{complaint}");

    // A port of a node is used once.
    admin
        .ok(&[
            "run", "-d", "--name", "p1", "-p", "8080:80", IMAGE, "sleep", "1000",
        ])
        .await;
    admin
        .ok(&[
            "run", "-d", "--name", "p2", "-p", "8080:80", IMAGE, "sleep", "1000",
        ])
        .await;
    assert_ne!(world.node_of("p1").await, world.node_of("p2").await);
    let complaint = admin
        .fails(&["run", "-d", "-p", "8080:80", IMAGE, "sleep", "1"])
        .await;
    assert!(
        complaint.contains(none) && complaint.contains("8080/tcp"),
        "{complaint}"
    );

    // Managers are for who has the scheduler role on `/`, and for administrators when a setting says so.
    let on_manager = ["run", "-d", "-e", "constraint:node==n1", IMAGE, "sleep", "1000"];
    let peter = world.cluster.user("peter").await;
    let complaint = peter.fails(&on_manager).await;
    assert!(complaint.contains(none), "{complaint}");
    let id = world.cluster.account_id("peter").await;
    world.cluster.grant(&id, "scheduler", "/").await;
    peter.ok(&on_manager).await;
    let setting = serde_json::json!({ "enableAdminUCPScheduling": true, "defaultNodeOrchestrator": "swarm" });
    world
        .cluster
        .api("PUT", "/api/ucp/config/scheduling", Some(setting))
        .await;
    admin.ok(&on_manager).await;

    // A user whose nodes are none of these finds none.
    let jane = world.cluster.user("jane").await;
    let id = world.cluster.account_id("jane").await;
    world.cluster.grant(&id, "fullcontrol", "/Prod").await;
    let label = "com.docker.ucp.access.label=/Prod";
    let complaint = jane
        .fails(&["run", "-d", "--label", label, IMAGE, "sleep", "1000"])
        .await;
    assert!(complaint.contains(none), "{complaint}");
    jane.ok(&["run", "-d", "--name", "mine", IMAGE, "sleep", "1000"])
        .await;
    assert_eq!(jane.ok(&["ps", "-q"]).await.lines().count(), 1);
    jane.denied(&["logs", "aa"], "Container View").await;
    world.cluster.stop().await;
}

/// DAPI-001, DAPI-005, ARCH-026: exec, logs, files and all else reach the node of the container, also both ways at once.
#[tokio::test(flavor = "multi_thread")]
async fn lab_calls_reach_the_node() {
    let world = World::start().await;
    let admin = world.admin();
    for node in ["n2", "n3"] {
        let name = format!("on-{node}");
        let constraint = format!("constraint:node=={node}");
        let script = "echo started; trap 'exit 3' TERM; while true; do sleep 0.1; done";
        admin
            .ok(&[
                "run",
                "-d",
                "--name",
                &name,
                "-e",
                &constraint,
                IMAGE,
                "sh",
                "-c",
                script,
            ])
            .await;
        assert_eq!(admin.ok(&["exec", &name, "hostname"]).await.len(), 12);
        assert_eq!(admin.ok(&["logs", &name]).await, "started");

        let mut shell = admin.spawn(&["exec", "-i", &name, "sh"]);
        let mut input = shell.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut input, b"echo over $((20+22))\n")
            .await
            .unwrap();
        drop(input);
        let said = shell.wait_with_output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "over 42\n");

        let file = world.cluster.directory().join("file");
        std::fs::write(&file, node).unwrap();
        admin
            .ok(&["cp", file.to_str().unwrap(), &format!("{name}:/there")])
            .await;
        let back = world.cluster.directory().join("back");
        admin
            .ok(&["cp", &format!("{node}/{name}:/there"), back.to_str().unwrap()])
            .await;
        assert_eq!(std::fs::read_to_string(&back).unwrap(), node);

        assert!(admin.ok(&["top", &name]).await.contains("trap"));
        admin.ok(&["stats", "--no-stream", &name]).await;
        admin.ok(&["update", "--cpu-shares", "100", &name]).await;
        admin.ok(&["rename", &name, "renamed"]).await;
        let taken = admin.fails(&["run", "--name", "renamed", IMAGE, "true"]).await;
        assert!(taken.contains("already in use"), "{taken}");
        admin.ok(&["commit", "renamed", &format!("made-of:{node}")]).await;
        let wait = admin.spawn(&["wait", "renamed"]);
        admin.ok(&["stop", "renamed"]).await;
        assert_eq!(
            String::from_utf8_lossy(&wait.wait_with_output().await.unwrap().stdout),
            "3\n"
        );
        let list = admin
            .ok(&["ps", "-a", "--filter", "status=exited", "--format", "{{.Names}}"])
            .await;
        assert_eq!(list, format!("{node}/renamed"));
        admin.ok(&["rm", "-v", "renamed"]).await;
        assert_eq!(admin.ok(&["ps", "-aq"]).await, "");
    }
    let images = admin
        .ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"])
        .await;
    assert_eq!(
        sorted(&images),
        [&format!("{IMAGE}:latest"), "made-of:n2", "made-of:n3"]
    );
    // An image of one node brings its container there.
    admin
        .ok(&["run", "-d", "--name", "back", "made-of:n3", "sleep", "1000"])
        .await;
    assert_eq!(world.node_of("back").await, "n3");

    // Output that goes on, as it comes.
    admin
        .ok(&[
            "run",
            "-d",
            "--name",
            "ticks",
            IMAGE,
            "sh",
            "-c",
            "while true; do echo tick; sleep 0.1; done",
        ])
        .await;
    let mut logs = admin.spawn(&["logs", "-f", "ticks"]);
    let mut output = tokio::io::BufReader::new(logs.stdout.take().unwrap());
    for _ in 0..3 {
        let mut line = String::new();
        tokio::io::AsyncBufReadExt::read_line(&mut output, &mut line)
            .await
            .unwrap();
        assert_eq!(line, "tick\n");
    }
    logs.kill().await.unwrap();
    world.cluster.stop().await;
}

/// DAPI-006, ARCH-020: what is made at the engine of a node for the control plane or for pods is hidden, and its logs are
/// for administrators; what users name so is not.
#[tokio::test(flavor = "multi_thread")]
async fn lab_system_containers() {
    let world = World::start().await;
    let admin = world.admin();
    let node = world.lab.node(2);
    for name in ["ucp-proxy", "k8s_POD_web_default_1_0", "plain"] {
        node.docker(&["run", "-d", "--name", name, IMAGE, "sleep", "1000"]);
    }
    until("the plain one is listed", || async {
        (admin.ok(&["ps", "--format", "{{.Names}}"]).await == "n2/plain").then_some(())
    })
    .await;
    let all = admin.ok(&["ps", "-a", "--format", "{{.Names}}"]).await;
    assert_eq!(
        sorted(&all),
        ["n2/k8s_POD_web_default_1_0", "n2/plain", "n2/ucp-proxy"]
    );
    admin.ok(&["logs", "ucp-proxy"]).await;
    let auditor = world.cluster.user("auditor").await;
    let id = world.cluster.account_id("auditor").await;
    world.cluster.grant(&id, "fullcontrol", "/").await;
    auditor.ok(&["logs", "plain"]).await;
    let complaint = auditor.fails(&["logs", "ucp-proxy"]).await;
    assert!(complaint.contains("logs of the control plane"), "{complaint}");
    // DAPI-009: counts are those of the engines.
    let info = world.cluster.api("GET", "/info", None).await;
    assert_eq!(info["ContainersRunning"], 3);
    assert_eq!(info["NCPU"].as_i64().unwrap() % 3, 0);
    let cluster = node_cluster(&world);
    assert_eq!(info["ID"], cluster.as_str());
    let shown = admin.ok(&["info"]).await;
    assert!(
        shown.contains(&format!("ID: {cluster}")) && shown.contains("Nodes: 3"),
        "{shown}"
    );
    world.cluster.stop().await;
}

fn node_cluster(world: &World) -> String {
    let id = world
        .lab
        .node(1)
        .docker(&["info", "--format", "{{.Swarm.Cluster.ID}}"]);
    id.trim().to_owned()
}
