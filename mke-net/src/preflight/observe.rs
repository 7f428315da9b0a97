//! The facts of this machine, from its files. `root` is `/` outside of tests; what the Engine knows is added by whoever can
//! ask it.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::facts::{Cgroup, FileSystem, NodeFacts, Preparation, Selinux};
use crate::cni::{self, Firewalld};
use crate::daemon::{self, DaemonFile};
use crate::finding::{Finding, Severity};
use crate::host::Host;

/// Where the Engine keeps its data when nothing else is said.
const DATA_ROOT: &str = "/var/lib/docker";
/// Programs that keep a clock right.
const TIME_SERVICES: [&str; 5] = ["chronyd", "ntpd", "systemd-timesyn", "ntpd-rs", "openntpd"];

impl NodeFacts {
    /// Looks at this machine. What cannot be found out stays `None`.
    pub fn observe(root: &Path, manager: bool) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let line = |path: &str| text(path).map(|text| text.trim().to_owned());
        let release = text("etc/os-release")
            .or_else(|| text("usr/lib/os-release"))
            .unwrap_or_default();
        let (daemon, data_root) = daemon(root);
        let running = processes(root);
        let data_root = data_root.unwrap_or_else(|| DATA_ROOT.to_owned());
        let mounts = text("proc/mounts").unwrap_or_default();
        let paths = [
            "/var",
            "/var/lib/kubelet",
            data_root.as_str(),
            "/var/lib/containerd",
        ];
        let disks = paths.iter().filter_map(|path| file_system(root, path, &mounts));
        let mut disks: Vec<FileSystem> = disks.collect();
        for disk in &mut disks {
            if disk.path == data_root {
                DATA_ROOT.clone_into(&mut disk.path);
            }
        }
        Self {
            name: line("proc/sys/kernel/hostname").unwrap_or_default(),
            manager,
            windows: false,
            engine: None,
            kernel: line("proc/sys/kernel/osrelease"),
            os: variable(&release, "ID"),
            os_version: variable(&release, "VERSION_ID"),
            cpus: text("proc/cpuinfo").and_then(|text| cpus(&text)),
            memory: text("proc/meminfo").and_then(|text| memory(&text)),
            disks,
            data_root: Some(data_root),
            storage_driver: None,
            loop_lvm: false,
            selinux: selinux(root),
            cgroup: cgroup(&mounts),
            swap_accounting: swap(root, &mounts),
            time_service: time_service(root, &running),
            clock_offset_ms: None,
            addresses: addresses(root),
            proxies: proxies(root),
            proxy_local: text("etc/hosts").map(|hosts| knows(&hosts, "proxy.local")),
            daemon,
            preparation: preparation(root, &running),
        }
    }
}

/// What daemon.json says, and where it puts the data.
fn daemon(root: &Path) -> (Vec<Finding>, Option<String>) {
    let Ok(text) = fs::read_to_string(root.join("etc/docker/daemon.json")) else {
        return (Vec::new(), None);
    };
    match DaemonFile::parse(&text) {
        Ok(file) => {
            let (settings, problems) = file.settings();
            let mut found: Vec<Finding> = problems
                .iter()
                .map(|problem| {
                    Finding::new(
                        "daemon-setting",
                        Severity::Error,
                        "a setting of the Engine means nothing",
                        format!("/etc/docker/daemon.json, {problem}"),
                        "correct it and restart the Engine",
                    )
                })
                .collect();
            found.extend(daemon::findings(&settings));
            (found, settings.data_root)
        }
        Err(error) => {
            let finding = Finding::new(
                "daemon-not-json",
                Severity::Error,
                "the Engine's settings cannot be read",
                format!("/etc/docker/daemon.json, {error}"),
                "correct the file and restart the Engine",
            );
            (vec![finding], None)
        }
    }
}

