//! `ucp-agent agent`: keeps one node as it is wanted (services `ucp-manager-agent` and `ucp-worker-agent-x`, `-y`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use mke_core::config::Config;
use mke_core::product::{ProductVersion, Role, VERSION_VARIABLE};
use mke_core::secret::Secret;
use tokio::sync::watch;

use super::ports::{EnginePlace, place_of_engine};
use super::{ProgramError, asked_to_end};
use crate::agent::node::NodeAgent;
use crate::agent::node::access::StoreAccess;
use crate::agent::node::controllers::ControllerAccess;
use crate::agent::node::engine_info::{EngineInfo, OwnContainer};
use crate::agent::node::hands::{EngineHands, Setup};
use crate::agent::node::sources::{ManagerSpecs, Own, WorkerSpecs};
use crate::engine::EngineClient;

/// The role of the node that an agent keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AgentRole {
    /// A manager.
    Manager,
    /// A worker.
    Worker,
}

/// What every agent is told.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The engine of this node.
    #[arg(long, default_value = "unix:///var/run/docker.sock")]
    engine: String,
    /// Directory with the certificate of this node.
    #[arg(long, default_value = "/etc/ucp/node")]
    pub(super) certs: PathBuf,
    /// File with the certificate of the cluster's authority.
    #[arg(long, default_value = "/etc/ucp/cluster-ca.pem")]
    pub(super) cluster_ca: PathBuf,
    /// File with the key that opens what is sealed in the store; managers only.
    #[arg(long, default_value = "/run/secrets/ucp-auth-key")]
    pub(super) sealing_key: PathBuf,
    /// Name or id of the container that this program runs in [default: its host name].
    #[arg(long)]
    container: Option<String>,
    /// The id of the installation [default: that of the labels of this container].
    #[arg(long, env = "UCP_INSTANCE_ID")]
    cluster_id: Option<String>,
}

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The role of this node.
    #[arg(long, value_enum)]
    role: AgentRole,
    /// The configuration, for the port of the controllers.
    #[arg(long, default_value = "/etc/ucp/ucp.toml")]
    config: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// What an agent finds out before it begins.
pub(super) struct Found {
    pub(super) engine: EngineClient,
    pub(super) info: EngineInfo,
    pub(super) container: OwnContainer,
    pub(super) cluster_id: String,
    pub(super) version: ProductVersion,
}

impl Place {
    /// Finds out.
    ///
    /// # Errors
    /// [`ProgramError`]: an agent that does not know who it is must not touch anything.
    pub(super) async fn find(&self) -> Result<Found, ProgramError> {
        let EnginePlace::Socket(engine) = place_of_engine(&self.engine)? else {
            return Err(ProgramError::Usage(
                "agents work on a socket, write unix:///path/to/docker.sock".to_owned(),
            ));
        };
        let info = EngineInfo::of(&engine)
            .await
            .map_err(ProgramError::failed("the engine does not say who it is"))?;
        if info.node_id.is_empty() {
            return Err(ProgramError::Usage(
                "the engine is in no swarm, so there is nothing for an agent to do".to_owned(),
            ));
        }
        let own = match &self.container {
            Some(named) => named.clone(),
            None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        };
        let container = OwnContainer::of(&engine, &own)
            .await
            .map_err(ProgramError::failed("the agent does not know its own container"))?;
        let cluster_id = self
            .cluster_id
            .clone()
            .or_else(|| container.instance.clone())
            .ok_or_else(|| {
                ProgramError::Usage(
                    "this container has no label com.docker.ucp.InstanceID, so nothing can be told to be ours".to_owned(),
                )
            })?;
        Ok(Found {
            engine,
            info,
            container,
            cluster_id,
            version: own_version()?,
        })
    }
}

/// The version of this program.
///
/// # Errors
/// When the variable of the image holds none.
pub(super) fn own_version() -> Result<ProductVersion, ProgramError> {
    let variable = std::env::var(VERSION_VARIABLE).ok();
    mke_core::product::version(variable.as_deref()).map_err(|error| ProgramError::Usage(error.to_string()))
}

/// Reads a file that must be there.
pub(super) fn text(path: &Path) -> Result<String, ProgramError> {
    std::fs::read_to_string(path).map_err(|source| ProgramError::File {
        path: path.to_owned(),
        source,
    })
}

/// Works until it is asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot begin.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let found = args.place.find().await?;
    let role = match args.role {
        AgentRole::Manager => Role::Manager,
        AgentRole::Worker => Role::Worker,
    };
    let sealing_key = match role {
        Role::Manager => Some(Secret::new(text(&args.place.sealing_key)?.trim())),
        Role::Worker => None,
    };
    let setup = Setup {
        cluster_id: found.cluster_id.clone(),
        node_id: found.info.node_id.clone(),
        role,
        version: found.version,
        certs: args.place.certs.clone(),
        cluster_ca: text(&args.place.cluster_ca)?,
        sealing_key,
    };
    tracing::info!(node = setup.node_id, cluster = setup.cluster_id, version = %setup.version, ?role, "the agent begins");
    let engine = found.engine.clone();
    match role {
        Role::Manager => {
            let own = Arc::new(Own {
                store: Arc::new(StoreAccess::new(engine.clone(), args.place.certs)),
                engine: engine.clone(),
                cluster_id: setup.cluster_id.clone(),
                node_id: setup.node_id.clone(),
                version: setup.version,
                organisation: found.container.organisation.clone(),
            });
            let hands = EngineHands::of_manager(engine, setup, found.container, own.clone());
            let agent = NodeAgent::new(hands, role).run(ManagerSpecs::new(own));
            tokio::select! {
                () = agent => Ok(()),
                asked = asked_to_end() => asked,
            }
        }
        Role::Worker => {
            // A file that cannot be read has been replaced by a newer one before long; the usual port is a good guess.
            let config = std::fs::read_to_string(&args.config).ok();
            let config = config
                .and_then(|text| Config::parse(&text).ok())
                .unwrap_or_default();
            let port = watch::Sender::new(config.cluster.controller_port);
            let controllers = Arc::new(ControllerAccess::new(engine.clone(), args.place.certs));
            let specs = WorkerSpecs {
                controllers: controllers.clone(),
                node_id: setup.node_id.clone(),
                port: port.clone(),
            };
            let hands = EngineHands::of_worker(engine, setup, found.container, controllers, port.subscribe());
            tokio::select! {
                () = NodeAgent::new(hands, role).run(specs) => Ok(()),
                asked = asked_to_end() => asked,
            }
        }
    }
}
