//! A node and its cluster as far as somebody can tell who only has the engine's socket, and better when the node's certificate
//! may be read: for those who look before anything is done. Nothing is changed.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, StatusCode};
use mke_core::causes::chain;
use mke_core::config::Config;
use mke_core::product::{DEFAULT_ORGANISATION, ImageRef, ProductVersion, labels, objects};
use serde_json::{Value, json};

use super::access::StoreAccess;
use super::controllers::ControllerAccess;
use super::decide::carries_msr;
use super::engine_info::EngineInfo;
use super::job::{NODE_VOLUME, SPEC};
use super::sources::Own;
use super::spec::Sight;
use super::world::Failure;
use crate::addons::KubeNode;
use crate::agent::cluster::swarm_nodes;
use crate::engine::lookup::escaped;
use crate::engine::{EngineClient, EngineError};
use crate::life::{Roll, SwarmNode};
use crate::mtls::EXCHANGE_TIME;
use crate::node::{
    EngineRuntime, NoMaterial, ObserveError, Observed, Runtime as _, Situation, StoreMember, WireSpec,
};

/// What was found out.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The node and its cluster.
    pub situation: Situation,
    /// The configuration.
    pub config: Arc<Config>,
    /// What is there on the node.
    pub observed: Observed,
    /// What is not known for certain, in sentences; empty when all is as the node's agent is told it.
    pub doubts: Vec<String>,
}

/// Why nothing can be told about a node.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The engine.
    #[error("the engine does not answer; name its socket with --engine")]
    Engine(#[from] EngineError),
    /// What is there.
    #[error("the node cannot be looked at")]
    Observe(#[from] ObserveError),
    /// No swarm.
    #[error("the engine is in no swarm, so there is no node to plan for")]
    NoSwarm,
    /// Nothing of the product.
    #[error("no container on this engine belongs to an installation; `ucp install` makes one")]
    NotInstalled,
    /// A worker whose certificate may not be read.
    #[error(
        "workers are told what they shall run by a manager, and {0}; use `ucp node plan NAME`, or run this as root"
    )]
    Worker(String),
    /// The configuration.
    #[error("no configuration is known: {0}; name a file with --config")]
    NoConfig(String),
    /// The swarm.
    #[error("the swarm does not say where this node is reached")]
    NoAddress,
}

/// What the containers of the product on an engine say of it.
struct Installed {
    cluster_id: String,
    organisation: String,
    version: Option<ProductVersion>,
}

/// Finds out what there is to know. `config` is used instead of the one that the cluster has; `version` is the version when
/// no agent runs that has one.
///
/// # Errors
/// [`SurveyError`].
pub async fn survey(
    engine: &EngineClient,
    config: Option<Config>,
    version: ProductVersion,
) -> Result<Survey, SurveyError> {
    let info = EngineInfo::of(engine).await?;
    if info.node_id.is_empty() {
        return Err(SurveyError::NoSwarm);
    }
    let installed = installed(engine).await?.ok_or(SurveyError::NotInstalled)?;
    let version = installed.version.unwrap_or(version);
    let about: Value = engine.get_json("/info").await?;
    let is_manager = about.pointer("/Swarm/ControlAvailable").and_then(Value::as_bool) == Some(true);
    let told = match told(engine, &info, &installed, version, is_manager, config.as_ref()).await {
        Ok(Some(spec)) => Ok(spec),
        Ok(None) => Err("nobody knows this node yet".to_owned()),
        Err(why) => Err(chain(&*why)),
    };
    let mut doubts = Vec::new();
    let (situation, known) = match told {
        Ok(spec) => (Situation::of(&spec), spec.cluster.config),
        Err(why) if !is_manager => return Err(SurveyError::Worker(why)),
        Err(why) => {
            doubts.push(format!(
                "taken from the swarm, as the store was not asked ({why}): every manager counts as a member of the \
                 store, and how members and controllers do is not known"
            ));
            let known = match &config {
                Some(config) => Arc::new(config.clone()),
                None => Arc::new(in_swarm(engine).await?),
            };
            let spec = from_swarm(engine, &info, &installed, version, &known).await?;
            (Situation::of(&spec), known)
        }
    };
    doubts.push("certificates are looked at by the node's agent only".to_owned());
    let runtime =
        EngineRuntime::new(engine.clone(), &*installed.cluster_id, NoMaterial).looking_at_mountpoints();
    let mut situation = situation;
    situation.node.engine = info.local.engine;
    situation.node.cores = info.local.cores;
    let (config, observed) = (config.map_or(known, Arc::new), runtime.observe().await?);
    if is_manager && !config.cluster.swarm_only {
        let nodes = swarm_nodes(engine).await?;
        let of_node = |node: &SwarmNode| {
            let is_own = node.id == info.node_id;
            KubeNode::of(node, is_own.then(|| carries_msr(&observed)))
        };
        situation.nodes = nodes.iter().map(of_node).collect();
        doubts.push("whether other nodes carry MSR is known to controllers only".to_owned());
    }
    Ok(Survey {
        situation,
        config,
        observed,
        doubts,
    })
}