/// The value of a variable of os-release or of a file of shell variables.
fn variable(text: &str, name: &str) -> Option<String> {
    let value = text
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

fn cpus(text: &str) -> Option<u32> {
    let count = text.lines().filter(|line| line.starts_with("processor")).count();
    u32::try_from(count).ok().filter(|count| *count > 0)
}

fn memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// The file system of a path; of one that is not there, that of the nearest directory above.
fn file_system(root: &Path, path: &str, mounts: &str) -> Option<FileSystem> {
    let mut there = Path::new(path);
    while !root.join(there.strip_prefix("/").ok()?).exists() {
        there = there.parent()?;
    }
    let real = root.join(there.strip_prefix("/").ok()?);
    let stat = rustix::fs::statvfs(&real).ok()?;
    let (mount, kind) = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(mount, _)| there.starts_with(mount))
        .max_by_key(|(mount, _)| mount.len())
        .unwrap_or(("/", "unknown"));
    Some(FileSystem {
        path: path.to_owned(),
        mount: mount.to_owned(),
        kind: kind.to_owned(),
        bytes: stat.f_blocks.checked_mul(stat.f_frsize)?,
        free: stat.f_bavail.checked_mul(stat.f_frsize)?,
        tells_types: kind != "xfs" || tells_types(&real),
    })
}

/// Whether the entries of a directory come with their types. The entry `.` is in every directory.
fn tells_types(directory: &Path) -> bool {
    let Ok(file) = fs::File::open(directory) else {
        return true;
    };
    let Ok(mut entries) = rustix::fs::Dir::read_from(&file) else {
        return true;
    };
    entries
        .next()
        .and_then(Result::ok)
        .is_none_or(|entry| entry.file_type() != rustix::fs::FileType::Unknown)
}

fn selinux(root: &Path) -> Option<Selinux> {
    if !root.join("proc").exists() {
        return None;
    }
    Some(match fs::read_to_string(root.join("sys/fs/selinux/enforce")) {
        Err(_) => Selinux::Absent,
        Ok(text) if text.trim() == "1" => Selinux::Enforcing,
        Ok(_) => Selinux::Permissive,
    })
}

fn cgroup(mounts: &str) -> Option<Cgroup> {
    let kind = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        (fields.next() == Some("/sys/fs/cgroup"))
            .then(|| fields.next())
            .flatten()
    })?;
    Some(if kind == "cgroup2" { Cgroup::V2 } else { Cgroup::V1 })
}

fn swap(root: &Path, mounts: &str) -> Option<bool> {
    let command = fs::read_to_string(root.join("proc/cmdline")).ok()?;
    let asked = command
        .split_whitespace()
        .rev()
        .find_map(|word| word.strip_prefix("swapaccount="));
    Some(match asked {
        Some(value) => value == "1",
        // Version 2 counts it always; version 1 has a file when it does.
        None => {
            cgroup(mounts) == Some(Cgroup::V2)
                || root
                    .join("sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
                    .exists()
        }
    })
}

/// The names of the programs that run, as the kernel has them: 15 characters at most.
fn processes(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    let numbers = entries.filter(|entry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .iter()
            .all(u8::is_ascii_digit)
    });
    numbers
        .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect()
}

fn time_service(root: &Path, running: &[String]) -> Option<String> {
    if !root.join("proc").exists() {
        return None;
    }
    let runs = TIME_SERVICES
        .iter()
        .find(|name| running.iter().any(|program| program == *name));
    Some(runs.copied().unwrap_or_default().to_owned())
}

/// Addresses, and whether systemd-networkd or dhclient noted a lease of one.
fn addresses(root: &Path) -> Option<BTreeMap<IpAddr, Option<bool>>> {
    let mut leases = String::new();
    for directory in [
        "run/systemd/netif/leases",
        "var/lib/dhcp",
        "var/lib/dhclient",
        "var/lib/NetworkManager",
    ] {
        for entry in fs::read_dir(root.join(directory)).into_iter().flatten().flatten() {
            let is_lease = directory.starts_with("run/")
                || entry
                    .path()
                    .extension()
                    .is_some_and(|end| end == "leases" || end == "lease");
            if is_lease {
                leases.push_str(&fs::read_to_string(entry.path()).unwrap_or_default());
                leases.push('\n');
            }
        }
    }
    let words: Vec<&str> = leases
        .split(|c: char| c.is_whitespace() || "=;".contains(c))
        .collect();
    let addresses = Host::observe(root).ok()?.addresses.into_iter().map(|address| {
        let leased = words.contains(&address.to_string().as_str());
        (address, leased.then_some(true))
    });
    Some(addresses.collect())
}

