//! Users, organizations, teams and members.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{ADMIN, Controller, PASSWORD};

fn names(list: &Value, key: &str) -> Vec<String> {
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    list[key].as_array().unwrap().iter().map(name).collect()
}

async fn organization(admin: &Client, name: &str) -> String {
    let body = json!({ "name": name, "isOrg": true });
    let created = admin.post("/accounts", body).await.created();
    created["id"].as_str().unwrap().to_owned()
}

/// API-002, AUTH-001: users by every spelling of the path, by name and by id.
#[tokio::test]
async fn users_come_and_go() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let body =
        json!({ "id": "", "name": "jane", "fullName": "Jane Doe", "password": PASSWORD, "isActive": true });
    let jane = admin.post("/enzi/v0/accounts", body.clone()).await.created();
    assert_eq!(jane["fullName"], "Jane Doe");
    assert_eq!(
        (&jane["isAdmin"], &jane["isActive"], &jane["isOrg"]),
        (&json!(false), &json!(true), &json!(false))
    );
    let id = jane["id"].as_str().unwrap();
    assert_eq!(admin.post("/accounts/", body).await.status, 409);
    for path in [
        "/accounts/jane",
        "/accounts/jane/",
        &format!("/accounts/{id}"),
        &format!("/enzi/v0/accounts/{id}"),
    ] {
        assert_eq!(admin.get(path).await.ok()["id"], jane["id"], "{path}");
    }
    let changed = admin
        .patch("/accounts/jane", json!({ "fullName": "J. Doe" }))
        .await
        .ok();
    assert_eq!(
        (&changed["fullName"], &changed["isActive"]),
        (&json!("J. Doe"), &json!(true))
    );
    assert_eq!(admin.delete("/accounts/jane").await.status, 204);
    let gone = admin.get("/accounts/jane").await;
    assert_eq!(gone.status, 404);
    assert!(!gone.json()["errors"][0]["message"].as_str().unwrap().is_empty());
}

/// AUTH-002, AUTH-003: names and passwords at their bounds, with every problem in one answer.
#[tokio::test]
async fn names_and_passwords_have_rules() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let long = "a".repeat(101);
    for name in ["", "Jane", "jane doe", "a/b", "x:y", long.as_str()] {
        let body = json!({ "name": name, "password": PASSWORD });
        assert_eq!(admin.post("/accounts", body).await.status, 400, "{name}");
    }
    let body = json!({ "name": "Jane", "password": "seven77" });
    let answer = admin.post("/accounts", body).await.json();
    let detail = answer["errors"][0]["detail"].as_array().unwrap();
    assert_eq!(detail.len(), 2, "{answer}");
    let body = json!({ "name": "a".repeat(100), "password": "eight888" });
    admin.post("/accounts", body).await.created();
}

/// Pages, filters and orders of the account list.
#[tokio::test]
async fn the_account_list_is_paged() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    for name in ["ann", "bob", "cid"] {
        let body = json!({ "name": name, "fullName": format!("{name} smith"), "password": PASSWORD });
        admin.post("/accounts", body).await.created();
    }
    organization(&admin, "acme").await;
    let first = admin.get("/accounts/?filter=users&limit=2").await.ok();
    assert_eq!(names(&first, "accounts"), [ADMIN, "ann"]);
    assert_eq!(
        (&first["resourceCount"], &first["usersCount"], &first["orgsCount"]),
        (&json!(4), &json!(4), &json!(2))
    );
    let start = first["nextPageStart"].as_str().unwrap();
    let second = admin
        .get(&format!("/accounts/?filter=users&limit=2&start={start}"))
        .await
        .ok();
    assert_eq!(names(&second, "accounts"), ["bob", "cid"]);
    assert_eq!(second["nextPageStart"], "");
    let orgs = admin.get("/accounts?filter=orgs").await.ok();
    assert_eq!(names(&orgs, "accounts"), ["acme", "docker-datacenter"]);
    let found = admin.get("/accounts?contains=b%20smi").await.ok();
    assert_eq!(names(&found, "accounts"), ["bob"]);
    let reverse = admin.get("/accounts?filter=users&order=-name").await.ok();
    assert_eq!(names(&reverse, "accounts"), ["cid", "bob", "ann", ADMIN]);
    for bad in ["filter=x", "order=x", "limit=0", "limit=a", "limit=1&limit=2"] {
        assert_eq!(admin.get(&format!("/accounts?{bad}")).await.status, 400, "{bad}");
    }
}

