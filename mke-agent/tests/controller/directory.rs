//! A control plane with real LDAP directory servers: settings, logins, and what people from there may not do.

use mke_test_support::READER_PASSWORD;
use serde_json::{Value, json};

use crate::joined::{Joined, SETTINGS};
use crate::support::directory::{Directories, SECRET, group, members_of, person};
use crate::support::{ADMIN, Controller, PASSWORD};

/// LDAP-001, LDAP-012, LDAP-013, LDAP-014, LDAP-015, LDAP-019, LDAP-022: from the settings to a login of somebody whom a
/// synchronisation made.
#[tokio::test]
async fn a_directory_is_joined() {
    let directories = Directories::start();
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let settings = directories.settings(false);

    let test = async |name: &str, password: &str| {
        let body = json!({ "config": settings, "username": name, "password": password });
        let path = "/api/ucp/config/auth/ldap/test-login";
        admin.post(path, body).await.ok()
    };
    for name in ["jane", "bob@example.com", "carol"] {
        let report = test(name, SECRET).await;
        assert_eq!(report["ok"], true, "{report}");
    }
    for (name, password) in [
        ("jane", "wrong"),
        ("nobody", SECRET),
        ("outsider", SECRET),
        ("jane", ""),
    ] {
        let report = test(name, password).await;
        assert_eq!(report["ok"], false, "{report}");
    }
    assert!(
        !admin.get(SETTINGS).await.text().contains("subsidiary"),
        "nothing was saved by that"
    );

    let saved = admin
        .put("/api/ucp/config/auth/ldap", settings.clone())
        .await
        .ok();
    for shown in [saved, admin.get(SETTINGS).await.ok()] {
        assert_eq!(shown["serverURL"], settings["serverURL"]);
        assert_eq!(
            shown["additionalDomains"][1]["domain"],
            "dc=subsidiary2,dc=subsidiary1,dc=com"
        );
        assert!(!shown.to_string().contains(READER_PASSWORD));
    }
    let joined = Joined {
        directories,
        controller,
        admin,
    };
    let tried = joined.job(json!({ "dryRun": true })).await;
    assert_eq!(
        (&tried["status"], &tried["counts"]["created"]),
        (&json!("done"), &json!(8))
    );
    assert!(
        joined
            .log(&tried)
            .await
            .contains("create jane (uid=jane,ou=people,dc=example,dc=com)")
    );
    assert!(!joined.exists("jane").await, "a dry run changes nothing");
    assert_eq!(
        joined.try_login("jane", SECRET).await,
        401,
        "LDAP is not switched on yet"
    );

    let on = joined.switch(json!({ "backend": "ldap" })).await.ok();
    assert_eq!(
        (&on["backend"], &on["samlEnabled"]),
        (&json!("ldap"), &json!(false))
    );
    let done = joined.sync().await;
    assert_eq!(done["counts"]["created"], 8);
    let jane = joined.account("jane").await;
    for (key, value) in [
        ("fullName", json!("Full jane")),
        ("isImported", json!(true)),
        ("onDemand", json!(false)),
        ("isActive", json!(true)),
        ("isAdmin", json!(false)),
    ] {
        assert_eq!(jane[key], value, "{key}");
    }
    assert_eq!(joined.account("alice").await["isAdmin"], true);
    for name in ["jane", "bob@example.com", "carol"] {
        let client = joined.login(name).await;
        assert_eq!(client.get("/id/").await.ok()["name"], name);
    }
    assert_eq!(joined.try_login("jane", "wrong").await, 401);
    assert_eq!(joined.try_login("outsider", SECRET).await, 401);
    assert_eq!(
        joined.try_login(ADMIN, PASSWORD).await,
        200,
        "accounts kept here go on to work"
    );

    let alice = joined.login("alice").await;
    alice.get("/enzi/v0/jobs").await.ok();
    joined.directories.main.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: member\nmember: {}\n",
        group("platform-admins"),
        person("kim")
    ));
    joined.sync().await;
    assert_eq!(joined.account("alice").await["isAdmin"], false);
    assert_eq!(joined.account("kim").await["isAdmin"], true);
    assert_eq!(
        joined.account(ADMIN).await["isAdmin"],
        true,
        "the recovery administrator stays"
    );
    assert_eq!(
        alice.get("/enzi/v0/jobs").await.status,
        403,
        "her session has lost it too"
    );
}

