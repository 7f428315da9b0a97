//! The vocabulary of Swarm authorization: object types, operations and modifiers, as typed data.
//!
//! An operation belongs to one object type. Some operations have modifiers: uses of the operation that need
//! an extra right, such as creating a *privileged* container (R23).

use std::fmt;

/// Declares an enum whose variants have the product's own names as text.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The product's name for it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Finds it by the product's name, exactly.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    serde::de::Error::custom(format!(concat!("unknown ", stringify!($name), " `{}`"), name))
                })
            }
        }
    };
}

/// Declares a set of a [`named!`] enum as one machine word.
macro_rules! set {
    ($(#[$doc:meta])* $name:ident of $item:ident in $word:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name($word);

        impl $name {
            /// No item.
            pub const EMPTY: Self = Self(0);

            /// Only this item.
            pub const fn of(item: $item) -> Self {
                Self(1 << item as u32)
            }

            /// Whether there is no item.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Whether the item is in the set.
            pub const fn contains(self, item: $item) -> bool {
                self.0 & (1 << item as u32) != 0
            }

            /// Whether every item of `other` is in this set.
            pub const fn covers(self, other: Self) -> bool {
                other.0 & !self.0 == 0
            }

            /// The items of either set.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The items of this set that are not in `other`.
            #[must_use]
            pub const fn minus(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// Adds an item.
            pub const fn insert(&mut self, item: $item) {
                self.0 |= 1 << item as u32;
            }

            /// The items in the order of declaration.
            pub fn iter(self) -> impl Iterator<Item = $item> {
                $item::ALL.iter().copied().filter(move |item| self.contains(*item))
            }
        }

        impl FromIterator<$item> for $name {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                let mut set = Self::EMPTY;
                for item in items {
                    set.insert(item);
                }
                set
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_set().entries(self.iter()).finish()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.iter())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Vec::<$item>::deserialize(deserializer)?.into_iter().collect())
            }
        }
    };
}

named!(
    /// The types of Swarm objects that roles speak of.
    ObjectType {
        Config = "Config";
        Container = "Container";
        Image = "Image";
        Network = "Network";
        Node = "Node";
        Secret = "Secret";
        Service = "Service";
        Volume = "Volume";
    }
);

named!(
    /// Uses of an operation that need an extra right.
    Modifier {
        IpcMode = "IPC Mode";
        PidMode = "PID Mode";
        HostNetworkingMode = "Host Networking Mode";
        BridgeNetworkingMode = "Bridge Networking Mode";
        Privileged = "Privileged";
        HostBindMounts = "Host Bind Mounts";
        AdditionalKernelCapabilities = "Additional Kernel Capabilities";
        UserNamespaceMode = "User Namespace Mode";
        ForceRemove = "Force Remove";
        Attachable = "Attachable";
        CredentialSpec = "Credential Spec";
        LocalDriverOptions = "Local Driver Options";
    }
);

named!(
    /// What a subject may do to an object.
    Operation {
        ConfigCreate = "Config Create";
        ConfigDelete = "Config Delete";
        ConfigUpdate = "Config Update";
        ConfigUse = "Config Use";
        ConfigView = "Config View";
        ContainerAttach = "Container Attach";
        ContainerChanges = "Container Changes";
        ContainerConnect = "Container Connect";
        ContainerCreate = "Container Create";
        ContainerDisconnect = "Container Disconnect";
        ContainerExec = "Container Exec";
        ContainerExport = "Container Export";
        ContainerFilesystemRead = "Container Filesystem Read";
        ContainerFilesystemWrite = "Container Filesystem Write";
        ContainerKill = "Container Kill";
        ContainerLogs = "Container Logs";
        ContainerPause = "Container Pause";
        ContainerRemove = "Container Remove";
        ContainerRename = "Container Rename";
        ContainerResize = "Container Resize";
        ContainerRestart = "Container Restart";
        ContainerStart = "Container Start";
        ContainerStats = "Container Stats";
        ContainerStop = "Container Stop";
        ContainerTop = "Container Top";
        ContainerUnpause = "Container Unpause";
        ContainerView = "Container View";
        ContainerWait = "Container Wait";
        ImageBuild = "Image Build";
        ImageCommit = "Image Commit";
        ImageCreate = "Image Create";
        ImageExport = "Image Export";
        ImageHistory = "Image History";
        ImageLoad = "Image Load";
        ImagePrune = "Image Prune";
        ImagePush = "Image Push";
        ImageRemove = "Image Remove";
        ImageSearch = "Image Search";
        ImageTag = "Image Tag";
        ImageView = "Image View";
        NetworkConnect = "Network Connect";
        NetworkCreate = "Network Create";
        NetworkDisconnect = "Network Disconnect";
        NetworkRemove = "Network Remove";
        NetworkView = "Network View";
        NodeSchedule = "Node Schedule";
        NodeUpdate = "Node Update";
        NodeView = "Node View";
        SecretCreate = "Secret Create";
        SecretDelete = "Secret Delete";
        SecretUpdate = "Secret Update";
        SecretUse = "Secret Use";
        SecretView = "Secret View";
        ServiceCreate = "Service Create";
        ServiceDelete = "Service Delete";
        ServiceLogs = "Service Logs";
        ServiceUpdate = "Service Update";
        ServiceView = "Service View";
        ServiceViewTasks = "Service View Tasks";
        VolumeCreateAttach = "Volume Create/Attach";
        VolumeRemove = "Volume Remove";
        VolumeView = "Volume View";
    }
);

