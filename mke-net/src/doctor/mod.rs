//! How this machine is: everything that this crate can check, in one report with a score. Pure; [`Examined::observe`] brings
//! the facts.

mod stig;

use std::path::Path;

use mke_core::config::Config;
use serde::Serialize;

use crate::address::Machine;
use crate::daemon::{DaemonFile, DaemonSettings};
use crate::finding::{Finding, Severity};
use crate::host::Host;
use crate::kernel::{self, Intent, KernelError, Observation, Place};
use crate::ports::{ClusterPorts, Listening, NeededPort, Role, conflicts, needed};
use crate::preflight::{self, Facts, NodeFacts, Scope};

pub use stig::{Answer, FileRights, StigFacts, StigItem, items};

/// Version of the report's form; it grows when a reader of an older one would be misled.
pub const SCHEMA: u32 = 1;

/// Everything that was seen of a machine.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The machine as a node.
    pub node: NodeFacts,
    /// Its routes and addresses; `None` when they cannot be read.
    pub host: Option<Host>,
    /// What listens.
    pub listening: Vec<Listening>,
    /// Its kernel parameters.
    pub kernel: Observation,
    /// What the guide of DISA asks for.
    pub stig: StigFacts,
    /// The Engine's settings, as far as they are understood.
    pub daemon: DaemonSettings,
}

impl Examined {
    /// Looks at this machine. The Engine is not asked; whoever can adds what it says to `node`.
    ///
    /// # Errors
    /// [`KernelError`] never for the machine itself; the type is that of namespaces.
    pub fn observe(root: &Path, manager: bool) -> Result<Self, KernelError> {
        let text = std::fs::read_to_string(root.join("etc/docker/daemon.json")).unwrap_or_default();
        let daemon = DaemonFile::parse(&text)
            .map(|file| file.settings().0)
            .unwrap_or_default();
        Ok(Self {
            node: NodeFacts::observe(root, manager),
            host: Host::observe(root).ok(),
            listening: Listening::observe(root),
            kernel: kernel::observe(&Place::host(root), &[])?,
            stig: StigFacts::observe(root),
            daemon,
        })
    }
}

/// One part of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its name, the same in every version.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The machine.
    pub host: String,
    /// `manager` or `worker`.
    pub role: &'static str,
    /// From 0 to 100.
    pub score: u8,
    /// How many findings are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many are worth knowing.
    pub infos: usize,
    /// The parts, always all of them.
    pub sections: Vec<Section>,
    /// The rules of the guide of DISA with their answers.
    pub stig: Vec<StigItem>,
}

/// Judges a machine. `swarm_grpc` is the port that its swarm was made with.
pub fn report(seen: &Examined, config: &Config, swarm_grpc: u16) -> Report {
    let role = if seen.node.manager {
        Role::Manager
    } else {
        Role::Worker
    };
    let stig = items(&seen.stig);
    let mut node = seen.node.clone();
    let daemon = std::mem::take(&mut node.daemon);
    let facts = Facts {
        nodes: vec![node],
        swarm_only: config.cluster.swarm_only,
        manager_lag_ms: None,
    };
    let section = |name, title, findings: Vec<Finding>| {
        let mut findings = findings;
        findings.sort_by(|one, other| {
            other
                .severity
                .cmp(&one.severity)
                .then_with(|| one.id.cmp(&other.id))
        });
        Section {
            name,
            title,
            findings,
        }
    };
    let plan = kernel::plan(&seen.kernel, &Intent::of(config));
    let sections = vec![
        section(
            "requirements",
            "Machine",
            preflight::findings(&facts, Scope::Doctor),
        ),
        section("engine", "Settings of the Engine", daemon),
        section("addresses", "Addresses", addresses(seen, config)),
        section(
            "ports",
            "Ports",
            ports(seen, role, &ClusterPorts::of(config, swarm_grpc)),
        ),
        section("kernel", "Kernel parameters", plan.findings),
        section(
            "stig",
            "DISA STIG for Docker Enterprise 2.x",
            stig.iter().filter_map(finding_of).collect(),
        ),
    ];
    let count = |severity| {
        sections
            .iter()
            .flat_map(|part| &part.findings)
            .filter(|found| found.severity == severity)
            .count()
    };
    let (errors, warnings, infos) = (
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info),
    );
    Report {
        schema: SCHEMA,
        host: seen.node.name.clone(),
        role: if seen.node.manager { "manager" } else { "worker" },
        score: score(errors, warnings),
        errors,
        warnings,
        infos,
        sections,
        stig,
    }
}