/// LDAP-017: with accounts made at the first login, nobody has one before, and Basic authentication makes one too.
/// LDAP-016, ldap-19: who is gone from the directory loses account, session and bundle with the next synchronisation.
#[tokio::test]
async fn first_logins_and_last_ones() {
    let joined = Joined::new(true).await;
    let team = joined.team("web").await;
    joined
        .admin
        .put(&format!("{team}/memberSyncConfig"), members_of("web"))
        .await
        .ok();
    joined.sync().await;
    assert!(!joined.exists("jane").await);

    let level = json!({ "auditLevel": "metadata" });
    joined.admin.put("/api/ucp/config/logging", level).await.ok();
    let request = joined.controller.anonymous().request("GET", "/enzi/v0/jobs");
    let basic = joined.admin.send(request.basic_auth("alice", Some(SECRET))).await;
    assert_eq!(
        basic.status,
        200,
        "an administrator from her first request on: {}",
        basic.text()
    );
    assert_eq!(joined.account("alice").await["onDemand"], true);
    let made = |record: &Value| record["audit"]["metadata"]["change"] == "create";
    let record = joined.controller.audit.records().into_iter().find(made).unwrap();
    assert_eq!(record["audit"]["metadata"]["source"], "ldap");
    assert_eq!(record["audit"]["user"]["username"], "alice");

    let jane = joined.login("jane").await;
    assert_eq!(
        joined.members(&team).await,
        ["jane"],
        "her first login brings her teams"
    );
    for name in ["joe", "kim", "lee", "max", "carol"] {
        joined.login(name).await;
    }
    let certified = joined
        .controller
        .with_certificate(&jane.bundle().await.identity());
    certified.get("/id/").await.ok();

    joined.directories.remove("jane");
    assert_eq!(joined.try_login("jane", SECRET).await, 401);
    assert_eq!(
        jane.get("/id/").await.status,
        200,
        "until the directory is read anew"
    );
    let level = json!({ "auditLevel": "metadata" });
    joined.admin.put("/api/ucp/config/logging", level).await.ok();
    joined.controller.audit.clear();
    let job = joined.sync().await;
    assert_eq!(job["counts"]["deactivated"], 1, "{job}");
    assert_eq!(joined.account("jane").await["isActive"], false);
    assert_eq!(jane.get("/id/").await.status, 401, "her session is dead");
    assert_eq!(certified.get("/id/").await.status, 401, "her bundle is dead");

    // Each change says where it comes from.
    let id = joined.account("jane").await["id"].clone();
    let change = |record: &Value| record["audit"]["metadata"]["change"] == "deactivate";
    let record = joined
        .controller
        .audit
        .records()
        .into_iter()
        .find(change)
        .unwrap();
    let record = &record["audit"];
    assert_eq!(record["metadata"]["source"], "ldap");
    assert_eq!(record["metadata"]["objectIDs"], json!([id]));
    assert_eq!(record["user"]["username"], ADMIN);
    assert_eq!(record["auditID"], job["id"]);
}

