//! `ucp net check`: knocks at the TCP ports of another node. Where nothing serves them yet, `ucp port-check-server`
//! answers there.

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::future::join_all;
use mke_net::ports::{Protocol, needed};
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{ClusterWithPorts, NodeRole};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The other node, by name or address.
    host: String,
    #[command(flatten)]
    cluster: ClusterWithPorts,
    /// The role of the other node.
    #[arg(long, value_enum, default_value = "manager")]
    role: NodeRole,
    /// Knock at this port instead of those of the role. May be repeated.
    #[arg(long)]
    port: Vec<u16>,
    /// How long an answer may take, in milliseconds.
    #[arg(long, default_value_t = 3000)]
    timeout: u64,
}

#[derive(Serialize)]
struct Knock {
    port: u16,
    result: Reached,
    /// What it means.
    meaning: &'static str,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Reached {
    Open,
    Closed,
    Silent,
    Unreachable,
}

impl Reached {
    fn meaning(self) -> &'static str {
        match self {
            Self::Open => "something answers",
            Self::Closed => {
                "the machine is reached, but nothing listens there; try again beside `ucp port-check-server`"
            }
            Self::Silent => "no answer: a firewall drops it, or the machine is gone",
            Self::Unreachable => "no way there: wrong address, or a firewall refuses it",
        }
    }
}

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let mut ports = args.port.clone();
    if ports.is_empty() {
        let needed = needed(args.role.into(), &args.cluster.ports(output)?);
        let tcp = needed
            .iter()
            .filter(|port| port.protocol == Protocol::Tcp && port.from_elsewhere());
        ports = tcp.map(|port| port.number).collect();
    }
    let limit = Duration::from_millis(args.timeout);
    let knocks = ports.iter().map(|port| async move {
        let result = match timeout(limit, TcpStream::connect((args.host.as_str(), *port))).await {
            Ok(Ok(_)) => Reached::Open,
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Reached::Closed,
            Ok(Err(_)) => Reached::Unreachable,
            Err(_) => Reached::Silent,
        };
        Knock {
            port: *port,
            result,
            meaning: result.meaning(),
        }
    });
    let knocks = join_all(knocks).await;
    output.table(&knocks, ["PORT", "RESULT", "MEANING"], |knock| {
        let result = match knock.result {
            Reached::Open => "open",
            Reached::Closed => "closed",
            Reached::Silent => "silent",
            Reached::Unreachable => "unreachable",
        };
        [
            knock.port.to_string(),
            result.to_owned(),
            knock.meaning.to_owned(),
        ]
    })?;
    match knocks.iter().all(|knock| knock.result == Reached::Open) {
        true => Ok(()),
        false => Err(CliError::AnswerIsNo),
    }
}
