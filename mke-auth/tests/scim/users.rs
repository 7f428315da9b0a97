//! Users: made, read, listed, replaced, changed and deleted.

use mke_auth::scim::MEDIA_TYPE;
use serde_json::{Value, json};

use crate::client::{BASE, Client, Headers, body, id, refusal, user};

/// SCIM-006: name and one address are needed; a second user of the name is refused, whatever its capitals.
#[tokio::test]
async fn creation() {
    let client = Client::new().await;
    let made = client
        .post(
            "/Users",
            json!({
                "userName": "Jane.Doe@Example.com",
                "name": { "givenName": "Jane", "familyName": "Doe" },
                "emails": [{ "value": "jane@example.com", "primary": true, "type": "work" }],
                "externalId": "00u1",
                "password": "canary canary",
            }),
        )
        .await;
    let id = id(&made);
    let location = format!("{BASE}/Users/{id}");
    assert_eq!(made.location.as_deref(), Some(location.as_str()));
    assert!(made.revision.is_some());
    assert_eq!(made.changed, std::slice::from_ref(&id));
    let shown = made.body.unwrap();
    assert_eq!(shown["userName"], "Jane.Doe@Example.com");
    assert_eq!(shown["active"], json!(true));
    assert_eq!(shown["meta"]["location"], json!(location));
    assert_eq!(shown["meta"]["version"].as_str(), made.etag.as_deref());
    assert!(!shown.to_string().contains("canary"));
    let directory = client.world.directory().await;
    let account = directory.account_by_name("jane.doe@example.com").unwrap();
    assert_eq!(account.id.as_str(), id);
    assert_eq!(account.full_name, "Jane Doe");
    let record = account.user().unwrap();
    assert!(record.is_imported && record.is_active && !record.is_admin && record.password.is_none());

    for (refused, expected) in [
        (json!({ "userName": "x1" }), (400, "invalidValue")),
        (json!({ "userName": "x1", "emails": [] }), (400, "invalidValue")),
        (
            json!({ "userName": "x1", "emails": [{ "type": "work" }] }),
            (400, "invalidValue"),
        ),
        (json!({ "emails": [{ "value": "a@b" }] }), (400, "invalidValue")),
        (
            json!({ "userName": "", "emails": [{ "value": "a@b" }] }),
            (400, "invalidValue"),
        ),
        (user("no spaces"), (400, "invalidValue")),
        (user("a*b"), (400, "invalidValue")),
        (user(&"x".repeat(101)), (400, "invalidValue")),
        (user("jane.doe@example.com"), (409, "uniqueness")),
        (user("JANE.DOE@example.com"), (409, "uniqueness")),
        (user("docker-datacenter"), (409, "uniqueness")),
    ] {
        let answer = client.post("/Users", refused.clone()).await;
        assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()), "{refused}");
        assert_eq!(answer.revision, None);
    }
    assert_eq!(client.world.directory().await.users_count(), 2);
}

/// SCIM-005: by id; anything else is unknown.
#[tokio::test]
async fn reading_one() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let shown = client.get(&format!("/Users/{id}")).await;
    assert_eq!(shown.status, 200);
    assert_eq!(shown.body.as_ref().unwrap()["userName"], "jane");
    let unchanged = client
        .send(
            "GET",
            &format!("/Users/{id}"),
            b"",
            Headers {
                if_none_match: shown.etag.as_deref(),
                ..Headers::default()
            },
        )
        .await;
    assert_eq!((unchanged.status, unchanged.body), (304, None));
    for unknown in ["jane", "x", "00000000-0000-4000-8000-000000000000"] {
        assert_eq!(
            refusal(&client.get(&format!("/Users/{unknown}")).await).0,
            404,
            "{unknown}"
        );
    }
}

