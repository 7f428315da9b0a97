//! `ucp-agent watch`: tells which versions of components run on this node. An upgrade deploys it on all nodes.

use std::io::Write as _;
use std::path::PathBuf;

use super::{ProgramError, asked_to_end};
use crate::install::Daemon;
use crate::install::probe::NODE_VARIABLE;
use crate::install::upgrade::watch;

/// Options of the program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The node's id in the swarm, which is told back.
    #[arg(long, env = NODE_VARIABLE)]
    node: String,
    /// The instance.
    #[arg(long)]
    instance: String,
    /// The engine's socket.
    #[arg(long, default_value = "/var/run/docker.sock")]
    socket: PathBuf,
}

/// Runs until it is asked to end.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let failed = ProgramError::failed::<crate::install::InstallError>;
    let daemon = Daemon::open(&args.socket)
        .await
        .map_err(failed("the engine does not answer"))?;
    let tell = |line: &str| {
        // Nobody who reads it is no reason to end: the upgrade that started this also removes it.
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    let ended = async { drop(asked_to_end().await) };
    watch::run(&daemon, args.node, &args.instance, tell, ended)
        .await
        .map_err(failed("the node's containers cannot be listed"))
}
