//! What an installation is asked for.

use mke_core::names::AccountName;
use mke_core::secret::Secret;

use super::configuration::Given;
use super::error::InstallError;
use super::images::Pull;
use super::preflight::Switches;
use crate::backup::restore::Restore;

/// What an installation is asked for. Settings of the cluster are [`InstallOptions::settings`]; the rest says how to install.
#[derive(Debug, Clone)]
pub struct InstallOptions {
    /// Flags that are settings.
    pub settings: Vec<Given>,
    /// Name of the first administrator.
    pub admin_username: AccountName,
    /// Password of the first administrator.
    pub admin_password: Secret,
    /// Address or interface that other nodes reach.
    pub host_address: Option<String>,
    /// Address or interface of data traffic.
    pub data_path_address: Option<String>,
    /// Port of the swarm's own traffic.
    pub swarm_grpc_port: u16,
    /// The licence's text.
    pub license: Option<String>,
    /// Whether to begin with the newest file among the swarm's config objects.
    pub existing_config: bool,
    /// Whether volume `ucp-controller-server-certs` holds the certificate to serve.
    pub external_server_cert: bool,
    /// Whether certificates that are there are kept.
    pub preserve_certs: bool,
    /// Whether nobody looks in which cloud the machines are.
    pub skip_cloud: bool,
    /// Key of a locked swarm.
    pub unlock_key: Option<Secret>,
    /// When images are pulled.
    pub pull: Pull,
    /// `X-Registry-Auth` for pulls.
    pub credentials: Option<String>,
    /// What may be wrong.
    pub switches: Switches,
    /// What a backup gives the cluster to begin with.
    pub restore: Option<Restore>,
    /// Who runs this, for others who want to.
    pub owner: String,
    /// Names this run.
    pub run: String,
}

impl InstallOptions {
    /// Refuses what would only be found out when half of the cluster is made.
    ///
    /// # Errors
    /// [`InstallError::Flag`].
    pub(super) fn check(&self) -> Result<(), InstallError> {
        check_password(&self.admin_password)
    }
}

/// Whether somebody can have this password (AUTH-003).
///
/// # Errors
/// [`InstallError::Flag`] for `--admin-password`.
pub fn check_password(password: &Secret) -> Result<(), InstallError> {
    mke_auth::password::check(password).map_err(|error| InstallError::Flag {
        flag: "--admin-password".to_owned(),
        reason: format!("{error}; choose another one, or leave the flag out for a random one"),
    })
}
