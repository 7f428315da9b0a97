//! Starts and stops a controller.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::accounts::Accounts;
use mke_auth::jobs::Jobs;
use mke_auth::keys::PublicKeys;
use mke_auth::password::{HashLimits, PasswordError, PasswordHasher};
use mke_auth::scim::{Scim, ScimTokens};
use mke_auth::second_factor::SecondFactors;
use mke_auth::sessions::{Logins, Sessions};
use mke_core::config::Kept;
use mke_core::ids::AccountId;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::{Store, StoreError};
use mke_core::time::{Clock, SystemClock};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answering::Answering;
use super::api::scim::ScimService;
use super::audit::Audit;
use super::authorities::{Authorities, AuthorityError};
use super::backends::BackendCache;
use super::configuration::objects::{self, ImportError};
use super::configuration::{self, ChangeError, Configuration};
use super::error::ApiError;
use super::files::{self, FileError, PUBLIC};
use super::follow::Follower;
use super::headers::ServerIdentity;
use super::issue::issue_bundle;
use super::live::{ListCache, Live, Logs};
use super::metrics::Metrics;
use super::options::{Options, PUBLIC_CA, PUBLIC_CERT, PUBLIC_CLUSTER_CA, PUBLIC_CLUSTER_ID};
use super::policy_store::PolicyStore;
use super::registry::Keys;
use super::saml::{self, Saml};
use super::server::Server;
use super::setup::{self, SetupError, Writers};
use super::state::State;
use super::streams::Streams;
use super::{jobs, membership, node_names, recovery, tls, unpack};
use crate::engine::EngineClient;
use crate::fleet::Fleet;
use crate::kv::AccessError;
use crate::life::Inventory;
use crate::life::board::{Board, Membership};
use crate::mtls::MtlsError;
use crate::proxy::nodes;
use crate::steps;

/// The store's file in the data directory.
pub(super) const STORE_FILE: &str = "store.db";
/// After how many steps sessions are written back, over ones are deleted, and certificates are looked at.
const UPKEEP_STEPS: u32 = 2;
/// After how many of these the engine is asked for what its events tell, in case that one was missed.
const POLL_ROUNDS: u32 = 4;
/// How long requests in flight may take when the controller stops; then they are cut.
const STOP_TIME: Duration = Duration::from_secs(10);
/// How long streams may take to notice that they were cut.
const CUT_TIME: Duration = Duration::from_secs(2);

