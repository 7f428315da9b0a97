//! What the volumes of the first node hold before an installation: authorities that are to be kept (INST-009), the operator's own
//! certificate of the API port (PKI-004), and the store of an earlier installation, which nobody can open any more. Read through a
//! container that is never started; nothing is changed.

use mke_core::pki::chain::verify_server_bundle;
use mke_core::pki::{Authority, AuthorityKind, SubjectAltName};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;
use serde_json::{Value, json};

use super::daemon::Daemon;
use super::error::InstallError;
use super::inventory::RUN;
use crate::ca::bootstrap::volume_of;

/// Where the operator puts the certificate.
const SERVER_CERTS: &str = "ucp-controller-server-certs";
/// Where the store keeps its data, and the directory that it makes there.
const STORE: (&str, &str) = ("ucp-kv", "member");

/// Reads volumes.
pub(super) struct Volumes<'a> {
    /// The engine.
    pub daemon: &'a Daemon,
    /// An image that is there.
    pub image: &'a str,
    /// The run.
    pub run: &'a str,
}

impl Volumes<'_> {
    /// The texts of files in a volume, in their order; nothing when there is no such volume.
    async fn read<const N: usize>(
        &self,
        volume: &str,
        files: [&str; N],
    ) -> Result<Option<[Option<String>; N]>, InstallError> {
        // Naming a volume that is not there would make it.
        if self.daemon.find(&format!("/volumes/{volume}")).await?.is_none() {
            return Ok(None);
        }
        let container = self.container(volume).await?;
        let mut texts = [const { None }; N];
        let mut outcome = Ok(());
        for (text, file) in texts.iter_mut().zip(files) {
            match self.daemon.read_file(&container, &format!("/v/{file}")).await {
                Ok(found) => *text = found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        self.remove(volume, &container).await?;
        outcome.map(|()| Some(texts))
    }

    async fn container(&self, volume: &str) -> Result<String, InstallError> {
        let body = json!({
            "Image": self.image,
            "Labels": { RUN: self.run },
            "HostConfig": { "Binds": [format!("{volume}:/v:ro")], "NetworkMode": "none" },
        });
        let made = self
            .daemon
            .post(&doing(volume), "/containers/create", &body)
            .await?;
        Ok(made
            .get("Id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    async fn remove(&self, volume: &str, container: &str) -> Result<(), InstallError> {
        let path = format!("/containers/{container}?force=1");
        self.daemon.delete(&doing(volume), &path).await.map(drop)
    }

    /// The authority that an earlier installation left; nothing when there is none.
    ///
    /// # Errors
    /// [`InstallError::Flag`] for one that cannot be used, and the engine's.
    pub(super) async fn authority(&self, kind: AuthorityKind) -> Result<Option<Authority>, InstallError> {
        let volume = volume_of(kind);
        let refused = |what: String| InstallError::Flag {
            flag: "--preserve-certs".to_owned(),
            reason: format!(
                "volume {volume} {what}; mend it, remove it with `docker volume rm {volume}`, or leave the flag out"
            ),
        };
        match self.read(volume, ["cert.pem", "key.pem"]).await? {
            None | Some([None, None]) => Ok(None),
            Some([Some(certificate), Some(key)]) => Authority::from_pem(&certificate, &Secret::new(key))
                .map(Some)
                .map_err(|error| refused(format!("holds an authority that cannot be used ({error})"))),
            Some([None, Some(_)]) => Err(refused("has key.pem and no cert.pem".to_owned())),
            Some([Some(_), None]) => Err(refused("has cert.pem and no key.pem".to_owned())),
        }
    }

    /// Checks the operator's own certificate before anything is made: files, key, chain, validity, and that it names every
    /// address under which clients come.
    ///
    /// # Errors
    /// [`InstallError::Flag`] with everything that is wrong, and the engine's.
    pub(super) async fn check_external(
        &self,
        names: &[SubjectAltName],
        now: Timestamp,
    ) -> Result<(), InstallError> {
        let refused = |what: String| InstallError::Flag {
            flag: "--external-server-cert".to_owned(),
            reason: format!(
                "{what}; put ca.pem, cert.pem (the server's certificate, then intermediates) and key.pem into volume \
                 {SERVER_CERTS} first, or leave the flag out"
            ),
        };
        let Some(files) = self.read(SERVER_CERTS, ["ca.pem", "cert.pem", "key.pem"]).await? else {
            return Err(refused(format!("there is no volume {SERVER_CERTS}")));
        };
        let missing: Vec<&str> = ["ca.pem", "cert.pem", "key.pem"]
            .into_iter()
            .zip(&files)
            .filter_map(|(name, text)| text.is_none().then_some(name))
            .collect();
        let [Some(ca), Some(chain), Some(key)] = files else {
            return Err(refused(format!(
                "volume {SERVER_CERTS} lacks {}",
                missing.join(", ")
            )));
        };
        match verify_server_bundle(&ca, &chain, &Secret::new(key), names, now) {
            Ok(_) => Ok(()),
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Err(refused(format!(
                    "what is in volume {SERVER_CERTS} cannot be served: {}",
                    problems.join("; ")
                )))
            }
        }
    }

    /// Refuses the store of an earlier installation: its key is gone, and whoever opened it would have old accounts.
    ///
    /// # Errors
    /// [`InstallError::OldStore`], and the engine's.
    pub(super) async fn refuse_old_store(&self) -> Result<(), InstallError> {
        let (volume, directory) = STORE;
        if self.daemon.find(&format!("/volumes/{volume}")).await?.is_none() {
            return Ok(());
        }
        let container = self.container(volume).await?;
        let found = self.daemon.has_path(&container, &format!("/v/{directory}")).await;
        self.remove(volume, &container).await?;
        if !found? {
            return Ok(());
        }
        Err(InstallError::OldStore { volume })
    }
}

fn doing(volume: &str) -> String {
    format!("cannot read volume `{volume}`")
}
