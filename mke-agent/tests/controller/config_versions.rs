//! Versions of the configuration: two controllers on one store with the commands of the documents, overlaps, the way
//! back, stores that fail half-way, and records of earlier programs.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mke_agent::controller::StartError;
use mke_core::store::{
    KeyRange, LeaseId, Page, Revision, Store, StoreError, StoreFuture, Txn, TxnOutcome, WatchStream, layout,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::support::client::{Answer, Client};
use crate::support::{ADMIN, Controller, PASSWORD};

const FILE: &str = "/api/ucp/config-toml";
const HISTORY: &str = "/api/ucp/config-toml/history";
/// For commands and for what must happen soon.
const PATIENCE: Duration = Duration::from_secs(60);

async fn put(client: &Client, path: &str, body: impl Into<String>) -> Answer {
    client.send(client.request("PUT", path).body(body.into())).await
}

/// Runs a script with curl and sed as the documents have it, and gives what it printed.
async fn shell(controller: &Controller, script: &str) -> String {
    let run = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(controller.dir.path())
        .env("MKE_USERNAME", ADMIN)
        .env("MKE_PASSWORD", PASSWORD)
        .env("MKE_HOST", format!("127.0.0.1:{}", controller.port()))
        .stdin(Stdio::null())
        .output();
    let output = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(
        output.status.success(),
        "is curl there (package curl)? {script}\n{out}\n{err}"
    );
    out
}

const LOGIN: &str = r#"AUTHTOKEN=$(curl --silent --insecure --data '{"username":"'"$MKE_USERNAME"'","password":"'"$MKE_PASSWORD"'"}' https://$MKE_HOST/auth/login | sed 's/.*"auth_token":"\([^"]*\)".*/\1/')
"#;

/// CFG-003, API-003: export, one edit with sed and upload with curl, as the documents have it; a second controller on
/// the same store follows; the history tells it; the rollback takes it back on both.
#[tokio::test]
async fn export_edit_upload_and_roll_back_with_curl() {
    let first = Controller::start().await;
    let second = first.second().await;
    let shows_itself = async |controller: &Controller| {
        let answer = controller.anonymous().get("/_ping").await;
        answer.headers.contains_key("x-server-name")
    };
    let follows = async |shows: bool| {
        let deadline = Instant::now() + PATIENCE;
        while shows_itself(&second).await != shows {
            assert!(Instant::now() < deadline, "the second controller did not follow");
        }
    };
    assert!(shows_itself(&first).await && shows_itself(&second).await);
    let uploaded = shell(
        &first,
        &format!(
            r#"{LOGIN}
            curl --silent --insecure -X GET "https://$MKE_HOST/api/ucp/config-toml" -H "accept: application/toml" -H "Authorization: Bearer $AUTHTOKEN" > mke-config.toml
            sed -i 's/exclude_server_identity_headers = false/exclude_server_identity_headers = true # no names/' mke-config.toml
            curl --silent --insecure -X PUT -H "accept: application/toml" -H "Authorization: Bearer $AUTHTOKEN" --upload-file 'mke-config.toml' https://$MKE_HOST/api/ucp/config-toml"#
        ),
    )
    .await;
    follows(false).await;
    assert!(!shows_itself(&first).await);
    let uploaded: Value = serde_json::from_str(&uploaded).unwrap();
    assert_eq!(uploaded["version"], 2, "{uploaded}");
    assert_eq!(
        uploaded["differences"],
        json!([{ "key": "cluster_config.exclude_server_identity_headers", "before": "false", "after": "true",
                 "effect": "live", "refused": false }])
    );
    // The same again, told in advance that it comes (`Expect`): it succeeds and makes no version.
    let again = shell(
        &second,
        &format!(
            r#"{LOGIN}
            curl --silent --insecure --verbose -X PUT -H "Expect: 100-continue" -H "Authorization: Bearer $AUTHTOKEN" --upload-file 'mke-config.toml' https://$MKE_HOST/api/ucp/config-toml 2> told
            grep -q '^< HTTP/1.1 100 Continue' told
            curl --silent --insecure -H "Authorization: Bearer $AUTHTOKEN" https://$MKE_HOST/api/ucp/config-toml | cmp - mke-config.toml
            grep -q 'exclude_server_identity_headers = true # no names' mke-config.toml"#
        ),
    )
    .await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["changed"], &again["version"]), (&json!(false), &json!(2)));

    let history = shell(
        &second,
        &format!(r#"{LOGIN} curl --silent --insecure -H "Authorization: Bearer $AUTHTOKEN" https://$MKE_HOST{HISTORY}"#),
    )
    .await;
    let history: Value = serde_json::from_str(&history).unwrap();
    let told: Vec<_> = history["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["version"].as_u64().unwrap(), line["by"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(2, "admin"), (1, "installation")]);
    let rolled_back = shell(
        &first,
        &format!(
            r#"{LOGIN} curl --silent --insecure -X POST -H "Authorization: Bearer $AUTHTOKEN" "https://$MKE_HOST{HISTORY}/1/rollback?why=names+are+wanted""#
        ),
    )
    .await;
    follows(true).await;
    let rolled_back: Value = serde_json::from_str(&rolled_back).unwrap();
    assert_eq!(rolled_back["version"], 3, "{rolled_back}");
    let admin = second.admin().await;
    let newest = admin.get(&format!("{HISTORY}?limit=1")).await.ok();
    assert_eq!(newest["versions"].as_array().unwrap().len(), 1);
    assert_eq!(
        newest["versions"][0]["why"],
        "rollback to version 1: names are wanted"
    );
    let drift = admin.get("/api/ucp/config-toml/drift").await.ok();
    assert_eq!((&drift["stored"], &drift["running"]), (&json!(3), &json!(3)));
    assert_eq!(drift["differences"], json!([]));
}

/// config-08: of two uploads that overlap, begun from one version, one wins; the other is told what is different.
#[tokio::test]
async fn sec_config_08_of_two_that_overlap_one_wins() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let file = admin.get(FILE).await.text();
    // The first upload begins and then waits in the middle.
    let mut curl = Command::new("curl")
        .args(["--silent", "--insecure", "--verbose", "--http1.1", "-X", "PUT"])
        .args(["-H", "Expect: 100-continue", "-H"])
        .arg(format!("Authorization: Bearer {}", admin.token.clone().unwrap()))
        .args(["--upload-file", "-"])
        .arg(format!("https://127.0.0.1:{}{FILE}", controller.port()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut told = BufReader::new(curl.stderr.take().unwrap()).lines();
    while !told.next_line().await.unwrap().unwrap().contains("100 Continue") {}
    tokio::spawn(async move { while let Ok(Some(_)) = told.next_line().await {} });
    let winner = file.replace("per_user_limit = 10", "per_user_limit = 5");
    put(&admin, FILE, winner.clone()).await.ok();
    let loser = file.replace("lifetime_minutes = 60", "lifetime_minutes = 90");
    let mut stdin = curl.stdin.take().unwrap();
    stdin.write_all(loser.as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, curl.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        answer["message"].as_str().unwrap().contains("admin changed"),
        "{answer}"
    );
    assert_eq!(answer["detail"]["version"], 2);
    let differences = answer["detail"]["differences"].as_array().unwrap();
    let keys: Vec<_> = differences
        .iter()
        .map(|change| change["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        ["auth.sessions.lifetime_minutes", "auth.sessions.per_user_limit"]
    );
    assert_eq!(admin.get(FILE).await.text(), winner);
    // One that begins afterwards wins as a matter of course.
    put(&admin, FILE, loser).await.ok();
}

/// config-08: whoever names the version that the edit was made on is refused when it is no longer in force; among many
/// at once exactly one wins, and no change that was acknowledged is lost.
#[tokio::test]
async fn sec_config_08_a_version_that_is_gone_is_refused() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let admin = controller.admin().await;
    let shown = admin.get(FILE).await;
    assert_eq!(shown.header("etag"), "\"1\"");
    let file = shown.text();
    let clients = [admin.clone(), second.admin().await];
    let attempts = (20..40).map(|limit| {
        let client = clients[limit % 2].clone();
        let text = file.replace("per_user_limit = 10", &format!("per_user_limit = {limit}"));
        async move {
            let request = client.request("PUT", FILE).header("if-match", "\"1\"").body(text);
            (limit, client.send(request).await)
        }
    });
    let answers = futures_util::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    for (limit, answer) in lost {
        assert_eq!(answer.status, 412, "{}", answer.text());
        let change = &answer.json()["detail"]["differences"][0];
        assert_eq!(change["key"], "auth.sessions.per_user_limit");
        assert_eq!(change["after"], limit.to_string());
    }
    let limit = won[0].0;
    assert!(
        admin
            .get(FILE)
            .await
            .text()
            .contains(&format!("per_user_limit = {limit}"))
    );
    assert_eq!(admin.get(HISTORY).await.ok()["current"], 2);
    for wrong in ["2", "\"x\"", "\"1\", \"2\""] {
        let request = admin
            .request("PUT", FILE)
            .header("if-match", wrong)
            .body(file.clone());
        assert_eq!(admin.send(request).await.status, 400, "{wrong}");
    }
    let request = admin
        .request("PUT", FILE)
        .header("if-match", "*")
        .body(file.clone());
    admin.send(request).await.ok();

    // Without naming one: every change that was acknowledged is a version of its own, and parts never conflict.
    let attempts = (20..40).map(|number| {
        let client = clients[number % 2].clone();
        let text = file.replace("per_user_limit = 10", &format!("per_user_limit = {number}"));
        async move {
            if number % 4 < 2 {
                let body = json!({ "enableAdminUCPScheduling": number % 4 == 0 });
                client.put("/api/ucp/config/scheduling", body).await
            } else {
                put(&client, FILE, text).await
            }
        }
    });
    let answers = futures_util::future::join_all(attempts).await;
    let before = 3;
    let mut made: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.json())
        .filter(|answer| answer["changed"] == true)
        .map(|answer| answer["version"].as_u64().unwrap())
        .collect();
    made.sort_unstable();
    let current = admin.get(HISTORY).await.ok()["current"].as_u64().unwrap();
    assert_eq!(made, (before + 1..=current).collect::<Vec<_>>());
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 409), "{}", answer.text());
    }
}

