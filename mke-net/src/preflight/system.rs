//! Operating systems: which are supported (REQ-014), and what SLES, RHEL and NetworkManager want prepared (REQ-016, REQ-017,
//! REQ-018). Pure.

use super::Scope;
use super::facts::NodeFacts;
use super::node::two_numbers;
use crate::cni;
use crate::finding::{Finding, Severity};

/// Supported systems: `ID` of os-release and the versions, by their first numbers.
const SUPPORTED: [(&str, &[&str]); 9] = [
    ("centos", &["7"]),
    ("ol", &["7"]),
    ("rhel", &["7", "8"]),
    ("rocky", &["8"]),
    ("sles", &["12", "15"]),
    ("sles_sap", &["12", "15"]),
    ("ubuntu", &["18.04", "20.04"]),
    ("mkex", &[""]),
    ("windows", &["2019", "20H2"]),
];

/// REQ-014
pub(super) fn supported(node: &NodeFacts, scope: Scope) -> Option<Finding> {
    let id = node.os.as_deref()?;
    let version = node.os_version.as_deref().unwrap_or_default();
    let covers = |prefix: &&str| {
        prefix.is_empty()
            || version
                .strip_prefix(*prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', ' ']))
    };
    let fits = SUPPORTED
        .iter()
        .any(|(known, versions)| *known == id && versions.iter().any(covers));
    if fits {
        return None;
    }
    let why = match (id, version) {
        ("centos", version) if version.starts_with('8') => "it was dropped when CentOS 8 ended",
        ("windows", version) if version.starts_with("2022") => "it is supported from 3.5 on",
        _ => "it is not among the supported ones",
    };
    let severity = if scope == Scope::Doctor {
        Severity::Info
    } else {
        Severity::Warning
    };
    Some(Finding::new(
        "node-os",
        severity,
        "the operating system is not supported",
        format!("{id} {version}: {why}"),
        "use CentOS 7, Oracle Linux 7, RHEL 7 or 8, Rocky Linux 8, SLES 12 or 15, Ubuntu 18.04 or 20.04, or Windows Server 2019",
    ))
}

/// REQ-016, REQ-017, REQ-018
pub(super) fn preparation(node: &NodeFacts, swarm_only: bool) -> Vec<Finding> {
    let mut all = Vec::new();
    let found = &node.preparation;
    let sles = matches!(node.os.as_deref(), Some("sles" | "sles_sap"));
    let version = node.os_version.as_deref().unwrap_or_default();
    if sles && !found.cloud_netconfig.is_empty() {
        all.push(Finding::new(
            "node-sles-netconfig",
            Severity::Warning,
            "a cloud service changes the addresses of interfaces behind the cluster's back",
            format!("CLOUD_NETCONFIG_MANAGE is on for {}", found.cloud_netconfig.join(", ")),
            "set CLOUD_NETCONFIG_MANAGE=\"no\" in /etc/sysconfig/network/ifcfg-INTERFACE and restart the network",
        ));
    }
    // SP2 tracks loopback connections unless told otherwise, SP3 does not.
    let untracked = match found.lo_notrack {
        Some(untracked) => untracked,
        None => sles && two_numbers(version).is_some_and(|version| version >= (15, 3)),
    };
    if sles && untracked {
        all.push(Finding::new(
            "node-sles-loopback",
            Severity::Warning,
            "connections on the loopback interface are not tracked, so published ports do not answer there",
            "FW_LO_NOTRACK is not `no`",
            "set FW_LO_NOTRACK=\"no\" in /etc/sysconfig/SuSEfirewall2 and restart the firewall",
        ));
    }
    all.extend(found.firewalld.clone());
    if found.xt_u32 == Some(false) {
        all.push(Finding::new(
            "node-xt-u32",
            Severity::Warning,
            "encrypted overlay networks do not work",
            "the kernel has no module xt_u32",
            "install kernel-modules-extra and run `modprobe xt_u32`",
        ));
    }
    if found.manages_pods && !swarm_only {
        all.push(Finding::new(
            "node-network-manager",
            Severity::Warning,
            "NetworkManager manages the interfaces of pods",
            "no file below /etc/NetworkManager/conf.d leaves cali* and tunl* alone",
            format!(
                "write {} with `{}` and restart NetworkManager",
                cni::NETWORK_MANAGER_FILE,
                cni::network_manager().trim_end().replace('\n', " ")
            ),
        ));
    }
    all
}
