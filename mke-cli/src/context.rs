//! Contexts: which control plane, trusted how, as whom. One file in the user's configuration directory.
//!
//! The file holds tokens, so it is written with mode 0600, through a temporary file, and a wider mode is
//! reported (ux-02). A context's credential is only ever sent to that context's URL (ux-03).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// All contexts of a user.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The name of the one in use.
    #[serde(default)]
    pub(crate) current: Option<String>,
    /// By name.
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// One control plane and a session with it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// `https://HOST[:PORT]`
    pub(crate) url: String,
    /// The authority that the server's certificate must chain to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_pem: Option<String>,
    /// Set when the person chose not to verify the server (ux-04).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) insecure: bool,
    /// Who is logged in.
    pub(crate) username: String,
    /// The session's token.
    pub(crate) token: String,
}

/// Where the contexts are kept.
pub(crate) struct ContextFile {
    path: PathBuf,
}

impl ContextFile {
    /// `$MKE_CONFIG`, else `$XDG_CONFIG_HOME/mke/contexts.json`, else `~/.config/mke/contexts.json`.
    pub(crate) fn locate() -> Result<Self, CliError> {
        let set = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let path = set("MKE_CONFIG")
            .or_else(|| set("XDG_CONFIG_HOME").map(|dir| dir.join("mke/contexts.json")))
            .or_else(|| set("HOME").map(|dir| dir.join(".config/mke/contexts.json")))
            .ok_or_else(|| {
                CliError::Usage("set HOME or MKE_CONFIG, so that contexts can be kept".to_owned())
            })?;
        Ok(Self { path })
    }

    /// Reads the contexts; none exist when there is no file.
    pub(crate) fn read(&self) -> Result<Contexts, CliError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                CliError::Usage(format!(
                    "{} is damaged ({error}); remove it and log in anew",
                    self.path.display()
                ))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Contexts::default()),
            Err(error) => Err(CliError::file("cannot read", &self.path)(error)),
        }
    }

    /// Whether others than the owner may read the file.
    pub(crate) fn is_exposed(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    }

    /// Where the file lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file as a whole.
    pub(crate) fn write(&self, contexts: &Contexts) -> Result<(), CliError> {
        if let Some(dir) = self.path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .map_err(CliError::file("cannot create", dir))?;
        }
        let temporary = self.path.with_extension(format!("tmp{}", std::process::id()));
        let bytes = serde_json::to_vec_pretty(contexts)
            .map_err(|error| CliError::Failed(format!("cannot write the contexts: {error}")))?;
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&temporary, &self.path));
        written.map_err(|error| {
            let _ = std::fs::remove_file(&temporary);
            CliError::file("cannot write", &self.path)(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ux-02: the file that holds tokens is its owner's alone, also when it replaces a wider one.
    #[test]
    fn written_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = ContextFile {
            path: dir.path().join("deep/contexts.json"),
        };
        let mut contexts = Contexts::default();
        let context = Context {
            url: "https://h".into(),
            ca_pem: None,
            insecure: false,
            username: "jane".into(),
            token: "t".into(),
        };
        contexts.contexts.insert("a".into(), context);
        file.write(&contexts).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.is_exposed());
        file.write(&contexts).unwrap();
        assert!(!file.is_exposed());
        assert_eq!(file.read().unwrap().contexts.len(), 1);
    }
}
