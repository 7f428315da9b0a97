//! `ucp-agent nodes`: how each node does, from the swarm and the store, without a controller or a login. For operators on a
//! manager whose API does not answer, and for the installation, which waits until all nodes are healthy.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use mke_core::causes::chain;
use mke_core::product::Role;
use mke_core::time::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};

use super::ProgramError;
use super::ports::{EnginePlace, place_of_engine};
use crate::agent::node::engine_info::EngineInfo;
use crate::agent::store;
use crate::life::board::Swarm;
use crate::life::{Inventory, Level};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The engine of this manager.
    #[arg(long, default_value = "unix:///var/run/docker.sock")]
    engine: String,
    /// Directory with the certificate that is shown to the store: ca.pem, cert.pem and key.pem.
    #[arg(long, default_value = "/v/ucp-controller-client-certs")]
    certs: PathBuf,
    /// How the answer is written.
    #[arg(long, value_enum, default_value = "text")]
    output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// One node, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldState {
    /// Swarm's id.
    pub(crate) id: String,
    /// The name of the machine.
    pub(crate) hostname: String,
    /// Its role.
    pub(crate) role: Role,
    /// How serious its state is.
    pub(crate) state: Level,
    /// What is said.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// The answer in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateList {
    /// The nodes of the swarm.
    pub(crate) nodes: Vec<ToldState>,
}

/// Asks and prints.
///
/// # Errors
/// [`ProgramError`] when swarm or store do not answer, and when a node is not healthy.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let EnginePlace::Socket(engine) = place_of_engine(&args.engine)? else {
        return Err(ProgramError::Usage(
            "write unix:///path/to/docker.sock".to_owned(),
        ));
    };
    let failed = "the nodes cannot be listed";
    let info = EngineInfo::of(&engine)
        .await
        .map_err(ProgramError::failed(failed))?;
    let swarm = Swarm::read(&engine).await.map_err(ProgramError::failed(failed))?;
    let addresses = info.address.into_iter().chain(info.managers);
    let store = store::open(&args.certs, addresses)
        .await
        .map_err(ProgramError::failed("the store cannot be reached"))?;
    let roll = Inventory::new(store, Arc::new(SystemClock))
        .roll()
        .await
        .map_err(ProgramError::failed("the store does not answer"))?;
    let states = swarm.states(&roll, SystemClock.now());
    let told = swarm.nodes.iter().filter_map(|node| {
        let state = states.get(&node.id)?;
        Some(ToldState {
            id: node.id.clone(),
            hostname: node.hostname.clone(),
            role: node.role,
            state: state.level(),
            message: state.message.to_string(),
            hint: state.hint.map(str::to_owned),
        })
    });
    let list = StateList {
        nodes: told.collect(),
    };
    let text = match args.output {
        Form::Json => serde_json::to_string(&list).map_err(|error| {
            ProgramError::Usage(format!("the answer cannot be written: {}", chain(&error)))
        })?,
        Form::Text => list.to_text(),
    };
    // A reader who went away has what it wanted.
    let _ = writeln!(std::io::stdout(), "{text}");
    match list.nodes.iter().all(|node| node.state == Level::Healthy) {
        true => Ok(()),
        false => Err(ProgramError::Usage("not all nodes are healthy".to_owned())),
    }
}

impl StateList {
    fn to_text(&self) -> String {
        let lines = self.nodes.iter().map(|node| {
            let hint = node
                .hint
                .iter()
                .map(|hint| format!(" ({hint})"))
                .collect::<String>();
            format!("{}  {}{hint}", node.hostname, node.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
