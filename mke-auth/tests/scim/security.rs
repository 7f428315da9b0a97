//! What a client with a token, or a stranger, must not be able to do. Named after the security cases.

use mke_auth::accounts::{NewTeam, NewUser, UserChange};
use mke_auth::records::{Origin, Source};
use mke_auth::scim::MAX_BODY;
use mke_core::ids::AccountId;
use serde_json::{Value, json};

use crate::client::{Client, Headers, body, group, id, refusal, user};
use crate::support::rng;

/// scim-03: what the client calls a resource is text and no more.
#[tokio::test]
async fn sec_scim_03_external_ids_are_opaque() {
    let client = Client::new().await;
    let admin = client.world.admin.clone();
    for (number, (sent, kept)) in [
        (json!(1), "1"),
        (json!(-1.5), "-1.5"),
        (json!(admin.as_str()), admin.as_str()),
        (json!("../../accounts/x"), "../../accounts/x"),
        (json!("%2F%00"), "%2F%00"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut new = user(&format!("u{number}"));
        new["externalId"] = sent.clone();
        let made = client.post("/Users", new).await;
        let id = id(&made);
        assert_ne!(id, kept);
        assert_eq!(
            body(client.get(&format!("/Users/{id}")).await)["externalId"],
            kept
        );
        let keys = client.world.keys_below("/mke/").await;
        assert!(kept == admin.as_str() || keys.iter().all(|key| !key.ends_with(&format!("/{kept}"))));
    }
    // The same one twice is the client's matter; it moves nothing.
    let mut twice = user("twice");
    twice["externalId"] = json!("1");
    assert_eq!(client.post("/Users", twice).await.status, 201);
    for (length, status) in [(1024, 201), (1025, 400)] {
        let mut new = user(&format!("l{length}"));
        new["externalId"] = json!("x".repeat(length));
        assert_eq!(client.post("/Users", new).await.status, status);
    }
    assert_eq!(refusal(&client.get(&format!("/Users/{admin}")).await).0, 404);
}

/// An account of each kind that SCIM does not keep.
async fn others(client: &Client) -> Vec<AccountId> {
    let accounts = &client.world.accounts;
    let mut ids = vec![
        client.world.admin.clone(),
        client.world.user("boss@example.com").await.id,
    ];
    for (name, source) in [("by-ldap", Source::Ldap), ("by-saml", Source::Saml)] {
        let origin = Origin::new(source, format!("{name}@corp.example"));
        let (account, _) = accounts
            .create_user(NewUser::imported(name, origin), &mut rng())
            .await
            .unwrap();
        ids.push(account.id);
    }
    ids
}

/// scim-04: names and addresses of accounts from elsewhere are taken, and nothing is adopted.
#[tokio::test]
async fn sec_scim_04_nothing_is_adopted() {
    let client = Client::new().await;
    let ids = others(&client).await;
    let before = client.world.directory().await;
    let address = |name: &str, address: &str| json!({ "userName": name, "emails": [{ "value": address }] });
    for taken in [
        user("admin"),
        user("ADMIN"),
        user("boss@example.com"),
        user("by-ldap"),
        user("by-saml"),
        address("new", "boss@example.com"),
        address("new", "Boss@Example.com"),
        address("new", "by-saml@corp.example"),
    ] {
        let answer = client.post("/Users", taken.clone()).await;
        assert_eq!(refusal(&answer), (409, "uniqueness".to_owned()), "{taken}");
    }
    let jane = client.user("jane").await;
    for change in [
        json!([{ "op": "replace", "path": "userName", "value": "admin" }]),
        json!([{ "op": "replace", "path": "emails", "value": [{ "value": "boss@example.com" }] }]),
    ] {
        let answer = client.patch(&format!("/Users/{jane}"), change.clone()).await;
        assert_eq!(refusal(&answer), (409, "uniqueness".to_owned()), "{change}");
    }
    let after = client.world.directory().await;
    for id in &ids {
        assert_eq!(before.account(id), after.account(id));
    }
}

/// scim-05: what SCIM did not make is answered like what does not exist, by every method.
#[tokio::test]
async fn sec_scim_05_others_do_not_exist() {
    let client = Client::new().await;
    let ids = others(&client).await;
    let before = client.world.directory().await;
    let new = NewTeam {
        name: "team".to_owned(),
        description: String::new(),
    };
    let everyone = client.world.everyone.clone();
    let (team, _) = client
        .world
        .accounts
        .create_team(&everyone, new, &mut rng())
        .await
        .unwrap();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let users = ids.iter().map(|id| ("Users", id.as_str(), user("x")));
    let groups = [("Groups", team.id.as_str(), group("x", &[]))];
    for (kind, id, sent) in users
        .chain(groups)
        .chain([("Users", everyone.as_str(), user("x"))])
    {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let answer = client.call(method, &format!("/{kind}/{id}"), sent.clone()).await;
            let absent = client
                .call(method, &format!("/{kind}/{unknown}"), sent.clone())
                .await;
            assert_eq!(answer.status, 404, "{method} {kind} {id}");
            let text = |answer: &mke_auth::scim::Response, id: &str| {
                answer.body.as_ref().unwrap().to_string().replace(id, "ID")
            };
            assert_eq!(text(&answer, id), text(&absent, unknown));
        }
    }
    assert_eq!(body(client.get("/Users").await)["totalResults"], 0);
    assert_eq!(body(client.get("/Groups").await)["totalResults"], 0);
    let after = client.world.directory().await;
    for id in &ids {
        assert_eq!(before.account(id), after.account(id));
    }
    assert!(after.team(&team.id).is_some());
}

