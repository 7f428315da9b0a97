//! The product's access-control tutorials, end to end: people with bundles, the real client, real engines. Each
//! permission is used, and each refusal is provoked.

use serde_json::{Value, json};

use super::cluster::{Cluster, Docker};
use super::engine::{Engine, IMAGE, until};
use super::lab::Lab;

/// `docker service create` without waiting, for a service that only sleeps.
fn service<'a>(name: &'a str, label: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = [
        "service",
        "create",
        "-d",
        "--no-resolve-image",
        "--name",
        name,
        "--label",
        label,
    ];
    [&start[..], more, &[IMAGE, "sleep", "1000"]].concat()
}

fn label(collection: &str) -> String {
    format!("com.docker.ucp.access.label={collection}")
}

async fn names(client: &Docker, kind: &str) -> Vec<String> {
    let list = client.ok(&[kind, "ls", "--format", "{{.Name}}"]).await;
    let predefined = ["bridge", "host", "none", "ingress", "docker_gwbridge"];
    let mut names: Vec<String> = list
        .lines()
        .filter(|name| !predefined.contains(name))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

/// The node on which the task of a service runs.
async fn node_of(engine: &Engine, service: &str) -> String {
    until("the task runs", || async {
        let tasks = engine.docker(&[
            "service",
            "ps",
            "--format",
            "{{.Node}} {{.CurrentState}}",
            service,
        ]);
        let (node, state) = tasks.lines().next()?.split_once(' ')?;
        state.starts_with("Running").then(|| node.to_owned())
    })
    .await
}

/// RBAC-032: three teams, and only operations sees the application.
#[tokio::test(flavor = "multi_thread")]
async fn simple_stateless_app() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let (alex, bett, chad) = (
        cluster.user("alex").await,
        cluster.user("bett").await,
        cluster.user("chad").await,
    );
    cluster.organization("company-datacenter").await;
    cluster.team("company-datacenter", "dba", &["alex"]).await;
    cluster.team("company-datacenter", "dev", &["bett"]).await;
    let ops = cluster.team("company-datacenter", "ops", &["chad"]).await;
    let role = json!({
        "Service": { "Service Create": [], "Service Delete": [], "Service Logs": [], "Service Update": [],
            "Service View": [], "Service View Tasks": [] },
        "Container": { "Container Logs": [], "Container View": [] },
        "Network": { "Network Connect": [], "Network Create": [], "Network View": [] },
        "Node": { "Node Schedule": [] },
    });
    let role = cluster.role("Swarm Deploy", role).await;
    cluster.grant(&ops, &role, "/Shared/nginx-collection").await;

    let label = label("/Shared/nginx-collection");
    chad.ok(&service("nginx-service", &label, &[])).await;
    node_of(&engine, "nginx-service").await;
    assert_eq!(names(&chad, "service").await, ["nginx-service"]);
    let container = chad.ok(&["ps", "-q"]).await;
    chad.ok(&["logs", &container]).await;
    chad.denied(&["restart", &container], "Container Restart").await;
    for other in [&alex, &bett] {
        assert!(names(other, "service").await.is_empty());
        assert_eq!(other.ok(&["ps", "-aq"]).await, "");
        other
            .denied(&["service", "inspect", "nginx-service"], "Service View")
            .await;
        other
            .denied(&service("mine", &label, &[]), "Service Create")
            .await;
    }
    let (_, seen) = cluster
        .call(&cluster.login("alex").await, "GET", "/collections", None)
        .await;
    assert!(!seen.to_string().contains("nginx-collection"), "{seen}");
    chad.ok(&["service", "rm", "nginx-service"]).await;
    cluster.stop().await;
}

