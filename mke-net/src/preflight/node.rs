//! Rules about one node, one function each. Figures: requirements REQ-001 to REQ-018. Pure.

use super::facts::{Cgroup, FileSystem, NodeFacts, Selinux};
use super::{Scope, system};
use crate::finding::{Finding, Severity};

const GB: u64 = 1_000_000_000;
const GIB: u64 = 1 << 30;
/// Kernels keep some memory to themselves: a machine sold with 16 GB shows up to 6 % less.
const MEMORY_PERCENT: u64 = 94;
/// Least engine (REQ-003).
pub(super) const ENGINE: (u32, u32) = (20, 10);
/// Least kernel (REQ-004).
const KERNEL: (u32, u32) = (3, 10);
/// A clock that differs more makes tokens and certificates fail; Raft and logs suffer earlier.
const CLOCK_MS: u64 = 1000;

/// What a role needs (REQ-001, REQ-002).
struct Minimum {
    role: &'static str,
    cpus: u32,
    memory: u64,
    /// On one file system.
    disk: u64,
    /// On several, by path.
    split: [(&'static str, u64); 4],
}

const MANAGER: Minimum = Minimum {
    role: "manager",
    cpus: 2,
    memory: 16 * GIB,
    disk: 79 * GB,
    split: [
        ("/var", 25 * GB),
        ("/var/lib/kubelet", 25 * GB),
        ("/var/lib/docker", 25 * GB),
        ("/var/lib/containerd", 4 * GB),
    ],
};

const WORKER: Minimum = Minimum {
    role: "worker",
    cpus: 1,
    memory: 4 * GIB,
    disk: 15 * GB,
    split: [
        ("/var", 15 * GB),
        ("/var/lib/kubelet", 0),
        ("/var/lib/docker", 0),
        ("/var/lib/containerd", 0),
    ],
};

/// Every finding about a node.
pub fn node_findings(node: &NodeFacts, swarm_only: bool, scope: Scope) -> Vec<Finding> {
    let mut all = Vec::new();
    engine(node, scope, &mut all);
    all.extend(system::supported(node, scope));
    if node.windows {
        return all;
    }
    kernel(node, &mut all);
    minimums(node, scope, &mut all);
    storage(node, &mut all);
    isolation(node, swarm_only, scope, &mut all);
    clock(node, &mut all);
    address(node, &mut all);
    proxy(node, scope, &mut all);
    all.extend(system::preparation(node, swarm_only));
    all.extend(node.daemon.iter().cloned());
    all
}

/// The first two numbers of a version, whatever stands behind them.
pub(super) fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// REQ-003, UPG-006
fn engine(node: &NodeFacts, scope: Scope, all: &mut Vec<Finding>) {
    let evidence = match &node.engine {
        None => "the Engine does not answer".to_owned(),
        Some(version) if two_numbers(version).is_some_and(|version| version >= ENGINE) => return,
        Some(version) => format!("it is {version}"),
    };
    all.push(Finding::new(
        "node-engine",
        Severity::Error,
        "no engine of version 20.10 or later",
        evidence,
        match scope {
            Scope::Upgrade => {
                "upgrade engines to 20.10.0 or later before the control plane: managers first, then workers, one after the \
                 other, and go on when a node is healthy"
            }
            Scope::Install | Scope::Doctor => "install an engine of version 20.10.0 or later and start it",
        },
    ));
}

/// REQ-004
fn kernel(node: &NodeFacts, all: &mut Vec<Finding>) {
    let evidence = match &node.kernel {
        None => return,
        Some(release) if two_numbers(release).is_some_and(|version| version >= KERNEL) => return,
        Some(release) => format!("it is {release}"),
    };
    all.push(Finding::new(
        "node-kernel",
        Severity::Error,
        "the kernel is older than 3.10",
        evidence,
        "boot kernel 3.10 or later",
    ));
}

/// REQ-001, REQ-002
fn minimums(node: &NodeFacts, scope: Scope, all: &mut Vec<Finding>) {
    let minimum = if node.manager { MANAGER } else { WORKER };
    // Who only looks stops nothing; `--force-minimums` lets through what stops the others.
    let severity = if scope != Scope::Doctor {
        Severity::Error
    } else {
        Severity::Warning
    };
    let role = minimum.role;
    match node.cpus {
        Some(cpus) if cpus < minimum.cpus => all.push(Finding::new(
            "node-cpus",
            severity,
            format!("too few processors for a {role}"),
            format!("{cpus} of {}", minimum.cpus),
            format!(
                "give it {} processors, 4 are recommended for managers",
                minimum.cpus
            ),
        )),
        _ => {}
    }
    match node.memory {
        Some(memory) if memory < minimum.memory / 100 * MEMORY_PERCENT => all.push(Finding::new(
            "node-memory",
            severity,
            format!("too little memory for a {role}"),
            format!("{} of {} GiB", tenths(memory, GIB), minimum.memory / GIB),
            format!(
                "give it {} GiB, 24 to 32 are recommended for managers",
                minimum.memory / GIB
            ),
        )),
        _ => {}
    }
    let short = disks(&minimum, &node.disks);
    if !short.is_empty() {
        let remedy = format!(
            "give /var {} GB, or file systems of their own to what grows",
            minimum.disk / GB
        );
        all.push(Finding::new(
            "node-disk",
            severity,
            format!("too little disk for a {role}"),
            short.join(", "),
            remedy,
        ));
    }
}

/// The file systems that are too small. What shares one needs its sum; a file system that holds everything needs what the
/// documents want of one.
fn disks(minimum: &Minimum, disks: &[FileSystem]) -> Vec<String> {
    let Some(var) = disks.iter().find(|disk| disk.path == "/var") else {
        return Vec::new();
    };
    let mut short = Vec::new();
    let mut shared = 0;
    for (path, bytes) in minimum.split {
        match disks.iter().find(|disk| disk.path == path) {
            Some(disk) if disk.mount != var.mount => {
                if disk.bytes < bytes {
                    short.push(format!(
                        "{path} has {} of {} GB",
                        tenths(disk.bytes, GB),
                        bytes / GB
                    ));
                }
            }
            _ => shared += bytes,
        }
    }
    // The sum of all parts is what the documents want of one file system.
    if var.bytes < shared {
        short.insert(
            0,
            format!("/var has {} of {} GB", tenths(var.bytes, GB), shared / GB),
        );
    }
    short
}

/// A number with one digit behind the point, rounded down.
fn tenths(bytes: u64, unit: u64) -> String {
    format!("{}.{}", bytes / unit, bytes % unit * 10 / unit)
}

/// REQ-009, REQ-012
fn storage(node: &NodeFacts, all: &mut Vec<Finding>) {
    match node.storage_driver.as_deref() {
        Some("devicemapper") if node.loop_lvm => all.push(Finding::new(
            "node-storage-loop",
            Severity::Warning,
            "images lie in files that pretend to be disks",
            "storage driver devicemapper in mode loop-lvm",
            "use overlay2, or devicemapper with disks of its own (direct-lvm)",
        )),
        Some(driver @ ("devicemapper" | "aufs" | "overlay" | "vfs")) => all.push(Finding::new(
            "node-storage-driver",
            Severity::Warning,
            "the storage driver is not overlay2",
            format!("it is {driver}"),
            "use overlay2; images and containers of the other driver are not taken along",
        )),
        _ => {}
    }
    for disk in node
        .disks
        .iter()
        .filter(|disk| !disk.tells_types && disk.path != "/var")
    {
        all.push(Finding::new(
            "node-ftype",
            Severity::Error,
            "a file system on which overlays do not work",
            format!(
                "{} lies on {} at {} without ftype=1",
                disk.path, disk.kind, disk.mount
            ),
            "make the file system again with `mkfs.xfs -n ftype=1`, or move the data to another one",
        ));
    }
}

/// REQ-008, REQ-010, and SELinux.
fn isolation(node: &NodeFacts, swarm_only: bool, scope: Scope, all: &mut Vec<Finding>) {
    if node.cgroup == Some(Cgroup::V2) {
        let severity = if scope == Scope::Doctor || swarm_only {
            Severity::Warning
        } else {
            Severity::Error
        };
        all.push(Finding::new(
            "node-cgroup-v2",
            severity,
            "cgroup version 2 is not supported",
            "/sys/fs/cgroup is of version 2 alone",
            "boot with `systemd.unified_cgroup_hierarchy=0`, or install with `--swarm-only`",
        ));
    }
    if node.swap_accounting == Some(false) && matches!(node.os.as_deref(), Some("ubuntu" | "debian")) {
        all.push(Finding::new(
            "node-swap-accounting",
            Severity::Info,
            "memory of containers is counted without swap",
            "the kernel was started without `swapaccount=1`",
            "add `cgroup_enable=memory swapaccount=1` to GRUB_CMDLINE_LINUX, run `update-grub` and start anew",
        ));
    }
    if node.selinux == Some(Selinux::Permissive) {
        all.push(Finding::new(
            "node-selinux-permissive",
            Severity::Info,
            "SELinux forbids nothing",
            "it is permissive",
            "set SELINUX=enforcing in /etc/selinux/config, with package container-selinux installed",
        ));
    }
}

/// REQ-015
fn clock(node: &NodeFacts, all: &mut Vec<Finding>) {
    if node.time_service.as_deref() == Some("") {
        all.push(Finding::new(
            "node-time-service",
            Severity::Warning,
            "nothing keeps the clock right",
            "neither chronyd nor ntpd nor systemd-timesyncd runs",
            "install chrony and point all nodes to the same servers",
        ));
    }
    if let Some(offset) = node
        .clock_offset_ms
        .filter(|offset| offset.unsigned_abs() > CLOCK_MS)
    {
        all.push(Finding::new(
            "node-clock",
            Severity::Warning,
            "the clock differs from that of this machine",
            format!("by {offset} ms"),
            "let all nodes follow the same time servers",
        ));
    }
}

/// REQ-005
fn address(node: &NodeFacts, all: &mut Vec<Finding>) {
    let Some(addresses) = &node.addresses else {
        return;
    };
    let usable: Vec<_> = addresses
        .iter()
        .filter(|(address, _)| match address {
            std::net::IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
            std::net::IpAddr::V6(_) => false,
        })
        .collect();
    if usable.is_empty() {
        all.push(Finding::new(
            "node-address",
            Severity::Error,
            "the node has no IPv4 address for others",
            "no interface has one but the loopback",
            "give it a fixed IPv4 address",
        ));
    }
    let leased: Vec<String> = usable
        .iter()
        .filter(|(_, leased)| **leased == Some(true))
        .map(|(address, _)| address.to_string())
        .collect();
    if !leased.is_empty() {
        all.push(Finding::new(
            "node-address-leased",
            Severity::Warning,
            "the address of the node is leased and may change",
            leased.join(", "),
            "give it a fixed address, or a reservation that never ends",
        ));
    }
}

/// NET-013
fn proxy(node: &NodeFacts, scope: Scope, all: &mut Vec<Finding>) {
    let value = |name: &str| {
        node.proxies
            .iter()
            .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    if value("HTTP_PROXY").or(value("HTTPS_PROXY")).is_some() {
        let exempt = value("NO_PROXY").unwrap_or_default();
        let covered = exempt
            .split(',')
            .map(str::trim)
            .any(|name| matches!(name.trim_start_matches('.'), "*" | "proxy.local" | "local"));
        if !covered {
            all.push(Finding::new(
                "node-proxy-local",
                Severity::Warning,
                "calls to this node itself would go through the proxy",
                format!("NO_PROXY is `{exempt}` and has no proxy.local"),
                "add proxy.local to NO_PROXY of the Engine and restart it",
            ));
        }
    }
    if node.proxy_local == Some(false) && scope == Scope::Doctor {
        all.push(Finding::new(
            "node-hosts-proxy-local",
            Severity::Info,
            "proxy.local is not known here",
            "/etc/hosts has no such name",
            "nothing before an installation, which adds it; afterwards add `127.0.0.1 proxy.local`",
        ));
    }
}
