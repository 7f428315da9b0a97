//! Synchronisations with real LDAP directory servers as jobs: asked for, on schedule, and when too much would change.

use std::time::Duration;

use serde_json::{Value, json};

use crate::joined::{Joined, SETTINGS};
use crate::support::until;

/// ldap-09: more deactivations than usual wait for an administrator's word.
#[tokio::test]
async fn sec_ldap_09_many_are_gone() {
    let joined = Joined::new(false).await;
    joined.sync().await;
    for name in ["jane", "joe", "kim"] {
        joined.directories.remove(name);
    }
    let refused = joined.job(json!({})).await;
    assert_eq!(refused["status"], "failed", "{refused}");
    assert!(
        joined
            .log(&refused)
            .await
            .contains("3 of 8 active accounts would be deactivated")
    );
    assert_eq!(joined.account("jane").await["isActive"], true);
    let accepted = joined.job(json!({ "acceptDeactivations": true })).await;
    assert_eq!(
        (&accepted["status"], &accepted["counts"]["deactivated"]),
        (&json!("done"), &json!(3))
    );
    assert_eq!(joined.account("jane").await["isActive"], false);
}

/// LDAP-013: at the top of the hour one of two controllers synchronises; a new schedule counts at once.
#[tokio::test]
async fn schedules() {
    let joined = Joined::new(false).await;
    let other = joined.controller.second().await;
    // A schedule is first looked at, then due.
    joined.job(json!({ "dryRun": true })).await;
    let hour = Duration::from_secs(3600);
    joined.controller.clock.advance(hour);
    other.clock.advance(hour);
    let admin = joined.controller.admin().await;
    let scheduled = async || {
        let jobs = admin.get("/enzi/v0/jobs/?action=ldap-sync&limit=50").await.ok();
        let jobs = jobs["jobs"].as_array().unwrap().clone();
        let by_schedule = |job: &Value| job["requestedBy"] == "schedule" && job["status"] == "done";
        jobs.into_iter().filter(by_schedule).count()
    };
    until("the hour's synchronisation", async || {
        (scheduled().await == 1).then_some(())
    })
    .await;
    let mut settings = joined.directories.settings(false);
    settings["syncSchedule"] = json!("*/5 * * * *");
    admin.put(SETTINGS, settings).await.ok();
    let while_later = Duration::from_secs(301);
    joined.controller.clock.advance(while_later);
    other.clock.advance(while_later);
    until("the next one", async || (scheduled().await == 2).then_some(())).await;
    other.stop().await;
}

/// Jobs are for administrators; what does not exist, cannot be done or is over is said.
#[tokio::test]
async fn jobs_over_http() {
    let joined = Joined::new(true).await;
    let jane = joined.login("jane").await;
    let job = joined.sync().await;
    let path = format!("/enzi/v0/jobs/{}", job["id"].as_str().unwrap());
    for (method, path) in [
        ("GET", "/enzi/v0/jobs".to_owned()),
        ("POST", "/enzi/v0/jobs".to_owned()),
        ("GET", path.clone()),
        ("GET", format!("{path}/logs")),
        ("POST", format!("{path}/cancel")),
        ("GET", "/enzi/v0/config/auth".to_owned()),
        ("PUT", "/enzi/v0/config/auth".to_owned()),
        ("POST", "/enzi/v0/config/auth/ldap/test-login".to_owned()),
    ] {
        let nobody = joined.controller.anonymous();
        assert_eq!(
            jane.send(jane.request(method, &path)).await.status,
            403,
            "{method} {path}"
        );
        assert_eq!(
            nobody.send(nobody.request(method, &path)).await.status,
            401,
            "{method} {path}"
        );
    }
    let admin = &joined.admin;
    assert_eq!(admin.get("/enzi/v0/jobs/nothing").await.status, 404);
    assert_eq!(admin.get("/enzi/v0/jobs/nothing/logs").await.status, 404);
    assert_eq!(
        admin
            .post("/enzi/v0/jobs", json!({ "action": "reboot" }))
            .await
            .status,
        400
    );
    assert_eq!(admin.post("/enzi/v0/jobs", json!({})).await.status, 400);
    assert_eq!(admin.post(&format!("{path}/cancel"), json!({})).await.status, 409);
    let request = admin
        .request("GET", &format!("{path}/logs"))
        .header("accept", "application/json");
    let lines = admin.send(request).await.ok();
    assert!(
        lines[0]["Data"]
            .as_str()
            .unwrap()
            .contains("asked for by `admin`"),
        "{lines}"
    );
    let jobs = admin.get("/enzi/v0/jobs?action=ldap-sync&limit=1").await.ok();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(jobs["jobs"][0]["id"], job["id"]);
}
