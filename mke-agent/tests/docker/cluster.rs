//! A controller in front of a real engine, people who use it, and the real `docker` client with their bundles.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use mke_agent::controller::{Options, Running, StartError, Surroundings, start_with};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::engine::PATIENCE;

/// The client with BuildKit inside, as Debian ships it.
pub(crate) const DEBIAN_CLIENT: &str = "/usr/bin/docker";
const PASSWORD: &str = "correct horse battery";

/// A controller and its administrator.
pub(crate) struct Cluster {
    running: Running,
    directory: TempDir,
    http: Client,
    /// The administrator's client.
    pub(crate) admin: Docker,
    admin_token: String,
}

impl Cluster {
    /// Starts a controller for the engine behind this socket.
    pub(crate) async fn start(engine_socket: PathBuf) -> Self {
        Self::try_start(engine_socket, |_| {}).await.unwrap()
    }

    /// Starts a controller with other options, unless it refuses.
    pub(crate) async fn try_start(
        engine_socket: PathBuf,
        change: impl FnOnce(&mut Options),
    ) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new()
            .prefix("mke-cluster-")
            .tempdir_in("/tmp")
            .unwrap();
        let bundle = directory.path().join("admin");
        let mut options = Options {
            data_dir: directory.path().join("data"),
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            engine_socket,
            host_addresses: vec!["127.0.0.1".parse().unwrap()],
            advertise_host: "127.0.0.1".to_owned(),
            kube_port: 6443,
            admin_username: "admin".parse().unwrap(),
            admin_password: Some(PASSWORD.to_owned().into()),
            initial_credentials: None,
            admin_bundle: Some(bundle.clone()),
            ready_file: None,
            external_server_cert: None,
            registry_certs_dir: None,
            fleet: None,
            existing_config: false,
            store: None,
            sealing_key: None,
            cluster: None,
        };
        let surroundings = Surroundings {
            audit: Box::new(std::io::sink()),
            ..Surroundings::default()
        };
        change(&mut options);
        let running = start_with(options, surroundings).await?;
        let http = Client::builder()
            .danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        let mut cluster = Self {
            admin: Docker::new(&running, &bundle),
            running,
            directory,
            http,
            admin_token: String::new(),
        };
        cluster.admin_token = cluster.login("admin").await;
        Ok(cluster)
    }

    /// Where the controller listens.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.running.addresses()[0])
    }

    /// A place for files of the test.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a call with a token and returns status and JSON body.
    pub(crate) async fn call(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let method: Method = method.parse().unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url()))
            .bearer_auth(token)
            .timeout(PATIENCE);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Makes a call that must succeed, as the administrator.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.call(&self.admin_token, method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// A session of a user made by this harness.
    pub(crate) async fn login(&self, name: &str) -> String {
        self.login_with(name, PASSWORD).await
    }

    /// A session of anybody.
    pub(crate) async fn login_with(&self, name: &str, password: &str) -> String {
        let body = json!({ "username": name, "password": password });
        let (status, answer) = self.call("", "POST", "/auth/login", Some(body)).await;
        assert!(status.is_success(), "login of {name}: {status} {answer}");
        answer["auth_token"].as_str().unwrap().to_owned()
    }

    /// Makes a user and returns its client.
    pub(crate) async fn user(&self, name: &str) -> Docker {
        let body = json!({ "name": name, "password": PASSWORD, "fullName": name });
        self.api("POST", "/accounts", Some(body)).await;
        let token = self.login(name).await;
        self.bundle(name, &token).await
    }

    /// Downloads a bundle for whoever has this session, and returns a client with it.
    pub(crate) async fn bundle(&self, name: &str, token: &str) -> Docker {
        let response = self
            .http
            .get(format!("{}/api/clientbundle", self.url()))
            .bearer_auth(token)
            .timeout(PATIENCE)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
        let zip = response.bytes().await.unwrap();
        let directory = self.directory.path().join(name);
        zip::ZipArchive::new(Cursor::new(&zip[..]))
            .unwrap()
            .extract(&directory)
            .unwrap();
        Docker::new(&self.running, &directory)
    }

    /// Makes an organization.
    pub(crate) async fn organization(&self, name: &str) {
        let body = json!({ "name": name, "isOrg": true });
        self.api("POST", "/accounts", Some(body)).await;
    }

    /// Makes a team with these members and returns its id.
    pub(crate) async fn team(&self, organization: &str, name: &str, members: &[&str]) -> String {
        let path = format!("/accounts/{organization}/teams");
        let team = self.api("POST", &path, Some(json!({ "name": name }))).await;
        for member in members {
            let membership = format!("{path}/{name}/members/{member}");
            self.api("PUT", &membership, Some(json!({}))).await;
        }
        team["id"].as_str().unwrap().to_owned()
    }

    /// The id of a collection, which is made with everything above it when it does not exist.
    pub(crate) async fn collection(&self, path: &str) -> String {
        let mut parent = "swarm".to_owned();
        let mut here = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            here = format!("{here}/{name}");
            let query = format!("/collectionByPath?path={}", here.replace(' ', "%20"));
            let (status, found) = self.call(&self.admin_token, "GET", &query, None).await;
            let collection = if status.is_success() {
                found
            } else {
                let body = json!({ "name": name, "parent_id": parent });
                self.api("POST", "/collections", Some(body)).await
            };
            parent = collection["id"].as_str().unwrap().to_owned();
        }
        parent
    }

    /// Gives a subject a role on a collection.
    pub(crate) async fn grant(&self, subject: &str, role: &str, path: &str) {
        let collection = self.collection(path).await;
        let grant = format!("/collectionGrants/{subject}/{collection}/{role}?type=collection");
        self.api("PUT", &grant, None).await;
    }

    /// The id of an account.
    pub(crate) async fn account_id(&self, name: &str) -> String {
        let account = self.api("GET", &format!("/accounts/{name}"), None).await;
        account["id"].as_str().unwrap().to_owned()
    }

    /// Makes a role of operations, each with its modifiers, and returns its id.
    pub(crate) async fn role(&self, name: &str, operations: Value) -> String {
        let body = json!({ "name": name, "operations": operations });
        let role = self.api("POST", "/roles", Some(body)).await;
        role["id"].as_str().unwrap().to_owned()
    }

    /// Makes a call as the administrator and returns status and JSON body.
    pub(crate) async fn as_admin(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        self.call(&self.admin_token, method, path, body).await
    }

    /// Stops the controller and does something before its directory goes.
    pub(crate) async fn stop_and(self, last: impl FnOnce()) {
        self.running.shutdown().await;
        last();
    }

    /// Stops the controller.
    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
    }
}

