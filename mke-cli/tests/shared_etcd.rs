//! Several controllers, each a process of its own, on one etcd with certificates.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mke_test_support::etcd::{CLIENT, Etcd};
use mke_test_support::{Ldif, READER_PASSWORD, Slapd};
use serde_json::{Value, json};
use support::{PASSWORD, Server, UCP, eventually};
use tokio::sync::Mutex;

/// The flags that lead to a cluster of etcd.
fn store_flags(etcd: &Etcd) -> Vec<String> {
    let file = |name: &str| etcd.certificates().directory().join(name).display().to_string();
    let mut flags: Vec<_> = etcd
        .endpoints()
        .iter()
        .map(|url| format!("--store-endpoints={url}"))
        .collect();
    flags.push(format!("--store-ca={}", file("ca.pem")));
    flags.push(format!("--store-cert={}", file(&format!("{CLIENT}.pem"))));
    flags.push(format!("--store-key={}", file(&format!("{CLIENT}.key"))));
    flags
}

async fn controller(etcd: &Etcd, first: Option<&Server>) -> Server {
    let mut flags = store_flags(etcd);
    if let Some(first) = first {
        flags.push(format!(
            "--sealing-key={}",
            first.data().join("sealing.key").display()
        ));
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Server::start(&flags).await
}

/// Sends a request with a token; status and body.
async fn call(
    server: &Server,
    token: &str,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let mut request = server
        .http()
        .request(method, format!("{}{path}", server.url))
        .bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

async fn get(server: &Server, token: &str, path: &str) -> (u16, Value) {
    call(server, token, reqwest::Method::GET, path, None).await
}

async fn post(server: &Server, token: &str, path: &str, body: Value) -> (u16, Value) {
    call(server, token, reqwest::Method::POST, path, Some(body)).await
}

/// ARCH-013: what one controller writes the other shows, a session of one is a session of both until it ends, and each keeps
/// nothing of its own: no store in its data directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_controllers_are_one() {
    let etcd = Etcd::start_tls(1);
    let one = controller(&etcd, None).await;
    let two = controller(&etcd, Some(&one)).await;
    for server in [&one, &two] {
        assert!(!server.data().join("store.db").exists());
    }
    let token = one.login().await;
    eventually("the session at the other", async || {
        (get(&two, &token, "/accounts/").await.0 == 200).then_some(())
    })
    .await;
    let jane = json!({ "name": "jane", "password": "a password of jane", "isActive": true });
    assert_eq!(post(&two, &token, "/accounts/", jane).await.0, 201);
    eventually("the account at the first", async || {
        (get(&one, &token, "/accounts/jane").await.0 == 200).then_some(())
    })
    .await;
    // The same name again, at the same moment, at both: one of them wins.
    let org = || json!({ "name": "org", "isOrg": true });
    let (a, b) = tokio::join!(
        post(&one, &token, "/accounts/", org()),
        post(&two, &token, "/accounts/", org())
    );
    let statuses = BTreeSet::from([a.0, b.0]);
    assert!(statuses.contains(&201) && statuses.len() == 2, "{a:?} {b:?}");
    // The authority that signs bundles is one: what the first gave out opens the second.
    let with_bundle = two.client_with(&one.dir.path().join("bundle"));
    assert_eq!(
        with_bundle
            .get(format!("{}/id/", two.url))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let ended = one
        .http()
        .post(format!("{}/id/logout", one.url))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert!(ended.status().is_success(), "{}", ended.status());
    eventually("the end of the session at the other", async || {
        (get(&two, &token, "/accounts/").await.0 == 401).then_some(())
    })
    .await;
}

/// LDAP-013: jobs that are asked for at both controllers run one after the other, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_run_one_at_a_time() {
    let etcd = Etcd::start_tls(1);
    let mut people = Ldif::domain("dc=example,dc=com");
    for number in 0..20 {
        people.person(&format!("user{number}"), "secret");
    }
    let directory = Slapd::start(&people);
    let one = controller(&etcd, None).await;
    let two = controller(&etcd, Some(&one)).await;
    let token = one.login().await;
    let settings = json!({
        "serverURL": directory.url(),
        "noSimplePagination": false,
        "startTLS": false,
        "rootCerts": "",
        "tlsSkipVerify": false,
        "readerDN": directory.reader(),
        "readerPassword": READER_PASSWORD,
        "jitUserProvisioning": false,
        "syncSchedule": "@hourly",
        "recoveryAdminUsername": "admin",
        "additionalDomains": [],
        "userSearchConfigs": [{
            "baseDN": "ou=people,dc=example,dc=com",
            "scopeSubtree": true,
            "usernameAttr": "uid",
            "fullNameAttr": "cn",
            "filter": "(objectClass=person)",
            "matchGroup": false,
        }],
    });
    let path = "/api/ucp/config/auth/ldap";
    let (status, why) = call(&one, &token, reqwest::Method::PUT, path, Some(settings)).await;
    assert!(status < 300, "{status} {why}");
    eventually("the session at the other", async || {
        (get(&two, &token, "/enzi/v0/jobs").await.0 == 200).then_some(())
    })
    .await;
    // Who asks while a job waits gets that one.
    let mut ids = BTreeSet::new();
    for round in 0.. {
        if ids.len() == 5 {
            break;
        }
        let server = if round % 2 == 0 { &one } else { &two };
        let asked = json!({ "action": "ldap-sync", "dryRun": true });
        let (status, job) = post(server, &token, "/enzi/v0/jobs", asked).await;
        assert!(status < 300, "{status} {job}");
        ids.insert(job["id"].as_str().unwrap().to_owned());
    }
    let mut times = Vec::new();
    for id in ids {
        let job = eventually("the end of a job", async || {
            let (_, job) = get(&one, &token, &format!("/enzi/v0/jobs/{id}")).await;
            job["endedAt"].is_string().then_some(job)
        })
        .await;
        assert_eq!(job["status"], "done", "{job}");
        let time = |name: &str| job[name].as_str().unwrap().to_owned();
        times.push((time("begunAt"), time("endedAt")));
    }
    times.sort();
    for (before, after) in times.iter().zip(times.iter().skip(1)) {
        assert!(before.1 <= after.0, "two jobs ran at once: {times:?}");
    }
}

/// ARCH-013, HA-002: one controller is killed, then the member of etcd that leads. The other controller goes on, nothing that was
/// acknowledged is lost, nothing is there twice, and the killed one finds it all when it comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_each_is_killed() {
    let mut etcd = Etcd::start_tls(3);
    let mut one = controller(&etcd, None).await;
    let two = Arc::new(controller(&etcd, Some(&one)).await);
    let token = one.login().await;
    eventually("the session at the other", async || {
        (get(&two, &token, "/accounts/").await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(
        post(
            &two,
            &token,
            "/accounts/",
            json!({ "name": "writers", "isOrg": true })
        )
        .await
        .0,
        201
    );
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (two, token, stop) = (two.clone(), token.clone(), stop.clone());
            let (count, acknowledged) = (count.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let name = format!("team-{writer}-{number}");
                    let body = json!({ "name": name });
                    match post(&two, &token, "/accounts/writers/teams", body).await {
                        (201, _) => {
                            acknowledged.lock().await.insert(name);
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                        // It says nothing about its write, so the name is not used again.
                        (status, why) => assert_eq!(status, 503, "{why}"),
                    }
                }
            })
        })
        .collect();
    let progress = async |more: usize| {
        let goal = count.load(Ordering::SeqCst) + more;
        eventually("progress", async || {
            (count.load(Ordering::SeqCst) >= goal).then_some(())
        })
        .await;
    };
    progress(20).await;
    one.kill();
    progress(20).await;
    let leader = etcd.leader();
    etcd.kill(leader);
    progress(20).await;
    etcd.revive(leader);
    progress(20).await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let flags = store_flags(&etcd);
    one.start_again_with(&flags.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let acknowledged = acknowledged.lock().await;
    for server in [&one, &*two] {
        let mut found = Vec::new();
        let mut start = String::new();
        loop {
            let path = format!("/accounts/writers/teams?limit=500&start={start}");
            let (_, page) = get(server, &token, &path).await;
            let teams = page["teams"].as_array().unwrap();
            found.extend(teams.iter().map(|team| team["name"].as_str().unwrap().to_owned()));
            match page["nextPageStart"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut start),
                _ => break,
            }
        }
        let unique: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!(unique.len(), found.len(), "a team is there twice");
        let lost: Vec<_> = acknowledged.difference(&unique).collect();
        assert!(
            lost.is_empty(),
            "of {} acknowledged writes are lost: {lost:?}",
            acknowledged.len()
        );
    }
}

