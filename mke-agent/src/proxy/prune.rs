//! Removes what is unused, one object at a time, as far as the caller may (R50, proxy-30).
//!
//! The engine's own call would remove everybody's.

use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use mke_rbac::Permit;
use mke_rbac::engine::{Forward, Prune, Removal};
use serde_json::Value;

use super::caller::Caller;
use crate::controller::body::{self, Response, empty};
use crate::controller::error::ApiError;
use crate::engine::{EngineClient, EngineError};

/// Carries a prune call out. `now` is in seconds since 1970.
pub(super) async fn run(
    engines: &[EngineClient],
    caller: &Caller,
    permit: &Permit,
    prune: &Prune,
    now: f64,
) -> Result<Response, ApiError> {
    let each = join_all(
        engines
            .iter()
            .map(|engine| on_one(engine, caller, permit, prune, now)),
    )
    .await;
    let mut removed = Vec::new();
    let mut failure = None;
    let mut answered = false;
    for result in each {
        match result {
            Ok(removals) => {
                answered = true;
                removed.extend(removals);
            }
            Err(error) => {
                tracing::warn!(%error, "a node could not be pruned");
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        Some(error) if !answered => Err(error),
        _ => Ok(body::json(StatusCode::OK, &prune.answer(&removed))),
    }
}

async fn on_one(
    engine: &EngineClient,
    caller: &Caller,
    permit: &Permit,
    prune: &Prune,
    now: f64,
) -> Result<Vec<Removal>, ApiError> {
    let listed = call(engine, permit, &prune.listing()).await?;
    let listed: Value = serde_json::from_slice(&listed).map_err(ApiError::internal)?;
    let removals = caller.look(&|_| None, |viewer| prune.removals(&listed, now, viewer));
    let mut removed = Vec::new();
    for removal in removals {
        match call(engine, permit, &removal.forward).await {
            Ok(_) => removed.push(removal),
            // In use again, or gone already: then it is not pruned.
            Err(EngineError::Refused {
                status: StatusCode::NOT_FOUND | StatusCode::CONFLICT,
                ..
            }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}

async fn call(engine: &EngineClient, _permit: &Permit, forward: &Forward) -> Result<Bytes, EngineError> {
    engine
        .call(forward.method, &forward.path_and_query, empty())
        .await
}