/// CFG-003: a version is shown with what it changed, compared with another, and brought back; the history ends after a
/// hundred versions.
#[tokio::test]
async fn the_history_is_kept_and_bounded() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let file = admin.get(FILE).await.text();
    let first = format!(
        "# first\n{}",
        file.replace("per_user_limit = 10", "per_user_limit = 11")
    );
    put(&admin, &format!("{FILE}?why=more+sessions"), first.clone())
        .await
        .ok();
    let past = admin.get(&format!("{HISTORY}/2")).await.ok();
    assert_eq!(
        (&past["by"], &past["why"]),
        (&json!("admin"), &json!("more sessions"))
    );
    assert_eq!(past["text"], first);
    assert_eq!(past["differences"][0]["after"], "11");
    let against = admin.get(&format!("{HISTORY}/2?against=1")).await.ok();
    assert_eq!(against["differences"][0]["after"], "10");
    for (path, status) in [
        (format!("{HISTORY}/3"), 404),
        (format!("{HISTORY}/x"), 400),
        (format!("{HISTORY}/2?against=9"), 404),
        (format!("{HISTORY}?limit=0"), 400),
        (format!("{HISTORY}?limit=101"), 400),
    ] {
        assert_eq!(admin.get(&path).await.status, status, "{path}");
    }
    let control = put(&admin, &format!("{FILE}?why=two%0Alines"), file.clone()).await;
    assert_eq!(control.status, 400, "{}", control.text());
    for limit in 12..=110 {
        let text = file.replace("per_user_limit = 10", &format!("per_user_limit = {limit}"));
        put(&admin, FILE, text).await.ok();
    }
    let history = admin.get(HISTORY).await.ok();
    let versions = history["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &history["current"]), (100, &json!(101)));
    assert_eq!(versions[99]["version"], 2);
    assert_eq!(admin.get(&format!("{HISTORY}/1")).await.status, 404);
    let back = |version: u64| format!("{HISTORY}/{version}/rollback");
    let tried = admin
        .post(&format!("{}?dry-run=true", back(2)), json!({}))
        .await
        .ok();
    assert_eq!((&tried["dryRun"], &tried["version"]), (&json!(true), &json!(101)));
    assert_eq!(admin.post(&back(2), json!({})).await.ok()["version"], 102);
    assert_eq!(admin.get(FILE).await.text(), first);
    assert_eq!(admin.post(&back(102), json!({})).await.ok()["changed"], false);
    assert_eq!(admin.post(&back(2), json!({})).await.status, 404);
}

