//! The events of all nodes as one stream.
//!
//! Each event says which node it comes from. What happens in the swarm is told by every manager, so it is taken from the
//! engine of this controller alone. A node that was away goes on where it broke off; one that joins is heard from then on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mke_rbac::engine::{Forward, Query};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::controller::body::{Body, BoxError, empty};
use crate::engine::EngineError;
use crate::engine::lookup::escaped_query;
use crate::fleet::{Fleet, Member, Presence};

/// Events that wait for a slow reader.
const WAITING: usize = 256;
/// How often is looked for nodes that came, or answer again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// For an engine to begin with its events.
const OPEN_TIME: Duration = Duration::from_secs(5);
/// Longest event, in bytes. Labels are what makes them long.
const MAX_EVENT: usize = 1024 * 1024;

/// The events that a call asks for, from every node. It ends with its reader, or when a call with an end in time has
/// heard every node.
pub(super) fn merged(fleet: &Fleet, forward: &Forward) -> Result<Body, BoxError> {
    let (path, query) = forward
        .path_and_query
        .split_once('?')
        .unwrap_or((&forward.path_and_query, ""));
    let query = Query::parse(query)?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let listening = Listening {
        fleet: fleet.clone(),
        path: path.to_owned(),
        query: query
            .pairs()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        sender,
    };
    let task = Ended(tokio::spawn(listening.run()));
    let frames = stream::unfold((receiver, task), |(mut receiver, task)| async move {
        let event: Bytes = receiver.recv().await?;
        Some((Ok::<_, BoxError>(Frame::data(event)), (receiver, task)))
    });
    Ok(StreamBody::new(frames).boxed_unsync())
}

/// Ends a task with whoever reads from it.
struct Ended(JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The moment after the last event of a node, as engines read it.
type LastSeen = Mutex<Option<String>>;

struct Listening {
    fleet: Fleet,
    path: String,
    query: Vec<(String, String)>,
    sender: mpsc::Sender<Bytes>,
}

impl Listening {
    async fn run(self) {
        let ends = self
            .query
            .iter()
            .any(|(name, value)| name == "until" && !value.is_empty());
        let mut readers: HashMap<String, (Ended, Arc<LastSeen>)> = HashMap::new();
        let mut ticks = interval(LOOK_EVERY);
        let mut first = true;
        loop {
            ticks.tick().await;
            let members = self.fleet.members().unwrap_or_default();
            if ends && !first && readers.values().all(|(task, _)| task.0.is_finished()) {
                return;
            }
            readers.retain(|id, _| members.iter().any(|member| member.id() == *id));
            for member in members
                .iter()
                .filter(|member| member.presence() != Presence::Silent)
            {
                let reader = readers.get(&member.id());
                if reader.is_some_and(|(task, _)| ends || !task.0.is_finished()) {
                    continue;
                }
                let last = reader.map(|(_, last)| last.clone()).unwrap_or_default();
                let task = self.listen(member.clone(), last.clone(), first);
                readers.insert(member.id(), (task, last));
            }
            first = false;
        }
    }

    /// Hears one node from where it broke off, or from now on when it is new.
    fn listen(&self, member: Arc<Member>, last: Arc<LastSeen>, first: bool) -> Ended {
        let since = last.lock().ok().and_then(|last| last.clone());
        let mut query: Vec<(String, String)> = self.query.clone();
        if let Some(since) = since {
            query.retain(|(name, _)| name != "since");
            query.push(("since".to_owned(), since));
        } else if !first {
            query.retain(|(name, _)| name != "since");
        }
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{}={}", escaped_query(name), escaped_query(value)))
            .collect();
        let path = format!("{}?{}", self.path, query.join("&"));
        let sender = self.sender.clone();
        Ended(tokio::spawn(async move {
            if let Err(error) = hear(&member, &path, &sender, &last).await {
                tracing::debug!(node = member.name(), %error, "the events of the node broke off");
            }
        }))
    }
}

async fn hear(
    member: &Member,
    path: &str,
    sender: &mpsc::Sender<Bytes>,
    last: &LastSeen,
) -> Result<(), BoxError> {
    let request = Request::get(path).body(empty())?;
    let response = timeout(OPEN_TIME, member.engine().send(request)).await??;
    if !response.status().is_success() {
        return Err(Box::new(EngineError::Refused {
            status: response.status(),
            message: "no events".to_owned(),
        }));
    }
    let mut body = response.into_body();
    let mut presence = member.presences();
    let mut read = BytesMut::new();
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            // A lost node makes no sound; whoever follows it notices.
            _ = presence.wait_for(|presence| *presence == Presence::Silent) => return Ok(()),
        };
        let Some(frame) = frame else { return Ok(()) };
        let Ok(data) = frame?.into_data() else { continue };
        read.extend_from_slice(&data);
        while let Some(end) = read.iter().position(|byte| *byte == b'\n') {
            let line = read.split_to(end + 1);
            let Ok(event) = serde_json::from_slice::<Value>(&line) else {
                continue;
            };
            if let (Some(next), Ok(mut last)) = (after(&event), last.lock()) {
                *last = Some(next);
            }
            if event["scope"] == "swarm" && !member.is_local() {
                continue;
            }
            let mut text = serde_json::to_vec(&with_node(event, member))?;
            text.push(b'\n');
            if sender.send(Bytes::from(text)).await.is_err() {
                return Ok(());
            }
        }
        if read.len() > MAX_EVENT {
            return Ok(());
        }
    }
}

/// The moment after an event, as engines read it.
fn after(event: &Value) -> Option<String> {
    const SECOND: i64 = 1_000_000_000;
    let nanos = event["timeNano"].as_i64()?.checked_add(1)?;
    Some(format!("{}.{:09}", nanos / SECOND, nanos % SECOND))
}

/// The event with its node, in both forms that clients know.
fn with_node(mut event: Value, member: &Member) -> Value {
    let facts = member.facts();
    let address = facts
        .address
        .map(|address| address.to_string())
        .unwrap_or_default();
    if let Some(attributes) = event
        .pointer_mut("/Actor/Attributes")
        .and_then(Value::as_object_mut)
    {
        for (key, value) in [
            ("node.id", &facts.id),
            ("node.name", &facts.name),
            ("node.ip", &address),
        ] {
            attributes.insert(key.to_owned(), Value::from(value.as_str()));
        }
    }
    event["node"] = json!({ "Id": facts.id, "Name": facts.name, "Ip": address, "Addr": address });
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_after() {
        for (nanos, expected) in [
            (json!(1_600_000_000_000_000_000_i64), Some("1600000000.000000001")),
            (json!(1_600_000_000_999_999_999_i64), Some("1600000001.000000000")),
            (Value::Null, None),
        ] {
            assert_eq!(after(&json!({ "timeNano": nanos })).as_deref(), expected);
        }
    }
}
