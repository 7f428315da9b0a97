//! `ucp-agent hardware-info`: what this machine is made of (container `ucp-hardware-info`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::ProgramError;
use super::ports::{inside, listen, own_proxy, until_asked};
use crate::hardware::{self, HardwareServer};
use crate::mtls::Credentials;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, inside(hardware::PORT))))]
    listen: SocketAddr,
    /// Directory with the certificate of this node.
    #[arg(long, default_value = "/etc/ucp/node")]
    certs: PathBuf,
    /// Directory below which proc and sys of the machine are.
    #[arg(long, default_value = "/host")]
    root: PathBuf,
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
    let proxy = own_proxy(args.engine.as_deref(), args.address)?;
    let credentials = Credentials::open(args.certs);
    let credentials = Arc::new(credentials.map_err(ProgramError::failed("the hardware cannot be shown"))?);
    let listener = listen(args.listen).await?;
    let server = Arc::new(HardwareServer::new(args.root, credentials, proxy));
    until_asked(|stopping| server.run(listener, stopping)).await
}
