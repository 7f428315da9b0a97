//! Backing up and restoring real clusters. Needs root, the packages docker.io, iptables, iproute2, util-linux, curl, gnupg and
//! tar, and the archives that `cargo xtask test` makes; what is missing fails the test and is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

#[path = "support/input.rs"]
mod input;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, until};

use self::input::with_input;

const PASSWORD: &str = "correct horse";
const PASSPHRASE: &str = "secret12chars";
/// Machines that run tests are small.
const RESTORE: [&str; 3] = ["restore", "--force-minimums", "--swarm-only"];

/// `ucp` on the host, as the bootstrapper of an engine.
fn ucp(node: Node<'_>, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucp"));
    command
        .args(words)
        .env_clear()
        .env("MKE_ENGINE_SOCKET", node.sock())
        .env("MKE_DATA_DIR", "/nonexistent")
        .stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that must end well; what it wrote and what it said.
fn done(node: Node<'_>, words: &[&str]) -> (Vec<u8>, String) {
    let output = ucp(node, words).output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{words:?}: {said}");
    (output.stdout, said)
}

/// Runs a command that must be refused, with what it says.
fn refused(mut command: Command, told: &[&str]) {
    let output = command.output().unwrap();
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    for told in told {
        assert!(said.contains(told), "{told}: {said}");
    }
}

fn restore(node: Node<'_>, archive: &Path, words: &[&str]) -> Command {
    let mut command = ucp(node, &[&RESTORE, words].concat());
    command.stdin(fs::File::open(archive).unwrap());
    command
}

/// The same as a container, as the documents show it, of an image that says it has this version.
fn contained(node: Node<'_>, version: &str, archive: &Path, words: &[&str]) -> Command {
    let mut command = node.docker_command();
    command
        .args(["run", "--rm", "--interactive", "--name", "ucp"])
        .args(["--volume", "/var/run/docker.sock:/var/run/docker.sock"])
        .args(["--env", &format!("UCP_VERSION={version}")])
        .arg("mirantis/ucp:3.4.15")
        .args(RESTORE)
        .args(words)
        .stdin(fs::File::open(archive).unwrap());
    command
}

/// A person with `ucp`, logged in at a controller.
struct Person(tempfile::TempDir);

impl Person {
    fn at(node: Node<'_>, name: &str) -> Self {
        let person = Self(tempfile::tempdir().unwrap());
        let url = format!("https://{}", node.ip());
        let words = [
            "login",
            "--url",
            &url,
            "--insecure",
            "--username",
            name,
            "--password-stdin",
        ];
        person.run(&words, PASSWORD);
        person
    }

    fn run(&self, words: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ucp"));
        command.args(words).env_clear().env("HOME", self.0.path());
        let output = with_input(&mut command, input);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A client bundle in a new directory.
    fn bundle(&self, dir: PathBuf) -> PathBuf {
        self.run(&["bundle", "create", "--directory", dir.to_str().unwrap()], "");
        dir
    }

    /// What a cluster knows of people, rights and settings.
    fn state(&self) -> Vec<String> {
        let asked: [&[&str]; 8] = [
            &["account", "list"],
            &["org", "list"],
            &["team", "list", "engineering"],
            &["team", "members", "engineering/builders"],
            &["role", "list"],
            &["collection", "list"],
            &["grant", "list"],
            &["config", "get", "--server", "auth.sessions.lifetime_minutes"],
        ];
        asked.iter().map(|words| self.run(words, "")).collect()
    }
}

/// The status of a request of a client bundle that needs an account; 000 when the connection is refused.
fn status_with(bundle: &Path, node: Node<'_>) -> String {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--insecure",
            "--max-time",
            "20",
            "--output",
            "/dev/null",
        ])
        .args(["--write-out", "%{http_code}"])
        .arg("--cert")
        .arg(bundle.join("cert.pem"))
        .arg("--key")
        .arg(bundle.join("key.pem"))
        .arg(format!("https://{}/id/", node.ip()))
        .output()
        .unwrap_or_else(|error| panic!("`curl` ({error}): install package curl"));
    String::from_utf8(output.stdout).unwrap()
}

/// What lies in the scratch volume of a node.
fn scratch(node: Node<'_>) -> Vec<String> {
    let path = node.docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", "ucp-backup"]);
    let list = node.exec(&["ls", "-A", path.trim()]);
    list.lines().map(str::to_owned).collect()
}

