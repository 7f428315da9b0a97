//! The TLS port: what it serves and which certificates it takes.

use std::sync::Arc;
use std::time::Duration;

use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, IssuedCertificate, KeyPair, Profile};
use mke_core::time::{Clock, SystemClock, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::Controller;
use crate::support::client::Identity;

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

fn client_request(pair: &KeyPair, profile: Profile, common_name: &str) -> CertificateRequest {
    CertificateRequest {
        profile,
        common_name: common_name.to_owned(),
        organization: None,
        organizational_unit: None,
        names: vec!["localhost".parse().unwrap()],
        public_key: pair.public_key().clone(),
        validity: Duration::from_secs(3600),
    }
}

fn identity(pair: &KeyPair, certificate: &IssuedCertificate) -> Identity {
    Identity {
        certificate: certificate.pem(),
        key: pair.private_key_pem().expose().to_owned(),
    }
}

/// Whether a request with this certificate gets as far as an answer, and which.
async fn status(controller: &Controller, identity: &Identity) -> Option<u16> {
    let client = controller.with_certificate(identity);
    let answer = client.try_send(client.request("GET", "/id")).await;
    answer.ok().map(|answer| answer.status)
}

/// PKI-001, PKI-009, PKI-010: the port speaks TLS only, names what it was told to, and tells its authority.
#[tokio::test]
async fn the_port_serves_a_certificate_for_its_names() {
    let controller = Controller::start().await;
    let mut plain = TcpStream::connect(("127.0.0.1", controller.port()))
        .await
        .unwrap();
    plain
        .write_all(b"GET /ca HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    let ca = controller.anonymous().get("/ca").await.text();
    assert_eq!(
        ca,
        std::fs::read_to_string(controller.dir.path().join("data/ca.pem")).unwrap()
    );
    let verified = async |name: &str| {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
            .unwrap();
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(("127.0.0.1", controller.port()))
            .await
            .unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .is_ok()
    };
    assert!(verified("localhost").await && verified("127.0.0.1").await);
    assert!(!verified("lb.example.com").await);
    let dir = controller.stop().await;
    let controller = Controller::start_in(dir, |options| {
        options.host_addresses.push("lb.example.com".parse().unwrap());
    })
    .await;
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(ca.as_bytes()).unwrap()])
        .resolve("lb.example.com", ([127, 0, 0, 1], controller.port()).into())
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://lb.example.com:{}/ca", controller.port());
    assert_eq!(client.get(url).send().await.unwrap().text().await.unwrap(), ca);
}

/// pki-01: certificates of anybody else, of the wrong kind, or out of time do not get through the handshake, even
/// over a registered key.
#[tokio::test]
async fn sec_pki_01_foreign_certificates_are_refused() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let now = SystemClock.now();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let body = serde_json::json!({ "publicKey": pair.public_key().pem() });
    admin.post("/accounts/admin/publicKeys", body).await.created();
    let own = controller.running.state().authorities.client().own().unwrap();
    let request = client_request(&pair, Profile::Client, "admin");
    let good = own.issue(&request, now, &mut rng()).unwrap();
    assert_eq!(status(&controller, &identity(&pair, &good)).await, Some(200));
    let other = Authority::create(AuthorityKind::Client, "other", now, &mut rng()).unwrap();
    let server_only = client_request(&pair, Profile::Server, "admin");
    for (what, certificate) in [
        (
            "another authority",
            other.issue(&request, now, &mut rng()).unwrap(),
        ),
        (
            "server purpose",
            own.issue(&server_only, now, &mut rng()).unwrap(),
        ),
    ] {
        assert_eq!(
            status(&controller, &identity(&pair, &certificate)).await,
            None,
            "{what}"
        );
    }
    controller
        .clock
        .set(Timestamp::from(std::time::SystemTime::now()).plus(Duration::from_secs(7200)));
    assert_eq!(
        status(&controller, &identity(&pair, &good)).await,
        None,
        "expired"
    );
    controller.clock.set(now.minus(Duration::from_secs(3600)));
    assert_eq!(
        status(&controller, &identity(&pair, &good)).await,
        None,
        "not yet valid"
    );
}

