//! Containers, as people use them all day.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::cluster::{Cluster, Docker};
use super::engine::{Engine, IMAGE, PATIENCE};

/// Where another release of the client may lie.
const OTHER_CLIENT: &str = "/usr/local/bin/docker";

/// DAPI-001, CLB-005, ARCH-026, CLB-008: unmodified clients work with a bundle, by its environment and as an
/// imported context.
#[tokio::test(flavor = "multi_thread")]
async fn clients_and_contexts() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let mut clients = vec![cluster.admin.clone()];
    if std::path::Path::new(OTHER_CLIENT).exists() {
        clients.push(cluster.admin.with_program(OTHER_CLIENT));
    }
    for client in &clients {
        let version = client.ok(&["version", "--format", "{{.Server.Version}}"]).await;
        assert!(version.starts_with("ucp/"), "{version}");
        assert_eq!(client.ok(&["run", "--rm", IMAGE, "echo", "hello"]).await, "hello");
    }
    let archive = cluster.directory().join("admin/ucp-docker-bundle.zip");
    let admin = &cluster.admin;
    admin
        .ok(&["context", "import", "cluster", archive.to_str().unwrap()])
        .await;
    let output = admin
        .command(super::cluster::DEBIAN_CLIENT)
        .env_remove("DOCKER_HOST")
        .env_remove("DOCKER_CERT_PATH")
        .env_remove("DOCKER_TLS_VERIFY")
        .args([
            "--context",
            "cluster",
            "version",
            "--format",
            "{{.Server.Version}}",
        ])
        .output()
        .await
        .unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout).starts_with("ucp/"),
        "{output:?}"
    );
    cluster.stop().await;
}

/// DAPI-001, proxy-09: terminals and pipes, both ways, with the end of input.
#[tokio::test(flavor = "multi_thread")]
async fn terminals_and_pipes() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let admin = &cluster.admin;

    let printed = piped(admin, &["run", "-i", "--rm", IMAGE, "sort"], b"b\na\n").await;
    assert_eq!(printed, "a\nb\n");
    let typed = terminal(admin, "run -it --rm busybox sh", "echo $((40+2)); exit\n").await;
    assert!(typed.contains("42"), "{typed}");

    admin
        .ok(&["run", "-d", "--name", "box", IMAGE, "sleep", "1000"])
        .await;
    let typed = terminal(admin, "exec -it box sh", "tty; echo $((6*7)); exit\n").await;
    assert!(typed.contains("/dev/pts/") && typed.contains("42"), "{typed}");
    assert_eq!(
        piped(admin, &["exec", "-i", "box", "wc", "-c"], b"12345")
            .await
            .trim(),
        "5"
    );
    let failed = admin.output(&["exec", "box", "sh", "-c", "exit 7"]).await;
    assert_eq!(failed.status.code(), Some(7));
    cluster.stop().await;
}

