//! Logins: who becomes which account, with which rights, and which answers open nothing.

use serde_json::json;

use crate::browser::{Browser, parameter};
use crate::fixture::{Fields, Signer, attributes, me};
use crate::support::PASSWORD;
use crate::world::{World, answer_to, attribute, encoded, message, token};

/// SAML-001, SAML-003: a whole login: request, answer, session; the account appears with its name.
#[tokio::test]
async fn a_person_logs_in() {
    let world = World::start().await;
    let mut browser = world.browser();
    let token = world.login(&mut browser, |_| {}).await;
    let who = browser.with_token("GET", "/id", &token).await;
    assert_eq!(who.status, 200);
    let who: serde_json::Value = serde_json::from_str(&who.body).unwrap();
    assert_eq!(who["name"], "jane");
    assert_eq!(who["fullName"], "Jane Doe");
    assert_eq!(who["isAdmin"], false);
    assert_eq!(who["isImported"], true);
    assert!(
        browser.jar.is_empty(),
        "cookies of the login are gone: {:?}",
        browser.jar
    );
    // She has no password here.
    let answer = world
        .controller
        .anonymous()
        .post("/auth/login", json!({ "username": "jane", "password": "" }))
        .await;
    assert_eq!(answer.status, 401);
    // The next login is the same account.
    let again = world
        .login(&mut world.browser(), |fields| {
            fields.attributes = attributes(&[("fullname", &["Jane D."])])
        })
        .await;
    let who: serde_json::Value =
        serde_json::from_str(&world.browser().with_token("GET", "/id", &again).await.body).unwrap();
    assert_eq!(who["fullName"], "Jane D.");
    let records = world.controller.audit.text();
    assert!(records.contains("/enzi/v0/saml/acs"), "logins are recorded");
    assert!(!records.contains(&token), "tokens are not");
}

/// SAML-001: the redirect binding is not taken at the assertion consumer.
#[tokio::test]
async fn only_posts_bring_answers() {
    let world = World::start().await;
    let mut browser = world.browser();
    let request = world.begin(&mut browser).await;
    let answer = encoded(&answer_to(&request));
    let page = browser
        .get(&format!(
            "/enzi/v0/saml/acs?SAMLResponse={}",
            crate::browser::escape(&answer)
        ))
        .await;
    assert_eq!(page.status, 405, "{}", page.body);
}

/// authn-06: the token never stands in an address, and the cookie that it waits in opens nothing else.
#[tokio::test]
async fn sec_authn_06_the_token_waits_in_a_cookie() {
    let world = World::start().await;
    let mut browser = world.browser();
    let request = world.begin(&mut browser).await;
    let page = browser
        .post(
            "/enzi/v0/saml/acs",
            &[("SAMLResponse", &encoded(&answer_to(&request)))],
        )
        .await;
    assert_eq!(page.location, "/");
    let waiting = page
        .cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-mke-saml-session="))
        .unwrap();
    for attribute in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=60"] {
        assert!(waiting.contains(attribute), "{attribute}");
    }
    assert!(!waiting.contains("Domain"));
    assert_eq!(browser.get("/id").await.status, 401, "a cookie is no credential");
    // A page of another site gets nothing.
    let foreign = browser.post("/enzi/v0/saml/session", &[]).await;
    assert_eq!(foreign.status, 403);
    assert!(!token(&mut browser).await.is_empty());
    assert_eq!(
        browser.own_page_posts("/enzi/v0/saml/session").await.status,
        401,
        "once"
    );
}

/// saml-32: the answer to a request that another browser made opens nothing, and neither does one without a request.
#[tokio::test]
async fn sec_saml_32_requests_belong_to_browsers() {
    let world = World::start().await;
    let (mut hers, mut his) = (world.browser(), world.browser());
    let her_request = world.begin(&mut hers).await;
    world.begin(&mut his).await;
    let answer = encoded(&answer_to(&her_request));
    let page = his.post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)]).await;
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(
        !page.body.contains("request"),
        "the reason is for the log: {}",
        page.body
    );
    let page = world
        .browser()
        .post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)])
        .await;
    assert_eq!(page.status, 403);
    // Hers still works: nobody used it.
    let page = hers.post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)]).await;
    assert_eq!(page.status, 302, "{}", page.body);
}

