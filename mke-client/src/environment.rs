//! What variables say: `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE`, or else the context in use.

use std::path::Path;

use mke_core::secret::Secret;

use crate::client::{Client, Settings};
use crate::context::ContextFile;
use crate::credential::Credential;
use crate::error::ClientError;
use crate::trust::Trust;

/// The client for `MKE_URL`, `MKE_TOKEN` and `MKE_CA_FILE`, or else for the context in use.
///
/// # Errors
/// When neither is complete, and as [`Client::new`].
pub fn client(settings: Settings) -> Result<Client, ClientError> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(url), Some(token)) = (set("MKE_URL"), set("MKE_TOKEN")) {
        let path = set("MKE_CA_FILE").ok_or(ClientError::NoAuthority)?;
        let pem =
            std::fs::read_to_string(&path).map_err(ClientError::file("cannot read", Path::new(&path)))?;
        let credential = Credential::Token(Secret::new(token));
        return Client::with(&url, &Trust::Authorities(pem), credential, settings);
    }
    let contexts = ContextFile::locate()?.read()?;
    contexts.named(None)?.client(settings)
}
