//! `/enzi/v0/jobs`: synchronisations and what else takes a while, for administrators.

use http::StatusCode;
use http::header::ACCEPT;
use mke_auth::jobs::{Job, LDAP_SYNC, NewJob};
use mke_core::ids::JobId;
use serde_json::{Value, json};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::jobs::requester;
use crate::controller::paging::Paging;
use crate::controller::rng;

/// Jobs, newest first: `action` and `limit` narrow them down.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let jobs = call.state.jobs.list(call.query("action")?).await?;
    let limit = Paging::parse(None, call.query("limit")?)?.limit;
    let shapes: Vec<Value> = jobs.iter().take(limit).map(shape).collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "jobs": shapes, "resourceCount": jobs.len() }),
    ))
}

/// Makes a job: `action` is `ldap-sync`; with `dryRun` it only says what it would do, also while LDAP is not switched
/// on yet; with `acceptDeactivations` it deactivates however many the directory does not list any more. When one of the same kind waits already, that one is the answer.
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let action = fields.required_text("action")?;
    if action != LDAP_SYNC {
        return Err(ApiError::malformed(format!(
            "`action` must be `{LDAP_SYNC}`, it is `{}`",
            action.escape_debug()
        )));
    }
    let dry_run = fields.flag("dryRun")?.unwrap_or(false);
    let auth = &call.snapshot.config.auth;
    if auth.backend != "ldap" && !dry_run {
        return Err(ApiError::new(
            Kind::Conflict,
            "LDAP is not switched on: set `auth.backend` to `ldap` first, or ask for a dry run",
        ));
    }
    let new = NewJob {
        action,
        dry_run,
        accepted: fields.flag("acceptDeactivations")?.unwrap_or(false),
        by: requester(call.identity()?),
    };
    let job = call.state.jobs.create(&new, &mut rng()).await?;
    call.state.job_made.notify_one();
    call.notes.object_id(job.id.as_str());
    Ok(body::json(StatusCode::CREATED, &shape(&job)))
}

/// One job.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let job = call.state.jobs.get(&id(&call)).await?;
    Ok(body::json(StatusCode::OK, &shape(&job)))
}

/// What a job has written down: lines of text, or for clients that ask for JSON an array with `Data`.
pub(super) async fn logs(call: Call) -> Result<Response, ApiError> {
    let lines = call.state.jobs.logs(&id(&call)).await?;
    let wants_json = call
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("application/json"));
    if wants_json {
        let shapes: Vec<Value> = lines
            .iter()
            .enumerate()
            .map(|(number, line)| {
                json!({
                    "Data": line.to_string(),
                    "LineNum": number + 1,
                    "time": line.at,
                    "level": line.level,
                    "text": line.text,
                })
            })
            .collect();
        return Ok(body::json(StatusCode::OK, &shapes));
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(body::bytes(StatusCode::OK, "text/plain; charset=utf-8", text))
}

/// Stops a job.
pub(super) async fn cancel(call: Call) -> Result<Response, ApiError> {
    let job = call
        .state
        .jobs
        .cancel(&id(&call), &requester(call.identity()?))
        .await?;
    call.notes.object_id(job.id.as_str());
    Ok(body::json(StatusCode::OK, &shape(&job)))
}

fn id(call: &Call) -> JobId {
    JobId::from(call.param(0))
}

fn shape(job: &Job) -> Value {
    json!({
        "id": job.id,
        "action": job.action,
        "dryRun": job.dry_run,
        "acceptDeactivations": job.accepted,
        "status": job.state,
        "requestedBy": job.by.name,
        "workerID": job.worker,
        "scheduledAt": job.created,
        "begunAt": job.begun,
        "endedAt": job.ended,
        "counts": job.counts,
        "error": job.error,
    })
}
