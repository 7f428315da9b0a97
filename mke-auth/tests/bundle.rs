//! Client bundles, as the clients see them.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

mod support;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_auth::bundle::{self, BundleError, IssuedBundle, MAX_AROUND_CONTEXT, Place};
use mke_core::names::AccountName;
use mke_core::pki::{Authority, AuthorityKind, parse_certificates};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use support::rng;
use zip::{CompressionMethod, ZipArchive};

/// User names that are valid and that some shell would like to act upon.
const HOSTILE: &[&str] = &[
    "a$(pwned)",
    "a`pwned`",
    "a&pwned&",
    "a)&pwned&(",
    "${home}",
    "$home",
    "!!",
    "%path%",
    "a)b(c",
    "#x",
    "~",
    "-x",
    "{a}",
    "jürgen",
    "日本",
    "\u{2019}x\u{2018}",
    "a&calc",
    "a^b",
];

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn place() -> Place {
    Place::new("ucp.example.com", 443, 6443, "kcgzv7ogwjgr", false).unwrap()
}

fn authority() -> Authority {
    Authority::create(AuthorityKind::Client, "kcgzv7ogwjgr", now(), &mut rng()).unwrap()
}

fn issue(user: &str) -> IssuedBundle {
    let authority = authority();
    let ca = authority.certificate_pem();
    let user: AccountName = user.parse().unwrap();
    bundle::issue(&authority, &ca, &place(), &user, now(), &mut rng()).unwrap()
}

fn unpack(zip: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut file = archive.by_index(i).unwrap();
            let name = file.name().unwrap().into_owned();
            assert_eq!(file.compression(), CompressionMethod::Stored, "{name}");
            let private = ["key.pem", "kube.yml", ".zip"]
                .iter()
                .any(|end| name.ends_with(end));
            let mode = file.unix_mode().unwrap() & 0o777;
            assert_eq!(mode, if private { 0o600 } else { 0o644 }, "{name}");
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (name, content)
        })
        .collect()
}

fn write(files: &BTreeMap<String, Vec<u8>>, directory: &Path) {
    for (name, content) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// CLB-003: every entry is there, with what belongs in it.
#[test]
fn contents() {
    let bundle = issue("jane");
    let key = bundle.public_key().clone();
    let zip = bundle.into_zip();
    let files = unpack(&zip);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "ca.pem",
            "cert.pem",
            "cert.pub",
            "env.cmd",
            "env.ps1",
            "env.sh",
            "key.pem",
            "kube.yml",
            "meta.json",
            "tls/docker/ca.pem",
            "tls/docker/cert.pem",
            "tls/docker/key.pem",
            "tls/kubernetes/ca.pem",
            "tls/kubernetes/cert.pem",
            "tls/kubernetes/key.pem",
            "ucp-docker-bundle.zip",
        ]
    );
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert_eq!(text("cert.pub"), key.pem());
    let certificate = &parse_certificates(&text("cert.pem")).unwrap()[0];
    let certified = mke_core::pki::PublicKey::of_certificate(certificate).unwrap();
    assert_eq!(certified, key);
    let pair = mke_core::pki::KeyPair::from_pem(&Secret::new(text("key.pem"))).unwrap();
    assert_eq!(pair.public_key(), &key);
    for part in ["docker", "kubernetes"] {
        for file in ["ca.pem", "cert.pem", "key.pem"] {
            assert_eq!(files[&format!("tls/{part}/{file}")], files[file]);
        }
    }

    let inner = unpack(&files["ucp-docker-bundle.zip"]);
    assert_eq!(inner.len(), 7);
    for (name, content) in &inner {
        assert!(name == "meta.json" || name.starts_with("tls/"));
        assert_eq!(content, &files[name]);
    }
    let meta: serde_json::Value = serde_json::from_slice(&files["meta.json"]).unwrap();
    assert_eq!(meta["Endpoints"]["docker"]["Host"], "tcp://ucp.example.com:443");
    assert_eq!(
        meta["Endpoints"]["kubernetes"]["Host"],
        "https://ucp.example.com:6443"
    );
    assert_eq!(meta["Metadata"]["StackOrchestrator"], "swarm");
    let other: serde_json::Value =
        serde_json::from_slice(&unpack(&issue("jane").into_zip())["meta.json"]).unwrap();
    assert_ne!(
        meta["Name"], other["Name"],
        "one client takes it for the bundle's identity"
    );
    assert!(zip.len() - files["ucp-docker-bundle.zip"].len() <= MAX_AROUND_CONTEXT);
}

/// A list of authorities so long that a client could not open the bundle is said to be, not shipped.
#[test]
fn too_long_a_list_of_authorities() {
    let authority = authority();
    let user: AccountName = "jane".parse().unwrap();
    let ca = authority.certificate_pem();
    let issue =
        |copies: usize| bundle::issue(&authority, &ca.repeat(copies), &place(), &user, now(), &mut rng());
    assert!(issue(10).is_ok());
    assert!(matches!(issue(100), Err(BundleError::TooLarge { .. })));
}

/// CLB-005: cluster, user and context of `kube.yml` share a name that starts with `ucp_`, for any user; no other
/// keys appear.
#[test]
fn kubeconfig() {
    for user in HOSTILE.iter().chain(&["jane"]) {
        let files = unpack(&issue(user).into_zip());
        let text = String::from_utf8(files["kube.yml"].clone()).unwrap();
        let name = format!("ucp_ucp.example.com:6443_{user}");
        let quoted = serde_json::to_string(&name).unwrap();
        let data = |file: &str| STANDARD.encode(&files[file]);
        let expected = format!(
            "apiVersion: v1\nkind: Config\npreferences: {{}}\nclusters:\n- name: {quoted}\n  cluster:\n    \
             certificate-authority-data: {}\n    server: \"https://ucp.example.com:6443\"\ncontexts:\n- name: \
             {quoted}\n  context:\n    cluster: {quoted}\n    user: {quoted}\ncurrent-context: {quoted}\nusers:\n\
             - name: {quoted}\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
            data("ca.pem"),
            data("cert.pem"),
            data("key.pem"),
        );
        assert_eq!(text, expected, "{user}");
    }
}

