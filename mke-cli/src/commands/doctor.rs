//! `ucp doctor`: how this machine is, as a report for people and as JSON of a stable form.

use std::path::PathBuf;
use std::time::Duration;

use mke_agent::engine::EngineClient;
use mke_net::Severity;
use mke_net::doctor::{Answer, Examined, Report, report};
use serde_json::Value;

use super::net::{ClusterWithPorts, NodeRole};
use crate::error::CliError;
use crate::output::{Output, Style, Styled};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterWithPorts,
    /// What this machine is, or shall become.
    #[arg(long, value_enum, default_value = "manager")]
    role: NodeRole,
    /// Show also what is only worth knowing, and every rule of the DISA guide.
    #[arg(long)]
    all: bool,
    /// The directory below which the machine's files lie.
    #[arg(long, default_value = "/")]
    root: PathBuf,
    /// The socket of the Engine, below the root.
    #[arg(long, default_value = "var/run/docker.sock")]
    engine: PathBuf,
}

/// An Engine that takes longer is told as one that does not answer.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let config = args.cluster.cluster.config(output)?;
    let manager = matches!(args.role, NodeRole::Manager);
    let mut seen =
        Examined::observe(&args.root, manager).map_err(|error| CliError::Failed(error.to_string()))?;
    ask_engine(args, &mut seen).await;
    let report = report(&seen, &config, args.cluster.swarm_grpc_port);
    output.styled(&report, |report| shown(report, args.all))?;
    if report.errors == 0 {
        Ok(())
    } else {
        Err(CliError::AnswerIsNo)
    }
}

/// Adds what the Engine knows of itself. Without an answer the report says that there is none.
async fn ask_engine(args: &Args, seen: &mut Examined) {
    let client = EngineClient::new(args.root.join(&args.engine));
    let Ok(Ok(info)) = tokio::time::timeout(PATIENCE, client.get_json::<Value>("/info")).await else {
        return;
    };
    let text = |key: &str| info.get(key).and_then(Value::as_str).map(str::to_owned);
    let node = &mut seen.node;
    node.engine = text("ServerVersion").or_else(|| Some(String::new()));
    node.storage_driver = text("Driver");
    node.data_root = text("DockerRootDir").or_else(|| node.data_root.take());
    let status = info
        .get("DriverStatus")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    node.loop_lvm = status
        .flat_map(|pair| pair.get(0).and_then(Value::as_str))
        .any(|name| name == "Data loop file");
}

fn shown(report: &Report, all: bool) -> Styled {
    let mut text = Styled::default();
    let style = match (report.errors, report.warnings) {
        (0, 0) => Style::Good,
        (0, _) => Style::Note,
        _ => Style::Bad,
    };
    text.add(Style::Plain, format!("{}, a {}: ", report.host, report.role))
        .add(style, format!("{} of 100", report.score))
        .add(
            Style::Plain,
            format!(
                " (errors: {}, warnings: {}, worth knowing: {})\n",
                report.errors, report.warnings, report.infos
            ),
        );
    for section in &report.sections {
        let findings: Vec<_> = section
            .findings
            .iter()
            .filter(|finding| all || finding.severity > Severity::Info)
            .collect();
        text.add(Style::Plain, "\n").add(Style::Place, section.title);
        let hidden = section.findings.len() - findings.len();
        match (findings.is_empty(), hidden) {
            (true, 0) => text.add(Style::Good, "  all is well\n"),
            (_, 0) => text.add(Style::Plain, "\n"),
            (_, hidden) => text.add(
                Style::Plain,
                format!("  {hidden} only worth knowing, see `--all`\n"),
            ),
        };
        for finding in findings {
            let style = match finding.severity {
                Severity::Error => Style::Bad,
                Severity::Warning => Style::Note,
                Severity::Info => Style::Plain,
            };
            text.add(style, format!("  {:<8}", finding.severity)).add(
                Style::Plain,
                format!(
                    " {} [{}]\n           seen: {}\n           do:   {}\n",
                    finding.title, finding.id, finding.evidence, finding.remedy
                ),
            );
        }
        if section.name == "stig" {
            rules(report, all, &mut text);
        }
    }
    text
}

fn rules(report: &Report, all: bool, text: &mut Styled) {
    let count = |answer: Answer| report.stig.iter().filter(|item| item.answer == answer).count();
    text.add(
        Style::Plain,
        format!(
            "  {} rules: {} kept, {} not kept, {} not applicable, {} not known\n",
            report.stig.len(),
            count(Answer::Pass),
            count(Answer::Fail),
            count(Answer::NotApplicable),
            count(Answer::Unknown)
        ),
    );
    for item in report.stig.iter().filter(|_| all) {
        let (style, answer) = match item.answer {
            Answer::Pass => (Style::Good, "kept"),
            Answer::Fail => (Style::Bad, "not kept"),
            Answer::NotApplicable => (Style::Plain, "-"),
            Answer::Unknown => (Style::Note, "not known"),
        };
        text.add(Style::Plain, format!("    {:<9} ", item.id))
            .add(style, format!("{answer:<9}"))
            .add(Style::Plain, format!(" {}\n", item.title));
    }
}