/// SCIM-003: 450 users in three pages of 200, with totals; SCIM-004: no sorting.
#[tokio::test]
async fn pages() {
    let client = Client::new().await;
    client.world.user("local").await;
    client.users((0..450).map(|number| format!("u{number:03}"))).await;
    let mut names = Vec::new();
    for (start, items) in [(1, 200), (201, 200), (401, 50), (601, 0)] {
        let page = body(
            client
                .get(&format!(
                    "/Users?startIndex={start}&sortBy=userName&sortOrder=descending"
                ))
                .await,
        );
        assert_eq!(
            page["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
        );
        assert_eq!(page["totalResults"], 450);
        assert_eq!(page["startIndex"], start);
        assert_eq!(page["itemsPerPage"], items);
        let resources = page["Resources"].as_array().unwrap();
        assert_eq!(resources.len(), items);
        names.extend(
            resources
                .iter()
                .map(|user| user["userName"].as_str().unwrap().to_owned()),
        );
    }
    let expected: Vec<String> = (0..450).map(|number| format!("u{number:03}")).collect();
    assert_eq!(names, expected);
    let page = body(
        client
            .get("/Users?startIndex=3&count=2&attributes=userName")
            .await,
    );
    let names: Vec<&Value> = page["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["userName"])
        .collect();
    assert_eq!(names, [&json!("u002"), &json!("u003")]);
}

/// SCIM-004: `userName eq`, in any capitals; every other operator, unknown names and what cannot be read are refused.
/// Wider than the requirement on purpose: `eq` works on every attribute, and conditions can be joined.
#[tokio::test]
async fn filters() {
    let client = Client::new().await;
    for name in ["john", "jane", "joan"] {
        client.user(name).await;
    }
    let mut other = user("Ada");
    other["externalId"] = json!("ext-7");
    other["active"] = json!(false);
    other["emails"] = json!([{ "value": "ada@home.example", "type": "home" }]);
    let ada = id(&client.post("/Users", other).await);
    let by_id = format!("id eq \"{ada}\"");
    for (filter, expected) in [
        (r#"userName Eq "john""#, &["john"][..]),
        (r#"Username eq "john""#, &["john"]),
        (r#"USERNAME EQ "JOHN""#, &["john"]),
        (r#"userName eq "ada""#, &["Ada"]),
        (
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "jane""#,
            &["jane"],
        ),
        (r#"userName eq "admin""#, &[]),
        (r#"userName eq "nobody""#, &[]),
        (&by_id, &["Ada"]),
        (r#"externalId eq "ext-7""#, &["Ada"]),
        (r#"externalId eq "EXT-7""#, &[]),
        ("active eq false", &["Ada"]),
        (r#"active eq "False""#, &["Ada"]),
        (r#"emails eq "ADA@home.example""#, &["Ada"]),
        (
            r#"emails[type eq "home" and value eq "ada@home.example"]"#,
            &["Ada"],
        ),
        (r#"userName eq "john" or userName eq "jane""#, &["jane", "john"]),
        (r#"userName eq "john" and active eq false"#, &[]),
        (
            r#"active eq true and not (userName eq "john")"#,
            &["jane", "joan"],
        ),
    ] {
        let page = client.post("/Users/.search", json!({ "filter": filter })).await;
        let page = body(page);
        let names: Vec<&str> = page["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["userName"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{filter}");
        assert_eq!(page["totalResults"], json!(expected.len()));
    }
    for refused in [
        r#"userName ne "john""#,
        r#"userName co "j""#,
        r#"userName sw "j""#,
        r#"userName ew "n""#,
        r#"userName gt "a""#,
        "userName pr",
        r#"active eq true and userName sw "j""#,
        r#"password eq "x""#,
        r#"nickName eq "x""#,
        r#"userName eq john"#,
        r#"userName eq "john"#,
        r#"userName like "john""#,
        "userName",
        r#"userName eq "john" and"#,
        r#"(userName eq "john""#,
        r#"userName eq "john")"#,
        "active eq 1",
        r#"name eq "Jane""#,
    ] {
        let answer = client.post("/Users/.search", json!({ "filter": refused })).await;
        assert_eq!(refusal(&answer), (400, "invalidFilter".to_owned()), "{refused}");
    }
}

/// SCIM-007: `active` in both directions, in the forms that are documented.
#[tokio::test]
async fn switching_off_and_on() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let path = format!("/Users/{id}");
    let is_active = async || {
        let directory = client.world.directory().await;
        directory.account_by_name("jane").unwrap().is_active_user()
    };
    for (body, active) in [
        (json!({ "active": false }), false),
        (json!({ "active": true }), true),
        (
            json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] }),
            false,
        ),
        (
            json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "True" }] }),
            true,
        ),
        (
            json!({ "Operations": [{ "op": "replace", "value": { "active": false } }] }),
            false,
        ),
    ] {
        let changed = client.call("PATCH", &path, body.clone()).await;
        assert_eq!(changed.status, 200, "{body} {changed:?}");
        assert_eq!(changed.body.unwrap()["active"], json!(active));
        assert_eq!(is_active().await, active, "{body}");
    }
    // Nothing to change is no change.
    let again = client.call("PATCH", &path, json!({ "active": false })).await;
    assert_eq!((again.status, again.revision), (200, None));
}

/// SCIM-008: what is absent is blank afterwards.
#[tokio::test]
async fn replacing() {
    let client = Client::new().await;
    let mut full = user("jane");
    full["name"] = json!({ "formatted": "Jane Doe", "familyName": "Doe" });
    full["displayName"] = json!("JD");
    full["externalId"] = json!("7");
    let id = id(&client.post("/Users", full).await);
    let path = format!("/Users/{id}");
    client.call("PATCH", &path, json!({ "active": false })).await;
    let replaced = body(client.put(&path, json!({ "userName": "jane" })).await);
    for blank in ["name", "displayName", "externalId", "emails"] {
        assert_eq!(replaced.get(blank), None, "{blank}");
    }
    // What nobody said does not let anybody in.
    assert_eq!(replaced["active"], json!(false));
    let directory = client.world.directory().await;
    assert_eq!(directory.account_by_name("jane").unwrap().full_name, "");
    assert_eq!(
        refusal(&client.put(&path, json!({})).await),
        (400, "invalidValue".to_owned())
    );
    assert_eq!(client.put("/Users/x", user("x")).await.status, 404);
}

/// Deleting leaves nothing, and a second time finds nothing.
#[tokio::test]
async fn deleting() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let group = client.group("dev", &[&id]).await;
    let path = format!("/Users/{id}");
    let deleted = client.delete(&path).await;
    assert_eq!((deleted.status, &deleted.body), (204, &None));
    assert_eq!(deleted.deleted_user.unwrap().as_str(), id);
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let answer = client.call(method, &path, user("jane")).await;
        assert_eq!(refusal(&answer).0, 404, "{method}");
    }
    assert!(client.members(&group).await.is_empty());
    assert_eq!(client.user("jane").await.len(), id.len());
}

/// SCIM-015: the type of SCIM and plain JSON are taken.
#[tokio::test]
async fn types_of_bodies() {
    let client = Client::new().await;
    for (number, content_type) in [
        MEDIA_TYPE,
        "application/json",
        "Application/SCIM+JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ]
    .into_iter()
    .enumerate()
    {
        let headers = Headers {
            content_type: Some(content_type),
            ..Headers::default()
        };
        let body = user(&format!("u{number}")).to_string();
        let answer = client.send("POST", "/Users", body.as_bytes(), headers).await;
        assert_eq!(answer.status, 201, "{content_type}");
    }
}