/// AUTH-008: somebody from the directory has no password here, whoever asks.
#[tokio::test]
async fn passwords_stay_in_the_directory() {
    let joined = Joined::new(true).await;
    let jane = joined.login("jane").await;
    for client in [&jane, &joined.admin] {
        let body = json!({ "oldPassword": SECRET, "newPassword": "a password here" });
        let answer = client.post("/accounts/jane/changePassword", body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(
            answer.text().contains("change its password there"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(joined.try_login("jane", "a password here").await, 401);
    assert_eq!(joined.try_login("jane", SECRET).await, 200);
}

/// AUTH-010, SAML-006, LDAP-023: LDAP and SAML exclude each other; accounts kept here log in with either, and after LDAP is
/// switched off.
#[tokio::test]
async fn back_ends() {
    let joined = Joined::new(true).await;
    joined.controller.user(&joined.admin, "local").await;
    let both = joined.switch(json!({ "samlEnabled": true })).await;
    assert_eq!(both.status, 400, "{}", both.text());
    assert_eq!(joined.try_login("local", PASSWORD).await, 200);
    assert_eq!(joined.try_login("jane", SECRET).await, 200);

    for fallback in ["", "local", "jane", "nobody"] {
        let off = json!({ "managedPasswordDisabled": true, "managedPasswordFallbackUser": fallback });
        let refused = joined.switch(off).await;
        assert_eq!(
            refused.status,
            400,
            "`{fallback}` cannot set things right: {}",
            refused.text()
        );
    }
    let off = json!({ "managedPasswordDisabled": true, "managedPasswordFallbackUser": ADMIN });
    joined.switch(off).await.ok();
    assert_eq!(joined.try_login("local", PASSWORD).await, 401);
    assert_eq!(joined.try_login(ADMIN, PASSWORD).await, 200);
    assert_eq!(joined.try_login("jane", SECRET).await, 200);

    let managed = json!({ "backend": "managed", "managedPasswordDisabled": false });
    joined.switch(managed).await.ok();
    assert_eq!(joined.try_login("local", PASSWORD).await, 200);
    assert_eq!(joined.try_login("jane", SECRET).await, 401);
    let refused = joined
        .admin
        .post("/enzi/v0/jobs", json!({ "action": "ldap-sync" }))
        .await;
    assert_eq!(refused.status, 409, "{}", refused.text());
}

/// LDAP-020: when a server cannot be reached, the synchronisation fails and changes nothing, and only people of the
/// directory cannot log in.
#[tokio::test]
async fn a_server_is_down() {
    let mut joined = Joined::new(false).await;
    joined.sync().await;
    joined.directories.remove("lee");
    joined.directories.subsidiary.stop();
    let job = joined.job(json!({})).await;
    assert_eq!(job["status"], "failed", "{job}");
    assert!(
        job["error"].as_str().unwrap().contains("nothing was changed"),
        "{job}"
    );
    assert_eq!(joined.account("lee").await["isActive"], true);
    assert_eq!(joined.account("bob@example.com").await["isActive"], true);
    assert_eq!(joined.try_login("bob@example.com", SECRET).await, 401);
    assert_eq!(joined.try_login("jane", SECRET).await, 200, "her server is up");
    joined.directories.main.stop();
    assert_eq!(joined.try_login("jane", SECRET).await, 401);
    assert_eq!(joined.try_login(ADMIN, PASSWORD).await, 200);
    joined.directories.main.restart();
    joined.directories.subsidiary.restart();
    let job = joined.sync().await;
    assert_eq!(job["counts"]["deactivated"], 1, "{job}");
}

/// An administrator makes the account of somebody in the directory before the first login.
#[tokio::test]
async fn accounts_by_searching_the_directory() {
    let joined = Joined::new(true).await;
    let made = joined
        .admin
        .post("/accounts", json!({ "name": "jane", "searchLDAP": true }))
        .await
        .created();
    assert_eq!(
        (&made["fullName"], &made["isImported"], &made["onDemand"]),
        (&json!("Full jane"), &json!(true), &json!(false))
    );
    for (body, status) in [
        (json!({ "name": "jane", "searchLDAP": true }), 409),
        (json!({ "name": "nobody", "searchLDAP": true }), 400),
        (json!({ "name": "outsider", "searchLDAP": true }), 400),
        (json!({ "name": "*", "searchLDAP": true }), 400),
        (
            json!({ "name": "joe", "searchLDAP": true, "password": "a password here" }),
            400,
        ),
    ] {
        let answer = joined.admin.post("/accounts", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let jane = joined.login("jane").await;
    assert_eq!(jane.get("/id").await.ok()["id"], made["id"]);
}

/// ldap-17: the reader's password comes back in no answer, error, audit record or job log.
#[tokio::test]
async fn sec_ldap_17_the_readers_password() {
    let mut joined = Joined::new(true).await;
    let reader = joined.directories.main.reader();
    let body = json!({ "username": "jane", "password": "wrong" });
    let mut seen = vec![
        joined.admin.get(SETTINGS).await.text(),
        joined.admin.get("/api/ucp/config-toml").await.text(),
        joined
            .admin
            .post("/enzi/v0/config/auth/ldap/test-login", body.clone())
            .await
            .text(),
    ];
    joined.directories.main.stop();
    seen.push(
        joined
            .admin
            .post("/enzi/v0/config/auth/ldap/test-login", body)
            .await
            .text(),
    );
    let job = joined.job(json!({})).await;
    seen.push(job.to_string());
    seen.push(joined.log(&job).await);
    seen.push(joined.controller.audit.text());
    for text in seen {
        assert!(!text.contains(READER_PASSWORD), "{text}");
    }
    assert!(!reader.contains(READER_PASSWORD));
}

/// ldap-20, ldap-18: headers about forwarded addresses make nobody another source, so guesses are slowed down however they
/// are dressed up, before the directory is asked; a stranger's guesses do not lock the entry there.
#[tokio::test]
async fn sec_ldap_20_forwarded_addresses() {
    let joined = Joined::new(true).await;
    let guess = async |number: usize, name: &str| {
        let body = json!({ "username": name, "password": "a guess" });
        let client = joined.controller.anonymous();
        let mut request = client.request("POST", "/auth/login").body(body.to_string());
        for header in [
            "x-forwarded-for",
            "x-real-ip",
            "forwarded",
            "x-client-ip",
            "true-client-ip",
        ] {
            request = request.header(header, format!("198.51.100.{number}"));
        }
        client.send(request).await.status
    };
    let binds = || {
        joined
            .directories
            .main
            .settled_log()
            .matches("BIND dn=\"uid=jane")
            .count()
    };
    let mut answers = Vec::new();
    for number in 0..20 {
        let name = if number % 2 == 0 { "jane" } else { "JANE" };
        answers.push(guess(number, name).await);
    }
    let (asked, refused) = answers.split_at(11);
    assert!(asked.iter().all(|status| *status == 401), "{answers:?}");
    assert!(refused.iter().all(|status| *status == 429), "{answers:?}");
    let seen = binds();
    assert!(
        seen > 0 && seen <= 11 * 2,
        "the directory saw {seen} of 20 guesses"
    );
    guess(200, "jane").await;
    assert_eq!(binds(), seen, "a guess that is refused does not reach it");
}