/// scim-06: nobody becomes an administrator, no local account changes, the last administrator stays.
#[tokio::test]
async fn sec_scim_06_no_way_to_administrators() {
    let client = Client::new().await;
    let mut new = user("jane");
    for (name, value) in [
        ("isAdmin", json!(true)),
        ("is_admin", json!(true)),
        ("roles", json!([{ "value": "admin" }])),
        ("entitlements", json!(["admin"])),
        ("userType", json!("admin")),
    ] {
        new[name] = value;
    }
    let id = id(&client.post("/Users", new.clone()).await);
    client.put(&format!("/Users/{id}"), new).await;
    let answer = client
        .patch(
            &format!("/Users/{id}"),
            json!([{ "op": "replace", "path": "isAdmin", "value": true }]),
        )
        .await;
    assert_eq!(refusal(&answer), (400, "invalidPath".to_owned()));
    let directory = client.world.directory().await;
    let account = directory.account_by_name("jane").unwrap();
    assert!(!account.user().unwrap().is_admin);

    // An administrator may make it one; then it is the last, and SCIM cannot take that away.
    let accounts = &client.world.accounts;
    let promote = UserChange {
        is_admin: Some(true),
        ..UserChange::default()
    };
    accounts.update_account(&account.id, &promote).await.unwrap();
    let demote = UserChange {
        is_admin: Some(false),
        ..UserChange::default()
    };
    accounts
        .update_account(&client.world.admin, &demote)
        .await
        .unwrap();
    for (method, sent) in [("PATCH", json!({ "active": false })), ("DELETE", Value::Null)] {
        let answer = client.call(method, &format!("/Users/{id}"), sent).await;
        assert_eq!(refusal(&answer).0, 409, "{method}");
    }
    let mut off = user("jane");
    off["active"] = json!(false);
    assert_eq!(refusal(&client.put(&format!("/Users/{id}"), off).await).0, 409);
    let directory = client.world.directory().await;
    assert!(directory.account_by_name("jane").unwrap().is_active_admin());
}

