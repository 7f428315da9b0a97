//! What components are started with: snapshots of every component, rules and refusals, and that no secret leaves.

#![cfg(test)]

mod components;
mod encryption;
mod secrets;
mod values;

use mke_core::config::Config;
use mke_core::render::{Component, NodeFacts, NodeRole, RenderProblems, Rendered, render};

/// A file that uses what rendering knows.
const RICH: &str = include_str!("rich.toml");

fn rich() -> Config {
    Config::parse(RICH).unwrap()
}

/// A configuration whose `[cluster_config]` holds these lines.
fn cluster(lines: &str) -> Config {
    Config::parse(&format!("[cluster_config]\n{lines}\n")).unwrap()
}

/// A manager of three.
fn manager() -> NodeFacts {
    NodeFacts {
        managers: ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
            .map(|address| address.parse().unwrap())
            .to_vec(),
        cluster_id: "JW7A:KQ2P".to_owned(),
        ..NodeFacts::single_manager("node-1.example.com", "10.0.0.1".parse().unwrap())
    }
}

fn worker() -> NodeFacts {
    NodeFacts {
        name: "node-7".to_owned(),
        address: "10.0.0.7".parse().unwrap(),
        role: NodeRole::Worker,
        ..manager()
    }
}

fn of(component: Component, config: &Config, facts: &NodeFacts) -> Rendered {
    render(component, config, facts).unwrap_or_else(|problems| panic!("{component}: {problems}"))
}

/// The value of the flag that counts.
fn flag(component: Component, config: &Config, facts: &NodeFacts, name: &str) -> Option<String> {
    of(component, config, facts)
        .flag(name)
        .and_then(|flag| flag.value.clone())
}

fn places(result: Result<Rendered, RenderProblems>) -> Vec<String> {
    let problems = result.err().unwrap_or_default();
    problems.0.into_iter().map(|problem| problem.place).collect()
}