/// pki-02: a valid certificate that names an administrator opens nothing unless its key is registered, and then opens
/// the account of the key, whatever it names.
#[tokio::test]
async fn sec_pki_02_the_subject_gives_no_rights() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await.client;
    let own = controller.running.state().authorities.client().own().unwrap();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let mut request = client_request(&pair, Profile::Client, "admin");
    request.organization = Some("system:masters".to_owned());
    let certificate = own.issue(&request, SystemClock.now(), &mut rng()).unwrap();
    let identity = identity(&pair, &certificate);
    assert_eq!(status(&controller, &identity).await, Some(401));
    // It does not keep anybody from what needs no credential.
    let client = controller.with_certificate(&identity);
    assert_eq!(client.get("/ca").await.status, 200);
    let body = serde_json::json!({ "publicKey": pair.public_key().pem() });
    jane.post("/accounts/jane/publicKeys", body).await.created();
    assert_eq!(client.get("/id").await.ok()["name"], "jane");
    assert_eq!(client.get("/accounts/").await.status, 403);
}

/// A page of another site cannot use the certificate that a browser holds, neither for requests nor for WebSockets;
/// bearer tokens and public endpoints are not concerned.
#[tokio::test]
async fn certificates_do_not_count_on_pages_of_other_sites() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let browser = controller.with_certificate(&admin.bundle().await.identity());
    let own = format!("https://localhost:{}", controller.port());
    for (client, path, header, value, status) in [
        (&browser, "/id", "origin", own.as_str(), 200),
        (&browser, "/id", "origin", "https://evil.example.com", 403),
        (&browser, "/id", "origin", "null", 403),
        (&browser, "/id", "sec-fetch-site", "cross-site", 403),
        (&browser, "/id", "sec-fetch-site", "same-origin", 200),
        (
            &browser,
            "/containers/web/attach/ws",
            "origin",
            "https://evil.example.com",
            403,
        ),
        (&browser, "/ca", "origin", "https://evil.example.com", 200),
        (&admin, "/id", "origin", "https://evil.example.com", 200),
    ] {
        let request = client.request("GET", path).header(header, value);
        assert_eq!(
            client.send(request).await.status,
            status,
            "{path} {header}: {value}"
        );
    }
}

