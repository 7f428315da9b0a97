//! `ucp-agent controller`: the API of a manager in a cluster (container `ucp-controller`). State is in the store that all
//! managers share, certificates are what the reconciler of this node writes, signatures come from the authorities.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_core::names::AccountName;
use mke_core::product::DEFAULT_ORGANISATION;
use mke_core::secret::Secret;
use mke_core::store::etcd::{EtcdOptions, EtcdStore, EtcdTls};
use serde::Deserialize;
use tokio::time::sleep;

use super::agent::own_version;
use super::ports::{EnginePlace, inside, place_of_engine};
use super::{ProgramError, asked_to_end};
use crate::backup::fill;
use crate::ca::certificates::SEALING_KEY_FILE;
use crate::ca::{CLIENT_PORT, CLUSTER_PORT};
use crate::controller::{self, ClusterMode, FirstAdmin, Logs, Options, Surroundings};
use crate::engine::EngineClient;
use crate::fleet::FleetOptions;
use crate::life::board::Membership;
use crate::mtls::{CA_FILE, CERT_FILE, KEY_FILE};
use crate::node::NODE_CERTS;
use crate::node_proxy;
use crate::steps;

/// Port at which members of the store answer.
const KV_PORT: u16 = 12379;
/// How often the store is asked for when it does not answer at the start.
const RETRY: Duration = Duration::from_secs(2);
/// How often one looks whether a restore is done.
const RESTORING: Duration = Duration::from_millis(500);
/// After how many steps the list of managers and the certificate are compared with those in use. Both change when somebody
/// promotes a node, or every two months.
const REFRESH_STEPS: u32 = 8;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, inside(443))))]
    listen: SocketAddr,
    /// Address at which others reach this node.
    #[arg(long, env = "UCP_NODE_ADDRESS")]
    address: IpAddr,
    /// Port at which others reach this controller.
    #[arg(long, env = "UCP_CONTROLLER_PORT", default_value_t = 443)]
    port: u16,
    /// Port of the Kubernetes API that bundles name.
    #[arg(long, env = "UCP_KUBE_APISERVER_PORT", default_value_t = 6443)]
    kube_port: u16,
    /// Directory with what the API port shows.
    #[arg(long, default_value = "/v/ucp-controller-server-certs")]
    server_certs: PathBuf,
    /// Directory with what is shown to other components, and sealing.key.
    #[arg(long, default_value = "/v/ucp-controller-client-certs")]
    client_certs: PathBuf,
    /// Directory with the certificate of this node, by which other nodes are reached.
    #[arg(long, default_value = NODE_CERTS)]
    node_certs: PathBuf,
    /// The engine of this node.
    #[arg(long, default_value = "unix:///var/run/docker.sock")]
    engine: String,
    /// Members of the store as https://host:port; that of this manager and those of the others when not given.
    #[arg(long, value_delimiter = ',')]
    kv: Vec<String>,
    /// Where images come from.
    #[arg(long, env = "UCP_ORGANISATION", default_value = DEFAULT_ORGANISATION)]
    organisation: String,
    /// Name of the first administrator, when the installation named none.
    #[arg(long, env = "UCP_ADMIN_USERNAME", default_value = "admin")]
    admin_username: AccountName,
    /// Where to write what others only read, such as the id of the cluster. Nothing in it has to last.
    #[arg(long, default_value = "/tmp/ucp")]
    data_dir: PathBuf,
    /// File to write once the API answers.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

/// Runs the controller until it is asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot serve.
pub(super) async fn run(args: Args, logs: Logs) -> Result<(), ProgramError> {
    let EnginePlace::Socket(engine) = place_of_engine(&args.engine)? else {
        return Err(ProgramError::Usage(
            "the controller works on a socket, write unix:///path/to/docker.sock".to_owned(),
        ));
    };
    tokio::select! {
        () = restored(&args.client_certs) => {}
        asked = asked_to_end() => return asked,
    }
    let socket = engine.socket().map(Path::to_path_buf).unwrap_or_default();
    let asked = managers(&engine, args.address).await;
    let store = tokio::select! {
        store = store(&args, &asked) => Arc::new(store?),
        asked = asked_to_end() => return asked,
    };
    let at = |port| {
        asked
            .iter()
            .map(|address| SocketAddr::from((*address, port)))
            .collect()
    };
    let mode = ClusterMode {
        server_certs: args.server_certs.clone(),
        client_certs: args.client_certs.clone(),
        cluster_authorities: at(CLUSTER_PORT),
        client_authorities: at(CLIENT_PORT),
        port: args.port,
    };
    let admin =
        FirstAdmin::read(&args.client_certs).map_err(ProgramError::failed("the controller cannot begin"))?;
    let (admin_username, admin_password) = match admin {
        Some(admin) => (admin.username, Some(admin.password)),
        None => (args.admin_username.clone(), None),
    };
    let options = Options {
        data_dir: args.data_dir.clone(),
        listen: vec![args.listen],
        engine_socket: socket,
        host_addresses: Vec::new(),
        advertise_host: args.address.to_string(),
        kube_port: args.kube_port,
        admin_username,
        admin_password,
        initial_credentials: None,
        admin_bundle: None,
        ready_file: args.ready_file.clone(),
        external_server_cert: None,
        registry_certs_dir: None,
        existing_config: true,
        fleet: Some(FleetOptions {
            certificates: args.client_certs.clone(),
            proxy_port: node_proxy::PORT,
        }),
        // It is opened here, so that it can be told of other members later.
        store: None,
        sealing_key: Some(args.client_certs.join(SEALING_KEY_FILE)),
        cluster: Some(mode),
    };
    let membership = Membership {
        node_certs: args.node_certs.clone(),
        version: own_version()?,
        organisation: args.organisation.clone(),
    };
    let surroundings = Surroundings {
        store: Some(store.clone()),
        logs,
        membership: Some(membership),
        ..Surroundings::default()
    };
    let running = controller::start_with(options, surroundings)
        .await
        .map_err(ProgramError::failed("the controller cannot serve"))?;
    FirstAdmin::forget(&args.client_certs);
    let keeping = tokio::spawn(keep_current(args, engine, store, asked));
    let ended = running
        .wait_for_signal()
        .await
        .map_err(ProgramError::failed("the controller ended"));
    keeping.abort();
    ended
}