/// scim-07: another name or address is still the same account, and a new user of the old name is another.
#[tokio::test]
async fn sec_scim_07_renaming_moves_nothing() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let group = client.group("dev", &[&id]).await;
    let account = AccountId::from(id.as_str());
    let directory = client.world.directory().await;
    let login = client
        .world
        .logins
        .begin_trusted(
            directory.account(&account).unwrap(),
            "test",
            &client.world.settings,
            &mut rng(),
        )
        .await
        .unwrap();
    let path = format!("/Users/{id}");
    let renamed = client
        .patch(
            &path,
            json!([
                { "op": "replace", "path": "userName", "value": "Janet" },
                { "op": "replace", "path": "emails", "value": [{ "value": "janet@example.com" }] },
            ]),
        )
        .await;
    assert_eq!(body(renamed)["id"], json!(id));
    let namesake = client.user("jane").await;
    assert_ne!(namesake, id);
    let directory = client.world.directory().await;
    assert_eq!(directory.account_by_name("janet").unwrap().id, account);
    assert_eq!(directory.sessions_of(&account).count(), 1);
    assert_eq!(
        directory.sessions_of(&AccountId::from(namesake.as_str())).count(),
        0
    );
    assert!(login.identity.is_live(&directory));
    assert_eq!(client.members(&group).await, [id]);
    assert_eq!(
        client
            .patch(
                &path,
                json!([{ "op": "replace", "path": "userName", "value": "JANE" }])
            )
            .await
            .status,
        409
    );
}

/// scim-08: all spellings of false end sessions in the same transaction.
#[tokio::test]
async fn sec_scim_08_inactive_ends_sessions() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let account = AccountId::from(id.as_str());
    for off in [json!(false), json!("False"), json!("false")] {
        let path = format!("/Users/{id}");
        client
            .patch(
                &path,
                json!([{ "op": "replace", "path": "active", "value": true }]),
            )
            .await;
        let directory = client.world.directory().await;
        let login = client
            .world
            .logins
            .begin_trusted(
                directory.account(&account).unwrap(),
                "test",
                &client.world.settings,
                &mut rng(),
            )
            .await
            .unwrap();
        let changed = client
            .patch(
                &path,
                json!([{ "op": "Replace", "path": "active", "value": off }]),
            )
            .await;
        assert_eq!(changed.status, 200, "{off}");
        let directory = client.world.directory().await;
        assert_eq!(directory.sessions_of(&account).count(), 0, "{off}");
        assert!(!login.identity.is_live(&directory));
    }
}

/// scim-09: one bad operation, and none is done.
#[tokio::test]
async fn sec_scim_09_changes_are_all_or_nothing() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let path = format!("/Users/{id}");
    let fine = json!({ "op": "replace", "path": "displayName", "value": "changed" });
    for bad in [
        json!({ "op": "move", "path": "displayName", "value": "x" }),
        json!({ "op": 1, "path": "displayName", "value": "x" }),
        json!({ "op": "remove" }),
        json!({ "op": "remove", "value": { "displayName": "x" } }),
        json!({ "op": "replace", "value": "x" }),
        json!({ "op": "replace", "path": "displayName" }),
        json!({ "op": "replace", "path": "nothing", "value": "x" }),
        json!({ "op": "replace", "path": "emails[type eq", "value": "x" }),
        json!({ "op": "replace", "path": "emails[nothing eq \"x\"]", "value": {} }),
        json!({ "op": "replace", "path": "emails[type eq \"none\"].value", "value": "x" }),
        json!({ "op": "replace", "path": "id", "value": "x" }),
        json!({ "op": "replace", "path": "meta.version", "value": "x" }),
        json!({ "op": "remove", "path": "userName" }),
        json!({ "op": "remove", "path": "active" }),
        json!({ "op": "remove", "path": "emails" }),
        json!({ "op": "replace", "path": 7, "value": "x" }),
        json!("remove"),
    ] {
        let answer = client.patch(&path, json!([fine, bad, fine])).await;
        assert_eq!(refusal(&answer).0, 400, "{bad}");
    }
    for bad in [
        json!([]),
        json!("add"),
        Value::Null,
        json!(vec![fine.clone(); 10_000]),
        json!(vec![fine.clone(); 1001]),
    ] {
        assert_eq!(refusal(&client.patch(&path, bad).await).0, 400);
    }
    assert_eq!(body(client.get(&path).await).get("displayName"), None);
    assert_eq!(client.patch(&path, json!(vec![fine; 1000])).await.status, 200);
}

