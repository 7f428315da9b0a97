//! What a reader must know to compare the figures with others: the command, the machine, the peers.

use std::path::Path;

use serde::Serialize;

use crate::args::Name;
use crate::process;
use crate::tools;

/// Facts of one run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Facts {
    /// The words that started it.
    command: String,
    version: &'static str,
    processor: String,
    cores: usize,
    kernel: String,
    memory: String,
    /// Load averages over 1, 5 and 15 minutes before the run: other work on the machine disturbs every figure.
    load_before: String,
    peers: Vec<String>,
}

impl Facts {
    /// Looks at the machine, and asks the peers of these measures for their versions.
    pub(crate) async fn gather(measures: &[Name]) -> Self {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        Self {
            command: format!("cargo run --release -p mke-bench -- {}", arguments.join(" ")),
            version: env!("CARGO_PKG_VERSION"),
            processor: member("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease"),
            memory: member("/proc/meminfo", "MemTotal"),
            load_before: read("/proc/loadavg")
                .split(' ')
                .take(3)
                .collect::<Vec<_>>()
                .join(" "),
            peers: peers(measures).await,
        }
    }

    /// What and its value, in the order of the report.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        vec![
            ("command", format!("`{}`", self.command)),
            ("mke", self.version.to_owned()),
            (
                "machine",
                format!(
                    "{} × {}, {}, Linux {}",
                    self.cores, self.processor, self.memory, self.kernel
                ),
            ),
            ("load before the run", self.load_before.clone()),
            ("peers", self.peers.join("; ")),
        ]
    }
}

async fn peers(measures: &[Name]) -> Vec<String> {
    let mut calls: Vec<[&str; 2]> = Vec::new();
    for name in measures {
        calls.extend_from_slice(match name {
            Name::Decide | Name::Serve => &[],
            Name::Config | Name::Scim => &[["python3", "--version"]],
            Name::Saml => &[["python3", "--version"], ["xmlsec1", "--version"]],
            Name::Ldap => &[["ldapsearch", "-VV"], ["python3", "--version"]],
            Name::Bundles => &[["openssl", "version"]],
            Name::Proxy => &[["haproxy", "-v"], ["nginx", "-v"], ["dockerd", "--version"]],
        });
    }
    let mut versions = Vec::new();
    for [program, flag] in calls {
        let mut command = tools::command(program);
        command.arg(flag);
        // nginx prints its version on standard error, and a missing version spoils no figure.
        let version = process::first_line(&mut command.into()).await;
        versions.push(version.unwrap_or_else(|| format!("{program} of unknown version")));
    }
    versions
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    text.trim().to_owned()
}

/// The value of the first `name : value` line.
fn member(path: &str, name: &str) -> String {
    value_of(&read(path), name).unwrap_or("unknown").to_owned()
}

/// As [`member`], of a text.
pub(crate) fn value_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_name() {
        let text = "model\t\t: 167\nmodel name\t: Some CPU: fast\nmodel name\t: Another\n";
        assert_eq!(value_of(text, "model name"), Some("Some CPU: fast"));
        assert_eq!(value_of(text, "model"), Some("167"));
        assert_eq!(value_of(text, "name"), None);
    }
}
