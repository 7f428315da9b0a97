//! What an operator reads about an upgrade, in the sections of the product's own upgrade summary (M4-014).

use std::collections::BTreeSet;
use std::fmt;

use super::upgrade::CONSEQUENCES;
use super::{Conversion, Left};

/// Ports that MKE 3 needs on nodes and MKE 4 does not.
pub const UNUSED_PORTS: [u16; 23] = [
    179, 443, 2376, 2377, 6444, 7946, 9055, 12376, 12378, 12379, 12380, 12381, 12382, 12383, 12384, 12385,
    12386, 12387, 12388, 12389, 12390, 12391, 12392,
];

/// What became of accounts and rights.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Users.
    pub users: usize,
    /// Organizations.
    pub organizations: usize,
    /// Teams.
    pub teams: usize,
    /// What of them has another name than expected, one sentence each.
    pub renamed: Vec<String>,
    /// What of users does not come along.
    pub users_left: Vec<Left>,
    /// What of rights does not come along.
    pub rights_left: Vec<Left>,
}

/// The summary; `Display` is its text.
#[derive(Debug, Clone, Copy)]
pub struct UpgradeSummary<'c> {
    /// What became of the configuration.
    pub conversion: &'c Conversion,
    /// What became of accounts and rights, when they were converted.
    pub access: Option<&'c Access>,
    /// The version of MKE 3 that was removed from every node; nothing while it still runs.
    pub removed: Option<&'c str>,
}

impl fmt::Display for UpgradeSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        section(f, "Configuration file")?;
        writeln!(f, "Settings converted: {}", self.conversion.converted.len())?;
        left(f, "settings", &self.conversion.left)?;
        section(f, "Authentication")?;
        match self.access {
            None => writeln!(f, "Not converted: no state was given.")?,
            Some(access) => {
                writeln!(f, "Users: {}", access.users)?;
                left(f, "users", &access.users_left)?;
            }
        }
        section(f, "Authorization")?;
        match self.access {
            None => writeln!(f, "Not converted: no state was given.")?,
            Some(access) => {
                writeln!(f, "Organizations: {}", access.organizations)?;
                writeln!(f, "Teams: {}", access.teams)?;
                writeln!(
                    f,
                    "Both become aggregated roles; Swarm roles come along without permissions."
                )?;
                for renamed in &access.renamed {
                    writeln!(f, "  {renamed}")?;
                }
                left(f, "grants and bindings", &access.rights_left)?;
            }
        }
        section(f, "Ports")?;
        let ports: Vec<_> = UNUSED_PORTS.iter().map(u16::to_string).collect();
        writeln!(
            f,
            "No longer used by the cluster, and free to be closed on all nodes: {}",
            ports.join(", ")
        )?;
        section(f, "MCR")?;
        match self.removed {
            Some(_) => writeln!(f, "The container runtime of MKE 3 may be uninstalled.")?,
            None => writeln!(
                f,
                "The container runtime of MKE 3 is needed until the upgrade is over."
            )?,
        }
        section(f, "MKE 3 clean-up")?;
        match self.removed {
            Some(version) => writeln!(f, "MKE {version} was removed from every node.")?,
            None => {
                writeln!(f, "Nothing was removed. What the upgrade will do:")?;
                for consequence in CONSEQUENCES {
                    writeln!(f, "  - {consequence}")?;
                }
            }
        }
        Ok(())
    }
}

fn left(f: &mut fmt::Formatter<'_>, what: &str, left: &[Left]) -> fmt::Result {
    if left.is_empty() {
        return writeln!(f, "All {what} in use came along.");
    }
    writeln!(f, "What of {what} did not come along: {}", left.len())?;
    let mut said = BTreeSet::new();
    for one in left {
        let same: Vec<_> = left.iter().filter(|same| same.why == one.why).collect();
        match same.as_slice() {
            [_] => writeln!(f, "  {one}")?,
            // A reason that many share is said once.
            same if said.insert(&one.why) => {
                writeln!(f, "  {}:", one.why)?;
                for same in same {
                    match same.found.as_str() {
                        "" => writeln!(f, "    {}", same.key)?,
                        found => writeln!(f, "    {} = {found}", same.key)?,
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn section(f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
    writeln!(f, "\n{title}\n{}", "-".repeat(title.len()))
}
