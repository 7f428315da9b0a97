//! What the checks look at. What nobody could find out is `None`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// A cluster, or what shall become one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Its nodes.
    pub nodes: Vec<NodeFacts>,
    /// Whether it has no Kubernetes.
    pub swarm_only: bool,
    /// The longest that one manager waited for another, in milliseconds.
    pub manager_lag_ms: Option<u64>,
}

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// The path that was asked for.
    pub path: String,
    /// Where it is mounted; two paths with one mount share their space.
    pub mount: String,
    /// Its kind, such as `ext4`.
    pub kind: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Whether directories tell what their entries are (`ftype=1` of xfs), which overlays need.
    pub tells_types: bool,
}

/// What of SELinux there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selinux {
    /// Not in this kernel.
    Absent,
    /// It tells and forbids nothing.
    Permissive,
    /// It forbids.
    Enforcing,
}

/// How the kernel groups processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cgroup {
    /// Version 1, also with version 2 beside it.
    V1,
    /// Version 2 alone.
    V2,
}

/// What distributions want prepared; read from their files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preparation {
    /// SLES: interfaces whose address a cloud service manages (`CLOUD_NETCONFIG_MANAGE`).
    pub cloud_netconfig: Vec<String>,
    /// SLES: whether connections on the loopback interface are not tracked (`FW_LO_NOTRACK`); `None` without the file.
    pub lo_notrack: Option<bool>,
    /// What firewalld does to containers, when it does something.
    pub firewalld: Option<Finding>,
    /// Whether module `xt_u32` is there, which encrypted overlays need.
    pub xt_u32: Option<bool>,
    /// Whether NetworkManager runs and manages the interfaces of pods.
    pub manages_pods: bool,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeFacts {
    /// Its host name.
    pub name: String,
    /// Whether it is, or becomes, a manager.
    pub manager: bool,
    /// Whether it runs Windows.
    pub windows: bool,
    /// Version of its engine; `None` when there is none or it does not answer.
    pub engine: Option<String>,
    /// Release of its kernel, such as `5.10.0-28-amd64`.
    pub kernel: Option<String>,
    /// `ID` of os-release, such as `rhel`.
    pub os: Option<String>,
    /// `VERSION_ID` of os-release, such as `8.4`.
    pub os_version: Option<String>,
    /// Processors.
    pub cpus: Option<u32>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// The file systems of `/var`, the engine's, the kubelet's and containerd's data, as far as they exist.
    pub disks: Vec<FileSystem>,
    /// Where the engine keeps its data.
    pub data_root: Option<String>,
    /// The engine's storage driver.
    pub storage_driver: Option<String>,
    /// Whether devicemapper keeps its data in files (`loop-lvm`).
    pub loop_lvm: bool,
    /// SELinux.
    pub selinux: Option<Selinux>,
    /// How processes are grouped.
    pub cgroup: Option<Cgroup>,
    /// Whether swap is counted per container.
    pub swap_accounting: Option<bool>,
    /// The program that keeps the clock right; `Some("")` when none runs.
    pub time_service: Option<String>,
    /// By how much the clock differs from that of the one who asks, in milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// The addresses of its interfaces, with the word whether each was leased (`true`), as far as that is known.
    pub addresses: Option<BTreeMap<IpAddr, Option<bool>>>,
    /// `HTTP_PROXY` and its like, as the engine has them.
    pub proxies: BTreeMap<String, String>,
    /// Whether `/etc/hosts` knows `proxy.local`.
    pub proxy_local: Option<bool>,
    /// Findings about its daemon.json.
    pub daemon: Vec<Finding>,
    /// What its distribution wants prepared.
    pub preparation: Preparation,
}
