//! What can go wrong between a program and a control plane.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address of the control plane cannot be used.
    #[error("`{url}` is no control plane URL, it must start with https://{reason}")]
    Url {
        /// What was given.
        url: String,
        /// What else is wrong with it: empty, or a remark that starts with a comma.
        reason: &'static str,
    },
    /// The path of a request would lead to another server, or is none.
    #[error(
        "`{path}` is no path of the API, it must start with `/` and hold neither spaces nor control characters"
    )]
    Path {
        /// What was given.
        path: String,
    },
    /// The certificate that the server must chain to cannot be used.
    #[error("the authority's certificate is unusable: {reason}")]
    Authority {
        /// Why.
        reason: String,
    },
    /// The server names another authority than the one that is known.
    #[error("the server's authority {found} is not trusted; nothing was sent")]
    Fingerprint {
        /// The SHA-256 of the one that it names, in hexadecimal.
        found: String,
    },
    /// The certificate or the key that shall prove who asks cannot be used.
    #[error("the client certificate is unusable: {reason}")]
    Certificate {
        /// Why.
        reason: String,
    },
    /// TLS or the connection pool cannot be set up.
    #[error("cannot set up TLS: {reason}")]
    Tls {
        /// Why.
        reason: String,
    },
    /// Nothing says which control plane is meant, or who asks.
    #[error("not logged in; run `ucp login --url https://HOST` first, or set MKE_URL and MKE_TOKEN")]
    NotLoggedIn,
    /// `MKE_URL` and `MKE_TOKEN` are set, but nothing says whom to trust.
    #[error("MKE_URL and MKE_TOKEN also need MKE_CA_FILE")]
    NoAuthority,
    /// No context has this name.
    #[error("there is no context `{name}`; see `ucp context list`")]
    NoSuchContext {
        /// The name.
        name: String,
    },
    /// Nothing says where contexts are kept.
    #[error("set HOME or MKE_CONFIG, so that contexts can be kept")]
    NoHome,
    /// The file of contexts is not what was written.
    #[error("{path} is damaged ({reason}); remove it and log in anew")]
    DamagedContexts {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A directory or archive is no client bundle.
    #[error("{path} is no client bundle: {reason}")]
    Bundle {
        /// What was read.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The control plane answered with an error.
    #[error("{0}")]
    Api(Box<Refusal>),
    /// No answer came.
    #[error("cannot reach {url}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No answer came in time. Whether the request was carried out is not known.
    #[error("{url} did not answer {method} {path} in time")]
    TimedOut {
        /// Where.
        url: String,
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// The same in the words of the connection.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is not what the API promises.
    #[error("unexpected answer from {path}: {reason}")]
    BadAnswer {
        /// The request's path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A directory that must be empty is not.
    #[error("{path} is not empty, choose another directory")]
    NotEmpty {
        /// The directory.
        path: String,
    },
    /// A file could not be read or written.
    #[error("{doing} {path}")]
    File {
        /// What was tried, such as `cannot read`.
        doing: &'static str,
        /// The file.
        path: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl ClientError {
    /// For `map_err` on file operations.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { doing, path, source }
    }

    /// The status code, when the control plane answered with an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

/// What a control plane says that did not do what it was asked to.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// The status code.
    pub status: u16,
    /// The word for programs, where the API gives one: `NO_SUCH_OBJECT`.
    pub code: Option<String>,
    /// What it said.
    pub message: String,
    /// What it said for programs.
    pub detail: Option<Value>,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            path,
            status,
            message,
            ..
        } = self;
        write!(f, "{method} {path}: {message} (HTTP {status})")
    }
}