/// Why a controller did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No address to listen on.
    #[error("no address to listen on is given")]
    NoAddress,
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}, free the port or choose another")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// The store that is shared with other controllers.
    #[error(transparent)]
    SharedStore(#[from] AccessError),
    /// The data directory or its first content.
    #[error("the data directory cannot be made ready")]
    Setup(#[from] SetupError),
    /// The configuration in the store.
    #[error("the configuration cannot be used")]
    Configuration(#[from] ChangeError),
    /// The file that the installation was to begin with.
    #[error("the installation cannot begin with an existing configuration")]
    Import(#[from] ImportError),
    /// Certificates.
    #[error("there is no certificate to serve with")]
    Authority(#[from] AuthorityError),
    /// Password hashing.
    #[error("passwords cannot be hashed")]
    Password(#[from] PasswordError),
    /// The certificate of this node, for which other nodes answer.
    #[error("other nodes cannot be reached without the certificate of this node")]
    Node(#[from] MtlsError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The first administrator's bundle.
    #[error("the administrator's bundle cannot be made")]
    Bundle(#[from] ApiError),
}

/// What a controller takes from the world around it; programs use the default.
pub struct Surroundings {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where audit records go, one line each.
    pub audit: Box<dyn Write + Send>,
    /// The store, shared with other controllers of the same cluster; without one, the controller opens its own in
    /// its data directory.
    pub store: Option<Arc<dyn Store>>,
    /// The program's logs, which follow the configuration.
    pub logs: Logs,
    /// Set in a cluster whose nodes have agents.
    pub membership: Option<Membership>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            audit: Box::new(io::stdout()),
            store: None,
            logs: Logs::default(),
            membership: None,
        }
    }
}

/// A controller that serves.
pub struct Running {
    addresses: Vec<SocketAddr>,
    state: Arc<State>,
    stopping: CancellationToken,
    live: Arc<Live>,
    servers: Vec<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
}

/// Starts a controller with the system's clock, its audit records on standard output.
///
/// # Errors
/// [`StartError`]; nothing keeps running then.
pub async fn start(options: Options) -> Result<Running, StartError> {
    start_with(options, Surroundings::default()).await
}

/// Starts a controller in other surroundings.
///
/// # Errors
/// As [`start`].
pub async fn start_with(options: Options, mut surroundings: Surroundings) -> Result<Running, StartError> {
    tls::install_provider();
    files::private_dir("data directory", &options.data_dir)?;
    let listeners = listen(&options.listen).await?;
    let addresses: Vec<SocketAddr> = listeners.iter().map(|(_, address)| *address).collect();
    let first = addresses.first().ok_or(StartError::NoAddress)?;
    let port = options.cluster.as_ref().map_or(first.port(), |mode| mode.port);
    let url = format!("https://{}:{port}", bracketed(&options.advertise_host));
    let shared = surroundings.store.take();
    let alone = shared.is_none();
    let mut background = Vec::new();
    let store: Arc<dyn Store> = match (shared, &options.store) {
        (Some(shared), _) => shared,
        (None, Some(access)) => {
            let store = access.open().await?;
            let (access, followed) = (access.clone(), store.clone());
            background.push(tokio::spawn(async move { access.follow_files(&followed).await }));
            store
        }
        (None, None) => {
            let path = options.data_dir.join(STORE_FILE);
            Arc::new(SqliteStore::open(path, SqliteOptions::default())?)
        }
    };
    let (state, follower, live) = prepare(&options, surroundings, store, *first, &url).await?;

    background.push(tokio::spawn(follower.run()));
    background.push(tokio::spawn({
        let (live, state, certs) = (live.clone(), state.clone(), options.registry_certs_dir.clone());
        async move { live.run(&state, certs.as_deref()).await }
    }));
    finish_first_start(&options, &state).await?;
    background.push(tokio::spawn(upkeep(state.clone())));
    background.push(tokio::spawn(share_failures(state.clone())));
    // Without a store of its own this is not the only controller of the data directory.
    match alone.then(|| recovery::listen(&options.data_dir)) {
        None => {}
        Some(Ok(socket)) => background.push(tokio::spawn(recovery::serve(socket, state.clone()))),
        Some(Err(error)) => {
            tracing::warn!(%error, source = %error.source, "`ucp passwd` works only while this control plane is stopped");
        }
    }
    if state.board.is_none() {
        // In a cluster the authentication worker does it.
        background.push(tokio::spawn(jobs::run(Arc::new(state.workplace()))));
    }
    if let Some(board) = &state.board {
        background.push(tokio::spawn(membership::beat(board.clone())));
        background.push(tokio::spawn(membership::follow(state.clone(), board.clone())));
    }
    background.push(tokio::spawn(keep_nodes_placed(state.clone())));
    background.push(tokio::spawn({
        let fleet = state.fleet.clone();
        async move { fleet.follow().await }
    }));
    background.push(tokio::spawn(saml::follow(state.clone())));
    let stopping = CancellationToken::new();
    let servers = listeners
        .into_iter()
        .map(|(listener, _)| {
            let server = Server {
                listener,
                tls: state.authorities.tls(),
                state: state.clone(),
                nodes: state.board.as_ref().map(|board| board.credentials.clone()),
                tasks: state.tasks.clone(),
                stopping: stopping.clone(),
            };
            tokio::spawn(server.run())
        })
        .collect();
    if let Some(path) = &options.ready_file {
        let text = json!({ "pid": std::process::id(), "address": first, "url": url });
        files::replace("ready file", path, PUBLIC, format!("{text}\n").as_bytes())?;
    }
    tracing::info!(%url, cluster = state.cluster.id, "the controller serves");
    Ok(Running {
        addresses,
        state,
        live,
        stopping,
        servers,
        background,
    })
}

/// Gives nodes that have none a place in the collections, now and when they join.
async fn keep_nodes_placed(state: Arc<State>) {
    nodes::keep_homes(&state).await;
}

async fn listen(addresses: &[SocketAddr]) -> Result<Vec<(TcpListener, SocketAddr)>, StartError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let failed = |source| StartError::Listen {
            address: *address,
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        listeners.push((listener, bound));
    }
    Ok(listeners)
}

/// Reads or makes everything that requests need.
async fn prepare(
    options: &Options,
    surroundings: Surroundings,
    store: Arc<dyn Store>,
    address: SocketAddr,
    url: &str,
) -> Result<(Arc<State>, Follower, Arc<Live>), StartError> {
    let Surroundings {
        clock,
        audit,
        logs,
        membership,
        ..
    } = surroundings;
    let board = membership
        .map(|membership| Board::new(membership, Inventory::new(store.clone(), clock.clone())))
        .transpose()?
        .map(Arc::new);
    let engine = EngineClient::new(&options.engine_socket);
    let fleet = match &options.fleet {
        Some(reach) => Fleet::of_swarm(engine.clone(), reach)?,
        None => Fleet::alone(engine.clone()),
    };
    let sealing = setup::sealing_key(options, &*store).await?;
    let cluster = setup::cluster(&*store, &*clock, &engine).await?;
    let (kept, time, names) = (store.clone(), clock.clone(), options.host_addresses.clone());
    let authorities = match &options.cluster {
        Some(mode) => Authorities::open_in_cluster(kept, time, sealing.clone(), names, mode).await?,
        None => {
            let external = options.external_server_cert.as_deref();
            Authorities::open(kept, time, sealing.clone(), &cluster.id, names, external).await?
        }
    };
    let processors = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let hasher = Arc::new(PasswordHasher::new(HashLimits::for_processors(processors))?);
    let accounts = Accounts::new(store.clone(), clock.clone(), hasher.clone());
    let policy_store = PolicyStore::new(store.clone(), clock.clone());
    if !cluster.setup_done {
        let writers = Writers {
            accounts: &accounts,
            policy_store: &policy_store,
        };
        // A file that cannot be used stops the start before anything else is made.
        install_configuration(options, &*store, &*clock, &engine).await?;
        setup::first_content(&writers, options, url).await?;
    }
    write_public_files(options, &cluster.id, &authorities)?;
    // What cannot be read must not be worked without: the defaults may allow more.
    let started = configuration::read(&*store).await?.0.config;

    let metrics = Arc::new(Metrics::default());
    let streams = Arc::new(Streams::default());
    let (follower, followed) =
        Follower::start(store.clone(), metrics.clone(), streams.clone(), logs.clone()).await?;
    let sessions = Arc::new(Sessions::new(store.clone(), clock.clone()));
    let shown_address = (!address.ip().is_unspecified()).then(|| address.ip());
    let scim = ScimService::new(
        Scim::new(accounts.clone()),
        ScimTokens::new(store.clone(), clock.clone()),
    );
    let registry_keys = Keys::new(store.clone(), clock.clone(), sealing.clone());
    let saml = Saml::new(store.clone(), clock.clone(), accounts.clone(), sealing.clone());
    let second_factors = Arc::new(SecondFactors::new(store.clone(), clock.clone(), sealing));
    let state = State {
        accounts,
        saml,
        registry_keys,
        scim,
        logins: Logins::new(sessions.clone(), hasher).with_second_factors(second_factors.clone()),
        second_factors,
        sessions,
        keys: PublicKeys::new(store.clone(), clock.clone()),
        jobs: Jobs::new(store.clone(), clock.clone()),
        job_made: Arc::default(),
        policy_store,
        configuration: Configuration::new(
            store.clone(),
            clock.clone(),
            followed.revision.clone(),
            started,
            engine.clone(),
        ),
        fleet,
        engine,
        board,
        audit: Arc::new(Audit::new(audit, logs.clone())),
        logs,
        metrics,
        authorities,
        cluster,
        advertise_host: options.advertise_host.clone(),
        port: options.cluster.as_ref().map_or(address.port(), |mode| mode.port),
        kube_port: options.kube_port,
        inquiries: Answering::new(processors.get() / 2),
        questions: Answering::new(processors.get()),
        backends: BackendCache::default(),
        list_cache: ListCache::default(),
        server_identity: ServerIdentity::new(
            &host_name(),
            options.advertise_host.parse().ok().or(shown_address),
        ),
        current: followed.current,
        revision: followed.revision,
        streams,
        tasks: TaskTracker::new(),
        store,
        clock,
    };
    Ok((Arc::new(state), follower, followed.live))
}

/// Makes the first version of the configuration, from the swarm where that is wanted.
async fn install_configuration(
    options: &Options,
    store: &dyn Store,
    clock: &dyn Clock,
    engine: &EngineClient,
) -> Result<(), StartError> {
    let imported = match options.existing_config {
        true => Some(objects::import(engine).await),
        false => None,
    };
    let (kept, why) = match imported {
        Some(Ok((name, kept))) => (kept, format!("imported from config object {name}")),
        // An installation makes the object when it was given anything to put into it.
        Some(Err(ImportError::Missing)) if options.cluster.is_some() => {
            (Kept::default(), "the cluster was installed".to_owned())
        }
        Some(Err(error)) => return Err(error.into()),
        None => (Kept::default(), "the cluster was installed".to_owned()),
    };
    Ok(configuration::install(store, clock, kept, why).await?)
}

/// Unpacks the first administrator's bundle, then remembers that the first start is complete.
async fn finish_first_start(options: &Options, state: &Arc<State>) -> Result<(), StartError> {
    if state.cluster.setup_done {
        return Ok(());
    }
    if let Some(target) = options.admin_bundle.as_deref().filter(|target| !target.exists()) {
        let snapshot = state.snapshot();
        let administrator = snapshot
            .directory
            .account_by_name(options.admin_username.as_str())
            .filter(|account| account.is_active_admin());
        if let Some(account) = administrator {
            let id: &AccountId = &account.id;
            let bundle = issue_bundle(state, &snapshot, id, &account.name, "first administrator").await?;
            unpack::bundle(&bundle.zip, target)?;
        }
    }
    setup::finish(&*state.store, &state.cluster).await?;
    Ok(())
}

/// What `ucp id` and `ucp dump-certs` read without asking the API.
fn write_public_files(
    options: &Options,
    cluster_id: &str,
    authorities: &Authorities,
) -> Result<(), FileError> {
    for (name, text) in [
        (PUBLIC_CLUSTER_ID, format!("{cluster_id}\n")),
        (PUBLIC_CA, authorities.server_ca_pem()),
        (PUBLIC_CERT, authorities.server_chain_pem()),
        (PUBLIC_CLUSTER_CA, authorities.cluster_ca_pem()),
    ] {
        let path = options.data_dir.join(name);
        let current = files::read("public file", &path)?;
        if current.as_deref() != Some(text.as_bytes()) {
            files::replace("public file", &path, PUBLIC, text.as_bytes())?;
        }
    }
    Ok(())
}

/// What is done now and then: sessions are written back, over ones deleted, certificates renewed. The engine is asked for
/// the names of its node unless `swarm_polling_disabled` is set (CFG-026); then its events alone say when to look.
async fn upkeep(state: Arc<State>) {
    for round in 0_u32.. {
        let directory = &state.snapshot().directory;
        if let Err(error) = state.sessions.flush_last_used(directory).await {
            tracing::warn!(%error, "session times could not be written");
        }
        if let Err(error) = state.sessions.prune(directory).await {
            tracing::warn!(%error, "ended sessions could not be deleted");
        }
        state.metrics.upkeep();
        let polls = round.is_multiple_of(POLL_ROUNDS);
        if polls && !state.snapshot().config.cluster.swarm_polling_disabled {
            state.metrics.engine_polled();
            node_names::refresh(&state).await;
        }
        let renewed = state.authorities.renew_if_due().await;
        match renewed {
            Ok(true) => tracing::info!("the server certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the server certificate could not be renewed"),
        }
        steps::pass(UPKEEP_STEPS).await;
    }
}

/// How long after a failed login managers tell each other: what an attacker gains by going from one to the next.
const SHARE: Duration = Duration::from_secs(1);

async fn share_failures(state: Arc<State>) {
    loop {
        state.logins.unshared().await;
        // What happens within a second is written together.
        sleep(SHARE).await;
        if let Err(error) = state.logins.share_failures().await {
            tracing::warn!(%error, "failed logins could not be shared, this manager knows them alone");
        }
    }
}

impl Running {
    /// The addresses it listens on, in the order of the options.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What its requests work on.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Waits until it stops serving by itself, which it does only after a fault.
    pub async fn wait(&mut self) {
        for server in &mut self.servers {
            // A server task that panicked has stopped as well.
            let _ = server.await;
        }
    }

    /// Serves until the process is asked to end (SIGTERM or SIGINT), then stops.
    ///
    /// # Errors
    /// When signals cannot be waited for; it has been stopped then too.
    pub async fn wait_for_signal(mut self) -> Result<(), io::Error> {
        let waited = tokio::select! {
            () = self.wait() => Err(io::Error::other("the controller stopped serving")),
            signal = asked_to_end() => signal,
        };
        self.shutdown().await;
        waited
    }

    /// Stops: no new requests, those in flight are finished for a while, then cut; session times are written.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        for server in self.servers {
            let _ = server.await;
        }
        let tasks = &self.state.tasks;
        tasks.close();
        if timeout(STOP_TIME, tasks.wait()).await.is_err() {
            tracing::info!("open streams are cut");
            self.state.streams.cut_all();
            let _ = timeout(CUT_TIME, tasks.wait()).await;
        }
        let directory = &self.state.snapshot().directory;
        if let Err(error) = self.state.sessions.flush_last_used(directory).await {
            tracing::warn!(%error, "session times could not be written");
        }
        if let Err(error) = self.state.logins.share_failures().await {
            tracing::warn!(%error, "failed logins could not be written");
        }
        self.live.last_words().await;
        for task in &self.background {
            task.abort();
        }
        for task in self.background {
            let _ = task.await;
        }
    }
}

async fn asked_to_end() -> Result<(), io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn bracketed(host: &str) -> String {
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host.to_owned(),
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
