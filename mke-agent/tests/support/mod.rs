//! A real controller on a free port with a fresh data directory, and clients that talk to it over TLS.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test crate uses a part of the harness"
)]

pub mod client;
pub mod directory;

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use mke_agent::controller::{Logs, Options, Running, Surroundings, start_with};
use mke_core::config::Config;
use mke_core::secret::Secret;
use mke_core::store::Store;
use mke_core::time::{ManualClock, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use client::{Client, Identity};

pub const ADMIN: &str = "admin";
pub const PASSWORD: &str = "correct horse battery";
/// How long anything may take that a test waits for. Generous: it only matters when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running controller. Dropping it without [`Controller::stop`] is like a crash that loses no writes.
pub struct Controller {
    pub dir: Arc<TempDir>,
    pub clock: Arc<ManualClock>,
    pub audit: Lines,
    pub logs: Logs,
    pub running: Running,
}

impl Controller {
    /// A controller of a new cluster without an engine.
    pub async fn start() -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), |_| {}).await
    }

    /// A controller on a data directory, with other options.
    pub async fn start_in(dir: Arc<TempDir>, change: impl FnOnce(&mut Options)) -> Self {
        Self::try_start_in(dir, change)
            .await
            .expect("the controller must start")
    }

    pub async fn try_start_in(
        dir: Arc<TempDir>,
        change: impl FnOnce(&mut Options),
    ) -> Result<Self, mke_agent::controller::StartError> {
        Self::try_start_on(dir, None, change).await
    }

    /// Another controller of the same cluster: it shares the store and the files of this one, and has a clock, an
    /// address and an audit log of its own.
    pub async fn second(&self) -> Self {
        self.second_with(|_| {}).await
    }

    /// The same with other options.
    pub async fn second_with(&self, change: impl FnOnce(&mut Options)) -> Self {
        let store = self.running.state().store.clone();
        Self::try_start_on(self.dir.clone(), Some(store), change)
            .await
            .expect("the second controller must start")
    }

    /// As [`Self::second`], on another view of the same store.
    pub async fn on(first: &Self, store: Arc<dyn Store>) -> Self {
        Self::try_start_on(first.dir.clone(), Some(store), |_| {})
            .await
            .expect("the controller must start")
    }

    async fn try_start_on(
        dir: Arc<TempDir>,
        store: Option<Arc<dyn Store>>,
        change: impl FnOnce(&mut Options),
    ) -> Result<Self, mke_agent::controller::StartError> {
        let mut options = options(dir.path());
        change(&mut options);
        let clock = Arc::new(ManualClock::at(Timestamp::from(SystemTime::now())));
        let audit = Lines::default();
        let logs = Logs::default();
        let surroundings = Surroundings {
            clock: clock.clone(),
            audit: Box::new(audit.clone()),
            store,
            logs: logs.clone(),
            membership: None,
        };
        let running = start_with(options, surroundings).await?;
        Ok(Self {
            dir,
            clock,
            audit,
            logs,
            running,
        })
    }

    pub async fn stop(self) -> Arc<TempDir> {
        self.running.shutdown().await;
        self.dir
    }

    pub fn port(&self) -> u16 {
        self.running.addresses()[0].port()
    }

    /// A client without credentials that trusts the cluster.
    pub fn anonymous(&self) -> Client {
        let ca = std::fs::read(self.dir.path().join("data/ca.pem")).unwrap();
        Client::new(self.port(), &ca, None)
    }

    /// A client with the certificate of a bundle.
    pub fn with_certificate(&self, identity: &Identity) -> Client {
        let ca = std::fs::read(self.dir.path().join("data/ca.pem")).unwrap();
        Client::new(self.port(), &ca, Some(identity))
    }

    pub async fn login(&self, name: &str, password: &str) -> Client {
        let mut client = self.anonymous();
        let answer = client
            .post("/auth/login", json!({ "username": name, "password": password }))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        client.token = Some(answer.json()["auth_token"].as_str().unwrap().to_owned());
        client
    }

    pub async fn admin(&self) -> Client {
        self.login(ADMIN, PASSWORD).await
    }

    /// Waits until this controller has seen everything that the other one has.
    pub async fn catch_up(&self, other: &Self) {
        let revision = other.running.state().snapshot().revision;
        self.running.state().wait_for(revision).await.unwrap();
    }

    /// Changes the configuration as an operator does: the export is edited and put back.
    pub async fn configure(&self, admin: &Client, edit: impl FnOnce(&mut Config)) {
        let text = admin.get("/api/ucp/config-toml").await.text();
        let mut config = Config::parse(&text).unwrap();
        edit(&mut config);
        let request = admin
            .request("PUT", "/api/ucp/config-toml")
            .body(config.to_toml());
        admin.send(request).await.ok();
    }

    /// Makes a user and logs it in.
    pub async fn user(&self, admin: &Client, name: &str) -> User {
        let body = json!({ "name": name, "password": PASSWORD });
        let created = admin.post("/accounts/", body).await.created();
        User {
            id: created["id"].as_str().unwrap().to_owned(),
            client: self.login(name, PASSWORD).await,
        }
    }
}

/// Waits until `ready` gives something. What is waited for depends on other tasks or the network, and comes soon.
pub async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if let Some(found) = ready().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// A logged-in user.
pub struct User {
    pub id: String,
    pub client: Client,
}

/// Options of a controller below `dir`, whose engine does not exist.
pub fn options(dir: &Path) -> Options {
    Options {
        data_dir: dir.join("data"),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        engine_socket: dir.join("no-engine.sock"),
        host_addresses: vec!["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()],
        advertise_host: "127.0.0.1".to_owned(),
        kube_port: 6443,
        admin_username: ADMIN.parse().unwrap(),
        admin_password: Some(Secret::new(PASSWORD)),
        initial_credentials: None,
        admin_bundle: None,
        ready_file: None,
        external_server_cert: None,
        registry_certs_dir: None,
        fleet: None,
        existing_config: false,
        store: None,
        sealing_key: None,
        cluster: None,
    }
}

/// Collects lines that a controller writes, and can be told to fail.
#[derive(Clone, Default)]
pub struct Lines {
    written: Arc<Mutex<(Vec<u8>, bool)>>,
}

impl Lines {
    /// The lines so far, each parsed.
    pub fn records(&self) -> Vec<Value> {
        let text = String::from_utf8(self.written.lock().unwrap().0.clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().0.clone()).unwrap()
    }

    pub fn clear(&self) {
        self.written.lock().unwrap().0.clear();
    }

    /// From now on every write fails, or works again.
    pub fn break_off(&self, broken: bool) {
        self.written.lock().unwrap().1 = broken;
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap();
        if written.1 {
            return Err(io::Error::other("no space left"));
        }
        written.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
