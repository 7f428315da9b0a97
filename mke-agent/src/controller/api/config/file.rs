//! `/api/ucp/config-toml`: the whole file.

use http::{StatusCode, header};

use super::{Call, applied, entity_tag};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// The type of the file.
const TOML: &str = "application/toml";

/// The file: every key, the comments of whoever wrote it, secrets masked, without the directory's settings. `ETag` is
/// its version.
pub(in super::super) async fn show(call: Call) -> Result<Response, ApiError> {
    let in_force = &call.snapshot.in_force;
    let mut response = body::bytes(StatusCode::OK, TOML, in_force.export()?.to_owned());
    response
        .headers_mut()
        .insert(header::ETAG, entity_tag(in_force.version)?);
    Ok(response)
}

/// Replaces the file. All problems are reported at once and nothing is changed then. Sending what is in force is a
/// success that makes no version.
pub(in super::super) async fn replace(call: Call) -> Result<Response, ApiError> {
    let text = std::str::from_utf8(&call.body)
        .map_err(|_| ApiError::malformed("the configuration must be UTF-8 text"))?;
    if text.trim().is_empty() {
        return Err(ApiError::malformed(
            "the configuration is empty, send the whole file",
        ));
    }
    let request = call.replacement("the configuration file was replaced")?;
    let keep_unknown = call.flag("keep-unknown")?;
    let done = call
        .state
        .configuration
        .replace(&request, text, keep_unknown)
        .await?;
    applied(&call, &done, "Configuration updated.")
}
