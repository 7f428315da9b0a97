//! `/enzi/v0/config/auth`: which back ends look at logins, and a trial login with a directory that is not saved yet.

use http::StatusCode;
use mke_auth::directory::Directory;
use mke_auth::ldap::{Settings, test_login as try_login};
use mke_core::config::{Auth, Config, Ldap};
use mke_core::secret::Secret;
use serde_json::{Value, json};

use super::{Call, config};
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};

/// Which back ends look at logins.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    Ok(body::json(StatusCode::OK, &shape(&call.snapshot.config.auth)))
}

/// Changes which back ends look at logins; keys that the body does not name stay as they are. With `dry-run=true` it
/// answers what would change.
pub(super) async fn change(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let text = |key| Ok::<_, ApiError>(fields.text(key)?.map(str::to_owned));
    let backend = text("backend")?;
    let saml_enabled = fields.flag("samlEnabled")?;
    let saml_login_text = text("samlLoginText")?;
    let scim_enabled = fields.flag("scimEnabled")?;
    let off = fields.flag("managedPasswordDisabled")?;
    let fallback = text("managedPasswordFallbackUser")?;
    let edit = |config: &mut Config| {
        let auth = &mut config.auth;
        auth.backend = backend.clone().unwrap_or_else(|| auth.backend.clone());
        auth.saml_enabled = saml_enabled.unwrap_or(auth.saml_enabled);
        auth.saml_login_text = saml_login_text
            .clone()
            .unwrap_or_else(|| auth.saml_login_text.clone());
        auth.scim_enabled = scim_enabled.unwrap_or(auth.scim_enabled);
        auth.managed_password_disabled = off.unwrap_or(auth.managed_password_disabled);
        auth.managed_password_fallback_user = fallback
            .clone()
            .unwrap_or_else(|| auth.managed_password_fallback_user.clone());
    };
    let mut wanted = (*call.snapshot.config).clone();
    edit(&mut wanted);
    must_keep_a_way_in(&call.snapshot.directory, &call.snapshot.config.auth, &wanted.auth)?;
    let why = "the back ends of logins were changed";
    let edit = |config: &mut Config| {
        edit(config);
        Ok(())
    };
    config::change_part(&call, why, edit, |config| shape(&config.auth)).await
}

fn shape(auth: &Auth) -> Value {
    json!({
        "backend": auth.backend,
        "samlEnabled": auth.saml_enabled,
        "samlLoginText": auth.saml_login_text,
        "scimEnabled": auth.scim_enabled,
        "managedPasswordDisabled": auth.managed_password_disabled,
        "managedPasswordFallbackUser": auth.managed_password_fallback_user,
    })
}

/// Passwords kept here are switched off only while an administrator keeps one: when the directory cannot be reached,
/// somebody must be able to set it right.
fn must_keep_a_way_in(directory: &Directory, before: &Auth, after: &Auth) -> Result<(), ApiError> {
    let unchanged = before.managed_password_disabled
        && before.managed_password_fallback_user == after.managed_password_fallback_user;
    if !after.managed_password_disabled || unchanged {
        return Ok(());
    }
    let fallback = &after.managed_password_fallback_user;
    let stays = directory.account_by_name(fallback).is_some_and(|account| {
        account.is_active_admin() && account.user().is_some_and(|user| user.password.is_some())
    });
    if stays {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Malformed,
        "`managedPasswordFallbackUser` must name an active administrator with a password kept here, who can still log in \
         while `managedPasswordDisabled` is true",
    ))
}

/// Tries a login with the directory: with the settings in `config`, which need not be saved, or with those that are
/// (LDAP-012). Passwords of the settings may be left out where they are saved for the same server and reader.
pub(super) async fn test_login(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let saved = &call.snapshot.config.auth.ldap;
    let ldap = match fields.value("config") {
        Some(config) => {
            let mut ldap = Ldap::parse_json(&config.to_string())?;
            ldap.keep_passwords(saved)?;
            ldap
        }
        None => saved.clone(),
    };
    let username = fields.required_text("username")?;
    let password = fields.secret("password")?.unwrap_or_else(|| Secret::new(""));
    let settings = Settings::read(&ldap).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        ApiError::malformed(texts.join("; "))
    })?;
    let report = try_login(&settings, username, &password, call.state.clock.now()).await;
    Ok(body::json(StatusCode::OK, &report))
}
