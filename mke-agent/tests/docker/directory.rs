//! A person's walk: somebody of an LDAP directory works with `docker` through a bundle, with the rights of a team, until
//! the directory does not know them any more.

use http::StatusCode;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::directory_servers::{Directories, SECRET, members_of};
use super::engine::{Engine, IMAGE, until};

const SETTINGS: &str = "/api/ucp/config/auth/ldap";

/// Asks for a synchronisation, waits until it is over, and returns it with its log.
async fn synchronise(cluster: &Cluster, dry_run: bool) -> (Value, String) {
    let body = json!({ "action": "ldap-sync", "dryRun": dry_run });
    let job = cluster.api("POST", "/enzi/v0/jobs", Some(body)).await;
    let path = format!("/enzi/v0/jobs/{}", job["id"].as_str().unwrap());
    let look = || async {
        let job = cluster.api("GET", &path, None).await;
        let over = !["waiting", "running"].contains(&job["status"].as_str().unwrap());
        over.then_some(job)
    };
    let job = until("the synchronisation ends", look).await;
    let log = cluster.api("GET", &format!("{path}/logs"), None).await;
    let log = log.as_str().unwrap_or_default().to_owned();
    assert_eq!(job["status"], "done", "{job}\n{log}");
    (job, log)
}

/// LDAP-001, LDAP-003, LDAP-008, LDAP-012, LDAP-015, LDAP-016, LDAP-018, CLB-012: three domains, a trial login, a dry run, a
/// synchronisation, `docker` with a team's rights, and the end of all of it when the person leaves.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_comes_and_goes() {
    let directories = Directories::start();
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;

    // What the administrator does before anybody notices.
    let settings = directories.settings(false);
    let trial = json!({ "config": settings, "username": "jane", "password": SECRET });
    let report = cluster
        .api("POST", &format!("{SETTINGS}/test-login"), Some(trial))
        .await;
    assert_eq!(report["ok"], true, "{report}");
    cluster.api("PUT", SETTINGS, Some(settings)).await;
    let (tried, log) = synchronise(&cluster, true).await;
    assert_eq!(tried["counts"]["created"], 8, "{log}");
    for name in ["jane", "bob@example.com", "carol"] {
        assert!(
            log.contains(&format!("create {name}")),
            "all three domains answer: {log}"
        );
    }
    let jane = json!({ "username": "jane", "password": SECRET });
    let (status, _) = cluster.call("", "POST", "/auth/login", Some(jane.clone())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "nothing has changed so far");

    // From now on the directory counts.
    cluster
        .api("PUT", "/enzi/v0/config/auth", Some(json!({ "backend": "ldap" })))
        .await;
    synchronise(&cluster, false).await;
    cluster.organization("ops").await;
    let team = cluster.team("ops", "web", &[]).await;
    cluster.grant(&team, "fullcontrol", "/Shared/web").await;
    let options = "/accounts/ops/teams/web/memberSyncConfig";
    cluster.api("PUT", options, Some(members_of("web"))).await;
    synchronise(&cluster, false).await;

    // Jane is in the team, Kim is not.
    let token = cluster.login_with("jane", SECRET).await;
    let docker = cluster.bundle("jane", &token).await;
    let labels = ["--label", "com.docker.ucp.access.label=/Shared/web"];
    let run = |name| {
        [
            &["run", "-d", "--name", name][..],
            &labels,
            &[IMAGE, "sleep", "600"],
        ]
        .concat()
    };
    docker.ok(&run("web")).await;
    let kim = cluster.login_with("kim", SECRET).await;
    let kim = cluster.bundle("kim", &kim).await;
    kim.denied(&run("other"), "Container Create").await;
    kim.fails(&["logs", "web"]).await;
    docker.ok(&["exec", "web", "true"]).await;

    // Jane leaves.
    directories.remove("jane");
    let (_, log) = synchronise(&cluster, false).await;
    assert!(
        log.contains("deactivate jane: the directory does not list it"),
        "{log}"
    );
    docker.fails(&["ps"]).await;
    let (status, _) = cluster.call(&token, "GET", "/id/", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "her session is dead");
    let (status, answer) = cluster.call("", "POST", "/auth/login", Some(jane)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
    kim.ok(&["ps"]).await;
    cluster.admin.ok(&["rm", "-f", "web"]).await;
    cluster.stop().await;
}
