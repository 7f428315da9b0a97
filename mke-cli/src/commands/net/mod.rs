//! `ucp net`: addresses, ports, firewalls and load balancers, computed before anything starts.

mod azure;
mod balancer;
mod check;
mod firewall;
mod mtu;
mod plan;
mod ports;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use mke_core::config::Config;
use mke_net::ports::{ClusterPorts, Role};

use super::config::source;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show which networks this machine and the cluster take, and what is in each other's way. Exit code 1 means that
    /// something is.
    Plan(plan::Args),
    /// Try whether another machine is reached on the ports of its role. Exit code 1 means that it is not.
    Check(check::Args),
    /// Show the ports that a node needs, and what listens on them here. Exit code 1 means that somebody else does.
    Ports(ports::Args),
    /// Print firewall rules that let through what a node needs.
    Firewall(firewall::Args),
    /// Print the configuration of a load balancer in front of the managers.
    Lb(balancer::Args),
    /// Show how large packets of pods may be.
    Mtu(mtu::Args),
    /// Reckon the addresses of a cluster on Azure.
    Azure(azure::Args),
}

/// The role of a node.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum NodeRole {
    /// It holds state and serves the API.
    Manager,
    /// It runs workloads.
    Worker,
}

impl From<NodeRole> for Role {
    fn from(role: NodeRole) -> Self {
        match role {
            NodeRole::Manager => Self::Manager,
            NodeRole::Worker => Self::Worker,
        }
    }
}

/// The cluster that is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Cluster {
    /// The cluster's configuration file (TOML), `-` for standard input; without one, its defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave Kubernetes out, as an installation with this option does.
    #[arg(long)]
    swarm_only: bool,
}

impl Cluster {
    pub(super) fn config(&self, output: &mut Output<'_>) -> Result<Config, CliError> {
        let mut config = match &self.config {
            Some(path) => source::file(path)?.config(false, output)?,
            None => Config::default(),
        };
        config.cluster.swarm_only |= self.swarm_only;
        Ok(config)
    }
}

/// The cluster and the port that its swarm was made with.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterWithPorts {
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// The port of swarm control traffic.
    #[arg(long, default_value_t = 2377)]
    pub(super) swarm_grpc_port: u16,
}

impl ClusterWithPorts {
    /// The ports; a choice that cannot work is told as a usage error.
    pub(super) fn ports(&self, output: &mut Output<'_>) -> Result<ClusterPorts, CliError> {
        let ports = ClusterPorts::of(&self.cluster.config(output)?, self.swarm_grpc_port);
        let problems: Vec<_> = ports.problems().iter().map(ToString::to_string).collect();
        match problems.is_empty() {
            true => Ok(ports),
            false => Err(CliError::Usage(problems.join("\n"))),
        }
    }
}

/// Runs one of the commands.
pub(crate) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Plan(args) => plan::run(args, output),
        Command::Check(args) => super::wait_for(check::run(args, output)),
        Command::Ports(args) => ports::run(args, output),
        Command::Firewall(args) => firewall::run(args, output),
        Command::Lb(args) => balancer::run(args, output),
        Command::Mtu(args) => mtu::run(args, output),
        Command::Azure(args) => azure::run(args, output),
    }
}
