//! The administration commands against a real control plane, as a person would type them.

#![cfg(test)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use mke_test_support::Certificates;
use serde_json::Value;
use support::input::with_input;
use support::{PASSWORD, Server, UCP};

/// Somebody at a terminal: a home directory of their own.
struct Person {
    home: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn contexts(&self) -> PathBuf {
        self.home.path().join("mke/contexts.json")
    }

    /// Runs `ucp` with these arguments and this input.
    fn ucp_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut command = Command::new(UCP);
        command
            .args(args)
            .env("XDG_CONFIG_HOME", self.home.path())
            .env_remove("MKE_URL")
            .env_remove("MKE_CONFIG");
        with_input(&mut command, input)
    }

    fn ucp(&self, args: &[&str]) -> Output {
        self.ucp_with_input(args, "")
    }

    /// Runs a command that must succeed and returns what it printed.
    fn done(&self, args: &[&str]) -> String {
        self.done_with_input(args, "")
    }

    fn done_with_input(&self, args: &[&str], input: &str) -> String {
        let output = self.ucp_with_input(args, input);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ucp {args:?} failed: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit code and returns what it complained about.
    fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.ucp(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "ucp {args:?}: {error}");
        error
    }

    fn login(&self, server: &Server, user: &str, password: &str) {
        let ca = server.data().join("ca.pem");
        let ca = ca.to_str().unwrap();
        let args = [
            "login",
            "--url",
            &server.url,
            "--ca-file",
            ca,
            "--username",
            user,
            "--password-stdin",
        ];
        self.done_with_input(&args, password);
    }
}

/// API-001, API-002, RBAC-003: an administrator makes everything that a team needs; its member gets exactly that.
#[tokio::test]
async fn onboarding_of_a_team() {
    let server = Server::start(&[]).await;
    let admin = Person::new();
    admin.login(&server, "admin", PASSWORD);
    admin.done_with_input(
        &[
            "account",
            "create",
            "jane",
            "--full-name",
            "Jane Doe",
            "--password-stdin",
        ],
        "her password\n",
    );
    admin.done(&["org", "create", "bank"]);
    admin.done(&["team", "create", "bank/ops", "--description", "runs things"]);
    admin.done(&["team", "add-member", "bank/ops", "jane"]);
    admin.done(&["collection", "create", "/Shared/web"]);
    admin.done(&[
        "role",
        "create",
        "Viewer",
        "--operation",
        "Service View",
        "--operation",
        "Container Logs",
    ]);
    let grant = [
        "--subject",
        "team:bank/ops",
        "--role",
        "Viewer",
        "--collection",
        "/Shared/web",
    ];
    admin.done(&[&["grant", "create"], &grant[..]].concat());

    let members: Value =
        serde_json::from_str(&admin.done(&["--output", "json", "org", "members", "bank"])).unwrap();
    assert_eq!(
        members[0]["member"]["name"], "jane",
        "a team member joins the organization: {members}"
    );
    let grants = admin.done(&["grant", "show", "team:bank/ops"]);
    assert!(
        grants.contains("team:bank/ops") && grants.contains("/Shared/web"),
        "{grants}"
    );

    let jane = Person::new();
    jane.login(&server, "jane", "her password");
    assert!(
        jane.done(&["can-i", "Service View", "--collection", "/Shared/web"])
            .starts_with("yes")
    );
    let no = jane.ucp(&["can-i", "Service Delete", "--collection", "/Shared/web"]);
    assert_eq!(no.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&no.stdout).contains("missing: Service Delete in /Shared/web"));
    assert!(jane.done(&["collection", "list"]).contains("/Shared/web"));
    jane.fails(1, &["collection", "create", "/Shared/mine"]);
    jane.fails(1, &["account", "list"]);

    admin.fails(3, &["role", "remove", "Viewer"]);
    admin.done(&[&["grant", "remove"], &grant[..]].concat());
    admin.done(&["role", "remove", "Viewer"]);
    assert_eq!(
        jane.ucp(&["can-i", "Service View", "--collection", "/Shared/web"])
            .status
            .code(),
        Some(1)
    );
    admin.done(&["account", "remove", "jane"]);
    jane.fails(1, &["collection", "list"]);
}

