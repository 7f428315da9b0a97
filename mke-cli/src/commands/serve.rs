//! `ucp serve`: the whole control plane in one process, on the embedded store.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use mke_agent::controller::{self, Logs, Options, Surroundings};
use mke_agent::fleet::{FleetOptions, PROXY_PORT};
use mke_agent::kv::{StoreAccess, StoreCertificates};
use mke_core::causes::chain;
use mke_core::names::AccountName;
use mke_core::pki::SubjectAltName;
use mke_core::secret::Secret;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::id::DEFAULT_DATA_DIR;
use super::supervise;
use crate::error::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where state is kept; made on the first start.
    #[arg(long, default_value = DEFAULT_DATA_DIR, env = "MKE_DATA_DIR")]
    data_dir: PathBuf,
    /// Address and port of the API; repeatable. Port 0 takes a free one.
    #[arg(long, default_value = "0.0.0.0:443")]
    listen: Vec<SocketAddr>,
    /// The engine's socket.
    #[arg(long, default_value = "unix:///var/run/docker.sock", env = "DOCKER_HOST")]
    engine: String,
    /// The host name or address that clients use: it goes into bundles and into the server's certificate.
    #[arg(long, default_value = "127.0.0.1", env = "UCP_HOST_ADDRESS")]
    host_address: String,
    /// Further names of the server's certificate; repeatable.
    #[arg(long, env = "UCP_HOSTNAMES", value_delimiter = ',')]
    san: Vec<SubjectAltName>,
    /// Port of the Kubernetes API that bundles name.
    #[arg(long, default_value_t = 6443)]
    kube_apiserver_port: u16,
    /// Name of the first administrator; used on the first start only.
    #[arg(long, default_value = "admin", env = "UCP_ADMIN_USER")]
    admin_username: AccountName,
    /// Password of the first administrator; without one, a random one is made and logged once.
    #[arg(
        long,
        env = "UCP_ADMIN_PASSWORD",
        hide_env_values = true,
        conflicts_with = "admin_password_file"
    )]
    admin_password: Option<String>,
    /// File that holds the password of the first administrator.
    #[arg(long)]
    admin_password_file: Option<PathBuf>,
    /// Write URL, name and generated password of the first administrator to this file instead of the log.
    #[arg(long)]
    initial_credentials: Option<PathBuf>,
    /// On the first start, unpack a bundle of the first administrator into this directory.
    #[arg(long)]
    admin_bundle: Option<PathBuf>,
    /// Write process id, address and URL to this file once the API answers [default: DATA_DIR/ready.json].
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Directory with ca.pem, cert.pem and key.pem to serve instead of a certificate made here.
    #[arg(long)]
    external_server_cert: Option<PathBuf>,
    /// Where the engine of this machine looks for the authorities of registries; those of the configuration are kept
    /// there, below the name of each registry. Empty leaves the engine alone.
    #[arg(long, default_value = "/etc/docker/certs.d")]
    registry_certs_dir: OsString,
    /// On the first start, begin with the newest of the swarm's config objects com.docker.ucp.config and
    /// com.docker.mke.config.
    #[arg(long)]
    existing_config: bool,
    /// Share this etcd with other controllers instead of keeping a store in the data directory: https://host:port of its
    /// members, the one on this machine first; repeatable.
    #[arg(long, value_name = "URL", env = "MKE_STORE_ENDPOINTS", value_delimiter = ',')]
    store_endpoints: Vec<String>,
    /// File with the authority of the shared store's certificates.
    #[arg(long, value_name = "FILE", requires_all = ["store_endpoints", "store_cert", "store_key"])]
    store_ca: Option<PathBuf>,
    /// File with the certificate that opens the shared store.
    #[arg(long, value_name = "FILE", requires = "store_ca")]
    store_cert: Option<PathBuf>,
    /// File with its private key.
    #[arg(long, value_name = "FILE", requires = "store_ca")]
    store_key: Option<PathBuf>,
    /// File with the key that opens private keys in the store: all controllers of a shared store use the same. It must exist
    /// [default: DATA_DIR/sealing.key, made for a new store].
    #[arg(long, value_name = "FILE")]
    sealing_key: Option<PathBuf>,
    /// Directory with the certificate of this node (ca.pem, cert.pem and key.pem). With it the engines of all nodes answer
    /// as one, each through the proxy of its node.
    #[arg(long)]
    node_certs: Option<PathBuf>,
    /// Start again whenever the control plane dies.
    #[arg(long)]
    restart: bool,
    /// Log more on standard error, whatever the configuration says.
    #[arg(long, short = 'D')]
    debug: bool,
    /// Write log lines as JSON.
    #[arg(long)]
    jsonlog: bool,
}