/// Waits while the store gets what a backup held: the controller would take an empty one for that of a new cluster.
async fn restored(client_certs: &Path) {
    while fill::is_under_way(client_certs) {
        tracing::info!("a backup is being restored");
        sleep(RESTORING).await;
    }
}

/// The managers of the swarm, this one first.
async fn managers(engine: &EngineClient, own: IpAddr) -> Vec<IpAddr> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(rename = "Swarm")]
        swarm: Swarm,
    }
    #[derive(Deserialize)]
    struct Swarm {
        #[serde(rename = "RemoteManagers", default)]
        managers: Option<Vec<Manager>>,
    }
    #[derive(Deserialize)]
    struct Manager {
        #[serde(rename = "Addr")]
        address: String,
    }
    let mut found = vec![own];
    match engine.get_json::<Info>("/info").await {
        Ok(info) => {
            for manager in info.swarm.managers.unwrap_or_default() {
                if let Ok(address) = manager.address.parse::<SocketAddr>()
                    && !found.contains(&address.ip())
                    && !address.ip().is_unspecified()
                {
                    found.push(address.ip());
                }
            }
        }
        Err(error) => tracing::warn!(%error, "the other managers are not known yet"),
    }
    found
}

fn store_options(args: &Args, managers: &[IpAddr]) -> Result<EtcdOptions, ProgramError> {
    let text = |name: &str| {
        let path = args.client_certs.join(name);
        std::fs::read_to_string(&path).map_err(|source| ProgramError::File { path, source })
    };
    let tls = EtcdTls {
        ca: text(CA_FILE)?,
        cert: text(CERT_FILE)?,
        key: Secret::new(text(KEY_FILE)?),
    };
    let endpoints = match args.kv.is_empty() {
        false => args.kv.clone(),
        true => managers
            .iter()
            .map(|address| format!("https://{}", SocketAddr::from((*address, KV_PORT))))
            .collect(),
    };
    Ok(EtcdOptions {
        looks: crate::agent::store::look,
        ..EtcdOptions::new(endpoints, Some(tls))
    })
}

/// Waits for the store: at the start of a node it may come later than the controller.
async fn store(args: &Args, managers: &[IpAddr]) -> Result<EtcdStore, ProgramError> {
    loop {
        match EtcdStore::connect(&store_options(args, managers)?).await {
            Ok(store) => return Ok(store),
            Err(error @ mke_core::store::StoreError::Invalid(_)) => {
                return Err(ProgramError::failed("the store cannot be reached")(error));
            }
            Err(error) => tracing::warn!(%error, "the store does not answer yet"),
        }
        sleep(RETRY).await;
    }
}

/// Tells the store's client when managers come and go, and when the certificate was renewed.
async fn keep_current(args: Args, engine: EngineClient, store: Arc<EtcdStore>, mut known: Vec<IpAddr>) {
    let certificate = || std::fs::read(args.client_certs.join(CERT_FILE)).unwrap_or_default();
    let mut shown = certificate();
    loop {
        steps::pass(REFRESH_STEPS).await;
        let (found, current) = (managers(&engine, args.address).await, certificate());
        let is_same = found.iter().collect::<BTreeSet<_>>() == known.iter().collect();
        // The engine names the managers in any order.
        if is_same && current == shown {
            continue;
        }
        let told = match store_options(&args, &found) {
            Ok(options) => store
                .reconfigure(&options)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match told {
            Ok(()) => (known, shown) = (found, current),
            Err(error) => tracing::warn!(error, "the store is reached as before"),
        }
    }
}
