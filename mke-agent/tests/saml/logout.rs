//! Single logout.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::browser::{Browser, escape};
use crate::fixture::{IDP, NOW, PLACE, RSA_SHA256, SAML, SAMLP, Signer, raw_signature};
use crate::world::{World, attribute, message};

const LOGOUT: &str = "https://mke.example.com/enzi/v0/saml/logout";

fn request(id: &str, name: &str, index: &str, destination: &str) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{SAMLP}\" Destination=\"{destination}\" ID=\"{id}\" IssueInstant=\"{NOW}\" \
         Version=\"2.0\"><saml:Issuer xmlns:saml=\"{SAML}\">{IDP}</saml:Issuer>{PLACE}<saml:NameID xmlns:saml=\"{SAML}\">\
         {name}</saml:NameID><samlp:SessionIndex>{index}</samlp:SessionIndex></samlp:LogoutRequest>"
    )
}

/// The query of the redirect binding.
fn query(xml: &str, key: &str) -> String {
    let deflated = miniz_oxide::deflate::compress_to_vec(xml.replace(PLACE, "").as_bytes(), 6);
    let signed = format!(
        "SAMLRequest={}&RelayState=abc&SigAlg={}",
        escape(&STANDARD.encode(deflated)),
        escape(RSA_SHA256)
    );
    let signature = STANDARD.encode(raw_signature(key, RSA_SHA256, signed.as_bytes()));
    format!("{signed}&Signature={}", escape(&signature))
}

async fn alive(browser: &mut Browser, token: &str) -> bool {
    browser.with_token("GET", "/id", token).await.status == 200
}

/// saml-40: what the provider has not signed, or what is about another session, ends nothing.
#[tokio::test]
async fn sec_saml_40_logout_requests() {
    let world = World::start().await;
    let mut browser = world.browser();
    let token = world.login(&mut browser, |_| {}).await;
    let other = world
        .login(&mut world.browser(), |fields| {
            fields.authn = fields.authn.replace("_session-1", "_session-2")
        })
        .await;
    let good = request("_l1", "jane", "_session-1", LOGOUT);
    let signed = query(&good, "rsa");
    let unsigned = signed.split_once("&SigAlg").unwrap().0.to_owned();
    let flipped = signed.replace("RelayState=abc", "RelayState=abd");
    let twice = format!("{signed}&SAMLRequest=AAAA");
    let bomb = {
        let deflated = miniz_oxide::deflate::compress_to_vec(&vec![b'<'; 1 << 20], 9);
        let text = format!(
            "SAMLRequest={}&SigAlg={}",
            escape(&STANDARD.encode(deflated)),
            escape(RSA_SHA256)
        );
        let signature = STANDARD.encode(raw_signature("rsa", RSA_SHA256, text.as_bytes()));
        (text, signature)
    };
    for (name, query) in [
        ("unsigned", unsigned),
        ("another relay state", flipped),
        ("two requests", twice),
        ("another key", query(&good, "rsa-other")),
        (
            "another address",
            query(
                &request("_l2", "jane", "_session-1", "https://other.example/"),
                "rsa",
            ),
        ),
        (
            "another issuer",
            query(&good.replace(IDP, "https://other.example"), "rsa"),
        ),
        (
            "too old",
            query(&good.replace(NOW, "2026-03-04T04:06:07Z"), "rsa"),
        ),
    ] {
        let page = browser.get(&format!("/enzi/v0/saml/logout?{query}")).await;
        assert_eq!(page.status, 403, "{name}: {}", page.body);
        assert!(alive(&mut browser, &token).await, "{name}");
    }
    // saml-27: a bomb in a query is stopped, by the length of queries or by the bound of what is inflated.
    let page = browser
        .get(&format!(
            "/enzi/v0/saml/logout?{}&Signature={}",
            bomb.0,
            escape(&bomb.1)
        ))
        .await;
    assert!(page.status == 403 || page.status == 400, "{}", page.status);
    for (name, xml) in [
        ("unsigned form", good.replace(PLACE, "")),
        (
            "another key",
            Signer::with("rsa-other", RSA_SHA256).sign(&good, "_l1"),
        ),
    ] {
        let page = browser
            .post("/enzi/v0/saml/logout", &[("SAMLRequest", &STANDARD.encode(xml))])
            .await;
        assert_eq!(page.status, 403, "{name}");
        assert!(alive(&mut browser, &token).await, "{name}");
    }
    // Signed, but of somebody else or of no session: the provider hears that it failed.
    for (id, name, index) in [
        ("_l3", "john", "_session-1"),
        ("_l4", "jane", "_session-9"),
        ("_l5", "admin", "_session-1"),
    ] {
        let page = browser
            .get(&format!(
                "/enzi/v0/saml/logout?{}",
                query(&request(id, name, index, LOGOUT), "rsa")
            ))
            .await;
        assert_eq!(page.status, 302, "{name}");
        let answer = message(&page.location, "SAMLResponse");
        assert!(answer.contains("status:Requester"), "{answer}");
        assert!(alive(&mut browser, &token).await, "{name}");
    }
    // The right one ends the session that it names and no other.
    let page = browser.get(&format!("/enzi/v0/saml/logout?{signed}")).await;
    assert!(
        page.location
            .starts_with("https://idp.example.com/slo?SAMLResponse="),
        "{}",
        page.location
    );
    let answer = message(&page.location, "SAMLResponse");
    assert_eq!(attribute(&answer, "InResponseTo"), "_l1");
    assert!(answer.contains("status:Success"), "{answer}");
    assert!(page.location.contains("RelayState=abc"));
    assert!(!alive(&mut browser, &token).await);
    assert!(alive(&mut browser, &other).await);
    let page = browser.get(&format!("/enzi/v0/saml/logout?{signed}")).await;
    assert_eq!(page.status, 403, "once");
    // By form, for the other.
    let form = Signer::default().sign(&request("_l6", "jane", "_session-2", LOGOUT), "_l6");
    let page = browser
        .post("/enzi/v0/saml/logout", &[("SAMLRequest", &STANDARD.encode(form))])
        .await;
    assert_eq!(page.status, 302, "{}", page.body);
    assert!(!alive(&mut browser, &other).await);
}

/// A logout that begins here ends the session here first, then asks the provider with a signed request.
#[tokio::test]
async fn a_person_logs_out() {
    let world = World::start().await;
    let mut browser = world.browser();
    let token = world.login(&mut browser, |_| {}).await;
    assert_eq!(
        browser.get("/enzi/v0/saml/logout").await.status,
        401,
        "nobody is logged in"
    );
    let page = browser.with_token("GET", "/enzi/v0/saml/logout", &token).await;
    assert_eq!(page.status, 302, "{}", page.body);
    assert!(
        page.location
            .starts_with("https://idp.example.com/slo?SAMLRequest="),
        "{}",
        page.location
    );
    let request = message(&page.location, "SAMLRequest");
    assert!(
        request.contains(">jane</saml:NameID>") && request.contains("_session-1"),
        "{request}"
    );
    assert!(page.location.contains("&Signature="));
    assert!(!alive(&mut browser, &token).await);
    // Somebody with a password has no session at the provider.
    let admin = world.controller.admin().await.token.unwrap();
    let page = browser.with_token("GET", "/enzi/v0/saml/logout", &admin).await;
    assert_eq!((page.status, page.location.as_str()), (302, "/"));
    assert!(!alive(&mut browser, &admin).await);
}
