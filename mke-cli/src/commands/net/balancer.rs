//! `ucp net lb`: the file of a load balancer.

use clap::ValueEnum;
use mke_net::balancer::{Balancer, aws, haproxy, missing_name, nginx};

use super::Cluster;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// nginx.conf with the stream module.
    Nginx,
    /// haproxy.cfg
    Haproxy,
    /// A classic load balancer of AWS (JSON).
    Aws,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// For which load balancer.
    #[arg(long, value_enum)]
    format: Form,
    /// The name by which clients reach the load balancer.
    #[arg(long)]
    name: String,
    /// A manager, by name or address. May be repeated.
    #[arg(long, required = true)]
    manager: Vec<String>,
    /// The port on which the load balancer takes requests for the API, when it is another one than the managers'.
    #[arg(long)]
    listen: Option<u16>,
    /// A port of the same address that a registry takes.
    #[arg(long, value_name = "PORT")]
    registry_port: Option<u16>,
    /// A name of the managers' certificates; with any, the load balancer's own is looked for. May be repeated.
    #[arg(long)]
    san: Vec<String>,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.cluster.config(output)?;
    let cluster = &config.cluster;
    let kubernetes = (!cluster.swarm_only).then_some(cluster.api_server.kube_apiserver_port);
    let usage = |problem: &dyn std::fmt::Display| CliError::Usage(problem.to_string());
    let mut balancer = Balancer::new(&args.name, &args.manager, cluster.controller_port, kubernetes)
        .map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            CliError::Usage(problems.join("\n"))
        })?;
    if let Some(port) = args.listen {
        balancer = balancer
            .listen(cluster.controller_port, port)
            .map_err(|problem| usage(&problem))?;
    }
    if let Some(port) = args.registry_port {
        balancer
            .beside("the registry", port)
            .map_err(|problem| usage(&problem))?;
    }
    if !args.san.is_empty()
        && let Some(warning) = missing_name(&args.name, &args.san)
    {
        output.remark(&format!("warning: {warning}"));
    }
    output.data(&match args.format {
        Form::Nginx => nginx(&balancer),
        Form::Haproxy => haproxy(&balancer),
        Form::Aws => format!("{:#}\n", aws(&balancer)),
    })
}
