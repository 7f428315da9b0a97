//! A connection to one control plane, which sends requests.

use std::path::PathBuf;
use std::time::Duration;

use mke_client::{
    Body, Client, ClientError, Context, ContextFile, Credential, Method, Request, Retry, Settings, Trust,
};
use mke_core::secret::Secret;
use pyo3::prelude::*;
use serde_json::Value;

use super::answer::Answer;
use super::raised;
use crate::convert::from_python;
use crate::errors::invalid;
use crate::runtime;

/// A connection to one control plane: an address, whom to trust, and what proves who asks.
///
/// It holds open connections, which are closed when nothing refers to it any more. It may be used by several threads.
#[pyclass(module = "mke.client", frozen)]
pub(crate) struct Connection {
    client: Client,
    /// What a context needs to be made of it: nothing without a token.
    kept: Option<(Trust, Secret)>,
    /// Open connections are carried by threads, which a forked process does not have.
    process: u32,
}

impl Connection {
    fn new(client: Client, kept: Option<(Trust, Secret)>) -> Self {
        Self {
            client,
            kept,
            process: std::process::id(),
        }
    }

    fn client(&self) -> PyResult<Client> {
        if self.process == std::process::id() {
            return Ok(self.client.clone());
        }
        Err(invalid(
            "client",
            "it was made before this process was forked: make a client in each process",
        ))
    }
}

fn settings(timeout: f64, retries: u32) -> PyResult<Settings> {
    Ok(Settings {
        timeout: seconds("timeout", timeout)?,
        retry: Retry {
            times: retries,
            ..Retry::PATIENT
        },
    })
}

fn seconds(what: &str, value: f64) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(invalid(what, &format!("{value} is no number of seconds above 0"))),
    }
}

#[pymethods]
impl Connection {
    /// A connection from its parts. Nothing is sent yet.
    #[staticmethod]
    #[pyo3(signature = (url, *, ca=None, token=None, certificate=None, key=None, insecure=false, timeout=60.0, retries=2))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn open(
        url: &str,
        ca: Option<String>,
        token: Option<String>,
        certificate: Option<String>,
        key: Option<String>,
        insecure: bool,
        timeout: f64,
        retries: u32,
    ) -> PyResult<Self> {
        let trust = match (ca, insecure) {
            (Some(pem), false) => Trust::Authorities(pem),
            (None, true) => Trust::Nothing,
            (Some(_), true) => {
                return Err(invalid(
                    "insecure",
                    "an authority is given as well: say one of both",
                ));
            }
            (None, false) => {
                return Err(invalid(
                    "ca",
                    "the server must be verified: give the authority of its certificate, its fingerprint, or insecure=True",
                ));
            }
        };
        let credential = match (token, certificate, key) {
            (None, None, None) => Credential::Nothing,
            (Some(token), None, None) => Credential::Token(Secret::new(token)),
            (None, Some(chain), Some(key)) => Credential::Certificate {
                chain,
                key: Secret::new(key),
            },
            _ => {
                return Err(invalid(
                    "token, certificate, key",
                    "give either a token, or a certificate with its key",
                ));
            }
        };
        let kept = match &credential {
            Credential::Token(token) => Some((trust.clone(), token.clone())),
            Credential::Nothing | Credential::Certificate { .. } => None,
        };
        let client = Client::with(url, &trust, credential, settings(timeout, retries)?).map_err(raised)?;
        Ok(Self::new(client, kept))
    }

    /// The connection that `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE` describe, or the context in use.
    #[staticmethod]
    #[pyo3(signature = (*, timeout=60.0, retries=2))]
    fn from_env(py: Python<'_>, timeout: f64, retries: u32) -> PyResult<Self> {
        let settings = settings(timeout, retries)?;
        let client = py.detach(|| mke_client::environment::client(settings));
        Ok(Self::new(client.map_err(raised)?, None))
    }

    /// The connection of a context that `ucp login` made; without a name, of the one in use.
    #[staticmethod]
    #[pyo3(signature = (name=None, *, timeout=60.0, retries=2))]
    fn from_context(py: Python<'_>, name: Option<&str>, timeout: f64, retries: u32) -> PyResult<Self> {
        let settings = settings(timeout, retries)?;
        let client = py.detach(|| {
            let contexts = ContextFile::locate()?.read()?;
            contexts.named(name)?.client(settings)
        });
        Ok(Self::new(client.map_err(raised)?, None))
    }

    /// The connection of a client bundle: a directory or an archive.
    #[staticmethod]
    #[pyo3(signature = (path, *, url=None, timeout=60.0, retries=2))]
    fn from_bundle(
        py: Python<'_>,
        path: PathBuf,
        url: Option<&str>,
        timeout: f64,
        retries: u32,
    ) -> PyResult<Self> {
        let settings = settings(timeout, retries)?;
        let client = py.detach(|| mke_client::Bundle::open(&path)?.client(url, settings));
        Ok(Self::new(client.map_err(raised)?, None))
    }

    /// Where the control plane is.
    #[getter]
    fn url(&self) -> &str {
        self.client.url()
    }

    /// Keeps the token of this connection as a context of `ucp`, and makes it the one in use.
    fn remember(&self, name: &str, username: &str) -> PyResult<()> {
        let Some((trust, token)) = &self.kept else {
            return Err(invalid("context", "only a login can be kept as a context"));
        };
        let (ca_pem, insecure) = match trust {
            Trust::Authorities(pem) => (Some(pem.clone()), false),
            Trust::Nothing => (None, true),
        };
        let context = Context {
            url: self.client.url().to_owned(),
            ca_pem,
            insecure,
            username: username.to_owned(),
            token: token.expose().to_owned(),
        };
        let keep = || {
            let file = ContextFile::locate()?;
            let mut contexts = file.read()?;
            contexts.contexts.insert(name.to_owned(), context);
            contexts.current = Some(name.to_owned());
            file.write(&contexts)
        };
        keep().map_err(raised)
    }

    /// Sends a request and waits for the answer with the interpreter released.
    ///
    /// `body` is sent as JSON; `data` as it is. `safe` says that a method other than GET changes nothing, so that it may be sent
    /// again. With `check` an answer that is no success is an exception.
    #[pyo3(signature = (method, path, *, body=None, data=None, content_type="", if_match=None, accept=None, safe=false, timeout=None, check=true))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn send(
        &self,
        py: Python<'_>,
        method: &str,
        path: String,
        body: Option<&Bound<'_, PyAny>>,
        data: Option<Vec<u8>>,
        content_type: &str,
        if_match: Option<String>,
        accept: Option<String>,
        safe: bool,
        timeout: Option<f64>,
        check: bool,
    ) -> PyResult<Answer> {
        let body = body_of(body, data, content_type)?;
        let request = request(method, path, body, if_match, accept, safe, timeout)?;
        runtime::wait(py, exchange(self.client()?, request, check))
    }

    /// The same as something to await.
    #[pyo3(signature = (method, path, *, body=None, data=None, content_type="", if_match=None, accept=None, safe=false, timeout=None, check=true))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn send_async<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        path: String,
        body: Option<&Bound<'py, PyAny>>,
        data: Option<Vec<u8>>,
        content_type: &str,
        if_match: Option<String>,
        accept: Option<String>,
        safe: bool,
        timeout: Option<f64>,
        check: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = body_of(body, data, content_type)?;
        let request = request(method, path, body, if_match, accept, safe, timeout)?;
        runtime::promise(py, exchange(self.client()?, request, check))
    }

    fn __repr__(&self) -> String {
        format!("<Connection to {}>", self.client.url())
    }
}