/// A start that cannot be right is refused with what is wrong: no certificates, files that are missing, a sealing key that is
/// missing or of another cluster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_shared() {
    let etcd = Etcd::start_tls(1);
    let one = controller(&etcd, None).await;
    let flags = store_flags(&etcd);
    let strange = one.dir.path().join("strange.key");
    let key = std::fs::read(one.data().join("sealing.key")).unwrap();
    std::fs::write(&strange, key.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()).unwrap();
    let strange = format!("--sealing-key={}", strange.display());
    let with = |more: &str| {
        let mut flags = flags.clone();
        flags.push(more.to_owned());
        flags
    };
    let no_key: Vec<_> = flags
        .iter()
        .filter(|flag| !flag.starts_with("--store-key"))
        .cloned()
        .collect();
    let no_file: Vec<_> = flags
        .iter()
        .map(|flag| flag.replace("client.pem", "nobody.pem"))
        .collect();
    for (flags, code, named) in [
        (flags[..1].to_vec(), 3, "authority"),
        (no_key, 2, "--store-key"),
        (no_file, 3, "nobody.pem"),
        (flags.clone(), 3, "sealing"),
        (
            with("--sealing-key=/nonexistent/sealing.key"),
            3,
            "/nonexistent/sealing.key",
        ),
        (with(&strange), 3, "does not open"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let output = Command::new(UCP)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--engine",
                "unix:///nonexistent/docker.sock",
                "--data-dir",
            ])
            .arg(dir.path().join("data"))
            .args(&flags)
            .env("UCP_ADMIN_PASSWORD", PASSWORD)
            .env_remove("DOCKER_HOST")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{named}: {log}");
        assert!(log.contains(named), "{named}: {log}");
    }
}
