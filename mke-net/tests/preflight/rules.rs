//! Every rule of the checker of nodes fires when it should and only then.

use std::collections::BTreeMap;

use mke_net::Severity;
use mke_net::preflight::{
    BUDGET, Cgroup, Facts, FileSystem, NodeFacts, Preparation, Scope, Selinux, cluster_findings, findings,
    node_findings, switch_of,
};
use proptest::prelude::*;

use crate::ids;

const GB: u64 = 1_000_000_000;
const GIB: u64 = 1 << 30;

fn disk(path: &str, mount: &str, gigabytes: u64) -> FileSystem {
    FileSystem {
        path: path.to_owned(),
        mount: mount.to_owned(),
        kind: "ext4".to_owned(),
        bytes: gigabytes * GB,
        free: gigabytes * GB,
        tells_types: true,
    }
}

/// A manager about which there is nothing to say.
fn sound() -> NodeFacts {
    NodeFacts {
        name: "n1".to_owned(),
        manager: true,
        engine: Some("20.10.24".to_owned()),
        kernel: Some("5.4.0-42-generic".to_owned()),
        os: Some("ubuntu".to_owned()),
        os_version: Some("20.04".to_owned()),
        cpus: Some(4),
        memory: Some(32 * GIB),
        disks: vec![disk("/var", "/", 100)],
        data_root: Some("/var/lib/docker".to_owned()),
        storage_driver: Some("overlay2".to_owned()),
        selinux: Some(Selinux::Absent),
        cgroup: Some(Cgroup::V1),
        swap_accounting: Some(true),
        time_service: Some("chronyd".to_owned()),
        clock_offset_ms: Some(3),
        addresses: Some(BTreeMap::from([("192.0.2.7".parse().unwrap(), None)])),
        proxy_local: Some(true),
        ..NodeFacts::default()
    }
}

type Change = fn(&mut NodeFacts);

