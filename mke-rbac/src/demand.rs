//! What a request asks of the policy, while objects are still names.
//!
//! [`crate::engine`] turns an Engine API call into a [`Demand`]; a question asked by hand becomes one too. The
//! caller then looks the named objects up and hands what it found back as [`Facts`]. [`crate::Policy::judge`]
//! decides on both. Nothing here looks anything up itself.

use std::collections::HashMap;

use mke_core::ids::CollectionId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::{Modifier, ModifierSet, ObjectType, Operation};

/// The kinds of Engine objects that a request can name. Tasks and exec instances have no rights of their own:
/// they take those of their service or container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A Swarm config.
    Config,
    /// A container.
    Container,
    /// An exec instance; judged by its container.
    Exec,
    /// An image; always in the root collection (R35).
    Image,
    /// A network.
    Network,
    /// A node.
    Node,
    /// A Swarm secret.
    Secret,
    /// A service.
    Service,
    /// A task; judged by its service (R51).
    Task,
    /// A volume.
    Volume,
}

impl ObjectKind {
    /// The word for it in questions and objects' names: `service` in `service/web`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Container => "container",
            Self::Exec => "exec",
            Self::Image => "image",
            Self::Network => "network",
            Self::Node => "node",
            Self::Secret => "secret",
            Self::Service => "service",
            Self::Task => "task",
            Self::Volume => "volume",
        }
    }

    /// The type whose operations govern this kind.
    pub const fn object_type(self) -> ObjectType {
        match self {
            Self::Config => ObjectType::Config,
            Self::Container | Self::Exec => ObjectType::Container,
            Self::Image => ObjectType::Image,
            Self::Network => ObjectType::Network,
            Self::Node => ObjectType::Node,
            Self::Secret => ObjectType::Secret,
            Self::Service | Self::Task => ObjectType::Service,
            Self::Volume => ObjectType::Volume,
        }
    }
}

/// An object as a request names it: by name, id or unambiguous id prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// What it is.
    pub kind: ObjectKind,
    /// How the request calls it.
    pub name: String,
}

impl ObjectRef {
    /// Names an object.
    pub fn new(kind: ObjectKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            ObjectKind::Config => "config",
            ObjectKind::Container => "container",
            ObjectKind::Exec => "exec instance",
            ObjectKind::Image => "image",
            ObjectKind::Network => "network",
            ObjectKind::Node => "node",
            ObjectKind::Secret => "secret",
            ObjectKind::Service => "service",
            ObjectKind::Task => "task",
            ObjectKind::Volume => "volume",
        };
        write!(f, "{kind} `{}`", self.name)
    }
}

/// Who may call an endpoint at all, before any operation is looked at (R62).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Anybody, also without credentials.
    Public,
    /// Any active account.
    Authenticated,
    /// Administrators only.
    Admin,
    /// Whoever passes every check.
    Operation,
    /// Any active account; the answer holds only what it may see.
    Filter,
}

/// Where the collection of a check comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The root collection `/`, where images live.
    Root,
    /// The collection of the object that the request creates or moves: see [`Placement`].
    Workload,
    /// The collection of an existing object. When it does not exist the request is refused.
    Object(ObjectRef),
    /// The collection of a named volume if it exists, else that of the workload (R30).
    VolumeOrWorkload(ObjectRef),
    /// The collections of all volumes of another container (`VolumesFrom`). When that container mounts host
    /// directories the workload also needs [`Modifier::HostBindMounts`].
    VolumesOf(ObjectRef),
    /// A network that the workload joins. A predefined one costs the workload a modifier instead (R39).
    Network(ObjectRef),
}

/// One operation that the request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The operation.
    pub operation: Operation,
    /// Its modifiers.
    pub modifiers: ModifierSet,
    /// On what.
    pub on: Target,
}

impl Want {
    /// A plain use of an operation.
    pub fn plain(operation: Operation, on: Target) -> Self {
        Self {
            operation,
            modifiers: ModifierSet::EMPTY,
            on,
        }
    }

    /// A use with modifiers.
    pub fn with(operation: Operation, modifiers: impl IntoIterator<Item = Modifier>, on: Target) -> Self {
        Self {
            operation,
            modifiers: modifiers.into_iter().collect(),
            on,
        }
    }
}

/// The object that a request creates or changes, as far as its collection goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Its type.
    pub object_type: ObjectType,
    /// The existing object for an update, nothing for a create.
    pub existing: Option<ObjectRef>,
    /// The access label of the request (R12), verbatim.
    pub label: Option<String>,
    /// Whether it needs nodes to run or lie on, so that Node Schedule is required (R41).
    pub node_bound: bool,
}

/// Everything that a request asks of the policy. An empty demand with [`Access::Operation`] is a refusal:
/// it would mean that somebody forgot to say what is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The class of the endpoint.
    pub access: Access,
    /// Where a created or changed object lies.
    pub placement: Option<Placement>,
    /// The operations, in the order in which a failure is reported (R64): the object's own first, references
    /// after it.
    pub wants: Vec<Want>,
    /// Changes that only administrators may make whatever their grants, with the reason (R46): node labels,
    /// role, …
    pub admin_only: Option<&'static str>,
}

impl Demand {
    /// Every object that must be looked up before the demand can be judged.
    pub fn objects(&self) -> Vec<&ObjectRef> {
        let placed = self
            .placement
            .iter()
            .filter_map(|placement| placement.existing.as_ref());
        let wanted = self.wants.iter().filter_map(|want| match &want.on {
            Target::Root | Target::Workload => None,
            Target::Object(object)
            | Target::VolumeOrWorkload(object)
            | Target::VolumesOf(object)
            | Target::Network(object) => Some(object),
        });
        let mut objects: Vec<_> = placed.chain(wanted).collect();
        objects.sort();
        objects.dedup();
        objects
    }
}

/// Where an existing object lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In this collection. Unlabelled objects lie in the root collection (R39).
    Collection(CollectionId),
    /// Its labels contradict each other, so only administrators reach it (R38).
    Conflicting,
}

/// What was found out about one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectFacts {
    /// The full id (the name for volumes): what is forwarded instead of the caller's spelling.
    pub id: String,
    /// The name, as the Engine shows it.
    pub name: String,
    /// Where it lies; for exec instances and tasks, where their container or service lies.
    pub home: Home,
    /// The predefined network that this is (`host`, `bridge`, `none`, `ingress`, `nat`), if it is one (R39).
    pub predefined_network: Option<String>,
    /// The `Spec` of a service, node, secret or config.
    pub spec: Option<Value>,
    /// The `PreviousSpec` of a service: what a rollback restores (R34).
    pub previous_spec: Option<Value>,
    /// The version of a service, node, secret or config that `spec` is: an update is allowed for no other.
    pub version: Option<u64>,
    /// Where the volumes of a container lie.
    pub volumes: Vec<Home>,
    /// Whether a container mounts directories of its node.
    pub host_mounts: bool,
    /// Whether it is on other nodes only: the node of the request would make another object of that name.
    pub elsewhere: bool,
}

impl ObjectFacts {
    /// The facts of an object of which only the place is known.
    pub fn at(id: impl Into<String>, collection: CollectionId) -> Self {
        let id = id.into();
        Self {
            name: id.clone(),
            id,
            home: Home::Collection(collection),
            predefined_network: None,
            spec: None,
            previous_spec: None,
            version: None,
            volumes: Vec::new(),
            host_mounts: false,
            elsewhere: false,
        }
    }
}

/// What was found out about the objects of a demand. An object that is not in it does not exist.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Found objects by how the request names them.
    pub objects: HashMap<ObjectRef, ObjectFacts>,
}