/// scim-12: the values of the RFC, and a bound.
#[tokio::test]
async fn sec_scim_12_pages_are_bounded() {
    let client = Client::new().await;
    for number in 0..3 {
        client.user(&format!("u{number}")).await;
    }
    for (query, start, items) in [
        ("count=-1", 1, 0),
        ("count=0", 1, 0),
        ("count=1000000000", 1, 3),
        ("count=9223372036854775807", 1, 3),
        ("startIndex=0", 1, 3),
        ("startIndex=-9223372036854775808", 1, 3),
        ("startIndex=3", 3, 1),
        ("startIndex=2&count=1", 2, 1),
    ] {
        let page = body(client.get(&format!("/Users?{query}")).await);
        assert_eq!(page["totalResults"], 3, "{query}");
        assert_eq!(
            (&page["startIndex"], &page["itemsPerPage"]),
            (&json!(start), &json!(items)),
            "{query}"
        );
    }
    for bad in [
        "count=x",
        "startIndex=1.5",
        "count=99999999999999999999",
        "count=1&count=2",
    ] {
        assert_eq!(
            refusal(&client.get(&format!("/Users?{bad}")).await).0,
            400,
            "{bad}"
        );
    }
    client.users((3..1100).map(|number| format!("u{number}"))).await;
    let page = body(client.get("/Users?count=1000000000&attributes=userName").await);
    assert_eq!(
        (&page["totalResults"], &page["itemsPerPage"]),
        (&json!(1100), &json!(1000))
    );
}

/// scim-13: an old version changes nothing, whoever made the new one; concurrent changes keep every member.
#[tokio::test]
async fn sec_scim_13_nothing_is_lost() {
    let client = Client::new().await;
    let jane = client.user("jane").await;
    let group_id = client.group("dev", &[]).await;
    for (path, change) in [
        (format!("/Users/{jane}"), json!({ "displayName": "x" })),
        (
            format!("/Groups/{group_id}"),
            json!({ "members": [{ "value": jane }] }),
        ),
    ] {
        let old = client.get(&path).await.etag.unwrap();
        let with = async |method: &str, version: &str, sent: &Value| {
            let headers = Headers {
                content_type: Some("application/scim+json"),
                if_match: Some(version),
                ..Headers::default()
            };
            client
                .send(method, &path, sent.to_string().as_bytes(), headers)
                .await
        };
        let changed = with("PATCH", &old, &change).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_ne!(changed.etag.as_deref(), Some(old.as_str()));
        for method in ["PUT", "PATCH", "DELETE"] {
            let sent = if path.starts_with("/Users") {
                user("other")
            } else {
                group("other", &[])
            };
            assert_eq!(refusal(&with(method, &old, &sent).await).0, 412, "{method}");
        }
        let shown = client.get(&path).await;
        assert_eq!(shown.etag, changed.etag);
    }
    // A change by an administrator counts too.
    let old = client.get(&format!("/Users/{jane}")).await.etag;
    let off = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    client
        .world
        .accounts
        .update_account(&AccountId::from(jane.as_str()), &off)
        .await
        .unwrap();
    assert_ne!(client.get(&format!("/Users/{jane}")).await.etag, old);

    let mut users = Vec::new();
    for number in 0..12 {
        users.push(client.user(&format!("m{number}")).await);
    }
    let group_id = client.group("crowd", &[]).await;
    let path = format!("/Groups/{group_id}");
    let adding = users.iter().map(|user| {
        client.patch(
            &path,
            json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]),
        )
    });
    for answer in futures_util::future::join_all(adding).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    users.sort();
    assert_eq!(client.members(&group_id).await, users);
}

/// scim-14: no list of attributes shows what is no attribute.
#[tokio::test]
async fn sec_scim_14_nothing_else_is_shown() {
    let client = Client::new().await;
    let id = client.user("jane").await;
    let wanted = "password,passwordVersion,is_admin,otp,totp,kind,origin,created,passwordHash,*";
    let allowed = ["schemas", "id", "meta", "userName", "active", "emails"];
    for query in [
        String::new(),
        format!("?attributes={wanted}"),
        format!("?excludedAttributes=id,schemas,{wanted}"),
    ] {
        let shown = body(client.get(&format!("/Users/{id}{query}")).await);
        let shown = shown.as_object().unwrap();
        assert!(
            shown.keys().all(|name| allowed.contains(&name.as_str())),
            "{shown:?}"
        );
        assert!(shown.contains_key("id") && shown.contains_key("schemas"));
    }
}

