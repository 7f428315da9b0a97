//! What a host's own services do to the network of pods: firewalld (ARCH-017, REQ-017), NetworkManager (REQ-018).

use crate::finding::{Finding, Severity};

/// Where the file of [`network_manager`] belongs.
pub const NETWORK_MANAGER_FILE: &str = "/etc/NetworkManager/conf.d/calico.conf";

/// firewalld as it runs on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firewalld {
    /// It does not run.
    Absent,
    /// It runs and speaks to iptables, as Calico and the Engine do.
    Iptables,
    /// It runs and speaks to nftables, past which the rules of Calico and the Engine do not reach.
    Nftables {
        /// Whether interface docker0 lies in its zone `trusted`.
        docker0_trusted: bool,
    },
}

impl Firewalld {
    /// Reads `/etc/firewalld/firewalld.conf`. Without the line, firewalld since 0.6 uses nftables.
    pub fn read(running: bool, conf: &str, docker0_trusted: bool) -> Self {
        if !running {
            return Self::Absent;
        }
        let backend = conf
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix("FirewallBackend"));
        match backend
            .and_then(|rest| rest.trim_start().strip_prefix('='))
            .map(str::trim)
        {
            Some("iptables") => Self::Iptables,
            _ => Self::Nftables { docker0_trusted },
        }
    }
}

/// What firewalld does to pods and containers.
pub fn firewalld(state: Firewalld) -> Option<Finding> {
    match state {
        Firewalld::Absent | Firewalld::Iptables => None,
        Firewalld::Nftables {
            docker0_trusted: true,
        } => Some(Finding::new(
            "cni-firewalld-nftables",
            Severity::Warning,
            "firewalld filters packets of pods after Calico accepted them",
            "FirewallBackend is nftables in /etc/firewalld/firewalld.conf, docker0 lies in zone trusted",
            "set FirewallBackend=iptables and restart firewalld and the Engine",
        )),
        Firewalld::Nftables {
            docker0_trusted: false,
        } => Some(Finding::new(
            "cni-firewalld-nftables",
            Severity::Error,
            "firewalld drops packets of containers and pods",
            "FirewallBackend is nftables in /etc/firewalld/firewalld.conf, docker0 does not lie in zone trusted",
            "set FirewallBackend=iptables, or run `firewall-cmd --permanent --zone=trusted --add-interface=docker0`, and \
             restart firewalld and the Engine",
        )),
    }
}

/// A file that keeps NetworkManager away from the interfaces of pods, whose routes it would undo (REQ-018).
pub fn network_manager() -> &'static str {
    "[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:tunl*;interface-name:vxlan.calico;\
     interface-name:wireguard.cali\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARCH-017, REQ-017: which firewalld is in the way, and which is not.
    #[test]
    fn states_of_firewalld() {
        for (running, conf, trusted, expected) in [
            (false, "FirewallBackend=nftables", false, None),
            (true, "FirewallBackend=iptables", false, None),
            (
                true,
                "# FirewallBackend=nftables\n FirewallBackend = iptables \n",
                false,
                None,
            ),
            (true, "FirewallBackend=nftables", true, Some(Severity::Warning)),
            (true, "FirewallBackend=nftables", false, Some(Severity::Error)),
            (true, "#FirewallBackend=iptables", false, Some(Severity::Error)),
            (true, "", false, Some(Severity::Error)),
        ] {
            let found = firewalld(Firewalld::read(running, conf, trusted));
            assert_eq!(
                found.map(|finding| finding.severity),
                expected,
                "{running} {conf} {trusted}"
            );
        }
    }

    /// REQ-018
    #[test]
    fn network_manager_leaves_the_interfaces_of_pods_alone() {
        let file = network_manager();
        assert!(file.starts_with("[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:tunl*;"));
        assert!(file.contains("interface-name:vxlan.calico"));
    }
}
