//! Why two parts of a cluster cannot speak to each other.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mke_core::pki::PkiError;

/// What goes wrong with certificates and connections between components.
#[derive(Debug, thiserror::Error)]
pub enum MtlsError {
    /// A file of the certificate.
    #[error("`{}` cannot be read, the reconciler of this node writes it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Certificates that cannot be used.
    #[error("the certificate in {place} cannot be used")]
    Certificate {
        /// Where it came from.
        place: String,
        /// What is wrong with it.
        #[source]
        source: PkiError,
    },
    /// A private key that needs a passphrase: that of a manager whose swarm is locked.
    #[error(
        "the private key in {place} is encrypted, because the swarm is locked; \
         run `docker swarm update --autolock=false` on a manager, and `--autolock=true` once this node is registered"
    )]
    Encrypted {
        /// Where it came from.
        place: String,
    },
    /// TLS does not take it.
    #[error("TLS does not take the certificate in {place}")]
    Tls {
        /// Where it came from.
        place: String,
        /// What it said.
        #[source]
        source: rustls::Error,
    },
    /// Nobody listens there, or the way is blocked.
    #[error("{address} cannot be reached")]
    Unreachable {
        /// Whom.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The other end is not who it should be, or does not want us.
    #[error("no trusted connection to {address} as `{name}`")]
    Handshake {
        /// Whom.
        address: SocketAddr,
        /// Who was expected.
        name: String,
        /// What TLS said.
        #[source]
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address} did not answer within {} s", limit.as_secs())]
    Slow {
        /// Whom.
        address: SocketAddr,
        /// How long was waited.
        limit: Duration,
    },
    /// The exchange broke off.
    #[error("the exchange with {address} broke off")]
    Broken {
        /// Whom.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A name that no server can have.
    #[error("`{0}` cannot be the name of a server")]
    Name(String),
}
