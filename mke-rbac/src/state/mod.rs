//! A policy in a file: accounts, collections, roles, grants and objects by name, for questions without a
//! running cluster.
//!
//! The format is that of the `worlds` of conformance case files (`format: rbac-scenarios/1`), in YAML or JSON.
//! Ids are made from names: a collection `/Prod/Web site` gets the id `c-Prod-Web_site`, a user `jane` the id
//! `u-jane`. Built-in collections and roles and the grants of a fresh installation (R11, R29) are implied.
//!
//! ```
//! use mke_rbac::operation::{ModifierSet, Operation};
//! use mke_rbac::state::World;
//! use mke_rbac::{Check, demand::Access};
//!
//! let world = World::parse(r#"
//! format: rbac-scenarios/1
//! worlds: {bank: {users: {dina: {}},
//!   grants: [{id: g1, subject: "user:dina", role: restrictedcontrol, collection: /Shared}]}}
//! "#, None)?;
//! let dina = world.subject(Some("dina")).ok_or("no such user")?;
//! let shared = world.policy().collection_by_path(&"/Shared".parse()?).ok_or("no such collection")?.id.clone();
//! let check = Check { operation: Operation::ServiceCreate, modifiers: ModifierSet::EMPTY, collection: shared };
//! assert!(world.policy().decide(&dina, Access::Operation, &[check]).is_allowed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compile;
mod file;

use std::collections::BTreeMap;

use mke_core::ids::AccountId;

pub use file::{
    GrantRecord, LicenseTier, OrganizationRecord, SettingsRecord, StateFile, UserRecord, WorldRecord,
};

use crate::decision::Subject;
use crate::inquiry::{self, InquiryError, Scene, WhatIf};
use crate::policy::Policy;
use crate::question::{Answer, Ask, GrantTriple, Inventory, Question};

/// The largest state file that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// Why a text is no usable state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Longer than [`MAX_BYTES`].
    #[error("the state has {found} bytes, at most {MAX_BYTES} are read")]
    TooLarge {
        /// Its length.
        found: usize,
    },
    /// Not YAML, or a field that the format does not have, or a value of the wrong kind.
    #[error("the state is not in the format `{}`", StateFile::FORMAT)]
    Syntax(#[source] serde_yaml_ng::Error),
    /// Another format.
    #[error("the state says format `{found}`, this program reads `{}`", StateFile::FORMAT)]
    Format {
        /// What the file says.
        found: String,
    },
    /// Names that stand for nothing; all of them.
    #[error("world `{world}`: {}", problems.join("; "))]
    Problems {
        /// The world.
        world: String,
        /// One sentence each.
        problems: Vec<String>,
    },
    /// The file has no world of this name.
    #[error("there is no world `{name}`; there are {}", known.join(", "))]
    NoSuchWorld {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
}

/// A state that can be asked.
#[derive(Debug, Clone)]
pub struct World {
    policy: Policy,
    inventory: Inventory,
    users: BTreeMap<String, AccountId>,
    grant_ids: Vec<(GrantTriple, String)>,
}

impl World {
    /// Reads one world out of a state file. The name may be left out when the file has one world only.
    pub fn parse(text: &str, name: Option<&str>) -> Result<Self, StateError> {
        StateFile::parse(text)?.world(name)
    }

    /// The compiled policy.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The objects.
    pub const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The subject with this user name; nobody when there is no name.
    pub fn subject(&self, user: Option<&str>) -> Option<Subject> {
        match user {
            None => Some(Subject::Anonymous),
            Some(user) => self.users.get(user).cloned().map(Subject::Account),
        }
    }

    /// Answers a question about the user that it names.
    pub fn answer(&self, question: &Question) -> Answer {
        let user = match question.ask {
            // Kubernetes has users of its own.
            Ask::K8s(_) => None,
            _ => question.user.as_deref(),
        };
        match self.subject(user) {
            Some(subject) => self.policy.answer(&subject, question, &self.inventory),
            None => Answer::error(
                "unknown-user",
                format!("there is no user `{}`", user.unwrap_or_default()),
            ),
        }
    }

    /// The state after changes, made one after the other. This one stays as it is.
    ///
    /// # Errors
    /// The first change that names what is not there, or that cannot be.
    pub fn with(&self, changes: &[WhatIf]) -> Result<Self, InquiryError> {
        let scene = Scene::new(&self.policy, &self.inventory);
        let (policy, inventory) = inquiry::changed_scene(&scene, changes)?;
        let users = policy.users();
        Ok(Self {
            users: users.map(|user| (user.name.clone(), user.id.clone())).collect(),
            policy,
            inventory,
            grant_ids: self.grant_ids.clone(),
        })
    }

    /// The ids that the file gives to a grant, implied grants included. Roles compare by id or name.
    pub fn grant_ids<'w>(&'w self, grant: &'w GrantTriple) -> impl Iterator<Item = &'w str> {
        self.grant_ids
            .iter()
            .filter(move |(known, _)| {
                known.subject == grant.subject
                    && known.collection == grant.collection
                    && (known.role == grant.role || known.role == grant.role_name)
            })
            .map(|(_, id)| id.as_str())
    }
}