/// saml-32: an answer that nobody asked for leads to a question, never to a session.
#[tokio::test]
async fn sec_saml_32_unsolicited_answers_begin_a_login() {
    let world = World::start().await;
    let mut browser = world.browser();
    let mut fields = Fields {
        id: "_unsolicited".into(),
        ..Fields::default()
    };
    fields.in_response_to = None;
    fields.response_in_response_to = None;
    let page = browser
        .post(
            "/enzi/v0/saml/acs",
            &[("SAMLResponse", &encoded(&fields)), ("RelayState", "/#/nodes")],
        )
        .await;
    assert_eq!(page.status, 302, "{}", page.body);
    assert!(
        page.location
            .starts_with("https://idp.example.com/sso?SAMLRequest="),
        "{}",
        page.location
    );
    assert_eq!(
        parameter(&page.location, "RelayState").as_deref(),
        Some("/#/nodes")
    );
    assert!(
        !page
            .cookies
            .iter()
            .any(|cookie| cookie.contains("mke-saml-session"))
    );
    assert_eq!(world.account("jane").await["errors"][0]["code"], "NO_SUCH_OBJECT");
    // An unsigned one leads nowhere.
    let bare = fields
        .response(&fields.assertion())
        .replace(crate::fixture::PLACE, "");
    use base64::Engine as _;
    let bare = base64::engine::general_purpose::STANDARD.encode(bare);
    assert_eq!(
        browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &bare)])
            .await
            .status,
        403
    );
}

/// saml-33: the same assertion is taken once: not again, not on another manager, not after a restart, not within an
/// answer to another request.
#[tokio::test]
async fn sec_saml_33_assertions_are_used_once() {
    let world = World::start().await;
    let second = world.controller.second().await;
    second.clock.set(crate::fixture::now());
    let mut browser = world.browser();
    let request = world.begin(&mut browser).await;
    let cookies = browser.jar.clone();
    let answer = encoded(&answer_to(&request));
    let page = browser
        .post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)])
        .await;
    assert_eq!(page.status, 302, "{}", page.body);
    // Whoever stole answer and cookies comes late.
    let again = async |controller: &crate::support::Controller| {
        let mut thief = Browser::new(controller);
        thief.jar = cookies.clone();
        thief
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)])
            .await
            .status
    };
    assert_eq!(again(&world.controller).await, 403);
    assert_eq!(again(&second).await, 403);
    // Another assertion as the answer to the same request.
    let mut other = answer_to(&request);
    other.id = "_another".into();
    let mut thief = world.browser();
    thief.jar = cookies.clone();
    assert_eq!(
        thief
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &encoded(&other))])
            .await
            .status,
        403
    );
    // The same assertion as the answer to another request.
    let mut fresh = world.browser();
    let request = world.begin(&mut fresh).await;
    let mut same = answer_to(&request);
    same.id = answer_to(&attribute_of(&answer)).id;
    assert_eq!(
        fresh
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &encoded(&same))])
            .await
            .status,
        403
    );
    second.stop().await;
    let World { controller, idp, .. } = world;
    let dir = controller.stop().await;
    let restarted = crate::support::Controller::start_in(dir, |_| {}).await;
    restarted.clock.set(crate::fixture::now());
    assert_eq!(again(&restarted).await, 403);
    drop(idp);
}

/// The request that an encoded answer names.
fn attribute_of(encoded: &str) -> String {
    use base64::Engine as _;
    let xml = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    attribute(&String::from_utf8(xml).unwrap(), "InResponseTo")
}

