//! The HTTP client of the administration commands.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode, header, redirect};
use rustls::RootCertStore;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::{Context, ContextFile};
use crate::error::CliError;

/// Largest answer that a command reads: a bundle or a long list, not a stream.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How long a whole request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How many entries a list asks for at once.
const PAGE: usize = 200;

/// Most pages of one list, so that a faulty server cannot keep the command busy for ever.
const MAX_PAGES: usize = 10_000;

/// How the server's certificate is judged.
#[derive(Clone)]
pub(crate) enum Trust {
    /// It must chain to these authorities (PEM).
    Authorities(String),
    /// Not at all: chosen by the person, and said in every context that does it.
    Nothing,
}

/// A connection to one control plane.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    /// A client for a base URL.
    pub(crate) fn new(url: &str, trust: &Trust, token: Option<String>) -> Result<Self, CliError> {
        if !url.starts_with("https://") {
            return Err(CliError::Usage(format!(
                "`{url}` is no control plane URL, it must start with https://"
            )));
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(trust)?)
            // A redirect could carry the credential to another host.
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|error| CliError::Failed(format!("cannot set up TLS: {error}")))?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// The client for the context in use, or for `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE`.
    pub(crate) fn from_environment() -> Result<Self, CliError> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let (Some(url), Some(token)) = (set("MKE_URL"), set("MKE_TOKEN")) {
            let path = set("MKE_CA_FILE")
                .ok_or_else(|| CliError::Usage("MKE_URL and MKE_TOKEN also need MKE_CA_FILE".to_owned()))?;
            let pem = std::fs::read_to_string(&path)
                .map_err(CliError::file("cannot read", std::path::Path::new(&path)))?;
            return Self::new(&url, &Trust::Authorities(pem), Some(token));
        }
        let contexts = ContextFile::locate()?.read()?;
        let current = contexts
            .current
            .as_ref()
            .and_then(|name| contexts.contexts.get(name));
        Self::from_context(current.ok_or(CliError::NotLoggedIn)?)
    }

    /// The client for a stored context.
    pub(crate) fn from_context(context: &Context) -> Result<Self, CliError> {
        let trust = match &context.ca_pem {
            Some(pem) if !context.insecure => Trust::Authorities(pem.clone()),
            _ if context.insecure => Trust::Nothing,
            _ => return Err(CliError::NotLoggedIn),
        };
        Self::new(&context.url, &trust, Some(context.token.clone()))
    }

    /// Reads an object.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        decode(path, &self.send(Method::GET, path, None).await?)
    }

    /// Sends an object and reads the answer; an empty answer is `null`.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, CliError> {
        decode(path, &self.send(method, path, Some(body)).await?)
    }

    /// Sends a request without a body and expects nothing back.
    pub(crate) async fn call(&self, method: Method, path: &str) -> Result<(), CliError> {
        self.send(method, path, None).await.map(drop)
    }

    /// Reads a whole list, page by page. `field` names the array; `path` may have a query.
    pub(crate) async fn list(&self, path: &str, field: &str) -> Result<Vec<Value>, CliError> {
        let joiner = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut start = String::new();
        for _ in 0..MAX_PAGES {
            let page_path = format!("{path}{joiner}limit={PAGE}&start={}", escape(&start));
            let page: Value = self.get(&page_path).await?;
            let Some(found) = page.get(field) else {
                return Err(CliError::BadAnswer {
                    path: page_path,
                    reason: format!("no field `{field}`"),
                });
            };
            items.extend(found.as_array().into_iter().flatten().cloned());
            match page.get("nextPageStart").and_then(Value::as_str) {
                Some(next) if !next.is_empty() && next != start => next.clone_into(&mut start),
                _ => return Ok(items),
            }
        }
        Err(CliError::BadAnswer {
            path: path.to_owned(),
            reason: format!("more than {MAX_PAGES} pages"),
        })
    }

    /// Sends a request and returns the body of a successful answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, CliError> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.exchange(path, request).await?;
        if answer.status.is_success() {
            Ok(answer.body)
        } else {
            Err(answer.failure(&method, path))
        }
    }

    /// Sends a text and returns whatever comes back, refusals too. `if_match` is an entity tag.
    pub(crate) async fn send_text(
        &self,
        method: Method,
        path: &str,
        text: Option<String>,
        if_match: Option<&str>,
    ) -> Result<Answer, CliError> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        if let Some(text) = text {
            request = request.body(text);
        }
        self.exchange(path, request).await
    }

    async fn exchange(&self, path: &str, request: reqwest::RequestBuilder) -> Result<Answer, CliError> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let unreachable = |source| CliError::Unreachable {
            url: self.url.clone(),
            source,
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let tag = response.headers().get(header::ETAG);
        let tag = tag.and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                let reason = format!("more than {MAX_ANSWER_BYTES} bytes");
                return Err(CliError::BadAnswer {
                    path: path.to_owned(),
                    reason,
                });
            }
        }
        Ok(Answer { status, tag, body })
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The entity tag.
    pub(crate) tag: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        decode(path, &self.body)
    }

    /// The answer as the error that it is.
    pub(crate) fn failure(&self, method: &Method, path: &str) -> CliError {
        let message = error_text(&self.body).unwrap_or_else(|| self.status.to_string());
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CliError::Refused { message },
            status => CliError::Api {
                method: method.to_string(),
                path: path.to_owned(),
                status: status.as_u16(),
                message,
            },
        }
    }
}

