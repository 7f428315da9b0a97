//! `ucp net`, as a person types it, and load balancers of others with the files that it prints.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use mke_test_support::free_port;
use mke_test_support::lab::Lab;
use serde_json::Value;
use support::{Server, UCP, eventually};

fn ucp(args: &[&str]) -> Output {
    Command::new(UCP).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A machine with eth0 192.168.4.7/24.
fn machine(daemon: Option<&str>) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "proc/net/route",
        "Iface Destination Gateway Flags RefCnt Use Metric Mask\neth0 0004A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n",
    );
    write("proc/net/fib_trie", "|-- 192.168.4.7\n/32 host LOCAL\n");
    write(
        "proc/net/tcp",
        "0: 00000000:01BB 00000000:0000 0A 0:0 0:0 0 0 0 7 1\n",
    );
    if let Some(daemon) = daemon {
        write("etc/docker/daemon.json", daemon);
    }
    root
}

fn path(root: &tempfile::TempDir) -> &str {
    root.path().to_str().unwrap()
}

/// NET-001, NET-007, NET-008: a conflict gives exit code 1 with both networks and where they are set; what is proposed
/// gives none.
#[test]
fn conflicts_and_a_plan_without() {
    let root = machine(None);
    let output = ucp(&["net", "plan", "--root", path(&root), "--propose"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let text = out(&output);
    let conflict =
        "error: pods 192.168.0.0/16 (cluster_config.pod_cidr) overlap host 192.168.4.0/24 (route of eth0)";
    assert!(text.contains(conflict), "{text}");
    let proposed = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("ucp install --pod-cidr "))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("ucp.toml");
    std::fs::write(
        &config,
        format!("[cluster_config]\n  pod_cidr = \"{proposed}\"\n"),
    )
    .unwrap();
    let pool = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("docker swarm init --default-addr-pool "))
        .unwrap();
    let config = config.to_str().unwrap();
    let args = [
        "net",
        "plan",
        "--root",
        path(&root),
        "--config",
        config,
        "--overlay-pool",
        pool,
        "--output",
        "json",
    ];
    let output = ucp(&args);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let severities: Vec<_> = report["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conflict| &conflict["severity"])
        .collect();
    assert!(
        severities.iter().all(|severity| **severity == "warning"),
        "{report}"
    );
    let swarm_only = ucp(&["net", "plan", "--root", path(&root), "--swarm-only"]);
    assert_eq!(
        swarm_only.status.code(),
        Some(0),
        "no pods, no conflict: {}",
        out(&swarm_only)
    );
    let small = ucp(&[
        "net",
        "plan",
        "--root",
        path(&root),
        "--config",
        config,
        "--nodes",
        "5000",
    ]);
    assert_eq!(small.status.code(), Some(1));
    assert!(
        out(&small).contains("pods on 5000 nodes, 550000 are wanted"),
        "{}",
        out(&small)
    );
}

/// NET-001, NET-003: the Engine's own file counts, and one that it cannot read is refused with the place.
#[test]
fn the_engines_own_file_counts() {
    let root = machine(Some(
        r#"{"default-address-pools":[{"base":"10.9.0.0/16","size":24}],"bip":"192.168.4.200/24"}"#,
    ));
    let output = ucp(&["net", "plan", "--root", path(&root), "--swarm-only"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(
        text.contains("docker0 192.168.4.0/24 (the Engine's next network) overlap host"),
        "{text}"
    );
    assert!(text.contains("docker_gwbridge   10.9.0.0/24"), "{text}");
    for (daemon, expected) in [
        ("{\"bip\": }", "line 1, column 9"),
        (
            "{\"bip\":\"x\"}",
            "line 1, column 8: `bip` is `x`, not an address",
        ),
    ] {
        let root = machine(Some(daemon));
        let output = ucp(&["net", "plan", "--root", path(&root)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains(expected), "{}", err(&output));
    }
    let nowhere = ucp(&["net", "plan", "--root", "/nonexistent"]);
    assert_eq!(nowhere.status.code(), Some(3));
    assert!(err(&nowhere).contains("/proc/net/route"), "{}", err(&nowhere));
}

/// NET-009, NET-010: a configured port is the one that is looked at, opened and balanced; a clash is a usage error.
#[test]
fn a_configured_port_counts_everywhere() {
    let root = machine(None);
    let taken = ucp(&[
        "net",
        "ports",
        "--swarm-only",
        "--listening",
        "--root",
        path(&root),
    ]);
    assert_eq!(taken.status.code(), Some(1));
    let named = "error: TCP 443 (Web UI and API) is in use by 0.0.0.0:443, stop it or set `cluster_config.controller_port`";
    assert!(out(&taken).contains(named), "{}", out(&taken));
    let dir = tempfile::tempdir().unwrap();
    let config = |text: &str| {
        let path = dir.path().join("ucp.toml");
        std::fs::write(&path, format!("[cluster_config]\n{text}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let moved = config("  controller_port = 8443");
    let free = ucp(&[
        "net",
        "ports",
        "--swarm-only",
        "--listening",
        "--root",
        path(&root),
        "--config",
        &moved,
    ]);
    assert_eq!(free.status.code(), Some(0), "{}", out(&free));
    let firewall = ucp(&[
        "net",
        "firewall",
        "--format",
        "firewalld",
        "--swarm-only",
        "--config",
        &moved,
    ]);
    assert!(out(&firewall).contains("--permanent --add-port=8443/tcp\n"));
    assert!(!out(&firewall).contains("=443/tcp"));
    let balancer = ucp(&[
        "net",
        "lb",
        "--format",
        "nginx",
        "--name",
        "ucp",
        "--manager",
        "m1",
        "--config",
        &moved,
    ]);
    assert!(out(&balancer).contains("server m1:8443 "), "{}", out(&balancer));
    let clash = ucp(&["net", "ports", "--config", &config("  controller_port = 12376")]);
    assert_eq!(clash.status.code(), Some(2));
    assert!(err(&clash).contains("would use the same port"), "{}", err(&clash));
}

/// NET-009, NET-012: the kernel's own reader takes the rules.
#[test]
fn rules_are_read_by_nft() {
    for role in ["manager", "worker"] {
        let args = [
            "net",
            "firewall",
            "--format",
            "nftables",
            "--role",
            role,
            "--node",
            "192.0.2.1",
            "--node",
            "2001:db8::1",
        ];
        let rules = ucp(&args).stdout;
        let mut child = Command::new("unshare")
            .args(["--net", "--", "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare and nft (Debian packages util-linux and nftables)");
        child.stdin.take().unwrap().write_all(&rules).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(
            ended.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&ended.stderr),
            String::from_utf8_lossy(&rules)
        );
    }
}

/// NET-009: what answers is told from what does not.
#[test]
fn ports_of_another_machine_are_knocked_at() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port().to_string();
    let closed = free_port().to_string();
    let answered = ucp(&["net", "check", "127.0.0.1", "--port", &open]);
    assert_eq!(answered.status.code(), Some(0), "{}", out(&answered));
    let output = ucp(&[
        "net",
        "check",
        "127.0.0.1",
        "--port",
        &open,
        "--port",
        &closed,
        "--output",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let knocks: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&knocks[0]["result"], &knocks[1]["result"]),
        (&"open".into(), &"closed".into())
    );
}

/// NET-017, SOV-003, AZ-003, AZ-005, AZ-007: sizes and their remedies.
#[test]
fn sizes_are_reckoned() {
    let mtu = ucp(&["net", "mtu", "--link", "1400"]);
    assert_eq!(mtu.status.code(), Some(1));
    assert!(
        out(&mtu).contains("secure overlay  1352 bytes") && out(&mtu).contains("set it to 1350 or less"),
        "{}",
        out(&mtu)
    );
    assert_eq!(ucp(&["net", "mtu"]).status.code(), Some(0));
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("ucp.toml");
    std::fs::write(
        &config,
        "[cluster_config]\n  calico_vxlan = false\n  pod_cidr = \"10.0.0.0/17\"\n",
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let azure = ucp(&[
        "net",
        "azure",
        "--subnet",
        "10.0.0.0/17",
        "--nodes",
        "256",
        "--config",
        config,
    ]);
    assert_eq!(azure.status.code(), Some(1));
    assert!(
        out(&azure).contains("need 33024: use a subnet of at most /16"),
        "{}",
        out(&azure)
    );
    let few = [
        "net",
        "azure",
        "--subnet",
        "10.0.0.0/17",
        "--nodes",
        "9",
        "--config",
        config,
        "--azure-ip-count",
        "5",
    ];
    assert!(
        out(&ucp(&few)).contains("at least 6 addresses"),
        "{}",
        out(&ucp(&few))
    );
    let apart = ucp(&[
        "net",
        "azure",
        "--subnet",
        "10.1.0.0/17",
        "--nodes",
        "9",
        "--config",
        config,
    ]);
    assert!(out(&apart).contains("set it to 10.1.0.0/17"), "{}", out(&apart));
}

/// A load balancer that runs; ended on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn balancer(form: &str, file: &Path, dir: &Path) -> Running {
    let log = std::fs::File::create(dir.join(format!("{form}.log"))).unwrap();
    let mut command = match form {
        "nginx" => {
            let mut command = Command::new("nginx");
            let pid = dir.join("nginx.pid");
            // Debian builds the stream module apart.
            let settings = format!(
                "load_module /usr/lib/nginx/modules/ngx_stream_module.so; daemon off; pid {};",
                pid.display()
            );
            command.arg("-c").arg(file).arg("-g").arg(settings);
            command
        }
        _ => {
            let mut command = Command::new("haproxy");
            command.arg("-db").arg("-f").arg(file);
            command
        }
    };
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let program = command.get_program().to_string_lossy().into_owned();
    Running(command.spawn().unwrap_or_else(|error| {
        panic!("{program} (Debian packages nginx, libnginx-mod-stream, haproxy): {error}")
    }))
}

/// The authority behind the balancer's port: each control plane of this test has one of its own.
fn authority(port: u16) -> Option<String> {
    let url = format!("https://127.0.0.1:{port}/ca");
    let answer = Command::new("curl")
        .args(["--silent", "--insecure", "--fail", "--max-time", "30", &url])
        .output()
        .unwrap();
    answer.status.success().then(|| out(&answer))
}

/// LB-001, LB-002: nginx and HAProxy with the printed files spread requests over three control planes, and requests go
/// on when one of them is gone.
#[tokio::test]
async fn lab_load_balancers_carry_on_without_one_manager() {
    let lab = Lab::up(1);
    let engine = format!("unix://{}", lab.node(1).sock().display());
    let port = free_port();
    let hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
    let mut managers = Vec::new();
    for host in hosts {
        managers.push(Server::start_with_engine(&engine, &["--listen", &format!("{host}:{port}")]).await);
    }
    let own: BTreeSet<_> = managers.iter().map(Server::ca).collect();
    assert_eq!(own.len(), 3);
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("ucp.toml");
    std::fs::write(&config, format!("[cluster_config]\n  controller_port = {port}\n")).unwrap();
    let mut balancers = Vec::new();
    for form in ["nginx", "haproxy"] {
        let listen = free_port();
        let mut args = vec![
            "net",
            "lb",
            "--format",
            form,
            "--name",
            "ucp.example.org",
            "--swarm-only",
        ];
        args.extend(hosts.iter().flat_map(|host| ["--manager", host]));
        let (config, text) = (config.to_str().unwrap(), listen.to_string());
        args.extend(["--config", config, "--listen", &text]);
        let rendered = ucp(&args);
        assert!(rendered.status.success(), "{}", err(&rendered));
        let file = dir.path().join(form);
        std::fs::write(&file, rendered.stdout).unwrap();
        balancers.push((form, listen, balancer(form, &file, dir.path())));
    }
    for (form, listen, _) in &balancers {
        let mut seen = BTreeSet::new();
        let log = dir.path().join(format!("{form}.log"));
        eventually(
            &format!("{form} reaches three, see {}", log.display()),
            async || {
                seen.extend(authority(*listen));
                (seen == own).then_some(())
            },
        )
        .await;
    }
    let gone = managers.remove(1);
    let gone_authority = gone.ca();
    drop(gone);
    for (form, listen, _) in &balancers {
        for _ in 0..12 {
            let answer = authority(*listen).unwrap_or_else(|| panic!("{form} did not pass a request on"));
            assert_ne!(answer, gone_authority);
        }
    }
}

/// NET-007, NET-009, NET-017: every command of the guide prints what the guide shows.
#[test]
fn the_guide_tells_the_truth() {
    let root = machine(None);
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/networks.md");
    let examples = support::examples(&std::fs::read_to_string(guide).unwrap());
    assert!(examples.len() >= 6, "the guide has {} examples", examples.len());
    let programs = Path::new(UCP).parent().unwrap();
    let desk = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root.path(), desk.path().join("machine")).unwrap();
    for (command, shown) in examples {
        let output = Command::new("bash")
            .args(["-c", &command])
            .current_dir(desk.path())
            .env(
                "PATH",
                format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()),
            )
            .env_remove("MKE_OUTPUT")
            .output()
            .unwrap();
        assert_eq!(
            out(&output),
            shown.trim_end().to_owned() + "\n",
            "$ {command}\n{}",
            err(&output)
        );
    }
}
