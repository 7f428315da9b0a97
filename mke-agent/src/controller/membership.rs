//! The part of a controller that only exists in a cluster with agents: it says that it lives, follows the swarm, and writes
//! changes of states to the log.

use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::body::{Response, full};
use super::error::ApiError;
use super::state::State;
use crate::agent::Events;
use crate::engine::EngineError;
use crate::engine::client::{MAX_WHOLE_ANSWER, whole};
use crate::life::board::{self, BEAT, Board, GLANCE};

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
        sleep(BEAT).await;
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