/// What the Engine's service gets of proxies.
fn proxies(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut texts = Vec::new();
    for directory in [
        "etc/systemd/system/docker.service.d",
        "run/systemd/system/docker.service.d",
    ] {
        let mut files: Vec<_> = fs::read_dir(root.join(directory))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        texts.extend(files.iter().filter_map(|path| fs::read_to_string(path).ok()));
    }
    let assignments = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim().strip_prefix("Environment="))
        .flat_map(|line| {
            // One line may set several, each in quotes.
            let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            if quoted.is_empty() {
                line.split_whitespace().collect()
            } else {
                quoted
            }
        });
    for (name, value) in assignments.filter_map(|assignment| assignment.split_once('=')) {
        if name.to_ascii_lowercase().ends_with("_proxy") {
            found.insert(name.trim().to_ascii_uppercase(), value.trim().to_owned());
        }
    }
    found
}

fn knows(hosts: &str, name: &str) -> bool {
    hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .any(|line| line.split_whitespace().skip(1).any(|word| word == name))
}

fn preparation(root: &Path, running: &[String]) -> Preparation {
    let runs = |name: &str| running.iter().any(|program| program == name);
    let directory = |path: &str| fs::read_dir(root.join(path)).into_iter().flatten().flatten();
    let text = |path: &str| fs::read_to_string(root.join(path)).ok();
    let cloud_netconfig = directory("etc/sysconfig/network").filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let interface = name.strip_prefix("ifcfg-")?.to_owned();
        let value = variable(&fs::read_to_string(entry.path()).ok()?, "CLOUD_NETCONFIG_MANAGE")?;
        value.eq_ignore_ascii_case("yes").then_some(interface)
    });
    let mut cloud_netconfig: Vec<String> = cloud_netconfig.collect();
    cloud_netconfig.sort();
    // firewalld names itself in its process when it is started by Python.
    let firewalld = Firewalld::read(
        runs("firewalld"),
        &text("etc/firewalld/firewalld.conf").unwrap_or_default(),
        text("etc/firewalld/zones/trusted.xml").is_some_and(|zone| zone.contains("\"docker0\"")),
    );
    let leaves_pods = directory("etc/NetworkManager/conf.d").any(|entry| {
        fs::read_to_string(entry.path())
            .is_ok_and(|text| text.contains("unmanaged-devices") && text.contains("interface-name:cali*"))
    });
    Preparation {
        cloud_netconfig,
        lo_notrack: text("etc/sysconfig/SuSEfirewall2")
            .and_then(|text| variable(&text, "FW_LO_NOTRACK"))
            .map(|value| !value.eq_ignore_ascii_case("no")),
        firewalld: cni::firewalld(firewalld),
        xt_u32: xt_u32(root),
        manages_pods: runs("NetworkManager") && !leaves_pods,
    }
}

/// Whether `xt_u32` is loaded, or lies among the modules of the running kernel; not known when there are none.
fn xt_u32(root: &Path) -> Option<bool> {
    if root.join("sys/module/xt_u32").is_dir() {
        return Some(true);
    }
    let release = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).ok()?;
    let list = root.join("lib/modules").join(release.trim());
    let names = |file: &str| fs::read_to_string(list.join(file)).ok();
    let text = [
        names("modules.dep")?,
        names("modules.builtin").unwrap_or_default(),
    ]
    .concat();
    Some(text.contains("/xt_u32.ko"))
}