/// REQ-001, REQ-002, REQ-003, REQ-004, REQ-005, REQ-008, REQ-009, REQ-010, REQ-012, REQ-014, REQ-015, REQ-016, REQ-017, REQ-018,
/// NET-013: what is found, and right beside it what is not.
#[test]
fn every_rule_and_its_edge() {
    let cases: [(&str, Change, &[&str]); 51] = [
        ("sound", |_| {}, &[]),
        (
            "old engine",
            |n| n.engine = Some("19.03.15".to_owned()),
            &["node-engine"],
        ),
        ("least engine", |n| n.engine = Some("20.10.0".to_owned()), &[]),
        ("new engine", |n| n.engine = Some("28.0.1-rc.1".to_owned()), &[]),
        (
            "no number",
            |n| n.engine = Some("dev".to_owned()),
            &["node-engine"],
        ),
        ("no engine", |n| n.engine = None, &["node-engine"]),
        (
            "old kernel",
            |n| n.kernel = Some("3.9.11".to_owned()),
            &["node-kernel"],
        ),
        (
            "least kernel",
            |n| n.kernel = Some("3.10.0-1160.el7.x86_64".to_owned()),
            &[],
        ),
        ("plus in kernel", |n| n.kernel = Some("6.1+deb".to_owned()), &[]),
        (
            "odd kernel",
            |n| n.kernel = Some("custom".to_owned()),
            &["node-kernel"],
        ),
        ("one processor", |n| n.cpus = Some(1), &["node-cpus"]),
        ("two", |n| n.cpus = Some(2), &[]),
        ("memory", |n| n.memory = Some(15 * GIB), &["node-memory"]),
        ("16 GB as kernels count", |n| n.memory = Some(15_600 << 20), &[]),
        (
            "small disk",
            |n| n.disks = vec![disk("/var", "/", 78)],
            &["node-disk"],
        ),
        ("least disk", |n| n.disks = vec![disk("/var", "/", 79)], &[]),
        (
            "split",
            |n| {
                n.disks = vec![
                    disk("/var", "/var", 25),
                    disk("/var/lib/kubelet", "/k", 25),
                    disk("/var/lib/docker", "/d", 25),
                    disk("/var/lib/containerd", "/c", 4),
                ];
            },
            &[],
        ),
        (
            "split and one too small",
            |n| {
                n.disks = vec![
                    disk("/var", "/var", 25),
                    disk("/var/lib/kubelet", "/k", 25),
                    disk("/var/lib/docker", "/d", 24),
                    disk("/var/lib/containerd", "/c", 4),
                ];
            },
            &["node-disk"],
        ),
        (
            "half split",
            |n| n.disks = vec![disk("/var", "/", 54), disk("/var/lib/docker", "/d", 25)],
            &[],
        ),
        (
            "half split, too small",
            |n| n.disks = vec![disk("/var", "/", 53), disk("/var/lib/docker", "/d", 25)],
            &["node-disk"],
        ),
        (
            "worker",
            |n| {
                (n.manager, n.cpus, n.memory, n.disks) =
                    (false, Some(1), Some(4 * GIB), vec![disk("/var", "/", 15)])
            },
            &[],
        ),
        (
            "small worker",
            |n| (n.manager, n.memory, n.disks) = (false, Some(3 * GIB), vec![disk("/var", "/", 14)]),
            &["node-memory", "node-disk"],
        ),
        (
            "loop-lvm",
            |n| (n.storage_driver, n.loop_lvm) = (Some("devicemapper".to_owned()), true),
            &["node-storage-loop"],
        ),
        (
            "direct-lvm",
            |n| n.storage_driver = Some("devicemapper".to_owned()),
            &["node-storage-driver"],
        ),
        ("btrfs", |n| n.storage_driver = Some("btrfs".to_owned()), &[]),
        (
            "no ftype",
            |n| {
                n.disks.push(FileSystem {
                    tells_types: false,
                    ..disk("/var/lib/docker", "/", 100)
                })
            },
            &["node-ftype"],
        ),
        ("cgroup", |n| n.cgroup = Some(Cgroup::V2), &["node-cgroup-v2"]),
        (
            "swap",
            |n| n.swap_accounting = Some(false),
            &["node-swap-accounting"],
        ),
        (
            "swap elsewhere",
            |n| {
                (n.swap_accounting, n.os, n.os_version) =
                    (Some(false), Some("rhel".to_owned()), Some("8.4".to_owned()))
            },
            &[],
        ),
        (
            "permissive",
            |n| n.selinux = Some(Selinux::Permissive),
            &["node-selinux-permissive"],
        ),
        ("enforcing", |n| n.selinux = Some(Selinux::Enforcing), &[]),
        (
            "no time",
            |n| n.time_service = Some(String::new()),
            &["node-time-service"],
        ),
        ("time not known", |n| n.time_service = None, &[]),
        (
            "clock behind",
            |n| n.clock_offset_ms = Some(-1001),
            &["node-clock"],
        ),
        ("clock near", |n| n.clock_offset_ms = Some(1000), &[]),
        (
            "no address",
            |n| n.addresses = Some(BTreeMap::new()),
            &["node-address"],
        ),
        (
            "IPv6 and loopback only",
            |n| {
                n.addresses = Some(BTreeMap::from([
                    ("fd00::7".parse().unwrap(), None),
                    ("127.0.0.1".parse().unwrap(), None),
                    ("169.254.1.1".parse().unwrap(), None),
                ]))
            },
            &["node-address"],
        ),
        (
            "leased",
            |n| n.addresses = Some(BTreeMap::from([("192.0.2.7".parse().unwrap(), Some(true))])),
            &["node-address-leased"],
        ),
        (
            "proxy",
            |n| n.proxies = BTreeMap::from([("HTTP_PROXY".to_owned(), "http://p:3128".to_owned())]),
            &["node-proxy-local"],
        ),
        (
            "proxy with exemption",
            |n| {
                n.proxies = BTreeMap::from([
                    ("HTTPS_PROXY".to_owned(), "http://p".to_owned()),
                    ("no_proxy".to_owned(), "10.0.0.1, proxy.local".to_owned()),
                ])
            },
            &[],
        ),
        (
            "exemption of another",
            |n| {
                n.proxies = BTreeMap::from([
                    ("HTTPS_PROXY".to_owned(), "http://p".to_owned()),
                    ("NO_PROXY".to_owned(), "xproxy.local".to_owned()),
                ])
            },
            &["node-proxy-local"],
        ),
        (
            "empty proxy",
            |n| n.proxies = BTreeMap::from([("HTTP_PROXY".to_owned(), String::new())]),
            &[],
        ),
        (
            "CentOS 8",
            |n| (n.os, n.os_version) = (Some("centos".to_owned()), Some("8".to_owned())),
            &["node-os"],
        ),
        (
            "SLES",
            |n| (n.os, n.os_version) = (Some("sles".to_owned()), Some("15.2".to_owned())),
            &[],
        ),
        (
            "SLES SP3",
            |n| (n.os, n.os_version) = (Some("sles".to_owned()), Some("15.3".to_owned())),
            &["node-sles-loopback"],
        ),
        (
            "SLES SP3, prepared",
            |n| {
                (n.os, n.os_version, n.preparation.lo_notrack) =
                    (Some("sles".to_owned()), Some("15.3".to_owned()), Some(false))
            },
            &[],
        ),
        (
            "SLES in a cloud",
            |n| {
                (n.os, n.os_version, n.preparation) = (
                    Some("sles".to_owned()),
                    Some("15.2".to_owned()),
                    Preparation {
                        cloud_netconfig: vec!["eth0".to_owned()],
                        lo_notrack: Some(true),
                        ..Preparation::default()
                    },
                )
            },
            &["node-sles-netconfig", "node-sles-loopback"],
        ),
        (
            "no xt_u32",
            |n| n.preparation.xt_u32 = Some(false),
            &["node-xt-u32"],
        ),
        (
            "NetworkManager",
            |n| n.preparation.manages_pods = true,
            &["node-network-manager"],
        ),
        (
            "Windows 2022",
            |n| (n.windows, n.os, n.os_version) = (true, Some("windows".to_owned()), Some("2022".to_owned())),
            &["node-os"],
        ),
        (
            "Windows 2019",
            |n| {
                (n.windows, n.os, n.os_version, n.cpus) =
                    (true, Some("windows".to_owned()), Some("2019".to_owned()), Some(1))
            },
            &[],
        ),
    ];
    for (name, change, expected) in cases {
        let mut node = sound();
        change(&mut node);
        let found = node_findings(&node, false, Scope::Install);
        assert_eq!(ids(&found), expected, "{name}");
        for finding in &found {
            assert!(!finding.title.is_empty() && !finding.evidence.is_empty() && !finding.remedy.is_empty());
        }
    }
}

