//! `ucp plan` and `ucp node plan`: what would be done on a node, and what is against it. Nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Subcommand, ValueEnum};
use mke_agent::addons::{Objects, Wanted};
use mke_agent::agent::node::survey::{Survey, survey};
use mke_agent::engine::EngineClient;
use mke_agent::node::{Observed, Preview, Situation};
use mke_core::causes::chain;
use mke_core::config::Config;
use mke_core::product::VERSION_VARIABLE;

use super::config::source;
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::file::read;
use crate::output::{Output, Style, Styled};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cluster's configuration file (TOML), `-` for standard input; without one, that of the cluster, or with --facts the
    /// defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The node and its cluster (JSON), as `--show facts` prints them, instead of asking the engine.
    #[arg(long, value_name = "FILE", requires = "observed")]
    facts: Option<PathBuf>,
    /// What is there on the node (JSON), as `--show observed` prints it.
    #[arg(long, value_name = "FILE", requires = "facts")]
    observed: Option<PathBuf>,
    /// What is there in Kubernetes (JSON), as kubectl prints a list of namespaces, service accounts, cluster roles and their bindings,
    /// config maps, services, daemon sets, deployments and nodes; without it, the plan is that of a new cluster.
    #[arg(long, value_name = "FILE")]
    objects: Option<PathBuf>,
    /// The socket of this machine's Engine.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/var/run/docker.sock",
        conflicts_with = "facts"
    )]
    engine: PathBuf,
    /// Print what the plan would be made from (JSON).
    #[arg(long, value_enum, value_name = "WHAT")]
    show: Option<Show>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Show {
    /// The node and its cluster.
    Facts,
    /// What is there on the node.
    Observed,
    /// The objects of Kubernetes' add-ons, as kubectl takes them.
    Addons,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what would be done on a node now, and why. Exit code 1 means that something would be, or is refused.
    Plan {
        /// The node's id or host name.
        name: String,
    },
}

/// Plans for this node, or for the one that files describe.
pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = match &args.config {
        Some(path) => Some(source::file(path)?.config(false, output)?),
        None => None,
    };
    let seen = match (&args.facts, &args.observed) {
        (Some(facts), Some(observed)) => from_files(facts, observed, config)?,
        _ => live(&args.engine, config).await?,
    };
    match args.show {
        Some(Show::Facts) => return output.data(&json(&seen.situation)?),
        Some(Show::Observed) => return output.data(&json(&seen.observed)?),
        Some(Show::Addons) => {
            let cluster = seen.situation.cluster(seen.config);
            return output.data(&json(&Wanted::of(&cluster, &seen.situation.nodes).list())?);
        }
        None => {}
    }
    let objects = args.objects.as_deref().map(objects).transpose()?;
    for doubt in &seen.doubts {
        output.remark(doubt);
    }
    let preview = seen
        .situation
        .preview(seen.config, &seen.observed, objects.as_ref());
    shown(&preview, output)
}

/// Asks the control plane in use.
pub(super) async fn of_node(
    command: &Command,
    client: &Client,
    output: &mut Output<'_>,
) -> Result<(), CliError> {
    let Command::Plan { name } = command;
    let preview: Preview = client
        .get(&format!("/api/ucp/nodes/{}/plan", escape(name)))
        .await?;
    shown(&preview, output)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(text + "\n")
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::Usage(format!("{}: {error}", path.display()))
}

fn objects(path: &Path) -> Result<Objects, CliError> {
    serde_json::from_str(&read(path)?).map_err(|error| named(path, &error))
}

fn from_files(facts: &Path, observed: &Path, config: Option<Config>) -> Result<Survey, CliError> {
    let situation = Situation::parse(&read(facts)?).map_err(|error| named(facts, &error))?;
    let seen: Observed = serde_json::from_str(&read(observed)?).map_err(|error| named(observed, &error))?;
    Ok(Survey {
        situation,
        config: Arc::new(config.unwrap_or_default()),
        observed: seen,
        doubts: Vec::new(),
    })
}

async fn live(engine: &Path, config: Option<Config>) -> Result<Survey, CliError> {
    let variable = std::env::var(VERSION_VARIABLE).ok();
    let version = mke_core::product::version(variable.as_deref())
        .map_err(|error| CliError::Usage(format!("{VERSION_VARIABLE}: {error}")))?;
    survey(&EngineClient::new(engine), config, version)
        .await
        .map_err(|error| CliError::Failed(chain(&error)))
}

fn shown(preview: &Preview, output: &mut Output<'_>) -> Result<(), CliError> {
    output.styled(preview, |preview| {
        let style = |line: &str| match line.split_once(':') {
            Some(("refused", _)) => Style::Bad,
            Some(("later" | "left alone" | "not looked into", _)) => Style::Note,
            _ => Style::Plain,
        };
        let mut text = Styled::default();
        for line in preview.to_string().lines() {
            text.add(style(line), line).add(Style::Plain, "\n");
        }
        text
    })?;
    match preview.is_settled() {
        true => Ok(()),
        false => Err(CliError::AnswerIsNo),
    }
}
