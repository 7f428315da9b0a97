//! `ucp-agent probe`: says what a node is like before anything is made there, and holds the needed ports meanwhile. The
//! installer runs it and reads its one line.

use std::io::Write as _;
use std::path::PathBuf;

use mke_core::time::SystemClock;

use super::{ProgramError, asked_to_end};
use crate::install::probe::{NODE_VARIABLE, Sought, Wanted, run as probe};

/// Options of the program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The node's id in the swarm, which is told back.
    #[arg(long, default_value = "", env = NODE_VARIABLE)]
    node: String,
    /// A needed port, such as tcp/443; repeatable.
    #[arg(long)]
    port: Vec<Wanted>,
    /// An image that the node will need; repeatable.
    #[arg(long)]
    image: Vec<String>,
    /// The engine's socket, when images are asked for.
    #[arg(long, default_value = "/var/run/docker.sock")]
    socket: PathBuf,
}

/// Runs until it is asked to end.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let tell = |line: &str| {
        // Nobody who reads it would be a reason to hold the ports for nothing: the installer then removes the probe.
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    // Signals that cannot be waited for end the probe at once, which the installer tells from its log.
    let ended = async { drop(asked_to_end().await) };
    let sought = Sought {
        node: args.node,
        ports: args.port,
        images: (!args.image.is_empty()).then_some((args.socket, args.image)),
    };
    probe(sought, &SystemClock, tell, ended)
        .await
        .map_err(ProgramError::failed("the node cannot be probed"))
}