/// saml-37, SAML-012: after the login the browser goes where it came from, when that is a path of this cluster.
#[tokio::test]
async fn sec_saml_37_relay_states() {
    let world = World::start().await;
    for (relay, goes_to) in [
        ("/manage/resources/nodes", "/manage/resources/nodes"),
        ("/#/nodes?a=b&c=d", "/#/nodes?a=b&c=d"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\r\nSet-Cookie: x=y", "/"),
        ("/\tevil", "/"),
        (" /x", "/"),
        ("evil", "/"),
    ] {
        let mut browser = world.browser();
        let request = world.begin(&mut browser).await;
        let answer = encoded(&answer_to(&request));
        let page = browser
            .post(
                "/enzi/v0/saml/acs",
                &[("SAMLResponse", &answer), ("RelayState", relay)],
            )
            .await;
        assert_eq!((page.status, page.location.as_str()), (302, goes_to), "{relay:?}");
        // What a login takes along comes back the same way.
        let page = browser
            .get(&format!(
                "/enzi/v0/saml/login?RelayState={}",
                crate::browser::escape(relay)
            ))
            .await;
        let carried = parameter(&page.location, "RelayState");
        assert_eq!(carried.as_deref().unwrap_or("/"), goes_to, "{relay:?}");
    }
}

/// SAML-004: teams follow groups at each login; other teams and other people's memberships do not.
#[tokio::test]
async fn teams_follow_groups() {
    let world = World::start().await;
    let admin = &world.admin;
    admin
        .post("/accounts", json!({ "name": "acme", "isOrg": true }))
        .await
        .created();
    for (team, group) in [
        ("ops", Some("ops")),
        ("dev", Some("CN=dev,DC=example")),
        ("plain", None),
    ] {
        let made = admin
            .post("/accounts/acme/teams", json!({ "name": team }))
            .await
            .created();
        if let Some(group) = group {
            let state = world.controller.running.state();
            let organization = world.account("acme").await["id"].as_str().unwrap().into();
            let id = made["id"].as_str().unwrap().into();
            let link = mke_auth::accounts::TeamLink::Group(Some(group.to_owned()));
            let (_, revision) = state.accounts.link_team(&organization, &id, &link).await.unwrap();
            state.wait_for(revision).await.unwrap();
        }
    }
    let john = world.controller.user(admin, "john").await;
    admin
        .put("/accounts/acme/teams/ops/members/john", json!({}))
        .await
        .ok();
    drop(john);
    let members = async |team: &str| {
        let list = admin
            .get(&format!("/accounts/acme/teams/{team}/members"))
            .await
            .ok();
        let mut names: Vec<String> = list["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["member"]["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    for (groups, in_ops, in_dev) in [
        (&["ops", "other"][..], true, false),
        (&["ops", "CN=dev,DC=example"], true, true),
        (&["OPS", "CN=dev,DC=example"], false, true),
        (&[], false, false),
    ] {
        world
            .login(&mut world.browser(), |fields| {
                fields.attributes = attributes(&[("member-of", groups)])
            })
            .await;
        let expected = |is_in: bool, others: &[&str]| {
            let mut names: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
            names.extend(is_in.then(|| "jane".to_owned()));
            names.sort();
            names
        };
        assert_eq!(members("ops").await, expected(in_ops, &["john"]), "{groups:?}");
        assert_eq!(members("dev").await, expected(in_dev, &[]), "{groups:?}");
        assert_eq!(members("plain").await, expected(false, &[]), "{groups:?}");
    }
}

/// saml-39, SAML-003: the provider makes administrators and takes back what it gave, not what others gave.
#[tokio::test]
async fn sec_saml_39_administrators_by_attribute() {
    let world = World::start().await;
    let is_admin = async |value: Option<&str>| {
        let list = match value {
            Some(value) => attributes(&[("is-admin", &[value])]),
            None => String::new(),
        };
        world
            .login(&mut world.browser(), |fields| fields.attributes = list)
            .await;
        world.account("jane").await["isAdmin"].as_bool().unwrap()
    };
    assert!(!is_admin(None).await);
    assert!(is_admin(Some("1")).await);
    assert!(is_admin(Some("true")).await);
    assert!(!is_admin(None).await, "absent takes it back");
    assert!(is_admin(Some("1")).await);
    assert!(!is_admin(Some("0")).await);
    world
        .admin
        .patch("/accounts/jane", json!({ "isAdmin": true }))
        .await
        .ok();
    assert!(is_admin(None).await, "an administrator gave it");
    assert!(is_admin(Some("0")).await);
}

/// An account that was made here is never taken over, and a name that differs only in capitals is one account.
#[tokio::test]
async fn local_accounts_are_not_taken_over() {
    let world = World::start().await;
    world.controller.user(&world.admin, "john").await;
    let refused = async |name: &str| {
        let mut browser = world.browser();
        let request = world.begin(&mut browser).await;
        let fields = Fields {
            name_id: name.to_owned(),
            ..answer_to(&request)
        };
        let page = browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &encoded(&fields))])
            .await;
        let session = page
            .cookies
            .iter()
            .any(|cookie| cookie.contains("mke-saml-session"));
        assert_eq!(session, page.status == 302, "{name}");
        page.status == 403
    };
    for taken in ["admin", "john", "Admin", "JOHN", "docker-datacenter"] {
        assert!(refused(taken).await, "{taken}");
    }
    for no_name in ["jane doe", "a/b", "x".repeat(101).as_str(), "jane\u{200b}", "a:b"] {
        assert!(refused(no_name).await, "{no_name:?}");
    }
    assert!(!refused("Jane").await, "capitals are folded");
    assert_eq!(world.account("jane").await["name"], "jane");
    assert!(
        refused("jane").await,
        "another spelling is another person of the provider"
    );
    assert!(!refused("Jane").await);
    // Local people log in as before (AUTH-010).
    world.controller.login("john", PASSWORD).await;
    // A deactivated account stays outside.
    world
        .admin
        .patch("/accounts/jane", json!({ "isActive": false }))
        .await
        .ok();
    assert!(refused("Jane").await);
}

