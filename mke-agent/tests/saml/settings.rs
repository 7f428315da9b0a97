//! Settings: metadata of both sides, refreshes, bundles.

use serde_json::json;

use crate::fixture::{ENTITY, Signer, metadata};
use crate::support::until;
use crate::world::{MetadataServer, World, answer_to, encoded, token};

/// SAML-001, SAML-008: the metadata exists while SAML is on, at the address that it names.
#[tokio::test]
async fn metadata_of_this_cluster() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.get("/enzi/v0/saml/metadata").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains(&format!("entityID=\"{ENTITY}\"")));
    assert!(page.body.contains("AuthnRequestsSigned=\"true\""));
    assert!(
        page.body
            .contains("Location=\"https://mke.example.com/enzi/v0/saml/acs\"")
    );
    assert!(
        page.body
            .contains("bindings:HTTP-POST\" Location=\"https://mke.example.com/enzi/v0/saml/acs\"")
    );
    assert!(
        !page
            .body
            .contains("bindings:HTTP-Redirect\" Location=\"https://mke.example.com/enzi/v0/saml/acs\"")
    );
    for (host, shown) in [
        (
            "mke.example.com:6443",
            "https://mke.example.com:6443/enzi/v0/saml/metadata",
        ),
        (
            "https://mke.example.com/",
            "https://mke.example.com/enzi/v0/saml/metadata",
        ),
        ("192.0.2.7", "https://192.0.2.7/enzi/v0/saml/metadata"),
    ] {
        world
            .controller
            .configure(&world.admin, |config| {
                config.auth.saml.sp_host = Some(host.to_owned())
            })
            .await;
        let page = browser.get("/enzi/v0/saml/metadata").await;
        assert!(page.body.contains(&format!("entityID=\"{shown}\"")), "{host}");
    }
    world
        .controller
        .configure(&world.admin, |config| config.auth.saml_enabled = false)
        .await;
    for path in [
        "/enzi/v0/saml/metadata",
        "/enzi/v0/saml/login",
        "/enzi/v0/saml/logout",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    assert_eq!(
        browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", "AAAA")])
            .await
            .status,
        404
    );
}

/// SAML-006: LDAP and SAML exclude each other.
#[tokio::test]
async fn ldap_and_saml_exclude_each_other() {
    let world = World::start().await;
    let answer = world
        .admin
        .put("/enzi/v0/config/auth", json!({ "backend": "ldap" }))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("samlEnabled"));
}

/// SAML-007: what the button says.
#[tokio::test]
async fn the_button() {
    let world = World::start().await;
    let anonymous = world.controller.anonymous();
    let button = anonymous.get("/enzi/v0/saml/button").await.ok();
    assert_eq!(
        (&button["enabled"], &button["text"]),
        (&json!(true), &json!("Sign in with SAML"))
    );
    world
        .controller
        .configure(&world.admin, |config| {
            config.auth.saml_login_text = "Use the badge".into()
        })
        .await;
    assert_eq!(
        anonymous.get("/enzi/v0/saml/button").await.ok()["text"],
        "Use the badge"
    );
    world
        .controller
        .configure(&world.admin, |config| config.auth.saml_login_text = String::new())
        .await;
    assert_eq!(
        anonymous.get("/enzi/v0/saml/button").await.ok()["text"],
        "Sign in with SAML"
    );
}

