//! `ucp-agent uninstall`: removes an installation from one node. A global service runs it on all of them.

use std::path::PathBuf;

use super::ProgramError;
use crate::install::progress::{Level, Progress};
use crate::install::{Daemon, uninstall};

/// Options of the program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The instance; nothing else is touched.
    #[arg(long)]
    instance: String,
    /// The engine's socket.
    #[arg(long, default_value = "/var/run/docker.sock")]
    socket: PathBuf,
    /// Where the node's /etc is seen, so that files of the network plug-in are removed; without it they stay.
    #[arg(long, default_value = "/host/etc")]
    host_etc: PathBuf,
}

/// Removes everything and ends.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let failed = ProgramError::failed::<crate::install::InstallError>;
    let daemon = Daemon::open(&args.socket)
        .await
        .map_err(failed("the engine does not answer"))?;
    let cni = args.host_etc.join("cni");
    let cni = cni.is_dir().then_some(cni.as_path());
    uninstall::on_this_node(&daemon, &args.instance, cni, &Logged)
        .await
        .map_err(failed("the node is not clean"))
}

/// What happens goes into the program's log.
struct Logged;

impl Progress for Logged {
    fn say(&self, level: Level, text: &str) {
        match level {
            Level::Debug => tracing::debug!("{text}"),
            Level::Info => tracing::info!("{text}"),
            Level::Warning => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        }
    }
}
