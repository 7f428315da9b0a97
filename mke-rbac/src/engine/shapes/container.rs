//! `POST /containers/create`, `/containers/{id}/update`, `/containers/{id}/exec`, `/exec/{id}/start`, `/commit`.

use crate::engine::shape::Shape::{Any, Bool, Integer, List, Map, Object, Text};
use crate::engine::shape::{Field, Shape, TEXT_MAP, TEXTS, same_field};

/// The image configuration part, which `/commit` takes alone.
const CONFIG_FIELDS: &[Field] = &[
    ("Hostname", Text),
    ("Domainname", Text),
    ("User", Text),
    ("AttachStdin", Bool),
    ("AttachStdout", Bool),
    ("AttachStderr", Bool),
    ("ExposedPorts", Map(&Any)),
    ("Tty", Bool),
    ("OpenStdin", Bool),
    ("StdinOnce", Bool),
    ("Env", TEXTS),
    ("Cmd", Any),
    ("Healthcheck", HEALTHCHECK),
    ("ArgsEscaped", Bool),
    ("Image", Text),
    ("Volumes", Map(&Any)),
    ("WorkingDir", Text),
    ("Entrypoint", Any),
    ("NetworkDisabled", Bool),
    ("MacAddress", Text),
    ("OnBuild", TEXTS),
    ("Labels", TEXT_MAP),
    ("StopSignal", Text),
    ("StopTimeout", Integer),
    ("Shell", TEXTS),
];

pub(in crate::engine) const HEALTHCHECK: Shape = Object(&[
    ("Test", TEXTS),
    ("Interval", Integer),
    ("Timeout", Integer),
    ("StartPeriod", Integer),
    ("Retries", Integer),
]);

/// The names of `HostConfig`, which the Engine also reads from the top level when `HostConfig` is absent.
pub(in crate::engine) fn is_host_field(key: &str) -> bool {
    HOST_FIELDS.iter().any(|(name, _)| same_field(name, key)) || same_field("Cpuset", key)
}

pub(in crate::engine) const CONFIG: Shape = Object(CONFIG_FIELDS);

/// All of it: the configuration with `HostConfig` and `NetworkingConfig` beside its fields.
pub(in crate::engine) const CREATE: Shape = Object(&CREATE_FIELDS);

const CREATE_FIELDS: [Field; CONFIG_FIELDS.len() + 2] = {
    let mut all: [Field; CONFIG_FIELDS.len() + 2] = [("HostConfig", HOST_CONFIG); CONFIG_FIELDS.len() + 2];
    let mut position = 0;
    while position < CONFIG_FIELDS.len() {
        all[position] = CONFIG_FIELDS[position];
        position += 1;
    }
    all[CONFIG_FIELDS.len()] = ("NetworkingConfig", Object(&[("EndpointsConfig", Map(&ENDPOINT))]));
    all
};

pub(in crate::engine) const ENDPOINT: Shape = Object(&[
    (
        "IPAMConfig",
        Object(&[
            ("IPv4Address", Text),
            ("IPv6Address", Text),
            ("LinkLocalIPs", TEXTS),
        ]),
    ),
    ("Links", TEXTS),
    ("Aliases", TEXTS),
    ("NetworkID", Text),
    ("EndpointID", Text),
    ("Gateway", Text),
    ("IPAddress", Text),
    ("IPPrefixLen", Integer),
    ("IPv6Gateway", Text),
    ("GlobalIPv6Address", Text),
    ("GlobalIPv6PrefixLen", Integer),
    ("MacAddress", Text),
    ("DriverOpts", TEXT_MAP),
]);

pub(in crate::engine) const MOUNT: Shape = Object(&[
    ("Type", Text),
    ("Source", Text),
    ("Target", Text),
    ("ReadOnly", Bool),
    ("Consistency", Text),
    (
        "BindOptions",
        Object(&[("Propagation", Text), ("NonRecursive", Bool)]),
    ),
    (
        "VolumeOptions",
        Object(&[
            ("NoCopy", Bool),
            ("Labels", TEXT_MAP),
            ("DriverConfig", Object(&[("Name", Text), ("Options", TEXT_MAP)])),
        ]),
    ),
    (
        "TmpfsOptions",
        Object(&[("SizeBytes", Integer), ("Mode", Integer)]),
    ),
]);

const ULIMITS: Shape = List(&Object(&[("Name", Text), ("Soft", Integer), ("Hard", Integer)]));
const THROTTLE: Shape = List(&Object(&[("Path", Text), ("Rate", Integer)]));

