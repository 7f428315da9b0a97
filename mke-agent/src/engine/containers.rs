//! Containers that do one thing and end: their end is waited for, and they are taken away.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::client::{EngineClient, message_of, whole};
use super::error::EngineError;
use crate::controller::body::{Body, empty, full};

/// Bytes of a small answer.
const SMALL: usize = 1024 * 1024;

impl EngineClient {
    /// A call that may take as long as it takes; how long that may be is the caller's to say. Its answer is small.
    ///
    /// # Errors
    /// As [`Self::call`], apart from that of time.
    pub async fn call_patiently(
        &self,
        path: &str,
        request: Result<Request<Body>, http::Error>,
    ) -> Result<Bytes, EngineError> {
        let request = request.map_err(|error| EngineError::Unreadable {
            path: path.to_owned(),
            source: error.into(),
        })?;
        let response = self.send(request).await?;
        let status = response.status();
        let answer = whole(path, response.into_body(), SMALL).await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(EngineError::Refused {
            status,
            message: message_of(&answer),
        })
    }

    /// The exit code of a container, when it has ended; -1 where the engine does not say it.
    ///
    /// # Errors
    /// As [`Self::call_patiently`].
    pub async fn wait_for_container(&self, name: &str) -> Result<i64, EngineError> {
        let path = format!("/containers/{name}/wait");
        let answer = self
            .call_patiently(&path, Request::post(&path).body(empty()))
            .await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        Ok(answer["StatusCode"].as_i64().unwrap_or(-1))
    }

    /// The last lines of a container's log, one behind the other; nothing when the engine does not give them.
    pub async fn log_end(&self, name: &str, lines: usize) -> String {
        let path = format!("/containers/{name}/logs?stderr=1&tail={lines}");
        let log = self.get_bytes(&path).await.unwrap_or_default();
        // Each piece has eight bytes of head.
        let text: String = String::from_utf8_lossy(&log)
            .chars()
            .filter(|c| !c.is_control() || *c == '\n')
            .collect();
        text.lines().collect::<Vec<_>>().join(" | ")
    }

    /// Removes a container with its volumes that have no name; also one that runs, and one that is not there.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{name}?force=1&v=1");
        match self.call("DELETE", &path, full("")).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}