/// DAPI-001, DAPI-005, proxy-21: logs that go on, files in and out, and everything else one does with a container.
#[tokio::test(flavor = "multi_thread")]
async fn logs_files_and_life_cycle() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let admin = &cluster.admin;

    let count = "i=0; while [ ! -e /stop ]; do i=$((i+1)); echo line $i; usleep 20000; done";
    admin
        .ok(&["run", "-d", "--name", "box", IMAGE, "sh", "-c", count])
        .await;
    let mut follower = admin.spawn(&["logs", "-f", "box"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    for number in 1..=20 {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        assert_eq!(line, Some(format!("line {number}")));
    }

    let file = cluster.directory().join("file");
    // Larger than any buffer on the way.
    let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(&file, &content).unwrap();
    admin.ok(&["cp", file.to_str().unwrap(), "box:/file"]).await;
    let back = cluster.directory().join("back");
    admin.ok(&["cp", "box:/file", back.to_str().unwrap()]).await;
    assert!(std::fs::read(&back).unwrap() == content);
    admin.ok(&["exec", "box", "mkdir", "/tmp"]).await;
    piped_tar(admin, &file, "box:/tmp").await;
    assert_eq!(
        admin.ok(&["exec", "box", "stat", "-c", "%s", "/tmp/file"]).await,
        "12000000"
    );

    admin.ok(&["exec", "box", "touch", "/stop"]).await;
    let ended = timeout(PATIENCE, follower.wait()).await.unwrap().unwrap();
    assert!(ended.success());
    assert_eq!(admin.ok(&["wait", "box"]).await, "0");
    assert!(
        admin
            .ok(&["logs", "--tail", "1", "box"])
            .await
            .starts_with("line ")
    );

    assert!(admin.ok(&["diff", "box"]).await.contains("A /stop"));
    admin.ok(&["rename", "box", "case"]).await;
    admin.ok(&["commit", "case", "snapshot"]).await;
    let saved = cluster.directory().join("saved.tar");
    admin
        .ok(&["save", "-o", saved.to_str().unwrap(), "snapshot"])
        .await;
    admin.ok(&["rmi", "snapshot"]).await;
    admin.ok(&["load", "-i", saved.to_str().unwrap()]).await;
    admin
        .ok(&["run", "-d", "--name", "again", "snapshot", "sleep", "1000"])
        .await;
    for step in [
        &["pause", "again"][..],
        &["unpause", "again"],
        &["top", "again"],
        &["stats", "--no-stream", "again"],
        &["update", "--memory", "64m", "--memory-swap", "64m", "again"],
        &["restart", "-t", "0", "again"],
        &["kill", "again"],
        &["start", "again"],
        &["stop", "-t", "0", "again"],
        &["rm", "again", "case"],
        &["tag", "snapshot", "picture"],
        &["history", "picture"],
        &["rmi", "picture", "snapshot"],
    ] {
        admin.ok(step).await;
    }
    assert_eq!(admin.ok(&["ps", "-aq"]).await, "");
    cluster.stop().await;
}

/// authn-04, proxy-09: deleting the key of a bundle cuts the streams that it opened.
#[tokio::test(flavor = "multi_thread")]
async fn sec_authn_04_revocation_cuts_open_streams() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    let name = jane.ok(&["run", "-d", IMAGE, "sleep", "1000"]).await;
    let mut follower = jane.spawn(&["logs", "-f", &name]);
    let mut attached = jane.spawn(&["attach", "--no-stdin", &name]);
    let mut events = jane.spawn(&["events", "--since", "1h"]);
    let mut first = [0; 1];
    timeout(PATIENCE, events.stdout.as_mut().unwrap().read_exact(&mut first))
        .await
        .unwrap()
        .unwrap();

    let keys = cluster.api("GET", "/accounts/jane/publicKeys", None).await;
    let keys = keys["accountPublicKeys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let id = keys[0]["id"].as_str().unwrap();
    cluster
        .api("DELETE", &format!("/accounts/jane/publicKeys/{id}"), None)
        .await;
    for child in [&mut follower, &mut attached, &mut events] {
        timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    }
    assert!(jane.fails(&["ps"]).await.to_lowercase().contains("unauthorized"));
    cluster.stop().await;
}

/// R65, RBAC-040: volumes without a name come and go with the containers of their makers.
#[tokio::test(flavor = "multi_thread")]
async fn volumes_without_a_name() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let jane = cluster.user("jane").await;
    jane.ok(&["run", "--rm", "-v", "/data", IMAGE, "touch", "/data/file"])
        .await;
    jane.ok(&[
        "run", "-d", "--name", "box", "-v", "/data", IMAGE, "sleep", "1000",
    ])
    .await;
    assert_eq!(engine.docker(&["volume", "ls", "-q"]).lines().count(), 1);
    jane.ok(&["rm", "-f", "-v", "box"]).await;
    assert_eq!(engine.docker(&["volume", "ls", "-q"]), "");
    cluster.stop().await;
}

/// Runs the client with input from a pipe.
async fn piped(client: &Docker, arguments: &[&str], input: &[u8]) -> String {
    let mut child = client.spawn(arguments);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Copies a file as an archive from standard input.
async fn piped_tar(client: &Docker, file: &std::path::Path, target: &str) {
    let script = format!(
        "tar -C {} -c file | {} cp - {target}",
        file.parent().unwrap().display(),
        super::cluster::DEBIAN_CLIENT
    );
    let output = client.command("sh").args(["-c", &script]).output();
    let output = timeout(PATIENCE, output).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Runs the client in a terminal, and types.
async fn terminal(client: &Docker, arguments: &str, typed: &str) -> String {
    let line = format!("{} {arguments}", super::cluster::DEBIAN_CLIENT);
    let mut child = client
        .command("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut screen = Vec::new();
    // A prompt first: what is typed before the terminal is there may be lost.
    while !screen.ends_with(b"# ") {
        let mut byte = [0; 1];
        let read = timeout(PATIENCE, stdout.read(&mut byte)).await.unwrap().unwrap();
        assert_eq!(read, 1, "no prompt: {}", String::from_utf8_lossy(&screen));
        screen.push(byte[0]);
    }
    stdin.write_all(typed.as_bytes()).await.unwrap();
    timeout(PATIENCE, stdout.read_to_end(&mut screen))
        .await
        .unwrap()
        .unwrap();
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(status.success(), "{screen}");
    screen
}
