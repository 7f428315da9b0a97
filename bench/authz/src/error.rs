//! Why a benchmark ends without figures.

use mke_upstream::upstream::UpstreamError;

/// Every way in which a run can fail.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// An engine refuses its data or a question.
    #[error("{engine} refuses {what}: {reason}")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// What it was given.
        what: &'static str,
        /// What it says.
        reason: String,
    },
    /// Two engines answer differently, so their times cannot be compared.
    #[error(
        "{engine} and this engine differ about question {number} of `{shape}`: {theirs} and {ours}; figures of engines that disagree are worth nothing"
    )]
    Unlike {
        /// The engine.
        engine: String,
        /// The data.
        shape: String,
        /// The question.
        number: usize,
        /// Its answer.
        theirs: bool,
        /// Ours.
        ours: bool,
    },
    /// The upstream program fails.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// A file cannot be read or written.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was to be done.
        what: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A document lacks the lines between which figures go.
    #[error("{path} lacks the line `{marker}`; figures are written between two such lines")]
    Marker {
        /// The document.
        path: String,
        /// The line.
        marker: &'static str,
    },
    /// The program that measures memory gave no figures.
    #[error("the program that measures memory {0}")]
    Memory(String),
}

impl BenchError {
    /// What an engine says about what it was given.
    pub fn engine<E: std::fmt::Display>(engine: &'static str, what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Engine {
            engine,
            what,
            reason: error.to_string(),
        }
    }
}
