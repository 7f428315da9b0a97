//! The engine's events as they happen, less those of objects that the caller may not see (R51).
//!
//! Each event goes out as soon as it is complete. Decisions follow the newest policy, so a grant that is taken
//! away works on streams that are open already.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mke_rbac::demand::{ObjectKind, ObjectRef};
use mke_rbac::engine::answer;
use serde_json::Value;

use super::caller::Caller;
use super::homes::Homes;
use crate::controller::body::{Body, BoxError};
use crate::controller::error::ApiError;
use crate::controller::state::State;
use crate::engine::{Sight, lookup};
use crate::fleet::{Fleet, Member};

/// Longest event, in bytes. Labels are what makes them long.
const MAX_EVENT: usize = 1024 * 1024;

/// Objects whose events do not say where they lie.
const UNLABELLED: [ObjectKind; 6] = [
    ObjectKind::Config,
    ObjectKind::Network,
    ObjectKind::Node,
    ObjectKind::Secret,
    ObjectKind::Service,
    ObjectKind::Volume,
];

/// Why an events stream ends before its time.
#[derive(Debug, thiserror::Error)]
#[error("the engine sent an event of more than {MAX_EVENT} bytes")]
struct TooLong;

/// Filters a stream of events for this caller.
pub(super) async fn filter(state: &Arc<State>, caller: Caller, body: Body) -> Result<Body, ApiError> {
    // Events about the end of an object come when it cannot be looked up any more.
    let homes = match state.fleet.members() {
        Some(members) => Homes::of_fleet(&UNLABELLED, &state.fleet, &members, &caller.policy).await?,
        None => Homes::of(&UNLABELLED, &Sight::single(state.engine.clone()), &caller.policy).await?,
    };
    let state = state.clone();
    let filter = Filter {
        fleet: state.fleet.clone(),
        newest: Box::new(move |caller| caller.policy = state.snapshot().policy.clone()),
        caller,
        homes,
        body,
        read: BytesMut::new(),
    };
    let frames = stream::try_unfold(filter, |mut filter| async move {
        Ok(filter.next().await?.map(|events| (Frame::data(events), filter)))
    });
    Ok(StreamBody::new(frames).boxed_unsync())
}

struct Filter {
    fleet: Fleet,
    newest: Box<dyn Fn(&mut Caller) + Send + Sync>,
    caller: Caller,
    homes: Homes,
    body: Body,
    read: BytesMut,
}

impl Filter {
    /// The next events that the caller sees, until the engine ends the stream.
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        loop {
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            self.read.extend_from_slice(&data);
            let visible = self.complete_events().await?;
            if !visible.is_empty() {
                return Ok(Some(visible.freeze()));
            }
        }
    }

    async fn complete_events(&mut self) -> Result<BytesMut, BoxError> {
        let mut visible = BytesMut::new();
        while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
            let line = self.read.split_to(end + 1);
            if let Ok(event) = serde_json::from_slice::<Value>(&line)
                && let Some(event) = self.visible(event).await
            {
                visible.extend_from_slice(&serde_json::to_vec(&event)?);
                visible.extend_from_slice(b"\n");
            }
        }
        if self.read.len() > MAX_EVENT {
            return Err(TooLong.into());
        }
        Ok(visible)
    }

    async fn visible(&mut self, event: Value) -> Option<Value> {
        (self.newest)(&mut self.caller);
        let node = event["node"]["Id"].as_str().and_then(|id| self.fleet.member(id));
        let sight = match &node {
            Some(node) => Sight::of_node(node.engine().clone(), node.name(), self.fleet.local().clone()),
            None => Sight::single(self.fleet.local().clone()),
        };
        for object in named_in(&event) {
            let known_as = of_node(&object, node.as_deref());
            self.know(&sight, object, known_as).await;
        }
        let homes = &self.homes;
        self.caller
            .look(&|object| homes.get(&of_node(object, node.as_deref())), |viewer| {
                answer::event(event, viewer)
            })
    }

    /// Finds out where an object lies. What cannot be found is not shown.
    async fn know(&mut self, sight: &Sight, object: ObjectRef, known_as: ObjectRef) {
        match lookup::one(sight, &self.caller.policy, &object).await {
            Ok(Some(facts)) => self.homes.insert(known_as, facts.home),
            // It is gone: what was known before still counts.
            Ok(None) => {}
            Err(error) => tracing::debug!(%object, %error, "the object of an event could not be looked up"),
        }
    }
}

/// How an object is remembered: a volume is one of its node, all others have ids of their own.
fn of_node(object: &ObjectRef, node: Option<&Member>) -> ObjectRef {
    match node {
        Some(node) if object.kind == ObjectKind::Volume => {
            ObjectRef::new(object.kind, format!("{}/{}", node.name(), object.name))
        }
        _ => object.clone(),
    }
}

/// The objects that must be looked up before an event can be judged.
fn named_in(event: &Value) -> Vec<ObjectRef> {
    let kind = event["Type"]
        .as_str()
        .and_then(|name| serde_json::from_value::<ObjectKind>(Value::from(name)).ok())
        .filter(|kind| UNLABELLED.contains(kind));
    let Some(kind) = kind else {
        return Vec::new();
    };
    let own = event["Actor"]["ID"].as_str().map(|id| ObjectRef::new(kind, id));
    let container = event["Actor"]["Attributes"]["container"]
        .as_str()
        .map(|id| ObjectRef::new(ObjectKind::Container, id));
    own.into_iter().chain(container).collect()
}