/// SAML-009, SAML-008: requests are signed with SHA-256 and name this cluster as configured.
#[tokio::test]
async fn requests_are_signed_with_sha_256() {
    let world = World::start().await;
    let page = world.browser().get("/enzi/v0/saml/login").await;
    assert_eq!(
        parameter(&page.location, "SigAlg").as_deref(),
        Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
    );
    let request = message(&page.location, "SAMLRequest");
    assert_eq!(attribute(&request, "AssertionConsumerServiceURL"), me().acs());
    assert_eq!(attribute(&request, "Destination"), "https://idp.example.com/sso");
    assert!(request.contains(&format!("<saml:Issuer>{}</saml:Issuer>", me().entity_id())));
    // The key in the metadata made the signature, which openssl confirms.
    let metadata = world.browser().get("/enzi/v0/saml/metadata").await.body;
    let certificate = metadata
        .split_once("<ds:X509Certificate>")
        .unwrap()
        .1
        .split_once("</ds:X509Certificate>")
        .unwrap()
        .0;
    let query = page.location.split_once('?').unwrap().1;
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    use base64::Engine as _;
    let signature = base64::engine::general_purpose::STANDARD
        .decode(crate::browser::unescape(signature))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let certificate = file("certificate", pem.as_bytes());
    let key = std::process::Command::new("openssl")
        .args(["x509", "-pubkey", "-noout", "-in"])
        .arg(certificate)
        .output()
        .unwrap();
    assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
    let done = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-verify"])
        .arg(file("key", &key.stdout))
        .arg("-signature")
        .arg(file("signature", &signature))
        .arg(file("signed", signed.as_bytes()))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// saml-27: a body beyond the limit is refused before it is read.
#[tokio::test]
async fn sec_saml_27_large_bodies() {
    let world = World::start().await;
    let page = world
        .browser()
        .post("/enzi/v0/saml/acs", &[("SAMLResponse", &"A".repeat(256 * 1024))])
        .await;
    assert_eq!(page.status, 413);
    let mut fields = vec![("SAMLResponse", "AAAA"), ("SAMLResponse", "BBBB")];
    assert_eq!(
        world.browser().post("/enzi/v0/saml/acs", &fields).await.status,
        403,
        "twice"
    );
    fields.clear();
    assert_eq!(
        world.browser().post("/enzi/v0/saml/acs", &fields).await.status,
        400,
        "nothing"
    );
    let _ = Signer::default();
}
