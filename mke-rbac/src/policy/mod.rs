//! The policy: an immutable snapshot, compiled from the [model](crate::model) so that questions are cheap.
//!
//! It answers from memory only and never changes; a change makes a new policy that shares with the old one what stayed
//! the same. Verdicts are made in [`crate::decision`] and [`crate::judge`]; this module finds the grants for them.

mod apply;
mod compile;
mod filter;
mod grants;
mod named;
mod names;
pub(crate) mod pages;
mod people;
mod prepared;
mod set;
mod table;
mod tree;
mod views;
mod who_can;

use std::fmt;
use std::sync::Arc;

use mke_core::ids::{AccountId, CollectionId, RoleId};
use mke_core::names::CollectionPath;

use crate::decision::{Check, Denial, Subject};
use crate::demand::Home;
use crate::model::{Grant, GrantObject, GrantSubject, Settings, User, builtin};
use crate::operation::{ModifierSet, Operation};
use crate::role::{Rights, Role, RoleBody};
pub use filter::Filter;
pub(crate) use grants::Held;
use grants::{Grants, IMPLIED, Subjects};
pub(crate) use names::Names;
use names::{ANONYMOUS, Spot};
use people::People;
pub use prepared::{CollectionRow, Prepared, UserRow};
pub use tree::CollectionInfo;
pub(crate) use tree::Place;
use tree::Tree;
pub use views::{CollectionKey, OrganizationInfo, Reach, SubjectKey, TeamInfo};
pub use who_can::WhoCan;

/// As value of the setting `default_new_user_role`: every operation on private collections. It is no role.
const ALL_OPERATIONS: &str = "admin";

/// Something in the model that has no effect because it names what does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A collection without a way to the root, or with the path of another one.
    #[error("collection `{0}` has no place of its own in the tree and is ignored")]
    UnreachableCollection(CollectionId),
    /// A grant on an unknown collection or with an unknown role.
    #[error("the grant of role `{}` to {:?} on {:?} names something unknown and is ignored", .0.role, .0.subject, .0.object)]
    InertGrant(Grant),
    /// Two users with one id, or an organization with the id of a user: the first one counts (R1).
    #[error("account id `{0}` is used twice; the first account counts")]
    DuplicateAccount(AccountId),
    /// A role with the id of another one: the first one counts, built-in roles before all.
    #[error("role id `{0}` is used twice; the first role counts")]
    DuplicateRole(RoleId),
}

/// Who asks, looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'p> {
    /// Nobody.
    Anonymous,
    /// An active administrator.
    Administrator,
    /// An active user, with the subjects through which grants reach it.
    User(Subjects<'p>),
}

/// Everything that decisions need. Cheap to clone and to share; see the [crate documentation](crate) for an example.
#[derive(Clone)]
pub struct Policy {
    settings: Arc<Settings>,
    names: Arc<Names>,
    people: People,
    tree: Tree,
    grants: Grants,
    /// Warnings about what compiling left out for good.
    shadowed: Arc<[Warning]>,
    /// Numbers that stand for nothing any more.
    gone: usize,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("users", &self.people.count)
            .field("collections", &self.collection_count())
            .field("grants", &self.grant_count())
            .finish_non_exhaustive()
    }
}

impl Policy {
    /// The switches in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What in the model has no effect, in no particular order.
    pub fn warnings(&self) -> Vec<Warning> {
        let unplaced = self.tree.unplaced.iter();
        let unreachable = unplaced.map(|collection| Warning::UnreachableCollection(collection.id.clone()));
        let inert = self.grants.inert.iter().cloned().map(Warning::InertGrant);
        let organizations = self.organizations().map(|organization| &organization.id);
        let twice = organizations.filter(|id| self.user(id.as_str()).is_some());
        self.shadowed
            .iter()
            .cloned()
            .chain(unreachable)
            .chain(inert)
            .chain(self.inert_private_grants().map(Warning::InertGrant))
            .chain(twice.cloned().map(Warning::DuplicateAccount))
            .collect()
    }

