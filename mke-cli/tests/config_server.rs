//! `ucp config` against a real control plane: compare, apply, edit, look back, go back.

#![cfg(test)]

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use support::{Server, UCP};

/// Somebody with a token, a control plane and a directory for files.
struct Desk {
    server: Server,
    token: String,
}

impl Desk {
    async fn new() -> Self {
        let server = Server::start(&[]).await;
        let token = server.login().await;
        Self { server, token }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(UCP);
        command
            .args(args)
            .env("MKE_URL", &self.server.url)
            .env("MKE_TOKEN", &self.token)
            .env("MKE_CA_FILE", self.server.data().join("ca.pem"))
            .env_remove("MKE_OUTPUT");
        command
    }

    fn ucp(&self, args: &[&str]) -> Output {
        let mut all = vec!["config"];
        all.extend(args);
        self.command(&all).output().unwrap()
    }

    /// Runs a command that ends with this code; gives what it printed and what it said on the side.
    fn ends(&self, code: i32, args: &[&str]) -> (String, String) {
        let output = self.ucp(args);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "ucp config {args:?}: {out}{err}"
        );
        (out, err)
    }

    fn json(&self, args: &[&str]) -> Value {
        let mut all = vec!["--output", "json"];
        all.extend(args);
        let (out, _) = self.ends(0, &all);
        serde_json::from_str(&out).unwrap()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.server.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The file in force.
    async fn export(&self) -> String {
        let answer = self
            .server
            .http()
            .get(format!("{}/api/ucp/config-toml", self.server.url));
        let answer = answer.bearer_auth(&self.token).send().await.unwrap();
        answer.text().await.unwrap()
    }
}

/// CFG-003: a file is tried, applied with a reason and found in the history; the way back is a version of its own.
#[tokio::test]
async fn apply_look_back_and_go_back() {
    let desk = Desk::new().await;
    let before = desk.export().await;
    let text = before.replace("per_user_limit = 10", "per_user_limit = 3 # the audit of May");
    assert_ne!(text, before);
    let file = desk.file("new.toml", &text);
    let file = file.to_str().unwrap();
    let change = "auth.sessions.per_user_limit: 10 -> 3 (live)";

    let (out, err) = desk.ends(0, &["apply", file, "--dry-run"]);
    assert!(
        out.starts_with(change) && err.contains("nothing was changed"),
        "{out}{err}"
    );
    assert_eq!(desk.export().await, before);
    let (out, _) = desk.ends(1, &["diff", "--server", file, "--exit-code"]);
    assert!(out.starts_with(change), "{out}");
    desk.ends(0, &["validate", file, "--server"]);

    let (out, err) = desk.ends(0, &["apply", file, "--why", "the audit of May"]);
    assert!(
        out.starts_with(change) && err.contains("is in force"),
        "{out}{err}"
    );
    assert!(
        desk.export()
            .await
            .contains("per_user_limit = 3 # the audit of May")
    );
    // The same once more is a success that makes no version.
    let (out, err) = desk.ends(0, &["apply", file]);
    assert!(out.is_empty() && err.contains("nothing to change"), "{out}{err}");

    let history = desk.json(&["history"]);
    assert_eq!(
        (&history[0]["why"], &history[0]["by"], &history[0]["differences"]),
        (&"the audit of May".into(), &"admin".into(), &1.into())
    );
    let (first, second) = (
        history[1]["version"].to_string(),
        history[0]["version"].to_string(),
    );
    let (out, _) = desk.ends(0, &["history"]);
    assert!(
        out.contains(&format!("{second}*")) && out.contains("the audit of May"),
        "{out}"
    );
    let (out, _) = desk.ends(0, &["history", &second]);
    assert!(out.starts_with(change), "{out}");
    let (out, _) = desk.ends(0, &["history", &first, "--against", "current"]);
    assert!(out.starts_with(change), "{out}");
    let (out, _) = desk.ends(0, &["history", &second, "--file"]);
    assert!(out.contains("per_user_limit = 3 # the audit of May"), "{out}");
    desk.ends(3, &["history", "4711"]);

    let (out, _) = desk.ends(0, &["rollback", &first, "--dry-run"]);
    assert!(out.starts_with("auth.sessions.per_user_limit: 3 -> 10"), "{out}");
    assert!(desk.export().await.contains("per_user_limit = 3"));
    desk.ends(0, &["rollback", &first, "--why", "too few"]);
    assert_eq!(desk.export().await, before);
    assert!(
        desk.json(&["history", "--limit", "1"])[0]["why"]
            .as_str()
            .unwrap()
            .contains("too few")
    );
    desk.ends(3, &["rollback", "4711"]);

    let (out, err) = desk.ends(0, &["diff", "--server", "--exit-code"]);
    assert!(
        out.is_empty() && err.contains("is stored"),
        "what is stored runs: {out}{err}"
    );
}

