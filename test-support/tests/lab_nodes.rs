//! The life of nodes in a cluster that is installed as its operators do it: joining, availability, orchestrators, promotion, demotion,
//! removal. Needs root, the packages busybox-static, curl, docker.io, iptables, iproute2, openssl and util-linux, and the archive that
//! `cargo xtask test` makes; what is missing fails the test and is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, until_within};

/// How long anything may take in which agents and several engines have a part, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
const PASSWORD: &str = "correct horse";
const SWARM: &str = "com.docker.ucp.orchestrator.swarm";
const KUBERNETES: &str = "com.docker.ucp.orchestrator.kubernetes";

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, || look().ok_or_else(|| "nothing".to_owned()))
}

/// Installs as a container. An installation that has ended has a healthy node: nobody waits here.
fn install(node: Node<'_>) {
    let password = format!("--admin-password={PASSWORD}");
    let output = node
        .docker_command()
        .args(["run", "--rm", "--name", "ucp"])
        .args(["--volume", "/var/run/docker.sock:/var/run/docker.sock"])
        .arg("mirantis/ucp:3.4.15")
        .args(["install", "--swarm-only", "--force-minimums", &password])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{}", said.concat());
}

/// What `ucp-agent nodes` says on a manager, and whether it says that all nodes are healthy.
fn states(node: Node<'_>) -> (String, bool) {
    let said = node.try_docker(&["exec", "ucp-controller", "/bin/ucp-agent", "nodes"]);
    let well = said.success();
    (said.stdout, well)
}

fn healthy(node: Node<'_>, count: usize) {
    until_within(PATIENCE, "all nodes are healthy", || {
        let (said, well) = states(node);
        (well && said.lines().count() == count).then_some(()).ok_or(said)
    });
}

fn curl(words: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--insecure", "--max-time", "20"])
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("`curl` ({error}): install package curl"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The text behind a key of an answer in JSON.
fn text_of<'a>(answer: &'a str, key: &str) -> &'a str {
    let after = answer.split_once(&format!("\"{key}\":\""));
    after
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or_else(|| panic!("no {key} in {answer}"))
}

/// The administrator, at the controller of a node.
struct Admin {
    url: String,
    token: String,
    configuration: tempfile::TempDir,
    host: String,
}

impl Admin {
    fn at(node: Node<'_>) -> Self {
        let url = format!("https://{}", node.ip());
        let login = format!("{{\"username\":\"admin\",\"password\":\"{PASSWORD}\"}}");
        let answer = curl(&["--data", &login, &format!("{url}/auth/login")]);
        let token = text_of(&answer, "auth_token").to_owned();
        let configuration = tempfile::tempdir().unwrap();
        let headers = format!("{{\"HttpHeaders\":{{\"Authorization\":\"Bearer {token}\"}}}}");
        std::fs::write(configuration.path().join("config.json"), headers).unwrap();
        std::fs::write(configuration.path().join("ca.pem"), curl(&[&format!("{url}/ca")])).unwrap();
        Self {
            url,
            token,
            configuration,
            host: format!("tcp://{}:443", node.ip()),
        }
    }

    /// Runs the docker client on the controller; its output, or what it complains about.
    fn try_docker(&self, words: &[&str]) -> Result<String, String> {
        let output = Command::new("/usr/bin/docker")
            .arg("--config")
            .arg(self.configuration.path())
            .args(["--tlsverify", "--host", &self.host, "--tlscacert"])
            .arg(self.configuration.path().join("ca.pem"))
            .args(words)
            .output()
            .unwrap_or_else(|error| panic!("`docker` ({error}): install package docker.io"));
        let [said, complaint] =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
        if output.status.success() {
            Ok(said)
        } else {
            Err(complaint)
        }
    }

    fn docker(&self, words: &[&str]) -> String {
        self.try_docker(words)
            .unwrap_or_else(|complaint| panic!("{words:?}: {complaint}"))
    }

    fn call(&self, words: &[&str], path: &str) -> String {
        let token = format!("Authorization: Bearer {}", self.token);
        let url = format!("{}{path}", self.url);
        curl(&[&["--header", &token], words, &[&url]].concat())
    }

