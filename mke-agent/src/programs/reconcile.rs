//! `ucp-agent reconcile`: brings one node to what is wanted, then ends (container `ucp-reconcile`, ARCH-005).
//!
//! With `--bootstrap` it makes the first node of a cluster out of what the installation hands over: there is no store and
//! no authority yet that could be asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_core::causes::chain;
use mke_core::config::Config;
use mke_core::pki::{Authority, AuthorityKind, SubjectAltName};
use mke_core::product::{Os, ProductVersion, Role};
use mke_core::seal::SealingKey;
use mke_core::store::Store;
use mke_core::time::SystemClock;
use tokio::time::{Instant, sleep};

use super::ports::{EnginePlace, place_of_engine};
use super::{ProgramError, asked_to_end};
use crate::agent::node::engine_info::EngineInfo;
use crate::agent::node::job::{Done, Job, NODE_VOLUME, PATH, VOLUMES};
use crate::agent::node::material::NodeMaterial;
use crate::agent::node::reconcile::reconcile;
use crate::agent::store;
use crate::backup::fill;
use crate::ca::certificates::Place;
use crate::ca::keys::External;
use crate::ca::{bootstrap, keys};
use crate::controller::{FileError, FirstAdmin, configuration, files};
use crate::engine::EngineClient;
use crate::install::handover::{self, AuthorityFiles, Handover, Restored, ServerFiles};
use crate::life::report::OutcomeReport;
use crate::node::{
    ClusterSpec, ClusterState, EngineRuntime, ManagerFacts, Material as _, NodeFacts, StoreMember, WireSpec,
};

/// How long a new store may take to answer.
const STORE_TIME: Duration = Duration::from_secs(90);
/// Lines of its log that are told when it does not.
const TAIL: usize = 5;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Make the first node of a cluster.
    #[arg(long)]
    bootstrap: bool,
    /// The engine of this node.
    #[arg(long, default_value = "unix:///var/run/docker.sock")]
    engine: String,
    /// Where the volumes are mounted, each under its name.
    #[arg(long, default_value = VOLUMES)]
    volumes: PathBuf,
}

/// Does its work and ends.
///
/// # Errors
/// [`ProgramError`] when it could not do all of it; what it did is written down.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let EnginePlace::Socket(engine) = place_of_engine(&args.engine)? else {
        return Err(ProgramError::Usage(
            "the reconciler works on a socket, write unix:///path/to/docker.sock".to_owned(),
        ));
    };
    let mut done = Done::default();
    let work = async {
        if args.bootstrap {
            first_node(&engine, &args.volumes, &mut done).await
        } else {
            node(&engine, &args.volumes, &mut done).await
        }
    };
    let ended = tokio::select! {
        ended = work => ended,
        asked = asked_to_end() => asked.and(Err(ProgramError::Usage("it was asked to end".to_owned()))),
    };
    done.error = ended.as_ref().err().map(|error| chain(error));
    if let Err(error) = done.write(&args.volumes) {
        tracing::warn!(%error, "what was done cannot be written down");
    }
    ended
}