    /// Grants that the settings imply (R14) on private collections that do not exist, or with a role that does
    /// not.
    fn inert_private_grants(&self) -> impl Iterator<Item = Grant> {
        let role = &self.settings.default_new_user_role;
        let known = role.as_str() == ALL_OPERATIONS || self.names.roles.numbers.contains_key(role);
        let homeless = self.people.homeless.iter();
        let homeless = homeless.filter_map(|(_, number)| self.names.parties.get(*number)?.user());
        let all = (!known).then(|| self.users()).into_iter().flatten();
        all.chain(known.then_some(homeless).into_iter().flatten())
            .filter(|user| !user.admin)
            .filter_map(|user| {
                Some(Grant {
                    subject: GrantSubject::User(user.id.clone()),
                    object: GrantObject::Collection(user.private_collection.clone()?),
                    role: role.clone(),
                })
            })
    }

    /// All roles, the built-in ones first.
    pub fn roles(&self) -> &[Role] {
        &self.names.roles.list
    }

    /// A role by id.
    pub fn role(&self, id: &str) -> Option<&Role> {
        self.roles().iter().find(|role| role.id.as_str() == id)
    }

    /// A user by id.
    pub fn user(&self, id: &str) -> Option<&User> {
        let slot = self.people.users.get(id)?;
        self.names.parties.get(slot.number)?.user()
    }

    /// A collection by id.
    pub fn collection(&self, id: &str) -> Option<&CollectionInfo> {
        self.names.place(self.tree.by_id(id)?.number)
    }

    /// A collection by path, exactly (R10).
    pub fn collection_by_path(&self, path: &CollectionPath) -> Option<&CollectionInfo> {
        self.names.place(self.tree.by_path(path)?)
    }

    /// Every collection, parents before children.
    pub fn collections(&self) -> impl Iterator<Item = &CollectionInfo> {
        let spots = self.names.places.iter();
        spots.filter_map(|(_, spot)| spot.info.as_deref())
    }

    /// How many collections there are.
    pub fn collection_count(&self) -> usize {
        self.tree.len()
    }

    /// The collections right below one.
    pub fn children(&self, id: &CollectionId) -> impl Iterator<Item = &CollectionInfo> {
        let place = self.place(id).into_iter();
        let below = place.flat_map(|place| self.tree.children(place.number));
        below.filter_map(|child| self.names.place(child))
    }

    /// Whether `below` is the collection `above` or lies under it (R21).
    pub fn covers(&self, above: &CollectionId, below: &CollectionId) -> bool {
        match (self.place(above), self.place(below)) {
            (Some(above), Some(below)) => below.is_below(above.number),
            _ => false,
        }
    }

    /// Where a user's unlabelled resources go (R13): its own choice, else its private collection, for an
    /// administrator `/`. Nothing for a user that never logged in and chose nothing.
    pub fn default_collection(&self, user: &AccountId) -> Option<&CollectionInfo> {
        let user = self.user(user.as_str())?;
        let initial = if user.admin {
            Some(builtin::ROOT)
        } else {
            user.private_collection.as_ref().map(CollectionId::as_str)
        };
        let chosen = user
            .default_collection
            .as_ref()
            .and_then(|id| self.collection(id.as_str()));
        chosen.or_else(|| self.collection(initial?))
    }

    /// The labels that every object of a collection carries (R18): its path, its id, and one flag for it and
    /// each of its ancestors. Empty for an unknown collection.
    pub fn collection_labels(&self, id: &CollectionId) -> Vec<(String, String)> {
        let Some(info) = self.collection(id.as_str()) else {
            return Vec::new();
        };
        let on = |id: &str| (format!("com.docker.ucp.collection.{id}"), "true".to_owned());
        let mut labels = vec![
            ("com.docker.ucp.access.label".to_owned(), info.path.to_string()),
            ("com.docker.ucp.collection".to_owned(), info.id.to_string()),
            on("root"),
        ];
        labels.extend(info.parent_ids.iter().chain([&info.id]).map(|id| on(id.as_str())));
        labels
    }

    /// Whether one check passes. The same verdict as [`Policy::decide`] with [`crate::demand::Access::Operation`],
    /// without the reason and without allocating.
    pub fn allows(&self, subject: &Subject, check: &Check) -> bool {
        let caller = self.caller(subject);
        let place = self.place(&check.collection);
        match (caller, place) {
            (Ok(Caller::Administrator), _) => true,
            (Ok(caller), Some(place)) => self.holds(&caller, place, check.operation, check.modifiers),
            _ => false,
        }
    }

