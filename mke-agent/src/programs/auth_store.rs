//! The maintenance of the authentication store, in the words that existing scripts have for it:
//!
//! ```text
//! docker run --rm -v ucp-auth-store-certs:/tls mirantis/ucp-auth:VERSION --db-addr=ADDRESS:12383 db-status
//! docker run --rm -v ucp-auth-store-certs:/tls mirantis/ucp-auth:VERSION --db-addr=ADDRESS:12383 reconfigure-db --num-replicas N
//! ```
//!
//! Users are kept in the store that everything is kept in, with a replica on each manager, so that both are about that one:
//! what is asked for is that of [`super::kv`]. Whoever has the volume reaches the store and the proxy of the node's engine
//! with the certificate in it; the engine's socket is not needed.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use mke_core::product::Role;
use tokio::time::{Instant, sleep};

use super::ProgramError;
use super::kv::{self, Form};
use crate::agent::cluster::swarm_nodes;
use crate::agent::store;
use crate::engine::{EngineClient, NodeWay};
use crate::kv::StoreStatus;
use crate::mtls::Credentials;
use crate::node_proxy;

/// What tells these words from the names of programs.
const MARK: &str = "--db-addr";
/// The name of this program.
const NAME: &str = "auth-store";
/// How long replicas may take to be as many as there are managers.
const LIMIT: Duration = Duration::from_secs(180);
/// Rest between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A manager, as address:port. The port is that of the former store and says nothing.
    #[arg(long = "db-addr", value_parser = address, required = true)]
    address: IpAddr,
    /// Directory with ca.pem, cert.pem and key.pem of volume ucp-auth-store-certs.
    #[arg(long, default_value = "/tls")]
    tls: PathBuf,
    #[command(subcommand)]
    command: Words,
}

#[derive(Debug, Subcommand)]
enum Words {
    /// List the servers of the store with names, addresses and health. Exit code 1 means that no writes are taken.
    DbStatus,
    /// Wait until there is a replica on each manager, and tell the tables.
    ReconfigureDb {
        /// How many replicas there shall be: as many as managers.
        #[arg(long, required_unless_present = "emergency_repair")]
        num_replicas: Option<usize>,
        /// Let the server of this manager go on without the others, which are lost for good. What only they know is lost.
        #[arg(long)]
        emergency_repair: bool,
    },
}

/// A command line with the name of this program, when it is about the authentication store in the words of scripts.
pub(super) fn named(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let is_mark = |word: &OsString| word.to_string_lossy().split('=').next() == Some(MARK);
    if words.iter().any(is_mark) && words.get(1).is_none_or(|first| first != NAME) {
        words.insert(words.len().min(1), NAME.into());
    }
    words
}

/// An address with or without a port.
fn address(text: &str) -> Result<IpAddr, String> {
    let with_port = text.parse::<SocketAddr>().map(|place| place.ip());
    with_port
        .or_else(|_| text.parse())
        .map_err(|_| format!("`{text}` is no address of a manager, write ADDRESS:12383"))
}

/// Asks, orders and prints.
///
/// # Errors
/// [`ProgramError`] when nobody answers, and when the answer is bad news.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let Args { address, tls, .. } = &args;
    match args.command {
        Words::DbStatus => {
            let status = status(tls, *address).await?;
            kv::tell(&status, Form::Text)
        }
        Words::ReconfigureDb {
            emergency_repair: true,
            ..
        } => {
            let (engine, node_id) = engine(tls, *address)?;
            kv::recover(&engine, tls, &node_id, *address, true).await
        }
        Words::ReconfigureDb { num_replicas, .. } => {
            reconfigure(tls, *address, num_replicas.unwrap_or_default()).await
        }
    }
}