/// A store whose writes fail from a given one on: before they happen, or after, when nobody learns of it.
struct Failing {
    inner: Arc<dyn Store>,
    left: AtomicUsize,
    happens: bool,
}

impl Store for Failing {
    fn txn(&self, txn: Txn) -> StoreFuture<'_, TxnOutcome> {
        Box::pin(async move {
            let config = |key: &str| key == layout::CONFIG || key.starts_with(layout::CONFIG_HISTORY);
            let ours = txn
                .changes
                .iter()
                .any(|change| matches!(change, mke_core::store::Change::Put { key, .. } if config(key)));
            let fails = ours
                && self
                    .left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_err();
            if fails && self.happens {
                self.inner.txn(txn).await?;
            } else if !fails {
                return self.inner.txn(txn).await;
            }
            Err(StoreError::Unavailable("killed".to_owned()))
        })
    }

    fn range(&self, range: KeyRange, limit: usize) -> StoreFuture<'_, Page> {
        self.inner.range(range, limit)
    }

    fn watch(&self, range: KeyRange, from: Revision) -> StoreFuture<'_, WatchStream> {
        self.inner.watch(range, from)
    }

    fn grant_lease(&self, ttl: Duration) -> StoreFuture<'_, LeaseId> {
        self.inner.grant_lease(ttl)
    }

    fn keep_alive(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
        self.inner.keep_alive(lease)
    }

    fn revoke_lease(&self, lease: LeaseId) -> StoreFuture<'_, ()> {
        self.inner.revoke_lease(lease)
    }

    fn compact(&self, revision: Revision) -> StoreFuture<'_, ()> {
        self.inner.compact(revision)
    }
}

