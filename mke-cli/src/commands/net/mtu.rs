//! `ucp net mtu`: the largest packet of a pod, and whether the configured sizes fit.

use mke_net::cni::{Encapsulation, packet_size, packet_size_problems, secure_overlay_size};
use serde::Serialize;

use super::Cluster;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// The smallest link between nodes, in bytes.
    #[arg(long, default_value_t = 1500)]
    link: u16,
}

#[derive(Serialize)]
struct Report {
    link: u16,
    vxlan: Option<u16>,
    ip_in_ip: Option<u16>,
    secure_overlay: Option<u16>,
    problems: Vec<String>,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.cluster.config(output)?;
    let problems = packet_size_problems(&config, args.link);
    let report = Report {
        link: args.link,
        vxlan: packet_size(args.link, Encapsulation::Vxlan),
        ip_in_ip: packet_size(args.link, Encapsulation::IpInIp),
        secure_overlay: secure_overlay_size(args.link),
        problems: problems.iter().map(ToString::to_string).collect(),
    };
    output.value(&report, |report| {
        let size = |size: Option<u16>| size.map_or("none fits".to_owned(), |size| format!("{size} bytes"));
        let mut lines = vec![
            format!("VXLAN           {}", size(report.vxlan)),
            format!("IP-in-IP        {}", size(report.ip_in_ip)),
            format!("secure overlay  {}", size(report.secure_overlay)),
        ];
        lines.extend(report.problems.iter().map(|problem| format!("error: {problem}")));
        lines.join("\n")
    })?;
    match report.problems.is_empty() {
        true => Ok(()),
        false => Err(CliError::AnswerIsNo),
    }
}
