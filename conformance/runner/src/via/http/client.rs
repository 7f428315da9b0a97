//! JSON over HTTPS to one server.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, redirect};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::super::AskError;
use super::server::PASSWORD;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one server, logged in or not.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    /// A client that trusts only this authority (PEM).
    pub(super) fn new(url: &str, authority: &str) -> Result<Self, AskError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()).flatten() {
            roots.add(certificate).map_err(AskError::Tls)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(AskError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|source| AskError::Request {
                path: url.to_owned(),
                source,
            })?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            token: None,
        })
    }

    /// Logs a user in and gives the token.
    pub(super) async fn log_in(&self, user: &str) -> Result<String, AskError> {
        let body = json!({"username": user, "password": PASSWORD});
        let answer = self.json(Method::POST, "/auth/login", &body).await?;
        Ok(answer["auth_token"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends the token with every further request.
    pub(super) fn use_token(&mut self, token: String) {
        self.token = Some(token);
    }

    /// A request with a JSON body. The answer is `null` when it is empty.
    pub(super) async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Value, AskError> {
        self.send(method, path, Some(body.to_string())).await
    }

    /// A request without a body.
    pub(super) async fn plain(&self, method: Method, path: &str) -> Result<Value, AskError> {
        self.send(method, path, None).await
    }

    /// A request with any text as body.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Value, AskError> {
        let failed = |source| AskError::Request {
            path: path.to_owned(),
            source,
        };
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = response.text().await.map_err(failed)?;
        if !status.is_success() {
            return Err(AskError::Refused {
                request: format!("{method} {path}"),
                status: status.as_u16(),
                said: text,
            });
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        // Some answers are no JSON; none of those is looked at.
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
