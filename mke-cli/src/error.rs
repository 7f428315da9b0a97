//! What can go wrong in a command, and the one mapping to exit codes.

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command did its work, and the answer to the question is no. Already rendered.
    #[error("no")]
    AnswerIsNo,
    /// A file has mistakes. Already rendered.
    #[error("the file has mistakes")]
    Mistakes,
    /// Another error, which was told already; only its exit code counts.
    #[error("{0}")]
    Told(Box<CliError>),
    /// The arguments or a file they name make no sense.
    #[error("{0}")]
    Usage(String),
    /// Nobody is logged in.
    #[error("not logged in; run `ucp login --url https://HOST` first, or set MKE_URL and MKE_TOKEN")]
    NotLoggedIn,
    /// The control plane refused.
    #[error("{message}")]
    Refused {
        /// What it said.
        message: String,
    },
    /// The control plane answered with another error.
    #[error("{method} {path}: {message} (HTTP {status})")]
    Api {
        /// The request's method.
        method: String,
        /// The request's path.
        path: String,
        /// The status code.
        status: u16,
        /// What it said.
        message: String,
    },
    /// No answer came.
    #[error("cannot reach {url}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
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
    /// Anything else that stopped the command.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// 1 the answer is no; 2 usage or configuration; 3 failed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Told(error) => return error.exit_code(),
            Self::AnswerIsNo | Self::Refused { .. } | Self::NotLoggedIn => 1,
            Self::Usage(_) | Self::Mistakes => 2,
            Self::Api { status: 400, .. } => 2,
            Self::Api { .. }
            | Self::Unreachable { .. }
            | Self::BadAnswer { .. }
            | Self::File { .. }
            | Self::Failed(_) => 3,
        })
    }

    /// For `map_err` on file operations.
    pub(crate) fn file(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { doing, path, source }
    }
}