impl Args {
    fn ready_path(&self) -> PathBuf {
        self.ready_file
            .clone()
            .unwrap_or_else(|| self.data_dir.join("ready.json"))
    }
}

/// Threads that serve requests. Two suit small machines; more would only cost memory there.
const WORKERS: usize = 2;

pub(super) fn run(args: Args) -> Result<(), CliError> {
    let logs = start_logging(args.debug, args.jsonlog);
    if args.restart {
        return super::wait_for(supervise::run(std::env::args_os().skip(1), &args.ready_path()));
    }
    supervise::follow_supervisor()?;
    let options = options(args)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS.max(std::thread::available_parallelism().map_or(WORKERS, usize::from)))
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("cannot start: {error}")))?
        .block_on(async {
            let surroundings = Surroundings {
                logs,
                ..Surroundings::default()
            };
            let running = controller::start_with(options, surroundings)
                .await
                .map_err(|error| CliError::Failed(chain(&error)))?;
            running
                .wait_for_signal()
                .await
                .map_err(|error| CliError::Failed(chain(&error)))
        })
}

fn options(args: Args) -> Result<Options, CliError> {
    let socket = args.engine.strip_prefix("unix://").ok_or_else(|| {
        CliError::Usage(format!(
            "`{}` is no engine socket, write unix:///path/to/docker.sock",
            args.engine
        ))
    })?;
    let host: SubjectAltName = args
        .host_address
        .parse()
        .map_err(|error| CliError::Usage(format!("--host-address {}: {error}", args.host_address)))?;
    let admin_password = match (args.admin_password, &args.admin_password_file) {
        (Some(password), _) => Some(Secret::new(password)),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(CliError::file("cannot read", path))?;
            Some(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        (None, None) => None,
    };
    let certificates = match (args.store_ca, args.store_cert, args.store_key) {
        (Some(ca), Some(cert), Some(key)) => Some(StoreCertificates { ca, cert, key }),
        _ => None,
    };
    let store = (!args.store_endpoints.is_empty()).then_some(StoreAccess {
        endpoints: args.store_endpoints,
        certificates,
    });
    let ready_file = args
        .ready_file
        .unwrap_or_else(|| args.data_dir.join("ready.json"));
    Ok(Options {
        data_dir: args.data_dir,
        listen: args.listen,
        engine_socket: PathBuf::from(socket),
        host_addresses: std::iter::once(host).chain(args.san).collect(),
        advertise_host: args.host_address,
        kube_port: args.kube_apiserver_port,
        admin_username: args.admin_username,
        admin_password,
        initial_credentials: args.initial_credentials,
        admin_bundle: args.admin_bundle,
        ready_file: Some(ready_file),
        external_server_cert: args.external_server_cert,
        registry_certs_dir: Some(PathBuf::from(args.registry_certs_dir))
            .filter(|path| !path.as_os_str().is_empty()),
        existing_config: args.existing_config,
        store,
        sealing_key: args.sealing_key,
        cluster: None,
        fleet: args.node_certs.map(|certificates| FleetOptions {
            certificates,
            proxy_port: PROXY_PORT,
        }),
    })
}

/// Logs go to standard error, and to the remote syslog of the configuration; audit records go to standard output and
/// are the controller's own. The configuration says how much is logged, unless `MKE_LOG` or `--debug` do, which is
/// about standard error only.
fn start_logging(debug: bool, json: bool) -> Logs {
    let logs = Logs::default();
    let asked = EnvFilter::try_from_env("MKE_LOG").ok();
    let asked = asked.or_else(|| debug.then(|| EnvFilter::new("debug")));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().boxed()
    } else {
        lines.with_ansi(false).boxed()
    };
    let lines = match asked {
        Some(asked) => lines.with_filter(asked).boxed(),
        None => lines.with_filter(logs.filter()).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(logs.remote())
        .init();
    logs
}
