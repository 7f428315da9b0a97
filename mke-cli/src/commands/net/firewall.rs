//! `ucp net firewall`: rules as text.

use std::net::IpAddr;

use clap::ValueEnum;
use mke_net::ports::{aws_security_group, firewalld, nftables};

use super::{ClusterWithPorts, NodeRole};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// Commands for firewall-cmd.
    Firewalld,
    /// A table for `nft -f`.
    Nftables,
    /// Permissions of an AWS security group (JSON).
    Aws,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterWithPorts,
    /// The role of the node.
    #[arg(long, value_enum, default_value = "manager")]
    role: NodeRole,
    /// For which firewall.
    #[arg(long, value_enum)]
    format: Form,
    /// The address of another node. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    node: Vec<IpAddr>,
    /// The security group of the nodes, for AWS.
    #[arg(long, value_name = "ID", required_if_eq("format", "aws"))]
    group: Option<String>,
    /// A network of clients, for AWS. May be repeated.
    #[arg(long, value_name = "NETWORK", default_value = "0.0.0.0/0")]
    clients: Vec<String>,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let ports = args.cluster.ports(output)?;
    let role = args.role.into();
    match args.format {
        Form::Firewalld => output.data(&firewalld(role, &ports, &args.node)),
        Form::Nftables => output.data(&nftables(role, &ports, &args.node)),
        Form::Aws => {
            let group = args.group.as_deref().unwrap_or_default();
            output.data(&format!(
                "{:#}\n",
                aws_security_group(role, &ports, group, &args.clients)
            ))
        }
    }
}
