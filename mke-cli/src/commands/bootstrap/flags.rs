//! Flags that several commands of the bootstrapper share.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

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

/// How long a command may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub(crate) struct TimeoutArgs {
    /// Time allowed for the whole operation, such as 90s or 1h30m.
    #[arg(long, default_value = "30m")]
    pub(super) timeout: Limit,
}

/// A length of time with its units: ns, us, ms, s, m and h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) Duration);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Digits of whole nanoseconds are far below what the number holds exactly.
        let length = mke_core::config::duration(text).map(|nanoseconds| nanoseconds / 1e9);
        match length.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(length) if !length.is_zero() => Ok(Self(length)),
            _ => Err("write a number and a unit of ns, us, ms, s, m or h, such as 30m".to_owned()),
        }
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
