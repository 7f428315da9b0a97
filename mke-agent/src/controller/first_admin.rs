//! The first administrator, as the installation hands it to the first controller of a cluster: a private file beside the
//! certificates of that controller, which is gone as soon as the account exists.

use std::path::Path;

use mke_core::names::AccountName;
use mke_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::files::{self, FileError, PRIVATE};

/// The file, in the volume of the controller's client certificates.
pub const FIRST_ADMIN_FILE: &str = "first-admin.json";
const WHAT: &str = "file of the first administrator";

/// Name and password of the first administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstAdmin {
    /// The account's name.
    pub username: AccountName,
    /// Its password.
    pub password: Secret,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    username: String,
    password: String,
}

/// The file cannot be used. Nothing of its content is shown.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdminError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not of its form.
    #[error("`{FIRST_ADMIN_FILE}` is damaged, remove it; without it a password is made and logged once")]
    Form,
}

impl FirstAdmin {
    /// Writes the file into a directory, readable by its owner only.
    ///
    /// # Errors
    /// [`FirstAdminError`].
    pub fn write(&self, dir: &Path) -> Result<(), FirstAdminError> {
        let form = Form {
            username: self.username.to_string(),
            password: self.password.expose().to_owned(),
        };
        let text = serde_json::to_vec(&form).map_err(|_| FirstAdminError::Form)?;
        files::private_dir(WHAT, dir)?;
        Ok(files::replace(WHAT, &dir.join(FIRST_ADMIN_FILE), PRIVATE, &text)?)
    }

    /// Reads the file; nothing when there is none.
    ///
    /// # Errors
    /// [`FirstAdminError`].
    pub fn read(dir: &Path) -> Result<Option<Self>, FirstAdminError> {
        let Some(text) = files::read(WHAT, &dir.join(FIRST_ADMIN_FILE))? else {
            return Ok(None);
        };
        let form: Form = serde_json::from_slice(&text).map_err(|_| FirstAdminError::Form)?;
        Ok(Some(Self {
            username: form.username.parse().map_err(|_| FirstAdminError::Form)?,
            password: Secret::new(form.password),
        }))
    }

    /// Removes the file: the account exists.
    pub fn forget(dir: &Path) {
        let path = dir.join(FIRST_ADMIN_FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::error!(%error, path = %path.display(), "remove this file, it holds a password");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// What the installation hands over is private, read once and gone; a damaged file shows nothing of itself.
    #[test]
    fn is_read_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(FirstAdmin::read(dir.path()).unwrap(), None);
        let admin = FirstAdmin {
            username: "root.admin".parse().unwrap(),
            password: Secret::new("correct \"horse\""),
        };
        admin.write(dir.path()).unwrap();
        let file = dir.path().join(FIRST_ADMIN_FILE);
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(FirstAdmin::read(dir.path()).unwrap(), Some(admin));
        FirstAdmin::forget(dir.path());
        FirstAdmin::forget(dir.path());
        assert_eq!(FirstAdmin::read(dir.path()).unwrap(), None);
        std::fs::write(&file, "{\"username\":\"x\",\"password\":\"canary\"").unwrap();
        let error = FirstAdmin::read(dir.path()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
