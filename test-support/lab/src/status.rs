//! What a person wants to know about the nodes of a lab.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::node::Node;
use crate::process::Process;

/// How long an engine may think about its state.
const PATIENCE: Duration = Duration::from_secs(5);

/// One node at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its host name.
    pub name: String,
    /// Its address on the lab's net.
    pub address: Ipv4Addr,
    /// Whether it is switched on.
    pub running: bool,
    /// Whether its cable is whole.
    pub connected: bool,
    /// What the engine says about its swarm, such as `active`; absent when it does not answer.
    pub swarm: Option<String>,
    /// Proportional set size of the engine and its containerd, in bytes.
    pub memory: u64,
}

impl Node<'_> {
    /// How it is now.
    pub fn status(&self) -> NodeStatus {
        let init = self.slot.init();
        let state = ["info", "--format", "{{.Swarm.LocalNodeState}}"];
        let swarm = init
            .and_then(|_| self.try_docker(&state, PATIENCE).ok())
            .filter(crate::Ended::success)
            .map(|ended| ended.stdout.trim().to_owned());
        NodeStatus {
            name: self.name().to_owned(),
            address: self.ip(),
            running: init.is_some(),
            connected: init.is_some() && self.lab.with_switch(|switch| switch.is_up(self.slot.number)),
            swarm,
            memory: init.map_or(0, engine_memory),
        }
    }
}

/// Of `dockerd` and `containerd` that are in the same process namespace.
fn engine_memory(init: Process) -> u64 {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(own) = namespace(&init.id().to_string()) else {
        return 0;
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = processes.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|pid| pid.parse::<u32>().is_ok() && namespace(pid).as_ref() == Some(&own))
        .filter(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            matches!(name.trim_end(), "dockerd" | "containerd")
        })
        .filter_map(|pid| proportional(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?))
        .sum()
}

fn proportional(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_size_is_read() {
        assert_eq!(
            proportional("Rss: 9 kB\nPss:     1234 kB\nPss_Anon: 5 kB\n"),
            Some(1234 * 1024)
        );
        assert_eq!(proportional("Rss: 9 kB\n"), None);
    }
}
