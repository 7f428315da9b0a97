//! A stock registry that asks `ucp serve` for tokens, and the docker command with a real engine. Needs root and the packages
//! docker.io, docker-registry, busybox-static, curl, iproute2, openssl and util-linux; a missing one fails the test and is
//! named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test's harness fails the test"
)]

#[allow(dead_code, reason = "each test crate uses a part of the harness")]
#[path = "../../mke-agent/tests/docker/engine.rs"]
mod engine;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use engine::{Engine, IMAGE, until};
use serde_json::{Value, json};

const UCP: &str = env!("CARGO_BIN_EXE_ucp");
const PASSWORD: &str = "correct horse battery";
/// What the registry and the control plane are called in the document, and where they answer here. Not on 127.0.0.0/8,
/// which engines trust without a certificate.
const REGISTRY: (&str, &str) = ("registry.example.com:5000", "10.99.0.1:5000");
const MKE: (&str, &str) = ("mke.example.com", "10.99.0.1:8443");
/// Where the document puts the registry's files.
const FILES: &str = "/etc/docker/registry";

/// A process in the network of an engine; it ends with the test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self(child.expect("`nsenter` starts: install package util-linux"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An engine, a control plane and a registry in one network.
struct Place {
    engine: Engine,
    dir: tempfile::TempDir,
    processes: Vec<Process>,
}

impl Place {
    /// As the document says it, with the names of this place.
    async fn start() -> Self {
        assert!(
            Path::new("/usr/bin/docker-registry").exists(),
            "`docker-registry` is missing: install package docker-registry"
        );
        let engine = Engine::start().await;
        engine.build_image();
        let mut place = Self {
            engine,
            dir: tempfile::tempdir().unwrap(),
            processes: Vec::new(),
        };
        place.prepare();
        place.serve();
        until("the control plane answers", || async {
            let answer = place.curl(&["https://10.99.0.1:8443/ca"]);
            answer.status.success().then_some(())
        })
        .await;
        place.connect().await;
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command in the engine's network.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let pid = self.engine.pid().to_string();
        command.args(["--net", "--target", &pid, program]);
        command
    }

