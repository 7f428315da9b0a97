//! The five roles that every installation has (R25), as data.

use mke_core::ids::RoleId;

use super::{Rights, Role};
use crate::operation::{Modifier, ModifierSet, Operation};

/// Allows nothing and takes nothing away (R24).
pub const NONE: &str = "none";
/// Looking only.
pub const VIEW_ONLY: &str = "viewonly";
/// Everything that does not reach the node underneath.
pub const RESTRICTED_CONTROL: &str = "restrictedcontrol";
/// Seeing nodes and placing workloads on them.
pub const SCHEDULER: &str = "scheduler";
/// Every operation with every modifier.
pub const FULL_CONTROL: &str = "fullcontrol";

/// Ids of the built-in roles.
pub const IDS: [&str; 5] = [NONE, VIEW_ONLY, RESTRICTED_CONTROL, SCHEDULER, FULL_CONTROL];

/// What View Only holds.
const VIEWING: &[Operation] = &[
    Operation::ConfigView,
    Operation::ContainerLogs,
    Operation::ContainerStats,
    Operation::ContainerTop,
    Operation::ContainerView,
    Operation::ImageHistory,
    Operation::ImageView,
    Operation::NetworkView,
    Operation::NodeView,
    Operation::SecretView,
    Operation::ServiceLogs,
    Operation::ServiceView,
    Operation::ServiceViewTasks,
    Operation::VolumeView,
];

/// What Restricted Control lacks beside modifiers.
const WITHHELD: &[Operation] = &[Operation::ContainerExec, Operation::NodeUpdate];

/// The modifiers that do not reach the host. Local Driver Options is not among them, because the local
/// driver's options can map any directory of the node (R26).
const HARMLESS: &[Modifier] = &[
    Modifier::BridgeNetworkingMode,
    Modifier::ForceRemove,
    Modifier::Attachable,
];

/// The built-in roles, in the order in which lists show them.
pub fn builtin_roles() -> Vec<Role> {
    [
        (NONE, "None"),
        (VIEW_ONLY, "View Only"),
        (RESTRICTED_CONTROL, "Restricted Control"),
        (SCHEDULER, "Scheduler"),
        (FULL_CONTROL, "Full Control"),
    ]
    .into_iter()
    .map(|(id, name)| Role {
        id: RoleId::new(id),
        name: name.to_owned(),
        system_role: true,
        operations: rights_of(id).into(),
    })
    .collect()
}

fn rights_of(id: &str) -> Rights {
    match id {
        VIEW_ONLY => VIEWING.iter().copied().collect(),
        SCHEDULER => [Operation::NodeSchedule, Operation::NodeView]
            .into_iter()
            .collect(),
        RESTRICTED_CONTROL => restricted_control(),
        FULL_CONTROL => Rights::all(),
        _ => Rights::NONE,
    }
}

fn restricted_control() -> Rights {
    let harmless: ModifierSet = HARMLESS.iter().copied().collect();
    Operation::ALL
        .iter()
        .filter(|operation| !WITHHELD.contains(operation))
        .map(|operation| (*operation, harmless))
        .collect()
}
