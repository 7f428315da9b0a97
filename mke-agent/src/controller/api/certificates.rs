//! `/api/ucp/config/certs`: the server's certificate.

use http::StatusCode;
use serde_json::json;

use super::Call;
use crate::controller::authorities::ServerUpload;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// The served certificate; never its key.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let authorities = &call.state.authorities;
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "ca": authorities.server_ca_pem(),
            "cert": authorities.server_chain_pem(),
            "notAfter": authorities.server_not_after(),
        }),
    ))
}

/// Replaces the served certificate (PKI-006). Bundles name the old authority, so their users need new ones
/// (PKI-007).
pub(super) async fn replace(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let key = fields.secret("key")?.unwrap_or_default();
    let upload = ServerUpload {
        ca: fields.text("ca")?.unwrap_or_default(),
        cert: fields.text("cert")?.unwrap_or_default(),
        key: &key,
        client_cas: fields.text("clientCAs")?,
    };
    call.state.authorities.upload(&upload).await?;
    tracing::warn!(
        "the server certificate was replaced: existing client bundles no longer verify this server"
    );
    Ok(body::json(
        StatusCode::OK,
        &json!({ "message": "Certificates replaced. Existing client bundles stop working, download new ones." }),
    ))
}
