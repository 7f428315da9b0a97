//! The engine's events, as a reason to look again. What an event says is never believed: whoever gets one looks at the
//! engine.

use std::time::Duration;

use futures_util::FutureExt as _;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use crate::controller::body::{Body, empty};
use crate::engine::{EngineClient, EngineError};

/// Events that come this close together are one reason: starting a component makes a dozen of them.
const TOGETHER: Duration = Duration::from_millis(300);
/// Rest before the stream is opened again after it broke off.
const RETRY: Duration = Duration::from_secs(2);

/// What changes something that is looked at. Engines tell much more: that somebody looked at the processes of a container, or ran
/// one in it, as checks of its health do every few seconds. None of that is a reason to look.
const CHANGES: [&str; 20] = [
    "connect",
    "create",
    "delete",
    "destroy",
    "die",
    "disconnect",
    "health_status",
    "import",
    "load",
    "pause",
    "pull",
    "remove",
    "rename",
    "restart",
    "start",
    "stop",
    "tag",
    "unpause",
    "untag",
    "update",
];

/// The events of some types that change something.
pub struct Events {
    engine: EngineClient,
    path: String,
    open: Option<Body>,
}

impl Events {
    /// Events of these types, such as `container`, from the first call on.
    pub fn of(engine: EngineClient, types: &[&str]) -> Self {
        let filters = json!({ "type": types, "event": CHANGES }).to_string();
        Self {
            engine,
            path: format!("/events?filters={}", crate::engine::lookup::escaped(&filters)),
            open: None,
        }
    }

    /// Passes over everything that has been told until now.
    pub fn pass_over(&mut self) {
        let Some(stream) = &mut self.open else { return };
        while let Some(frame) = stream.frame().now_or_never() {
            if !matches!(frame, Some(Ok(_))) {
                self.open = None;
                return;
            }
        }
    }

    /// Waits until something happened since the last call. Opening the stream anew counts: something may have happened
    /// meanwhile. Never ends while the engine is away; it is tried again. Safe to drop: nothing is lost that is not told
    /// by the next call.
    pub async fn changed(&mut self) {
        loop {
            let Some(stream) = &mut self.open else {
                match connect(&self.engine, &self.path).await {
                    Ok(stream) => {
                        self.open = Some(stream);
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the engine's events cannot be followed, trying again");
                        tokio::time::sleep(RETRY).await;
                        continue;
                    }
                }
            };
            match stream.frame().await {
                Some(Ok(_)) => {
                    // What comes right behind it belongs to it.
                    let until = Instant::now() + TOGETHER;
                    while let Ok(frame) = timeout_at(until, stream.frame()).await {
                        if !matches!(frame, Some(Ok(_))) {
                            self.open = None;
                            break;
                        }
                    }
                    return;
                }
                Some(Err(_)) | None => self.open = None,
            }
        }
    }
}

async fn connect(engine: &EngineClient, path: &str) -> Result<Body, EngineError> {
    let request = Request::get(path)
        .body(empty())
        .map_err(|source| EngineError::Unreadable {
            path: path.to_owned(),
            source: source.into(),
        })?;
    Ok(engine.send(request).await?.into_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An engine compares with the beginning of what happened as soon as the state of health is asked for, because that is
    /// followed by the state: nothing that changes nothing may begin like something that does.
    #[test]
    fn looking_is_no_change() {
        let is_told = |action: &str| CHANGES.iter().any(|change| action.starts_with(change));
        for change in [
            "create",
            "die",
            "destroy",
            "health_status: unhealthy",
            "update",
            "remove",
        ] {
            assert!(is_told(change), "{change}");
        }
        for look in [
            "attach",
            "commit",
            "copy",
            "detach",
            "exec_create: true",
            "exec_detach",
            "exec_die",
            "exec_start: true",
            "export",
            "kill",
            "mount",
            "resize",
            "save",
            "top",
            "unmount",
        ] {
            assert!(!is_told(look), "{look}");
        }
    }
}