fn body_of(body: Option<&Bound<'_, PyAny>>, data: Option<Vec<u8>>, content_type: &str) -> PyResult<Body> {
    match (body, data) {
        (None, None) => Ok(Body::Nothing),
        (Some(body), None) => Ok(Body::Json(from_python::<Value>("body", body)?)),
        (None, Some(bytes)) => Ok(Body::Bytes {
            content_type: content_type.to_owned(),
            bytes,
        }),
        (Some(_), Some(_)) => Err(invalid("body", "data is given as well: say one of both")),
    }
}

fn request(
    method: &str,
    path: String,
    body: Body,
    if_match: Option<String>,
    accept: Option<String>,
    safe: bool,
    timeout: Option<f64>,
) -> PyResult<Request> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| invalid("method", "no HTTP method"))?;
    Ok(Request {
        body,
        if_match,
        accept,
        reads_only: safe,
        timeout: timeout.map(|value| seconds("timeout", value)).transpose()?,
        ..Request::new(method, path)
    })
}

/// The one future of both forms.
async fn exchange(client: Client, request: Request, check: bool) -> PyResult<Answer> {
    let answer = match check {
        true => client.send(&request).await,
        false => client.exchange(&request).await,
    };
    Ok(Answer::new(answer.map_err(raised)?, request.path))
}

/// The authority that a server names, when its SHA-256 fingerprint is the expected one (PEM).
#[pyfunction]
#[pyo3(signature = (url, fingerprint, *, timeout=60.0))]
pub(super) fn authority(py: Python<'_>, url: String, fingerprint: String, timeout: f64) -> PyResult<String> {
    let settings = settings(timeout, 2)?;
    runtime::wait(py, vouched(url, fingerprint, settings))
}

/// The same as something to await.
#[pyfunction]
#[pyo3(signature = (url, fingerprint, *, timeout=60.0))]
pub(super) fn authority_async<'py>(
    py: Python<'py>,
    url: String,
    fingerprint: String,
    timeout: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let settings = settings(timeout, 2)?;
    runtime::promise(py, vouched(url, fingerprint, settings))
}

async fn vouched(url: String, fingerprint: String, settings: Settings) -> PyResult<String> {
    match Trust::by_fingerprint(&url, &fingerprint, settings).await {
        Ok(Trust::Authorities(pem)) => Ok(pem),
        Ok(Trust::Nothing) => Err(raised(ClientError::NoAuthority)),
        Err(error) => Err(raised(error)),
    }
}

/// Percent-escapes one path element or query value.
#[pyfunction]
pub(super) fn escape(text: &str) -> String {
    mke_client::escape(text)
}
