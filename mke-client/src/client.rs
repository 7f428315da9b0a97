//! A connection to one control plane.

use std::time::Duration;

use mke_core::secret::Secret;
use reqwest::{Method, StatusCode, header, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::credential::Credential;
use crate::error::{ClientError, Refusal};
use crate::request::{Body, Request, escape};
use crate::retry::Retry;
use crate::trust::{Trust, tls_config};

/// Largest answer that is read, in bytes: a bundle or a long list, not a stream.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// How long a whole request may take, when nothing else is said.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How many entries a list asks for at once.
const PAGE: usize = 200;

/// Most pages of one list, so that a faulty server cannot keep a program busy for ever.
const MAX_PAGES: usize = 10_000;

/// How requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a whole request may take, its answer included.
    pub timeout: Duration,
    /// When it is sent again.
    pub retry: Retry,
}

impl Default for Settings {
    /// A minute, and no second try.
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            retry: Retry::NEVER,
        }
    }
}

/// A connection to one control plane. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<Secret>,
    settings: Settings,
}

impl Client {
    /// A client for a base URL, `https://HOST[:PORT]`. Nothing is sent yet.
    ///
    /// # Errors
    /// A URL that is not HTTPS or carries more than a place, and certificates that cannot be used.
    pub fn new(url: &str, trust: &Trust, credential: Credential) -> Result<Self, ClientError> {
        Self::with(url, trust, credential, Settings::default())
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with(
        url: &str,
        trust: &Trust,
        credential: Credential,
        settings: Settings,
    ) -> Result<Self, ClientError> {
        let url = base(url)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(trust, &credential)?)
            // A redirect could carry the credential to another host.
            .redirect(redirect::Policy::none())
            .timeout(settings.timeout)
            .no_proxy()
            .build()
            .map_err(|error| ClientError::Tls {
                reason: error.to_string(),
            })?;
        let token = match credential {
            Credential::Token(token) => Some(token),
            Credential::Nothing | Credential::Certificate { .. } => None,
        };
        Ok(Self {
            http,
            url,
            token,
            settings,
        })
    }

