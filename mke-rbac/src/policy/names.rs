//! What the numbers stand for. Reasons share it, so that they can be small and name things when they are read.

use std::sync::Arc;

use mke_core::ids::{AccountId, CollectionId, RoleId};
use rustc_hash::FxHashMap;

use super::grants::{Held, IMPLIED};
use super::pages::Pages;
use super::set::Set;
use super::views::{OrganizationInfo, TeamInfo};
use super::{CollectionInfo, Warning};
use crate::model::{Grant, GrantObject, GrantSubject, User};
use crate::role::{Rights, Role, builtin_roles};

/// The number of [`GrantSubject::Authenticated`].
pub(crate) const AUTHENTICATED: u32 = 0;
/// The number of [`GrantSubject::Anonymous`].
pub(crate) const ANONYMOUS: u32 = 1;

/// A subject of grants: what it is, and what it is a part of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Party {
    pub(crate) who: Who,
    /// The groups that list a user, sorted.
    pub(crate) listed: Option<Arc<[u32]>>,
    /// The members and teams of a group.
    pub(crate) crowd: Option<Arc<Crowd>>,
}

/// What a subject is.
#[derive(Debug, Clone, Default)]
pub(crate) enum Who {
    /// Removed; its number is not used again.
    #[default]
    Gone,
    /// Authenticated or anonymous, or something that grants or groups name and that does not exist.
    Only(Arc<GrantSubject>),
    /// A user.
    User {
        /// Passes every operation check (R5).
        admin: bool,
        /// Passes nothing when false (R6).
        active: bool,
        /// The rest.
        user: Arc<User>,
    },
    /// An organization.
    Organization(Arc<OrganizationInfo>),
    /// A team, with the number of its organization.
    Team(Arc<TeamInfo>, u32),
}

/// What belongs to a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd {
    /// Numbers of the accounts that it lists.
    pub(crate) members: Set,
    /// Numbers of its teams, known or not, when it is an organization.
    pub(crate) teams: Set,
}

impl Party {
    pub(crate) fn only(subject: GrantSubject) -> Self {
        Self {
            who: Who::Only(Arc::new(subject)),
            ..Self::default()
        }
    }

    /// Its name in grants; nothing when it was removed.
    pub(crate) fn subject(&self) -> Option<GrantSubject> {
        Some(match &self.who {
            Who::Gone => return None,
            Who::Only(subject) => GrantSubject::clone(subject),
            Who::User { user, .. } => GrantSubject::User(user.id.clone()),
            Who::Organization(info) => GrantSubject::Organization(info.id.clone()),
            Who::Team(info, _) => GrantSubject::Team(info.id.clone()),
        })
    }

    /// Its id as an account, for members.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        match &self.who {
            Who::User { user, .. } => Some(&user.id),
            Who::Only(subject) => match &**subject {
                GrantSubject::User(id) => Some(id),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn user(&self) -> Option<&User> {
        match &self.who {
            Who::User { user, .. } => Some(user),
            _ => None,
        }
    }

    pub(crate) fn listed(&self) -> &[u32] {
        self.listed.as_deref().unwrap_or_default()
    }

    pub(crate) fn crowd_mut(&mut self) -> &mut Crowd {
        Arc::make_mut(self.crowd.get_or_insert_default())
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = u32> {
        let crowd = self.crowd.iter();
        crowd.flat_map(|crowd| crowd.members.iter().map(second))
    }

    pub(crate) fn teams(&self) -> impl Iterator<Item = u32> {
        let crowd = self.crowd.iter();
        crowd.flat_map(|crowd| crowd.teams.iter().map(second))
    }
}

const fn second(pair: u64) -> u32 {
    super::set::halves(pair).1
}

/// A collection and where it hangs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spot {
    /// Nothing when it was removed.
    pub(crate) info: Option<Arc<CollectionInfo>>,
    /// The number of its parent; its own for the root.
    pub(crate) parent: u32,
}

/// All roles by number. Numbers are not used again.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    pub(crate) list: Vec<Role>,
    pub(crate) numbers: FxHashMap<RoleId, u32>,
    ids: Vec<RoleId>,
    pub(crate) rights: Vec<Rights>,
}

/// The number of the setting's `admin`: every operation. No grant can name it.
pub(crate) const EVERYTHING: u32 = 0;

impl Roles {
    /// The built-in roles, then these.
    pub(crate) fn new(custom: Vec<Role>, warnings: &mut Vec<Warning>) -> Self {
        let mut roles = Self {
            list: Vec::new(),
            numbers: FxHashMap::default(),
            ids: vec![RoleId::new(super::ALL_OPERATIONS)],
            rights: vec![Rights::all()],
        };
        for role in builtin_roles().into_iter().chain(custom) {
            if roles.numbers.contains_key(&role.id) {
                warnings.push(Warning::DuplicateRole(role.id));
            } else {
                roles.put(role);
            }
        }
        roles
    }

    pub(crate) fn put(&mut self, role: Role) {
        let rights = *role.operations.rights();
        match self.numbers.get(&role.id) {
            Some(number) => {
                if let Some(known) = self.rights.get_mut(*number as usize) {
                    *known = rights;
                }
                if let Some(known) = self.list.iter_mut().find(|known| known.id == role.id) {
                    *known = role;
                }
            }
            None => {
                let number = u32::try_from(self.rights.len()).unwrap_or(u32::MAX);
                self.numbers.insert(role.id.clone(), number);
                self.ids.push(role.id.clone());
                self.rights.push(rights);
                self.list.push(role);
            }
        }
    }

    /// Takes a role out. Grants must not name it any more.
    pub(crate) fn remove(&mut self, role: &RoleId) {
        let number = self.numbers.remove(role);
        let rights = number.and_then(|number| self.rights.get_mut(number as usize));
        rights.into_iter().for_each(|rights| *rights = Rights::NONE);
        self.list.retain(|known| known.id != *role);
    }

    /// What a role gives, by number.
    pub(crate) fn rights(&self, role: u32) -> &Rights {
        self.rights
            .get((role & !IMPLIED) as usize)
            .unwrap_or(const { &Rights::NONE })
    }
}

/// Everything that numbers stand for.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) parties: Pages<Party, 32>,
    pub(crate) places: Pages<Spot, 32>,
    pub(crate) roles: Arc<Roles>,
}

impl Names {
    pub(crate) fn place(&self, place: u32) -> Option<&CollectionInfo> {
        self.places.get(place)?.info.as_deref()
    }

    pub(crate) fn collection(&self, place: u32) -> Option<&CollectionId> {
        Some(&self.place(place)?.id)
    }

    /// A grant with its ids. Nothing only when something in it was removed, and then its grants with it.
    pub(crate) fn grant(&self, held: Held) -> Option<Grant> {
        Some(Grant {
            subject: self.parties.get(held.subject)?.subject()?,
            object: GrantObject::Collection(self.collection(held.place)?.clone()),
            role: self.roles.ids.get((held.role & !IMPLIED) as usize)?.clone(),
        })
    }
}
