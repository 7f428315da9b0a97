//! Contexts: which control plane, trusted how, as whom. One file in the user's configuration directory.
//!
//! The file holds tokens, so it is written with mode 0600, through a temporary file, and a wider mode is
//! reported (ux-02). A context's credential is only ever sent to that context's URL (ux-03).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use mke_core::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Settings};
use crate::credential::Credential;
use crate::error::ClientError;
use crate::trust::Trust;

/// All contexts of a user.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    /// The name of the one in use.
    #[serde(default)]
    pub current: Option<String>,
    /// By name.
    #[serde(default)]
    pub contexts: BTreeMap<String, Context>,
}

impl Contexts {
    /// The context of this name, or the one in use.
    ///
    /// # Errors
    /// When there is no such context, or none is in use.
    pub fn named(&self, name: Option<&str>) -> Result<&Context, ClientError> {
        match name {
            Some(name) => self.contexts.get(name).ok_or_else(|| ClientError::NoSuchContext {
                name: name.to_owned(),
            }),
            None => self
                .current
                .as_ref()
                .and_then(|name| self.contexts.get(name))
                .ok_or(ClientError::NotLoggedIn),
        }
    }
}

/// One control plane and a session with it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// `https://HOST[:PORT]`
    pub url: String,
    /// The authority that the server's certificate must chain to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// Set when the person chose not to verify the server (ux-04).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Who is logged in.
    pub username: String,
    /// The session's token.
    pub token: String,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("url", &self.url)
            .field("insecure", &self.insecure)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// The client for this context.
    ///
    /// # Errors
    /// When the context says neither whom to trust nor that nobody is verified, and as [`Client::new`].
    pub fn client(&self, settings: Settings) -> Result<Client, ClientError> {
        let trust = match &self.ca_pem {
            _ if self.insecure => Trust::Nothing,
            Some(pem) => Trust::Authorities(pem.clone()),
            None => return Err(ClientError::NotLoggedIn),
        };
        let credential = Credential::Token(Secret::new(self.token.clone()));
        Client::with(&self.url, &trust, credential, settings)
    }
}

/// Where the contexts are kept.
#[derive(Debug, Clone)]
pub struct ContextFile {
    path: PathBuf,
}

impl ContextFile {
    /// `$MKE_CONFIG`, else `$XDG_CONFIG_HOME/mke/contexts.json`, else `~/.config/mke/contexts.json`.
    ///
    /// # Errors
    /// When none of these variables is set.
    pub fn locate() -> Result<Self, ClientError> {
        let set = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        set("MKE_CONFIG")
            .or_else(|| set("XDG_CONFIG_HOME").map(|dir| dir.join("mke/contexts.json")))
            .or_else(|| set("HOME").map(|dir| dir.join(".config/mke/contexts.json")))
            .map(Self::at)
            .ok_or(ClientError::NoHome)
    }

    /// This file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the contexts; none exist when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what was written.
    pub fn read(&self) -> Result<Contexts, ClientError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| ClientError::DamagedContexts {
                path: self.path.display().to_string(),
                reason: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Contexts::default()),
            Err(error) => Err(ClientError::file("cannot read", &self.path)(error)),
        }
    }

    /// Whether others than the owner may read the file.
    pub fn is_exposed(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file as a whole.
    ///
    /// # Errors
    /// When it cannot be written; it is as it was then.
    pub fn write(&self, contexts: &Contexts) -> Result<(), ClientError> {
        if let Some(dir) = self.path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .map_err(ClientError::file("cannot create", dir))?;
        }
        let temporary = self.path.with_extension(format!("tmp{}", std::process::id()));
        let written = serde_json::to_vec_pretty(contexts)
            .map_err(std::io::Error::from)
            .and_then(|bytes| {
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&temporary)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&temporary, &self.path)
            });
        written.map_err(|error| {
            let _ = std::fs::remove_file(&temporary);
            ClientError::file("cannot write", &self.path)(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            url: "https://h".into(),
            ca_pem: None,
            insecure: false,
            username: "jane".into(),
            token: "canary".into(),
        }
    }

    /// ux-02: the file that holds tokens is its owner's alone, also when it replaces a wider one.
    #[test]
    fn written_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = ContextFile::at(dir.path().join("deep/contexts.json"));
        let mut contexts = Contexts::default();
        contexts.contexts.insert("a".into(), context());
        file.write(&contexts).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.is_exposed());
        file.write(&contexts).unwrap();
        assert!(!file.is_exposed());
        assert_eq!(file.read().unwrap().contexts.len(), 1);
        assert!(!format!("{contexts:?}").contains("canary"));
    }

    /// ux-04: a context that says nothing of trust is no context.
    #[test]
    fn trust_must_be_said() {
        let mut context = context();
        let connect = |context: &Context| context.client(Settings::default());
        assert!(matches!(connect(&context), Err(ClientError::NotLoggedIn)));
        context.insecure = true;
        assert!(connect(&context).is_ok());
        let mut contexts = Contexts::default();
        contexts.contexts.insert("a".into(), context);
        assert!(matches!(contexts.named(None), Err(ClientError::NotLoggedIn)));
        assert!(matches!(
            contexts.named(Some("b")),
            Err(ClientError::NoSuchContext { .. })
        ));
        contexts.current = Some("a".into());
        assert_eq!(contexts.named(None).unwrap().username, "jane");
    }
}