/// RBAC-040: volumes of two teams on one node are invisible to each other, and cannot be mounted across.
#[tokio::test(flavor = "multi_thread")]
async fn isolate_volumes() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let (dana, paul) = (cluster.user("dana").await, cluster.user("paul").await);
    cluster.organization("engineering").await;
    let dev = cluster.team("engineering", "dev", &["dana"]).await;
    let prod = cluster.team("engineering", "prod", &["paul"]).await;
    cluster
        .grant(&dev, "restrictedcontrol", "/Shared/dev-volumes")
        .await;
    cluster
        .grant(&prod, "restrictedcontrol", "/Shared/prod-volumes")
        .await;
    let (dev, prod) = (label("/Shared/dev-volumes"), label("/Shared/prod-volumes"));

    dana.ok(&["volume", "create", "--label", &dev, "dev-data"]).await;
    paul.ok(&["volume", "create", "--label", &prod, "prod-data"])
        .await;
    assert_eq!(names(&dana, "volume").await, ["dev-data"]);
    assert_eq!(names(&paul, "volume").await, ["prod-data"]);
    assert_eq!(names(&cluster.admin, "volume").await, ["dev-data", "prod-data"]);
    dana.denied(
        &["volume", "create", "--label", &prod, "other"],
        "Volume Create/Attach",
    )
    .await;
    dana.denied(&["volume", "inspect", "prod-data"], "Volume View")
        .await;
    dana.denied(&["volume", "rm", "prod-data"], "Volume Remove").await;

    let mount = |volume: &str| format!("type=volume,source={volume},target=/data");
    let run = |label: &str, volume: &str| {
        let arguments = [
            "run",
            "--rm",
            "--label",
            label,
            "--mount",
            &mount(volume),
            IMAGE,
            "touch",
            "/data/file",
        ];
        arguments.map(str::to_owned)
    };
    let run_dev = run(&dev, "dev-data");
    dana.ok(&run_dev.each_ref().map(String::as_str)).await;
    let run_prod = run(&dev, "prod-data");
    dana.denied(&run_prod.each_ref().map(String::as_str), "Volume Create/Attach")
        .await;
    dana.denied(
        &[
            "volume",
            "create",
            "--label",
            &dev,
            "--opt",
            "type=none",
            "--opt",
            "o=bind",
            "--opt",
            "device=/",
            "root",
        ],
        "Volume Create/Attach",
    )
    .await;
    // A volume that a container brings into being lies with it, so its maker can use it again.
    dana.ok(&["run", "--rm", "--label", &dev, "-v", "fresh:/data", IMAGE, "true"])
        .await;
    assert_eq!(names(&dana, "volume").await, ["dev-data", "fresh"]);
    assert_eq!(names(&paul, "volume").await, ["prod-data"]);
    cluster.stop().await;
}

/// RBAC-018, RBAC-021, RBAC-031, RBAC-026: a team runs on its own nodes only, and nodes move by their label.
#[tokio::test(flavor = "multi_thread")]
async fn isolate_nodes() {
    let lab = Lab::start(&["prod1", "worker2"]).await;
    let engine = lab.manager();
    let cluster = Cluster::start(engine.socket()).await;
    let (olga, nora) = (cluster.user("olga").await, cluster.user("nora").await);
    cluster.organization("acme").await;
    let ops = cluster.team("acme", "ops", &["olga"]).await;
    cluster.grant(&ops, "restrictedcontrol", "/Prod/Webserver").await;
    cluster.grant(&ops, "scheduler", "/Prod").await;
    let creator = json!({ "Service": { "Service Create": [], "Service View": [] } });
    let creator = cluster.role("Creator only", creator).await;
    cluster
        .grant(&cluster.account_id("nora").await, &creator, "/Prod/Webserver")
        .await;

    let home = |node: &'static str| async move {
        let labels = engine.inspect(&["node", "inspect", node])["Spec"]["Labels"].clone();
        labels["com.docker.ucp.access.label"].as_str().map(str::to_owned)
    };
    for (node, expected) in [
        ("manager1", "/System"),
        ("prod1", "/Shared"),
        ("worker2", "/Shared"),
    ] {
        let found = until("the node has a home", || home(node)).await;
        assert_eq!(found, expected, "{node}");
    }
    let move_to = |collection: &str, node: &str| {
        ["node", "update", "--label-add", &label(collection), node].map(str::to_owned)
    };
    let to_prod = move_to("/Prod", "prod1");
    let to_prod = to_prod.each_ref().map(String::as_str);
    assert!(olga.fails(&to_prod).await.contains("access denied"));
    cluster.admin.ok(&to_prod).await;
    let labels = engine.inspect(&["node", "inspect", "prod1"])["Spec"]["Labels"].clone();
    assert_eq!(
        labels["com.docker.ucp.collection"],
        cluster.collection("/Prod").await.as_str()
    );
    assert_eq!(labels["com.docker.ucp.collection.shared"], Value::Null);
    let manager = move_to("/Prod", "manager1");
    let refused = cluster.admin.fails(&manager.each_ref().map(String::as_str)).await;
    assert!(refused.contains("access denied"), "{refused}");
    assert_eq!(
        olga.ok(&["node", "ls", "--format", "{{.Hostname}}"])
            .await
            .lines()
            .count(),
        2
    );

    let web = label("/Prod/Webserver");
    olga.ok(&service("nginx", &web, &["--replicas", "1"])).await;
    assert_eq!(node_of(engine, "nginx").await, "prod1");
    let private = label("/Shared/Private/olga");
    olga.ok(&service("private", &private, &[])).await;
    assert_eq!(node_of(engine, "private").await, "worker2");
    // The caller's own constraints narrow, and cannot undo the one that keeps it in place.
    let id = engine.inspect(&["node", "inspect", "manager1"])["ID"]
        .as_str()
        .unwrap()
        .to_owned();
    let elsewhere = format!("node.id=={id}");
    olga.ok(&service("escape", &web, &["--constraint", &elsewhere]))
        .await;
    let pending = until("the task waits", || async {
        let tasks = olga
            .ok(&[
                "service",
                "ps",
                "--no-trunc",
                "--format",
                "{{.Node}}|{{.Error}}",
                "escape",
            ])
            .await;
        tasks.contains("no suitable node").then_some(tasks)
    })
    .await;
    assert!(pending.starts_with('|'), "{pending}");
    nora.denied(&service("mine", &web, &[]), "Node Schedule").await;
    // Containers run on the engine of the manager, where this team may not.
    let complaint = olga.fails(&["run", "--label", &web, IMAGE, "true"]).await;
    assert!(
        complaint.contains("could not find any nodes") && complaint.contains("`/Prod`"),
        "{complaint}"
    );
    cluster.stop().await;
}

