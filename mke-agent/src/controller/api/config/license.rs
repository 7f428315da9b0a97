//! `/api/ucp/config/license`: the licence. Nothing depends on it: what is invalid or over changes no right and no
//! collection (config-09).

use http::StatusCode;
use serde_json::{Value, json};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::configuration::license::License;
use crate::controller::configuration::licenses;
use crate::controller::error::ApiError;

/// What the newest licence says. Its text is never shown.
pub(in super::super) async fn show(call: Call) -> Result<Response, ApiError> {
    let kept = licenses::current(&call.state.engine).await?;
    Ok(body::json(StatusCode::OK, &shown(&call, kept)))
}

/// Stores a licence. The body is the file as it was downloaded.
pub(in super::super) async fn store(call: Call) -> Result<Response, ApiError> {
    let kept = licenses::store(&call.state.engine, &call.state.cluster.id, &call.body).await?;
    call.notes.object_id(&kept.0);
    let mut answer = shown(&call, Some(kept));
    answer["message"] = "License stored.".into();
    answer["warnings"] = json!(["who signed the licence is not checked"]);
    Ok(body::json(StatusCode::OK, &answer))
}

fn shown(call: &Call, kept: Option<(String, License)>) -> Value {
    let (object, license) = kept.unzip();
    let over = license
        .as_ref()
        .map(|license| license.is_over(call.state.clock.now()));
    json!({
        "autoRefresh": call.snapshot.config.license.auto_refresh,
        "object": object,
        "license": license,
        "expired": over,
    })
}