async fn installed(engine: &EngineClient) -> Result<Option<Installed>, EngineError> {
    let filters = json!({ "label": [labels::INSTANCE_ID] }).to_string();
    let path = format!("/containers/json?all=1&filters={}", escaped(&filters));
    let containers: Vec<Value> = engine.get_json(&path).await?;
    let mut found = None;
    for container in &containers {
        let text = |pointer: &str| {
            container
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let Some(cluster_id) = container["Labels"][labels::INSTANCE_ID].as_str() else {
            continue;
        };
        let image = text("/Image")
            .split('@')
            .next()
            .and_then(|image| image.parse::<ImageRef>().ok());
        let is_agent = image.as_ref().is_some_and(|image| image.name == "ucp-agent");
        let is_running = text("/State") == "running";
        if found.is_none() || (is_agent && is_running) {
            found = Some(Installed {
                cluster_id: cluster_id.to_owned(),
                version: image.as_ref().and_then(|image| image.tag.parse().ok()),
                organisation: image
                    .map_or_else(|| DEFAULT_ORGANISATION.to_owned(), |image| image.organisation),
            });
        }
    }
    Ok(found)
}

/// What the node's agent is told, asked for with the node's own certificate.
async fn told(
    engine: &EngineClient,
    info: &EngineInfo,
    installed: &Installed,
    version: ProductVersion,
    is_manager: bool,
    config: Option<&Config>,
) -> Result<Option<WireSpec>, Failure> {
    let volume: Value = engine.get_json(&format!("/volumes/{NODE_VOLUME}")).await?;
    let certs = Path::new(volume["Mountpoint"].as_str().unwrap_or_default());
    std::fs::read(certs.join(crate::mtls::CERT_FILE))
        .map_err(|error| format!("the certificate in volume {NODE_VOLUME} cannot be read: {error}"))?;
    if is_manager {
        let own = Own {
            engine: engine.clone(),
            store: Arc::new(StoreAccess::new(engine.clone(), certs)),
            cluster_id: installed.cluster_id.clone(),
            node_id: info.node_id.clone(),
            version,
            organisation: installed.organisation.clone(),
        };
        return own.now().await;
    }
    let access = ControllerAccess::new(engine.clone(), certs);
    // Controllers listen where the cluster says, whatever another configuration would change.
    let kept = std::fs::read(certs.join(SPEC)).ok();
    let kept = kept.and_then(|text| serde_json::from_slice::<WireSpec>(&text).ok());
    let port = match kept {
        Some(spec) => spec.cluster.config.cluster.controller_port,
        None => config.cloned().unwrap_or_default().cluster.controller_port,
    };
    let path = format!("/api/node/{}/spec", info.node_id);
    match access
        .ask(port, Method::GET, &path, Vec::new(), EXCHANGE_TIME)
        .await?
    {
        (StatusCode::OK, body) => Ok(Some(serde_json::from_slice(&body)?)),
        (status, body) => {
            Err(format!("a manager answers {status}: {}", String::from_utf8_lossy(&body)).into())
        }
    }
}

/// What can be told without the store.
async fn from_swarm(
    engine: &EngineClient,
    info: &EngineInfo,
    installed: &Installed,
    version: ProductVersion,
    config: &Arc<Config>,
) -> Result<WireSpec, SurveyError> {
    let nodes = swarm_nodes(engine).await?;
    let managers = nodes.iter().filter(|node| node.manager.is_some());
    let members: Vec<StoreMember> = managers
        .filter_map(|node| {
            Some(StoreMember {
                id: node.id.clone(),
                address: node.address?,
                member: None,
            })
        })
        .collect();
    let sight = Sight {
        cluster_id: &installed.cluster_id,
        version,
        organisation: &installed.organisation,
        config,
        nodes: &nodes,
        roll: &Roll::default(),
        store_members: Some(&members),
        turn: None,
    };
    sight.of(&info.node_id).ok_or(SurveyError::NoAddress)
}

/// The configuration in the newest of the swarm's objects.
async fn in_swarm(engine: &EngineClient) -> Result<Config, SurveyError> {
    let all: Vec<Value> = engine.get_json("/configs").await?;
    let newest = all
        .iter()
        .filter_map(|object| {
            let name = object.pointer("/Spec/Name")?.as_str()?;
            Some((objects::version_of(objects::CONFIG, name)?, name, object))
        })
        .max_by_key(|(number, ..)| *number);
    let Some((_, name, object)) = newest else {
        return Err(SurveyError::NoConfig(format!(
            "the swarm has no object {}",
            objects::CONFIG
        )));
    };
    let data = object
        .pointer("/Spec/Data")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let text = BASE64_STANDARD
        .decode(data)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| SurveyError::NoConfig(format!("object {name} holds no text")))?;
    Config::parse(&text).map_err(|error| SurveyError::NoConfig(format!("object {name}: {error}")))
}
