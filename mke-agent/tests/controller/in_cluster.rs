//! Controllers of two managers: one store, certificates from files, signatures from the authorities.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_agent::ca::certificates::Target;
use mke_agent::ca::{CaServer, Cluster, ClusterFuture, ClusterNode, Inventory, bootstrap};
use mke_agent::controller::ClusterMode;
use mke_agent::mtls::Credentials;
use mke_core::pki::{Authority, AuthorityKind, SubjectAltName, parse_certificates};
use mke_core::render::NodeRole;
use mke_core::secret::Secret;
use mke_core::time::{Clock, SystemClock};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::certificates::{bring_up_to_date, external, rng};
use crate::support::client::Client;
use crate::support::{Controller, until};

/// A swarm of two managers, as its managers would tell.
#[derive(Clone)]
struct Swarm(Cluster);

impl Inventory for Swarm {
    fn cluster(&self) -> ClusterFuture<'_> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// Two managers with their volumes, and the authorities of the first.
struct Managers {
    dir: Arc<tempfile::TempDir>,
    cluster: Cluster,
    authority: Arc<Authority>,
    client: Arc<Authority>,
    addresses: [SocketAddr; 2],
    stopping: CancellationToken,
    stop_client: CancellationToken,
}

impl Drop for Managers {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl Managers {
    async fn start() -> Self {
        let now = SystemClock.now();
        let node = |hostname: &str| ClusterNode {
            role: NodeRole::Manager,
            hostname: hostname.to_owned(),
            addresses: Vec::new(),
            label_names: Vec::new(),
        };
        let nodes = BTreeMap::from([("m1".to_owned(), node("one")), ("m2".to_owned(), node("two"))]);
        let cluster = Cluster {
            id: "swarm1".to_owned(),
            trust_roots: Vec::new(),
            nodes,
        };
        let make = |kind| Arc::new(Authority::create(kind, "swarm1", now, &mut rng()).unwrap());
        let mut made = Self {
            dir: Arc::new(tempfile::tempdir().unwrap()),
            cluster,
            authority: make(AuthorityKind::Cluster),
            client: make(AuthorityKind::Client),
            addresses: [SocketAddr::from(([127, 0, 0, 1], 0)); 2],
            stopping: CancellationToken::new(),
            stop_client: CancellationToken::new(),
        };
        for node in ["m1", "m2"] {
            made.bring_up_to_date(node, &[]).await;
        }
        for (at, kind) in [AuthorityKind::Cluster, AuthorityKind::Client]
            .into_iter()
            .enumerate()
        {
            let credentials = Arc::new(Credentials::open(made.volume("m1", "ucp-node-certs")).unwrap());
            let authority = bootstrap::read(&made.volumes("m1"), kind).unwrap().unwrap();
            let swarm = Arc::new(Swarm(made.cluster.clone()));
            let server = CaServer::new(kind, authority, credentials, swarm, Arc::new(SystemClock));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            made.addresses[at] = listener.local_addr().unwrap();
            let stopping = if at == 0 {
                made.stopping.clone()
            } else {
                made.stop_client.clone()
            };
            tokio::spawn(Arc::new(server).run(listener, stopping));
        }
        made
    }

    fn volumes(&self, node: &str) -> PathBuf {
        self.dir.path().join(node)
    }

    fn volume(&self, node: &str, name: &str) -> PathBuf {
        self.volumes(node).join(name)
    }

    async fn bring_up_to_date(&self, node: &str, hosts: &[SubjectAltName]) {
        let (cluster_ca, client_ca) = (self.authority.certificate_pem(), self.client.certificate_pem());
        let sealing = Secret::new("11".repeat(32));
        let target = Target {
            node,
            role: NodeRole::Manager,
            cluster: &self.cluster,
            cluster_ca_pem: &cluster_ca,
            client_ca_pem: &client_ca,
            hosts,
            external: None,
            keep_foreign: false,
            sealing_key: Some(&sealing),
            fresh: &[],
        };
        let authorities = (&self.authority, &*self.client);
        let outcomes = bring_up_to_date(&self.volumes(node), &target, authorities, SystemClock.now()).await;
        assert!(
            outcomes.iter().all(|outcome| outcome.result.is_ok()),
            "{outcomes:?}"
        );
    }

    fn mode(&self, node: &str) -> ClusterMode {
        ClusterMode {
            server_certs: self.volume(node, "ucp-controller-server-certs"),
            client_certs: self.volume(node, "ucp-controller-client-certs"),
            cluster_authorities: vec![self.addresses[0]],
            client_authorities: vec![self.addresses[1]],
            port: 443,
        }
    }