/// REQ-014: every supported system passes, their neighbours do not.
#[test]
fn operating_systems() {
    for (id, version, supported) in [
        ("centos", "7", true),
        ("centos", "7.9", true),
        ("centos", "8", false),
        ("ol", "7.9", true),
        ("ol", "8.1", false),
        ("rhel", "7.9", true),
        ("rhel", "8.4", true),
        ("rhel", "9.0", false),
        ("rhel", "80", false),
        ("rocky", "8.6", true),
        ("rocky", "9", false),
        ("sles", "12.5", true),
        ("sles", "15.3", true),
        ("sles", "11", false),
        ("ubuntu", "18.04", true),
        ("ubuntu", "20.04", true),
        ("ubuntu", "20.10", false),
        ("ubuntu", "22.04", false),
        ("debian", "12", false),
        ("mkex", "8.9", true),
        ("windows", "2019", true),
        ("windows", "20H2", true),
        ("windows", "2022", false),
        ("", "", false),
    ] {
        let node = NodeFacts {
            os: Some(id.to_owned()),
            os_version: Some(version.to_owned()),
            ..sound()
        };
        let found = node_findings(&node, false, Scope::Doctor);
        assert_eq!(!ids(&found).contains(&"node-os"), supported, "{id} {version}");
    }
}