    /// Where the control plane is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How requests are sent.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Sends a request and returns whatever comes back, refusals too.
    ///
    /// # Errors
    /// When no answer comes, none in time, or one that is too large.
    pub async fn exchange(&self, request: &Request) -> Result<Answer, ClientError> {
        request.check()?;
        let mut sent = 0;
        loop {
            let outcome = self.once(request).await;
            sent += 1;
            match self.settings.retry.after(sent, request.is_safe(), &outcome) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return outcome,
            }
        }
    }

    /// Sends a request and returns a successful answer.
    ///
    /// # Errors
    /// As [`Self::exchange`], and [`ClientError::Api`] for a refusal.
    pub async fn send(&self, request: &Request) -> Result<Answer, ClientError> {
        let answer = self.exchange(request).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(answer.failure(&request.method, &request.path))
        }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// As [`Self::send`], and when the answer has another shape.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send(&Request::get(path)).await?.json(path)
    }

    /// Reads a whole list, page by page. `field` names the array; `path` may have a query.
    ///
    /// # Errors
    /// As [`Self::get`], and for a list that does not end.
    pub async fn list(&self, path: &str, field: &str) -> Result<Vec<Value>, ClientError> {
        let joiner = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut start = String::new();
        for _ in 0..MAX_PAGES {
            let page_path = format!("{path}{joiner}limit={PAGE}&start={}", escape(&start));
            let page: Value = self.get(&page_path).await?;
            let Some(found) = page.get(field) else {
                return Err(ClientError::BadAnswer {
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
        Err(ClientError::BadAnswer {
            path: path.to_owned(),
            reason: format!("more than {MAX_PAGES} pages"),
        })
    }

    async fn once(&self, request: &Request) -> Result<Answer, ClientError> {
        let url = format!("{}{}", self.url, request.path);
        let mut sending = self.http.request(request.method.clone(), url);
        if let Some(tag) = &request.if_match {
            sending = sending.header(header::IF_MATCH, tag);
        }
        if let Some(accepted) = &request.accept {
            sending = sending.header(header::ACCEPT, accepted);
        }
        if let Some(timeout) = request.timeout {
            sending = sending.timeout(timeout);
        }
        if let Some(token) = &self.token {
            sending = sending.bearer_auth(token.expose());
        }
        sending = match &request.body {
            Body::Nothing => sending,
            Body::Json(body) => sending.json(body),
            Body::Bytes { content_type, bytes } => {
                let sending = sending.body(bytes.clone());
                match content_type.as_str() {
                    "" => sending,
                    content_type => sending.header(header::CONTENT_TYPE, content_type),
                }
            }
        };
        let lost = |source: reqwest::Error| self.lost(request, source);
        let mut response = sending.send().await.map_err(lost)?;
        let text = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let mut answer = Answer {
            status: response.status(),
            tag: text("etag"),
            next_page: text("x-next-page-start").filter(|next| !next.is_empty()),
            content_type: text("content-type"),
            retry_after: text("retry-after")
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            answer.body.extend_from_slice(&chunk);
            if answer.body.len() > MAX_ANSWER_BYTES {
                return Err(ClientError::BadAnswer {
                    path: request.path.clone(),
                    reason: format!("more than {MAX_ANSWER_BYTES} bytes"),
                });
            }
        }
        Ok(answer)
    }

    fn lost(&self, request: &Request, source: reqwest::Error) -> ClientError {
        let url = self.url.clone();
        if source.is_timeout() {
            ClientError::TimedOut {
                url,
                method: request.method.to_string(),
                path: request.path.clone(),
                source,
            }
        } else {
            ClientError::Unreachable { url, source }
        }
    }
}

/// The base of every address: HTTPS, and nothing that a person would not see as the server's name.
fn base(url: &str) -> Result<String, ClientError> {
    let refused = |reason| ClientError::Url {
        url: url.to_owned(),
        reason,
    };
    if !url.starts_with("https://") {
        return Err(refused(""));
    }
    let parsed = reqwest::Url::parse(url).map_err(|_| refused(", and name a host"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(refused(", without a name or password in it"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(refused(", without `?` and `#`"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The entity tag.
    pub tag: Option<String>,
    /// Where the next page of a list starts that has no room for it in its body.
    pub next_page: Option<String>,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; an empty one is `null`. `path` is named in the error.
    ///
    /// # Errors
    /// When the body has another shape.
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = if self.body.is_empty() {
            b"null"
        } else {
            &*self.body
        };
        serde_json::from_slice(bytes).map_err(|error| ClientError::BadAnswer {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }

    /// The answer as the error that it is.
    pub fn failure(&self, method: &Method, path: &str) -> ClientError {
        let said = Said::read(&self.body);
        ClientError::Api(Box::new(Refusal {
            method: method.to_string(),
            path: path.to_owned(),
            status: self.status.as_u16(),
            code: said.code,
            message: said.message.unwrap_or_else(|| self.status.to_string()),
            detail: said.detail,
            retry_after: self.retry_after,
        }))
    }
}

/// What is in an error body: `{"errors":[{code, message, detail}]}`, `{"message", "detail"}` or `{"detail"}` of SCIM.
#[derive(Debug, Default, PartialEq)]
struct Said {
    code: Option<String>,
    message: Option<String>,
    detail: Option<Value>,
}

impl Said {
    fn read(bytes: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
            return Self::default();
        };
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let detail = |value: &Value| value.get("detail").filter(|detail| !detail.is_null()).cloned();
        let errors = body.get("errors").and_then(Value::as_array);
        let errors = errors.map(Vec::as_slice).unwrap_or_default();
        let messages: Vec<String> = errors.iter().filter_map(|error| text(error, "message")).collect();
        if messages.is_empty() {
            return Self {
                code: text(&body, "code"),
                message: text(&body, "message").or_else(|| text(&body, "detail")),
                detail: detail(&body),
            };
        }
        Self {
            code: errors.iter().find_map(|error| text(error, "code")),
            message: Some(messages.join("; ")),
            detail: errors.iter().find_map(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_shape_is_understood() {
        let message = |bytes: &[u8]| Said::read(bytes).message;
        assert_eq!(message(br#"{"message":"no"}"#).as_deref(), Some("no"));
        let both = br#"{"errors":[{"code":"A","message":"a","detail":null},{"code":"B","message":"b","detail":[1]}]}"#;
        let said = Said::read(both);
        assert_eq!(said.message.as_deref(), Some("a; b"));
        assert_eq!(said.code.as_deref(), Some("A"));
        assert_eq!(said.detail, Some(serde_json::json!([1])));
        let plain = Said::read(br#"{"message":"stale","detail":{"version":2}}"#);
        assert_eq!(plain.detail, Some(serde_json::json!({ "version": 2 })));
        assert_eq!(
            message(br#"{"schemas":[],"status":"404","detail":"gone"}"#).as_deref(),
            Some("gone")
        );
        assert_eq!(Said::read(b"<html>"), Said::default());
    }

    /// ux-03, ux-04: plain HTTP is refused, so is a URL that hides the server's name, and nothing is trusted by default.
    #[test]
    fn only_https_and_only_a_place() {
        for url in [
            "http://h",
            "h",
            "https://",
            "https://good.example@evil.example",
            "https://u:p@h",
            "https://h?x",
            "https://h#x",
        ] {
            assert!(
                matches!(
                    Client::new(url, &Trust::Nothing, Credential::Nothing),
                    Err(ClientError::Url { .. })
                ),
                "{url}"
            );
        }
        assert!(matches!(
            Client::new(
                "https://h",
                &Trust::Authorities("not PEM".into()),
                Credential::Nothing
            ),
            Err(ClientError::Authority { .. })
        ));
        let client = Client::new("https://h:8443/", &Trust::Nothing, Credential::Nothing).unwrap();
        assert_eq!(client.url(), "https://h:8443");
    }

    /// What proves who asks does not show in debug output.
    #[test]
    fn no_token_in_debug_output() {
        let credential = Credential::Token("canary".to_owned().into());
        let client = Client::new("https://h", &Trust::Nothing, credential.clone()).unwrap();
        assert!(!format!("{client:?}{credential:?}").contains("canary"));
    }
}