    /// Lets a node join with the command that the cluster gives, and more options.
    fn join(&self, node: Node<'_>, role: &str, more: &[&str]) {
        let said = self.docker(&["swarm", "join-token", role]);
        let line = said
            .lines()
            .find(|line| line.contains("docker swarm join --token"));
        let line = line.unwrap_or_else(|| panic!("no command in {said}"));
        let words: Vec<&str> = line.split_whitespace().skip(3).collect();
        node.docker(&[&["swarm", "join"], more, &words].concat());
    }

    /// On which nodes tasks of a service run, one entry for each.
    fn places(&self, service: &str) -> Vec<String> {
        let running = "desired-state=running";
        let format = "{{.Node}} {{.CurrentState}}";
        let said = self.docker(&["service", "ps", "--filter", running, "--format", format, service]);
        let mut places: Vec<String> = said
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, state)| state.starts_with("Running"))
            .map(|(node, _)| node.to_owned())
            .collect();
        places.sort();
        places
    }
}

/// What the authority of a manager issued to a node, one entry for each certificate.
fn issued(authority: Node<'_>, node: &str) -> Vec<String> {
    let mut command = authority.docker_command();
    let output = command.args(["logs", "ucp-cluster-root-ca"]).output().unwrap();
    let log = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = log.concat();
    let mut profiles: Vec<String> = text
        .lines()
        .filter(|line| line.contains("a certificate was issued"))
        .filter(|line| line.contains(&format!("common_name=\"{node}\"")))
        .filter_map(|line| line.split_once("profile=")?.1.split_whitespace().next())
        .map(|word| word.trim_matches('"').to_owned())
        .collect();
    profiles.sort();
    profiles
}

/// The product's containers that run on a node, without those of tasks.
fn components(node: Node<'_>) -> BTreeSet<String> {
    let label = "label=com.docker.ucp.InstanceID";
    let names = node.docker(&["ps", "--filter", label, "--format", "{{.Names}}"]);
    let of_node = |name: &&str| !name.contains('.') && !name.starts_with("ucp-reconcile");
    names.lines().filter(of_node).map(str::to_owned).collect()
}

const OF_WORKERS: [&str; 2] = ["ucp-hardware-info", "ucp-proxy"];
const OF_MANAGERS: [&str; 8] = [
    "ucp-client-root-ca",
    "ucp-cluster-root-ca",
    "ucp-controller",
    "ucp-hardware-info",
    "ucp-kv",
    "ucp-metrics",
    "ucp-proxy",
    "ucp-swarm-manager",
];

fn runs(node: Node<'_>, wanted: &[&str]) {
    let wanted: BTreeSet<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
    until("the node runs the components of its role", || {
        (components(node) == wanted).then_some(())
    });
}

/// An image with a program that lasts, on every node.
fn load_busybox(lab: &Lab) {
    let context = lab.directory().join("busybox");
    std::fs::create_dir_all(&context).unwrap();
    let busybox = Path::new("/bin/busybox");
    assert!(
        busybox.exists(),
        "`/bin/busybox` is missing: install package busybox-static"
    );
    std::fs::copy(busybox, context.join("busybox")).unwrap();
    let file = "FROM scratch\nCOPY busybox /bin/busybox\nENTRYPOINT [\"/bin/busybox\"]\nCMD [\"sleep\", \"100000\"]\n";
    std::fs::write(context.join("Dockerfile"), file).unwrap();
    let archive = lab.directory().join("busybox.tar");
    let first = lab.node(1);
    first.docker(&["build", "--quiet", "--tag", "busybox", context.to_str().unwrap()]);
    first.docker(&["save", "--output", archive.to_str().unwrap(), "busybox"]);
    lab.load_images(&archive);
}

/// The certificate of a node, or of its controller, as somebody keeps it who leaves.
struct Kept(PathBuf);

impl Kept {
    fn copy(node: Node<'_>, from: &str, to: PathBuf) -> Self {
        std::fs::create_dir_all(&to).unwrap();
        node.docker(&["cp", from, to.to_str().unwrap()]);
        Self(to)
    }

