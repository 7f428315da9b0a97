//! `/api/ucp/config/certs`: the server's certificate, and `/api/banner`: what people must be told.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::Call;
use crate::controller::authorities::ServerUpload;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// People are told this long before a certificate ends.
const WARN_BEFORE: Duration = Duration::from_secs(90 * 24 * 3600);

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

/// Warnings for everybody who logs in.
pub(super) async fn banners(call: Call) -> Result<Response, ApiError> {
    let now = call.state.clock.now();
    let authorities = &call.state.authorities;
    let banners: Vec<Value> = [
        ("client authority", authorities.client().not_after(), "all client bundles end with it"),
        ("server certificate", authorities.server_not_after(), "clients refuse the server then"),
    ]
    .into_iter()
    .filter(|(_, end, _)| now >= end.minus(WARN_BEFORE))
    .map(|(what, end, why)| json!({ "level": "warning", "message": format!("The {what} ends at {end}: {why}.") }))
    .collect();
    Ok(body::json(StatusCode::OK, &banners))
}