/// SAML-002, saml-38: settings are saved when the metadata can be fetched with them, and the failure is reported.
#[tokio::test]
async fn sec_saml_38_settings_are_tried() {
    let world = World::start().await;
    let admin = &world.admin;
    let good =
        json!({ "idpMetadataURL": world.idp.url, "rootCerts": world.idp.ca, "spHost": "mke.example.com" });
    assert_eq!(
        admin.put("/enzi/v0/config/auth/saml", good).await.ok()["spHost"],
        "mke.example.com"
    );
    // A dry run tries them too, and tells what would change instead of the settings.
    let dry = "/enzi/v0/config/auth/saml?dry-run=true";
    let told = admin
        .put(dry, json!({ "spHost": "other.example.com" }))
        .await
        .ok();
    assert_eq!((&told["dryRun"], &told["changed"]), (&json!(true), &json!(true)));
    assert_eq!(told["differences"][0]["key"], "auth.saml.spHost", "{told}");
    assert_eq!(
        admin.get("/enzi/v0/config/auth/saml").await.ok()["spHost"],
        "mke.example.com"
    );
    assert_eq!(
        admin.put(dry, json!({ "rootCerts": "nonsense" })).await.status,
        502
    );
    let stranger = MetadataServer::start(metadata(&["rsa"])).await;
    let by_name = world.idp.url.replace("127.0.0.1", "localhost");
    let system = json!({ "idpMetadataURL": by_name, "rootCerts": "" });
    for (body, status, part) in [
        (json!({ "rootCerts": stranger.ca }), 502, "certificate"),
        (json!({ "rootCerts": "" }), 502, "certificate"),
        (json!({ "rootCerts": "nonsense" }), 502, "rootCerts"),
        (system, 502, "private address"),
        (json!({ "idpMetadataURL": "http://127.0.0.1:1/" }), 502, "https"),
        (
            json!({ "idpMetadataURL": "https://127.0.0.1:1/" }),
            502,
            "cannot be reached",
        ),
        (
            json!({ "idpMetadataURL": "https://169.254.169.254.nip.invalid/" }),
            502,
            "cannot be reached",
        ),
        (json!({ "spHost": "no host" }), 400, "spHost"),
    ] {
        let answer = admin.put("/enzi/v0/config/auth/saml", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(part), "{body}: {}", answer.text());
    }
    for (status, body, part) in [
        ("404 Not Found", "nothing".to_owned(), "404"),
        ("200 OK", "no XML".to_owned(), "cannot be used"),
        ("200 OK", metadata(&[]), "no key"),
        ("200 OK", metadata(&["rsa-1024"]), "no key"),
        ("200 OK", "x".repeat(2 << 20), "more than"),
        (
            "302 Found\r\nLocation: /metadata",
            String::new(),
            "redirects more than",
        ),
        (
            "302 Found\r\nLocation: https://localhost:1/",
            String::new(),
            "private address",
        ),
        ("302 Found\r\nLocation: http://127.0.0.1/", String::new(), "https"),
        ("302 Found", String::new(), "302"),
    ] {
        world.idp.serve(status, body);
        let answer = admin.put("/enzi/v0/config/auth/saml", json!({})).await;
        assert_eq!(answer.status, 502, "{status}: {}", answer.text());
        assert!(answer.text().contains(part), "{status}: {}", answer.text());
    }
    // Nothing was changed.
    let now = admin.get("/enzi/v0/config/auth/saml").await.ok();
    assert_eq!(now["idpMetadataURL"], world.idp.url.as_str());
    world.idp.serve("200 OK", metadata(&["rsa"]));
    admin
        .put(
            "/enzi/v0/config/auth/saml",
            json!({ "rootCerts": "", "tlsSkipVerify": true }),
        )
        .await
        .ok();
}

/// SAML-010, saml-38: a rotated certificate is taken up by a toggle and by a refresh; until then it opens nothing.
#[tokio::test]
async fn sec_saml_38_rotated_certificates() {
    let world = World::start().await;
    let with_new_key = async || {
        let mut browser = world.browser();
        let request = world.begin(&mut browser).await;
        use base64::Engine as _;
        let document =
            answer_to(&request).signed_assertion(&Signer::with("rsa-other", crate::fixture::RSA_SHA256));
        let answer = base64::engine::general_purpose::STANDARD.encode(document);
        browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)])
            .await
            .status
    };
    let keys = async || {
        let status = world.admin.get("/enzi/v0/saml/status").await.ok();
        status["provider"]["keys"].as_array().unwrap().len()
    };
    world.idp.serve("200 OK", metadata(&["rsa", "rsa-other"]));
    assert_eq!(with_new_key().await, 403);
    for on in [false, true] {
        world
            .admin
            .put("/enzi/v0/config/auth", json!({ "samlEnabled": on }))
            .await
            .ok();
    }
    until("the toggle fetches the metadata", async || {
        (keys().await == 2).then_some(())
    })
    .await;
    assert_eq!(with_new_key().await, 302);
    world.idp.serve("200 OK", metadata(&["rsa"]));
    let done = world.admin.post("/enzi/v0/saml/refresh", json!({})).await.ok();
    assert_eq!((&done["changed"], keys().await), (&json!(true), 1));
    assert_eq!(with_new_key().await, 403);
    let again = world.admin.post("/enzi/v0/saml/refresh", json!({})).await.ok();
    assert_eq!(again["changed"], false);
    // A provider that does not answer, or a document that is over, takes nothing away.
    world.idp.serve("500 Internal Server Error", "");
    assert_eq!(
        world.admin.post("/enzi/v0/saml/refresh", json!({})).await.status,
        502
    );
    let over = metadata(&["rsa-other"]).replace("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=");
    world.idp.serve("200 OK", over);
    let kept = world.admin.post("/enzi/v0/saml/refresh", json!({})).await.ok();
    assert!(
        kept["warnings"][0].as_str().unwrap().contains("valid until 2020"),
        "{kept}"
    );
    assert_eq!(with_new_key().await, 403, "an old document brings no keys");
    world.login(&mut world.browser(), |_| {}).await;
}

