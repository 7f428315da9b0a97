//! `ucp net azure`: whether a subnet holds the machines and their pods.

use mke_net::address::Ipv4Net;
use mke_net::azure::{AddressCount, DEFAULT_COUNT, pod_range, subnet};
use mke_net::cni::Encapsulation;
use serde::Serialize;

use super::Cluster;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// The subnet of the machines.
    #[arg(long)]
    subnet: Ipv4Net,
    /// How many machines there will be.
    #[arg(long)]
    nodes: u32,
    /// Addresses for pods on each machine; 0 when the machines have them already.
    #[arg(long, default_value_t = DEFAULT_COUNT)]
    azure_ip_count: u32,
    /// The machines have addresses for pods already, besides those that are provisioned.
    #[arg(long)]
    manual: bool,
    /// The number that the cluster was made with.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u32>,
}

#[derive(Serialize)]
struct Report {
    problems: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.cluster.config(output)?;
    let network = &config.cluster.network;
    let mut report = Report {
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    // With VXLAN, Calico gives addresses of its own, and machines need one each.
    let encapsulation = match network.calico_vxlan {
        true => Encapsulation::Vxlan,
        false => Encapsulation::IpInIp,
    };
    let count = match encapsulation {
        Encapsulation::Vxlan => Ok((AddressCount::Manual, None)),
        Encapsulation::IpInIp => AddressCount::read(args.azure_ip_count, args.manual, args.before),
    };
    match count {
        Ok((count, warning)) => {
            report.warnings.extend(warning.map(|warning| warning.to_string()));
            report.problems.extend(
                subnet(args.subnet, args.nodes, count)
                    .err()
                    .map(|problem| problem.to_string()),
            );
        }
        Err(problem) => report.problems.push(problem.to_string()),
    }
    if !config.cluster.swarm_only
        && let Ok(pods) = network.pod_cidr.parse()
    {
        report.problems.extend(
            pod_range(pods, args.subnet, encapsulation)
                .err()
                .map(|problem| problem.to_string()),
        );
    }
    output.value(&report, |report| {
        let warnings = report
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}"));
        let mut lines: Vec<_> = warnings
            .chain(report.problems.iter().map(|problem| format!("error: {problem}")))
            .collect();
        if report.problems.is_empty() {
            lines.push(format!("{} holds {} machines", args.subnet, args.nodes));
        }
        lines.join("\n")
    })?;
    match report.problems.is_empty() {
        true => Ok(()),
        false => Err(CliError::AnswerIsNo),
    }
}