/// Percent-escapes one path element or query value.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn decode<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T, CliError> {
    let bytes = if bytes.is_empty() { b"null" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| CliError::BadAnswer {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// The text of either error body: `{"errors":[{message}]}` or `{"message"}`.
fn error_text(bytes: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let messages: Vec<_> = body
        .get("errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|error| error.get("message").and_then(Value::as_str))
        .collect();
    if messages.is_empty() {
        body.get("message").and_then(Value::as_str).map(ToOwned::to_owned)
    } else {
        Some(messages.join("; "))
    }
}

fn tls_config(trust: &Trust) -> Result<rustls::ClientConfig, CliError> {
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| CliError::Failed(format!("cannot set up TLS: {error}")))?;
    Ok(match trust {
        Trust::Authorities(pem) => {
            let mut roots = RootCertStore::empty();
            let certificates = mke_core::pki::parse_certificates(pem).map_err(|error| {
                CliError::Usage(format!("the authority's certificate is unusable: {error}"))
            })?;
            for certificate in certificates {
                roots.add(certificate.into()).map_err(|error| {
                    CliError::Usage(format!("the authority's certificate is unusable: {error}"))
                })?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Nothing => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(unverified::AcceptAny::new()))
            .with_no_client_auth(),
    })
}

/// For `--insecure` and for fetching an authority that the person then confirms by its fingerprint.
mod unverified {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    pub(super) struct AcceptAny(CryptoProvider);

    impl AcceptAny {
        pub(super) fn new() -> Self {
            Self(rustls::crypto::ring::default_provider())
        }
    }

    impl ServerCertVerifier for AcceptAny {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            rustls::crypto::verify_tls12_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            rustls::crypto::verify_tls13_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_error_shapes_are_understood() {
        assert_eq!(error_text(br#"{"message":"no"}"#).as_deref(), Some("no"));
        assert_eq!(
            error_text(br#"{"errors":[{"code":"A","message":"a"},{"code":"B","message":"b"}]}"#).as_deref(),
            Some("a; b")
        );
        assert_eq!(error_text(b"<html>"), None);
    }

    /// ux-04: plain HTTP is refused, and nothing is trusted by default.
    #[test]
    fn only_https() {
        assert!(matches!(
            Client::new("http://h", &Trust::Nothing, None),
            Err(CliError::Usage(_))
        ));
        assert!(matches!(
            Client::new("https://h", &Trust::Authorities("not PEM".into()), None),
            Err(CliError::Usage(_))
        ));
    }

    #[test]
    fn path_elements_are_escaped() {
        assert_eq!(escape("a/b c:ü"), "a%2Fb%20c%3A%C3%BC");
    }
}