    fn prepare(&self) {
        let pid = self.engine.pid().to_string();
        done(
            self.inside("ip")
                .args(["addr", "add", "10.99.0.1/32", "dev", "lo"]),
        );
        let certs = self.path("certs.d");
        fs::create_dir(&certs).unwrap();
        let mount = format!(
            "mkdir -p /etc/docker && mount -t tmpfs tmpfs /etc/docker && mkdir /etc/docker/certs.d && \
             mount --bind {} /etc/docker/certs.d",
            certs.display()
        );
        done(Command::new("nsenter").args(["--mount", "--target", &pid, "sh", "-c", &mount]));
        fs::create_dir(self.path("registry")).unwrap();
        let make = format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry \
             -addext subjectAltName=IP:10.99.0.1 -keyout {0}/key.pem -out {0}/cert.pem",
            self.path("registry").display()
        );
        done(Command::new("sh").args(["-c", &make]));
    }

    fn serve(&mut self) {
        let mut command = self.inside(UCP);
        command
            .args(["serve", "--listen", MKE.1, "--host-address", "10.99.0.1"])
            .args(["--engine", &format!("unix://{}", self.engine.socket().display())])
            .arg("--data-dir")
            .arg(self.path("data"))
            .arg("--registry-certs-dir")
            .arg(self.path("certs.d"))
            .env("UCP_ADMIN_PASSWORD", PASSWORD)
            .env_remove("DOCKER_HOST");
        let process = Process::start(&mut command, &self.path("ucp.log"));
        self.processes.push(process);
    }

    /// Steps 1 to 3 of the document.
    async fn connect(&mut self) {
        let document = include_str!("../../docs/registries.md");
        let certs = |args: &[&str]| {
            let output = Command::new(UCP)
                .args(["dump-certs", "--ca", "--data-dir"])
                .arg(self.path("data"))
                .args(args)
                .output()
                .unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        };
        let files = self.path("registry");
        fs::write(files.join("mke-cluster-ca.pem"), certs(&["--cluster"])).unwrap();
        let config = example(document, "yaml")
            .replace("/var/lib/docker-registry", files.join("images").to_str().unwrap())
            .replace(FILES, files.to_str().unwrap())
            .replace(REGISTRY.0, REGISTRY.1)
            .replace(MKE.0, MKE.1);
        let file = files.join("config.yml");
        fs::write(&file, config).unwrap();
        let mut command = self.inside("docker-registry");
        command.arg("serve").arg(&file);
        let process = Process::start(&mut command, &self.path("registry.log"));

        let authorities = fs::read_to_string(files.join("cert.pem")).unwrap() + &certs(&[]);
        let shown = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n";
        let registries = example(document, "toml");
        assert!(registries.contains(shown));
        let registries = registries
            .replace(shown, &authorities)
            .replace(REGISTRY.0, REGISTRY.1);
        self.processes.push(process);
        let before = self.api("GET", "/api/ucp/config-toml", None);
        let wanted = self.path("mke.toml");
        fs::write(&wanted, format!("{before}\n{registries}")).unwrap();
        self.api(
            "PUT",
            "/api/ucp/config-toml",
            Some(&format!("@{}", wanted.display())),
        );
        until("the registry answers", || async {
            let folder = self.path("certs.d").join(REGISTRY.1);
            let told = fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some());
            let answer = self.curl(&["https://10.99.0.1:5000/v2/"]);
            (told && answer.status.success()).then_some(())
        })
        .await;
    }

    fn curl(&self, args: &[&str]) -> Output {
        let mut command = self.inside("curl");
        // Who is who is the engine's question; this one only asks whether somebody is there.
        command.args(["--silent", "--insecure"]).args(args);
        command.output().unwrap()
    }

    fn token(&self) -> String {
        let body = json!({ "username": "admin", "password": PASSWORD }).to_string();
        let answer = self.curl(&["--data", &body, "https://10.99.0.1:8443/auth/login"]);
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        answer["auth_token"].as_str().unwrap().to_owned()
    }

    /// Asks the control plane as its administrator; the call must succeed.
    fn api(&self, method: &str, path: &str, body: Option<&str>) -> String {
        let bearer = format!("Authorization: Bearer {}", self.token());
        let url = format!("https://10.99.0.1:8443{path}");
        let mut args = vec!["--fail-with-body", "--request", method, "--header", &bearer, &url];
        if let Some(body) = body {
            args.extend(["--data-binary", body]);
        }
        let output = self.curl(&args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{method} {path}: {text}");
        text
    }

    /// The docker command of somebody, with a configuration of their own.
    fn docker(&self, person: &str, args: &[&str]) -> Result<String, String> {
        let output = Command::new("/usr/bin/docker")
            .arg("-H")
            .arg(format!("unix://{}", self.engine.socket().display()))
            .args(args)
            .env("DOCKER_CONFIG", self.path("people").join(person))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(text)
        }
    }

    fn login(&self, person: &str, password: &str) -> Result<String, String> {
        self.docker(person, &["login", "-u", person, "-p", password, REGISTRY.1])
    }

    fn push(&self, person: &str, repository: &str) -> Result<String, String> {
        let name = format!("{}/{repository}", REGISTRY.1);
        self.engine.docker(&["tag", IMAGE, &name]);
        self.docker(person, &["push", &name])
    }

    /// Pulls an image that the engine does not have under this name.
    fn pull(&self, person: &str, repository: &str) -> Result<String, String> {
        let name = format!("{}/{repository}", REGISTRY.1);
        let _ = self.docker(person, &["rmi", &name]);
        self.docker(person, &["pull", &name])
    }
}

