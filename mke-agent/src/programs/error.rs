//! What a program of `ucp-agent` ends with when it cannot go on.

use std::io;
use std::path::PathBuf;

/// Why a program ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The runtime could not be made.
    #[error("the program cannot start")]
    Start(#[source] io::Error),
    /// Signals cannot be waited for.
    #[error("the program cannot wait for the signal to end")]
    Signals(#[source] io::Error),
    /// A file that the program needs.
    #[error("cannot read `{}`, which the agent of this node writes", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program that lies beside this one.
    #[error("cannot start `{}`, which belongs beside this program; use the files of one image", path.display())]
    Beside {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An argument or an environment variable that fits nothing.
    #[error("{0}")]
    Usage(String),
    /// What the part behind the program failed with.
    #[error("{doing}")]
    Failed {
        /// What was being done, such as `the authority cannot serve`.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ProgramError {
    /// For `map_err`: what was being done when something failed.
    pub fn failed<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Failed {
            doing,
            source: source.into(),
        }
    }
}
