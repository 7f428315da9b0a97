//! The HTTP client of the administration commands: [`mke_client`] with the errors of this program.

use mke_client::{Answer, ClientError, Credential, Refusal, Request, Settings};
use mke_core::secret::Secret;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::CliError;

pub(crate) use mke_client::{Context, ContextFile, Trust, escape};

/// A connection to one control plane.
pub(crate) struct Client(mke_client::Client);

impl Client {
    /// A client for a base URL.
    pub(crate) fn new(url: &str, trust: &Trust, token: Option<String>) -> Result<Self, CliError> {
        let credential = token.map_or(Credential::Nothing, |token| Credential::Token(Secret::new(token)));
        Ok(Self(mke_client::Client::new(url, trust, credential)?))
    }

    /// The client for the context in use, or for `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE`.
    pub(crate) fn from_environment() -> Result<Self, CliError> {
        Ok(Self(mke_client::environment::client(Settings::default())?))
    }

    /// The client for a stored context.
    pub(crate) fn from_context(context: &Context) -> Result<Self, CliError> {
        Ok(Self(context.client(Settings::default())?))
    }

    /// Reads an object.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        Ok(self.0.get(path).await?)
    }

    /// Sends an object and reads the answer; an empty answer is `null`.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, CliError> {
        let request = Request::new(method, path).json(body.clone());
        Ok(self.0.send(&request).await?.json(path)?)
    }

    /// Sends a request without a body and expects nothing back.
    pub(crate) async fn call(&self, method: Method, path: &str) -> Result<(), CliError> {
        self.send(method, path).await.map(drop)
    }

    /// Reads a whole list, page by page. `field` names the array; `path` may have a query.
    pub(crate) async fn list(&self, path: &str, field: &str) -> Result<Vec<Value>, CliError> {
        Ok(self.0.list(path, field).await?)
    }

    /// Sends a request without a body and returns that of a successful answer.
    pub(crate) async fn send(&self, method: Method, path: &str) -> Result<Vec<u8>, CliError> {
        Ok(self.0.send(&Request::new(method, path)).await?.body)
    }

    /// Sends a request and returns whatever comes back, refusals too.
    pub(crate) async fn exchange(&self, request: &Request) -> Result<Answer, CliError> {
        Ok(self.0.exchange(request).await?)
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotLoggedIn => Self::NotLoggedIn,
            ClientError::Api(refusal) => {
                let Refusal {
                    method,
                    path,
                    status,
                    message,
                    ..
                } = *refusal;
                match status {
                    401 | 403 => Self::Refused { message },
                    status => Self::Api {
                        method,
                        path,
                        status,
                        message,
                    },
                }
            }
            ClientError::Unreachable { url, source } | ClientError::TimedOut { url, source, .. } => {
                Self::Unreachable { url, source }
            }
            ClientError::BadAnswer { path, reason } | ClientError::Bundle { path, reason } => {
                Self::BadAnswer { path, reason }
            }
            ClientError::File { doing, path, source } => Self::File { doing, path, source },
            ClientError::Fingerprint { .. } => Self::Refused {
                message: error.to_string(),
            },
            ClientError::Tls { .. } => Self::Failed(error.to_string()),
            ClientError::Url { .. }
            | ClientError::Path { .. }
            | ClientError::Authority { .. }
            | ClientError::Certificate { .. }
            | ClientError::NoAuthority
            | ClientError::NoSuchContext { .. }
            | ClientError::NoHome
            | ClientError::DamagedContexts { .. }
            | ClientError::NotEmpty { .. } => Self::Usage(error.to_string()),
        }
    }
}
