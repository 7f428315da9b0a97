//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measure what the programs cost, beside peers in the same run.
#[derive(Debug, Parser)]
#[command(name = "mke-bench", version)]
pub(crate) struct Args {
    /// What to measure; everything when nothing is named.
    #[arg(value_enum)]
    names: Vec<Name>,
    /// How results are shown.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Format,
    /// Rounds of each load; medians are taken over them.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Seconds of each round of load.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Containers in the list.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) containers: u32,
    /// Measure this `ucp` instead of building one.
    #[arg(long)]
    pub(crate) ucp: Option<PathBuf>,
    /// Synchronise this store once, print what it took, and do nothing else: how `ldap` starts itself.
    #[arg(long, hide = true, requires = "with")]
    pub(crate) synchronise: Option<PathBuf>,
    /// The directory server to synchronise with.
    #[arg(long, hide = true, default_value = "")]
    pub(crate) with: String,
}

impl Args {
    /// What to measure, without repeats, in the order of the report.
    pub(crate) fn measures(&self) -> Vec<Name> {
        let wanted = |name: &Name| self.names.is_empty() || self.names.contains(name);
        Name::value_variants().iter().copied().filter(wanted).collect()
    }

    /// How long one round of load lasts.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// A subject of measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Access decisions with their reasons.
    Decide,
    /// Reading, checking and editing a configuration file, beside Python.
    Config,
    /// SAML responses, beside libxmlsec1 and pysaml2.
    Saml,
    /// Start-up time and memory of `ucp serve`.
    Serve,
    /// Client bundles, beside openssl.
    Bundles,
    /// Users over SCIM, beside scim2-server.
    Scim,
    /// A synchronisation with a large LDAP directory, beside ldapsearch and Python's ldap3.
    Ldap,
    /// Engine calls through the control plane, beside haproxy and nginx.
    Proxy,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Markdown tables.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_names_everything_is_measured_once() {
        let measures = |words: &[&str]| Args::try_parse_from(words).unwrap().measures();
        assert_eq!(measures(&["mke-bench"]).len(), Name::value_variants().len());
        assert_eq!(
            measures(&["mke-bench", "proxy", "decide", "proxy"]),
            [Name::Decide, Name::Proxy]
        );
        assert!(Args::try_parse_from(["mke-bench", "everything"]).is_err());
        assert!(Args::try_parse_from(["mke-bench", "--rounds", "0"]).is_err());
    }
}