/// RBAC-002, AUTH-007: only administrators manage accounts; strangers do not even learn whether one exists.
#[tokio::test]
async fn only_administrators_manage_accounts() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    controller.user(&admin, "bob").await;
    let body = json!({ "name": "eve", "password": PASSWORD, "isAdmin": true });
    assert_eq!(jane.post("/accounts", body).await.status, 403);
    assert_eq!(jane.get("/accounts/").await.status, 403);
    assert_eq!(jane.delete("/accounts/bob").await.status, 403);
    assert_eq!(jane.get("/accounts/jane").await.status, 200);
    let (bob, nobody) = (
        jane.get("/accounts/bob").await,
        jane.get("/accounts/nobody").await,
    );
    assert_eq!((bob.status, bob.text()), (403, nobody.text()));
    assert_eq!(nobody.status, 403);
    assert_eq!(
        jane.patch("/accounts/jane", json!({ "isAdmin": true }))
            .await
            .status,
        403
    );
    assert_eq!(
        jane.patch("/accounts/jane", json!({ "fullName": "Jane" }))
            .await
            .status,
        200
    );
    assert_eq!(jane.get("/accounts/jane").await.ok()["isAdmin"], false);
    assert_eq!(controller.anonymous().get("/accounts/jane").await.status, 401);
}

/// The last administrator stays one.
#[tokio::test]
async fn the_last_administrator_stays() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    for change in [json!({ "isAdmin": false }), json!({ "isActive": false })] {
        assert_eq!(admin.patch("/accounts/admin", change).await.status, 409);
    }
    assert_eq!(admin.delete("/accounts/admin").await.status, 409);
}

/// R9: organization administrators manage members and teams of their organization, and nothing else.
#[tokio::test]
async fn organization_administrators() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    organization(&admin, "acme").await;
    organization(&admin, "other").await;
    let jane = controller.user(&admin, "jane").await.client;
    let bob = controller.user(&admin, "bob").await.client;
    let put = async |client: &Client, path: &str, body: Value| client.put(path, body).await.status;
    assert_eq!(
        put(&jane, "/accounts/acme/members/jane", json!({ "isAdmin": true })).await,
        403
    );
    assert_eq!(
        put(&admin, "/accounts/acme/members/jane", json!({ "isAdmin": true })).await,
        200
    );
    assert_eq!(
        jane.post("/accounts/acme/teams", json!({ "name": "ops" }))
            .await
            .status,
        201
    );
    assert_eq!(
        put(&jane, "/accounts/acme/teams/ops/members/bob", json!({})).await,
        200
    );
    assert_eq!(put(&jane, "/accounts/other/members/jane", json!({})).await, 403);
    // Joining the team joined the organization.
    let members = jane.get("/accounts/acme/members").await.ok();
    assert_eq!(members["resourceCount"], 2);
    assert_eq!(bob.get("/accounts/acme/teams").await.status, 200);
    assert_eq!(
        bob.post("/accounts/acme/teams", json!({ "name": "x" }))
            .await
            .status,
        403
    );
    assert_eq!(bob.get("/accounts/other/teams").await.status, 403);
    assert_eq!(bob.get("/accounts/acme").await.ok()["membersCount"], 2);
    let teams = bob.get("/accounts/acme/members/bob/teams").await.ok();
    assert_eq!(teams["memberTeams"][0]["team"]["name"], "ops");
    assert_eq!(jane.delete("/accounts/acme/members/bob").await.status, 204);
    assert_eq!(
        admin.get("/accounts/acme/teams/ops/members").await.ok()["resourceCount"],
        0
    );
    assert_eq!(jane.delete("/accounts/acme").await.status, 403);
}

/// AUTH-004, RBAC-003: teams with all their operations; a member is added without any body.
#[tokio::test]
async fn teams_come_and_go() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    organization(&admin, "acme").await;
    controller.user(&admin, "jane").await;
    let team = admin
        .post(
            "/accounts/acme/teams",
            json!({ "name": "Ops Team", "description": "d".repeat(140) }),
        )
        .await
        .created();
    assert_eq!(
        admin
            .post("/accounts/acme/teams", json!({ "name": "Ops Team" }))
            .await
            .status,
        409
    );
    let body = json!({ "name": "long", "description": "d".repeat(141) });
    assert_eq!(admin.post("/accounts/acme/teams", body).await.status, 400);
    let path = format!("/enzi/v0/accounts/acme/teams/{}", team["id"].as_str().unwrap());
    let put = admin.request("PUT", &format!("{path}/members/jane"));
    assert_eq!(admin.send(put).await.ok()["member"]["name"], "jane");
    assert_eq!(admin.get(&path).await.ok()["membersCount"], 1);
    assert_eq!(
        admin
            .get("/accounts/acme/teams/Ops%20Team/members/jane")
            .await
            .status,
        200
    );
    let changed = admin.patch(&path, json!({ "name": "ops" })).await.ok();
    assert_eq!(changed["name"], "ops");
    assert_eq!(admin.delete(&format!("{path}/members/jane")).await.status, 204);
    assert_eq!(admin.get("/accounts/acme/members/jane").await.status, 200);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(admin.delete("/accounts/docker-datacenter").await.status, 409);
}

