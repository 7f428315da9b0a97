//! The rules, one function each. Figures: requirements REQ-001 to REQ-008.

use mke_net::Severity;
use mke_net::address::AddressPlan;

use super::{Facts, Finding, NodeFacts, Weight};

const GIB: u64 = 1024 * 1024 * 1024;
/// Kernels and engines count some memory as their own: a machine sold with 16 GB shows up to 6 % less.
const MEMORY_TOLERANCE_PERCENT: u64 = 94;

/// Least engine (REQ-003).
const ENGINE: (u32, u32) = (20, 10);
/// Least kernel (REQ-004).
const KERNEL: (u32, u32) = (3, 10);
/// Backups older than this count for nothing.
const BACKUP_DAYS: u64 = 7;

/// What a role needs: processors, memory and disk.
struct Minimum {
    role: &'static str,
    cpus: u32,
    memory: u64,
    disk: u64,
}

/// REQ-001
const MANAGER: Minimum = Minimum {
    role: "manager",
    cpus: 2,
    memory: 16 * GIB,
    disk: 79 * 1_000_000_000,
};
/// REQ-002
const WORKER: Minimum = Minimum {
    role: "worker",
    cpus: 1,
    memory: 4 * GIB,
    disk: 15 * 1_000_000_000,
};

/// Every finding, of every rule on every node.
pub(super) fn all(facts: &Facts) -> Vec<Finding> {
    let per_node = [
        engine, kernel, minimums, privileges, users, cgroups, storage, open_tcp, ports, probed,
    ];
    let mut findings = Vec::new();
    for node in &facts.nodes {
        if !node.ready {
            findings.push(finding(
                Weight::Fatal,
                node,
                "the swarm does not see this node",
                "start its engine, or remove it with `docker node rm`",
            ));
            continue;
        }
        for rule in per_node {
            findings.extend(rule(node));
        }
    }
    findings.extend(uniform(facts));
    findings.extend(ranges(facts));
    findings.extend(upgrades(facts));
    findings
}

fn finding(weight: Weight, node: &NodeFacts, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        weight,
        place: node.name.clone(),
        what: what.into(),
        remedy: remedy.into(),
    }
}

/// The first two numbers of a version, whatever stands behind them.
fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// REQ-003
fn engine(node: &NodeFacts) -> Vec<Finding> {
    let fits = two_numbers(&node.engine).is_some_and(|version| version >= ENGINE);
    if fits {
        return Vec::new();
    }
    let what = if node.engine.is_empty() {
        "the version of the engine is not known".to_owned()
    } else {
        format!("engine {} is too old", node.engine)
    };
    vec![finding(
        Weight::Fatal,
        node,
        what,
        "install engine 20.10.0 or later",
    )]
}

/// REQ-004
fn kernel(node: &NodeFacts) -> Vec<Finding> {
    let Some(kernel) = node.kernel.as_deref().filter(|_| node.linux) else {
        return Vec::new();
    };
    match two_numbers(kernel) {
        Some(version) if version >= KERNEL => Vec::new(),
        _ => vec![finding(
            Weight::Fatal,
            node,
            format!("kernel {kernel} is too old"),
            "boot kernel 3.10 or later",
        )],
    }
}

/// REQ-001, REQ-002
fn minimums(node: &NodeFacts) -> Vec<Finding> {
    let minimum = if node.manager { MANAGER } else { WORKER };
    let mut findings = Vec::new();
    let mut low = |what: String, remedy: String| {
        findings.push(finding(Weight::Unless("--force-minimums"), node, what, remedy));
    };
    let role = minimum.role;
    if node.cpus < minimum.cpus {
        low(
            format!("{} processors", node.cpus),
            format!("a {role} needs {}", minimum.cpus),
        );
    }
    if node.memory < minimum.memory / 100 * MEMORY_TOLERANCE_PERCENT {
        low(
            format!("{:.1} GB of memory", in_gib(node.memory)),
            format!("a {role} needs {:.0} GB", in_gib(minimum.memory)),
        );
    }
    if let Some(disk) = node.disk
        && disk < minimum.disk
    {
        low(
            format!("{} GB for the engine's data", disk / 1_000_000_000),
            format!("a {role} needs {} GB", minimum.disk / 1_000_000_000),
        );
    }
    findings
}

fn in_gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

/// REQ-006
fn privileges(node: &NodeFacts) -> Vec<Finding> {
    if node.no_new_privileges != Some(true) {
        return Vec::new();
    }
    vec![finding(
        Weight::Fatal,
        node,
        "the engine has `no-new-privileges` on, with which components do not work",
        "remove it from /etc/docker/daemon.json and restart the engine",
    )]
}

/// REQ-007
fn users(node: &NodeFacts) -> Vec<Finding> {
    if !node.user_namespaces {
        return Vec::new();
    }
    vec![finding(
        Weight::Fatal,
        node,
        "the engine maps user ids (`userns-remap`), which is not supported",
        "remove it from /etc/docker/daemon.json and restart the engine",
    )]
}

/// REQ-008: Kubernetes 1.20 cannot use version 2; without it, components run there.
fn cgroups(node: &NodeFacts) -> Vec<Finding> {
    if node.cgroup_version.as_deref() != Some("2") {
        return Vec::new();
    }
    vec![finding(
        Weight::Advice,
        node,
        "the host uses cgroup version 2, which Kubernetes of this version does not support",
        "boot with `systemd.unified_cgroup_hierarchy=0`, or install with `--swarm-only`",
    )]
}

