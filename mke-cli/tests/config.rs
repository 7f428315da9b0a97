//! `ucp config`, as a person types it.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const UCP: &str = env!("CARGO_BIN_EXE_ucp");

fn ucp(args: &[&str]) -> Output {
    Command::new(UCP).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file with this text in a directory of its own.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mke.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

const TWELVE: &str = r#"[auth]
  backend = "ldpa"
  default_new_user_role = "ViewOnly"
[auth.sessions]
  lifetime_minutes = 5
  renewal_threshold_minutes = "20"
  per_user_limits = 3
[log_configuration]
  level = "LOUD"
  protocol = "icmp"
[cluster_config]
  controller_port = 70000
  kubelet_max_pods = 251
  vxlan_vni = 1
  pod_cidr = "10.0.0.0/33"
[scheduling_configuration]
  enable_admin_ucp_schedulng = true
"#;

/// CFG-002: twelve different mistakes give twelve messages, each with its line, the key and what is allowed, and exit
/// code 2; a file without mistakes gives nothing.
#[test]
fn every_mistake_at_once() {
    let (_dir, path) = file(TWELVE);
    let output = ucp(&["config", "validate", name(&path)]);
    assert_eq!(output.status.code(), Some(2));
    let text = out(&output);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 12, "{text}");
    let numbers = [2, 3, 5, 6, 7, 9, 10, 12, 13, 14, 15, 17];
    for (number, line) in numbers.into_iter().zip(&lines) {
        assert!(
            line.starts_with(&format!("{}:{number}:", path.display())),
            "{number}: {text}"
        );
    }
    assert!(text.contains("lifetime_minutes"), "{text}");

    let whole = include_str!("../../mke-core/tests/config_files/full.toml");
    for good in [out(&ucp(&["config", "example"])), whole.to_owned()] {
        let (_dir, good) = file(&good);
        let output = ucp(&["config", "validate", name(&good)]);
        let said = (output.status.code(), out(&output), err(&output));
        assert_eq!(said, (Some(0), String::new(), String::new()));
    }
    let output = ucp(&["--output", "json", "config", "validate", name(&path)]);
    assert_eq!(output.status.code(), Some(2));
    let problems: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let problems = problems.as_array().unwrap();
    assert_eq!(problems.len(), 12);
    for (problem, line) in problems.iter().zip(&lines) {
        let text = |field: &str| {
            problem[field]
                .as_str()
                .unwrap_or_else(|| panic!("no {field}: {problem}"))
        };
        assert!(line.contains(&format!("`{}`: ", text("key"))), "{line}");
        assert_eq!(text("file"), name(&path));
        assert!(problem["line"].as_u64() > Some(0) && problem["column"].as_u64() > Some(0));
        // A value that is wrong comes with what is allowed; a name that is unknown with the nearest one.
        if problem["nearest"].is_string() {
            assert!(
                line.contains(&format!("did you mean `{}`?", text("nearest"))),
                "{line}"
            );
        } else {
            assert!(!text("found").is_empty() && !text("allowed").is_empty());
        }
        assert!(
            ["use ", "expected ", "did you mean "]
                .iter()
                .any(|word| line.contains(word)),
            "{line}"
        );
    }
    // Standard input is a file too.
    let output = std::process::Command::new("sh")
        .args(["-c", "\"$0\" config validate - < \"$1\"", UCP, name(&path)])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), out(&output).lines().count()),
        (Some(2), 12)
    );
    assert!(out(&output).starts_with("-:2:13: "), "{}", out(&output));
}

