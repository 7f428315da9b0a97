//! `/api/ucp/config-toml/history` and `/api/ucp/config-toml/drift`: what was in force, the way back, and whether what
//! runs is what is stored.

use http::StatusCode;
use mke_core::config::Impact;
use serde_json::{Value, json};

use super::{Call, applied};
use crate::controller::body::{self, Response};
use crate::controller::configuration::Version;
use crate::controller::error::ApiError;

/// Most versions in an answer that asks for no number.
const LIMIT: usize = 100;

/// The versions that are kept, newest first; `limit` takes fewer.
pub(in super::super) async fn list(call: Call) -> Result<Response, ApiError> {
    let limit = match call.query("limit")? {
        None => LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT).contains(limit))
            .ok_or_else(|| ApiError::malformed(format!("`limit` must be a number from 1 to {LIMIT}")))?,
    };
    let mut versions = call.state.configuration.history().await?;
    let current = versions.first().map(|change| change.version);
    versions.truncate(limit);
    Ok(body::json(
        StatusCode::OK,
        &json!({ "current": current, "versions": versions }),
    ))
}

/// One version: its text with secrets masked, and what it changed; with `against`, what would become different if that
/// other version, or `current`, took its place.
pub(in super::super) async fn show(call: Call) -> Result<Response, ApiError> {
    let past = call.state.configuration.past(version(call.param(0))?).await?;
    let shown = &past.in_force;
    let mut answer = json!({
        "version": shown.version,
        "by": shown.by.name,
        "at": shown.at,
        "why": shown.why,
        "text": shown.export()?,
    });
    let differences = match call.query("against")? {
        None => Value::Array(past.differences),
        Some(other) => {
            let other = match other {
                "current" => call.state.configuration.stored().await?,
                number => call.state.configuration.past(version(number)?).await?.in_force,
            };
            let differences = shown.config.diff(&other.config);
            answer["against"] = json!(other.version);
            answer["impact"] = json!(Impact::of(&differences));
            json!(differences)
        }
    };
    answer["differences"] = differences;
    Ok(body::json(StatusCode::OK, &answer))
}

/// Brings an earlier version back, as a new version that says so.
pub(in super::super) async fn roll_back(call: Call) -> Result<Response, ApiError> {
    let to = version(call.param(0))?;
    let mut request = call.replacement("")?;
    request.why = match request.why.as_str() {
        "" => format!("rollback to version {to}"),
        why => format!("rollback to version {to}: {why}"),
    };
    let done = call.state.configuration.roll_back(&request, to).await?;
    applied(
        &call,
        &done,
        &format!("Configuration rolled back to version {to}."),
    )
}

/// How far what this controller runs with is from what is stored: what it has not seen yet, and what waits for its
/// restart.
pub(in super::super) async fn drift(call: Call) -> Result<Response, ApiError> {
    let running = call.state.snapshot();
    let drift = call.state.configuration.drift(&running.in_force).await?;
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "stored": drift.stored,
            "running": drift.running,
            "impact": Impact::of(&drift.differences),
            "differences": drift.differences,
        }),
    ))
}

fn version(text: &str) -> Result<Version, ApiError> {
    let number = text.parse().map_err(|_| {
        ApiError::malformed(
            "a version of the configuration is a whole number, list the history for those that are kept",
        )
    })?;
    Ok(number)
}