/// The `docker` client with somebody's bundle.
#[derive(Clone)]
pub(crate) struct Docker {
    program: PathBuf,
    host: String,
    bundle: PathBuf,
    buildkit: bool,
}

impl Docker {
    fn new(running: &Running, bundle: &Path) -> Self {
        Self {
            program: DEBIAN_CLIENT.into(),
            host: format!("tcp://{}", running.addresses()[0]),
            bundle: bundle.to_owned(),
            buildkit: false,
        }
    }

    /// The same bundle with another program.
    pub(crate) fn with_program(&self, program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            ..self.clone()
        }
    }

    /// The same bundle with BuildKit.
    pub(crate) fn with_buildkit(&self) -> Self {
        Self {
            buildkit: true,
            ..self.clone()
        }
    }

    /// Another program that finds the bundle in its environment.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("DOCKER_HOST", &self.host)
            .env("DOCKER_CERT_PATH", &self.bundle)
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_BUILDKIT", if self.buildkit { "1" } else { "0" })
            .env("DOCKER_CONFIG", self.bundle.join("config"))
            .env("BUILDKIT_PROGRESS", "plain")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Starts the client and leaves it to the test.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(&self.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the client to its end.
    pub(crate) async fn output(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&self.program);
        let run = command.args(arguments).output();
        match tokio::time::timeout(PATIENCE, run).await {
            Ok(output) => output.unwrap(),
            Err(_) => panic!("docker {arguments:?} does not end"),
        }
    }

    /// Runs the client, which must succeed, and returns what it printed.
    pub(crate) async fn ok(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        assert!(
            output.status.success(),
            "docker {arguments:?} failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs the client, which must fail, and returns what it complained.
    pub(crate) async fn fails(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        assert!(
            !output.status.success(),
            "docker {arguments:?} succeeded: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
    }

    /// Runs the client, which must be refused for lack of this operation (R60).
    pub(crate) async fn denied(&self, arguments: &[&str], operation: &str) {
        let complaint = self.fails(arguments).await;
        let expected = format!("access denied: no access to {operation}");
        assert!(
            complaint.contains(&expected),
            "docker {arguments:?} should lack {operation}: {complaint}"
        );
    }
}
