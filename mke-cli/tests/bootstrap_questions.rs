//! The questions of `install` and `uninstall-ucp`, on a real terminal (a pseudo terminal) and without one. The engine is a
//! socket that knows the few answers that are asked for before anything is made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// How long a question may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// An engine that answers what is asked before anything is made.
struct Engine {
    directory: tempfile::TempDir,
}

impl Engine {
    /// `swarm`: what `/info` says of it. `services`: the answer to `/services`.
    fn start(swarm: &'static str, services: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                std::thread::spawn(move || {
                    let mut buffer = [0_u8; 8192];
                    while let Ok(length) = stream.read(&mut buffer) {
                        if length == 0 {
                            return;
                        }
                        let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                        let path = request.split(' ').nth(1).unwrap_or_default();
                        let body = match path.split('?').next().unwrap_or_default() {
                            "/_ping" => "OK".to_owned(),
                            "/info" => format!("{{\"Name\":\"n1\",\"OSType\":\"linux\",\"Swarm\":{swarm}}}"),
                            "/services" => services.to_owned(),
                            "/volumes" => "{\"Volumes\":[]}".to_owned(),
                            _ => "[]".to_owned(),
                        };
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                        if stream.write_all((head + &body).as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { directory }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }
}

fn command(socket: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucp"));
    command.args(words).env_clear().env("MKE_ENGINE_SOCKET", socket);
    command
}

/// A program with a terminal.
struct Terminal {
    child: Child,
    master: File,
    seen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start(socket: &Path, words: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || -> OwnedFd {
            let path = Path::new(name.to_str().unwrap());
            File::options().read(true).write(true).open(path).unwrap().into()
        };
        let child = command(socket, words)
            .stdin(Stdio::from(open()))
            .stdout(Stdio::from(open()))
            .stderr(Stdio::from(open()))
            .spawn()
            .unwrap();
        let master = File::from(master);
        let mut reader = master.try_clone().unwrap();
        let (tell, seen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 4096];
            while let Ok(length) = reader.read(&mut buffer) {
                if length == 0 || tell.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            master,
            seen,
            shown: String::new(),
        }
    }

    /// Waits for a text behind everything that was waited for before.
    fn expect(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(left) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("`{text}` did not come, but: {}", self.shown),
            }
        }
    }

    fn answer(&mut self, text: &str) {
        self.master.write_all(format!("{text}\n").as_bytes()).unwrap();
    }

