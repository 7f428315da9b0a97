//! What administrators see and do about SAML: its state, fetching the metadata, and the bundles that open the cluster
//! whatever the identity provider thinks of their owners (SAML-011, saml-41).

use std::sync::Arc;

use http::StatusCode;
use mke_auth::identity::Credential;
use mke_auth::records::{Account, PublicKey};
use mke_auth::saml::IdentityProvider;
use serde_json::{Value, json};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// How things stand.
pub(in super::super) async fn status(call: Call) -> Result<Response, ApiError> {
    let auth = &call.snapshot.config.auth;
    let me = call.service_provider()?;
    let provider = call.state.saml.known().await?;
    let now = call.state.clock.now();
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "enabled": auth.saml_enabled,
            "loginText": auth.saml_login_text,
            "entityID": me.entity_id(),
            "acsURL": me.acs(),
            "sloURL": me.logout(),
            "idpMetadataURL": auth.saml.idp_metadata_url,
            "provider": provider.map(|provider| shape(&provider, now)),
            "bundles": held(&call, Some("imported")).count(),
        }),
    ))
}

fn shape(provider: &IdentityProvider, now: mke_core::time::Timestamp) -> Value {
    let record = provider.record();
    let keys: Vec<_> = provider.keys().iter().map(|key| key.id().to_owned()).collect();
    let mut warnings = record.warnings.clone();
    if provider.is_expired(now) {
        warnings
            .push("the metadata has expired; its keys stay in use until it can be fetched anew".to_owned());
    }
    json!({
        "entityID": record.entity_id,
        "metadataURL": record.url,
        "fetched": record.fetched,
        "validUntil": record.valid_until,
        "signOnURL": record.sign_on,
        "logoutURL": record.logout.as_ref().map(|logout| &logout.location),
        "keys": keys,
        "warnings": warnings,
    })
}

/// Fetches the provider's metadata now, and says what came of it (SAML-002).
pub(in super::super) async fn refresh(call: Call) -> Result<Response, ApiError> {
    call.saml_enabled()?;
    let refreshed = call.state.saml.refresh(&call.snapshot.config.auth).await?;
    let mut value = shape(&refreshed.provider, call.state.clock.now());
    if let Some(fields) = value.as_object_mut() {
        fields.insert("changed".to_owned(), json!(refreshed.changed));
    }
    Ok(body::json(StatusCode::OK, &value))
}

/// The bundles, by account and label. `source` is `imported` (the default), `local` or `all`; `account` names one.
pub(in super::super) async fn bundles(call: Call) -> Result<Response, ApiError> {
    let chosen = chosen(&call)?;
    Ok(body::json(StatusCode::OK, &json!({ "bundles": shapes(&chosen) })))
}

/// Revokes the same bundles in one go. The one that asks stays: whoever locks everybody else out must be able to look.
pub(in super::super) async fn revoke_bundles(call: Call) -> Result<Response, ApiError> {
    let own = call
        .identity
        .as_ref()
        .and_then(|identity| match identity.credential() {
            Credential::PublicKey(id) => Some(id.clone()),
            Credential::Session(_) | Credential::Password(_) => None,
        });
    let mut chosen = chosen(&call)?;
    chosen.retain(|(_, key)| Some(&key.id) != own.as_ref());
    let mut newest = None;
    for (account, key) in &chosen {
        call.notes.object_id(key.id.as_str());
        newest = newest.max(Some(call.state.keys.remove(&account.id, &key.id).await?));
    }
    if let Some(revision) = newest {
        call.in_force(revision).await?;
    }
    Ok(body::json(StatusCode::OK, &json!({ "revoked": shapes(&chosen) })))
}

type Bundle = (Arc<Account>, Arc<PublicKey>);

fn chosen(call: &Call) -> Result<Vec<Bundle>, ApiError> {
    let source = call.query("source")?;
    if !matches!(source, None | Some("imported" | "local" | "all")) {
        return Err(ApiError::malformed(
            "`source` must be `imported`, `local` or `all`",
        ));
    }
    let named = match call.query("account")? {
        None => None,
        Some(name) => Some(
            call.snapshot
                .directory
                .resolve(name)
                .ok_or_else(|| ApiError::not_found("account", name))?
                .id
                .clone(),
        ),
    };
    // Whoever names an account means it, wherever it comes from.
    let source = if named.is_some() { Some("all") } else { source };
    Ok(held(call, source)
        .filter(|(account, _)| named.as_ref().is_none_or(|id| *id == account.id))
        .collect())
}

fn held<'a>(call: &'a Call, source: Option<&'a str>) -> impl Iterator<Item = Bundle> + 'a {
    let directory = &call.snapshot.directory;
    directory
        .accounts()
        .filter(move |account| {
            let imported = account.user().is_some_and(|user| user.is_imported);
            match source {
                Some("all") => true,
                Some("local") => !imported,
                _ => imported,
            }
        })
        .flat_map(move |account| {
            let keys = directory.keys_of(&account.id);
            keys.map(move |key| (Arc::clone(account), Arc::clone(key)))
        })
}

fn shapes(bundles: &[Bundle]) -> Vec<Value> {
    bundles
        .iter()
        .map(|(account, key)| {
            json!({
                "account": account.name,
                "accountID": account.id,
                "source": account.origin().map(|origin| origin.source),
                "isActive": account.is_active_user(),
                "id": key.id,
                "label": key.label,
                "created": key.created,
            })
        })
        .collect()
}