/// A backup that nobody reads: it is under way until somebody does.
fn held(node: Node<'_>) -> Child {
    let (reader, writer) = std::io::pipe().unwrap();
    // Smaller than any archive.
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).unwrap();
    let mut child = ucp(node, &["backup", "--no-passphrase"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("Step 5 of 6") {
        let read = lines.read_line(&mut said).unwrap();
        assert!(read > 0, "{said}");
    }
    // Both stay open for as long as the process may write.
    std::mem::forget((reader, lines));
    child
}

/// What gpg makes of a file with the passphrase.
fn decrypted(file: &Path) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new("gpg")
        .env("GNUPGHOME", home.path())
        .args([
            "--batch",
            "--quiet",
            "--no-tty",
            "--pinentry-mode",
            "loopback",
            "--passphrase-fd",
            "0",
        ])
        .arg("--decrypt")
        .arg(file)
        // It warns of the directory's rights.
        .stderr(Stdio::null())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`gpg` ({error}): install package gnupg"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(PASSPHRASE.as_bytes())
        .unwrap();
    let mut plain = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut plain).unwrap();
    assert!(child.wait().unwrap().success());
    // The agent that gpg starts ends with its home.
    let _ = Command::new("gpgconf")
        .env("GNUPGHOME", home.path())
        .args(["--kill", "all"])
        .status();
    plain
}

