//! What a call to the engine fails with.

use std::time::Duration;

use http::StatusCode;

/// Why the engine gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody listens on the socket, or the proxy of the node cannot be reached or believed.
    #[error("the engine does not answer on {place}; start the Docker Engine there or name its socket")]
    Unreachable {
        /// Where: a socket, or a node and its address.
        place: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// None of the nodes that could tell answers.
    #[error("no node answers that could tell: {nodes}")]
    NoNode {
        /// The nodes.
        nodes: String,
    },
    /// The head of the answer did not come in time.
    #[error("the engine did not answer `{path}` within {} s", limit.as_secs())]
    Slow {
        /// What was asked.
        path: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The engine said no.
    #[error("{message}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// Its message.
        message: String,
    },
    /// The exchange broke off or was no HTTP.
    #[error("the exchange with the engine about `{path}` failed")]
    Broken {
        /// What was asked.
        path: String,
        /// What went wrong.
        #[source]
        source: hyper::Error,
    },
    /// An answer that must be read whole is too large or broke off.
    #[error("the engine's answer to `{path}` could not be read whole")]
    Unreadable {
        /// What was asked.
        path: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An answer that should be JSON of a known shape is not.
    #[error("the engine's answer to `{path}` is not what its API says")]
    Malformed {
        /// What was asked.
        path: String,
        /// What went wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl EngineError {
    /// Whether the engine said that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}
