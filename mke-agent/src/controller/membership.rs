//! The part of a controller that only exists in a cluster with agents: it says that it lives, follows the swarm, and writes
//! changes of states to the log.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use mke_core::causes::chain;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::body::{Response, full};
use super::error::{ApiError, Surface};
use super::state::State;
use crate::agent::Events;
use crate::agent::node::lost_store;
use crate::engine::EngineError;
use crate::engine::client::{MAX_WHOLE_ANSWER, whole};
use crate::kv::missing::{Here, missing};
use crate::life::board::{self, BEAT_AGAIN, Board, GLANCE};
use crate::steps;

/// How long what was found out about missing managers is told again: a refused writer tries again at once.
const TOLD_AGAIN: Duration = Duration::from_secs(5);
/// Bytes of an answer that may be an error of the engine.
const MAX_MESSAGE: u64 = 4096;
/// What an engine says when its swarm has lost its majority.
const NO_LEADER: &str = "swarm does not have a leader";

/// Writes the states of nodes into an answer of the engine that describes some (NST-001, MON-002).
///
/// # Errors
/// When the answer cannot be read.
pub(super) async fn dressed(state: &State, board: &Board, answer: Response) -> Result<Response, ApiError> {
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let path = "/nodes";
    let (mut head, body) = answer.into_parts();
    let bytes = whole(path, body, MAX_WHOLE_ANSWER).await?;
    let malformed = |source| EngineError::Malformed {
        path: path.to_owned(),
        source,
    };
    let mut nodes: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    if let Err(error) = board.refresh(&state.engine).await {
        tracing::debug!(%error, "states follow from what was known before");
    }
    board::dress(
        &mut nodes,
        &board.states(&state.snapshot().roll, state.clock.now()),
    );
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, full(nodes.to_string())))
}

/// Names the managers that are missing, and the remedy, in an error about a store that took no write.
pub(super) async fn with_who_is_missing(state: &State, error: ApiError) -> ApiError {
    match &state.board {
        Some(board) if error.is_without_store() => match who_is_missing(state, board).await {
            Some(told) => error.with_more(&told),
            None => error,
        },
        _ => error,
    }
}

/// The same for an answer of the engine that its swarm has no leader.
pub(super) async fn without_leader(state: &State, board: &Board, answer: Response) -> Response {
    // Messages are short and whole; what streams is none.
    let is_message = |size: u64| size < MAX_MESSAGE;
    if !answer.body().size_hint().exact().is_some_and(is_message) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let bytes = match body.collect().await {
        Ok(read) => read.to_bytes(),
        Err(error) => return ApiError::internal(error).to_response(Surface::Plain),
    };
    let text = match serde_json::from_slice::<Value>(&bytes) {
        Ok(value) => value["message"].as_str().unwrap_or_default().to_owned(),
        Err(_) => String::new(),
    };
    if !text.contains(NO_LEADER) {
        return Response::from_parts(head, full(bytes));
    }
    match who_is_missing(state, board).await {
        Some(told) => {
            head.headers.remove(CONTENT_LENGTH);
            let text = serde_json::json!({ "message": format!("{text} {told}") });
            Response::from_parts(head, full(text.to_string()))
        }
        None => Response::from_parts(head, full(bytes)),
    }
}

/// Which managers are missing, and the remedy; nothing when the member of this manager does not answer either.
async fn who_is_missing(state: &State, board: &Board) -> Option<String> {
    let mut known = board.missing.lock().await;
    if let Some((at, told)) = &*known
        && at.elapsed() < TOLD_AGAIN
    {
        return told.clone();
    }
    let roll = state.snapshot().roll.clone();
    let own = roll.node(&board.node_id)?;
    let address = own.address?;
    let told = match lost_store::peers(&board.membership.node_certs, address).await {
        Ok(peers) => {
            let here = Here {
                hostname: &own.hostname,
                address,
            };
            // Members are named by the ids of their nodes, in small letters.
            let host_name = |name: &str| {
                let mut nodes = roll.nodes();
                let node = nodes.find(|node| node.id.eq_ignore_ascii_case(name))?;
                Some(node.hostname.clone())
            };
            Some(missing(&peers.members, &peers.answering, here, host_name))
        }
        Err(error) => {
            tracing::debug!("who is missing is not known: {}", chain(&*error));
            None
        }
    };
    *known = Some((Instant::now(), told.clone()));
    told
}

/// Says that this controller lives, for as long as it is polled.
pub(super) async fn beat(board: Arc<Board>) {
    let mut silent = false;
    loop {
        match board.inventory.heard_of_controller(&board.node_id).await {
            Ok(()) => {
                board.note_beat(None);
                silent = false;
            }
            Err(error) => {
                board.note_beat(Some(error.to_string()));
                if !silent {
                    tracing::warn!(%error, "the other managers cannot be told that this controller lives");
                    silent = true;
                }
            }
        }
        match silent {
            true => sleep(BEAT_AGAIN).await,
            false => steps::pass(1).await,
        }
    }
}

/// Follows the swarm and what the store says of its nodes, for as long as it is polled.
pub(super) async fn follow(state: Arc<State>, board: Arc<Board>) {
    let mut events = Events::of(state.engine.clone(), &["node", "service"]);
    let mut revision = state.revision.clone();
    loop {
        if let Err(error) = board.refresh(&state.engine).await {
            tracing::warn!(%error, "the nodes of the swarm cannot be listed");
        }
        let healthy = loop {
            let snapshot = state.snapshot();
            let healthy = board.say(board.states(&snapshot.roll, state.clock.now()));
            if !healthy {
                break false;
            }
            // What else is written to the store changes nothing about nodes.
            let told = async {
                while revision.changed().await.is_ok() {
                    if !Arc::ptr_eq(&snapshot.roll, &state.snapshot().roll) {
                        return;
                    }
                }
                std::future::pending().await
            };
            tokio::select! {
                () = events.changed() => break true,
                () = told => {}
            }
        };
        if !healthy {
            // Tasks change without an event.
            let _ = timeout(GLANCE, events.changed()).await;
        }
    }
}