set!(
    /// A set of modifiers.
    ModifierSet of Modifier in u16
);

set!(
    /// A set of operations.
    OperationSet of Operation in u64
);

impl Operation {
    /// The type of object that the operation acts on.
    pub const fn object_type(self) -> ObjectType {
        match self {
            Self::ConfigCreate
            | Self::ConfigDelete
            | Self::ConfigUpdate
            | Self::ConfigUse
            | Self::ConfigView => ObjectType::Config,
            Self::ContainerAttach
            | Self::ContainerChanges
            | Self::ContainerConnect
            | Self::ContainerCreate
            | Self::ContainerDisconnect
            | Self::ContainerExec
            | Self::ContainerExport
            | Self::ContainerFilesystemRead
            | Self::ContainerFilesystemWrite
            | Self::ContainerKill
            | Self::ContainerLogs
            | Self::ContainerPause
            | Self::ContainerRemove
            | Self::ContainerRename
            | Self::ContainerResize
            | Self::ContainerRestart
            | Self::ContainerStart
            | Self::ContainerStats
            | Self::ContainerStop
            | Self::ContainerTop
            | Self::ContainerUnpause
            | Self::ContainerView
            | Self::ContainerWait => ObjectType::Container,
            Self::ImageBuild
            | Self::ImageCommit
            | Self::ImageCreate
            | Self::ImageExport
            | Self::ImageHistory
            | Self::ImageLoad
            | Self::ImagePrune
            | Self::ImagePush
            | Self::ImageRemove
            | Self::ImageSearch
            | Self::ImageTag
            | Self::ImageView => ObjectType::Image,
            Self::NetworkConnect
            | Self::NetworkCreate
            | Self::NetworkDisconnect
            | Self::NetworkRemove
            | Self::NetworkView => ObjectType::Network,
            Self::NodeSchedule | Self::NodeUpdate | Self::NodeView => ObjectType::Node,
            Self::SecretCreate
            | Self::SecretDelete
            | Self::SecretUpdate
            | Self::SecretUse
            | Self::SecretView => ObjectType::Secret,
            Self::ServiceCreate
            | Self::ServiceDelete
            | Self::ServiceLogs
            | Self::ServiceUpdate
            | Self::ServiceView
            | Self::ServiceViewTasks => ObjectType::Service,
            Self::VolumeCreateAttach | Self::VolumeRemove | Self::VolumeView => ObjectType::Volume,
        }
    }

    /// The modifiers that exist for this operation, in the product's order.
    pub const fn modifiers(self) -> &'static [Modifier] {
        use Modifier::*;
        match self {
            Self::ContainerCreate => &[
                IpcMode,
                PidMode,
                HostNetworkingMode,
                BridgeNetworkingMode,
                Privileged,
                HostBindMounts,
                AdditionalKernelCapabilities,
                UserNamespaceMode,
            ],
            Self::ImageRemove => &[ForceRemove],
            Self::NetworkCreate => &[Attachable],
            Self::ServiceCreate => &[
                CredentialSpec,
                HostBindMounts,
                HostNetworkingMode,
                BridgeNetworkingMode,
            ],
            Self::ServiceUpdate => &[
                CredentialSpec,
                HostBindMounts,
                HostNetworkingMode,
                BridgeNetworkingMode,
            ],
            Self::VolumeCreateAttach => &[LocalDriverOptions],
            _ => &[],
        }
    }
}

impl ObjectType {
    /// The operation that makes an object of this type visible in lists (R50).
    pub const fn view_operation(self) -> Operation {
        match self {
            Self::Config => Operation::ConfigView,
            Self::Container => Operation::ContainerView,
            Self::Image => Operation::ImageView,
            Self::Network => Operation::NetworkView,
            Self::Node => Operation::NodeView,
            Self::Secret => Operation::SecretView,
            Self::Service => Operation::ServiceView,
            Self::Volume => Operation::VolumeView,
        }
    }

    /// Whether the access label of an existing object may be changed (R32).
    pub const fn label_editable(self) -> bool {
        match self {
            Self::Config => true,
            Self::Container => false,
            Self::Image => false,
            Self::Network => false,
            Self::Node => true,
            Self::Secret => true,
            Self::Service => true,
            Self::Volume => false,
        }
    }
}
