//! What the checker of nodes reads of a machine: the files of distributions become facts.

use std::path::Path;

use mke_net::preflight::{Cgroup, NodeFacts, Scope, Selinux, node_findings};

use crate::ids;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// REQ-001, REQ-004, REQ-006, REQ-007, REQ-008, REQ-010, REQ-014, REQ-016, REQ-017, REQ-018, NET-013: facts are read from files as
/// distributions write them.
#[test]
fn a_machine_is_read() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for (path, text) in [
        (
            "etc/os-release",
            "NAME=\"SLES\"\nID=\"sles\"\nVERSION_ID=\"15.3\"\n",
        ),
        ("proc/sys/kernel/osrelease", "5.3.18-57-default\n"),
        ("proc/sys/kernel/hostname", "node-1\n"),
        (
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\n",
        ),
        ("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n"),
        (
            "proc/mounts",
            "/dev/a / ext4 rw 0 0\n/dev/b /var/lib xfs rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
        ),
        ("proc/cmdline", "quiet swapaccount=0\n"),
        ("proc/17/comm", "chronyd\n"),
        ("proc/18/comm", "firewalld\n"),
        ("proc/19/comm", "NetworkManager\n"),
        ("sys/fs/selinux/enforce", "0\n"),
        (
            "etc/docker/daemon.json",
            "{\"no-new-privileges\":true,\"userns-remap\":\"default\",\"data-root\":\"/data\",\"bip\":7}",
        ),
        ("etc/hosts", "127.0.0.1 localhost # proxy.local\n"),
        (
            "etc/systemd/system/docker.service.d/p.conf",
            "[Service]\nEnvironment=\"HTTP_PROXY=http://p:3128\" \"NO_PROXY=10.0.0.0/8\"\n",
        ),
        (
            "etc/sysconfig/network/ifcfg-eth0",
            "BOOTPROTO='dhcp'\nCLOUD_NETCONFIG_MANAGE='yes'\n",
        ),
        (
            "etc/sysconfig/network/ifcfg-eth1",
            "CLOUD_NETCONFIG_MANAGE='no'\n",
        ),
        ("etc/sysconfig/SuSEfirewall2", "FW_LO_NOTRACK=\"yes\"\n"),
        (
            "lib/modules/5.3.18-57-default/modules.dep",
            "kernel/net/netfilter/xt_u32x.ko:\n",
        ),
    ] {
        write(root, path, text);
    }
    let node = NodeFacts::observe(root, false);
    assert_eq!(
        (node.name.as_str(), node.cpus, node.memory),
        ("node-1", Some(2), Some(16 << 20))
    );
    assert_eq!(
        (node.os.as_deref(), node.os_version.as_deref()),
        (Some("sles"), Some("15.3"))
    );
    assert_eq!(
        (node.cgroup, node.swap_accounting, node.selinux),
        (Some(Cgroup::V2), Some(false), Some(Selinux::Permissive))
    );
    assert_eq!(node.time_service.as_deref(), Some("chronyd"));
    assert_eq!(
        (node.data_root.as_deref(), node.proxy_local),
        (Some("/data"), Some(false))
    );
    assert_eq!(node.proxies["NO_PROXY"], "10.0.0.0/8");
    assert_eq!(
        ids(&node.daemon),
        [
            "daemon-setting",
            "daemon-no-new-privileges",
            "daemon-userns-remap"
        ]
    );
    assert_eq!(node.preparation.cloud_netconfig, ["eth0"]);
    assert_eq!(
        (node.preparation.lo_notrack, node.preparation.xt_u32),
        (Some(true), Some(false))
    );
    assert!(node.preparation.manages_pods && node.preparation.firewalld.is_some());
    assert_eq!(
        node.disks
            .iter()
            .find(|disk| disk.path == "/var/lib/kubelet")
            .unwrap()
            .mount,
        "/"
    );
    let all = node_findings(&node, false, Scope::Install);
    for id in [
        "node-proxy-local",
        "node-sles-netconfig",
        "node-xt-u32",
        "node-network-manager",
        "cni-firewalld-nftables",
    ] {
        assert!(ids(&all).contains(&id), "{id} is missing in {:?}", ids(&all));
    }
    // Facts travel between nodes as JSON and say the same there.
    let text = serde_json::to_string(&node).unwrap();
    assert_eq!(serde_json::from_str::<NodeFacts>(&text).unwrap(), node);

    write(root, "etc/docker/daemon.json", "{");
    write(
        root,
        "etc/NetworkManager/conf.d/c.conf",
        "[keyfile]\nunmanaged-devices=interface-name:cali*\n",
    );
    let node = NodeFacts::observe(root, false);
    assert_eq!(ids(&node.daemon), ["daemon-not-json"]);
    assert!(!node.preparation.manages_pods);
}

/// REQ-005: an address that a lease file names is leased, and only that.
#[test]
fn leases() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    write(root, "proc/net/route", "Iface\n");
    write(
        root,
        "proc/net/fib_trie",
        "     |-- 192.0.2.7\n        /32 host LOCAL\n     |-- 192.0.2.70\n        /32 host LOCAL\n",
    );
    write(
        root,
        "run/systemd/netif/leases/2",
        "ADDRESS=192.0.2.70\nROUTER=192.0.2.1\n",
    );
    let addresses = NodeFacts::observe(root, true).addresses.unwrap();
    assert_eq!(addresses[&"192.0.2.7".parse().unwrap()], None);
    assert_eq!(addresses[&"192.0.2.70".parse().unwrap()], Some(true));
}