    /// Whether the subject may use the operation on an object that lies there: the filter of lists and events
    /// (R50). Objects with conflicting labels are for administrators (R38). For many objects ask
    /// [`Policy::filter`].
    pub fn may(&self, subject: &Subject, operation: Operation, home: &Home) -> bool {
        let Ok(caller) = self.caller(subject) else {
            return false;
        };
        match (caller, home) {
            (Caller::Administrator, _) => true,
            (_, Home::Conflicting) => false,
            (caller, Home::Collection(id)) => self
                .place(id)
                .is_some_and(|place| self.holds(&caller, place, operation, ModifierSet::EMPTY)),
        }
    }

    /// Whether the subject is an active administrator.
    pub fn is_administrator(&self, subject: &Subject) -> bool {
        matches!(self.caller(subject), Ok(Caller::Administrator))
    }

    /// The union of the roles that the subject has on a collection (R22).
    pub fn effective(&self, subject: &Subject, collection: &CollectionId) -> RoleBody {
        let rights = match (self.caller(subject), self.place(collection)) {
            (Err(_), _) | (_, None) => Rights::NONE,
            (Ok(Caller::Administrator), Some(_)) => Rights::all(),
            (Ok(caller), Some(place)) => {
                let mut rights = Rights::NONE;
                self.visit(&caller, place, |held| {
                    rights = rights.union(self.rights_of(held.role));
                    true
                });
                rights
            }
        };
        rights.into()
    }

    /// The union of the roles that the subject has anywhere (R53).
    pub fn total(&self, subject: &Subject) -> RoleBody {
        let rights = match self.caller(subject) {
            Err(_) => Rights::NONE,
            Ok(Caller::Administrator) => Rights::all(),
            Ok(caller) => self
                .subjects(&caller)
                .iter()
                .flat_map(|subject| self.grants.of(subject))
                .fold(Rights::NONE, |rights, (_, role)| {
                    rights.union(self.rights_of(role))
                }),
        };
        rights.into()
    }

    /// The grants on collections that apply to an account, also to one that is deactivated or administrator.
    pub fn grants_of(&self, subject: &Subject) -> Vec<Grant> {
        let subjects = match subject {
            Subject::Anonymous => Subjects::new(&[ANONYMOUS], &[]),
            Subject::Account(id) => match self.people.subjects(id.as_str()) {
                Some(subjects) => subjects,
                None => return Vec::new(),
            },
        };
        let held = subjects.iter().flat_map(|subject| {
            let own = self.grants.of(subject);
            own.map(move |(place, role)| Held { subject, place, role })
        });
        let mut grants: Vec<_> = held.filter_map(|held| self.names.grant(held)).collect();
        grants.sort_unstable();
        grants
    }

    /// Every grant, in no particular order: the stored ones, and those of private collections that exist, which
    /// follow the settings (R14, R29).
    pub fn grants(&self) -> impl Iterator<Item = Grant> {
        let implied = self.grants.iter().filter(|held| held.role & IMPLIED != 0);
        self.made_grants()
            .chain(implied.filter_map(|held| self.names.grant(held)))
    }

    /// Every stored grant, those without effect included.
    fn made_grants(&self) -> impl Iterator<Item = Grant> {
        let held = self.grants.iter().filter(|held| held.role & IMPLIED == 0);
        held.filter_map(|held| self.names.grant(held))
            .chain(self.grants.inert.iter().cloned())
            .chain(self.grants.namespaced.iter().cloned())
    }

    /// How many grants there are, those of private collections included.
    pub fn grant_count(&self) -> usize {
        let grants = &self.grants;
        grants.made + grants.implied + grants.inert.len() + grants.namespaced.len()
    }

    /// Whether this grant was made. Those of private collections were not: they follow the settings (R14).
    pub fn has_grant(&self, grant: &Grant) -> bool {
        self.held(grant).is_some_and(|held| self.grants.contains(held))
            || self.grants.inert.contains(grant)
            || self.grants.namespaced.contains(grant)
    }

