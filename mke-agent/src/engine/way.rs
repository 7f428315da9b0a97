//! How an engine is reached: by a socket of this machine, or through the proxy of its node.
//!
//! A proxy stands in front of each engine of the cluster and takes connections of other nodes over mutual TLS. Addresses
//! prove nothing: they change, and whoever takes one over has no certificate. What is believed is a certificate of the
//! cluster's authority that names the node that was meant.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::mtls::Credentials;

/// How long a watched connection may be silent before the system asks whether the other node lives, how long after that it asks
/// again, and how often without an answer until the connection is over. A cut cable makes no sound; the system asks without
/// waking anybody. Connections that are not watched outlive longer troubles: somebody's terminal may be on them.
const SILENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_secs(2);
const TIMES: u32 = 2;

/// Bytes in both directions.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The way to the engine of another node.
#[derive(Clone)]
pub struct NodeWay {
    /// The id of the node in the swarm, which its certificate must name.
    pub node: String,
    /// Where its proxy listens.
    pub address: SocketAddr,
    /// What this node proves itself with, and whom it believes.
    pub credentials: Arc<Credentials>,
}

impl fmt::Debug for NodeWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeWay")
            .field("node", &self.node)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Every way to an engine.
#[derive(Debug)]
pub(super) enum Way {
    Socket(PathBuf),
    Node(NodeWay),
}

impl Way {
    /// Opens a connection on which HTTP can begin. A `watched` one ends soon after the machine at the other end is gone.
    pub(super) async fn open(&self, watched: bool) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Socket(socket) => Ok(Box::new(UnixStream::connect(socket).await?)),
            Self::Node(way) => {
                let stream = TcpStream::connect(way.address).await?;
                // Keystrokes in an attached terminal are a byte each.
                stream.set_nodelay(true)?;
                if watched {
                    sockopt::set_socket_keepalive(&stream, true)?;
                    sockopt::set_tcp_keepidle(&stream, SILENCE)?;
                    sockopt::set_tcp_keepintvl(&stream, AGAIN)?;
                    sockopt::set_tcp_keepcnt(&stream, TIMES)?;
                }
                let node = ServerName::try_from(way.node.clone())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                let config = way.credentials.current().client.clone();
                Ok(Box::new(TlsConnector::from(config).connect(node, stream).await?))
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(socket) => write!(f, "`{}`", socket.display()),
            Self::Node(way) => write!(f, "node `{}` at {}", way.node, way.address),
        }
    }
}