/// The engine of the manager behind its proxy, and the id of its node, both as the certificate says.
fn engine(tls: &Path, address: IpAddr) -> Result<(EngineClient, String), ProgramError> {
    let credentials = Credentials::open(tls).map_err(ProgramError::failed(
        "there is no certificate to show; mount volume ucp-auth-store-certs of a manager at /tls",
    ))?;
    let node = credentials.current().material.holder().common_name.clone();
    let engine = EngineClient::of_node(NodeWay {
        node: node.clone(),
        address: SocketAddr::new(address, node_proxy::PORT),
        credentials: Arc::new(credentials),
    });
    Ok((engine, node))
}

async fn status(tls: &Path, address: IpAddr) -> Result<StoreStatus, ProgramError> {
    let options = store::options(tls, [address]).map_err(ProgramError::failed(
        "the store cannot be reached; mount volume ucp-auth-store-certs of a manager at /tls",
    ))?;
    kv::look(&options).await
}

async fn reconfigure(tls: &Path, address: IpAddr, replicas: usize) -> Result<(), ProgramError> {
    let (engine, _) = engine(tls, address)?;
    let nodes = swarm_nodes(&engine).await.map_err(ProgramError::failed(
        "the swarm does not say which managers there are",
    ))?;
    let managers = nodes.iter().filter(|node| node.role == Role::Manager).count();
    if replicas != managers {
        return Err(ProgramError::Usage(format!(
            "the store has one replica on each of the {managers} managers, so that {replicas} cannot be had: promote or demote \
             nodes"
        )));
    }
    let mut out = std::io::stdout();
    let _ = writeln!(out, "Reconfiguring number of replicas to {replicas}");
    let until = Instant::now() + LIMIT;
    let mut said = String::new();
    loop {
        let status = status(tls, address).await?;
        let there = status.servers.iter().filter(|server| server.role != "learner");
        if status.writable && status.well == replicas && there.count() == replicas {
            break;
        }
        let text = status.to_string();
        if said != text {
            let _ = writeln!(out, "{text}");
            said = text;
        }
        if Instant::now() >= until {
            return Err(ProgramError::Usage(format!(
                "the store has not got {replicas} healthy replicas within {} seconds: look at container ucp-kv of the managers that \
                 are not healthy; when most are lost for good, use --emergency-repair",
                LIMIT.as_secs()
            )));
        }
        sleep(LOOK).await;
    }
    kv::tell_tables(tls, address).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::programs::{Command, Program};

    /// DBS-003, DBS-004: the words of existing scripts are understood, and what makes no sense is refused.
    #[test]
    fn words_of_scripts() {
        let read = |words: &str| {
            let read = Command::try_parse_from(named(words.split(' ').map(OsString::from)))?;
            match read.program {
                Program::AuthStore(args) => Ok::<_, clap::Error>(args),
                other => panic!("{other:?}"),
            }
        };
        let status = read("ucp-agent --db-addr=10.0.0.1:12383 db-status").unwrap();
        assert_eq!(status.address, IpAddr::from([10, 0, 0, 1]));
        assert_eq!(status.tls, Path::new("/tls"));
        let named_already = read("ucp-agent auth-store --db-addr 10.0.0.1:12383 db-status").unwrap();
        assert_eq!(named_already.address, status.address);
        let three =
            read("ucp-agent --db-addr=[fd00::1]:12383 --debug reconfigure-db --num-replicas 3").unwrap();
        let Words::ReconfigureDb {
            num_replicas,
            emergency_repair,
        } = three.command
        else {
            panic!("{three:?}")
        };
        assert_eq!((num_replicas, emergency_repair), (Some(3), false));
        for words in [
            "reconfigure-db --emergency-repair",
            "reconfigure-db --num-replicas 1 --emergency-repair",
        ] {
            read(&format!("ucp-agent --db-addr=10.0.0.1 {words}")).unwrap();
        }
        for words in [
            "auth-store db-status",
            "--db-addr=manager:12383 db-status",
            "--db-addr=10.0.0.1:12383 reconfigure-db",
            "--db-addr=10.0.0.1:12383 reconfigure-db --num-replicas few",
            "--db-addr=10.0.0.1:12383 drop-db",
        ] {
            assert!(read(&format!("ucp-agent {words}")).is_err(), "{words}");
        }
    }
}