/// Limits on use of the node, which `/containers/{id}/update` takes alone.
const RESOURCE_FIELDS: &[Field] = &[
    ("CpuShares", Integer),
    ("Memory", Integer),
    ("NanoCpus", Integer),
    ("CgroupParent", Text),
    ("BlkioWeight", Integer),
    (
        "BlkioWeightDevice",
        List(&Object(&[("Path", Text), ("Weight", Integer)])),
    ),
    ("BlkioDeviceReadBps", THROTTLE),
    ("BlkioDeviceWriteBps", THROTTLE),
    ("BlkioDeviceReadIOps", THROTTLE),
    ("BlkioDeviceWriteIOps", THROTTLE),
    ("CpuPeriod", Integer),
    ("CpuQuota", Integer),
    ("CpuRealtimePeriod", Integer),
    ("CpuRealtimeRuntime", Integer),
    ("CpusetCpus", Text),
    ("CpusetMems", Text),
    ("Devices", List(&Any)),
    ("DeviceCgroupRules", TEXTS),
    ("DeviceRequests", List(&Any)),
    ("KernelMemory", Integer),
    ("KernelMemoryTCP", Integer),
    ("MemoryReservation", Integer),
    ("MemorySwap", Integer),
    ("MemorySwappiness", Integer),
    ("OomKillDisable", Bool),
    ("PidsLimit", Integer),
    ("Ulimits", ULIMITS),
    ("CpuCount", Integer),
    ("CpuPercent", Integer),
    ("IOMaximumIOps", Integer),
    ("IOMaximumBandwidth", Integer),
];

const RESTART: Field = (
    "RestartPolicy",
    Object(&[("Name", Text), ("MaximumRetryCount", Integer)]),
);

pub(in crate::engine) const UPDATE: Shape = Object(&UPDATE_FIELDS);

const UPDATE_FIELDS: [Field; RESOURCE_FIELDS.len() + 1] = {
    let mut all = [RESTART; RESOURCE_FIELDS.len() + 1];
    let mut position = 0;
    while position < RESOURCE_FIELDS.len() {
        all[position] = RESOURCE_FIELDS[position];
        position += 1;
    }
    all
};

const HOST_ONLY: &[Field] = &[
    ("Binds", TEXTS),
    ("ContainerIDFile", Text),
    ("LogConfig", Object(&[("Type", Text), ("Config", TEXT_MAP)])),
    ("NetworkMode", Text),
    ("PortBindings", Map(&Any)),
    RESTART,
    ("AutoRemove", Bool),
    ("VolumeDriver", Text),
    ("VolumesFrom", TEXTS),
    ("CapAdd", Any),
    ("CapDrop", Any),
    ("CgroupnsMode", Text),
    ("Dns", TEXTS),
    ("DnsOptions", TEXTS),
    ("DnsSearch", TEXTS),
    ("ExtraHosts", TEXTS),
    ("GroupAdd", TEXTS),
    ("IpcMode", Text),
    ("Cgroup", Text),
    ("Links", TEXTS),
    ("OomScoreAdj", Integer),
    ("PidMode", Text),
    ("Privileged", Bool),
    ("PublishAllPorts", Bool),
    ("ReadonlyRootfs", Bool),
    ("SecurityOpt", TEXTS),
    ("StorageOpt", TEXT_MAP),
    ("Tmpfs", TEXT_MAP),
    ("UTSMode", Text),
    ("UsernsMode", Text),
    ("ShmSize", Integer),
    ("Sysctls", TEXT_MAP),
    ("Runtime", Text),
    ("ConsoleSize", List(&Integer)),
    ("Isolation", Text),
    ("Mounts", List(&MOUNT)),
    ("MaskedPaths", TEXTS),
    ("ReadonlyPaths", TEXTS),
    ("Init", Bool),
];

const HOST_CONFIG: Shape = Object(&HOST_FIELDS);

const HOST_FIELDS: [Field; HOST_ONLY.len() + RESOURCE_FIELDS.len()] = {
    let mut all = [RESTART; HOST_ONLY.len() + RESOURCE_FIELDS.len()];
    let mut position = 0;
    while position < HOST_ONLY.len() {
        all[position] = HOST_ONLY[position];
        position += 1;
    }
    while position < all.len() {
        all[position] = RESOURCE_FIELDS[position - HOST_ONLY.len()];
        position += 1;
    }
    all
};

pub(in crate::engine) const EXEC_CREATE: Shape = Object(&[
    ("AttachStdin", Bool),
    ("AttachStdout", Bool),
    ("AttachStderr", Bool),
    ("DetachKeys", Text),
    ("Detach", Bool),
    ("Tty", Bool),
    ("Env", TEXTS),
    ("Cmd", Any),
    ("Privileged", Bool),
    ("User", Text),
    ("WorkingDir", Text),
    ("Container", Text),
]);

pub(in crate::engine) const EXEC_START: Shape = Object(&[("Detach", Bool), ("Tty", Bool)]);
