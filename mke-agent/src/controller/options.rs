//! How a controller is told to run. `ucp serve` fills this in from its flags.

use std::net::SocketAddr;
use std::path::PathBuf;

use mke_core::names::AccountName;
use mke_core::pki::SubjectAltName;
use mke_core::secret::Secret;

use super::authorities::ClusterMode;
use crate::fleet::FleetOptions;
use crate::kv::StoreAccess;

/// File in the data directory that holds the cluster's id; public.
pub const PUBLIC_CLUSTER_ID: &str = "cluster-id";
/// File in the data directory that holds the authority of the served certificate, PEM; public.
pub const PUBLIC_CA: &str = "ca.pem";
/// File in the data directory that holds the served certificate chain, PEM; public.
pub const PUBLIC_CERT: &str = "cert.pem";
/// File in the data directory that holds the authority of the cluster's own components, PEM; public.
pub const PUBLIC_CLUSTER_CA: &str = "cluster-ca.pem";

/// What a controller needs to know before it can start.
#[derive(Debug)]
pub struct Options {
    /// Where state is kept. Made with mode 0700 when absent.
    pub data_dir: PathBuf,
    /// Addresses of the API. Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// The engine's unix socket.
    pub engine_socket: PathBuf,
    /// Names of the server's certificate.
    pub host_addresses: Vec<SubjectAltName>,
    /// The host name or address that bundles name.
    pub advertise_host: String,
    /// Port of the Kubernetes API that bundles name.
    pub kube_port: u16,
    /// Name of the first administrator.
    pub admin_username: AccountName,
    /// Password of the first administrator; `None` makes a random one and logs it once.
    pub admin_password: Option<Secret>,
    /// Where to write the first administrator's generated password instead of the log, as JSON with `url`,
    /// `username` and `password`, mode 0600.
    pub initial_credentials: Option<PathBuf>,
    /// Where to unpack a bundle of the first administrator on the first start.
    pub admin_bundle: Option<PathBuf>,
    /// File to write once the API answers: JSON with `pid`, `address` and `url`.
    pub ready_file: Option<PathBuf>,
    /// Directory with `ca.pem`, `cert.pem` and `key.pem` to serve instead of a certificate made here.
    pub external_server_cert: Option<PathBuf>,
    /// Where the engine of this machine looks for the authorities of registries, as `<host>/*.crt`; `None` tells it
    /// nothing.
    pub registry_certs_dir: Option<PathBuf>,
    /// How the engines of other nodes are reached; without it the engine of this machine answers alone.
    pub fleet: Option<FleetOptions>,
    /// Whether the first start begins with the newest configuration file among the swarm's config objects. Once the
    /// cluster is installed this means nothing.
    pub existing_config: bool,
    /// The store that the controllers of a cluster share; `None` keeps an embedded one in the data directory.
    pub store: Option<StoreAccess>,
    /// The file with the key that opens private keys in the store, which all controllers of a shared store need; it must exist.
    /// `None` takes the one in the data directory, and makes it for a new store.
    pub sealing_key: Option<PathBuf>,
    /// Set in a cluster of managers: where certificates lie and who signs. `None` for a control plane of one, which has its own
    /// authorities.
    pub cluster: Option<ClusterMode>,
}
