//! `ucp-agent metrics`: figures of this manager for whoever scrapes with a certificate (container `ucp-metrics`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::ProgramError;
use super::ports::{inside, listen, own_proxy, until_asked};
use crate::mtls::Credentials;
use crate::node_metrics::{self, MetricsServer};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, inside(node_metrics::PORT))))]
    listen: SocketAddr,
    /// Directory with the certificate of this node.
    #[arg(long, default_value = "/etc/ucp/node")]
    certs: PathBuf,
    /// The proxy in front of the engine of this node, when it is not at its usual port: https://address:12376.
    #[arg(long)]
    engine: Option<String>,
    /// Address of this node.
    #[arg(long, env = "UCP_NODE_ADDRESS")]
    address: Option<IpAddr>,
}

/// Serves until asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot serve.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let engine = own_proxy(args.engine.as_deref(), args.address)?;
    let credentials = Credentials::open(args.certs);
    let credentials = Arc::new(credentials.map_err(ProgramError::failed("metrics cannot be shown"))?);
    let listener = listen(args.listen).await?;
    let server = Arc::new(MetricsServer::new(credentials, engine));
    until_asked(|stopping| server.run(listener, stopping)).await
}
