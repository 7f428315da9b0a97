//! Rules about all nodes together: what must be one and the same everywhere. Pure.

use std::collections::BTreeMap;

use super::Scope;
use super::facts::{Facts, NodeFacts};
use super::timeouts::{BUDGET, MAX_LAG_MS};
use crate::finding::{Finding, Severity};

/// Every finding about the cluster as a whole.
pub fn cluster_findings(facts: &Facts, scope: Scope) -> Vec<Finding> {
    let mut all = Vec::new();
    let differ = |of: fn(&NodeFacts) -> Option<String>| differing(&facts.nodes, of);
    // Who installs or upgrades cannot go on with a mixture.
    let strict = if scope == Scope::Doctor {
        Severity::Warning
    } else {
        Severity::Error
    };
    if let Some(evidence) = differ(|node| node.engine.clone()) {
        all.push(Finding::new(
            "cluster-engines",
            strict,
            "the nodes run different engines",
            evidence,
            "bring all nodes to one version of the Engine",
        ));
    }
    if let Some(evidence) = differ(|node| node.kernel.clone().filter(|_| !node.windows)) {
        all.push(Finding::new(
            "cluster-kernels",
            Severity::Info,
            "the nodes run different kernels",
            evidence,
            "keep them close, it makes faults easier to find",
        ));
    }
    if let Some(evidence) = differ(|node| node.data_root.clone().filter(|_| !node.windows)) {
        all.push(Finding::new(
            "cluster-data-roots",
            strict,
            "the engines keep their data in different places",
            evidence,
            "use one `data-root` on all nodes; after changing it everywhere, make the Kubernetes network configuration again",
        ));
    }
    if let Some(evidence) = names(&facts.nodes) {
        all.push(Finding::new(
            "cluster-host-names",
            Severity::Warning,
            "some host names are short and some have their domain",
            evidence,
            "name all hosts by one scheme",
        ));
    }
    if let Some(lag) = facts.manager_lag_ms.filter(|lag| *lag > MAX_LAG_MS) {
        let budget: Vec<String> = BUDGET
            .iter()
            .map(|row| format!("{} {} ms", row.part, row.milliseconds))
            .collect();
        all.push(Finding::new(
            "cluster-lag",
            Severity::Warning,
            "managers wait so long for each other that they elect new leaders without need",
            format!(
                "{lag} ms where {MAX_LAG_MS} are allowed; time-outs: {}",
                budget.join(", ")
            ),
            "put managers closer together, or find what delays their packets",
        ));
    }
    all
}

/// Each value with the nodes that have it, when there are several.
fn differing(nodes: &[NodeFacts], of: fn(&NodeFacts) -> Option<String>) -> Option<String> {
    let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        if let Some(value) = of(node) {
            by_value.entry(value).or_default().push(&node.name);
        }
    }
    (by_value.len() > 1).then(|| {
        let each: Vec<String> = by_value
            .iter()
            .map(|(value, names)| format!("{value} ({})", names.join(", ")))
            .collect();
        each.join(", ")
    })
}

/// REQ-013
fn names(nodes: &[NodeFacts]) -> Option<String> {
    let (long, short): (Vec<&str>, Vec<&str>) = nodes
        .iter()
        .map(|node| node.name.as_str())
        .partition(|name| name.contains('.'));
    (!long.is_empty() && !short.is_empty())
        .then(|| format!("short: {}; with domain: {}", short.join(", "), long.join(", ")))
}
