//! The commands of the bootstrapper: install, upgrade, back up, restore and remove a cluster over an engine's socket. They run on the host
//! and in a container alike. What they do is decided in `mke_agent::install`; here are flags, questions and log lines.

pub(crate) mod backup;
pub(crate) mod certificates;
pub(crate) mod flags;
pub(crate) mod images;
pub(crate) mod install;
mod log;
mod questions;
pub(crate) mod restore;
pub(crate) mod uninstall;
pub(crate) mod upgrade;

#[cfg(test)]
mod table;

pub(crate) use flags::LogArgs;

use std::future::Future;

use mke_agent::install::{Around, Daemon, InstallError, Own};
use mke_core::causes::chain;
use mke_core::ids::random_uuid;

use self::log::Log;
use crate::error::CliError;

/// What every command begins with: the engine, and what this bootstrapper is.
struct Begun {
    daemon: Daemon,
    own: Own,
}

async fn begin(socket: &std::path::Path) -> Result<Begun, InstallError> {
    let daemon = Daemon::open(socket).await?;
    let own = Own::find(&daemon, &Around::this_process()).await?;
    Ok(Begun { daemon, own })
}

/// Runs a command and tells its failure the way installers read it: one line of level fatal, exit code 1 when the answer is
/// no, 2 for arguments, 3 for the rest.
fn told(log: &Log, outcome: Result<(), Failure>) -> Result<(), CliError> {
    let Err(failure) = outcome else { return Ok(()) };
    match &failure {
        Failure::Command(error) => log.fatal(&chain(error)),
        Failure::Install(error) => log.fatal(&chain(error)),
    }
    Err(match failure {
        Failure::Command(error) => CliError::Told(Box::new(error)),
        Failure::Install(error) => CliError::Told(Box::new(match error {
            InstallError::Flag { .. }
            | InstallError::Configuration(_)
            | InstallError::License(_)
            | InstallError::NoExistingConfig
            | InstallError::Archive(_)
            | InstallError::OtherInstance { .. } => CliError::Usage(String::new()),
            InstallError::Checks(_)
            | InstallError::Upgrade(_)
            | InstallError::AlreadyThere(_)
            | InstallError::AlreadyInstalled { .. }
            | InstallError::OldStore { .. }
            | InstallError::NotInstalled
            | InstallError::OtherVersion { .. }
            | InstallError::Restore(_)
            | InstallError::BackupInProgress { .. }
            | InstallError::Locked { .. } => CliError::AnswerIsNo,
            _ => CliError::Failed(String::new()),
        })),
    })
}

/// Why a command of the bootstrapper stopped.
enum Failure {
    /// Flags, questions, files.
    Command(CliError),
    /// The work itself.
    Install(InstallError),
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        Self::Command(error)
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        Self::Install(error)
    }
}

/// Names a run, and says who it is for others who want to work on the same cluster.
fn run_and_owner() -> (String, String) {
    let run = random_uuid(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy().into_owned();
    (run, format!("process {} on {host}", std::process::id()))
}

/// When somebody presses ctrl-C or the container is stopped. Listens from now on, so that nothing is cut off in the middle of
/// what cannot be undone.
fn broken_off() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    async move {
        let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

fn wait_for<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Command(CliError::Failed(format!("cannot start: {error}"))))?
        .block_on(future)
}