fn view_and_use() -> Value {
    json!({
        "Network": { "Network Connect": [], "Network Disconnect": [], "Network View": [] },
        "Secret": { "Secret Use": [], "Secret View": [] },
    })
}

/// RBAC-033, RBAC-035: four teams; applications use the networks and secrets of their databases and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn orcabank_basic() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let (sam, dina) = (cluster.user("sam").await, cluster.user("dina").await);
    let (mindi, peter) = (cluster.user("mindi").await, cluster.user("peter").await);
    cluster.organization("orcabank").await;
    let security = cluster.team("orcabank", "security", &["sam"]).await;
    let db = cluster.team("orcabank", "db", &["dina"]).await;
    let mobile = cluster.team("orcabank", "mobile", &["mindi"]).await;
    let payments = cluster.team("orcabank", "payments", &["peter"]).await;
    let users = cluster
        .role("View & Use Networks + Secrets", view_and_use())
        .await;
    let all = cluster.api("GET", "/roles/fullcontrol", None).await["operations"].clone();
    let ops = cluster.role("Ops", all).await;
    for (team, role, collection) in [
        (&security, "viewonly", "/Shared/mobile"),
        (&security, "viewonly", "/Shared/payments"),
        (&security, "viewonly", "/Shared/db"),
        (&db, &ops, "/Shared/db"),
        (&mobile, &ops, "/Shared/mobile"),
        (&mobile, &users, "/Shared/db/mobile"),
        (&payments, &ops, "/Shared/payments"),
        (&payments, &users, "/Shared/db/payments"),
    ] {
        cluster.grant(team, role, collection).await;
    }
    let secret = cluster.directory().join("secret");
    std::fs::write(&secret, "hunter2").unwrap();
    let secret = secret.to_str().unwrap();
    let [l_db, l_dbm, l_dbp, l_mobile, l_payments] = [
        "/Shared/db",
        "/Shared/db/mobile",
        "/Shared/db/payments",
        "/Shared/mobile",
        "/Shared/payments",
    ]
    .map(label);
    for (name, label) in [("mobile-db-net", &l_dbm), ("payments-db-net", &l_dbp)] {
        dina.ok(&[
            "network",
            "create",
            "-d",
            "overlay",
            "--attachable",
            "--label",
            label,
            name,
        ])
        .await;
    }
    for (name, label) in [
        ("mobile-db-pass", &l_dbm),
        ("payments-db-pass", &l_dbp),
        ("db-root-pass", &l_db),
    ] {
        dina.ok(&["secret", "create", "--label", label, name, secret])
            .await;
    }
    dina.ok(&["volume", "create", "--label", &l_dbm, "mobile-db-data"])
        .await;
    dina.ok(&service(
        "mobile-db",
        &l_dbm,
        &["--network", "mobile-db-net", "--secret", "mobile-db-pass"],
    ))
    .await;
    dina.ok(&service("pg", &l_dbp, &["--secret", "db-root-pass"]))
        .await;

    mindi
        .ok(&[
            "network",
            "create",
            "-d",
            "overlay",
            "--label",
            &l_mobile,
            "mobile-net",
        ])
        .await;
    let uses = [
        "--network",
        "mobile-db-net",
        "--network",
        "mobile-net",
        "--secret",
        "mobile-db-pass",
    ];
    mindi.ok(&service("mobile-web", &l_mobile, &uses)).await;
    peter
        .ok(&service(
            "payments-web",
            &l_payments,
            &["--network", "payments-db-net", "--secret", "payments-db-pass"],
        ))
        .await;

    assert_eq!(
        names(&sam, "service").await,
        ["mobile-db", "mobile-web", "payments-web", "pg"]
    );
    assert_eq!(names(&dina, "service").await, ["mobile-db", "pg"]);
    assert_eq!(names(&mindi, "service").await, ["mobile-web"]);
    assert_eq!(names(&peter, "service").await, ["payments-web"]);
    assert_eq!(names(&mindi, "network").await, ["mobile-db-net", "mobile-net"]);
    assert_eq!(names(&mindi, "secret").await, ["mobile-db-pass"]);

    sam.denied(&service("x", &l_mobile, &[]), "Service Create").await;
    sam.denied(&["service", "rm", "mobile-web"], "Service Delete")
        .await;
    dina.denied(&["service", "inspect", "mobile-web"], "Service View")
        .await;
    peter
        .denied(&service("p3", &l_mobile, &[]), "Service Create")
        .await;
    mindi
        .denied(&["secret", "rm", "mobile-db-pass"], "Secret Delete")
        .await;
    mindi
        .denied(
            &service(
                "mnt",
                &l_mobile,
                &["--mount", "source=mobile-db-data,target=/data"],
            ),
            "Volume Create/Attach",
        )
        .await;
    // The client looks names up first, and cannot see what it may not use; without that step the reason is the use.
    mindi
        .denied(
            &service("spy", &l_mobile, &["--network", "payments-db-net"]),
            "Network View",
        )
        .await;
    let token = cluster.login("mindi").await;
    let network = engine.inspect(&["network", "inspect", "payments-db-net"])["Id"].clone();
    let root_secret = engine.inspect(&["secret", "inspect", "db-root-pass"])["ID"].clone();
    let file = json!({ "Name": "f", "UID": "0", "GID": "0", "Mode": 292 });
    for (task, missing) in [
        (
            json!({ "ContainerSpec": { "Image": IMAGE }, "Networks": [{ "Target": network }] }),
            "Network Connect",
        ),
        (
            json!({ "ContainerSpec": { "Image": IMAGE, "Secrets": [
                { "SecretID": root_secret, "SecretName": "db-root-pass", "File": file },
            ] } }),
            "Secret Use",
        ),
    ] {
        let body = json!({
            "Name": "spy", "Labels": { "com.docker.ucp.access.label": "/Shared/mobile" }, "TaskTemplate": task,
        });
        let (status, answer) = cluster
            .call(&token, "POST", "/v1.41/services/create", Some(body))
            .await;
        assert_eq!(status.as_u16(), 403, "{answer}");
        assert_eq!(
            answer["message"],
            format!("access denied: no access to {missing}")
        );
    }

    node_of(&engine, "mobile-db").await;
    node_of(&engine, "mobile-web").await;
    let container = |service: &str| engine.docker(&["ps", "-q", "--filter", &format!("name={service}\\.")]);
    let (database, web) = (container("mobile-db"), container("mobile-web"));
    mindi.ok(&["exec", &web, "true"]).await;
    mindi.denied(&["exec", &database, "true"], "Container View").await;
    let path = format!("/containers/{database}/exec");
    let body = json!({ "Cmd": ["true"] });
    let (status, answer) = cluster.call(&token, "POST", &path, Some(body)).await;
    assert_eq!(status.as_u16(), 403, "{answer}");
    assert_eq!(answer["message"], "access denied: no access to Container Exec");
    mindi
        .denied(
            &["network", "connect", "mobile-net", &database],
            "Container Connect",
        )
        .await;
    mindi
        .ok(&[
            "run", "-d", "--name", "job", "--label", &l_mobile, IMAGE, "sleep", "1000",
        ])
        .await;
    mindi.ok(&["network", "connect", "mobile-db-net", "job"]).await;
    mindi.ok(&["network", "disconnect", "mobile-db-net", "job"]).await;
    cluster.stop().await;
}

