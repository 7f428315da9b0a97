//! The one checker of nodes: what it says of facts, and how it reads them from a machine.

#![cfg(test)]

#[path = "preflight/machine.rs"]
mod machine;
#[path = "preflight/rules.rs"]
mod rules;

use mke_net::Finding;

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.id.as_ref()).collect()
}
