//! `ucp-agent proxy`: mutual TLS in front of the engine of this node, and a way to the store on managers (container
//! `ucp-proxy`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::ProgramError;
use super::ports::{EnginePlace, inside, listen, place_of_engine, until_asked};
use crate::mtls::Credentials;
use crate::node_proxy::{self, NodeProxy};
use crate::relay::{self, Targets};

/// The port of the way to the store.
const KV_PORT: u16 = 12378;

/// The port of the store on a manager.
const STORE: u16 = 12379;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on for the engine.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, inside(node_proxy::PORT))))]
    listen: SocketAddr,
    /// Directory with the certificate of this node.
    #[arg(long, default_value = "/etc/ucp/node")]
    certs: PathBuf,
    /// The engine of this node.
    #[arg(long, default_value = "unix:///var/run/docker.sock")]
    engine: String,
    /// Members of the store as host:port, that of this node first; without any, the place of this node's one. Etcd itself
    /// checks who calls, and on a worker there is none.
    #[arg(long, value_delimiter = ',')]
    kv: Vec<String>,
    /// Address of this node.
    #[arg(long, env = "UCP_NODE_ADDRESS")]
    address: Option<IpAddr>,
    /// Address to listen on for the store.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, inside(KV_PORT))))]
    kv_listen: SocketAddr,
}

/// Runs the proxy until it is asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot serve.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let EnginePlace::Socket(engine) = place_of_engine(&args.engine)? else {
        return Err(ProgramError::Usage(
            "the proxy stands in front of a socket, write unix:///path/to/docker.sock".to_owned(),
        ));
    };
    let credentials =
        Credentials::open(args.certs).map_err(ProgramError::failed("the proxy cannot serve"))?;
    let credentials = Arc::new(credentials);
    let engine_port = listen(args.listen).await?;
    let members = match (args.kv, args.address) {
        (kv, Some(address)) if kv.is_empty() => vec![SocketAddr::from((address, STORE)).to_string()],
        (kv, _) => kv,
    };
    let kv = match members.is_empty() {
        true => None,
        false => {
            let targets = Targets::new(members).map_err(|error| ProgramError::Usage(error.to_string()))?;
            Some((listen(args.kv_listen).await?, targets))
        }
    };
    until_asked(|stopping| async move {
        let proxy = Arc::new(NodeProxy::new(engine, credentials, stopping.clone()));
        let relayed = async {
            if let Some((listener, targets)) = kv {
                relay::run(listener, targets, stopping).await;
            }
        };
        tokio::join!(proxy.run(engine_port), relayed);
    })
    .await
}
