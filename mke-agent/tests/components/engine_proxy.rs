//! The proxy in front of a real engine, used by the ordinary `docker` command.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use mke_agent::engine::EngineClient;
use mke_agent::mtls::Credentials;
use mke_agent::node_proxy::NodeProxy;
use mke_core::pki::{Authority, AuthorityKind, Profile};

use crate::engine::{IMAGE, until};
use crate::world::{World, curl, now, port, rng, run};

async fn proxy(world: &World, credentials: Arc<Credentials>) -> SocketAddr {
    let (listener, address) = port().await;
    let engine = EngineClient::new(world.engine.socket());
    let proxy = NodeProxy::new(engine, credentials, world.stopping.clone());
    tokio::spawn(Arc::new(proxy).run(listener));
    address
}

fn docker(address: SocketAddr, identity: &Path, arguments: &[&str]) -> Command {
    let file = |name: &str| identity.join(name).display().to_string();
    let mut command = Command::new("/usr/bin/docker");
    command
        .args(["-H", &format!("tcp://{address}"), "--tlsverify"])
        .args([
            "--tlscacert",
            &file("ca.pem"),
            "--tlscert",
            &file("cert.pem"),
            "--tlskey",
            &file("key.pem"),
        ])
        .args(arguments)
        .env("DOCKER_BUILDKIT", "0")
        .env("DOCKER_CONFIG", identity);
    command
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// ARCH-010, PKI-002, pki-01: who shows no certificate, one of another authority, of users or for serving only gets no answer at all;
/// workers, other components, nodes that only joined the swarm and those that are no managers any more get a reason; managers and
/// controllers get the engine.
#[tokio::test(flavor = "multi_thread")]
async fn sec_pki_01_only_managers_reach_the_engine() {
    let world = World::start().await;
    let address = proxy(&world, world.credentials()).await;
    let (url, ca) = (
        format!("https://{address}/_ping"),
        world.volume("ucp-node-certs/ca.pem"),
    );
    let foreign = Authority::create(AuthorityKind::Cluster, "x", now(), &mut rng()).unwrap();
    let made = |name: &str, authority: &Authority, unit: &str, profile| {
        world.certificate(name, authority, Some(unit), profile)
    };
    assert_eq!(curl(&url, &ca, None, &[]).await.0, None);
    let plain = curl(&url.replace("https", "http"), &ca, None, &[]).await;
    assert!(plain.0.is_none(), "{plain:?}");
    for (what, dir) in [
        ("foreign", made("foreign", &foreign, "ucp-manager", Profile::Node)),
        (
            "user",
            made("user", &world.client, "ucp-manager", Profile::Client),
        ),
        (
            "server",
            made("server", &world.authority, "ucp-manager", Profile::Server),
        ),
    ] {
        assert_eq!(curl(&url, &ca, Some(&dir), &[]).await.0, None, "{what}");
    }
    for (what, unit, status) in [
        ("worker", "ucp-worker", 403),
        ("store", "ucp-kv", 403),
        ("manager", "ucp-manager", 200),
        ("controller", "ucp-controller", 200),
    ] {
        let dir = made(what, &world.authority, unit, Profile::Node);
        let (found, text) = curl(&url, &ca, Some(&dir), &[]).await;
        assert_eq!(found, Some(status), "{what}: {text}");
    }
    // Demoted or removed: the certificate is as good as it was, and the swarm does not count its node among the managers.
    for unit in ["ucp-manager", "ucp-controller"] {
        let dir = world.certificate_of("former", unit, &world.authority, Some(unit), Profile::Node);
        let (found, text) = curl(&url, &ca, Some(&dir), &[]).await;
        assert_eq!(found, Some(403), "{unit}: {text}");
        assert!(text.contains("no manager any more"), "{text}");
    }
    let dir = world.volume("ucp-node-certs");
    let (status, text) = curl(&format!("https://{address}/info"), &ca, Some(&dir), &[]).await;
    assert_eq!(status, Some(200));
    assert!(text.contains(&world.cluster.id));
    // What the engine refuses is its own answer.
    let (status, text) = curl(
        &format!("https://{address}/containers/none/json"),
        &ca,
        Some(&dir),
        &[],
    )
    .await;
    assert_eq!(status, Some(404), "{text}");
}

/// ARCH-010, proxy-09: everything that `docker` does passes: builds, exec with and without a terminal, attached input, logs that
/// follow, copies and events.
#[tokio::test(flavor = "multi_thread")]
async fn docker_works_through_the_proxy() {
    let world = World::start().await;
    let address = proxy(&world, world.credentials()).await;
    let identity = world.volume("ucp-node-certs");
    let call = async |arguments: &[&str]| text(&run(&mut docker(address, &identity, arguments)).await);
    assert_eq!(
        call(&["info", "--format", "{{.Swarm.Cluster.ID}}"]).await,
        world.cluster.id
    );
    let loop_forever = "n=0; while true; do n=$((n+1)); echo line $n; sleep 0.1; done";
    call(&["run", "-d", "--name", "talker", IMAGE, "sh", "-c", loop_forever]).await;
    assert_eq!(call(&["exec", "talker", "echo", "hello"]).await, "hello");
    assert_eq!(call(&["run", "--rm", IMAGE, "echo", "ran"]).await, "ran");

    let mut piped = docker(
        address,
        &identity,
        &["run", "--rm", "-i", IMAGE, "sh", "-c", "wc -c"],
    );
    let mut child = piped
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let big = vec![b'x'; 1_000_000];
    let mut input = child.stdin.take().unwrap();
    let output = tokio::task::spawn_blocking(move || {
        input.write_all(&big).unwrap();
        drop(input);
        child.wait_with_output().unwrap()
    });
    assert_eq!(text(&output.await.unwrap()), "1000000");

    // `script` gives a terminal.
    let line = format!(
        "{:?}",
        docker(address, &identity, &["exec", "-it", "talker", "tty"])
    );
    let line = line
        .rsplit_once("\"/usr/bin/docker\"")
        .map(|(_, rest)| format!("/usr/bin/docker{rest}"))
        .unwrap();
    let mut terminal = Command::new("script");
    terminal
        .args(["-qec", &line, "/dev/null"])
        .env("DOCKER_CONFIG", &identity);
    let output = run(terminal.stdin(Stdio::null())).await;
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("/dev/pts/"),
        "{output:?}"
    );

    let log = world.dir.path().join("followed");
    let mut following = docker(address, &identity, &["logs", "-f", "talker"]);
    let following = following
        .stdout(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let following = Running(following);
    until("new lines come while the log is followed", || async {
        std::fs::read_to_string(&log).unwrap().lines().nth(10).map(drop)
    })
    .await;
    drop(following);

    let copy = world.dir.path().join("copied");
    std::fs::write(&copy, "a file").unwrap();
    call(&["cp", copy.to_str().unwrap(), "talker:/copied"]).await;
    assert_eq!(call(&["exec", "talker", "cat", "/copied"]).await, "a file");
    let context = world.dir.path().join("context");
    crate::engine::write_context(&context);
    call(&["build", "-q", "-t", "built", context.to_str().unwrap()]).await;
    assert_eq!(call(&["run", "--rm", "built", "echo", "built"]).await, "built");
    call(&["rm", "-f", "talker"]).await;
    let events = call(&[
        "events",
        "--since",
        "10m",
        "--until",
        "0s",
        "--filter",
        "event=destroy",
    ])
    .await;
    assert!(events.contains("destroy"), "{events}");
}

/// PKI-002, pki-08: a new certificate is served and the new authority trusted from the next connection on, without a restart; a
/// connection that is open goes on; files that do not fit together change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_at_once() {
    let world = World::start().await;
    let credentials = world.credentials();
    let address = proxy(&world, credentials.clone()).await;
    let identity = world.volume("ucp-node-certs");
    let (url, ca) = (format!("https://{address}/_ping"), identity.join("ca.pem"));
    let served = || credentials.current().material.holder().serial.clone();
    let before = served();
    let caller = world.certificate("caller", &world.authority, Some("ucp-manager"), Profile::Node);
    let heard = world.dir.path().join("heard");
    let mut listening = docker(address, &caller, &["events"]);
    let listening = listening.stdout(std::fs::File::create(&heard).unwrap()).spawn();
    let _listening = Running(listening.unwrap());
    let hears_more = async |what: &str| {
        let before = std::fs::metadata(&heard).unwrap().len();
        until(what, || async {
            world.engine.docker(&["volume", "create"]);
            (std::fs::metadata(&heard).unwrap().len() > before).then_some(())
        })
        .await;
    };
    hears_more("the connection is open").await;

    let other = world.certificate("other", &world.authority, Some("ucp-manager"), Profile::Node);
    std::fs::copy(other.join("cert.pem"), identity.join("cert.pem")).unwrap();
    let answer = curl(&url, &ca, Some(&other), &["--insecure"]).await;
    assert_eq!(
        (answer.0, served()),
        (Some(200), before.clone()),
        "the key is still the former one"
    );
    std::fs::copy(other.join("key.pem"), identity.join("key.pem")).unwrap();
    assert_eq!(curl(&url, &ca, Some(&other), &["--insecure"]).await.0, Some(200));
    assert_ne!(served(), before);
    hears_more("the open connection goes on").await;

    // The authority is replaced: who has a certificate of the former one alone is not let in any more.
    let next = Authority::create(AuthorityKind::Cluster, &world.cluster.id, now(), &mut rng()).unwrap();
    let newcomer = world.certificate("newcomer", &next, Some("ucp-manager"), Profile::Node);
    assert_eq!(curl(&url, &ca, Some(&newcomer), &["--insecure"]).await.0, None);
    let both = format!("{}{}", next.certificate_pem(), world.authority.certificate_pem());
    std::fs::write(&ca, both).unwrap();
    for dir in [&newcomer, &other] {
        assert_eq!(curl(&url, &ca, Some(dir), &["--insecure"]).await.0, Some(200));
    }
    std::fs::write(&ca, next.certificate_pem()).unwrap();
    assert_eq!(curl(&url, &ca, Some(&other), &["--insecure"]).await.0, None);
}
