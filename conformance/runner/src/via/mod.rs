//! The ways to ask: every way gives the same kind of answer, so that one file of cases serves all.

mod http;
mod library;
mod ucp;

use std::path::PathBuf;

use mke_rbac::question::Answer;

pub use http::Http;
pub use library::Library;
pub use ucp::Ucp;

use crate::case::{Case, CaseFile};

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// A program could not be run.
    #[error("`{}` could not be run; build it, or name another with --ucp", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A program ended with something that is no answer.
    #[error("`ucp` ended with {status} and said: {said}")]
    NoAnswer {
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of its messages.
        said: String,
    },
    /// The exit code and the printed answer say different things.
    #[error("`ucp` printed {printed} and ended with {status}")]
    Contradiction {
        /// The verdict that it printed.
        printed: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A server did not answer in time.
    #[error("`ucp serve` did not answer within {after:?}")]
    Slow {
        /// How long it was waited for.
        after: std::time::Duration,
    },
    /// A server could not be reached, or broke off.
    #[error("the request for {path} failed")]
    Request {
        /// The path.
        path: String,
        /// What the client says.
        #[source]
        source: reqwest::Error,
    },
    /// A server refused something that it should do.
    #[error("{request} was refused with {status}: {said}")]
    Refused {
        /// Method and path.
        request: String,
        /// The status.
        status: u16,
        /// The body.
        said: String,
    },
    /// An answer has the wrong form.
    #[error("the answer of {path} has the wrong form")]
    BadAnswer {
        /// The path.
        path: String,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// Something that was built is not there.
    #[error("the server has no {what} although it was made")]
    Unbuilt {
        /// What is absent.
        what: String,
    },
    /// The server's certificate cannot be checked.
    #[error("the server's authority cannot be used")]
    Tls(#[source] rustls::Error),
    /// Something that the runner itself needs failed.
    #[error("{what}")]
    Own {
        /// What it was.
        what: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// A way to ask.
pub trait Via {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Asks one case.
    fn ask(&mut self, file: &CaseFile, case: &Case) -> Result<Answer, AskError>;

    /// Whether cases about Kubernetes that are no plain requests can be asked in this way.
    fn asks_kubernetes(&self) -> bool {
        false
    }
}
