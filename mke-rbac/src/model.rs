//! The authorization model: accounts, collections, roles and grants as plain data.
//!
//! A [`Model`] is what administrators edit and what is stored. [`crate::Policy`] is compiled from it and
//! answers. Ids, never names, connect the parts (R1).

use mke_core::ids::{AccountId, CollectionId, RoleId, TeamId};
use serde::{Deserialize, Serialize};

use crate::role::Role;

/// Everything that decisions depend on.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Cluster-wide switches.
    pub settings: Settings,
    /// All users.
    pub users: Vec<User>,
    /// All organizations.
    pub organizations: Vec<Organization>,
    /// All teams.
    pub teams: Vec<Team>,
    /// All collections, built-in ones included.
    pub collections: Vec<Collection>,
    /// Custom roles; the built-in ones always exist.
    pub roles: Vec<Role>,
    /// All grants, the implied ones of R29 included except those of private collections (R14), which follow
    /// the settings.
    pub grants: Vec<Grant>,
}

impl Model {
    /// A model that holds nothing but the built-in collections (R11).
    pub fn with_builtin_collections() -> Self {
        let collection = |id: &str, name: &str, parent: Option<&str>| Collection {
            id: id.into(),
            name: name.to_owned(),
            parent: parent.map(Into::into),
        };
        Self {
            collections: vec![
                collection(builtin::ROOT, "Swarm", None),
                collection(builtin::SHARED, "Shared", Some(builtin::ROOT)),
                collection(builtin::PRIVATE, "Private", Some(builtin::SHARED)),
                collection(builtin::LEGACY, "Legacy", Some(builtin::SHARED)),
                collection(builtin::SYSTEM, "System", Some(builtin::ROOT)),
            ],
            ..Self::default()
        }
    }
}

/// Cluster-wide switches that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The role of every user on its own private collection (R14): a built-in role id, or `admin` for all
    /// operations.
    pub default_new_user_role: RoleId,
    /// Whether workloads of administrators may run on managers (R45).
    pub enable_admin_ucp_scheduling: bool,
    /// Whether nodes may lie in other collections than `/Shared` and `/System` (R46).
    pub advanced_license: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_new_user_role: RoleId::new("restrictedcontrol"),
            enable_admin_ucp_scheduling: false,
            advanced_license: true,
        }
    }
}

/// A person or a program with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: AccountId,
    /// Its name, for reasons and labels.
    pub name: String,
    /// Passes every operation check (R5).
    pub admin: bool,
    /// Passes nothing when false, administrator or not (R6).
    pub active: bool,
    /// Its collection below `/Shared/Private`, from the first login on (R14).
    pub private_collection: Option<CollectionId>,
    /// Where its unlabelled resources go, when it chose a place (R13).
    pub default_collection: Option<CollectionId>,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its members, those of its teams included. The organization `docker-datacenter` needs no list: it holds
    /// every user (R2).
    pub members: Vec<AccountId>,
}

/// A team of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// The organization that it belongs to.
    pub organization: AccountId,
    /// Its name, unique within the organization only (R3).
    pub name: String,
    /// Its members.
    pub members: Vec<AccountId>,
}

/// A node of the tree of collections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// Its own name, the last element of its path. The root is called `Swarm`.
    pub name: String,
    /// Its parent; only the root `swarm` has none.
    pub parent: Option<CollectionId>,
}

/// Ids of the built-in collections (R11).
pub mod builtin {
    /// `/`
    pub const ROOT: &str = "swarm";
    /// `/Shared`, where worker nodes start.
    pub const SHARED: &str = "shared";
    /// `/Shared/Private`, the parent of every user's own collection.
    pub const PRIVATE: &str = "private";
    /// `/Shared/Legacy`
    pub const LEGACY: &str = "legacy";
    /// `/System`, where managers and the product's own services lie.
    pub const SYSTEM: &str = "system";
    /// All built-in collections.
    pub const COLLECTIONS: [&str; 5] = [ROOT, SHARED, PRIVATE, LEGACY, SYSTEM];
    /// The name of the organization that holds every user.
    pub const DEFAULT_ORGANIZATION: &str = mke_core::names::DEFAULT_ORGANIZATION;
}

/// Whom a grant reaches (R4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantSubject {
    /// One user.
    User(AccountId),
    /// Every member of an organization.
    Organization(AccountId),
    /// Every member of a team.
    Team(TeamId),
    /// Every logged-in user.
    Authenticated,
    /// Requests without credentials only; adds nothing to a logged-in user.
    Anonymous,
}

/// What a grant is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantObject {
    /// A collection and everything below it (R21).
    Collection(CollectionId),
    /// A Kubernetes namespace; never authorises a Swarm request.
    Namespace(String),
    /// All Kubernetes namespaces (`kubernetesnamespaces`).
    AllNamespaces,
}

/// One subject, one object, one role (R28).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub subject: GrantSubject,
    /// On what.
    pub object: GrantObject,
    /// With which role.
    pub role: RoleId,
}
