//! The control plane is killed while it synchronises with a directory.

#![cfg(test)]

mod support;

use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};
use support::{Server, eventually};

/// LDAP-015, LDAP-020: SIGKILL in the middle of a synchronisation changes nobody, and the control plane that starts next
/// says of the job that it failed and why; the action is free again.
#[tokio::test]
async fn a_killed_synchronisation_is_reported() {
    // Takes connections and never says a word, so that the synchronisation is under way for as long as need be.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let server = Server::start(&["--restart"]).await;
    let token = server.login().await;
    let http = server.http();
    let call = async |method: &str, path: &str, body: Option<Value>| {
        let mut request = http
            .request(method.parse().unwrap(), format!("{}{path}", server.url))
            .bearer_auth(&token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        assert!(
            answer.status().is_success(),
            "{method} {path}: {}",
            answer.text().await.unwrap()
        );
        answer.json::<Value>().await.ok()
    };
    let settings = json!({
        "serverURL": format!("ldap://{address}"),
        "userSearchConfigs": [{ "baseDN": "dc=example,dc=com", "usernameAttr": "uid", "matchGroup": false }],
        "adminSyncOpts": { "enableSync": false },
    });
    call("PUT", "/enzi/v0/config/auth/ldap", Some(settings)).await;
    call("PUT", "/enzi/v0/config/auth", Some(json!({ "backend": "ldap" }))).await;
    let sync = json!({ "action": "ldap-sync" });
    let job = call("POST", "/enzi/v0/jobs", Some(sync.clone())).await.unwrap();
    let path = format!("/enzi/v0/jobs/{}", job["id"].as_str().unwrap());
    let status = async |wanted: &str| {
        let job = call("GET", &path, None).await?;
        (job["status"] == wanted).then_some(job)
    };
    eventually("the job begins", async || status("running").await).await;

    let killed = server.pid_other_than(None).await;
    let kill = Command::new("kill")
        .args(["-9", &killed.to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    server.pid_other_than(Some(killed)).await;
    let failed = eventually("the job is reported", async || status("failed").await).await;
    assert!(
        failed["error"].as_str().unwrap().contains("stopped while it ran"),
        "{failed}"
    );
    let accounts = call("GET", "/accounts?filter=active-users", None).await.unwrap();
    assert_eq!(accounts["resourceCount"], 1, "{accounts}");

    let next = call("POST", "/enzi/v0/jobs", Some(sync)).await.unwrap();
    let path = format!("/enzi/v0/jobs/{}", next["id"].as_str().unwrap());
    eventually("the next one begins", async || {
        (call("GET", &path, None).await?["status"] == "running").then_some(())
    })
    .await;
    let stopped = call("POST", &format!("{path}/cancel"), Some(json!({})))
        .await
        .unwrap();
    assert_eq!(stopped["id"], next["id"]);
    eventually("it is stopped", async || {
        (call("GET", &path, None).await?["status"] == "canceled").then_some(())
    })
    .await;
}