fn md5sum(file: &Path) -> String {
    let output = Command::new("md5sum").arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// A cluster with people, rights and a setting that nobody has by default, and an application.
fn furnish(node: Node<'_>) -> Person {
    let image = "mirantis/ucp-etcd:3.4.15";
    node.docker(&["service", "create", "--detach", "--name", "app", image]);
    let admin = Person::at(node, "admin");
    let both = format!("{PASSWORD}\n");
    admin.run(&["account", "create", "dev", "--password-stdin"], &both);
    admin.run(&["org", "create", "engineering"], "");
    admin.run(&["team", "create", "engineering/builders"], "");
    admin.run(&["team", "add-member", "engineering/builders", "dev"], "");
    admin.run(&["collection", "create", "/Shared/builds"], "");
    let role = ["role", "create", "looks", "--operation", "Service View"];
    admin.run(&role, "");
    let subject = "team:engineering/builders";
    for role in ["looks", "restrictedcontrol"] {
        let grant = [
            "grant",
            "create",
            "--subject",
            subject,
            "--role",
            role,
            "--collection",
            "/Shared/builds",
        ];
        admin.run(&grant, "");
    }
    admin.run(
        &[
            "config",
            "set",
            "--server",
            "auth.sessions.lifetime_minutes",
            "77",
        ],
        "",
    );
    admin
}

/// UPG-007, SWO-005, VOL-005, BKP-001, BKP-002, BKP-004, BKP-005, BKP-006, BKP-007, BKP-008, BKP-013, RST-001, RST-002, RST-003, RST-004,
/// RST-005, RST-006, RST-007, RST-008: a cluster is backed up while it runs, one at a time, and a backup that is killed or takes
/// too long leaves nothing behind; gpg and tar read the archive and its log. The archive is refused where parts of an installation
/// are left, by another version, without the word about Kubernetes, with another passphrase, and when it is damaged, and nothing
/// is changed by that. On its own swarm the cluster comes back as it was beside the application that ran on, and on an engine
/// without a swarm with new authorities.
#[test]
fn lab_backed_up_and_restored() {
    let lab = Lab::up(2);
    lab.load_images(&images::archive());
    let (node, fresh) = (lab.node(1), lab.node(2));
    let password = format!("--admin-password={PASSWORD}");
    done(node, &["install", "--swarm-only", "--force-minimums", &password]);
    let admin = furnish(node);
    let kept = tempfile::tempdir().unwrap();
    let bundles = [
        admin.bundle(kept.path().join("admin")),
        Person::at(node, "dev").bundle(kept.path().join("dev")),
    ];
    for bundle in &bundles {
        assert_eq!(status_with(bundle, node), "200");
    }
    let state = admin.state();
    let id = node.docker(&["info", "--format", "{{.Swarm.Cluster.ID}}"]);
    let application = || node.docker(&["ps", "--no-trunc", "--quiet", "--filter", "name=^app\\."]);
    until("the application runs", || {
        (!application().is_empty()).then_some(())
    });
    let (ran, server, own) = (
        application(),
        done(node, &["dump-certs"]).0,
        done(node, &["dump-certs", "--cluster"]).0,
    );

    // One at a time, and one that was killed is in nobody's way.
    assert_eq!(scratch(node), [""; 0]);
    let mut first = held(node);
    assert_eq!(scratch(node).len(), 1);
    refused(
        ucp(node, &["backup", "--no-passphrase"]),
        &["another backup is in progress"],
    );
    first.kill().unwrap();
    first.wait().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (archive, log) = (dir.path().join("x.tar"), dir.path().join("x.log"));
    let words = [
        "backup",
        "--passphrase",
        PASSPHRASE,
        "--file",
        archive.to_str().unwrap(),
    ];
    let (wrote, told) = done(node, &words);
    assert!(
        wrote.is_empty() && told.contains("backup by ") && told.contains("Step 6 of 6"),
        "{told}"
    );
    let gone = || {
        assert_eq!(scratch(node), [""; 0]);
        let left = node.docker(&["ps", "--all", "--quiet", "--filter", "name=^ucp-backup$"]);
        assert_eq!(left, "");
    };
    gone();
    let plain = dir.path().join("plain.tar");
    fs::write(&plain, decrypted(&archive)).unwrap();
    let listed = Command::new("tar")
        .arg("--list")
        .arg("--file")
        .arg(&plain)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for name in [
        "ucp-controller-server-certs/key.pem",
        "ucp-kv/grants.jsonl",
        "config.toml",
    ] {
        assert!(listed.lines().any(|line| line == format!("./{name}")), "{listed}");
    }
    let text = String::from_utf8(decrypted(&log)).unwrap();
    assert!(text.contains(&format!("md5: {}", md5sum(&archive))), "{text}");
    let late = ["backup", "--no-passphrase", "--timeout", "1ms", "--file"];
    let never = dir.path().join("never.tar");
    let words = [&late[..], &[never.to_str().unwrap()]].concat();
    refused(ucp(node, &words), &["--timeout"]);
    gone();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);

    // What may not be restored, and changes nothing.
    let passphrase = ["--passphrase", PASSPHRASE];
    refused(
        restore(node, &archive, &passphrase),
        &["service ucp-manager-agent", "uninstall-ucp"],
    );
    done(node, &["uninstall-ucp", "--id", id.trim()]);
    let listing = || {
        let kinds = [
            "ps --all",
            "volume ls",
            "network ls",
            "service ls",
            "config ls",
            "secret ls",
            "images",
        ];
        kinds.map(|kind| {
            let words: Vec<&str> = kind.split(' ').chain(["--quiet"]).collect();
            let list = node.docker(&words);
            list.lines().map(str::to_owned).collect::<BTreeSet<String>>()
        })
    };
    let before = listing();
    let other = contained(node, "3.4.14", &archive, &passphrase);
    refused(
        other,
        &["version 3.4.15 and this is 3.4.14", "mirantis/ucp:3.4.15"],
    );
    let mut unsaid = ucp(node, &["restore", "--force-minimums", "--passphrase", PASSPHRASE]);
    unsaid.stdin(fs::File::open(&archive).unwrap());
    refused(unsaid, &["--swarm-only"]);
    refused(
        restore(node, &archive, &["--passphrase", "another"]),
        &["the passphrase is wrong"],
    );
    refused(restore(node, &archive, &[]), &["is encrypted"]);
    let damaged = dir.path().join("damaged.tar");
    for (whole, words) in [(&archive, &passphrase[..]), (&plain, &[])] {
        let mut bytes = fs::read(whole).unwrap();
        let middle = bytes.len() / 2;
        bytes.truncate(middle);
        fs::write(&damaged, bytes).unwrap();
        refused(restore(node, &damaged, words), &["damaged"]);
    }
    assert_eq!(listing(), before);

    // The cluster comes back on its own swarm.
    let output = contained(node, "3.4.15", &archive, &passphrase).output().unwrap();
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("Pulling"), "{told}");
    assert_eq!(Person::at(node, "admin").state(), state);
    Person::at(node, "dev");
    assert_eq!(application(), ran);
    assert_eq!(listing()[6], before[6]);
    assert_eq!(done(node, &["dump-certs"]).0, server);
    assert_ne!(done(node, &["dump-certs", "--cluster"]).0, own);
    for bundle in &bundles {
        assert_eq!(status_with(bundle, node), "200");
    }

    // And on an engine without a swarm, as another cluster.
    let words = ["--san", "mke.example.com"];
    let output = restore(fresh, &plain, &words).output().unwrap();
    let told = said(&output);
    assert!(
        output.status.success() && told.contains("authorities are new"),
        "{told}"
    );
    let admin = Person::at(fresh, "admin");
    assert_eq!(admin.state(), state);
    let names = admin.run(&["config", "get", "--server", "cluster_config.shared_sans"], "");
    assert!(names.contains("mke.example.com"), "{names}");
    assert_eq!(done(fresh, &["dump-certs"]).0, server);
    for bundle in &bundles {
        assert_ne!(status_with(bundle, fresh), "200");
    }
    assert_eq!(
        status_with(&admin.bundle(dir.path().join("bundle")), fresh),
        "200"
    );
}
