//! Logins and logouts with an identity provider that was not written here: pysaml2 (PyPI), which signs and verifies
//! through libxmlsec1.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::{Browser, escape};
use crate::fixture::key_path;
use crate::world::{World, attribute, message, token};

struct Pysaml2 {
    child: Child,
    base: String,
    metadata: String,
}

impl Drop for Pysaml2 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python that `cargo xtask test` makes beside the build.
fn python() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let python = program.ancestors().nth(3).unwrap().join("python/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: `cargo xtask test` makes it; it needs the Debian packages python3-venv and xmlsec1",
        python.display()
    );
    python
}

impl Pysaml2 {
    /// Starts it for a service provider, with a key of the tests and one person.
    fn start(sp_metadata: &str, key: &str, user: &str, attributes: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sp.xml");
        std::fs::write(&path, sp_metadata).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/saml/idp.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(&path)
            .args([key_path(key, "key"), key_path(key, "crt")])
            .args([user, &attributes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value =
            serde_json::from_str(&line).expect("pysaml2 starts; it needs the Debian package xmlsec1");
        Self {
            child,
            base: told["base"].as_str().unwrap().to_owned(),
            metadata: told["metadata"].as_str().unwrap().to_owned(),
        }
    }

    /// What its page says: status, where it sends the browser, and the text.
    async fn get(&self, address: &str) -> (u16, String, String) {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let response = http.get(address).send().await.unwrap();
        let location = response
            .headers()
            .get("location")
            .map(|value| value.to_str().unwrap().to_owned());
        (
            response.status().as_u16(),
            location.unwrap_or_default(),
            response.text().await.unwrap(),
        )
    }
}

/// A world whose identity provider is pysaml2.
async fn world(user: &str, attributes: &Value) -> (World, Pysaml2) {
    let world = World::start_today().await;
    let sp = world.browser().get("/enzi/v0/saml/metadata").await.body;
    let idp = Pysaml2::start(&sp, "rsa", user, attributes);
    world.idp.serve("200 OK", idp.metadata.clone());
    let known = world.admin.post("/enzi/v0/saml/refresh", json!({})).await.ok();
    assert_eq!(known["entityID"], format!("{}/metadata", idp.base));
    (world, idp)
}

fn field(form: &str, name: &str) -> String {
    let rest = form
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap_or_else(|| panic!("{name} in {form}"))
        .1;
    rest.split_once('"').unwrap().0.to_owned()
}

/// A whole login. Returns the provider's answer.
async fn login(idp: &Pysaml2, browser: &mut Browser, relay: &str) -> String {
    let page = browser
        .get(&format!("/enzi/v0/saml/login?RelayState={}", escape(relay)))
        .await;
    assert_eq!(page.status, 302, "{}", page.body);
    let (status, _, form) = idp.get(&page.location).await;
    assert_eq!(status, 200, "{form}");
    assert!(
        form.contains("action=\"https://mke.example.com/enzi/v0/saml/acs\""),
        "{form}"
    );
    let answer = field(&form, "SAMLResponse");
    let page = browser
        .post(
            "/enzi/v0/saml/acs",
            &[
                ("SAMLResponse", &answer),
                ("RelayState", &field(&form, "RelayState")),
            ],
        )
        .await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (302, relay),
        "{}",
        page.body
    );
    String::from_utf8(STANDARD.decode(answer).unwrap()).unwrap()
}

/// SAML-001, SAML-002, SAML-003, SAML-009: pysaml2 verifies our signed request and we its signed answer; attributes,
/// relay state and session arrive, and each side ends the other's session.
#[tokio::test]
async fn logins_and_logouts_with_pysaml2() {
    let attributes = json!({ "fullname": ["Jane Doe"], "member-of": ["ops", "dev"], "is-admin": ["1"] });
    let (world, idp) = world("jane", &attributes).await;
    let mut browser = world.browser();
    let answer = login(&idp, &mut browser, "/#/nodes").await;
    assert!(answer.contains("rsa-sha256"), "the answer is signed with SHA-256");
    let first = token(&mut browser).await;
    let who: Value = serde_json::from_str(&browser.with_token("GET", "/id", &first).await.body).unwrap();
    assert_eq!(
        (&who["name"], &who["fullName"], &who["isAdmin"]),
        (&json!("jane"), &json!("Jane Doe"), &json!(true))
    );

    // A logout that begins here: pysaml2 verifies the request and answers it.
    let page = browser.with_token("GET", "/enzi/v0/saml/logout", &first).await;
    let (status, location, name) = idp.get(&page.location).await;
    assert_eq!((status, name.as_str()), (302, "jane"), "{location}");
    assert!(message(&location, "SAMLResponse").contains("status:Success"));
    let back = location.split_once("https://mke.example.com").unwrap().1;
    let page = browser.get(back).await;
    assert_eq!((page.status, page.location.as_str()), (302, "/"), "{}", page.body);
    assert_eq!(browser.with_token("GET", "/id", &first).await.status, 401);

    // A logout that begins there.
    let answer = login(&idp, &mut browser, "/").await;
    let second = token(&mut browser).await;
    let index = escape(&attribute(&answer, "SessionIndex"));
    let to = escape("https://mke.example.com/enzi/v0/saml/logout");
    let (status, location, text) = idp
        .get(&format!("{}/logout?to={to}&index={index}", idp.base))
        .await;
    assert_eq!(status, 302, "{text}");
    let page = browser
        .get(location.split_once("https://mke.example.com").unwrap().1)
        .await;
    assert_eq!(page.status, 302, "{}", page.body);
    let (status, _, text) = idp.get(&page.location).await;
    assert_eq!(
        (status, text.as_str()),
        (200, "urn:oasis:names:tc:SAML:2.0:status:Success")
    );
    assert_eq!(browser.with_token("GET", "/id", &second).await.status, 401);
}

/// saml-16: an answer of pysaml2 that was changed on its way opens nothing, and neither does one with another key.
#[tokio::test]
async fn sec_saml_16_changed_answers_of_pysaml2() {
    let (world, idp) = world("jane", &json!({ "fullname": ["Jane Doe"] })).await;
    let mut browser = world.browser();
    let page = browser.get("/enzi/v0/saml/login").await;
    let (_, _, form) = idp.get(&page.location).await;
    let answer = String::from_utf8(STANDARD.decode(field(&form, "SAMLResponse")).unwrap()).unwrap();
    for (from, to) in [
        ("Jane Doe", "Root Doe"),
        (">jane<", ">john<"),
        ("AuthnInstant", "AuthnInstan"),
    ] {
        assert!(answer.contains(from), "{from}");
        let changed = STANDARD.encode(answer.replace(from, to));
        let page = browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &changed)])
            .await;
        assert_eq!(page.status, 403, "{from}");
    }
    // Another pysaml2 whose metadata, as it reaches us, holds a key that is not its own.
    let sp = world.browser().get("/enzi/v0/saml/metadata").await.body;
    let other = Pysaml2::start(&sp, "rsa-other", "jane", &json!({}));
    let (head, rest) = other.metadata.split_once("X509Certificate>").unwrap();
    let (_, tail) = rest.split_once("</").unwrap();
    let certificate = crate::fixture::certificate("rsa");
    world
        .idp
        .serve("200 OK", format!("{head}X509Certificate>{certificate}</{tail}"));
    world.admin.post("/enzi/v0/saml/refresh", json!({})).await.ok();
    let page = browser.get("/enzi/v0/saml/login").await;
    let (status, _, form) = other.get(&page.location).await;
    assert_eq!(status, 200, "{form}");
    let answer = field(&form, "SAMLResponse");
    let page = browser
        .post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)])
        .await;
    assert_eq!(page.status, 403);
    world.idp.serve("200 OK", other.metadata.clone());
    world.admin.post("/enzi/v0/saml/refresh", json!({})).await.ok();
    let page = browser
        .post("/enzi/v0/saml/acs", &[("SAMLResponse", &answer)])
        .await;
    assert_eq!(page.status, 302, "with its own key it is right");
}