/// REQ-009
fn storage(node: &NodeFacts) -> Vec<Finding> {
    match node.storage_driver.as_deref() {
        Some(driver @ ("devicemapper" | "aufs" | "overlay" | "vfs")) => vec![finding(
            Weight::Advice,
            node,
            format!("the engine uses storage driver {driver}"),
            "use overlay2",
        )],
        _ => Vec::new(),
    }
}

/// INST-007
fn open_tcp(node: &NodeFacts) -> Vec<Finding> {
    node.open_tcp
        .iter()
        .map(|address| {
            finding(
                Weight::Unless("--force-insecure-tcp"),
                node,
                format!("the engine serves anybody at {address}, without authentication"),
                "remove this `hosts` entry of the engine, or require client certificates (`tlsverify`)",
            )
        })
        .collect()
}

/// INST-022
fn ports(node: &NodeFacts) -> Vec<Finding> {
    let named =
        |ports: &std::collections::BTreeSet<String>| ports.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut findings = Vec::new();
    if !node.ports_in_use.is_empty() {
        findings.push(finding(
            Weight::Unless("--force-port-check"),
            node,
            format!("needed ports are in use: {}", named(&node.ports_in_use)),
            "stop what listens there (`ss -lntup`)",
        ));
    }
    if !node.ports_unreachable.is_empty() {
        findings.push(finding(
            Weight::Unless("--force-port-check"),
            node,
            format!(
                "needed ports cannot be reached from here: {}",
                named(&node.ports_unreachable)
            ),
            "open them in the firewalls between the nodes",
        ));
    }
    findings
}

fn probed(node: &NodeFacts) -> Vec<Finding> {
    node.not_probed
        .iter()
        .map(|reason| {
            finding(
                Weight::Unless("--force-port-check"),
                node,
                format!("ports, disk and kernel could not be checked: {reason}"),
                "see that the image of the bootstrapper is on this node",
            )
        })
        .collect()
}

/// REQ-003, REQ-011: one engine version and one place of data everywhere.
fn uniform(facts: &Facts) -> Vec<Finding> {
    let differ = |of: fn(&NodeFacts) -> Option<String>| {
        let mut seen: Vec<(String, Vec<&str>)> = Vec::new();
        for node in &facts.nodes {
            if let Some(value) = of(node) {
                match seen.iter_mut().find(|(known, _)| *known == value) {
                    Some((_, nodes)) => nodes.push(&node.name),
                    None => seen.push((value, vec![&node.name])),
                }
            }
        }
        (seen.len() > 1).then(|| {
            let each = seen
                .iter()
                .map(|(value, nodes)| format!("{value} ({})", nodes.join(", ")));
            each.collect::<Vec<_>>().join(", ")
        })
    };
    let mut findings = Vec::new();
    if let Some(versions) =
        differ(|node| (node.ready && !node.engine.is_empty()).then(|| node.engine.clone()))
    {
        findings.push(Finding {
            weight: Weight::Advice,
            place: String::new(),
            what: format!("nodes run different engines: {versions}"),
            remedy: "bring all nodes to one version".to_owned(),
        });
    }
    if let Some(roots) = differ(|node| node.data_root.clone().filter(|_| node.linux)) {
        findings.push(Finding {
            weight: Weight::Advice,
            place: String::new(),
            what: format!("engines keep their data in different places: {roots}"),
            remedy: "use one `data-root` on all nodes".to_owned(),
        });
    }
    findings
}

/// NET-006 and the check of ranges: what overlaps, and how bad that is, is known by the address plan.
fn ranges(facts: &Facts) -> Vec<Finding> {
    AddressPlan::new(facts.ranges.clone())
        .conflicts()
        .into_iter()
        .map(|conflict| Finding {
            weight: match conflict.severity {
                Severity::Error => Weight::Fatal,
                Severity::Warning | Severity::Info => Weight::Advice,
            },
            place: String::new(),
            what: conflict.to_string(),
            remedy: "choose other ranges (`--pod-cidr`, `--service-cluster-ip-range`, `docker swarm init \
                     --default-addr-pool`)"
                .to_owned(),
        })
        .collect()
}

/// UPG-003, UPG-012, UPG-015
fn upgrades(facts: &Facts) -> Vec<Finding> {
    let cluster = |weight, what: String, remedy: &str| Finding {
        weight,
        place: String::new(),
        what,
        remedy: remedy.to_owned(),
    };
    let mut findings = Vec::new();
    match facts.backup_age_days {
        None => {}
        Some(Some(days)) if days <= BACKUP_DAYS => {}
        Some(Some(days)) => findings.push(cluster(
            Weight::Unless("--force-recent-backup"),
            format!("the last backup is {days} days old"),
            "make one with `ucp backup`",
        )),
        Some(None) => findings.push(cluster(
            Weight::Unless("--force-recent-backup"),
            "no backup of this cluster is known".to_owned(),
            "make one with `ucp backup`",
        )),
    }
    if facts.worker_generations.len() > 1 {
        let names: Vec<&str> = facts.worker_generations.iter().map(String::as_str).collect();
        findings.push(cluster(
            Weight::Fatal,
            format!(
                "an earlier upgrade of workers has not ended, both {} have tasks",
                names.join(" and ")
            ),
            "finish it: remove the label com.docker.ucp.upgrade-hold from every worker",
        ));
    }
    for stuck in &facts.stuck {
        findings.push(cluster(
            Weight::Fatal,
            stuck.clone(),
            "look at it and remove it, then run the upgrade again",
        ));
    }
    findings
}
