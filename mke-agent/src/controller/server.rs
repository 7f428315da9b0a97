//! Accepts connections on the TLS port, within limits.
//!
//! It knows nothing of accounts or endpoints: every request goes to [`super::journey`]. What it bounds: open
//! connections, in all and of one address, and the time for a handshake; requests are bounded by [`crate::connection`]. Stopping
//! finishes what is in flight, then cuts what is left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::journey;
use super::places::Places;
use super::state::State;
use super::tls::ServerTls;
use crate::mtls::{Credentials, MANAGER, Trust};

/// Connections at once. Each costs some tens of kilobytes with TLS, so this bounds memory at a few hundred
/// megabytes under attack.
const MAX_CONNECTIONS: usize = 4096;
/// Connections at once of one address, so that it takes four of them to use up all. Judgement: what an office behind
/// one address needs.
const MAX_OF_ONE_ADDRESS: usize = 1024;
/// For the TLS handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Rest after a failure to accept, such as running out of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Both ends of a connection and what its handshake proved.
#[derive(Debug)]
pub(super) struct Peer {
    /// The client's address.
    pub(super) address: SocketAddr,
    /// The client's certificate, if it presented one. The handshake has verified it.
    pub(super) certificate: Option<super::tls::VerifiedCertificate>,
    /// The node whose agent called, when the connection was one for agents. It never has a `certificate` as well.
    pub(super) node: Option<String>,
}

/// One listening port.
pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) tls: Arc<ServerTls>,
    pub(super) state: Arc<State>,
    /// In a cluster with agents, what they are shown and checked with: they call for the name of any manager.
    pub(super) nodes: Option<Arc<Credentials>>,
    /// Every connection and stream runs under it.
    pub(super) tasks: TaskTracker,
    /// Fires when no more requests shall begin.
    pub(super) stopping: CancellationToken,
}

impl Server {
    /// Accepts until told to stop.
    pub(super) async fn run(self) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let of_address = Arc::new(Places::new(MAX_OF_ONE_ADDRESS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.stopping.cancelled() => return,
            };
            match accepted {
                Ok((stream, address)) => {
                    let Some(own) = of_address.take(address.ip()) else {
                        tracing::debug!(%address, "the address has all the connections that one may have");
                        continue;
                    };
                    let doors = Doors {
                        users: self.tls.current(),
                        nodes: self.nodes.clone(),
                    };
                    let connection =
                        connection(stream, address, doors, self.state.clone(), self.stopping.clone());
                    self.tasks.spawn(async move {
                        connection.await;
                        drop((own, place));
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// The two ways in: that of users, and that of agents, who ask for the name that only managers have.
struct Doors {
    users: Arc<rustls::ServerConfig>,
    nodes: Option<Arc<Credentials>>,
}

impl Doors {
    /// The handshake. For agents it also gives the id of the node that the certificate of the cluster's authority names.
    async fn open(self, stream: TcpStream) -> std::io::Result<(TlsStream<TcpStream>, Option<String>)> {
        let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let for_agents = begun.client_hello().server_name() == Some(MANAGER);
        let Some(credentials) = self.nodes.filter(|_| for_agents) else {
            return Ok((begun.into_stream(self.users).await?, None));
        };
        let loaded = credentials.current();
        let stream = begun.into_stream(loaded.server.clone()).await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        match loaded.caller(shown) {
            Some((Trust::Cluster, holder)) if is_node(holder.organizational_unit.as_deref()) => {
                Ok((stream, Some(holder.common_name)))
            }
            _ => Err(std::io::Error::other("the certificate is none of a node")),
        }
    }
}

/// Whether a certificate of the cluster's authority with this unit is that of a node, and not of a component.
fn is_node(unit: Option<&str>) -> bool {
    unit.is_some_and(|unit| [MANAGER, crate::mtls::WORKER].contains(&unit))
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    doors: Doors,
    state: Arc<State>,
    stopping: CancellationToken,
) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let (stream, node) = tokio::select! {
        handshake = timeout(HANDSHAKE_TIME, doors.open(stream)) => match handshake {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return tracing::debug!(%address, %error, "TLS handshake failed"),
            Err(_) => return tracing::debug!(%address, "TLS handshake took too long"),
        },
        () = stopping.cancelled() => return,
    };
    let _open = state.metrics.connection();
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .filter(|_| node.is_none())
        .and_then(super::tls::VerifiedCertificate::of);
    let peer = Arc::new(Peer {
        address,
        certificate,
        node,
    });
    let answer = |request| {
        let (state, peer) = (state.clone(), peer.clone());
        async move { journey::answer(&state, &peer, request).await }
    };
    crate::connection::serve(stream, address, stopping, answer).await;
}
