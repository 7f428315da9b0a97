//! Why a command ends without success, and with which exit code.

use std::path::Path;
use std::process::ExitCode;

/// Every way in which a command of this program can fail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The answer is no: a test failed, a rule is broken, an id is unknown.
    #[error("{0}")]
    No(String),
    /// The caller or the machine must change something first; the text says what.
    #[error("{0}")]
    Precondition(String),
    /// Something that should work did not.
    #[error("{0}")]
    Broken(String),
}

impl Failure {
    /// An error of the file system, with the place.
    pub(crate) fn file(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let text = format!("cannot {what} {}", path.display());
        move |error| Self::Broken(format!("{text}: {error}"))
    }

    /// 1: the answer is no; 2: usage or something is missing; 3: failed part-way.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::No(_) => 1,
            Self::Precondition(_) => 2,
            Self::Broken(_) => 3,
        })
    }
}

/// What every command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;
