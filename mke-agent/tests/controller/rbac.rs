//! Roles, collections, grants and default collections.

use serde_json::{Value, json};

use crate::support::Controller;
use crate::support::client::Client;

async fn collection(admin: &Client, parent: &str, name: &str) -> String {
    let body = json!({ "name": name, "parent_id": parent });
    let created = admin.post("/collections", body).await.created();
    created["id"].as_str().unwrap().to_owned()
}

async fn grant(admin: &Client, subject: &str, object: &str, role: &str) {
    let path = format!("/collectionGrants/{subject}/{object}/{role}?type=collection");
    assert_eq!(admin.send(admin.request("PUT", &path)).await.status, 201);
}

async fn paths(client: &Client) -> Vec<String> {
    let list = client.get("/collections?limit=100").await.ok();
    let mut paths: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

/// API-001, RBAC-009, RBAC-011: roles are made whole, listed, and deleted only when no grant names them.
#[tokio::test]
async fn roles_come_and_go() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let body = json!({
        "name": "Ops", "system_role": true,
        "Operations": { "Service": { "Service View": [], "Service Create": ["Host Bind Mounts"] } },
    });
    let id = admin.post("/roles", body.clone()).await.created()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let role = jane.client.get(&format!("/roles/{id}")).await.ok();
    assert_eq!(
        (&role["system_role"], &role["operations"]),
        (&json!(false), &body["Operations"])
    );
    let ids: Vec<_> = jane
        .client
        .get("/roles")
        .await
        .ok()
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["id"].clone())
        .collect();
    for builtin in [
        "none",
        "viewonly",
        "restrictedcontrol",
        "scheduler",
        "fullcontrol",
    ] {
        assert!(ids.contains(&json!(builtin)), "{builtin}");
    }
    grant(&admin, &jane.id, "shared", &id).await;
    let in_use = admin.delete(&format!("/roles/{id}")).await;
    assert_eq!(in_use.status, 409);
    assert!(in_use.json()["message"].as_str().unwrap().contains("1 grants"));
    assert_eq!(
        admin
            .delete(&format!("/collectionGrants/{}/shared/{id}", jane.id))
            .await
            .status,
        204
    );
    assert_eq!(admin.delete(&format!("/roles/{id}")).await.status, 204);
    assert_eq!(admin.get(&format!("/roles/{id}")).await.status, 404);
    assert_eq!(admin.delete("/roles/fullcontrol").await.status, 409);
    assert_eq!(admin.patch(&format!("/roles/{id}"), json!({})).await.status, 405);
}

/// rbac-06: unknown types, operations and modifiers are refused, all at once.
#[tokio::test]
async fn sec_rbac_06_unknown_operations_are_refused() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let body = json!({ "name": "x", "operations": {
        "Service": { "Service Fly": [], "Service View": ["Privileged"] }, "*": {},
    }});
    let answer = admin.post("/roles", body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["detail"].as_array().unwrap().len(), 3);
}

/// RBAC-002: nobody but administrators writes roles, collections and grants.
#[tokio::test]
async fn only_administrators_write() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let id = collection(&admin, "swarm", "prod").await;
    let path = format!("/collectionGrants/{}/{id}/fullcontrol", jane.id);
    for client in [&jane.client, &controller.anonymous()] {
        let refused = if client.token.is_some() { 403 } else { 401 };
        assert_eq!(
            client.post("/roles", json!({ "name": "x" })).await.status,
            refused
        );
        assert_eq!(
            client.post("/collections", json!({ "name": "x" })).await.status,
            refused
        );
        assert_eq!(
            client
                .patch(&format!("/collections/{id}"), json!({}))
                .await
                .status,
            refused
        );
        assert_eq!(client.delete(&format!("/collections/{id}")).await.status, refused);
        assert_eq!(client.put(&path, json!({})).await.status, refused);
        assert_eq!(client.delete(&path).await.status, refused);
    }
}

