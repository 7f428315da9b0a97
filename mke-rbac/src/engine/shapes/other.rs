//! Volumes, networks, nodes, secrets, configs, and calls without rules of their own.

use super::container::ENDPOINT;
use crate::engine::shape::Shape::{Any, Bool, List, Object, Text};
use crate::engine::shape::{Shape, TEXT_MAP};

pub(in crate::engine) const VOLUME: Shape = Object(&[
    ("Name", Text),
    ("Driver", Text),
    ("DriverOpts", TEXT_MAP),
    ("Labels", TEXT_MAP),
]);

pub(in crate::engine) const NETWORK: Shape = Object(&[
    ("Name", Text),
    ("CheckDuplicate", Bool),
    ("Driver", Text),
    ("Scope", Text),
    ("Internal", Bool),
    ("Attachable", Bool),
    ("Ingress", Bool),
    ("ConfigOnly", Bool),
    ("ConfigFrom", Object(&[("Network", Text)])),
    (
        "IPAM",
        Object(&[
            ("Driver", Text),
            ("Options", TEXT_MAP),
            (
                "Config",
                List(&Object(&[
                    ("Subnet", Text),
                    ("IPRange", Text),
                    ("Gateway", Text),
                    // Sent as `AuxiliaryAddresses` on the wire, whatever the Go field is called.
                    ("AuxiliaryAddresses", TEXT_MAP),
                ])),
            ),
        ]),
    ),
    ("EnableIPv6", Bool),
    ("Options", TEXT_MAP),
    ("Labels", TEXT_MAP),
]);

pub(in crate::engine) const NETWORK_CONNECT: Shape =
    Object(&[("Container", Text), ("EndpointConfig", ENDPOINT)]);

pub(in crate::engine) const NETWORK_DISCONNECT: Shape = Object(&[("Container", Text), ("Force", Bool)]);

pub(in crate::engine) const NODE: Shape = Object(&[
    ("Name", Text),
    ("Labels", TEXT_MAP),
    ("Role", Text),
    ("Availability", Text),
]);

const DRIVER: Shape = Object(&[("Name", Text), ("Options", TEXT_MAP)]);

pub(in crate::engine) const SECRET: Shape = Object(&[
    ("Name", Text),
    ("Labels", TEXT_MAP),
    ("Data", Text),
    ("Driver", DRIVER),
    ("Templating", DRIVER),
]);

pub(in crate::engine) const CONFIG: Shape = Object(&[
    ("Name", Text),
    ("Labels", TEXT_MAP),
    ("Data", Text),
    ("Templating", DRIVER),
]);

/// Calls for administrators only, and registry credentials: read for their JSON form, not for their content.
pub(in crate::engine) const OPAQUE: Shape = Any;