    /// The status of an answer to whoever shows it.
    fn status(&self, words: &[&str], url: &str) -> String {
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| self.0.join(name).display().to_string());
        let own = ["--cert", &cert, "--key", &key, "--output", "/dev/null"];
        curl(&[&own, words, &["--write-out", "%{http_code}", url]].concat())
    }

    fn at_the_engine_of(&self, node: Node<'_>) -> String {
        self.status(&[], &format!("https://{}:12376/_ping", node.ip()))
    }

    /// At the collector of hardware facts of a node, which is reached from there only.
    fn at_the_hardware_of(&self, node: Node<'_>) -> String {
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| self.0.join(name).display().to_string());
        let words = [
            "curl",
            "--silent",
            "--insecure",
            "--max-time",
            "20",
            "--cert",
            &cert,
        ];
        let shown = [
            "--key",
            &key,
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ];
        let url = "https://127.0.0.1:12389/hardware";
        node.exec(&[&words[..], &shown, &[url]].concat())
    }

    /// At what else a manager answers other managers: its metrics, and its worker for jobs.
    fn at_the_manager(&self, node: Node<'_>) -> [String; 2] {
        ["12387/metrics", "12386/_ping"]
            .map(|place| self.status(&[], &format!("https://{}:{place}", node.ip())))
    }

    /// At the store of a manager. Etcd says nothing to those whom it refuses.
    fn at_the_store_of(&self, node: Node<'_>) -> String {
        self.status(&[], &format!("https://{}:12379/version", node.ip()))
    }

    /// Asks the authority of a node for the certificate of a controller.
    fn at_the_authority_of(&self, node: Node<'_>) -> String {
        let (key, csr) = (self.0.join("new.key"), self.0.join("new.csr"));
        let output = Command::new("openssl")
            .args([
                "req",
                "-new",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-subj", "/CN=x", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&csr)
            .output()
            .unwrap_or_else(|error| panic!("`openssl` ({error}): install package openssl"));
        assert!(output.status.success(), "{output:?}");
        let csr = std::fs::read_to_string(csr).unwrap().replace('\n', "\\n");
        let body = format!("{{\"certificate_request\":\"{csr}\",\"profile\":\"controller-client\"}}");
        let url = format!("https://{}:12381/api/v1/cfssl/sign", node.ip());
        self.status(&["--data", &body], &url)
    }
}

/// A parameter of a network namespace, which a cluster wants to be 0.
const PARAMETER: &str = "/proc/sys/net/ipv4/conf/all/accept_redirects";
/// Where values for the next start are kept.
const KEPT_VALUES: &str = "/etc/sysctl.d/95-ucp.conf";

/// Kernel parameters follow the label of a node and nothing else, in the node alone: without Kubernetes all that are set belong to
/// its network. What they change on disk is in memory here, so that the machine of the test stays as it is.
fn kernel_parameters(admin: &Admin, manager: Node<'_>, node: Node<'_>) {
    let of_machine = || {
        let value = std::fs::read_to_string(PARAMETER).unwrap();
        let other = std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap();
        (value, other, std::fs::read(KEPT_VALUES).ok())
    };
    let before = of_machine();
    let memory = Path::new("/var/lib/mke");
    let made = std::fs::create_dir(memory).is_ok();
    for place in ["/etc/sysctl.d", "/var/lib/mke"] {
        node.exec(&["mount", "-t", "tmpfs", "tmpfs", place]);
    }
    let value = || node.exec(&["cat", PARAMETER]).trim().to_owned();
    let drift = || {
        node.exec(&["sh", "-c", &format!("echo 1 > {PARAMETER}")]);
        node.docker(&["rm", "--force", "ucp-hardware-info"]);
        runs(node, &OF_WORKERS);
    };
    // The engine makes the directory of the journal when the container is made that changes parameters.
    let journal = || node.exec(&["ls", "/var/lib/mke"]);
    drift();
    healthy(manager, 3);
    assert_eq!((value().as_str(), journal().trim()), ("1", ""));
    let label = "com.docker.ucp.kernel-parameters";
    let update = |words: &[&str]| admin.docker(&[&["node", "update"], words, &[node.name()]].concat());
    update(&["--label-add", &format!("{label}=true")]);
    until("the parameter is set", || (value() == "0").then_some(()));
    until("it is set for the next start too", || {
        let kept = node.exec(&["sh", "-c", &format!("cat {KEPT_VALUES} || true")]);
        kept.contains("net.ipv4.conf.all.accept_redirects = 0")
            .then_some(())
    });
    drift();
    until("the parameter is put back", || (value() == "0").then_some(()));
    let container = ["ps", "--all", "--quiet", "--filter", "name=ucp-reconcile-kernel"];
    until("what sets it is gone", || {
        node.docker(&container).trim().is_empty().then_some(())
    });
    update(&["--label-rm", label]);
    let stays = || {
        drift();
        healthy(manager, 3);
        value() == "1"
    };
    // The agent is told with its next heartbeat.
    until("the agent knows that the label is gone", || stays().then_some(()));
    assert!(stays());
    assert_eq!(of_machine(), before);
    if made {
        let _ = std::fs::remove_dir(memory);
    }
}

/// What nodes are joined, used and demoted for.
///
/// - INST-001, NST-011: an installation that has ended has a healthy node.
/// - NOD-001, NOD-002: nodes join with the command that the cluster gives; a manager listens everywhere, or where it was told.
/// - NOD-003: paused nodes get no new tasks, drained ones none at all, and containers that are no tasks go on.
/// - ORC-004: tasks leave a node that Swarm may not use any more; its containers go on.
///
/// Jobs run although controllers run none. Kernel parameters are set where the label of a node asks for it. What a demoted manager
/// kept opens neither engines nor authorities nor other components nor the store.
#[test]
fn lab_life_of_nodes() {
    let lab = Lab::up(3);
    lab.load_images(&images::archive());
    load_busybox(&lab);
    let [n1, n2, n3] = [1, 2, 3].map(|number| lab.node(number));
    install(n1);
    let (said, well) = states(n1);
    assert!(well, "{said}");
    let admin = Admin::at(n1);
    let nodes = || {
        admin.docker(&[
            "node",
            "ls",
            "--format",
            "{{.Hostname}} {{.Status}} {{.Availability}}",
        ])
    };
    assert_eq!(nodes(), format!("{} Ready Active", n1.name()));

    // Joining.
    admin.join(n2, "worker", &[]);
    admin.join(n3, "worker", &["--listen-addr", "eth0:2377"]);
    healthy(n1, 3);
    for node in [n2, n3] {
        runs(node, &OF_WORKERS);
    }

    kernel_parameters(&admin, n1, n2);

    // Availability.
    n2.docker(&["run", "--detach", "--name", "alone", "busybox"]);
    let only = |node: Node<'_>| format!("node.hostname!={}", node.name());
    let create = [
        "service",
        "create",
        "--detach",
        "--no-resolve-image",
        "--name",
        "web",
        "--constraint",
    ];
    admin.docker(&[&create[..], &[&only(n1), "--replicas", "4", "busybox"]].concat());
    let on = |node: Node<'_>| {
        let places = admin.places("web");
        (
            places.len(),
            places.iter().filter(|place| *place == node.name()).count(),
        )
    };
    until("tasks run on both workers", || (on(n2) == (4, 2)).then_some(()));
    let update = |words: &[&str]| admin.docker(&[&["node", "update"], words, &[n2.name()]].concat());
    update(&["--availability", "pause"]);
    admin.docker(&["service", "scale", "--detach", "web=6"]);
    until("new tasks run elsewhere", || (on(n2) == (6, 2)).then_some(()));
    update(&["--availability", "drain"]);
    until("all tasks run elsewhere", || (on(n2) == (6, 0)).then_some(()));
    let runs_alone = || n2.docker(&["ps", "--quiet", "--filter", "name=^alone$"]);
    assert_ne!(runs_alone().trim(), "");
    update(&["--availability", "active"]);
    admin.docker(&["service", "update", "--detach", "--force", "web"]);
    until("tasks run on both workers again", || {
        (on(n2) == (6, 3)).then_some(())
    });

    // Orchestrators.
    let wrong = admin.try_docker(&["node", "update", "--label-rm", SWARM, n2.name()]);
    assert!(wrong.is_err_and(|why| why.contains("add the label")));
    update(&["--label-add", &format!("{KUBERNETES}=true")]);
    let shown = until("the node is shown as mixed", || {
        let shown = admin.call(&[], "/api/ucp/nodes");
        shown.contains("\"orchestrator\":\"mixed\"").then_some(shown)
    });
    assert!(!shown.contains(SWARM), "{shown}");
    // The update may still be replacing one task after the other; tasks that had to leave would not come back.
    until("Swarm's tasks stay on the mixed node", || {
        (on(n2) == (6, 3)).then_some(())
    });
    update(&["--label-rm", SWARM]);
    until("Swarm's tasks run elsewhere", || (on(n2) == (6, 0)).then_some(()));
    assert_ne!(runs_alone().trim(), "");
    admin.docker(&["service", "rm", "web"]);

    // Jobs.
    let job = admin.call(
        &["--data", r#"{"action":"ldap-sync","dryRun":true}"#],
        "/enzi/v0/jobs/",
    );
    let path = format!("/enzi/v0/jobs/{}", text_of(&job, "id"));
    let ended = until("the authentication worker runs the job", || {
        let job = admin.call(&[], &path);
        (!["waiting", "running"].contains(&text_of(&job, "status"))).then_some(job)
    });
    assert_eq!(text_of(&ended, "workerID"), n1.name(), "{ended}");

    // Promotion. The node listens where it was told when it joined.
    admin.docker(&["node", "promote", n3.name()]);
    runs(n3, &OF_MANAGERS);
    healthy(n1, 3);
    let id = n3.docker(&["info", "--format", "{{.Swarm.NodeID}}"]);
    let mut all = [n1, n3].map(|authority| issued(authority, id.trim())).concat();
    all.sort();
    // One as a worker, then one as a manager and one for each place of its components, of which two call as the controller does.
    let once = [
        "auth-api",
        "auth-worker",
        "controller",
        "controller-client",
        "controller-client",
        "kv",
        "node-manager",
        "node-worker",
    ];
    assert_eq!(all, once);
    until("a worker for jobs runs on each manager", || {
        (admin.places("ucp-auth-worker") == [n1.name(), n3.name()]).then_some(())
    });
    let listens = |node: Node<'_>| node.exec(&["ss", "-ltnH", "sport", "=", ":2377"]);
    assert!(listens(n1).contains("*:2377"), "{}", listens(n1));
    let told = format!("{}:2377", n3.ip());
    assert!(listens(n3).contains(&told), "{}", listens(n3));

    // Demotion, by somebody who keeps what the manager had.
    let dir = tempfile::tempdir().unwrap();
    let kept = [
        Kept::copy(n3, "ucp-proxy:/etc/ucp/node/.", dir.path().join("node")),
        Kept::copy(
            n3,
            "ucp-controller:/v/ucp-controller-client-certs/.",
            dir.path().join("controller"),
        ),
    ];
    for certificate in &kept {
        assert_eq!(certificate.at_the_engine_of(n2), "200");
        assert_eq!(certificate.at_the_hardware_of(n2), "200");
        assert_eq!(certificate.at_the_manager(n1), ["200", "200"]);
        assert_eq!(certificate.at_the_store_of(n1), "200");
    }
    assert_eq!(kept[0].at_the_authority_of(n1), "200");
    let ping = |node: Node<'_>| {
        let url = format!("https://{}/_ping", node.ip());
        curl(&["--output", "/dev/null", "--write-out", "%{http_code}", &url])
    };
    assert_eq!(ping(n3), "200");
    admin.docker(&["node", "demote", n3.name()]);
    until("what the manager kept opens no component", || {
        let refused = |certificate: &Kept| {
            [n1, n2].iter().all(|node| {
                certificate.at_the_engine_of(*node) == "403" && certificate.at_the_hardware_of(*node) == "403"
            }) && certificate.at_the_manager(n1) == ["403", "403"]
        };
        kept.iter().all(refused).then_some(())
    });
    assert_eq!(kept[0].at_the_authority_of(n1), "403");
    runs(n3, &OF_WORKERS);
    assert_eq!(ping(n3), "000");
    healthy(n1, 3);
    until("what the manager kept opens the store no more", || {
        let refused = |certificate: &Kept| certificate.at_the_store_of(n1) == "000";
        kept.iter().all(refused).then_some(())
    });
    let own = Kept::copy(n1, "ucp-proxy:/etc/ucp/node/.", dir.path().join("own"));
    assert_eq!(own.at_the_store_of(n1), "200");
}