/// RBAC-013, RBAC-014: the built-in collections, and a tree below them.
#[tokio::test]
async fn collections_form_a_tree() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    assert_eq!(
        paths(&admin).await,
        [
            "/",
            "/Shared",
            "/Shared/Legacy",
            "/Shared/Private",
            "/Shared/Private/admin",
            "/System"
        ]
    );
    let prod = collection(&admin, "swarm", "prod").await;
    let db = collection(&admin, &prod, "View-only db").await;
    let found = admin
        .get("/collectionByPath?path=/prod/View-only%20db")
        .await
        .ok();
    assert_eq!(
        (&found["id"], &found["parent_ids"]),
        (&json!(db), &json!(["swarm", prod]))
    );
    assert!(found["created_at"].as_str().unwrap().ends_with('Z'));
    let body = json!({ "name": "View-only db", "parent_id": prod });
    assert_eq!(admin.post("/collections", body).await.status, 409);
    for (body, status) in [
        (json!({ "name": "x", "parent_id": "nowhere" }), 404),
        (json!({ "name": "a/b" }), 400),
        (json!({ "name": ".." }), 400),
        (json!({}), 400),
    ] {
        assert_eq!(
            admin.post("/collections", body.clone()).await.status,
            status,
            "{body}"
        );
    }
    let by_path = admin
        .post("/collections", json!({ "path": "/prod/web" }))
        .await
        .created();
    assert_eq!(
        admin.get("/collectionByPath?path=/prod/web/").await.ok()["id"],
        by_path["id"]
    );
    let children = admin.get(&format!("/collections/{prod}/children")).await.ok();
    assert_eq!(children.as_array().unwrap().len(), 2);
    let constraint = json!([{ "type": "node", "label_key": "disk", "label_value": "ssd", "equality": true }]);
    let changed = admin
        .patch(
            &format!("/collections/{db}"),
            json!({ "label_constraints": constraint }),
        )
        .await
        .ok();
    assert_eq!(changed["label_constraints"], constraint);
    for builtin in ["swarm", "shared", "system", "private", "legacy"] {
        assert_eq!(
            admin.delete(&format!("/collections/{builtin}")).await.status,
            409,
            "{builtin}"
        );
    }
}

/// R17: what cannot be looked up is no reason to delete: without an engine nothing is known to be empty.
#[tokio::test]
async fn without_an_engine_no_collection_is_deleted() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let prod = collection(&admin, "swarm", "prod").await;
    assert_eq!(admin.delete(&format!("/collections/{prod}")).await.status, 503);
    assert_eq!(admin.get(&format!("/collections/{prod}")).await.status, 200);
}

/// The continuation of bare arrays is in a header.
#[tokio::test]
async fn bare_arrays_are_paged_by_a_header() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let first = admin.get("/collections?limit=4").await;
    let next = first.header("x-next-page-start").to_owned();
    assert_eq!(
        (first.json().as_array().unwrap().len(), next.is_empty()),
        (4, false)
    );
    let second = admin.get(&format!("/collections?limit=4&start={next}")).await;
    assert_eq!(second.json().as_array().unwrap().len(), 2);
    assert_eq!(second.header("x-next-page-start"), "");
}