/// Reads a file that holds secrets, and removes it before anything else is done.
fn take(path: &str) -> Result<String, ProgramError> {
    let failed = |source| ProgramError::File {
        path: PathBuf::from(path),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    std::fs::remove_file(path).map_err(failed)?;
    Ok(text)
}

async fn node(engine: &EngineClient, volumes: &Path, done: &mut Done) -> Result<(), ProgramError> {
    let job: Job = serde_json::from_str(&take(PATH)?).map_err(ProgramError::failed(
        "the job is none, agent and reconciler must be of one version",
    ))?;
    tracing::info!(?job, "the reconciler begins");
    let spec = job.spec.clone();
    let cluster_id = job.cluster_id.clone();
    let material = NodeMaterial::new(volumes, job);
    match spec {
        Some(spec) => converge(engine, volumes, cluster_id, material, &spec, done).await,
        None => {
            for need in material.needs().await {
                let brought = material.bring(&need).await;
                done.outcomes.push(OutcomeReport {
                    step: format!("{}: {}", need.volume, need.what),
                    error: brought.as_ref().err().map(ToString::to_string),
                });
                brought.map_err(ProgramError::failed("the node gets no certificate"))?;
            }
            Ok(())
        }
    }
}

async fn converge(
    engine: &EngineClient,
    volumes: &Path,
    cluster_id: String,
    material: NodeMaterial,
    spec: &WireSpec,
    done: &mut Done,
) -> Result<(), ProgramError> {
    let runtime = EngineRuntime::new(engine.clone(), cluster_id, material).with_volumes(volumes);
    let outcomes = &mut done.outcomes;
    reconcile(&runtime, spec, &mut |outcome| outcomes.push(outcome.clone()))
        .await
        .map_err(ProgramError::failed("the node is not as wanted"))
}

/// Makes the first node of a cluster.
async fn first_node(engine: &EngineClient, volumes: &Path, done: &mut Done) -> Result<(), ProgramError> {
    let handover = Handover::from_json(&take(handover::PATH)?)
        .map_err(|error| ProgramError::Usage(error.to_string()))?;
    let info = EngineInfo::of(engine)
        .await
        .map_err(ProgramError::failed("the engine does not say who it is"))?;
    if info.node_id != handover.node_id {
        return Err(ProgramError::Usage(format!(
            "the handover is for node {}, this engine is {}",
            handover.node_id, info.node_id
        )));
    }
    let spec = spec_of(&handover, &info)?;
    let (cluster, client) = (
        authority(&handover.cluster_authority)?,
        authority(&handover.client_authority)?,
    );
    for (kind, authority) in [
        (AuthorityKind::Cluster, &cluster),
        (AuthorityKind::Client, &client),
    ] {
        bootstrap::write(volumes, kind, authority)
            .map_err(ProgramError::failed("the authorities cannot be written"))?;
    }
    let client_certs = volumes.join(Place::ControllerClient.volume());
    let failed = || ProgramError::failed::<FileError>("what was restored cannot be written");
    match &handover.restored {
        Some(restored) => {
            fill::wait(&client_certs).map_err(failed())?;
            write_server(volumes, &restored.server).map_err(failed())?;
        }
        // A volume that somebody keeps may have the mark of a restore that was broken off.
        None => {
            fill::go_on(&client_certs).map_err(failed())?;
            first_admin(&handover, &client_certs)?;
        }
    }

    let job = Job {
        cluster_id: handover.cluster_id.clone(),
        node_id: handover.node_id.clone(),
        role: Role::Manager,
        spec: Some(spec.clone()),
        managers: vec![handover.address],
        cluster_ca: handover.cluster_authority.certificate.clone(),
        sealing_key: Some(handover.sealing_key.clone()),
    };
    let hosts: Vec<SubjectAltName> = handover
        .sans
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let (kept_cluster, kept_client) = (
        authority(&handover.cluster_authority)?,
        authority(&handover.client_authority)?,
    );
    let material = NodeMaterial::new(volumes, job).with_authorities(cluster, client, hosts);
    converge(
        engine,
        volumes,
        handover.cluster_id.clone(),
        material,
        &spec,
        done,
    )
    .await?;
    publish(engine, volumes, &handover, &kept_cluster, &kept_client).await
}

/// Hands the first administrator on to the controller.
fn first_admin(handover: &Handover, client_certs: &Path) -> Result<(), ProgramError> {
    let admin = FirstAdmin {
        username: handover.admin_username.parse().map_err(|error| {
            ProgramError::Usage(format!("the administrator's name cannot be used: {error}"))
        })?,
        password: handover.admin_password.clone(),
    };
    admin.write(client_certs).map_err(ProgramError::failed(
        "the first administrator cannot be handed on",
    ))
}

/// Puts the certificate of the API port where it was (RST-005).
fn write_server(volumes: &Path, server: &ServerFiles) -> Result<(), FileError> {
    let dir = volumes.join(Place::ControllerServer.volume());
    let what = "server certificate file";
    files::private_dir(what, &dir)?;
    for (name, mode, text) in [
        ("key.pem", files::PRIVATE, server.key.expose()),
        ("cert.pem", files::PUBLIC, &server.certificate),
        ("ca.pem", files::PUBLIC, &server.ca),
    ] {
        files::replace(what, &dir.join(name), mode, text.as_bytes())?;
    }
    Ok(())
}

fn authority(files: &AuthorityFiles) -> Result<Authority, ProgramError> {
    Authority::from_pem(&files.certificate, &files.key).map_err(ProgramError::failed(
        "an authority that was handed over cannot be used",
    ))
}

fn spec_of(handover: &Handover, info: &EngineInfo) -> Result<WireSpec, ProgramError> {
    let config = Config::parse(&handover.config)
        .map_err(|problems| ProgramError::Usage(format!("the configuration cannot be used: {problems}")))?;
    let version: ProductVersion = handover
        .version
        .parse()
        .map_err(|error: mke_core::product::VersionError| ProgramError::Usage(error.to_string()))?;
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Ok(WireSpec {
        revision: 1,
        cluster: ClusterSpec {
            cluster_id: handover.cluster_id.clone(),
            version,
            organisation: handover.organisation.clone(),
            config: Arc::new(config),
            managers: vec![ManagerFacts {
                id: handover.node_id.clone(),
                hostname: hostname.clone(),
                address: handover.address,
                sans: String::new(),
            }],
            store_members: vec![StoreMember {
                id: handover.node_id.clone(),
                address: handover.address,
                member: None,
            }],
            interlock: false,
            store_alone: false,
        },
        node: NodeFacts {
            id: handover.node_id.clone(),
            hostname,
            role: Role::Manager,
            os: Os::Linux,
            address: handover.address,
            labels: Default::default(),
            engine: info.local.engine.clone(),
            cores: info.local.cores,
        },
        state: ClusterState::default(),
    })
}

/// Lets later managers find the authorities in the store.
async fn publish(
    engine: &EngineClient,
    volumes: &Path,
    handover: &Handover,
    cluster: &Authority,
    client: &Authority,
) -> Result<(), ProgramError> {
    let refused = || ProgramError::Usage("the sealing key that was handed over is none".to_owned());
    let key = hex::decode(handover.sealing_key.expose()).map_err(|_| refused())?;
    let sealing = SealingKey::from_bytes(&key).map_err(|_| refused())?;
    let until = Instant::now() + STORE_TIME;
    let store = loop {
        match store::open(&volumes.join(NODE_VOLUME), [handover.address]).await {
            Ok(store) => break store,
            Err(error) if Instant::now() >= until => {
                // Why it does not is best told by itself.
                tracing::warn!(
                    "the log of ucp-kv ends with: {}",
                    engine.log_end("ucp-kv", TAIL).await
                );
                return Err(ProgramError::failed(
                    "the new store does not answer, look at container ucp-kv",
                )(error));
            }
            Err(error) => tracing::info!("the new store does not answer yet: {}", chain(&error)),
        }
        sleep(Duration::from_secs(1)).await;
    };
    if let Some(restored) = &handover.restored {
        restore(&*store, restored, until).await?;
    }
    for (kind, authority) in [(AuthorityKind::Cluster, cluster), (AuthorityKind::Client, client)] {
        loop {
            match keys::publish(&*store, &sealing, kind, authority).await {
                Ok(()) => break,
                Err(error) if Instant::now() >= until => {
                    return Err(ProgramError::failed(
                        "the authorities cannot be kept in the store",
                    )(error));
                }
                Err(error) => tracing::info!(
                    "the new store does not take the authorities yet: {}",
                    chain(&error)
                ),
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
    if handover.external_server_cert {
        let external = External::read(&volumes.join(Place::ControllerServer.volume())).map_err(
            ProgramError::failed("the operator's own certificate cannot be read"),
        )?;
        keys::publish_external(&*store, &sealing, &external)
            .await
            .map_err(ProgramError::failed(
                "the operator's own certificate cannot be kept in the store",
            ))?;
    }
    fill::go_on(&volumes.join(Place::ControllerClient.volume()))
        .map_err(ProgramError::failed("the controller cannot go on"))
}

/// Fills the new store from a backup, before the controller of this node goes on.
async fn restore(store: &dyn Store, restored: &Restored, until: Instant) -> Result<(), ProgramError> {
    loop {
        match fill::fill(store, &restored.records).await {
            Ok(()) => break,
            Err(error) if Instant::now() >= until => {
                return Err(ProgramError::failed("the backup cannot be put into the store")(
                    error,
                ));
            }
            Err(error) => tracing::info!("the new store does not take the backup yet: {}", chain(&error)),
        }
        sleep(Duration::from_secs(1)).await;
    }
    tracing::info!(records = restored.records.len(), "the store is restored");
    configuration::add_names(store, &SystemClock, &restored.names)
        .await
        .map_err(ProgramError::failed("the names of certificates cannot be added"))
}
