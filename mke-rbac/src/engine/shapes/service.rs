//! `POST /services/create` and `/services/{id}/update`.

use super::container::{HEALTHCHECK, MOUNT};
use crate::engine::shape::Shape::{Any, Bool, Integer, List, Object, Text};
use crate::engine::shape::{Shape, TEXT_MAP, TEXTS};

pub(in crate::engine) const SERVICE: Shape = Object(&[
    ("Name", Text),
    ("Labels", TEXT_MAP),
    ("TaskTemplate", TASK),
    (
        "Mode",
        Object(&[
            ("Replicated", Object(&[("Replicas", Integer)])),
            ("Global", Object(&[])),
            (
                "ReplicatedJob",
                Object(&[("MaxConcurrent", Integer), ("TotalCompletions", Integer)]),
            ),
            ("GlobalJob", Object(&[])),
        ]),
    ),
    ("UpdateConfig", UPDATE),
    ("RollbackConfig", UPDATE),
    // Read by the Engine when the task template names no networks (older clients).
    ("Networks", List(&ATTACHMENT)),
    (
        "EndpointSpec",
        Object(&[
            ("Mode", Text),
            (
                "Ports",
                List(&Object(&[
                    ("Name", Text),
                    ("Protocol", Text),
                    ("TargetPort", Integer),
                    ("PublishedPort", Integer),
                    ("PublishMode", Text),
                ])),
            ),
        ]),
    ),
]);

const UPDATE: Shape = Object(&[
    ("Parallelism", Integer),
    ("Delay", Integer),
    ("FailureAction", Text),
    ("Monitor", Integer),
    ("MaxFailureRatio", Any),
    ("Order", Text),
]);

const ATTACHMENT: Shape = Object(&[("Target", Text), ("Aliases", TEXTS), ("DriverOpts", TEXT_MAP)]);

const TASK: Shape = Object(&[
    ("PluginSpec", Any),
    ("NetworkAttachmentSpec", Any),
    ("ContainerSpec", CONTAINER),
    (
        "Resources",
        Object(&[
            (
                "Limits",
                Object(&[("NanoCPUs", Integer), ("MemoryBytes", Integer), ("Pids", Integer)]),
            ),
            (
                "Reservations",
                Object(&[
                    ("NanoCPUs", Integer),
                    ("MemoryBytes", Integer),
                    ("GenericResources", List(&Any)),
                ]),
            ),
        ]),
    ),
    (
        "RestartPolicy",
        Object(&[
            ("Condition", Text),
            ("Delay", Integer),
            ("MaxAttempts", Integer),
            ("Window", Integer),
        ]),
    ),
    (
        "Placement",
        Object(&[
            ("Constraints", TEXTS),
            (
                "Preferences",
                List(&Object(&[("Spread", Object(&[("SpreadDescriptor", Text)]))])),
            ),
            ("MaxReplicas", Integer),
            (
                "Platforms",
                List(&Object(&[("Architecture", Text), ("OS", Text)])),
            ),
        ]),
    ),
    ("ForceUpdate", Integer),
    ("Runtime", Text),
    ("Networks", List(&ATTACHMENT)),
    ("LogDriver", Object(&[("Name", Text), ("Options", TEXT_MAP)])),
]);

const CONTAINER: Shape = Object(&[
    ("Image", Text),
    ("Labels", TEXT_MAP),
    ("Command", TEXTS),
    ("Args", TEXTS),
    ("Hostname", Text),
    ("Env", TEXTS),
    ("Dir", Text),
    ("User", Text),
    ("Groups", TEXTS),
    (
        "Privileges",
        Object(&[
            (
                "CredentialSpec",
                Object(&[("Config", Text), ("File", Text), ("Registry", Text)]),
            ),
            (
                "SELinuxContext",
                Object(&[
                    ("Disable", Bool),
                    ("User", Text),
                    ("Role", Text),
                    ("Type", Text),
                    ("Level", Text),
                ]),
            ),
        ]),
    ),
    ("Init", Bool),
    ("StopSignal", Text),
    ("TTY", Bool),
    ("OpenStdin", Bool),
    ("ReadOnly", Bool),
    ("Mounts", List(&MOUNT)),
    ("StopGracePeriod", Integer),
    ("HealthCheck", HEALTHCHECK),
    ("Hosts", TEXTS),
    (
        "DNSConfig",
        Object(&[("Nameservers", TEXTS), ("Search", TEXTS), ("Options", TEXTS)]),
    ),
    (
        "Secrets",
        List(&Object(&[
            ("File", FILE),
            ("SecretID", Text),
            ("SecretName", Text),
        ])),
    ),
    (
        "Configs",
        List(&Object(&[
            ("File", FILE),
            ("Runtime", Object(&[])),
            ("ConfigID", Text),
            ("ConfigName", Text),
        ])),
    ),
    ("Isolation", Text),
    ("Sysctls", TEXT_MAP),
    ("CapabilityAdd", TEXTS),
    ("CapabilityDrop", TEXTS),
    (
        "Ulimits",
        List(&Object(&[("Name", Text), ("Soft", Integer), ("Hard", Integer)])),
    ),
]);

const FILE: Shape = Object(&[("Name", Text), ("UID", Text), ("GID", Text), ("Mode", Integer)]);