/// RBAC-010, RBAC-029: a grant works at once and is seen by whom it reaches; so does its end (R63).
#[tokio::test]
async fn grants_act_on_the_next_request() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let prod = collection(&admin, "swarm", "prod").await;
    let production = collection(&admin, "swarm", "production").await;
    let web = collection(&admin, &prod, "web").await;
    let seen = async |id: &str| jane.client.get(&format!("/collections/{id}")).await.status;
    assert_eq!(seen(&web).await, 404);
    grant(&admin, &jane.id, &prod, "viewonly").await;
    grant(&admin, &jane.id, &prod, "viewonly").await;
    assert_eq!(
        (seen(&prod).await, seen(&web).await, seen(&production).await),
        (200, 200, 404)
    );
    let own = jane
        .client
        .get("/collectionGrants?showPaths=true&limit=50")
        .await
        .ok();
    let mut rows: Vec<_> = own["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| {
            (
                g["collectionPath"].as_str().unwrap().to_owned(),
                g["roleID"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    rows.sort();
    let row = |path: &str, role: &str| (path.to_owned(), role.to_owned());
    assert_eq!(
        rows,
        [
            row("/Shared", "scheduler"),
            row("/Shared/Private/jane", "restrictedcontrol"),
            row("/prod", "viewonly"),
        ]
    );
    assert!(
        own["subjects"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["subject_type"] == "org")
    );
    let all = admin
        .get(&format!("/collectionGrants?objectID={prod}"))
        .await
        .ok();
    assert_eq!(
        (&all["resourceCount"], &all["grants"][0]["subjectID"]),
        (&json!(1), &json!(jane.id))
    );
    let total = jane.client.get("/totalRole").await.ok();
    assert!(total["operations"]["Service"].get("Service View").is_some());
    let path = format!("/collectionGrants/{}/{prod}/viewonly", jane.id);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.delete(&path).await.status, 404);
    assert_eq!(seen(&web).await, 404);
}

/// RBAC-010: grants to teams, organizations and everybody reach their members; both spellings of a colon match.
#[tokio::test]
async fn grants_reach_members() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let bob = controller.user(&admin, "bob").await;
    admin
        .post("/accounts", json!({ "name": "acme", "isOrg": true }))
        .await
        .created();
    let team = admin
        .post("/accounts/acme/teams", json!({ "name": "ops" }))
        .await
        .created();
    let team = team["id"].as_str().unwrap();
    let prod = collection(&admin, "swarm", "prod").await;
    grant(&admin, team, &prod, "viewonly").await;
    let sees = async |client: &Client| client.get(&format!("/collections/{prod}")).await.status == 200;
    assert!(!sees(&jane.client).await);
    admin
        .put("/accounts/acme/teams/ops/members/jane", json!({}))
        .await
        .ok();
    assert!(sees(&jane.client).await && !sees(&bob.client).await);
    admin.delete("/accounts/acme/teams/ops/members/jane").await;
    assert!(!sees(&jane.client).await);
    grant(&admin, "authenticated", &prod, "viewonly").await;
    assert!(sees(&bob.client).await);
    for (path, status) in [
        ("/collectionGrants/nobody/swarm/viewonly", 404),
        ("/collectionGrants/authenticated/nowhere/viewonly", 404),
        ("/collectionGrants/authenticated/swarm/norole", 404),
        ("/collectionGrants/authenticated/swarm/viewonly?type=planet", 400),
        (
            "/collectionGrants/system%3Aserviceaccount%3Ans%3Aname/swarm/viewonly",
            404,
        ),
        (
            "/collectionGrants/authenticated/kubernetesnamespaces/viewonly?type=grantobject",
            201,
        ),
    ] {
        assert_eq!(admin.put(path, json!({})).await.status, status, "{path}");
    }
}

/// R7, rbac-04: what named a deleted user, team or organization is gone, and a namesake inherits nothing.
#[tokio::test]
async fn sec_rbac_04_nothing_is_inherited_from_a_namesake() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let prod = collection(&admin, "swarm", "prod").await;
    grant(&admin, &jane.id, &prod, "fullcontrol").await;
    let old = admin
        .get("/collectionByPath?path=/Shared/Private/jane")
        .await
        .ok();
    assert_eq!(admin.delete("/accounts/jane").await.status, 204);
    assert_eq!(jane.client.get("/id").await.status, 401);
    let grants = async |query: &str| {
        admin.get(&format!("/collectionGrants?{query}")).await.ok()["resourceCount"].clone()
    };
    assert_eq!(grants(&format!("subjectID={}", jane.id)).await, 0);
    let again = controller.user(&admin, "jane").await;
    assert_ne!(again.id, jane.id);
    assert_eq!(
        again.client.get(&format!("/collections/{prod}")).await.status,
        404
    );
    let new = again
        .client
        .get("/collectionByPath?path=/Shared/Private/jane")
        .await
        .ok();
    assert_ne!(new["id"], old["id"]);
    admin
        .post("/accounts", json!({ "name": "acme", "isOrg": true }))
        .await
        .created();
    let team = admin
        .post("/accounts/acme/teams", json!({ "name": "ops" }))
        .await
        .created();
    grant(&admin, team["id"].as_str().unwrap(), &prod, "fullcontrol").await;
    assert_eq!(admin.delete("/accounts/acme").await.status, 204);
    assert_eq!(grants(&format!("objectID={prod}")).await, 0);
}

