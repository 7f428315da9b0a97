//! `ucp net ports`: what a node needs, and who has it.

use std::path::PathBuf;

use mke_net::ports::{Conflict, Listening, NeededPort, Scope, conflicts, needed};
use serde::Serialize;

use super::{ClusterWithPorts, NodeRole};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterWithPorts,
    /// The role of the node.
    #[arg(long, value_enum, default_value = "manager")]
    role: NodeRole,
    /// Also look at what listens here now; the Engine's own listeners are no conflict.
    #[arg(long)]
    listening: bool,
    /// Read the machine that is mounted here.
    #[arg(long, value_name = "DIRECTORY", default_value = "/")]
    root: PathBuf,
}

#[derive(Serialize)]
struct Report {
    ports: Vec<NeededPort>,
    conflicts: Vec<Conflict>,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let ports = needed(args.role.into(), &args.cluster.ports(output)?);
    let there = match args.listening {
        true => Listening::observe(&args.root),
        false => Vec::new(),
    };
    let report = Report {
        conflicts: conflicts(&ports, &there, of_the_engine),
        ports,
    };
    output.value(&report, |report| {
        let mut lines: Vec<_> = report.ports.iter().map(line).collect();
        lines.extend(
            report
                .conflicts
                .iter()
                .map(|conflict| format!("error: {conflict}")),
        );
        lines.join("\n")
    })?;
    match report.conflicts.is_empty() {
        true => Ok(()),
        false => Err(CliError::AnswerIsNo),
    }
}

/// Swarm's own ports are served by the Engine, those of components by its helper that publishes ports.
fn of_the_engine(_: &NeededPort, listening: &Listening) -> bool {
    listening
        .owner
        .as_ref()
        .is_some_and(|owner| ["dockerd", "docker-proxy"].contains(&owner.name.as_str()))
}

fn line(port: &NeededPort) -> String {
    let scope: Vec<_> = port
        .scope
        .iter()
        .map(|scope| match scope {
            Scope::External => "everybody",
            Scope::Internal => "nodes",
            Scope::Own => "itself",
        })
        .collect();
    let setting = port.setting.unwrap_or("");
    let protocol = format!("{:?}", port.protocol).to_lowercase();
    format!(
        "{:<5} {protocol:<4} {:<17} {} {setting}",
        port.number,
        scope.join(", "),
        port.purpose
    )
    .trim_end()
    .to_owned()
}
