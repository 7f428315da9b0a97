//! kube-proxy's mode and what the kernel must bring for it (IPVS-001, IPVS-004, IPVS-005).

use std::collections::BTreeSet;

use mke_core::product::ProductVersion;

use crate::finding::{Finding, Severity};

/// How traffic to services finds its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Rules of iptables; the default.
    Iptables,
    /// Virtual servers in the kernel.
    Ipvs,
    /// Somebody else does it.
    Disabled,
}

/// What the kernel offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kernel {
    /// Major and minor version.
    pub version: (u32, u32),
    /// Modules that are loaded or built in.
    pub modules: BTreeSet<String>,
}

/// Modules that IPVS needs besides its scheduler's.
const MODULES: [&str; 2] = ["ip_vs", "nf_conntrack"];

impl Mode {
    /// Reads `kube_proxy_mode`. Calico with eBPF does kube-proxy's work, so that none may run beside it (IPVS-004).
    ///
    /// # Errors
    /// What is wrong, with the remedy.
    pub fn read(text: &str, ebpf: bool) -> Result<Self, String> {
        match (text, ebpf) {
            ("iptables", false) => Ok(Self::Iptables),
            ("ipvs", false) => Ok(Self::Ipvs),
            ("disabled", _) => Ok(Self::Disabled),
            ("iptables" | "ipvs", true) => Err(format!(
                "`kube_proxy_mode` is `{text}`, but Calico with eBPF does kube-proxy's work: use `disabled`"
            )),
            _ => Err(format!(
                "`kube_proxy_mode` is `{text}`: use `iptables`, `ipvs` or `disabled`"
            )),
        }
    }

    /// Whether a cluster may go from one mode to another: never, the mode is chosen at the installation (IPVS-001).
    pub fn may_become(self, other: Self) -> bool {
        self == other
    }
}

/// What of the kernel is in the way of a mode; `scheduler` is `ipvs_scheduler`, empty for round robin.
pub fn findings(mode: Mode, version: ProductVersion, kernel: &Kernel, scheduler: &str) -> Vec<Finding> {
    if mode != Mode::Ipvs {
        return Vec::new();
    }
    let mut found = Vec::new();
    let scheduler = if scheduler.is_empty() { "rr" } else { scheduler };
    let wanted = MODULES
        .iter()
        .map(|name| (*name).to_owned())
        .chain([format!("ip_vs_{scheduler}")]);
    let missing: Vec<_> = wanted.filter(|name| !kernel.modules.contains(name)).collect();
    if !missing.is_empty() {
        found.push(Finding::new(
            "ipvs-modules",
            Severity::Error,
            "the kernel lacks modules of IPVS",
            format!("not loaded: {}", missing.join(", ")),
            format!(
                "run `modprobe {}` and name them in a file of /etc/modules-load.d",
                missing.join(" && modprobe ")
            ),
        ));
    }
    let broken = ["3.4.10", "3.4.11"]
        .iter()
        .any(|broken| broken.parse() == Ok(version));
    if broken && kernel.version >= (5, 11) {
        let (major, minor) = kernel.version;
        found.push(Finding::new(
            "ipvs-kernel-5-11",
            Severity::Error,
            "IPVS does not work in this version with this kernel",
            format!(
                "version {version} with kernel {major}.{minor}; 3.4.10 and 3.4.11 fail on 5.11 and later"
            ),
            "use 3.4.12 or later, or an older kernel",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(version: (u32, u32), modules: &[&str]) -> Kernel {
        Kernel {
            version,
            modules: modules.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn ids(version: &str, kernel: &Kernel, scheduler: &str) -> Vec<String> {
        let found = findings(Mode::Ipvs, version.parse().unwrap(), kernel, scheduler);
        found
            .iter()
            .map(|finding| finding.id.clone().into_owned())
            .collect()
    }

    /// IPVS-001, IPVS-004: three modes, none beside eBPF, and no way from one to another.
    #[test]
    fn modes() {
        assert_eq!(Mode::read("ipvs", false), Ok(Mode::Ipvs));
        assert_eq!(Mode::read("disabled", true), Ok(Mode::Disabled));
        for (text, ebpf) in [
            ("ipvs", true),
            ("iptables", true),
            ("", false),
            ("IPVS", false),
            ("userspace", false),
        ] {
            assert!(Mode::read(text, ebpf).is_err(), "{text} {ebpf}");
        }
        let all = [Mode::Iptables, Mode::Ipvs, Mode::Disabled];
        for one in all {
            assert!(all.iter().all(|other| one.may_become(*other) == (one == *other)));
        }
    }

    /// IPVS-005: the versions and kernels that fail together, and their neighbours that do not.
    #[test]
    fn kernels_and_versions() {
        let modules = ["ip_vs", "nf_conntrack", "ip_vs_rr"];
        for (version, numbers, expected) in [
            ("3.4.10", (5, 11), vec!["ipvs-kernel-5-11"]),
            ("3.4.11", (6, 1), vec!["ipvs-kernel-5-11"]),
            ("3.4.11", (5, 10), vec![]),
            ("3.4.9", (5, 11), vec![]),
            ("3.4.12", (6, 1), vec![]),
        ] {
            assert_eq!(
                ids(version, &kernel(numbers, &modules), ""),
                expected,
                "{version} {numbers:?}"
            );
        }
        assert_eq!(ids("3.4.15", &kernel((5, 4), &modules), "wrr"), ["ipvs-modules"]);
        assert_eq!(ids("3.4.15", &kernel((5, 4), &[]), ""), ["ipvs-modules"]);
        assert_eq!(
            findings(
                Mode::Iptables,
                "3.4.10".parse().unwrap(),
                &kernel((5, 11), &[]),
                ""
            ),
            []
        );
    }
}