/// The first block of a language in a document, without the indentation of the list that it stands in.
fn example(document: &str, language: &str) -> String {
    let fence = format!("```{language}");
    let mut lines = document.lines().skip_while(|line| line.trim() != fence);
    let indentation = lines.next().unwrap().find('`').unwrap();
    let block = lines.take_while(|line| line.trim() != "```");
    // Certificates stand at the margin.
    block
        .map(|line| {
            line.get(indentation..)
                .filter(|_| line.starts_with(' '))
                .unwrap_or(line)
        })
        .fold(String::new(), |text, line| text + line + "\n")
}

fn done(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}

fn denied(outcome: Result<String, String>) {
    let text = outcome.expect_err("it must be refused");
    let known = [
        "denied",
        "unauthorized",
        "no basic auth",
        "authentication required",
    ];
    assert!(known.iter().any(|word| text.contains(word)), "{text}");
}

/// MSR-001, MSR-005: a stock registry with the document's configuration lets people in by the accounts and teams of the
/// cluster, as they are at that moment: the docker command logs in, pushes and pulls, and is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_stock_registry_asks_the_cluster() {
    let place = Place::start().await;
    let post = |path: &str, body: Value| place.api("POST", path, Some(&body.to_string()));
    for name in ["bob", "carol", "eve"] {
        post("/accounts", json!({ "name": name, "password": PASSWORD }));
    }
    post("/accounts", json!({ "name": "acme", "isOrg": true }));
    post("/accounts/acme/teams", json!({ "name": "dev" }));
    for path in ["members/bob", "members/carol", "teams/dev/members/bob"] {
        place.api("PUT", &format!("/accounts/acme/{path}"), Some("{}"));
    }

    // Nobody, and somebody with a wrong password.
    denied(place.push("nobody", "acme/dev/box"));
    denied(place.login("bob", "wrong password"));
    for name in ["admin", "bob", "carol", "eve"] {
        place.login(name, PASSWORD).unwrap();
    }

    // The team pushes below its name, and its members in their own namespaces.
    place.push("bob", "acme/dev/box").unwrap();
    place.push("bob", "bob/box").unwrap();
    denied(place.push("bob", "acme/box"));
    denied(place.push("bob", "eve/box"));
    place.push("admin", "acme/box").unwrap();
    for repository in ["acme/dev/box", "acme/box"] {
        // The organization pulls, strangers and nobody do not.
        place.pull("bob", repository).unwrap();
        place.pull("carol", repository).unwrap();
        denied(place.pull("eve", repository));
        denied(place.pull("nobody", repository));
    }
    denied(place.push("carol", "acme/dev/box"));
    denied(place.push("eve", "acme/dev/box"));
    denied(place.pull("carol", "bob/box"));
    place.pull("bob", "bob/box").unwrap();

    // Who leaves the team pushes no more, who leaves the organization pulls no more, who is inactive does neither.
    place.api("DELETE", "/accounts/acme/teams/dev/members/bob", None);
    denied(place.push("bob", "acme/dev/box"));
    place.pull("bob", "acme/dev/box").unwrap();
    place.api("DELETE", "/accounts/acme/members/bob", None);
    denied(place.pull("bob", "acme/dev/box"));
    place.push("bob", "bob/box").unwrap();
    place.api("PATCH", "/accounts/bob", Some(r#"{"isActive":false}"#));
    denied(place.pull("bob", "bob/box"));
    denied(place.login("bob", PASSWORD));

    // Only administrators list what there is.
    let catalog = |name: &str| {
        let url = format!(
            "https://10.99.0.1:8443/auth/token?service={}&scope=registry:catalog:*",
            REGISTRY.1
        );
        let answer = place.curl(&["--user", &format!("{name}:{PASSWORD}"), &url]);
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let bearer = format!("Authorization: Bearer {}", answer["token"].as_str().unwrap());
        let answer = place.curl(&["--header", &bearer, "https://10.99.0.1:5000/v2/_catalog"]);
        serde_json::from_slice::<Value>(&answer.stdout).unwrap()
    };
    assert_eq!(
        catalog("admin")["repositories"],
        json!(["acme/box", "acme/dev/box", "bob/box"])
    );
    assert_eq!(catalog("carol")["errors"][0]["code"], "UNAUTHORIZED");
}
