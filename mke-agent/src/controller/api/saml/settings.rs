//! `/enzi/v0/config/auth/saml`: where the identity provider is. What cannot be fetched is not saved (SAML-002).

use http::StatusCode;
use mke_core::config::{Auth, Config};
use serde_json::{Value, json};

use super::Call;
use crate::controller::api::config;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// The settings.
pub(in super::super) async fn show(call: Call) -> Result<Response, ApiError> {
    Ok(body::json(StatusCode::OK, &shape(&call.snapshot.config.auth)))
}

/// Changes the settings; keys that the body does not name stay as they are. The metadata is fetched
/// first, also with `dry-run=true`, which answers what would change.
pub(in super::super) async fn change(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let text = |key| Ok::<_, ApiError>(fields.text(key)?.map(str::to_owned));
    let (url, roots, host) = (text("idpMetadataURL")?, text("rootCerts")?, text("spHost")?);
    let skip = fields.flag("tlsSkipVerify")?;
    let edit = |config: &mut Config| {
        let saml = &mut config.auth.saml;
        if let Some(url) = &url {
            saml.idp_metadata_url = Some(url.clone()).filter(|url| !url.is_empty());
        }
        if let Some(roots) = &roots {
            saml.root_certs.clone_from(roots);
        }
        if let Some(host) = &host {
            saml.sp_host = Some(host.clone()).filter(|host| !host.is_empty());
        }
        saml.tls_skip_verify = skip.unwrap_or(saml.tls_skip_verify);
    };
    let mut wanted = (*call.snapshot.config).clone();
    edit(&mut wanted);
    crate::controller::saml::me(&wanted, &call.state.advertise_host, call.state.port)
        .map_err(|error| ApiError::malformed(error.message()))?;
    if wanted.auth.saml.idp_metadata_url.is_some() {
        call.state.saml.examine(&wanted.auth).await?;
    }
    let why = "the SAML settings were changed";
    let edit = |config: &mut Config| {
        edit(config);
        Ok(())
    };
    config::change_part(&call, why, edit, |config| shape(&config.auth)).await
}

fn shape(auth: &Auth) -> Value {
    json!({
        "idpMetadataURL": auth.saml.idp_metadata_url.clone().unwrap_or_default(),
        "rootCerts": auth.saml.root_certs,
        "tlsSkipVerify": auth.saml.tls_skip_verify,
        "spHost": auth.saml.sp_host.clone().unwrap_or_default(),
    })
}