/// config-08: wherever a change is cut off, it is there with its history or not at all.
#[tokio::test]
async fn sec_config_08_a_change_is_there_or_not() {
    let first = Controller::start().await;
    let admin = first.admin().await;
    let mut limit = 20;
    for happens in [false, true] {
        for left in 0..3 {
            // The record of an earlier program has no history, so that a change is two writes.
            let store = first.running.state().store.clone();
            let old = json!({ "v": 1, "config": admin.get(FILE).await.text() }).to_string();
            store
                .txn(
                    Txn::new()
                        .put(layout::CONFIG, old.into_bytes())
                        .delete_range(KeyRange::prefix(layout::CONFIG_HISTORY)),
                )
                .await
                .unwrap();
            let failing = Failing {
                inner: store,
                left: AtomicUsize::new(left),
                happens,
            };
            let second = Controller::on(&first, Arc::new(failing)).await;
            let client = second.admin().await;
            let before = client.get(FILE).await.text();
            limit += 1;
            let line = format!("per_user_limit = {limit}");
            let after: String = before
                .lines()
                .map(|old| {
                    if old.contains("per_user_limit") {
                        format!("    {line}\n")
                    } else {
                        format!("{old}\n")
                    }
                })
                .collect();
            let answer = put(&client, FILE, after.clone()).await;
            assert_eq!(
                answer.status,
                if left == 2 { 200 } else { 503 },
                "{}",
                answer.text()
            );
            let done = left == 2 || (happens && left == 1);
            // A controller that starts now sees one or the other.
            let third = first.second().await;
            let client = third.admin().await;
            assert_eq!(client.get(FILE).await.text(), if done { after } else { before });
            let history = client.get(HISTORY).await.ok();
            assert_eq!(history["current"], if done { 2 } else { 1 });
            assert_eq!(
                history["versions"].as_array().unwrap().len(),
                if done { 2 } else { 1 }
            );
        }
    }
}

