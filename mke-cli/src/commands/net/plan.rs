//! `ucp net plan`: which networks are taken by what, what is in each other's way, and a plan without that.

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::PathBuf;

use mke_net::Severity;
use mke_net::address::{AddressPool, Capacity, Conflict, IpNet, Ipv4Net, Machine, Proposal, Range};
use mke_net::daemon::{DaemonFile, DaemonSettings};
use mke_net::host::Host;
use serde::Serialize;

use super::Cluster;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// The Engine's file; without one, the machine's own when it is there.
    #[arg(long, value_name = "FILE")]
    daemon_json: Option<PathBuf>,
    /// A pool of overlay networks, as the swarm is made with: `10.0.0.0/8,24`. May be repeated.
    #[arg(long, value_name = "NETWORK,SIZE", value_parser = pool)]
    overlay_pool: Vec<AddressPool>,
    /// Another node, by its address. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    node: Vec<IpAddr>,
    /// How many nodes the cluster will have: also checks that ranges are large enough.
    #[arg(long, value_name = "NUMBER")]
    nodes: Option<u64>,
    /// How many Kubernetes services there will be, with --nodes.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    services: u64,
    /// How many overlay networks there will be, with --nodes.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    overlays: u64,
    /// Look for a plan in which nothing is in anything's way.
    #[arg(long)]
    propose: bool,
    /// Read the machine that is mounted here.
    #[arg(long, value_name = "DIRECTORY", default_value = "/")]
    root: PathBuf,
}

fn pool(text: &str) -> Result<AddressPool, String> {
    let (base, size) = text.split_once(',').unwrap_or((text, "24"));
    let base: Ipv4Net = base
        .trim()
        .parse()
        .map_err(|_| format!("`{base}` is no network such as `10.0.0.0/8`"))?;
    let size = size
        .trim()
        .parse()
        .map_err(|_| format!("`{size}` is no length of a prefix"))?;
    AddressPool::new(base, size).map_err(|problem| problem.to_string())
}

#[derive(Serialize)]
struct Report {
    ranges: Vec<Range>,
    conflicts: Vec<Conflict>,
    too_small: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<Proposal>,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.cluster.config(output)?;
    let host = Host::observe(&args.root).map_err(|error| {
        let source = &error.source;
        CliError::Failed(format!("{error}: {source}"))
    })?;
    let daemon = daemon(args)?;
    let nodes: Vec<_> = args
        .node
        .iter()
        .map(|address| (address.to_string(), *address))
        .collect();
    let machine = Machine {
        host: &host,
        daemon: &daemon,
        config: &config,
        overlays: &args.overlay_pool,
        nodes: &nodes,
    };
    let plan = machine
        .plan()
        .map_err(|error| CliError::Failed(error.to_string()))?;
    let conflicts = plan.conflicts();
    let too_small = capacity(args, &config);
    let proposal = match args.propose {
        false => None,
        true => Some(machine.propose(&conflicts).map_err(|missing| {
            let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
            CliError::Failed(missing.join("\n"))
        })?),
    };
    let report = Report {
        ranges: plan.ranges().to_vec(),
        conflicts,
        too_small,
        proposal,
    };
    output.value(&report, text)?;
    let wrong = report
        .conflicts
        .iter()
        .any(|conflict| conflict.severity == Severity::Error);
    match wrong || !report.too_small.is_empty() {
        true => Err(CliError::AnswerIsNo),
        false => Ok(()),
    }
}

fn text(report: &Report) -> String {
    let mut lines: Vec<_> = report
        .ranges
        .iter()
        .map(|range| {
            format!(
                "{:<17} {:<18} {}",
                range.purpose.to_string(),
                range.net.to_string(),
                range.source
            )
        })
        .collect();
    lines.push(String::new());
    for conflict in &report.conflicts {
        lines.push(format!("{}: {conflict}", conflict.severity));
    }
    lines.extend(report.too_small.iter().map(|problem| format!("error: {problem}")));
    if report.conflicts.is_empty() && report.too_small.is_empty() {
        lines.push("nothing is in anything's way".to_owned());
    }
    if let Some(proposal) = &report.proposal {
        lines.push("\nwithout conflicts:".to_owned());
        let option = |name: &str, net: Option<IpNet>| net.map(|net| format!("  {name} {net}"));
        lines.extend(option("ucp install --pod-cidr", proposal.pod_cidr));
        lines.extend(option(
            "ucp install --service-cluster-ip-range",
            proposal.service_cluster_ip_range,
        ));
        lines.extend(option(
            "docker swarm init --default-addr-pool",
            proposal.default_addr_pool,
        ));
        if let Some(net) = proposal.default_address_pools {
            lines.push(format!(
                "  daemon.json: \"default-address-pools\": [{{\"base\":\"{net}\",\"size\":24}}]"
            ));
        }
    }
    lines.join("\n")
}

fn daemon(args: &Args) -> Result<DaemonSettings, CliError> {
    let default = args.root.join("etc/docker/daemon.json");
    let path = args.daemon_json.as_ref().unwrap_or(&default);
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && args.daemon_json.is_none() => {
            return Ok(DaemonSettings::default());
        }
        Err(error) => return Err(CliError::file("cannot read", path)(error)),
    };
    let wrong = |what: String| CliError::Usage(format!("{}, {what}", path.display()));
    let (settings, problems) = DaemonFile::parse(&text)
        .map_err(|error| wrong(error.to_string()))?
        .settings();
    match problems.is_empty() {
        true => Ok(settings),
        false => Err(wrong(
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        )),
    }
}

fn capacity(args: &Args, config: &mke_core::config::Config) -> Vec<String> {
    let Some(nodes) = args.nodes else {
        return Vec::new();
    };
    let capacity = Capacity {
        nodes,
        pods_per_node: u64::try_from(config.cluster.kubelet.kubelet_max_pods).unwrap_or_default(),
        services: args.services,
        overlays: args.overlays,
    };
    let network = &config.cluster.network;
    let kubernetes = |text: &str| (!config.cluster.swarm_only).then(|| text.parse().ok()).flatten();
    let default = [mke_net::address::default_overlay_pool()];
    let pools = if args.overlay_pool.is_empty() {
        &default[..]
    } else {
        &args.overlay_pool
    };
    let problems = capacity.problems(
        kubernetes(&network.pod_cidr),
        kubernetes(&network.service_cluster_ip_range),
        pools,
    );
    problems.iter().map(ToString::to_string).collect()
}
