//! `/api/clientbundle`: a fresh key pair, certificate and archive for the caller.

use http::{HeaderValue, StatusCode, header};
use mke_auth::bundle;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::issue::issue_bundle;

/// Makes a bundle for the caller and registers its key. The archive, and with it the private key, exists only in
/// this answer.
pub(super) async fn download(call: Call) -> Result<Response, ApiError> {
    let identity = call.identity()?;
    let label = call.query("label")?.unwrap_or_default();
    let issued = issue_bundle(
        &call.state,
        &call.snapshot,
        identity.account(),
        identity.name(),
        label,
    )
    .await?;
    call.notes.object_id(issued.key.as_str());
    let mut response = body::bytes(StatusCode::OK, "application/zip", issued.zip);
    let disposition = format!("attachment; filename=\"{}\"", bundle::file_name(identity.name()));
    if let Ok(value) = HeaderValue::try_from(disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
