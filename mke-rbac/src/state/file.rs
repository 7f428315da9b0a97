//! The written form of a state. Unknown fields are refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{MAX_BYTES, StateError, World};
use crate::kubernetes::Rbac;
use crate::question::{License, Resource};
use crate::role::RoleBody;

/// A file with worlds, and perhaps with the cases that are asked of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// [`StateFile::FORMAT`].
    format: String,
    /// The states by name.
    pub worlds: BTreeMap<String, WorldRecord>,
    /// Conformance cases; whoever runs them reads them.
    #[serde(default, rename = "scenarios")]
    _cases: IgnoredAny,
}

impl StateFile {
    /// The only format there is.
    pub const FORMAT: &str = "rbac-scenarios/1";

    /// Reads a file, YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        if text.len() > MAX_BYTES {
            return Err(StateError::TooLarge { found: text.len() });
        }
        let file: Self = crate::yaml::from_str(text).map_err(StateError::Syntax)?;
        Self::check_format(&file.format)?;
        Ok(file)
    }

    /// Refuses every format but [`StateFile::FORMAT`].
    pub fn check_format(found: &str) -> Result<(), StateError> {
        if found == Self::FORMAT {
            return Ok(());
        }
        Err(StateError::Format {
            found: found.to_owned(),
        })
    }

    /// Compiles one world. The name may be left out when there is only one.
    pub fn world(&self, name: Option<&str>) -> Result<World, StateError> {
        let found = match name {
            Some(name) => self.worlds.get_key_value(name),
            None => self.worlds.iter().next().filter(|_| self.worlds.len() == 1),
        };
        match found {
            Some((name, record)) => World::compile(name, record),
            None => Err(StateError::NoSuchWorld {
                name: name.unwrap_or_default().to_owned(),
                known: self.worlds.keys().cloned().collect(),
            }),
        }
    }
}

/// One state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorldRecord {
    /// Where it comes from, for readers.
    pub origin: String,
    /// Cluster-wide switches.
    pub settings: SettingsRecord,
    /// Users by name.
    pub users: BTreeMap<String, UserRecord>,
    /// Organizations by name. Everybody is in `docker-datacenter`, which need not be listed.
    pub orgs: BTreeMap<String, OrganizationRecord>,
    /// Paths of collections besides the built-in ones, parents before children.
    pub collections: Vec<String>,
    /// Custom roles by name.
    pub roles: BTreeMap<String, RoleBody>,
    /// Grants besides the implied ones.
    pub grants: Vec<GrantRecord>,
    /// Nodes by name, with the path of their collection.
    pub nodes: BTreeMap<String, String>,
    /// Other objects.
    pub resources: Vec<Resource>,
    /// Kubernetes roles and bindings.
    pub k8s: Rbac,
}

/// Cluster-wide switches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsRecord {
    /// The role on private collections (R14).
    pub default_new_user_role: String,
    /// Whether workloads of administrators may run on managers (R45).
    pub enable_admin_ucp_scheduling: bool,
    /// The licence tier (R46).
    pub license: LicenseTier,
    /// Whether the grant of the scheduler role on `/Shared` to everybody exists (R29).
    pub docker_datacenter_scheduler: bool,
}

/// The licence tier of a state.
pub type LicenseTier = License;

impl Default for SettingsRecord {
    fn default() -> Self {
        Self {
            default_new_user_role: crate::role::builtin::RESTRICTED_CONTROL.to_owned(),
            enable_admin_ucp_scheduling: false,
            license: License::Advanced,
            docker_datacenter_scheduler: true,
        }
    }
}

/// A user.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserRecord {
    /// Whether it is an administrator.
    pub admin: bool,
    /// Whether it is active.
    pub active: bool,
    /// Whether it ever logged in, so that it has a private collection (R14).
    pub logged_in: bool,
    /// The path of the default collection that it chose.
    pub default_collection: Option<String>,
}

impl Default for UserRecord {
    fn default() -> Self {
        Self {
            admin: false,
            active: true,
            logged_in: true,
            default_collection: None,
        }
    }
}

/// An organization.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationRecord {
    /// Members outside of teams.
    pub members: Vec<String>,
    /// Members of teams, who are members of the organization too.
    pub teams: BTreeMap<String, Vec<String>>,
}

/// A grant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRecord {
    /// How cases call it.
    pub id: String,
    /// `user:<name>`, `org:<name>`, `team:<org>/<name>`, `authenticated` or `anonymous`.
    pub subject: String,
    /// The id of a built-in role or the name of a custom one.
    pub role: String,
    /// The path of the collection.
    pub collection: String,
}
