//! Real etcd with the certificates of a manager, as its container is started.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mke_agent::relay::{self, Targets};
use mke_core::pki::{Authority, AuthorityKind, Profile};

use crate::engine::until;
use crate::world::{World, now, port, rng, run};

/// A member that ends with the test.
pub(crate) struct Etcd(Child);

impl Etcd {
    /// Starts a member with the certificates of the manager and the flags that the product gives. Returns where it answers.
    pub(crate) async fn start(world: &World) -> (Self, SocketAddr) {
        let (certs, data) = (world.volume("ucp-kv-certs"), world.dir.path().join("etcd"));
        let (client, peer) = (port().await.1, port().await.1);
        let file = |name: &str| certs.join(name).display().to_string();
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(&data).args(["--name", "one"]);
        for (flag, address) in [
            ("--listen-client-urls", client),
            ("--advertise-client-urls", client),
            ("--listen-peer-urls", peer),
            ("--initial-advertise-peer-urls", peer),
        ] {
            command.args([flag, &format!("https://{address}")]);
        }
        command.arg(format!("--initial-cluster=one=https://{peer}"));
        for side in ["", "peer-"] {
            command.arg(format!("--{side}client-cert-auth=true"));
            command.arg(format!("--{side}trusted-ca-file={}", file("ca.pem")));
            command.arg(format!("--{side}cert-file={}", file("cert.pem")));
            command.arg(format!("--{side}key-file={}", file("key.pem")));
        }
        command.args([
            "--client-cert-allowed-hostname=ucp-manager",
            "--peer-cert-allowed-hostname=ucp-manager",
        ]);
        for (flag, limit) in mke_core::render::STORE_LIMITS {
            command.arg(format!("--{flag}={limit}"));
        }
        let log = std::fs::File::create(world.dir.path().join("etcd.log")).unwrap();
        let started = command.stdout(Stdio::null()).stderr(log).spawn();
        let etcd = Self(started.expect("`etcd` starts: install package etcd-server"));
        let (url, manager) = (format!("https://{client}"), world.volume("ucp-node-certs"));
        let ca = manager.join("ca.pem");
        until("the store answers a manager", || async {
            put(&url, &ca, Some(&manager)).await.then_some(())
        })
        .await;
        (etcd, client)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn put(url: &str, ca: &Path, identity: Option<&Path>) -> bool {
    let mut command = Command::new("etcdctl");
    command
        .env("ETCDCTL_API", "3")
        .arg("--endpoints")
        .arg(url)
        .arg("--cacert")
        .arg(ca);
    command.args(["--command-timeout=3s", "--dial-timeout=2s"]);
    if let Some(dir) = identity {
        command
            .arg("--cert")
            .arg(dir.join("cert.pem"))
            .arg("--key")
            .arg(dir.join("key.pem"));
    }
    run(command.args(["put", "key", "value"])).await.status.success()
}

/// ARCH-013, PKI-002, pki-01: with the issued certificates and the flags that the product gives, etcd opens for managers and their
/// controllers, also through the relay, and for nobody else: no certificate, another authority, users, workers.
#[tokio::test(flavor = "multi_thread")]
async fn sec_pki_01_the_store_opens_for_managers() {
    let world = World::start().await;
    let (_etcd, client) = Etcd::start(&world).await;
    let (url, ca) = (format!("https://{client}"), world.volume("ucp-node-certs/ca.pem"));
    let manager = world.volume("ucp-node-certs");
    assert!(put(&url, &ca, Some(&world.volume("ucp-controller-client-certs"))).await);
    let (listener, relayed) = port().await;
    let targets = Targets::new(vec![client.to_string()]).unwrap();
    tokio::spawn(relay::run(listener, targets, world.stopping.clone()));
    let relayed = format!("https://{relayed}");
    assert!(put(&relayed, &ca, Some(&manager)).await);

    let foreign = Authority::create(AuthorityKind::Cluster, "x", now(), &mut rng()).unwrap();
    let others = [
        world.certificate("worker", &world.authority, Some("ucp-worker"), Profile::Node),
        world.certificate("user", &world.client, Some("ucp-manager"), Profile::Client),
        world.certificate("foreign", &foreign, Some("ucp-manager"), Profile::Node),
    ];
    for url in [&url, &relayed] {
        assert!(!put(url, &ca, None).await);
        for other in &others {
            assert!(!put(url, &ca, Some(other)).await, "{}", other.display());
        }
    }
}