/// An edit changes its own bytes only, says what it touches, and is refused when its result has mistakes.
#[test]
fn edits_keep_everything_else() {
    let text = "# ours\n[auth.sessions]\n  lifetime_minutes   = 60 # an hour\n\n[cluster_config]\n  dns = [\"10.0.0.1\"]\n";
    let (_dir, path) = file(text);
    let set = |args: &[&str]| {
        let mut all = vec!["config", "set"];
        all.extend(args);
        all.extend(["--file", name(&path)]);
        ucp(&all)
    };
    let dry = set(&["auth.sessions.lifetime_minutes", "90", "--dry-run"]);
    assert!(
        err(&dry).contains("auth.sessions.lifetime_minutes: 60 -> 90 (live)"),
        "{}",
        err(&dry)
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert!(set(&["auth.sessions.lifetime_minutes", "90"]).status.success());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text.replace("60 #", "90 #")
    );
    let before = std::fs::read_to_string(&path).unwrap();
    for (args, code, expected) in [
        (
            &["auth.sessions.lifetime_minutes", "1"][..],
            2,
            "lifetime_minutes",
        ),
        (
            &["auth.sessions.lifetime_minutes", "long"],
            2,
            "does not take long, give a whole number from 10 to 43200",
        ),
        (&["auth.sessions.lifetime", "90"], 2, "is no key"),
    ] {
        let output = set(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        let said = out(&output) + &err(&output);
        assert!(said.contains(expected), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    }
    assert!(
        ucp(&["config", "unset", "cluster_config.dns", "--file", name(&path)])
            .status
            .success()
    );
    assert!(!std::fs::read_to_string(&path).unwrap().contains("dns"));
}

/// What is known, and what differs, is printed for people and for scripts.
#[test]
fn explained_and_compared() {
    let text = out(&ucp(&["config", "explain", "auth.sessions.lifetime_minutes"]));
    assert!(text.contains("minutes") && text.contains("live"), "{text}");
    let output = ucp(&["config", "explain", "auth.sessions.lifetim_minutes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("auth.sessions.lifetime_minutes"),
        "{}",
        err(&output)
    );

    let (_one, before) = file("[cluster_config]\n  swarm_only = false\n");
    let (_two, after) = file("[cluster_config]\n  swarm_only = true\n");
    let output = ucp(&["config", "diff", name(&before), name(&after), "--exit-code"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("refused, cannot be changed any more: cluster_config.swarm_only"));
    let output = ucp(&["--output", "json", "config", "diff", name(&before), name(&after)]);
    let report: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(report["differences"][0]["refused"], true);
    assert!(
        ucp(&["config", "diff", name(&after), name(&after), "--exit-code"])
            .status
            .success()
    );

    let schema: serde_json::Value = serde_json::from_str(&out(&ucp(&["config", "schema"]))).unwrap();
    assert!(schema["properties"]["auth"].is_object());
}

/// M4-001, M4-004, M4-009: the conversion prints the new file, names what stays behind, and refuses with the known
/// words while Calico keeps its data in etcd.
#[test]
fn conversion_for_mke_4() {
    let (dir, path) = file(
        "[cluster_config]\n  custom_kube_api_server_flags = [\"--enable-garbage-collector=false\"]\n  controller_port = 8443\n",
    );
    let output = ucp(&["config", "to-mke4", name(&path)]);
    assert!(output.status.success());
    assert!(
        out(&output).contains("enable-garbage-collector: false"),
        "{}",
        out(&output)
    );
    assert!(
        err(&output).contains("cluster_config.controller_port = 8443"),
        "{}",
        err(&output)
    );
    let target = dir.path().join("mke4.yaml");
    let check = [
        "config",
        "to-mke4",
        name(&path),
        "--check",
        "--version",
        "3.7.15",
        "--backup-confirmed",
    ];
    let output = ucp(&[&check[..], &["--out", name(&target)]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("mke3 cluster is using etcdv3 and not kdd backend for calico"));
    assert!(!target.exists());
}

/// CFG-021, CFG-023: what a component is started with is shown with its origins, in text and in JSON; what cannot be is
/// refused with its place; the file for secrets goes to a file of its owner alone.
#[test]
fn what_components_are_started_with() {
    use std::os::unix::fs::PermissionsExt as _;
    let text = "[cluster_config]\n  custom_kubelet_flags = [\"--max-pods=90\"]\n";
    let (dir, path) = file(text);
    let render = |args: &[&str]| {
        let mut all = vec!["config", "render"];
        all.extend(args);
        all.extend(["--file", name(&path)]);
        ucp(&all)
    };
    let kubelet = render(&[
        "kubelet",
        "--address",
        "10.0.0.7",
        "--role",
        "worker",
        "--manager",
        "10.0.0.1",
    ]);
    assert!(kubelet.status.success(), "{}", err(&kubelet));
    let shown = out(&kubelet);
    for line in [
        "--kube-reserved=cpu=50m,memory=300Mi,ephemeral-storage=500Mi  # cluster_config.worker_kube_reserved_resources",
        "--max-pods=90  # cluster_config.custom_kubelet_flags[0]",
        "note: --max-pods=90 (cluster_config.custom_kubelet_flags[0]) overrides --max-pods=110 (cluster_config.kubelet_max_pods)",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line}: {shown}");
    }
    let facts = dir.path().join("node.yaml");
    std::fs::write(
        &facts,
        "name: n\naddress: 10.0.0.1\nrole: manager\nmanagers: [10.0.0.1]\n",
    )
    .unwrap();
    let args = [
        "--output",
        "json",
        "config",
        "render",
        "etcd",
        "--node-facts",
        name(&facts),
        "--file",
        name(&path),
    ];
    let json: serde_json::Value = serde_json::from_str(&out(&ucp(&args))).unwrap();
    assert_eq!(json["component"], "etcd");
    assert!(
        json["flags"]
            .as_array()
            .unwrap()
            .iter()
            .any(|flag| flag["name"] == "quota-backend-bytes")
    );

    for (args, code, expected) in [
        (&["kubelet"][..], 2, "--address"),
        (
            &["kube-dns", "--address", "10.0.0.1"],
            2,
            "use one of kube-apiserver",
        ),
        (
            &["kubelet", "--address", "10.0.0.7", "--role", "worker"],
            2,
            "--manager",
        ),
        (
            &["kubelet", "--address", "10.0.0.1", "--kubelet-profile", "high"],
            2,
            "cluster_config.custom_kubelet_flags_profiles: the node is labelled",
        ),
        (
            &["kubelet", "--address", "10.0.0.1", "--node-name", "A_b"],
            2,
            "is no name of a node",
        ),
        (
            &["encryption", "--address", "10.0.0.1"],
            2,
            "name --key-file, and --out",
        ),
    ] {
        let output = render(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(err(&output).contains(expected), "{args:?}: {}", err(&output));
    }

    let (key, made) = (dir.path().join("key"), dir.path().join("encryption.yaml"));
    std::fs::write(&key, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    let args = [
        "encryption",
        "--address",
        "10.0.0.1",
        "--key-file",
        name(&key),
        "--out",
        name(&made),
    ];
    let output = render(&args);
    assert!(output.status.success(), "{}", err(&output));
    assert!(!(out(&output) + &err(&output)).contains("BwcH"));
    assert!(
        std::fs::read_to_string(&made)
            .unwrap()
            .contains("secret: BwcHBwcH")
    );
    assert_eq!(
        std::fs::metadata(&made).unwrap().permissions().mode() & 0o777,
        0o600
    );
    std::fs::write(&key, "c2hvcnQgc2VjcmV0").unwrap();
    let output = render(&args);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("32 bytes") && !err(&output).contains("c2hvcnQ"),
        "{}",
        err(&output)
    );
}

/// M4-001, M4-002, M4-004, M4-005, M4-008, M4-011, M4-014, M4-015, M4-017: accounts come along as manifests, the summary has its
/// sections, and everything that speaks against the upgrade is said at once before anything is written.
#[test]
fn the_way_to_mke_4() {
    let (dir, path) = file("[cluster_config]\n  calico_kdd = true\n  nvidia_device_plugin = true\n");
    let at = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let state = at(
        "state.yaml",
        "format: rbac-scenarios/1\nworlds: {shop: {users: {bob: {}, root: {admin: true}}, orgs: {shop: {teams: {ops: [bob]}}}}}\n",
    );
    let (made, rbac) = (dir.path().join("mke4.yaml"), dir.path().join("rbac.yaml"));
    let convert = |more: &[&str]| {
        let mut all = vec!["config", "to-mke4", name(&path), "--out", name(&made)];
        all.extend(more);
        ucp(&all)
    };
    let output = convert(&["--state", name(&state), "--rbac-out", name(&rbac)]);
    assert!(output.status.success(), "{}", err(&output));
    let summary = err(&output);
    for part in [
        "Users: 2",
        "Organizations: 2",
        "Teams: 1",
        "user root: it is an administrator",
        "MCR",
        "client bundles",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    let manifests = std::fs::read_to_string(&rbac).unwrap();
    assert!(
        manifests.contains("name: shop-org") && manifests.contains("name: ops-team"),
        "{manifests}"
    );
    assert!(
        std::fs::read_to_string(&made)
            .unwrap()
            .contains("kind: MkeConfig")
    );

    let hosts = at(
        "hosts.yaml",
        "hosts: [{address: 198.51.100.7, port: 22, user: ubuntu, keyPath: /k}]\n",
    );
    let bad_hosts = at("bad.yaml", "hosts: [{address: 198.51.100.7, port: 0}]\n");
    let password = at("password", "hunter2hunter2\n");
    let ready = [
        "--check",
        "--version",
        "3.7.15",
        "--backup-confirmed",
        "--mke3-admin-username",
        "admin",
        "--mke3-admin-password-file",
        name(&password),
        "--external-address",
        "mke.example.com",
    ];
    let with = |more: &[&str]| {
        std::fs::remove_file(&made).ok();
        let all: Vec<_> = ready.iter().chain(more).copied().collect();
        let output = convert(&all);
        assert_eq!(made.exists(), output.status.success(), "{}", err(&output));
        assert!(!(out(&output) + &err(&output)).contains("hunter2"));
        (output.status.code(), err(&output))
    };
    let (code, said) = with(&["--hosts-path", name(&hosts)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("reminder: the cluster offers GPUs"), "{said}");
    let (code, said) = with(&[
        "--hosts-path",
        name(&bad_hosts),
        "--image-registry",
        "r.example.com/mke/",
        "--chart-registry",
        "r.example.com/mke",
        "--mke3-airgapped",
    ]);
    assert_eq!(code, Some(1));
    for part in [
        "--hosts-path: hosts[0].user: ",
        "--hosts-path: hosts[0].port: ",
        "--image-registry: ",
        "--chart-registry: ",
    ] {
        assert!(said.contains(&format!("obstacle: {part}")), "{part}: {said}");
    }
    // What an earlier try left behind blocks this one, until it is deleted.
    let left = at("mke.kubeconf", "");
    let (code, said) = with(&["--hosts-path", name(&hosts), "--kubeconf", name(&left)]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!("obstacle: `{}` is empty or damaged", name(&left)))
            && said.contains("delete the file"),
        "{said}"
    );
    std::fs::remove_file(&left).unwrap();
    let (code, said) = with(&["--hosts-path", name(&hosts), "--kubeconf", name(&left)]);
    assert_eq!(code, Some(0), "{said}");
    std::fs::write(&path, "[cluster_config]\n  calico_kdd = false\n").unwrap();
    let (code, said) = with(&["--hosts-path", name(&hosts)]);
    assert_eq!(code, Some(1));
    for part in [
        "mke3 cluster is using etcdv3 and not kdd backend for calico",
        "about 20 seconds on each node, 20 seconds on 1",
        "no way back",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
