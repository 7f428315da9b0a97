//! A swarm of one real engine with the certificates of its first manager, servers on free ports, and callers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use mke_agent::ca::certificates::{Outcome, Target};
use mke_agent::ca::{CaServer, Cluster, EngineInventory, Inventory, bootstrap};
use mke_agent::engine::EngineClient;
use mke_agent::mtls::{Credentials, Material};
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile};
use mke_core::render::NodeRole;
use mke_core::secret::Secret;
use mke_core::time::{Clock, SystemClock, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::certificates::rng;
use crate::engine::Engine;

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// An engine, its swarm and the volumes of its manager.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) cluster: Cluster,
    pub(crate) node: String,
    pub(crate) authority: Arc<Authority>,
    pub(crate) client: Authority,
    pub(crate) stopping: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let engine = Engine::start_swarm().await;
        let inventory = EngineInventory::new(EngineClient::new(engine.socket()));
        let cluster = inventory.cluster().await.unwrap();
        let node = cluster.nodes.keys().next().unwrap().clone();
        let dir = tempfile::tempdir().unwrap();
        let make = |kind| {
            let made = bootstrap::authority(&dir.path().join("v"), kind, &cluster.id, false, now());
            made.unwrap().0
        };
        let (authority, client) = (make(AuthorityKind::Cluster), make(AuthorityKind::Client));
        let world = Self {
            engine,
            cluster,
            node,
            authority: Arc::new(authority),
            client,
            stopping: CancellationToken::new(),
            dir,
        };
        let outcomes = world.bring_up_to_date(&[], now()).await;
        assert!(
            outcomes.iter().all(|outcome| outcome.result.is_ok()),
            "{outcomes:?}"
        );
        world
    }

    pub(crate) fn volumes(&self) -> PathBuf {
        self.dir.path().join("v")
    }

    pub(crate) fn volume(&self, name: &str) -> PathBuf {
        self.volumes().join(name)
    }

    /// What the first manager should have.
    pub(crate) fn target<'a>(
        &'a self,
        cluster_ca: &'a str,
        client_ca: &'a str,
        hosts: &'a [mke_core::pki::SubjectAltName],
    ) -> Target<'a> {
        Target {
            node: &self.node,
            role: NodeRole::Manager,
            cluster: &self.cluster,
            cluster_ca_pem: cluster_ca,
            client_ca_pem: client_ca,
            hosts,
            external: None,
            keep_foreign: false,
            sealing_key: None,
            fresh: &[],
        }
    }

    /// Plans and applies as the first manager does, without anybody to ask.
    pub(crate) async fn bring_up_to_date(
        &self,
        hosts: &[mke_core::pki::SubjectAltName],
        now: Timestamp,
    ) -> Vec<Outcome> {
        let (cluster_ca, client_ca) = (self.authority.certificate_pem(), self.client.certificate_pem());
        let target = self.target(&cluster_ca, &client_ca, hosts);
        let authorities = (&self.authority, &self.client);
        crate::certificates::bring_up_to_date(&self.volumes(), &target, authorities, now).await
    }

    pub(crate) fn credentials(&self) -> Arc<Credentials> {
        Arc::new(Credentials::open(self.volume("ucp-node-certs")).unwrap())
    }

    /// Runs an authority on a free port.
    pub(crate) async fn ca(&self, kind: AuthorityKind) -> SocketAddr {
        let authority = bootstrap::read(&self.volumes(), kind).unwrap().unwrap();
        let inventory = EngineInventory::new(EngineClient::new(self.engine.socket()));
        let server = CaServer::new(
            kind,
            authority,
            self.credentials(),
            Arc::new(inventory),
            Arc::new(SystemClock),
        );
        let (listener, address) = port().await;
        tokio::spawn(Arc::new(server).run(listener, self.stopping.clone()));
        address
    }

    /// Where the engine keeps them.
    pub(crate) fn swarm_certificates(&self) -> PathBuf {
        let socket = self.engine.socket();
        let node = socket.ancestors().find(|dir| dir.join("data/swarm").exists());
        node.expect("the engine's disk").join("data/swarm/certificates")
    }

    /// The certificate that the real swarm gave the node, trusting our authority.
    pub(crate) fn swarm_certificate(&self) -> Material {
        let dir = self.swarm_certificates();
        Material::of_swarm_node(&dir, &self.authority.certificate_pem()).unwrap()
    }

    /// A certificate of some authority, as three files in a directory; the trusted one is always ours.
    pub(crate) fn certificate(
        &self,
        name: &str,
        authority: &Authority,
        unit: Option<&str>,
        profile: Profile,
    ) -> PathBuf {
        self.certificate_of(&self.node, name, authority, unit, profile)
    }

    /// The same for another node.
    pub(crate) fn certificate_of(
        &self,
        node: &str,
        name: &str,
        authority: &Authority,
        unit: Option<&str>,
        profile: Profile,
    ) -> PathBuf {
        let pair = KeyPair::generate(&mut rng()).unwrap();
        let request = CertificateRequest {
            profile,
            common_name: node.to_owned(),
            organization: Some(self.cluster.id.clone()),
            organizational_unit: unit.map(str::to_owned),
            names: vec!["localhost".parse().unwrap()],
            public_key: pair.public_key().clone(),
            validity: Duration::from_secs(3600),
        };
        let issued = authority.issue(&request, now(), &mut rng()).unwrap();
        self.files(name, &issued.pem(), &pair.private_key_pem())
    }

    pub(crate) fn files(&self, name: &str, chain: &str, key: &Secret) -> PathBuf {
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("ca.pem"), self.authority.certificate_pem()).unwrap();
        std::fs::write(dir.join("cert.pem"), chain).unwrap();
        std::fs::write(dir.join("key.pem"), key.expose()).unwrap();
        dir
    }
}

pub(crate) async fn port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Runs a program beside the servers of the test.
pub(crate) async fn run(command: &mut Command) -> Output {
    let mut command = std::mem::replace(command, Command::new("true"));
    let program = command.get_program().to_owned();
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap_or_else(|error| panic!("{program:?}: {error}"))
}

/// What curl got: the status, or nothing when there was no answer at all.
pub(crate) async fn curl(
    url: &str,
    ca: &Path,
    identity: Option<&Path>,
    more: &[&str],
) -> (Option<u16>, String) {
    let mut command = Command::new("curl");
    command
        .args(["-sS", "--max-time", "20", "-w", "\n%{http_code}", "--cacert"])
        .arg(ca);
    if let Some(dir) = identity {
        command
            .arg("--cert")
            .arg(dir.join("cert.pem"))
            .arg("--key")
            .arg(dir.join("key.pem"));
    }
    let output = run(command.args(more).arg(url)).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", "000"));
    let status: u16 = status.trim().parse().unwrap();
    ((status != 0).then_some(status), body.to_owned())
}
