//! `/api/ucp/config/auth/ldap` and `/enzi/v0/config/auth/ldap`: the directory's settings, which stand in no exported
//! file. Passwords go in and never come out.

use http::StatusCode;
use mke_core::config::{Config, Ldap};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// The settings, without passwords.
pub(in super::super) async fn show(call: Call) -> Result<Response, ApiError> {
    Ok(body::json(
        StatusCode::OK,
        &call.snapshot.config.auth.ldap.to_json(),
    ))
}

/// Replaces the settings and answers them. A server that comes without a password keeps the one that was given for the
/// same address and reader; an empty password binds without.
pub(in super::super) async fn replace(call: Call) -> Result<Response, ApiError> {
    let text =
        std::str::from_utf8(&call.body).map_err(|_| ApiError::malformed("the body must be UTF-8 text"))?;
    let sent = Ldap::parse_json(text)?;
    let edit = |config: &mut Config| {
        let mut ldap = sent.clone();
        ldap.keep_passwords(&config.auth.ldap)?;
        config.auth.ldap = ldap;
        Ok(())
    };
    let why = "the directory's settings were changed";
    super::change_part(&call, why, edit, |config| config.auth.ldap.to_json()).await
}
