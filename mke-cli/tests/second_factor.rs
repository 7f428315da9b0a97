//! `ucp auth second-factor`, `ucp auth unlock` and `ucp passwd` with the real program, and codes from `oathtool`.

#![cfg(test)]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::input::with_input;
use support::{PASSWORD, Server, UCP, eventually};

/// Calls `ucp` with something on standard input.
fn ucp(server: &Server, token: &str, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(UCP);
    command
        .args(args)
        .env("MKE_URL", &server.url)
        .env("MKE_TOKEN", token)
        .env("MKE_CA_FILE", server.data().join("ca.pem"))
        .env("XDG_CONFIG_HOME", server.dir.path())
        .env("HOME", server.dir.path());
    with_input(&mut command, input)
}

fn done(server: &Server, token: &str, args: &[&str], input: &str) -> String {
    let output = ucp(server, token, args, input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ucp {args:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// `ucp passwd` on a data directory.
fn passwd(data: &Path, name: &str, flags: &[&str], password: &str) -> (bool, String) {
    let mut command = Command::new(UCP);
    command
        .args(["passwd", name, "--password-stdin", "--data-dir"])
        .arg(data)
        .args(flags);
    let output = with_input(&mut command, password);
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

/// The code of the time step that begins in `ahead` seconds from the one of now.
fn oathtool(seed: &str, ahead: u32) -> String {
    let output = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", &format!("{ahead} seconds"), seed])
        .output()
        .expect("oathtool is missing (Debian package: oathtool)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn login(server: &Server, name: &str, password: &str, code: &str) -> u16 {
    let body = json!({ "username": name, "password": password, "code": code });
    let request = server
        .http()
        .post(format!("{}/auth/login", server.url))
        .json(&body);
    request.send().await.unwrap().status().as_u16()
}

/// Switches the second factor of the first administrator on; returns seed and recovery codes.
fn switch_on(server: &Server, token: &str) -> (String, Vec<String>) {
    let base = ["auth", "second-factor"];
    let shown = done(
        server,
        token,
        &[&base[..], &["enrol", "admin", "--password-stdin"]].concat(),
        PASSWORD,
    );
    assert!(
        shown.contains('█') && shown.contains("otpauth://totp/"),
        "{shown}"
    );
    let seed = shown
        .lines()
        .find_map(|line| line.strip_prefix("secret: "))
        .unwrap()
        .to_owned();
    let code = oathtool(&seed, 0);
    let codes = done(
        server,
        token,
        &[&base[..], &["confirm", "admin", "--code", &code]].concat(),
        "",
    );
    (seed, codes.lines().map(str::to_owned).collect())
}

/// TFA-001 to TFA-004 as a person does them: enrol with the QR code in the terminal, confirm, log in, renew, switch off.
#[tokio::test]
async fn the_commands() {
    let server = Server::start(&[]).await;
    let token = server.login().await;
    let base = ["auth", "second-factor"];
    let call = |args: &[&str], input: &str| done(&server, &token, &[&base[..], args].concat(), input);
    assert_eq!(call(&["show", "admin"], "").trim(), "off");
    let (seed, codes) = switch_on(&server, &token);
    assert_eq!(codes.len(), 10);
    assert!(call(&["show", "admin"], "").contains("10 recovery codes left"));

    let ca = server.data().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let url = server.url.as_str();
    let log_in = [
        "login",
        "--url",
        url,
        "--ca-file",
        ca,
        "-u",
        "admin",
        "--password-stdin",
    ];
    let refused = ucp(&server, "", &log_in, PASSWORD);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("a code of the second factor is needed"), "{error}");
    // The clock of this machine goes on by itself: a code of the next step is right now too.
    let next = oathtool(&seed, 30);
    done(&server, "", &[&log_in[..], &["--code", &next]].concat(), PASSWORD);
    done(
        &server,
        "",
        &[&log_in[..], &["--code", &codes[0]]].concat(),
        PASSWORD,
    );
    let again = ucp(
        &server,
        "",
        &[&log_in[..], &["--code", &codes[0]]].concat(),
        PASSWORD,
    );
    assert_eq!(again.status.code(), Some(1));

    let fresh = call(
        &["recovery-codes", "admin", "--code", &codes[1], "--password-stdin"],
        PASSWORD,
    );
    let fresh: Vec<&str> = fresh.lines().collect();
    call(
        &["disable", "admin", "--code", fresh[0], "--password-stdin"],
        PASSWORD,
    );
    assert_eq!(call(&["show", "admin"], "").trim(), "off");
    assert_eq!(login(&server, "admin", PASSWORD, "").await, 200);
}

/// AUTH-009: the password of the last administrator is set from the manager's shell, while the control plane runs and
/// while it does not, at the log level INFO and DEBUG; whatever kept the account out is out of the way.
#[tokio::test]
async fn passwords_from_the_shell() {
    let mut server = Server::start(&[]).await;
    let token = server.login().await;
    let data = server.data();
    for (i, level) in ["INFO", "DEBUG"].iter().enumerate() {
        let config = server.http_with_bundle();
        let path = format!("{}/api/ucp/config/logging", server.url);
        let changed = config
            .put(&path)
            .json(&json!({ "logLevel": level }))
            .send()
            .await
            .unwrap();
        assert!(changed.status().is_success(), "{}", changed.text().await.unwrap());
        let password = format!("running password {i}");
        let (worked, said) = passwd(&data, "admin", &[], &password);
        assert!(worked, "{said}");
        assert!(said.contains("by the running control plane"), "{said}");
        assert_eq!(login(&server, "admin", &password, "").await, 200);
        assert_eq!(login(&server, "admin", PASSWORD, "").await, 401);
    }
    let whoami = server
        .http()
        .get(format!("{}/id/", server.url))
        .bearer_auth(&token);
    assert_eq!(
        whoami.send().await.unwrap().status(),
        401,
        "its sessions have ended"
    );
    assert!(
        !server.log().contains("running password"),
        "the log holds a password"
    );

    for (name, password, expected) in [
        ("nobody", "another password", "nobody"),
        ("admin", "short", "at least 8"),
        ("docker-datacenter", "another password", "docker-datacenter"),
    ] {
        let (worked, said) = passwd(&data, name, &[], password);
        assert!(!worked && said.contains(expected), "{said}");
    }
    let (worked, said) = passwd(
        &server.dir.path().join("elsewhere"),
        "admin",
        &[],
        "another password",
    );
    assert!(!worked && said.contains("--data-dir"), "{said}");
    assert_eq!(login(&server, "admin", "running password 1", "").await, 200);

    // Nobody but the owner of the data is let in.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("recovery.sock")), 0o600);
    assert_eq!(mode(&data), 0o700);

    server.stop();
    let (worked, said) = passwd(
        &data,
        "admin",
        &["--admin", "--disable-second-factor"],
        "stopped password",
    );
    assert!(worked && said.contains("which does not run"), "{said}");
    server.start_again().await;
    assert_eq!(login(&server, "admin", "stopped password", "").await, 200);
    // And after the restart it is asked again.
    let (worked, said) = passwd(&data, "admin", &[], "third password");
    assert!(worked && said.contains("by the running control plane"), "{said}");
}

/// AUTH-009: an account that is inactive, no administrator and guarded by a lost second factor comes back with one call.
#[tokio::test]
async fn everything_that_keeps_somebody_out() {
    let server = Server::start(&[]).await;
    let bundle = server.http_with_bundle();
    let token = server.login().await;
    switch_on(&server, &token);
    let (worked, said) = passwd(&server.data(), "admin", &[], "second password");
    assert!(worked && said.contains("still asked for"), "{said}");
    assert_eq!(login(&server, "admin", "second password", "").await, 401);
    let (worked, said) = passwd(
        &server.data(),
        "admin",
        &["--disable-second-factor"],
        "third password",
    );
    assert!(worked && said.contains("switched off"), "{said}");
    assert_eq!(login(&server, "admin", "third password", "").await, 200);

    let accounts = format!("{}/accounts/", server.url);
    let jane = json!({ "name": "jane", "password": PASSWORD, "isActive": false });
    assert_eq!(
        bundle.post(&accounts).json(&jane).send().await.unwrap().status(),
        201
    );
    let (worked, said) = passwd(&server.data(), "jane", &["--admin"], "another password");
    assert!(
        worked && said.contains("active now") && said.contains("administrator now"),
        "{said}"
    );
    let shown: Value = bundle
        .get(format!("{accounts}jane"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&shown["isAdmin"], &shown["isActive"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(login(&server, "jane", "another password", "").await, 200);
}

/// `ucp auth unlock` opens a lock of `auth.account_lock`.
#[tokio::test]
async fn unlocking() {
    let server = Server::start(&[]).await;
    let token = server.login().await;
    let bundle = server.http_with_bundle();
    let path = format!("{}/api/ucp/config-toml", server.url);
    let text = bundle.get(&path).send().await.unwrap().text().await.unwrap();
    let text =
        format!("{text}\n[auth.account_lock]\nenabled = true\nfailureTrigger = 2\ndurationSeconds = 0\n");
    let changed = bundle.put(&path).body(text).send().await.unwrap();
    assert!(changed.status().is_success(), "{}", changed.text().await.unwrap());
    for _ in 0..2 {
        assert_eq!(login(&server, "admin", "wrong password", "").await, 401);
    }
    eventually("the lock", async || {
        (login(&server, "admin", PASSWORD, "").await == 401).then_some(())
    })
    .await;
    // Sessions go on, so its owner can open it with one.
    let said = ucp(&server, &token, &["auth", "unlock", "admin"], "");
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && text.contains("was locked"), "{text}");
    assert_eq!(login(&server, "admin", PASSWORD, "").await, 200);
}