    /// A grant in numbers, when all that it names has one.
    fn held(&self, grant: &Grant) -> Option<Held> {
        let (place, role) = self.place_and_role(grant)?;
        Some(Held {
            subject: self.people.number(&grant.subject)?,
            place,
            role,
        })
    }

    /// The grants on an object, stored or implied, those without effect included.
    pub fn grants_on(&self, object: &GrantObject) -> Vec<Grant> {
        let place = match object {
            GrantObject::Collection(id) => self.place(id),
            GrantObject::Namespace(_) | GrantObject::AllNamespaces => None,
        };
        let held = place.into_iter().flat_map(|place| {
            let here = self.grants.at(place.number);
            here.map(move |(subject, role)| Held {
                subject,
                place: place.number,
                role,
            })
        });
        let written = self.grants.inert.iter().chain(&self.grants.namespaced);
        let mut grants: Vec<_> = held
            .filter_map(|held| self.names.grant(held))
            .chain(written.filter(|grant| grant.object == *object).cloned())
            .collect();
        grants.sort_unstable();
        grants
    }

    pub(crate) fn caller(&self, subject: &Subject) -> Result<Caller<'_>, Denial> {
        match subject {
            Subject::Anonymous => Ok(Caller::Anonymous),
            Subject::Account(id) => self.people.caller(id.as_str()),
        }
    }

    pub(crate) const fn names(&self) -> &Arc<Names> {
        &self.names
    }

    pub(crate) fn place(&self, collection: &CollectionId) -> Option<Place<'_>> {
        self.tree.by_id(collection.as_str())
    }

    /// The grants of a subject, as pairs of the number of a collection and the number of a role.
    pub(crate) fn held_by(&self, subject: u32) -> impl Iterator<Item = (u32, u32)> {
        self.grants.of(subject)
    }

    /// How many numbers of collections were given out, and the parent of each; its own for the root.
    pub(crate) fn parents(&self) -> impl Iterator<Item = u32> {
        self.names.places.iter().map(|(_, spot)| spot.parent)
    }

    /// A collection by number.
    pub(crate) fn spot(&self, number: u32) -> Option<&Spot> {
        self.names.places.get(number)
    }

    /// The subjects of a caller; none for administrators, who need no grant.
    pub(crate) fn subjects<'c>(&self, caller: &Caller<'c>) -> Subjects<'c> {
        match caller {
            Caller::Anonymous => Subjects::new(&[ANONYMOUS], &[]),
            Caller::Administrator => Subjects::new(&[], &[]),
            Caller::User(subjects) => *subjects,
        }
    }

    /// Visits every grant of the caller on the place and above it, nearest first, until the visitor says false.
    pub(crate) fn visit(&self, caller: &Caller<'_>, place: Place<'_>, visit: impl FnMut(Held) -> bool) {
        match caller {
            Caller::User(subjects) => self.grants.visit(subjects, place, visit),
            other => self.grants.visit(&self.subjects(other), place, visit),
        }
    }

    pub(crate) fn rights_of(&self, role: u32) -> &Rights {
        self.names.roles.rights(role)
    }

    /// Visits every grant of the caller that carries the operation at the place, nearest first, with the
    /// modifiers it adds, until the visitor returns false.
    pub(crate) fn covering(
        &self,
        caller: &Caller<'_>,
        place: Place<'_>,
        operation: Operation,
        mut visit: impl FnMut(Held, ModifierSet) -> bool,
    ) {
        self.visit(caller, place, |held| {
            match self.rights_of(held.role).modifiers(operation) {
                Some(modifiers) => visit(held, modifiers),
                None => true,
            }
        });
    }

    fn holds(
        &self,
        caller: &Caller<'_>,
        place: Place<'_>,
        operation: Operation,
        modifiers: ModifierSet,
    ) -> bool {
        if matches!(caller, Caller::Administrator) {
            return true;
        }
        let mut held = None;
        self.covering(caller, place, operation, |_, more| {
            let union = held.unwrap_or(ModifierSet::EMPTY).union(more);
            held = Some(union);
            !union.covers(modifiers)
        });
        held.is_some_and(|held| held.covers(modifiers))
    }
}