/// Bulk changes stand for themselves.
#[tokio::test]
async fn bulk_changes() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    controller.user(&admin, "jane").await;
    let body = json!({ "operations": [
        { "op": "update", "ref": "jane", "value": { "fullName": "J" } },
        { "op": "delete", "ref": "nobody" },
        { "op": "explode", "ref": "jane" },
        { "op": "delete", "ref": "jane" },
    ]});
    let results = admin.patch("/accounts/", body).await.ok();
    let success: Vec<_> = results["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["success"].clone())
        .collect();
    assert_eq!(success, [true, false, false, true]);
    assert_eq!(admin.get("/accounts/jane").await.status, 404);
}

/// AUTH-008: administrators reset passwords, users need the old one.
#[tokio::test]
async fn passwords_are_changed() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let path = "/accounts/jane/changePassword";
    let change = |old: &str, new: &str| json!({ "oldPassword": old, "newPassword": new });
    assert_eq!(
        jane.post(path, json!({ "newPassword": "new password" }))
            .await
            .status,
        400
    );
    assert_eq!(
        jane.post(path, change("wrong password", "new password"))
            .await
            .status,
        401
    );
    assert_eq!(jane.post(path, change(PASSWORD, "short")).await.status, 400);
    assert_eq!(
        jane.post("/accounts/admin/changePassword", change(PASSWORD, "new password"))
            .await
            .status,
        403
    );
    assert_eq!(
        jane.post(path, change(PASSWORD, "new password")).await.status,
        200
    );
    controller.login("jane", "new password").await;
}

/// AUTH-008: guessing the old password with a session is as slow as guessing at the login; the right one does not help
/// until the delay is over.
#[tokio::test]
async fn guesses_of_the_old_password_are_slowed_down() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let change = async |old: &str| {
        let body = json!({ "oldPassword": old, "newPassword": "new password" });
        jane.post("/accounts/jane/changePassword", body).await
    };
    let mut slowed = None;
    for guess in 0..20 {
        let answer = change(&format!("wrong password {guess}")).await;
        if answer.status == 429 {
            slowed = Some(answer);
            break;
        }
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    let slowed = slowed.expect("guesses must be slowed down");
    assert!(!slowed.header("retry-after").is_empty());
    assert_eq!(change(PASSWORD).await.status, 429);
    controller.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(change(PASSWORD).await.status, 200);
}

/// R9: administrators of a team choose among the members of the organization; who else joins it is for the
/// organization's own administrators. Whether a name exists is not told.
#[tokio::test]
async fn team_administrators_add_members_of_the_organization_only() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    organization(&admin, "acme").await;
    for name in ["lead", "member", "stranger"] {
        controller.user(&admin, name).await;
    }
    let lead = controller.login("lead", PASSWORD).await;
    admin
        .post("/accounts/acme/teams", json!({ "name": "ops" }))
        .await
        .created();
    let team = |name: &str| format!("/accounts/acme/teams/ops/members/{name}");
    admin.put(&team("lead"), json!({ "isAdmin": true })).await.ok();
    admin.put("/accounts/acme/members/member", json!({})).await.ok();
    lead.put(&team("member"), json!({})).await.ok();
    let (stranger, nobody) = (
        lead.put(&team("stranger"), json!({})).await,
        lead.put(&team("nobody"), json!({})).await,
    );
    assert_eq!((stranger.status, stranger.text()), (nobody.status, nobody.text()));
    assert_eq!(stranger.status, 403);
    let members = admin.get("/accounts/acme/members").await.ok();
    assert_eq!(members["resourceCount"], 2);
    admin
        .put("/accounts/acme/members/lead", json!({ "isAdmin": true }))
        .await
        .ok();
    lead.put(&team("stranger"), json!({})).await.ok();
}