/// CLB-007: a bundle is made, works, and stops working once its key is removed.
#[tokio::test]
async fn life_of_a_bundle() {
    let server = Server::start(&[]).await;
    let admin = Person::new();
    admin.login(&server, "admin", PASSWORD);
    let dir = admin.home.path().join("bundle");
    admin.done(&[
        "bundle",
        "create",
        "--directory",
        dir.to_str().unwrap(),
        "--label",
        "laptop",
    ]);
    assert!(dir.join("env.sh").exists() && dir.join("tls/docker/key.pem").exists());
    admin.fails(2, &["bundle", "create", "--directory", dir.to_str().unwrap()]);

    let keys: Value = serde_json::from_str(&admin.done(&["--output", "json", "bundle", "list"])).unwrap();
    let key = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["label"] == "laptop")
        .unwrap();
    let http = server.client_with(&dir);
    let url = format!("{}/id/", server.url);
    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
    admin.done(&["bundle", "remove", key["id"].as_str().unwrap()]);
    assert_eq!(
        http.get(&url).send().await.unwrap().status(),
        401,
        "also on the connection that is open"
    );
}

/// ux-03, ux-04: the server is verified before the password is sent, and the choice not to is remembered.
#[tokio::test]
async fn the_server_is_verified_first() {
    let server = Server::start(&[]).await;
    let person = Person::new();
    let login = [
        "login",
        "--url",
        &server.url,
        "--username",
        "admin",
        "--password-stdin",
    ];
    let refused = person.ucp_with_input(&login, PASSWORD);
    assert_eq!(refused.status.code(), Some(2), "nothing says whom to trust");
    let zeros = "00".repeat(32);
    let wrong = [&login[..], &["--fingerprint", &zeros]].concat();
    assert_eq!(person.ucp_with_input(&wrong, PASSWORD).status.code(), Some(1));
    assert!(!person.contexts().exists(), "nothing was kept");

    person.done_with_input(&[&login[..], &["--insecure"]].concat(), PASSWORD);
    assert!(
        person.done(&["context", "list"]).contains("no"),
        "the context says that the server is not verified"
    );
    person.done(&["logout"]);
    assert!(person.fails(1, &["account", "list"]).contains("not logged in"));
}

/// What needs no control plane, and the exit codes of misuse.
#[test]
fn without_a_control_plane() {
    let person = Person::new();
    assert!(person.done(&["version"]).starts_with("ucp "));
    assert!(person.done(&["completion", "bash"]).contains("_ucp"));
    person.fails(2, &["can-i", "Fly"]);
    person.fails(2, &["no-such-command"]);
    assert!(
        person
            .fails(2, &["id", "--data-dir", "/nonexistent"])
            .contains("--data-dir")
    );
    person.fails(1, &["role", "list"]);
}

/// PKI-009: what the node prints is what the API serves.
///
/// CLI-008: the printed authority opens the web server; without a flag the certificate that the web server shows follows it.
#[tokio::test]
async fn id_and_certificates_of_this_node() {
    let server = Server::start(&[]).await;
    let person = Person::new();
    let data = server.data();
    let data = data.to_str().unwrap();
    assert!(person.done(&["id", "--data-dir", data]).trim().len() >= 20);
    let ca = person.done(&["dump-certs", "--ca", "--data-dir", data]);
    let served = server.http().get(format!("{}/ca", server.url)).send().await;
    let served = served.unwrap().text().await.unwrap();
    assert_eq!(ca.trim(), served.trim());
    assert!(server.reached_trusting(&ca).await);

    let both = person.done(&["dump-certs", "--data-dir", data]);
    let chain = both.strip_prefix(&ca).unwrap();
    assert!(chain.starts_with("-----BEGIN CERTIFICATE-----"), "{both}");
    assert!(!both.contains("PRIVATE KEY"));
    let shown = chain
        .split_inclusive("-----END CERTIFICATE-----\n")
        .next()
        .unwrap();
    assert_eq!(shown.trim(), shown_certificate(&server));
}

