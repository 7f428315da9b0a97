//! What can go wrong while measuring. Being slow is not among it.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// A measurement that could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A peer or a tool is not there.
    #[error("`{program}` is missing, install it with `apt-get install {package}`")]
    Missing {
        program: &'static str,
        package: &'static str,
    },
    /// The environment of Python packages is not there.
    #[error("{} is missing, `cargo xtask bench` with the name of the measure makes it", path.display())]
    NoPython { path: PathBuf },
    /// This program itself was compiled without optimisation.
    #[error("an unoptimised build measures nothing, start it with `cargo xtask bench`")]
    Unoptimised,
    /// An engine of our own needs root.
    #[error("`proxy` starts a Docker Engine of its own and needs root; name other measures to do without")]
    NotRoot,
    /// A file or directory of the run.
    #[error("cannot {action} {path}")]
    File {
        action: &'static str,
        path: String,
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`")]
    Start { program: String, source: io::Error },
    /// A program ended with an error, or although it should have stayed.
    #[error("`{program}` ended with {status}: {output}")]
    Ended {
        program: String,
        status: ExitStatus,
        output: String,
    },
    /// A condition did not come true.
    #[error("`{program}` did not {what} within {limit:?}; its log ends with: {log}")]
    Late {
        program: String,
        what: &'static str,
        limit: Duration,
        log: String,
    },
    /// A call got no answer.
    #[error("no answer from {target}")]
    NoAnswer {
        target: String,
        source: Box<dyn Error + Send + Sync>,
    },
    /// A call was refused.
    #[error("{call} was answered with {status}: {body}")]
    Refused {
        call: String,
        status: http::StatusCode,
        body: String,
    },
    /// An answer or an output has not the expected form.
    #[error("{what} has no {missing}")]
    Malformed { what: String, missing: &'static str },
    /// A load run had failures, so that its rate means nothing.
    #[error("the load on {url} had {failures}")]
    FailedLoad { url: String, failures: String },
    /// Certificates for the run could not be made.
    #[error("cannot make a certificate for the run")]
    Certificate { source: Box<dyn Error + Send + Sync> },
    /// The run was stopped by a signal.
    #[error("interrupted")]
    Interrupted,
}

impl BenchError {
    /// For `map_err` around file operations.
    pub(crate) fn file(action: &'static str, path: impl Display) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_string();
        move |source| Self::File { action, path, source }
    }

    /// For `map_err` around calls.
    pub(crate) fn no_answer<E: Into<Box<dyn Error + Send + Sync>>>(
        target: impl Display,
    ) -> impl FnOnce(E) -> Self {
        let target = target.to_string();
        move |source| Self::NoAnswer {
            target,
            source: source.into(),
        }
    }

    /// For `map_err` around certificates.
    pub(crate) fn certificate<E: Into<Box<dyn Error + Send + Sync>>>(error: E) -> Self {
        Self::Certificate { source: error.into() }
    }

    /// 2 when the caller can put it right, 3 when the run failed part-way.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Missing { .. } | Self::NoPython { .. } | Self::Unoptimised | Self::NotRoot => 2,
            _ => 3,
        }
    }
}