/// REQ-003, REQ-011, REQ-013, NET-014: what must be one and the same everywhere, who differs, and how long managers may wait.
#[test]
fn all_nodes_together() {
    let mut other = sound();
    (other.name, other.manager) = ("n2".to_owned(), false);
    let of = |change: Change, lag| {
        let mut other = other.clone();
        change(&mut other);
        Facts {
            nodes: vec![sound(), other],
            swarm_only: false,
            manager_lag_ms: lag,
        }
    };
    let cases: [(Change, Option<u64>, &[&str]); 8] = [
        (|_| {}, None, &[]),
        (|_| {}, Some(2000), &[]),
        (|_| {}, Some(2001), &["cluster-lag"]),
        (
            |n| n.engine = Some("23.0.1".to_owned()),
            None,
            &["cluster-engines"],
        ),
        (|n| n.engine = None, None, &[]),
        (
            |n| n.kernel = Some("5.4.0-43-generic".to_owned()),
            None,
            &["cluster-kernels"],
        ),
        (
            |n| n.data_root = Some("/data".to_owned()),
            None,
            &["cluster-data-roots"],
        ),
        (
            |n| n.name = "n2.example.com".to_owned(),
            None,
            &["cluster-host-names"],
        ),
    ];
    for (change, lag, expected) in cases {
        assert_eq!(ids(&cluster_findings(&of(change, lag), Scope::Install)), expected);
    }
    let facts = of(|n| n.engine = Some("23.0.1".to_owned()), None);
    let mixed = &cluster_findings(&facts, Scope::Upgrade)[0];
    assert_eq!(
        (mixed.severity, mixed.evidence.as_str()),
        (Severity::Error, "20.10.24 (n1), 23.0.1 (n2)")
    );
    assert_eq!(
        cluster_findings(&facts, Scope::Doctor)[0].severity,
        Severity::Warning
    );
    let late = &cluster_findings(&of(|_| {}, Some(9000)), Scope::Doctor)[0];
    for row in BUDGET {
        assert!(
            late.evidence.contains(&row.milliseconds.to_string()),
            "{}",
            late.evidence
        );
    }
    assert_eq!(
        BUDGET.map(|row| row.milliseconds),
        [3000, 5000, 500, 10_000, 90_000]
    );
    let facts = of(|n| n.cpus = Some(0), None);
    assert!(findings(&facts, Scope::Install)[0].evidence.starts_with("n2: "));
}

/// REQ-001, REQ-008: who only looks, or runs already, is not stopped by what a new cluster is refused; switches let through what
/// they name.
#[test]
fn who_asks() {
    let mut node = sound();
    (node.cpus, node.cgroup) = (Some(1), Some(Cgroup::V2));
    let severities = |swarm_only, scope| -> Vec<Severity> {
        node_findings(&node, swarm_only, scope)
            .iter()
            .map(|finding| finding.severity)
            .collect()
    };
    assert_eq!(
        severities(false, Scope::Install),
        [Severity::Error, Severity::Error]
    );
    assert_eq!(
        severities(true, Scope::Install),
        [Severity::Error, Severity::Warning]
    );
    assert_eq!(
        severities(false, Scope::Upgrade),
        [Severity::Error, Severity::Error]
    );
    assert_eq!(
        severities(false, Scope::Doctor),
        [Severity::Warning, Severity::Warning]
    );
    assert_eq!(switch_of("node-cpus"), Some("--force-minimums"));
    assert_eq!(switch_of("daemon-open-port"), Some("--force-insecure-tcp"));
    assert_eq!(switch_of("node-engine"), None);
}

proptest! {
    /// REQ-001: disks are judged as by one who adds up what each mount must hold.
    #[test]
    fn disks_against_a_slow_evaluator(
        var in 0_u64..100,
        parts in prop::collection::vec((any::<bool>(), 0_u64..50), 3),
    ) {
        let names = ["/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd"];
        let needs = [25, 25, 4];
        let mut node = sound();
        node.disks = vec![disk("/var", "/var", var)];
        let (mut short, mut rest) = (false, 25);
        for ((name, need), (own, size)) in names.iter().zip(needs).zip(&parts) {
            node.disks.push(disk(name, if *own { name } else { "/var" }, if *own { *size } else { var }));
            if *own { short |= *size < need } else { rest += need }
        }
        short |= var < rest;
        let found = node_findings(&node, false, Scope::Install);
        prop_assert_eq!(ids(&found).contains(&"node-disk"), short);
    }
}
