//! Starts a control plane in this process and drives its HTTP API as a script would: log in, make a user and a
//! collection, grant a role, and see what the user sees.
//!
//! Run it: `cargo run -p mke-examples --bin drive-api`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::sync::Arc;

use mke_agent::controller::options::PUBLIC_CA;
use mke_agent::controller::{self, Options};
use mke_core::secret::Secret;
use reqwest::{Client, Method, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let running = controller::start(Options {
        data_dir: dir.path().to_owned(),
        listen: vec!["127.0.0.1:0".parse()?],
        // Nothing here needs an engine.
        engine_socket: dir.path().join("no-engine.sock"),
        host_addresses: vec!["127.0.0.1".parse()?],
        advertise_host: "127.0.0.1".to_owned(),
        kube_port: 6443,
        admin_username: "admin".parse()?,
        admin_password: Some(Secret::new("an example password")),
        initial_credentials: None,
        admin_bundle: None,
        ready_file: None,
        external_server_cert: None,
        registry_certs_dir: None,
        fleet: None,
        existing_config: false,
        store: None,
        sealing_key: None,
        cluster: None,
    })
    .await?;

    let api = Api {
        http: trusting(&std::fs::read(dir.path().join(PUBLIC_CA))?)?,
        url: format!("https://{}", running.addresses().first().ok_or("no address")?),
    };
    let admin = api.login("admin", "an example password").await?;

    let jane = json!({ "name": "jane", "password": "her own password", "isActive": true });
    let jane_id = api.created(&admin, "/accounts/", jane).await?;
    let web = api
        .created(
            &admin,
            "/collections",
            json!({ "name": "web", "parent_id": "shared" }),
        )
        .await?;
    let grant = format!("/collectionGrants/{jane_id}/{web}/viewonly");
    let (status, _) = api.send(&admin, Method::PUT, &grant, None).await?;
    println!("granted View Only on /Shared/web: {status}");

    let jane = api.login("jane", "her own password").await?;
    let (_, collections) = api
        .send(&jane, Method::GET, "/collections?limit=100", None)
        .await?;
    let paths: Vec<_> = collections
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|collection| collection["path"].as_str())
        .filter(|path| path.starts_with("/Shared/") && !path.starts_with("/Shared/Private"))
        .collect();
    println!("jane sees {paths:?}");

    let (status, answer) = api
        .send(&jane, Method::DELETE, &format!("/collections/{web}"), None)
        .await?;
    println!(
        "jane deletes it: {} {}",
        status.as_u16(),
        answer["message"].as_str().unwrap_or_default()
    );

    running.shutdown().await;
    Ok(())
}

struct Api {
    http: Client,
    url: String,
}

impl Api {
    async fn login(&self, username: &str, password: &str) -> Result<String, Box<dyn Error>> {
        let body = json!({ "username": username, "password": password });
        let answer: Value = self
            .http
            .post(format!("{}/auth/login", self.url))
            .json(&body)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        Ok(answer["auth_token"]
            .as_str()
            .ok_or("no token in the answer")?
            .to_owned())
    }

    async fn created(&self, token: &str, path: &str, body: Value) -> Result<String, Box<dyn Error>> {
        let (status, answer) = self.send(token, Method::POST, path, Some(body)).await?;
        if status != StatusCode::CREATED {
            return Err(format!("{path}: {status} {answer}").into());
        }
        Ok(answer["id"].as_str().ok_or("no id in the answer")?.to_owned())
    }

    async fn send(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), Box<dyn Error>> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// A client that trusts exactly the control plane's own authority.
fn trusting(ca: &[u8]) -> Result<Client, Box<dyn Error>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate?)?;
    }
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()?)
}