    async fn controllers(&self) -> (Controller, Controller) {
        let one = Controller::start_in(self.dir.clone(), |options| {
            let mode = self.mode("m1");
            options.sealing_key = Some(mode.client_certs.join("sealing.key"));
            options.cluster = Some(mode);
            options.host_addresses.clear();
        })
        .await;
        let two = one
            .second_with(|options| {
                let mode = self.mode("m2");
                options.sealing_key = Some(mode.client_certs.join("sealing.key"));
                options.cluster = Some(mode);
                options.host_addresses.clear();
            })
            .await;
        (one, two)
    }
}

/// Waits through several rounds of the controllers' upkeep, which is where they look for what was replaced.
async fn wait<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) {
    let looking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            if look().await.is_some() {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), looking).await;
    waited.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// The serial number of what a port shows.
fn served(controller: &Controller) -> String {
    let pem = controller.running.state().authorities.server_chain_pem();
    mke_core::pki::Holder::of(&parse_certificates(&pem).unwrap()[0])
        .unwrap()
        .serial
}

fn serial_in(volume: &Path) -> String {
    let pem = std::fs::read_to_string(volume.join("cert.pem")).unwrap();
    mke_core::pki::Holder::of(&parse_certificates(&pem).unwrap()[0])
        .unwrap()
        .serial
}

/// PKI-003, PKI-009, ARCH-027: bundles of both managers are signed by the client authority and work at both; `/ca` tells the cluster's
/// authority. Without an authority no bundle is made, everything else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn users_are_signed_by_the_authority() {
    let managers = Managers::start().await;
    let (one, two) = managers.controllers().await;
    for controller in [&one, &two] {
        let admin = controller.admin().await;
        let bundle = admin.bundle().await;
        let certificate = parse_certificates(&bundle.text("cert.pem")).unwrap();
        let roots = [managers.client.certificate_der().to_vec()];
        mke_core::pki::chain::verify_client(&certificate[0], &[], &roots, SystemClock.now()).unwrap();
        assert!(mke_core::pki::Holder::of(&certificate[0]).unwrap().common_name == "admin");
        let identity = bundle.identity();
        two.catch_up(&one).await;
        one.catch_up(&two).await;
        for at in [&one, &two] {
            assert_eq!(
                at.with_certificate(&identity).get("/id").await.ok()["name"],
                "admin"
            );
        }
        let ca = controller.anonymous().get("/ca").await.text();
        assert_eq!(ca, managers.authority.certificate_pem());
    }
    assert_eq!(
        served(&one),
        serial_in(&managers.volume("m1", "ucp-controller-server-certs"))
    );
    managers.stop_client.cancel();
    let admin = one.admin().await;
    until("the authority is gone", async || {
        tokio::net::TcpStream::connect(managers.addresses[1]).await.err()
    })
    .await;
    let refused = admin.send(admin.request("POST", "/api/clientbundle")).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(admin.get("/id").await.ok()["name"], "admin");
}

/// PKI-005, PKI-006, PKI-007, PKI-011, PKI-012, INST-023: what the reconciler writes is served without a restart; what an administrator uploads at
/// one manager is served by all, a wrong one by none.
#[tokio::test(flavor = "multi_thread")]
async fn replaced_certificates_are_served_by_all() {
    let managers = Managers::start().await;
    let (one, two) = managers.controllers().await;
    let before = served(&two);
    managers
        .bring_up_to_date("m2", &["lb.example.com".parse().unwrap()])
        .await;
    wait("the new certificate is served", async || {
        (served(&two) != before).then_some(())
    })
    .await;
    assert_eq!(
        served(&two),
        serial_in(&managers.volume("m2", "ucp-controller-server-certs"))
    );

    let admin = one.admin().await;
    let good = upload(&["localhost", "127.0.0.1", "mke.example.com"]);
    let other = upload(&["mke.example.com"]);
    let mismatched = json!({ "ca": good["ca"], "cert": good["cert"], "key": other["key"] });
    let refused = admin
        .send(
            admin
                .request("PUT", "/api/ucp/config/certs")
                .body(mismatched.to_string()),
        )
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(
        served(&one),
        serial_in(&managers.volume("m1", "ucp-controller-server-certs"))
    );
    let ca = good["ca"].as_str().unwrap().to_owned();
    admin.put("/api/ucp/config/certs", good).await.ok();
    for controller in [&one, &two] {
        let client = Client::new(controller.port(), ca.as_bytes(), None);
        wait("the uploaded certificate is served", async || {
            client.try_send(client.request("GET", "/ca")).await.ok()
        })
        .await;
        assert_eq!(client.get("/ca").await.text(), ca);
    }
}

/// A certificate of some authority elsewhere, as it is uploaded.
fn upload(names: &[&str]) -> serde_json::Value {
    let made = external(names);
    json!({ "ca": made.ca_pem, "cert": made.chain_pem, "key": made.key.expose() })
}