    /// What is shown until the program ends, and its exit code.
    fn end(mut self) -> (String, i32) {
        let code = self.child.wait().unwrap().code().unwrap();
        while let Ok(bytes) = self.seen.recv_timeout(Duration::from_millis(200)) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
        (std::mem::take(&mut self.shown), code)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const NO_SWARM: &str = r#"{"LocalNodeState":"inactive"}"#;
const SWARM: &str = r#"{"LocalNodeState":"active","ControlAvailable":true,"NodeID":"n","NodeAddr":"10.0.0.1","Cluster":{"ID":"abc123"}}"#;
const SERVICES: &str =
    r#"[{"ID":"s1","Spec":{"Name":"ucp-manager-agent","Labels":{"com.docker.ucp.InstanceID":"abc123"}}}]"#;

/// INST-002: on a terminal, `install` asks for what is missing, the password twice and hidden, and again when the two differ.
/// What is refused afterwards is told as a fatal line.
#[test]
fn install_asks() {
    let engine = Engine::start(NO_SWARM, "[]");
    let mut terminal = Terminal::start(&engine.socket(), &["install", "--license", "nonsense"]);
    terminal.expect("Admin Username [admin]: ");
    terminal.answer("");
    terminal.expect("Admin Password: ");
    terminal.answer("correct horse");
    terminal.expect("Confirm Admin Password: ");
    terminal.answer("battery staple");
    terminal.expect("differ, try again");
    terminal.expect("Admin Password: ");
    terminal.answer("correct horse");
    terminal.expect("Confirm Admin Password: ");
    terminal.answer("correct horse");
    terminal.expect("Host address or interface");
    terminal.answer("eth0");
    terminal.expect("SANs");
    terminal.answer("mke.example.com,10.0.0.9");
    let (shown, code) = terminal.end();
    assert!(
        shown.contains("level=fatal msg=\"the licence cannot be used"),
        "{shown}"
    );
    assert!(!shown.contains("correct horse"), "the password is shown: {shown}");
    assert!(!shown.contains("random admin password"), "{shown}");
    assert_eq!(code, 2);
}

/// INST-002: what flags or the environment say is not asked for.
#[test]
fn install_asks_only_for_what_is_missing() {
    let engine = Engine::start(SWARM, "[]");
    let words = [
        "install",
        "--admin-username",
        "root-of-all",
        "--admin-password=x y z",
        "--license",
        "nonsense",
    ];
    let mut terminal = Terminal::start(&engine.socket(), &words);
    // The swarm is there, so its address is not asked for either.
    terminal.expect("SANs");
    terminal.answer("");
    let (shown, code) = terminal.end();
    assert!(shown.contains("level=fatal"), "{shown}");
    assert_eq!(code, 2);
}

fn without_terminal(engine: &Engine, words: &[&str]) -> Output {
    command(&engine.socket(), words)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// INST-003: without a terminal a random password is made and told once, in the words that installers look for.
#[test]
fn a_random_password_is_told_once() {
    let engine = Engine::start(NO_SWARM, "[]");
    let output = without_terminal(&engine, &["install", "--license", "nonsense"]);
    let log = String::from_utf8(output.stderr).unwrap();
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("Generated random admin password: "))
        .collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(
        told[0].starts_with("time=\"") && told[0].contains(" level=info msg=\""),
        "{log}"
    );
    let output = without_terminal(
        &engine,
        &["install", "--license", "nonsense", "--admin-password", "given"],
    );
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(!log.contains("Generated") && !log.contains("given"), "{log}");
}

/// INST-008: only licences that can be read are taken; nothing of what was given is shown.
#[test]
fn licences_that_cannot_be_read() {
    let engine = Engine::start(NO_SWARM, "[]");
    let words = [
        "install",
        "--admin-password",
        "x",
        "--license",
        "{\"key_id\":\"secret-of-mine\"}",
        "--jsonlog",
    ];
    let output = without_terminal(&engine, &words);
    assert_eq!(output.status.code(), Some(2));
    let log = String::from_utf8(output.stderr).unwrap();
    let last = log.lines().last().unwrap();
    assert!(
        last.contains("\"level\":\"fatal\"") && !log.contains("secret-of-mine"),
        "{log}"
    );
}

/// UNI-002: the instance is shown and a question asked; anything but yes changes nothing.
#[test]
fn uninstall_asks() {
    let engine = Engine::start(SWARM, SERVICES);
    let mut terminal = Terminal::start(&engine.socket(), &["uninstall-ucp"]);
    terminal.expect("Detected UCP instance abc123");
    terminal.expect("We're about to uninstall UCP from this Swarm cluster");
    terminal.expect("Do you want to proceed with the uninstall? (y/n): ");
    terminal.answer("n");
    let (shown, code) = terminal.end();
    assert!(shown.contains("Nothing was done"), "{shown}");
    assert_eq!(code, 1);
}

/// UNI-002: without somebody to ask, the instance must be named, and rightly; with nothing installed there is nothing to do.
#[test]
fn uninstall_without_a_terminal() {
    let engine = Engine::start(SWARM, SERVICES);
    for (words, code, said) in [
        (&["uninstall-ucp"][..], 2, "--id abc123"),
        (
            &["uninstall-ucp", "--id", "other"],
            2,
            "this is instance `abc123`",
        ),
    ] {
        let output = without_terminal(&engine, words);
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(log.contains(said) && log.contains("level=fatal"), "{log}");
        assert_eq!(output.status.code(), Some(code), "{log}");
    }
    let nothing = Engine::start(SWARM, "[]");
    let output = without_terminal(&nothing, &["uninstall-ucp", "--id", "abc123"]);
    assert_eq!(output.status.code(), Some(1));
    let worker = Engine::start(r#"{"LocalNodeState":"active","NodeID":"n"}"#, "[]");
    let output = without_terminal(&worker, &["uninstall-ucp", "--id", "abc123"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("no manager"), "{log}");
}

/// CLI-003, CLI-005: a socket that is not there and one that may not be opened are told with the remedy.
#[test]
fn sockets_that_cannot_be_used() {
    let directory = tempfile::tempdir().unwrap();
    let output = command(&directory.path().join("none"), &["images", "--list"])
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(
        log.contains("level=fatal") && log.contains("-v /var/run/docker.sock"),
        "{log}"
    );
    assert_eq!(output.status.code(), Some(3));
}

/// CLI-007, CLI-010: names of images stand alone on their lines; a machine without a cluster has no id.
#[test]
fn lists_and_ids() {
    let engine = Engine::start(SWARM, SERVICES);
    let output = without_terminal(&engine, &["images", "--list", "--swarm-only"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.lines().count() > 5, "{shown}");
    for line in shown.lines() {
        assert!(
            line.starts_with("mirantis/ucp-") && line.ends_with(":3.4.15"),
            "{line}"
        );
    }
    let id = |engine: &Engine| {
        let empty = engine.directory.path().join("nothing");
        let mut command = command(&engine.socket(), &["id"]);
        command.env("MKE_DATA_DIR", empty).output().unwrap()
    };
    assert_eq!(String::from_utf8(id(&engine).stdout).unwrap(), "abc123\n");
    let nothing = Engine::start(SWARM, "[]");
    assert_eq!(id(&nothing).status.code(), Some(1));
}
