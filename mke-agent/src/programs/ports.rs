//! What programs with a port have in common: listening, ending in order, and where the engine is.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{ProgramError, asked_to_end};
use crate::engine::EngineClient;
use crate::node_proxy;

/// Listens.
///
/// # Errors
/// [`ProgramError::Failed`].
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, ProgramError> {
    let listener = TcpListener::bind(address).await.map_err(ProgramError::failed(
        "the port is taken or may not be listened on",
    ))?;
    let bound = listener.local_addr().unwrap_or(address);
    tracing::info!(address = %bound, "listening");
    Ok(listener)
}

/// Serves until the process is asked to end, then lets the server finish.
///
/// # Errors
/// [`ProgramError::Signals`].
pub(super) async fn until_asked<F: Future<Output = ()>>(
    serve: impl FnOnce(CancellationToken) -> F,
) -> Result<(), ProgramError> {
    let stopping = CancellationToken::new();
    let serving = serve(stopping.clone());
    let asked = async {
        let asked = asked_to_end().await;
        stopping.cancel();
        asked
    };
    let ((), asked) = tokio::join!(serving, asked);
    asked
}

/// The port on which a component listens in its container for a port of the node.
pub(super) fn inside(port: u16) -> u16 {
    match mke_core::product::port(port) {
        Some(known) => known.inside(),
        None => port,
    }
}

/// The proxy in front of the engine of the node with this address, unless another place is named.
///
/// # Errors
/// [`ProgramError::Usage`] when there is neither.
pub(super) fn engine_or_proxy(
    engine: Option<&str>,
    node: Option<IpAddr>,
) -> Result<EnginePlace, ProgramError> {
    match (engine, node) {
        (Some(url), _) => place_of_engine(url),
        (None, Some(address)) => Ok(EnginePlace::Proxy((address, node_proxy::PORT).into())),
        (None, None) => Err(ProgramError::Usage(
            "name the engine with --engine, or the address of the node with UCP_NODE_ADDRESS".to_owned(),
        )),
    }
}

/// The same for components that have no business with the engine's socket.
///
/// # Errors
/// [`ProgramError::Usage`].
pub(super) fn own_proxy(engine: Option<&str>, node: Option<IpAddr>) -> Result<SocketAddr, ProgramError> {
    match engine_or_proxy(engine, node)? {
        EnginePlace::Proxy(address) => Ok(address),
        EnginePlace::Socket(_) => Err(ProgramError::Usage(
            "the proxy of this node is asked, write https://address:12376".to_owned(),
        )),
    }
}

/// Where an engine is.
pub(super) enum EnginePlace {
    /// Its socket.
    Socket(EngineClient),
    /// The proxy in front of it.
    Proxy(SocketAddr),
}

/// Reads `unix:///path` or `https://address:port`.
///
/// # Errors
/// [`ProgramError::Usage`].
pub(super) fn place_of_engine(url: &str) -> Result<EnginePlace, ProgramError> {
    if let Some(path) = url
        .strip_prefix("unix://")
        .filter(|path| Path::new(path).is_absolute())
    {
        return Ok(EnginePlace::Socket(EngineClient::new(path)));
    }
    let address = url.strip_prefix("https://").and_then(|rest| rest.parse().ok());
    address.map(EnginePlace::Proxy).ok_or_else(|| {
        ProgramError::Usage(format!(
            "`{url}` is no place of an engine, write unix:///path/to/docker.sock or https://address:12376"
        ))
    })
}
