//! Follows one node: its events say what changed, and as long as they arrive it counts as answering.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::member::{Member, Presence};
use crate::controller::body::{Body, empty};
use crate::engine::EngineError;
use crate::steps;

/// What the lists depend on.
const EVENTS: &str =
    "/events?filters=%7B%22type%22%3A%5B%22container%22%2C%22image%22%2C%22volume%22%2C%22network%22%5D%7D";
/// How long an engine may take to show that it lives.
const PING_TIME: Duration = Duration::from_secs(3);
/// How many steps lie between two questions whether the engine of a node without events lives. That its machine does is what
/// the system finds out (see [`crate::engine::EngineClient::follow`]), and whoever gets no answer says so.
const PING_STEPS: u32 = 16;
/// Rest before a node that does not answer is asked again, at first and at most.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// Longest event, in bytes. Labels are what makes them long.
const MAX_EVENT: usize = 1024 * 1024;

/// Follows a node for as long as it is polled.
pub(super) async fn follow(member: Arc<Member>) {
    let mut rest = REST.0;
    loop {
        match attend(&member).await {
            Ok(()) => rest = REST.0,
            Err(error) => tracing::debug!(node = member.name(), %error, "the node cannot be followed"),
        }
        member.set_presence(Presence::Silent);
        sleep(rest).await;
        rest = (rest * 2).min(REST.1);
    }
}

/// Hears the events of a node until it is silent. Succeeds when it answered at all.
async fn attend(member: &Member) -> Result<(), EngineError> {
    let mut events = in_time(open(member)).await?;
    ping(member).await?;
    member.set_presence(Presence::Answering);
    let mut read = BytesMut::new();
    loop {
        tokio::select! {
            frame = events.frame() => {
                let Some(Ok(frame)) = frame else {
                    return Ok(());
                };
                if let Some(data) = frame.data_ref() {
                    read.extend_from_slice(data);
                }
                while let Some(end) = read.iter().position(|byte| *byte == b'\n') {
                    let line = read.split_to(end + 1);
                    if let Ok(event) = serde_json::from_slice::<Value>(&line) {
                        member.heard(&event);
                    }
                }
                if read.len() > MAX_EVENT {
                    return Ok(());
                }
            }
            () = member.suspected.notified() => return Ok(()),
            () = steps::pass(PING_STEPS) => {
                if ping(member).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

async fn open(member: &Member) -> Result<Body, EngineError> {
    let request = Request::get(EVENTS)
        .body(empty())
        .map_err(|source| EngineError::Unreadable {
            path: EVENTS.to_owned(),
            source: source.into(),
        })?;
    Ok(member.engine().follow(request).await?.into_body())
}

async fn ping(member: &Member) -> Result<(), EngineError> {
    in_time(member.engine().get_bytes("/_ping")).await.map(drop)
}

async fn in_time<T>(question: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
    match timeout(PING_TIME, question).await {
        Ok(answer) => answer,
        Err(_) => Err(EngineError::Slow {
            path: "/events".to_owned(),
            limit: PING_TIME,
        }),
    }
}