/// saml-41, SAML-011: bundles of people from outside keep working, are listed, and are revoked in one go.
#[tokio::test]
async fn sec_saml_41_bundles() {
    let world = World::start_today().await;
    let john = world.controller.user(&world.admin, "john").await;
    let johns = world
        .controller
        .with_certificate(&john.client.bundle().await.identity());
    let mut client = world.controller.anonymous();
    client.token = Some(world.login(&mut world.browser(), |_| {}).await);
    let janes = world
        .controller
        .with_certificate(&client.bundle().await.identity());
    assert_eq!(
        janes.get("/id").await.ok()["name"],
        "jane",
        "a bundle opens without the provider"
    );
    let list = world.admin.get("/enzi/v0/saml/bundles").await.ok();
    let list = list["bundles"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&list[0]["account"], &list[0]["source"]),
        (&json!("jane"), &json!("saml"))
    );
    assert_eq!(world.admin.get("/enzi/v0/saml/status").await.ok()["bundles"], 1);
    let all = world.admin.get("/enzi/v0/saml/bundles?source=all").await.ok();
    assert!(
        all["bundles"]
            .as_array()
            .unwrap()
            .iter()
            .any(|bundle| bundle["account"] == "john")
    );
    for path in ["/enzi/v0/saml/bundles", "/enzi/v0/saml/status"] {
        assert_eq!(janes.get(path).await.status, 403, "{path}");
    }
    assert_eq!(janes.delete("/enzi/v0/saml/bundles").await.status, 403);
    let revoked = world.admin.delete("/enzi/v0/saml/bundles").await.ok();
    assert_eq!(revoked["revoked"].as_array().unwrap().len(), 1);
    assert_eq!(janes.get("/id").await.status, 401);
    assert_eq!(
        johns.get("/id").await.ok()["name"],
        "john",
        "accounts of this cluster are not meant"
    );
    // Deleting the account ends its bundles too.
    let bundle = client.bundle().await.identity();
    world.admin.delete("/accounts/jane").await;
    assert_eq!(
        world.controller.with_certificate(&bundle).get("/id").await.status,
        401
    );
}

/// G-06: whatever is wrong, the browser reads the same words.
#[tokio::test]
async fn sec_g_06_refusals_look_alike() {
    let world = World::start().await;
    let mut seen = std::collections::HashSet::new();
    for change in [0, 1, 2, 3] {
        let mut browser = world.browser();
        let request = world.begin(&mut browser).await;
        let mut fields = answer_to(&request);
        match change {
            0 => fields.issuer = "https://other.example".into(),
            1 => fields.name_id = "admin".into(),
            2 => fields.recipient = "https://other.example".into(),
            _ => fields.confirmed_until = Some("2020-01-01T00:00:00Z".into()),
        }
        let page = browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &encoded(&fields))])
            .await;
        assert_eq!(page.status, 403);
        seen.insert(page.body);
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    let _ = token;
}

/// Every manager signs with the same key, which is made once.
#[tokio::test]
async fn managers_share_the_key() {
    let world = World::start_today().await;
    let page = world.browser().get("/enzi/v0/saml/metadata").await;
    let second = world.controller.second().await;
    let same = crate::browser::Browser::new(&second)
        .get("/enzi/v0/saml/metadata")
        .await;
    assert_eq!(same.body, page.body);
    assert_eq!(same.status, 200);
}
