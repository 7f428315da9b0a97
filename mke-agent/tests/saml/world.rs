//! A controller with SAML on, and its identity provider.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile};
use mke_core::time::{Clock as _, Timestamp};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::browser::{Browser, parameter};
use crate::fixture::{Fields, HOST, NOW, Signer, metadata, now};
use crate::support::client::Client;
use crate::support::{Controller, until};

/// Serves one document over TLS. What it answers can be changed.
pub struct MetadataServer {
    pub url: String,
    pub ca: String,
    /// The head after `HTTP/1.1 ` and the body.
    answer: Arc<Mutex<(String, Vec<u8>)>>,
    pub asked: Arc<Mutex<usize>>,
}

impl MetadataServer {
    pub async fn start(document: String) -> Self {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let real = Timestamp::from(std::time::SystemTime::now());
        let authority = Authority::create(AuthorityKind::Cluster, "idp", real, &mut rng).unwrap();
        let pair = KeyPair::generate(&mut rng).unwrap();
        let request = CertificateRequest {
            profile: Profile::Server,
            common_name: "idp".to_owned(),
            organization: None,
            organizational_unit: None,
            names: vec!["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()],
            public_key: pair.public_key().clone(),
            validity: std::time::Duration::from_secs(3600),
        };
        let certificate = authority.issue(&request, real, &mut rng).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pair.private_key_pem().expose().as_bytes()).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key)
                .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(("200 OK".to_owned(), document.into_bytes())));
        let asked = Arc::new(Mutex::new(0));
        let (shared, count) = (answer.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                *count.lock().unwrap() += 1;
                let (status, body) = shared.lock().unwrap().clone();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
                let _ = stream.shutdown().await;
            }
        });
        Self {
            url: format!("https://127.0.0.1:{port}/metadata"),
            ca: authority.certificate_pem(),
            answer,
            asked,
        }
    }

    pub fn serve(&self, status: &str, body: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = (status.to_owned(), body.into());
    }
}

pub struct World {
    pub controller: Controller,
    pub admin: Client,
    pub idp: MetadataServer,
}

impl World {
    /// SAML is on and the provider is known.
    pub async fn start() -> Self {
        let controller = Controller::start().await;
        // The documents of the identity provider are of this moment.
        controller.clock.set(now());
        Self::with(controller).await
    }

    /// The same today, when certificates are valid.
    pub async fn start_today() -> Self {
        Self::with(Controller::start().await).await
    }

    async fn with(controller: Controller) -> Self {
        let idp = MetadataServer::start(metadata(&["rsa"])).await;
        let admin = controller.admin().await;
        let (url, ca) = (idp.url.clone(), idp.ca.clone());
        controller
            .configure(&admin, |config| {
                config.audit_log.level = mke_core::config::AuditLevel::Request;
                config.auth.saml_enabled = true;
                config.auth.saml.idp_metadata_url = Some(url);
                config.auth.saml.root_certs = ca;
                config.auth.saml.sp_host = Some(HOST.to_owned());
            })
            .await;
        let world = Self {
            controller,
            admin,
            idp,
        };
        world.until_known().await;
        world
    }

    pub async fn until_known(&self) {
        until("the provider is known", async || {
            let status = self.admin.get("/enzi/v0/saml/status").await.ok();
            (!status["provider"].is_null()).then_some(())
        })
        .await;
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.controller)
    }

    /// Begins a login and returns the id of its request.
    pub async fn begin(&self, browser: &mut Browser) -> String {
        let page = browser.get("/enzi/v0/saml/login").await;
        assert_eq!(page.status, 302, "{}", page.body);
        request_id(&page.location)
    }

    /// A whole login, until the token.
    pub async fn login(&self, browser: &mut Browser, change: impl FnOnce(&mut Fields)) -> String {
        let request = self.begin(browser).await;
        let mut fields = answer_to(&request);
        move_to(&mut fields, self.controller.clock.now());
        change(&mut fields);
        let page = browser
            .post("/enzi/v0/saml/acs", &[("SAMLResponse", &encoded(&fields))])
            .await;
        assert_eq!((page.status, page.location.as_str()), (302, "/"), "{}", page.body);
        token(browser).await
    }

    pub async fn account(&self, name: &str) -> serde_json::Value {
        self.admin.get(&format!("/accounts/{name}")).await.json()
    }
}

/// The fields of an answer to a request, with ids that were not used before.
pub fn answer_to(request: &str) -> Fields {
    let tail: String = request.chars().rev().take(12).collect();
    Fields {
        id: format!("_assertion-{tail}"),
        response_id: format!("_response-{tail}"),
        in_response_to: Some(request.to_owned()),
        response_in_response_to: Some(request.to_owned()),
        ..Fields::default()
    }
}

/// Moves the times of an answer.
pub fn move_to(fields: &mut Fields, moment: Timestamp) {
    let minutes = |count: u64| std::time::Duration::from_secs(60 * count);
    fields.instant = moment.to_string();
    fields.response_instant = moment.to_string();
    fields.not_before = Some(moment.minus(minutes(1)).to_string());
    fields.not_on_or_after = Some(moment.plus(minutes(5)).to_string());
    fields.confirmed_until = Some(moment.plus(minutes(5)).to_string());
    fields.authn = fields.authn.replace(NOW, &moment.to_string());
}

pub fn encoded(fields: &Fields) -> String {
    STANDARD.encode(fields.signed_assertion(&Signer::default()))
}

/// Takes the waiting token as the page of this cluster does.
pub async fn token(browser: &mut Browser) -> String {
    let page = browser.own_page_posts("/enzi/v0/saml/session").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let body: serde_json::Value = serde_json::from_str(&page.body).unwrap();
    body["auth_token"].as_str().unwrap().to_owned()
}

/// The message in an address of the redirect binding.
pub fn message(address: &str, name: &str) -> String {
    let deflated = STANDARD.decode(parameter(address, name).unwrap()).unwrap();
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap()
}

pub fn request_id(address: &str) -> String {
    attribute(&message(address, "SAMLRequest"), "ID")
}

pub fn attribute(xml: &str, name: &str) -> String {
    let rest = xml.split_once(&format!(" {name}=\"")).unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}