/// scim-16: a team of the name that a group would get stays what it is.
#[tokio::test]
async fn sec_scim_16_teams_are_not_taken_over() {
    let client = Client::new().await;
    let everyone = client.world.everyone.clone();
    for name in ["dev", "ops_SCIM"] {
        let new = NewTeam {
            name: name.to_owned(),
            description: "mine".to_owned(),
        };
        client
            .world
            .accounts
            .create_team(&everyone, new, &mut rng())
            .await
            .unwrap();
    }
    let before = client.world.directory().await;
    let made = client.group("dev", &[]).await;
    let directory = client.world.directory().await;
    assert_eq!(
        directory.resolve_team(&everyone, "dev_SCIM").unwrap().id.as_str(),
        made
    );
    for (method, path) in [("POST", "/Groups".to_owned()), ("PUT", format!("/Groups/{made}"))] {
        let answer = client.call(method, &path, group("ops", &[])).await;
        assert_eq!(refusal(&answer), (409, "uniqueness".to_owned()), "{method}");
    }
    let after = client.world.directory().await;
    for name in ["dev", "ops_SCIM"] {
        assert_eq!(
            before.resolve_team(&everyone, name),
            after.resolve_team(&everyone, name)
        );
    }
}

/// scim-17: there are no bulk operations, circular or not.
#[tokio::test]
async fn sec_scim_17_no_bulk() {
    let client = Client::new().await;
    let operations: Vec<Value> = (0..1000)
        .map(|number| {
            json!({ "method": "POST", "path": "/Groups", "bulkId": format!("b{number}"), "data": {
                "displayName": format!("g{number}"),
                "members": [{ "value": format!("bulkId:b{}", (number + 1) % 1000) }],
            } })
        })
        .collect();
    let answer = client.post("/Bulk", json!({ "Operations": operations })).await;
    assert_eq!(refusal(&answer).0, 501);
    assert_eq!(body(client.get("/Groups").await)["totalResults"], 0);
}

/// scim-18: bodies of other types, in other character sets, compressed or too large.
#[tokio::test]
async fn sec_scim_18_other_bodies() {
    let client = Client::new().await;
    let plain = user("jane").to_string();
    for (content_type, encoding) in [
        (None, None),
        (Some(""), None),
        (Some("text/plain"), None),
        (Some("application/x-www-form-urlencoded"), None),
        (Some("application/scim+json; charset=utf-16"), None),
        (Some("application/json; charset=utf-7"), None),
        (Some("application/json; charset=utf-8; charset=utf-7"), None),
        (Some("application/jsonp"), None),
        (Some("application/scim+json"), Some("gzip")),
        (Some("application/scim+json"), Some("identity, gzip")),
    ] {
        let headers = Headers {
            content_type,
            content_encoding: encoding,
            ..Headers::default()
        };
        let answer = client.send("POST", "/Users", plain.as_bytes(), headers).await;
        assert_eq!(refusal(&answer).0, 415, "{content_type:?} {encoding:?}");
    }
    let headers = Headers {
        content_type: Some("application/scim+json"),
        ..Headers::default()
    };
    let large = format!("{plain}{}", " ".repeat(MAX_BODY));
    assert_eq!(
        client
            .send("POST", "/Users", large.as_bytes(), headers)
            .await
            .status,
        413
    );
    for bytes in [
        &b"\xff\xfe{\0}\0"[..],
        b"\x1f\x8b\x08\0\0",
        b"{\"userName\":\"\xff\"}",
    ] {
        assert_eq!(client.send("POST", "/Users", bytes, headers).await.status, 400);
    }
    assert_eq!(body(client.get("/Users").await)["totalResults"], 0);
}
