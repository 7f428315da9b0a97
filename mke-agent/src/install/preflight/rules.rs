//! The rules. What a node must be is decided by the one checker, `mke_net::preflight`; here are ports, ranges and upgrades.

use mke_net::Severity;
use mke_net::address::AddressPlan;
use mke_net::daemon::{self, DaemonSettings};
use mke_net::preflight::{self, Cgroup, FileSystem, Scope, switch_of};

use super::{Facts, Finding, NodeFacts, Weight};

/// Backups older than this count for nothing.
const BACKUP_DAYS: u64 = 7;
/// Percent of the disk with the engine's data that may be in use before an upgrade (UPG-005).
const MOST_USED: u128 = 70;
/// What to do about a backup that is missing or old.
const BACK_UP: &str = "this version makes none, so keep snapshots of the managers' disks, of which those of an earlier version \
                       are good for that version only";

/// Every finding, of every rule on every node.
pub(super) fn all(facts: &Facts) -> Vec<Finding> {
    let per_node = [ports, probed, images];
    let is_upgrade = facts.backup_age_days.is_some();
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
        if is_upgrade {
            findings.extend(room(node));
        }
    }
    findings.extend(known(facts));
    findings.extend(ranges(facts));
    findings.extend(upgrades(facts));
    findings.extend(clouds(facts));
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

/// What the one checker of nodes says about those that are there, each finding with its node.
fn known(facts: &Facts) -> Vec<Finding> {
    let ready = facts.nodes.iter().filter(|node| node.ready);
    let nodes: Vec<preflight::NodeFacts> = ready.map(translated).collect();
    let scope = if facts.backup_age_days.is_some() {
        Scope::Upgrade
    } else {
        Scope::Install
    };
    let weighed = |place: &str, found: mke_net::Finding| Finding {
        weight: match (found.severity, switch_of(&found.id)) {
            (Severity::Error, Some(switch)) => Weight::Unless(switch),
            (Severity::Error, None) => Weight::Fatal,
            (Severity::Warning | Severity::Info, _) => Weight::Advice,
        },
        place: place.to_owned(),
        what: format!("{} ({})", found.title, found.evidence),
        remedy: found.remedy,
    };
    let mut findings = Vec::new();
    for node in &nodes {
        let found = preflight::node_findings(node, facts.swarm_only, scope);
        findings.extend(found.into_iter().map(|found| weighed(&node.name, found)));
    }
    let cluster = preflight::Facts {
        nodes,
        swarm_only: facts.swarm_only,
        manager_lag_ms: None,
    };
    let found = preflight::cluster_findings(&cluster, scope);
    findings.extend(found.into_iter().map(|found| weighed("", found)));
    findings
}

/// A node as the one checker knows it. What the Engine says of its own settings is judged as its file would be.
fn translated(node: &NodeFacts) -> preflight::NodeFacts {
    let settings = DaemonSettings {
        no_new_privileges: node.no_new_privileges == Some(true),
        userns_remap: node.user_namespaces.then(|| "in use".to_owned()),
        hosts: node.open_tcp.clone(),
        ..DaemonSettings::default()
    };
    let disk = |bytes: u64| FileSystem {
        path: "/var".to_owned(),
        mount: "/var".to_owned(),
        kind: String::new(),
        bytes,
        free: node.disk_free.unwrap_or_default(),
        tells_types: true,
    };
    preflight::NodeFacts {
        name: node.name.clone(),
        manager: node.manager,
        windows: !node.linux,
        engine: Some(node.engine.clone()).filter(|version| !version.is_empty()),
        kernel: node.kernel.clone(),
        cpus: Some(node.cpus),
        memory: Some(node.memory),
        disks: node.disk.map(disk).into_iter().collect(),
        data_root: node.data_root.clone(),
        storage_driver: node.storage_driver.clone(),
        cgroup: match node.cgroup_version.as_deref() {
            Some("1") => Some(Cgroup::V1),
            Some("2") => Some(Cgroup::V2),
            _ => None,
        },
        clock_offset_ms: node.clock_offset_ms,
        daemon: daemon::findings(&settings),
        ..preflight::NodeFacts::default()
    }
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

/// INST-020: Kubernetes speaks to the cloud that it is told about, and no node must be in another one.
fn clouds(facts: &Facts) -> Vec<Finding> {
    let Some(told) = &facts.cloud_provider else {
        return Vec::new();
    };
    let of_node = |node: &NodeFacts| {
        let cloud = node.cloud.as_deref()?;
        match told.as_str() {
            // Swarm needs no cloud, and says nothing to one.
            "" if facts.swarm_only => None,
            "" => Some(finding(
                Weight::Advice,
                node,
                format!("it is a machine of {cloud}, whose disks and load balancers will not be used"),
                format!("give `--cloud-provider {cloud}` if they should be"),
            )),
            told if told == cloud => None,
            told => Some(finding(
                Weight::Unless("--skip-cloud-provider-check"),
                node,
                format!("it is a machine of {cloud}, and `--cloud-provider` says {told}"),
                format!("give `--cloud-provider {cloud}`"),
            )),
        }
    };
    facts.nodes.iter().filter_map(of_node).collect()
}

/// UPG-005: nodes that have to pull images take longer, and cannot without a registry.
fn images(node: &NodeFacts) -> Vec<Finding> {
    let missing: Vec<&str> = node.missing_images.iter().map(String::as_str).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    vec![finding(
        Weight::Advice,
        node,
        format!("images are not there yet: {}", missing.join(", ")),
        "load them with `docker load` where the node reaches no registry; otherwise it pulls them",
    )]
}

/// UPG-005: both versions lie beside each other for a while.
fn room(node: &NodeFacts) -> Option<Finding> {
    let (all, free) = (u128::from(node.disk?), u128::from(node.disk_free?));
    let used = all.saturating_sub(free);
    if used * 100 <= all * MOST_USED {
        return None;
    }
    Some(finding(
        Weight::Unless("--force-minimums"),
        node,
        format!(
            "{} % of the disk with the engine's data are in use, at most {MOST_USED} % may be before an upgrade",
            used * 100 / all.max(1)
        ),
        "remove what nobody uses (`docker system prune`) or give it more space",
    ))
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
            BACK_UP,
        )),
        Some(None) => findings.push(cluster(
            Weight::Unless("--force-recent-backup"),
            "no backup of this cluster is known".to_owned(),
            BACK_UP,
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
