//! `ucp-agent ca`: one of the two authorities (containers `ucp-cluster-root-ca` and `ucp-client-root-ca`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use mke_core::pki::AuthorityKind;
use mke_core::time::SystemClock;

use super::ProgramError;
use super::ports::{EnginePlace, engine_or_proxy, inside, listen, until_asked};
use crate::ca::{CLIENT_PORT, CLUSTER_PORT, CaServer, EngineInventory, Inventory, ProxyInventory, bootstrap};
use crate::mtls::Credentials;

/// Which authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// For nodes and components.
    Cluster,
    /// For users.
    Client,
}

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which authority to run.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Address to listen on; port 12381 for the cluster authority and 12382 for the client authority when not given.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Directory with cert.pem and key.pem of the authority; its volume below /v when not given.
    #[arg(long)]
    authority: Option<PathBuf>,
    /// Directory with the certificate of this node.
    #[arg(long, default_value = "/etc/ucp/node")]
    certs: PathBuf,
    /// The engine of this manager: unix:///path, or https://address:12376 for its proxy, which is taken when not given.
    #[arg(long)]
    engine: Option<String>,
    /// Address of this node.
    #[arg(long, env = "UCP_NODE_ADDRESS")]
    address: Option<IpAddr>,
}

/// Runs the authority until it is asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot serve.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let (kind, port) = match args.kind {
        Kind::Cluster => (AuthorityKind::Cluster, CLUSTER_PORT),
        Kind::Client => (AuthorityKind::Client, CLIENT_PORT),
    };
    let failed = "the authority cannot serve";
    let volume = bootstrap::volume_of(kind);
    let dir = args.authority.unwrap_or_else(|| PathBuf::from("/v").join(volume));
    let authority = bootstrap::read_dir(&dir, volume)
        .map_err(ProgramError::failed(failed))?
        .ok_or_else(|| {
            ProgramError::Usage(format!(
                "`{}` is empty, the agent of this node writes the authority there",
                dir.display()
            ))
        })?;
    let credentials = Arc::new(Credentials::open(args.certs).map_err(ProgramError::failed(failed))?);
    let inventory: Arc<dyn Inventory> = match engine_or_proxy(args.engine.as_deref(), args.address)? {
        EnginePlace::Socket(engine) => Arc::new(EngineInventory::new(engine)),
        EnginePlace::Proxy(address) => Arc::new(ProxyInventory::new(credentials.clone(), address)),
    };
    let listener = listen(
        args.listen
            .unwrap_or((Ipv4Addr::UNSPECIFIED, inside(port)).into()),
    )
    .await?;
    let server = Arc::new(CaServer::new(
        kind,
        authority,
        credentials,
        inventory,
        Arc::new(SystemClock),
    ));
    until_asked(|stopping| server.run(listener, stopping)).await
}