/// pki-10: TLS 1.2 and 1.3 only, no names of authorities, no resumption.
#[tokio::test]
async fn sec_pki_10_protocol_versions_and_tickets() {
    let controller = Controller::start().await;
    let ca = std::fs::read(controller.dir.path().join("data/ca.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = rustls::ClientConfig::builder_with_protocol_versions(&[version])
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        for _ in 0..2 {
            let tcp = TcpStream::connect(("127.0.0.1", controller.port()))
                .await
                .unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let mut tls = connector.connect(name, tcp).await.unwrap();
            tls.write_all(b"GET /ca HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .await
                .unwrap();
            let mut answer = Vec::new();
            let _ = tls.read_to_end(&mut answer).await;
            assert!(answer.starts_with(b"HTTP/1.1 200"));
            let kind = tls.get_ref().1.handshake_kind();
            assert_ne!(kind, Some(rustls::HandshakeKind::Resumed));
        }
    }
}

/// A server certificate of a corporate authority for the names of the harness, as an upload.
fn upload(names: &[&str]) -> (Authority, serde_json::Value) {
    let now = SystemClock.now();
    let authority = Authority::create(AuthorityKind::Cluster, "corporate", now, &mut rng()).unwrap();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let mut request = client_request(&pair, Profile::Server, "mke.example.com");
    request.names = names.iter().map(|name| name.parse().unwrap()).collect();
    let certificate = authority.issue(&request, now, &mut rng()).unwrap().pem();
    let body = serde_json::json!({
        "ca": authority.certificate_pem(),
        "cert": certificate,
        "key": pair.private_key_pem().expose(),
    });
    (authority, body)
}

/// PKI-006, PKI-007: an administrator replaces the certificate while the controller runs; what cannot serve is
/// refused with every reason; bundles from before do not verify the server any more, new ones do, also after a
/// restart.
#[tokio::test]
async fn certificates_are_replaced_at_runtime() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let old = admin.bundle().await;
    let path = "/api/ucp/config/certs";
    let (authority, good) = upload(&["localhost", "127.0.0.1"]);
    let (_, other) = upload(&["localhost", "127.0.0.1"]);
    let (_, few_names) = upload(&["localhost"]);
    let with = |key: &str, value: &serde_json::Value| {
        let mut body = good.clone();
        body[key] = value.clone();
        body
    };
    for (what, body) in [
        ("key of another", with("key", &other["key"])),
        ("authority of another", with("ca", &other["ca"])),
        ("no key", with("key", &serde_json::json!(""))),
        ("no PEM", with("cert", &serde_json::json!("garbage"))),
        ("names missing", few_names),
        (
            "bad client authority",
            with("clientCAs", &serde_json::json!("garbage")),
        ),
        ("nothing", serde_json::json!({})),
    ] {
        let answer = admin.put(path, body).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
    }
    let jane = controller.user(&admin, "jane").await.client;
    assert_eq!(jane.put(path, good.clone()).await.status, 403);
    assert_eq!(admin.get(path).await.ok()["ca"], old.text("ca.pem"));
    admin.put(path, good.clone()).await.ok();
    // The connection that was open goes on.
    assert_eq!(admin.get(path).await.ok()["cert"], good["cert"]);
    let reaches = async |controller: &Controller, ca: &str| {
        let client = crate::support::client::Client::new(controller.port(), ca.as_bytes(), None);
        client.try_send(client.request("GET", "/ca")).await.is_ok()
    };
    assert!(!reaches(&controller, &old.text("ca.pem")).await);
    let new = admin.bundle().await;
    assert_eq!(new.text("ca.pem"), authority.certificate_pem());
    assert!(reaches(&controller, &new.text("ca.pem")).await);
    let dir = controller.stop().await;
    let controller = Controller::start_in(dir, |_| {}).await;
    assert!(reaches(&controller, &new.text("ca.pem")).await);
    assert_eq!(
        controller
            .with_certificate(&new.identity())
            .get("/id")
            .await
            .status,
        200
    );
}

/// PKI-008: certificates of an additional authority are taken beside the cluster's own, over a registered key.
#[tokio::test]
async fn additional_client_authorities() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let now = SystemClock.now();
    let corporate = Authority::create(AuthorityKind::Client, "corporate", now, &mut rng()).unwrap();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let request = client_request(&pair, Profile::Client, "anybody");
    let theirs = identity(&pair, &corporate.issue(&request, now, &mut rng()).unwrap());
    let key = serde_json::json!({ "publicKey": pair.public_key().pem() });
    admin.post("/accounts/admin/publicKeys", key).await.created();
    assert_eq!(status(&controller, &theirs).await, None);
    let (server, mut body) = upload(&["localhost", "127.0.0.1"]);
    body["clientCAs"] = serde_json::json!(corporate.certificate_pem());
    admin.put("/api/ucp/config/certs", body).await.ok();
    let own = admin.bundle().await.identity();
    for identity in [&theirs, &own] {
        let ca = server.certificate_pem();
        let client = crate::support::client::Client::new(controller.port(), ca.as_bytes(), Some(identity));
        assert_eq!(client.get("/id").await.ok()["name"], "admin");
    }
}

/// PKI-003: the authority of bundles lives 20 years, and people are warned before it ends.
#[tokio::test]
async fn the_end_of_the_client_authority_is_announced() {
    let controller = Controller::start().await;
    let year = Duration::from_secs(365 * 24 * 3600);
    let end = controller.running.state().authorities.client().not_after();
    assert!(end > SystemClock.now().plus(year * 20));
    assert_eq!(
        controller.admin().await.get("/api/banner").await.ok(),
        serde_json::json!([])
    );
    // As if the connection had stayed open for years: the handshake is a thing of the past then.
    let admin = controller.admin().await;
    controller
        .clock
        .set(end.minus(Duration::from_secs(30 * 24 * 3600)));
    let body = serde_json::json!({ "username": "admin", "password": crate::support::PASSWORD });
    let token = admin.post("/auth/login", body).await.ok()["auth_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let request = admin
        .without_token()
        .request("GET", "/api/banner")
        .bearer_auth(token);
    let banners = admin.send(request).await.ok();
    let text = banners[0]["message"].as_str().unwrap();
    assert!(
        text.contains("client authority") && text.contains(&end.to_string()),
        "{text}"
    );
}