/// CLI-008: where the web server has a certificate of another authority, that authority and certificate are printed, and with
/// `--cluster` the authority of the cluster's own components, which the web server's is not.
#[tokio::test]
async fn certificates_of_another_authority() {
    let made = Certificates::new("IP:127.0.0.1");
    let directory = tempfile::tempdir().unwrap();
    for (name, file) in [
        ("ca.pem", "ca.pem"),
        ("cert.pem", "server.pem"),
        ("key.pem", "server.key"),
    ] {
        std::fs::copy(made.directory().join(file), directory.path().join(name)).unwrap();
    }
    let server = Server::start(&["--external-server-cert", directory.path().to_str().unwrap()]).await;
    let person = Person::new();
    let data = server.data();
    let dumped = |flags: &[&str]| {
        let mut args = vec!["dump-certs", "--data-dir", data.to_str().unwrap()];
        args.extend(flags);
        person.done(&args)
    };
    let ca = made.authority();
    assert_eq!(dumped(&["--ca"]).trim(), ca.trim());
    assert!(dumped(&[]).contains(&shown_certificate(&server)));
    assert!(server.reached_trusting(&ca).await);
    let cluster = dumped(&["--ca", "--cluster"]);
    assert_eq!(cluster.matches("BEGIN CERTIFICATE").count(), 1);
    assert!(!server.reached_trusting(&cluster).await);
}

/// CLI-009: the example is commented, and the program takes it unchanged.
#[test]
fn the_example_of_a_configuration_is_one() {
    let person = Person::new();
    let example = person.done(&["example-config"]);
    assert!(example.contains("[auth.sessions]"));
    let comments = example
        .lines()
        .filter(|line| line.trim_start().starts_with('#'))
        .count();
    let keys = example.lines().filter(|line| line.contains(" = ")).count();
    assert!(comments >= keys, "{comments} lines of comments for {keys} keys");
    let file = person.home.path().join("mke.toml");
    std::fs::write(&file, &example).unwrap();
    assert_eq!(person.done(&["config", "validate", file.to_str().unwrap()]), "");
}

/// CLI-011: a peer that connects is answered and named; a port that is taken, or is none, is refused with the remedy.
#[test]
fn a_port_is_checked_by_a_peer() {
    let person = Person::new();
    let command = |address: &str| {
        let mut command = Command::new(UCP);
        command.args(["port-check-server", "--once", "--listen-address", address]);
        command
            .env("XDG_CONFIG_HOME", person.home.path())
            .stderr(Stdio::piped());
        command
    };
    let mut waiting = Ended(command("127.0.0.1:0").spawn().unwrap());
    let mut lines = BufReader::new(waiting.0.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("listening on ").unwrap();
    let taken = command(address).output().unwrap();
    assert_eq!(taken.status.code(), Some(3));
    assert!(
        String::from_utf8_lossy(&taken.stderr)
            .contains(&format!("cannot listen on {address}: the port is in use"))
    );

    let mut answer = String::new();
    let mut peer = TcpStream::connect(address).unwrap();
    peer.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let reached = lines.next().unwrap().unwrap();
    assert_eq!(reached, format!("reached by {}", peer.local_addr().unwrap()));
    assert!(waiting.0.wait().unwrap().success());

    let wrong = command("2376").output().unwrap();
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("write ADDRESS:PORT"));
    let help = person.done(&["port-check-server", "--help"]);
    assert!(help.contains("[default: :2376]"), "{help}");
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended by itself unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The certificate that the web server shows, as PEM.
fn shown_certificate(server: &Server) -> String {
    let address = server.url.strip_prefix("https://").unwrap();
    let output = Command::new("openssl")
        .args(["s_client", "-connect", address])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let from = text.find("-----BEGIN CERTIFICATE-----").unwrap();
    let end = "-----END CERTIFICATE-----";
    let to = text.find(end).unwrap() + end.len();
    text[from..to].to_owned()
}
