//! Flags that several commands of the bootstrapper share.

use std::path::PathBuf;

use clap::ValueEnum;
use mke_agent::install::daemon::registry_credentials;
use mke_agent::install::images::Pull;

use super::log::Log;
use crate::error::CliError;

/// How a command logs, and to which engine it speaks.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LogArgs {
    /// Turn on debug output.
    #[arg(long, short = 'D')]
    pub(super) debug: bool,
    /// Write log lines as JSON.
    #[arg(long)]
    pub(super) jsonlog: bool,
    /// The engine's socket.
    #[arg(
        long,
        hide = true,
        default_value = "/var/run/docker.sock",
        env = "MKE_ENGINE_SOCKET"
    )]
    pub(super) socket: PathBuf,
}

impl LogArgs {
    /// Begins to log.
    pub(super) fn log(&self) -> Log {
        Log::to_stderr(self.jsonlog, self.debug)
    }

    /// The engine's socket.
    pub(crate) fn socket(&self) -> &std::path::Path {
        &self.socket
    }
}

/// When images are pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PullPolicy {
    /// All, whatever is there.
    Always,
    /// What is not there.
    Missing,
    /// Nothing.
    Never,
}

impl From<PullPolicy> for Pull {
    fn from(policy: PullPolicy) -> Self {
        match policy {
            PullPolicy::Always => Self::Always,
            PullPolicy::Missing => Self::Missing,
            PullPolicy::Never => Self::Never,
        }
    }
}

/// Where images come from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RegistryArgs {
    /// Image pull policy.
    #[arg(long, value_enum, default_value = "missing")]
    pub(super) pull: PullPolicy,
    /// User name for image pulls.
    #[arg(long, env = "REGISTRY_USERNAME")]
    pub(super) registry_username: Option<String>,
    /// Password for image pulls.
    #[arg(long, env = "REGISTRY_PASSWORD", hide_env_values = true)]
    pub(super) registry_password: Option<String>,
}

impl RegistryArgs {
    /// What goes with pulls.
    pub(super) fn credentials(&self) -> Result<Option<String>, CliError> {
        match (&self.registry_username, &self.registry_password) {
            (None, None) => Ok(None),
            (Some(name), Some(password)) => Ok(Some(registry_credentials(name, password))),
            (Some(_), None) => Err(CliError::Usage(
                "--registry-username needs --registry-password too".to_owned(),
            )),
            (None, Some(_)) => Err(CliError::Usage(
                "--registry-password needs --registry-username too".to_owned(),
            )),
        }
    }
}