/// Stand-ins for commands: kubectl writes its arguments down, one a line; `pwned` leaves a file behind.
fn fake_commands(directory: &Path) -> String {
    let bin = directory.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = "#!/bin/sh\nprintf '%s\\n' \"KUBECONFIG=[$KUBECONFIG]\" \"$@\" >>kubectl.log\necho noise\n";
    for (name, script) in [("kubectl", script), ("pwned", "#!/bin/sh\n>pwned.log\n")] {
        std::fs::write(bin.join(name), script).unwrap();
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:/usr/bin:/bin", bin.display())
}

/// CLB-004, pki-06: sourced or evaluated, by `sh` and by `bash`, `env.sh` sets exactly what it should and runs
/// nothing that a user name says.
#[test]
fn sec_pki_06_env_sh_for_any_user() {
    for user in HOSTILE.iter().chain(&["jane"]) {
        let files = unpack(&issue(user).into_zip());
        for shell in ["sh", "bash"] {
            for how in [". ./env.sh", "eval \"$(cat env.sh)\""] {
                let directory = tempfile::tempdir().unwrap();
                let here = directory.path().canonicalize().unwrap();
                write(&files, &here);
                let path = fake_commands(&here);
                let show = "printf '%s\\n' \"$DOCKER_TLS_VERIFY\" \"$COMPOSE_TLS_VERSION\" \
                            \"$DOCKER_CERT_PATH\" \"$DOCKER_HOST\" \"$KUBECONFIG\"";
                let output = Command::new(shell)
                    .args(["-eu", "-c", &format!("{how}; {show}")])
                    .current_dir(&here)
                    .env_clear()
                    .env("PATH", path)
                    .env("KUBECONFIG", "before")
                    .output()
                    .unwrap();
                let case = format!("{user} {shell} {how}");
                assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{case}");
                assert!(output.status.success(), "{case}");
                let here_text = here.display().to_string();
                assert_eq!(
                    String::from_utf8(output.stdout).unwrap(),
                    format!("1\nTLSv1_2\n{here_text}\ntcp://ucp.example.com:443\n{here_text}/kube.yml\n"),
                    "{case}"
                );
                let log = std::fs::read_to_string(here.join("kubectl.log")).unwrap();
                let name = format!("ucp_ucp.example.com:6443_{user}");
                let expected = format!(
                    "KUBECONFIG=[]\nconfig\nset-cluster\n{name}\n--server\nhttps://ucp.example.com:6443\n\
                     --certificate-authority\n{here_text}/ca.pem\n--embed-certs\n\
                     KUBECONFIG=[]\nconfig\nset-credentials\n{name}\n--client-key\n{here_text}/key.pem\n\
                     --client-certificate\n{here_text}/cert.pem\n--embed-certs\n\
                     KUBECONFIG=[]\nconfig\nset-context\n{name}\n--user\n{name}\n--cluster\n{name}\n"
                );
                assert_eq!(log, expected, "{case}");
                let mut left: Vec<_> = std::fs::read_dir(&here)
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .filter(|name| !files.contains_key(name))
                    .collect();
                left.sort();
                assert_eq!(
                    left,
                    ["bin", "kubectl.log", "tls"],
                    "{case}: nothing else was made"
                );
            }
        }
    }
}

/// pki-05: entry names and the suggested file name are safe whatever the user is called, no two bundles share a
/// key, and neither `Debug` nor an error shows one.
#[test]
fn sec_pki_05_keys_and_names() {
    let names = |user| unpack(&issue(user).into_zip()).into_keys().collect::<Vec<_>>();
    let plain = names("jane");
    for user in HOSTILE {
        assert_eq!(names(user), plain, "{user}");
        let file = bundle::file_name(&user.parse().unwrap());
        assert!(
            file.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
            "{file}"
        );
    }
    for traversal in ["../../x", "a;rm", ".."] {
        assert!(traversal.parse::<AccountName>().is_err());
    }
    let (one, two) = (issue("jane"), issue("jane"));
    assert_ne!(one.public_key(), two.public_key());
    assert!(!format!("{one:?}").contains("PRIVATE"));
}

/// CLB-008, CLB-004: the docker command imports the archive inside, and kubectl reads `kube.yml` and takes what
/// `env.sh` registers.
#[test]
fn real_clients_accept_it() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    write(&unpack(&issue("jane").into_zip()), here);
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(here)
            .env("HOME", here)
            .env("DOCKER_CONFIG", here.join(".docker"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run("docker", &["context", "import", "mine", "ucp-docker-bundle.zip"]);
    let format = "{{.Endpoints.docker.Host}}";
    let host = run("docker", &["context", "inspect", "mine", "--format", format]);
    assert_eq!(host.trim(), "tcp://ucp.example.com:443");
    let current = ["config", "current-context"];
    let name = "ucp_ucp.example.com:6443_jane";
    let script = ["-c", ". ./env.sh; kubectl config current-context"];
    assert_eq!(run("sh", &script).trim(), name);
    assert_eq!(
        run("kubectl", &["--kubeconfig", "kube.yml", current[0], current[1]]).trim(),
        name
    );
    let registered = run("kubectl", &["config", "get-contexts", "-o", "name"]);
    assert_eq!(registered.trim(), name);
}