/// 100 without findings; an error costs 10 and a warning 3.
fn score(errors: usize, warnings: usize) -> u8 {
    let cost = errors
        .saturating_mul(10)
        .saturating_add(warnings.saturating_mul(3));
    u8::try_from(100_usize.saturating_sub(cost)).unwrap_or(0)
}

/// A rule that is not kept. What is not there or cannot be told is no finding.
fn finding_of(item: &StigItem) -> Option<Finding> {
    if item.answer != Answer::Fail {
        return None;
    }
    let severity = if item.category == 1 {
        Severity::Warning
    } else {
        Severity::Info
    };
    let rule = item
        .rule
        .as_ref()
        .map_or(String::new(), |rule| format!(" {rule}"));
    let mut finding = Finding::new(
        "",
        severity,
        format!("it is not so that {}", item.title),
        format!("{}{rule}, category {}: {}", item.id, item.category, item.evidence),
        item.remedy.clone(),
    );
    finding.id = format!("stig-{}", item.id).into();
    Some(finding)
}

fn addresses(seen: &Examined, config: &Config) -> Vec<Finding> {
    let Some(host) = &seen.host else {
        return vec![Finding::new(
            "addresses-unknown",
            Severity::Warning,
            "routes and addresses cannot be read",
            "/proc/net/route and /proc/net/fib_trie",
            "look as root, on the machine itself",
        )];
    };
    let machine = Machine {
        host,
        daemon: &seen.daemon,
        config,
        overlays: &[],
        nodes: &[],
    };
    let remedy = "`ucp net plan --propose` shows networks that are free";
    match machine.plan() {
        Ok(plan) => plan
            .conflicts()
            .iter()
            .map(|conflict| {
                Finding::new(
                    "addresses-overlap",
                    conflict.severity,
                    "two networks are in each other's way",
                    conflict.to_string(),
                    remedy,
                )
            })
            .collect(),
        Err(error) => vec![Finding::new(
            "addresses-exhausted",
            Severity::Error,
            "the Engine finds no free network",
            error.to_string(),
            remedy,
        )],
    }
}

fn ports(seen: &Examined, role: Role, ports: &ClusterPorts) -> Vec<Finding> {
    let mut found: Vec<Finding> = ports
        .problems()
        .iter()
        .map(|problem| {
            Finding::new(
                "ports-choice",
                Severity::Error,
                "the chosen ports do not work",
                problem.to_string(),
                "choose others in the configuration",
            )
        })
        .collect();
    for conflict in conflicts(&needed(role, ports), &seen.listening, of_the_engine) {
        let remedy = match conflict.port.setting {
            Some(setting) => format!("stop it, or set `{setting}`"),
            None => "stop it".to_owned(),
        };
        found.push(Finding::new(
            "ports-in-use",
            Severity::Error,
            format!("port {} is needed and in use", conflict.port.number),
            format!("{} at {}", conflict.port.purpose, conflict.listening),
            remedy,
        ));
    }
    found
}

/// Swarm's own ports are served by the Engine, those of components by its helper that publishes ports.
fn of_the_engine(_: &NeededPort, listening: &Listening) -> bool {
    let owner = listening.owner.as_ref();
    owner.is_some_and(|owner| ["dockerd", "docker-proxy"].contains(&owner.name.as_str()))
}