/// RBAC-017, R13: a user chooses its default collection among those it sees.
#[tokio::test]
async fn default_collections() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let path = format!("/defaultCollection/{}", jane.id);
    let prod = collection(&admin, "swarm", "prod").await;
    let default = async || jane.client.get(&path).await.ok()["path"].clone();
    assert_eq!(default().await, "/Shared/Private/jane");
    assert_eq!(jane.client.put(&path, json!({ "id": prod })).await.status, 404);
    assert_eq!(admin.put(&path, json!({ "id": prod })).await.status, 404);
    grant(&admin, &jane.id, &prod, "viewonly").await;
    assert_eq!(jane.client.put(&path, json!({ "id": prod })).await.status, 201);
    assert_eq!(default().await, "/prod");
    let role = jane.client.get("/defaultCollectionRole").await.ok();
    assert!(role["operations"]["Service"].get("Service View").is_some());
    assert!(role["operations"]["Service"].get("Service Create").is_none());
    assert_eq!(jane.client.delete(&path).await.status, 204);
    assert_eq!(default().await, "/Shared/Private/jane");
    let bob = controller.user(&admin, "bob").await;
    assert_eq!(bob.client.get(&path).await.status, 403);
    assert_eq!(bob.client.put(&path, json!({ "id": prod })).await.status, 403);
    let me = admin.get("/id").await.ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        admin.get(&format!("/defaultCollection/{me}")).await.ok()["path"],
        "/"
    );
}

/// R29, AUTH-006, RBAC-007: the grants of a new cluster.
#[tokio::test]
async fn grants_of_a_new_cluster() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let list = admin.get("/collectionGrants?showPaths=true").await.ok();
    let mut rows: Vec<String> = Vec::new();
    for grant in list["grants"].as_array().unwrap() {
        let subject = list["subjects"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["id"] == grant["subjectID"])
            .unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.push(format!(
            "{} {} {}",
            text(&subject["account"]["name"]),
            text(&grant["roleID"]),
            text(&grant["collectionPath"])
        ));
    }
    rows.sort();
    assert_eq!(
        rows,
        ["admin fullcontrol /", "docker-datacenter scheduler /Shared"]
    );
}

/// AUTH-005: the role on private collections follows the setting at once.
#[tokio::test]
async fn the_private_role_follows_the_setting() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let may = async |operation: &str| {
        let body = json!({ "kind": "check", "operation": operation, "collection": "/Shared/Private/jane" });
        jane.client.post("/api/ucp/authz/can-i", body).await.ok()["decision"].clone()
    };
    for (role, view, create, exec) in [
        ("restrictedcontrol", "allow", "allow", "deny"),
        ("none", "deny", "deny", "deny"),
        ("viewonly", "allow", "deny", "deny"),
        ("scheduler", "deny", "deny", "deny"),
        ("fullcontrol", "allow", "allow", "allow"),
        ("admin", "allow", "allow", "allow"),
    ] {
        let text = admin.get("/api/ucp/config-toml").await.text();
        let line = text
            .lines()
            .find(|line| line.contains("default_new_user_role"))
            .unwrap();
        let text = text.replace(line, &format!("  default_new_user_role = \"{role}\""));
        assert_eq!(
            admin
                .send(admin.request("PUT", "/api/ucp/config-toml").body(text))
                .await
                .status,
            200
        );
        assert_eq!(may("Container View").await, view, "{role}");
        assert_eq!(may("Container Create").await, create, "{role}");
        assert_eq!(may("Container Exec").await, exec, "{role}");
    }
}

/// rbac-12: people ask about themselves, administrators about anybody.
#[tokio::test]
async fn sec_rbac_12_questions_about_others_are_for_administrators() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    controller.user(&admin, "bob").await;
    let ask = |user: Option<&str>| {
        let mut body = json!({ "kind": "check", "operation": "Node View", "collection": "/Shared" });
        if let Some(user) = user {
            body["user"] = json!(user);
        }
        body
    };
    let path = "/api/ucp/authz/can-i";
    let answer = jane.client.post(path, ask(None)).await.ok();
    assert_eq!(answer["decision"], "allow");
    assert_eq!(answer["decided_by"][0]["subject"], "org:docker-datacenter");
    assert_eq!(jane.client.post(path, ask(Some("jane"))).await.status, 200);
    for other in ["bob", "nobody"] {
        assert_eq!(jane.client.post(path, ask(Some(other))).await.status, 403);
    }
    let mut anonymous = ask(None);
    anonymous["user"] = Value::Null;
    assert_eq!(jane.client.post(path, anonymous.clone()).await.status, 403);
    assert_eq!(admin.post(path, anonymous).await.ok()["decision"], "deny");
    assert_eq!(admin.post(path, ask(Some("bob"))).await.ok()["decision"], "allow");
    assert_eq!(controller.anonymous().post(path, ask(None)).await.status, 401);
}