/// CFG-003: records of earlier programs are read, as the text of all keys and as the fields of a struct, and there is a
/// way back to them; what cannot be read stops the start instead of giving way to the defaults.
#[tokio::test]
async fn records_of_earlier_programs_are_read() {
    let fields = json!({
        "auth": { "backend": "managed", "default_new_user_role": "viewonly", "sessions": { "lifetime_minutes": 90,
            "renewal_threshold_minutes": 20, "per_user_limit": 7, "store_token_per_session": false } },
        "audit_log": { "level": "request", "support_dump_include_audit_logs": true },
        "scheduling": { "enable_admin_ucp_scheduling": true }, "log": { "level": "DEBUG" },
        "custom_api_server_headers": [], "cluster": { "exclude_server_identity_headers": true },
    });
    let text = "[auth]\n  backend = \"managed\"\n  [auth.sessions]\n    per_user_limit = 7\n  [auth.ldap]\n    server_url = \
                \"ldap://l\"\n    reader_password = \"canary\"\n";
    for config in [fields, json!(text)] {
        let controller = Controller::start().await;
        let store = controller.running.state().store.clone();
        let write = async |record: String| {
            let txn = Txn::new()
                .put(layout::CONFIG, record.into_bytes())
                .delete_range(KeyRange::prefix(layout::CONFIG_HISTORY));
            store.txn(txn).await.unwrap();
        };
        write(json!({ "v": 1, "config": config }).to_string()).await;
        let again = controller.second().await;
        let admin = again.admin().await;
        let old = admin.get(FILE).await.text();
        assert!(
            old.contains("per_user_limit = 7") && !old.contains("auth.ldap"),
            "{old}"
        );
        assert_eq!(admin.get(HISTORY).await.ok()["versions"][0]["version"], 1);
        let ldap = admin.get("/api/ucp/config/auth/ldap").await.ok();
        put(
            &admin,
            FILE,
            old.replace("per_user_limit = 7", "per_user_limit = 8"),
        )
        .await
        .ok();
        admin.post(&format!("{HISTORY}/1/rollback"), json!({})).await.ok();
        assert_eq!(admin.get(FILE).await.text(), old);
        assert_eq!(admin.get("/api/ucp/config/auth/ldap").await.ok(), ldap);

        write(json!({ "v": 1, "config": "[auth]\nbackend = \"canary\"\n", "version": 4 }).to_string()).await;
        let dir = controller.dir.clone();
        // The running ones go on with what they had.
        assert!(admin.get(FILE).await.text().contains("per_user_limit = 7"));
        let drift = admin.get("/api/ucp/config-toml/drift").await;
        assert_eq!(drift.status, 500);
        again.stop().await;
        controller.stop().await;
        drop(store);
        let refused = Controller::try_start_in(dir, |_| {}).await.err().unwrap();
        assert!(matches!(refused, StartError::Configuration(_)), "{refused}");
    }
}
