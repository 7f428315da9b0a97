//! What an operator reads after a conversion, in the sections of the product's own upgrade summary (M4-014).

use std::fmt;

use super::Conversion;

/// Ports that MKE 3 needs on nodes and MKE 4 does not.
pub const UNUSED_PORTS: [u16; 23] = [
    179, 443, 2376, 2377, 6444, 7946, 9055, 12376, 12378, 12379, 12380, 12381, 12382, 12383, 12384, 12385,
    12386, 12387, 12388, 12389, 12390, 12391, 12392,
];

/// How many accounts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounts {
    /// Users.
    pub users: usize,
    /// Organizations.
    pub organizations: usize,
    /// Teams.
    pub teams: usize,
}

/// The summary; `Display` is its text.
#[derive(Debug, Clone, Copy)]
pub struct UpgradeSummary<'c> {
    /// What became of the configuration.
    pub conversion: &'c Conversion,
    /// Accounts, when they are known.
    pub accounts: Option<Accounts>,
}

impl fmt::Display for UpgradeSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        section(f, "Configuration file")?;
        let left = &self.conversion.left;
        writeln!(f, "Settings converted: {}", self.conversion.converted.len())?;
        if left.is_empty() {
            writeln!(f, "Every setting in use came along.")?;
        } else {
            writeln!(f, "Settings that did not come along: {}", left.len())?;
            for left in left {
                writeln!(f, "  {} = {}: {}", left.key, left.found, left.why)?;
            }
        }
        if let Some(accounts) = self.accounts {
            section(f, "Authentication")?;
            writeln!(f, "Users: {}", accounts.users)?;
            section(f, "Authorization")?;
            writeln!(f, "Organizations: {}", accounts.organizations)?;
            writeln!(f, "Teams: {}", accounts.teams)?;
            writeln!(
                f,
                "Both become aggregated roles; Swarm roles come along without permissions."
            )?;
        }
        section(f, "Ports")?;
        let ports: Vec<_> = UNUSED_PORTS.iter().map(u16::to_string).collect();
        writeln!(f, "No longer used by the cluster: {}", ports.join(", "))?;
        section(f, "Afterwards")?;
        writeln!(
            f,
            "Swarm workloads are gone. The controller's API and client bundles of MKE 3 are no longer valid.\n\
             The container runtime of MKE 3 may be uninstalled."
        )
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
    writeln!(f, "\n{title}\n{}", "-".repeat(title.len()))
}