/// RBAC-034: production and staging on nodes of their own.
#[tokio::test(flavor = "multi_thread")]
async fn orcabank_advanced() {
    let homes = [
        ("prod-mobile", "/prod/mobile"),
        ("prod-db-mobile", "/prod/db/mobile"),
        ("staging-mobile", "/staging/mobile"),
    ];
    let lab = Lab::start(&[homes[0].0, homes[1].0, homes[2].0]).await;
    let engine = lab.manager();
    let cluster = Cluster::start(engine.socket()).await;
    let (sam, dina, mindi, peter) = (
        cluster.user("sam").await,
        cluster.user("dina").await,
        cluster.user("mindi").await,
        cluster.user("peter").await,
    );
    cluster.organization("orcabank").await;
    let security = cluster.team("orcabank", "security", &["sam"]).await;
    let db = cluster.team("orcabank", "db", &["dina"]).await;
    let mobile = cluster.team("orcabank", "mobile", &["mindi"]).await;
    let payments = cluster.team("orcabank", "payments", &["peter"]).await;
    let users = cluster
        .role("View & Use Networks + Secrets", view_and_use())
        .await;
    for (team, role, collection) in [
        (&security, "viewonly", "/prod"),
        (&db, "fullcontrol", "/prod/db"),
        (&mobile, "fullcontrol", "/prod/mobile"),
        (&mobile, "fullcontrol", "/staging/mobile"),
        (&mobile, &users, "/prod/db/mobile"),
        (&payments, "fullcontrol", "/prod/payments"),
        (&payments, "fullcontrol", "/staging/payments"),
    ] {
        cluster.grant(team, role, collection).await;
    }
    for (node, collection) in homes {
        cluster.collection(collection).await;
        until("the node has a home", || async {
            let labels = engine.inspect(&["node", "inspect", node])["Spec"]["Labels"].clone();
            labels.get("com.docker.ucp.access.label").map(drop)
        })
        .await;
        cluster
            .admin
            .ok(&["node", "update", "--label-add", &label(collection), node])
            .await;
    }

    let [l_prod, l_staging, l_db] = ["/prod/mobile", "/staging/mobile", "/prod/db/mobile"].map(label);
    dina.ok(&[
        "network",
        "create",
        "-d",
        "overlay",
        "--label",
        &l_db,
        "mobile-db-net",
    ])
    .await;
    dina.ok(&service("mobile-db", &l_db, &["--network", "mobile-db-net"]))
        .await;
    mindi
        .ok(&service("mobile-prod", &l_prod, &["--network", "mobile-db-net"]))
        .await;
    mindi.ok(&service("mobile-staging", &l_staging, &[])).await;
    assert_eq!(node_of(engine, "mobile-db").await, "prod-db-mobile");
    assert_eq!(node_of(engine, "mobile-prod").await, "prod-mobile");
    assert_eq!(node_of(engine, "mobile-staging").await, "staging-mobile");

    assert_eq!(names(&sam, "service").await, ["mobile-db", "mobile-prod"]);
    assert_eq!(names(&dina, "service").await, ["mobile-db"]);
    assert_eq!(names(&mindi, "service").await, ["mobile-prod", "mobile-staging"]);
    assert!(names(&peter, "service").await.is_empty());
    dina.denied(&service("x", &l_prod, &[]), "Service Create").await;
    peter.denied(&service("x", &l_prod, &[]), "Service Create").await;
    peter
        .denied(&["service", "logs", "mobile-prod"], "Service View")
        .await;
    sam.denied(
        &["service", "update", "-d", "--env-add", "A=1", "mobile-prod"],
        "Service Update",
    )
    .await;
    mindi
        .denied(&["service", "rm", "mobile-db"], "Service Delete")
        .await;
    mindi.denied(&service("x", &l_db, &[]), "Service Create").await;
    // A service that is moved needs the nodes of its new place, and gets them.
    mindi
        .ok(&[
            "service",
            "update",
            "-d",
            "--label-add",
            &l_prod,
            "mobile-staging",
        ])
        .await;
    until("the task has moved", || async {
        (node_of(engine, "mobile-staging").await == "prod-mobile").then_some(())
    })
    .await;
    mindi
        .denied(
            &["service", "update", "-d", "--label-add", &l_db, "mobile-prod"],
            "Service Create",
        )
        .await;
    cluster.stop().await;
}