/// CFG-002: mistakes that the control plane finds look like those that are found here, and nothing is changed then.
#[tokio::test]
async fn mistakes_and_what_is_fixed() {
    let desk = Desk::new().await;
    let before = desk.export().await;
    let wrong = before
        .replace("per_user_limit = 10", "per_user_limit = \"ten\"")
        .replace("swarm_port = 2376", "swarm_prot = 2376");
    let file = desk.file("wrong.toml", &wrong);
    let file = file.to_str().unwrap();
    let line = |word: &str| 1 + wrong.lines().position(|line| line.contains(word)).unwrap();
    for args in [
        &["apply", file][..],
        &["apply", file, "--dry-run"],
        &["validate", file, "--server"],
        &["validate", file],
        &["diff", "--server", file],
    ] {
        let (out, _) = desk.ends(2, args);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 2, "{args:?}: {out}");
        assert!(lines[0].starts_with(&format!("{file}:{}:", line("ten"))), "{out}");
        assert!(
            lines[1].contains("did you mean `cluster_config.swarm_port`"),
            "{out}"
        );
    }
    let output = desk.ucp(&["--output", "json", "apply", file]);
    let problems: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(problems[1]["nearest"], "cluster_config.swarm_port");

    let fixed = before.replace("swarm_only = false", "swarm_only = true");
    assert_ne!(fixed, before);
    let file = desk.file("fixed.toml", &fixed);
    let file = file.to_str().unwrap();
    let (_, err) = desk.ends(2, &["apply", file]);
    assert!(
        err.contains("cluster_config.swarm_only: false -> true (install only)"),
        "{err}"
    );
    let (out, _) = desk.ends(1, &["apply", file, "--dry-run"]);
    assert!(
        out.contains("refused, cannot be changed any more: cluster_config.swarm_only"),
        "{out}"
    );
    assert_eq!(desk.export().await, before);
}

/// CFG-003, config-08: one key is set on the control plane, also in somebody's commented file; who is overtaken is told by
/// what, and nothing is undone.
#[tokio::test]
async fn sec_config_08_edits_of_one_key() {
    let desk = Desk::new().await;
    let (out, _) = desk.ends(0, &["get", "auth.sessions.lifetime_minutes", "--server"]);
    assert_eq!(out, "60\n");
    let set = [
        "set",
        "auth.sessions.lifetime_minutes",
        "90",
        "--server",
        "--why",
        "long shifts",
    ];
    let (out, _) = desk.ends(0, &[&set[..], &["--dry-run"]].concat());
    assert!(
        out.starts_with("auth.sessions.lifetime_minutes: 60 -> 90 (live)"),
        "{out}"
    );
    assert!(desk.export().await.contains("lifetime_minutes = 60"));
    desk.ends(0, &set);
    let (out, _) = desk.ends(0, &["get", "auth.sessions.lifetime_minutes", "--server"]);
    assert_eq!(out, "90\n");
    assert_eq!(desk.json(&["history", "--limit", "1"])[0]["why"], "long shifts");
    desk.ends(0, &["unset", "auth.sessions.lifetime_minutes", "--server"]);
    let (out, _) = desk.ends(0, &["get", "auth.sessions.lifetime_minutes", "--server"]);
    assert_eq!(out, "60\n");

    for (args, code, said) in [
        (
            &["set", "auth.sessions.lifetime_minutes", "1", "--server"][..],
            2,
            "from 10",
        ),
        (
            &["set", "auth.sessions.lifetime", "90", "--server"],
            2,
            "is no key",
        ),
        (
            &["set", "auth.ldap.server_url", "ldap://h", "--server"],
            2,
            "leaves `[auth.ldap]` out",
        ),
        (&["set", "auth.sessions.lifetime_minutes", "90"], 2, "--server"),
        (&["get", "auth.backend"], 2, "--server"),
        (&["diff", "--server", "a", "b"], 2, "two files"),
    ] {
        let (out, err) = desk.ends(code, args);
        assert!((out + &err).contains(said), "{args:?}");
    }

    // A file that was made from an older version.
    let version = desk.json(&["history"])[1]["version"].to_string();
    let text = desk
        .export()
        .await
        .replace("per_user_limit = 10", "per_user_limit = 3");
    let file = desk.file("late.toml", &text);
    let (_, err) = desk.ends(3, &["apply", file.to_str().unwrap(), "--if-version", &version]);
    assert!(
        err.contains("auth.sessions.per_user_limit: 10 -> 3 (live)"),
        "{err}"
    );
    assert!(err.contains("read it again"), "{err}");
    assert!(desk.export().await.contains("per_user_limit = 10"));
}

/// Who is nobody, or no administrator, is told so, and learns nothing of the configuration.
#[tokio::test]
async fn others_are_refused() {
    let mut desk = Desk::new().await;
    let created = desk
        .command(&["account", "create", "jane", "--password-stdin"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .and_then(|mut child| {
            use std::io::Write as _;
            child.stdin.take().unwrap().write_all(b"a good long password")?;
            child.wait()
        });
    assert!(created.unwrap().success());
    let login = desk.server.http().post(format!("{}/auth/login", desk.server.url));
    let login = login.json(&serde_json::json!({ "username": "jane", "password": "a good long password" }));
    let token: Value = login.send().await.unwrap().json().await.unwrap();
    let file = desk.file("file.toml", "[auth]\n");
    let file = file.to_str().unwrap();
    for token in [token["auth_token"].as_str().unwrap(), "nonsense"] {
        token.clone_into(&mut desk.token);
        for args in [
            &["apply", file][..],
            &["history"],
            &["history", "1"],
            &["rollback", "1"],
            &["diff", "--server"],
            &["diff", "--server", file],
            &["get", "auth.backend", "--server"],
            &["set", "auth.sessions.per_user_limit", "3", "--server"],
            &["validate", file, "--server"],
        ] {
            let (out, err) = desk.ends(1, args);
            assert!(out.is_empty() && !err.is_empty(), "{args:?}: {out}{err}");
        }
    }
}
