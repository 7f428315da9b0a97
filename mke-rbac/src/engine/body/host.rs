//! Settings of a container that reach its node. Each costs a modifier, most of them `Privileged`.
//!
//! The product has no modifier of its own for devices, kernel settings, runtimes and the like. They are as good as a
//! privileged container, so they cost the same (proxy-11, proxy-12, proxy-15).

use serde_json::{Map, Value};

use super::task;
use crate::engine::draft::{Draft, items, text};
use crate::engine::shape::is_zero;
use crate::operation::Modifier;

/// Largest `/dev/shm` for everybody, in bytes (4 GiB): more than databases ask for, less than a node has.
const MAX_SHM_BYTES: i64 = 4 << 30;

/// A setting that needs `Privileged`: its name, why, and when.
struct Reach {
    field: &'static str,
    why: &'static str,
    when: fn(&Value) -> bool,
}

const fn reach(field: &'static str, why: &'static str, when: fn(&Value) -> bool) -> Reach {
    Reach { field, why, when }
}

fn set(value: &Value) -> bool {
    !is_zero(value)
}

const SETTINGS: &[Reach] = &[
    reach("Privileged", "all devices and capabilities of the node", set),
    reach("UTSMode", "may rename the node", set),
    reach("CgroupnsMode", "sees the control groups of the node", |mode| {
        !matches!(text(mode), "" | "private")
    }),
    reach("Cgroup", "joins the control group of another container", set),
    reach("Runtime", "another runtime may isolate less", |runtime| {
        !matches!(text(runtime), "" | "runc")
    }),
    reach(
        "Isolation",
        "process isolation on Windows shares the kernel",
        |kind| !matches!(text(kind), "" | "default" | "hyperv"),
    ),
    reach(
        "OomScoreAdj",
        "survives while the node's own programs are killed",
        |score| score.as_i64().is_none_or(|score| score < 0) && set(score),
    ),
    reach(
        "SecurityOpt",
        "takes away seccomp, AppArmor, SELinux or masked paths",
        |options| items(options).any(|option| !task::keeps_confinement(text(option))),
    ),
    // An explicit list replaces the Engine's, also an empty one.
    reach(
        "MaskedPaths",
        "shows parts of /proc and /sys that leak or control the node",
        Value::is_array,
    ),
    reach(
        "ReadonlyPaths",
        "lets kernel settings be written",
        Value::is_array,
    ),
    reach("Sysctls", "kernel settings that have no namespace", |sysctls| {
        !task::sysctls_have_namespaces(sysctls)
    }),
    reach(
        "StorageOpt",
        "options of the storage driver other than the size",
        |options| keys(options).any(|key| key != "size"),
    ),
    reach("ShmSize", "fills the memory of the node", |size| {
        size.as_i64().is_none_or(|size| size > MAX_SHM_BYTES) && set(size)
    }),
    reach(
        "Tmpfs",
        "executables, set-user-id programs, devices or unknown options in a writable mount",
        |mounts| {
            mounts
                .as_object()
                .into_iter()
                .flat_map(Map::values)
                .flat_map(|options| text(options).split(','))
                .any(|option| !tmpfs_option_is_harmless(option.trim()))
        },
    ),
    reach(
        "LogConfig",
        "drivers that connect from the node, or write elsewhere on it",
        |config| !task::logs_stay_here(&config["Type"], &config["Config"]),
    ),
];

const RESOURCES: &[Reach] = &[
    reach("Devices", "devices of the node", set),
    reach("DeviceCgroupRules", "devices of the node", set),
    reach("DeviceRequests", "devices of the node", set),
    reach(
        "CgroupParent",
        "leaves the limits that the node sets for containers",
        set,
    ),
    reach("CpuRealtimePeriod", "real-time priority starves the node", set),
    reach("CpuRealtimeRuntime", "real-time priority starves the node", set),
    reach("Ulimits", "priorities above the node's own programs", |limits| {
        !task::ulimits_are_harmless(limits)
    }),
];

/// Options of a temporary mount that take rights away or set its size and owner. Anything else is not known to be.
fn tmpfs_option_is_harmless(option: &str) -> bool {
    match option.split_once('=') {
        None => matches!(option, "" | "rw" | "ro" | "noexec" | "nosuid" | "nodev"),
        Some((name, _)) => matches!(name, "size" | "mode" | "uid" | "gid" | "nr_inodes"),
    }
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(Map::keys)
}

fn apply(draft: &mut Draft, host: &Value, table: &[Reach]) {
    for reach in table {
        if (reach.when)(&host[reach.field]) {
            draft.reaches(reach.field, reach.why);
        }
    }
}

/// Everything in `HostConfig` but mounts, networks and namespaces.
pub(super) fn settings(draft: &mut Draft, host: &Value) {
    apply(draft, host, SETTINGS);
    if set(&host["CapAdd"]) {
        draft.modifier(Modifier::AdditionalKernelCapabilities);
    }
}

/// The limits that can be changed later as well.
pub(super) fn resources(draft: &mut Draft, host: &Value) {
    apply(draft, host, RESOURCES);
    // Without a limit of its own such a container takes the memory of everybody else.
    let unkillable = host["OomKillDisable"] == true && host["Memory"].as_i64().unwrap_or(0) <= 0;
    if unkillable {
        draft.reaches("OomKillDisable", "takes the memory of everybody else");
    }
}
