//! The policy: an immutable snapshot, compiled from the [model](crate::model) so that questions are cheap.
//!
//! It answers from memory only and never changes; a changed model is compiled into a new policy. Verdicts are
//! made in [`crate::decision`] and [`crate::judge`]; this module finds the grants for them.

mod above;
mod by_id;
mod grants;
mod people;
mod tree;
mod views;
mod who_can;

use std::sync::Arc;

use mke_core::ids::{AccountId, CollectionId, RoleId};
use mke_core::names::CollectionPath;
use rustc_hash::FxHashMap;

use crate::change::{Change, ChangeError};
use crate::decision::{Check, Denial, Subject};
use crate::demand::Home;
use crate::model::{Grant, GrantObject, GrantSubject, Model, Settings, User, builtin};
use crate::operation::{ModifierSet, Operation};
use crate::role::{Rights, Role, RoleBody, builtin_roles};
use above::{Above, Subjects};
use grants::GrantIndex;
use people::People;
pub use tree::CollectionInfo;
pub(crate) use tree::{Place, Tree};
pub use views::{CollectionKey, Filter, OrganizationInfo, Reach, SubjectKey, TeamInfo};
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

/// The model with the grants that it implies. Reasons share it, so that they can name grants by position.
#[derive(Debug)]
pub(crate) struct Ledger {
    model: Model,
    /// Grants of private collections (R14); they follow the settings and are not in the model.
    private_grants: Vec<Grant>,
    organizations: Vec<OrganizationInfo>,
    teams: Vec<TeamInfo>,
}

impl Ledger {
    /// A grant by position: those of the model, then those of private collections.
    pub(crate) fn grant(&self, position: u32) -> &Grant {
        let position = position as usize;
        match position.checked_sub(self.model.grants.len()) {
            None => &self.model.grants[position],
            Some(private) => &self.private_grants[private],
        }
    }
}

/// Who asks, looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'p> {
    /// Nobody.
    Anonymous,
    /// An active administrator.
    Administrator,
    /// An active user, with its subjects that have grants.
    User(Subjects<'p>),
}

/// Everything that decisions need. Cheap to share behind an [`Arc`]; see the [crate documentation](crate) for
/// an example.
#[derive(Debug, Clone)]
pub struct Policy {
    ledger: Arc<Ledger>,
    tree: Arc<Tree>,
    people: People,
    role_numbers: FxHashMap<RoleId, u32>,
    roles: Vec<Role>,
    rights: Vec<Rights>,
    grants: GrantIndex,
    above: Above,
    anonymous: Vec<u32>,
    warnings: Vec<Warning>,
}

impl Policy {
    /// Compiles a model. What names something unknown has no effect and is listed in [`Policy::warnings`].
    pub fn compile(model: Model) -> Self {
        let mut warnings = Vec::new();
        let tree = Tree::compile(&model.collections, &mut warnings);
        let (roles, role_numbers) = number_roles(&model, &mut warnings);
        let mut rights: Vec<_> = roles.iter().map(|role| *role.operations.rights()).collect();
        // The last number stands for the setting's `admin`, which no grant can name.
        rights.push(Rights::all());
        let private_grants = private_grants(&model);
        let everything = u32::try_from(rights.len() - 1).unwrap_or(u32::MAX);
        let stored = model.grants.len();
        let numbered = model.grants.iter().chain(&private_grants).enumerate();
        let implied_everything =
            |position: usize, grant: &Grant| position >= stored && grant.role.as_str() == ALL_OPERATIONS;
        let role_of = |position: usize, grant: &Grant| {
            if implied_everything(position, grant) {
                Some(everything)
            } else {
                role_numbers.get(&grant.role).copied()
            }
        };
        let (grants, placed) = GrantIndex::compile(numbered, &tree, role_of, &mut warnings);
        let above = Above::compile(placed, &tree);
        let people = People::compile(&model, &grants, &mut warnings);
        let anonymous = grants.number(&GrantSubject::Anonymous).into_iter().collect();
        Self {
            ledger: Arc::new(Ledger {
                organizations: model
                    .organizations
                    .iter()
                    .map(|known| OrganizationInfo {
                        id: known.id.clone(),
                        name: known.name.clone(),
                    })
                    .collect(),
                teams: model
                    .teams
                    .iter()
                    .map(|known| TeamInfo {
                        id: known.id.clone(),
                        organization: known.organization.clone(),
                        name: known.name.clone(),
                    })
                    .collect(),
                model,
                private_grants,
            }),
            tree: Arc::new(tree),
            people,
            role_numbers,
            roles,
            rights,
            grants,
            above,
            anonymous,
            warnings,
        }
    }

    /// The whole model, built anew: for what reads or changes everything. Grants are in no particular order.
    pub fn to_model(&self) -> Model {
        self.model().clone()
    }

    /// The policy with one change. This one stays as it is.
    pub fn with(&self, change: &Change) -> Result<Self, ChangeError> {
        let mut model = self.to_model();
        model.apply(change)?;
        Ok(Self::compile(model))
    }

    fn model(&self) -> &Model {
        &self.ledger.model
    }

    /// The switches in force.
    pub fn settings(&self) -> &Settings {
        &self.model().settings
    }

    /// What in the model has no effect, in no particular order.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    /// All roles, the built-in ones first.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// A role by id.
    pub fn role(&self, id: &str) -> Option<&Role> {
        let number = *self.role_numbers.get(id)?;
        self.roles.get(number as usize)
    }

    /// A user by id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.people.user(self.model(), id)
    }

    /// A collection by id.
    pub fn collection(&self, id: &str) -> Option<&CollectionInfo> {
        Some(self.tree.info(self.tree.by_id(id)?))
    }

    /// A collection by path, exactly (R10).
    pub fn collection_by_path(&self, path: &CollectionPath) -> Option<&CollectionInfo> {
        Some(self.tree.info(self.tree.by_path(path)?))
    }

    /// Every collection, parents before children.
    pub fn collections(&self) -> impl Iterator<Item = &CollectionInfo> {
        self.tree.infos().iter()
    }

    /// How many collections there are.
    pub fn collection_count(&self) -> usize {
        self.tree.infos().len()
    }

    /// The collections right below one.
    pub fn children(&self, id: &CollectionId) -> impl Iterator<Item = &CollectionInfo> {
        self.collections()
            .filter(move |info| info.parent_ids.last() == Some(id))
    }

    /// Whether `below` is the collection `above` or lies under it (R21).
    pub fn covers(&self, above: &CollectionId, below: &CollectionId) -> bool {
        match (self.tree.by_id(above.as_str()), self.tree.by_id(below.as_str())) {
            (Some(above), Some(below)) => self.tree.covers(above, below),
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
        let Some(place) = self.place(&check.collection) else {
            return self.is_administrator(subject);
        };
        match self.caller(subject) {
            Ok(caller) => self.holds(caller, place, check.operation, check.modifiers),
            Err(_) => false,
        }
    }

    /// Whether the subject may use the operation on an object that lies there: the filter of lists and events
    /// (R50). Objects with conflicting labels are for administrators (R38).
    pub fn may(&self, subject: &Subject, operation: Operation, home: &Home) -> bool {
        let Ok(caller) = self.caller(subject) else {
            return false;
        };
        match (caller, home) {
            (Caller::Administrator, _) => true,
            (_, Home::Conflicting) => false,
            (_, Home::Collection(id)) => self
                .place(id)
                .is_some_and(|place| self.holds(caller, place, operation, ModifierSet::EMPTY)),
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
                self.above.visit(self.subjects(caller), place, |entry| {
                    rights = rights.union(self.rights_of(entry.role));
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
                .subjects(caller)
                .numbers()
                .iter()
                .flat_map(|subject| self.grants.of(*subject))
                .fold(Rights::NONE, |rights, (_, entry)| {
                    rights.union(self.rights_of(entry.role))
                }),
        };
        rights.into()
    }

    /// The grants on collections that apply to an account, also to one that is deactivated or administrator.
    pub fn grants_of(&self, subject: &Subject) -> Vec<Grant> {
        let subjects = match subject {
            Subject::Anonymous => Subjects::new(&self.anonymous),
            Subject::Account(id) => self.people.subjects(id.as_str()).unwrap_or(Subjects::new(&[])),
        };
        let mut positions: Vec<_> = subjects
            .numbers()
            .iter()
            .flat_map(|subject| self.grants.of(*subject))
            .map(|(_, entry)| entry.grant)
            .collect();
        positions.sort_unstable();
        positions
            .into_iter()
            .map(|position| self.grant(position).clone())
            .collect()
    }

    /// Every grant: the stored ones, then those of private collections, which follow the settings (R14, R29).
    pub fn grants(&self) -> impl Iterator<Item = Grant> {
        let all = self.model().grants.iter().chain(&self.ledger.private_grants);
        all.cloned()
    }

    /// How many grants there are, those of private collections included.
    pub fn grant_count(&self) -> usize {
        self.model().grants.len() + self.ledger.private_grants.len()
    }

    /// Whether this grant was made. Those of private collections were not: they follow the settings (R14).
    pub fn has_grant(&self, grant: &Grant) -> bool {
        self.model().grants.contains(grant)
    }

    /// The grants on an object, stored or implied.
    pub fn grants_on(&self, object: &GrantObject) -> Vec<Grant> {
        self.grants().filter(|grant| grant.object == *object).collect()
    }

    pub(crate) fn caller(&self, subject: &Subject) -> Result<Caller<'_>, Denial> {
        match subject {
            Subject::Anonymous => Ok(Caller::Anonymous),
            Subject::Account(id) => self.people.caller(id.as_str()),
        }
    }

    pub(crate) const fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    pub(crate) fn place(&self, collection: &CollectionId) -> Option<Place> {
        self.tree.by_id(collection.as_str())
    }

    pub(crate) fn grant(&self, position: u32) -> &Grant {
        self.ledger.grant(position)
    }

    pub(crate) const fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The subjects of a caller that have grants; none for administrators, who need none.
    pub(crate) fn subjects<'p>(&'p self, caller: Caller<'p>) -> Subjects<'p> {
        match caller {
            Caller::Anonymous => Subjects::new(&self.anonymous),
            Caller::Administrator => Subjects::new(&[]),
            Caller::User(subjects) => subjects,
        }
    }

    /// Whether a grant of the caller on the place or above it has a role of this kind.
    pub(crate) fn any_above(
        &self,
        caller: Caller<'_>,
        place: Place,
        mut wanted: impl FnMut(&Rights) -> bool,
    ) -> bool {
        let mut found = false;
        self.above.visit(self.subjects(caller), place, |entry| {
            found = wanted(self.rights_of(entry.role));
            !found
        });
        found
    }

    pub(crate) fn grant_index(&self) -> &GrantIndex {
        &self.grants
    }

    pub(crate) fn rights_of(&self, role: u32) -> &Rights {
        &self.rights[role as usize]
    }

    /// Visits every grant of the caller that carries the operation at the place, nearest first, with the position
    /// of the grant and the modifiers it adds, until the visitor returns false.
    pub(crate) fn covering(
        &self,
        caller: Caller<'_>,
        place: Place,
        operation: Operation,
        mut visit: impl FnMut(u32, ModifierSet) -> bool,
    ) {
        self.above.visit(self.subjects(caller), place, |entry| {
            match self.rights_of(entry.role).modifiers(operation) {
                Some(modifiers) => visit(entry.grant, modifiers),
                None => true,
            }
        });
    }

    fn holds(&self, caller: Caller<'_>, place: Place, operation: Operation, modifiers: ModifierSet) -> bool {
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

fn number_roles(model: &Model, warnings: &mut Vec<Warning>) -> (Vec<Role>, FxHashMap<RoleId, u32>) {
    let mut roles = builtin_roles();
    roles.extend(model.roles.iter().cloned());
    let mut numbers = FxHashMap::default();
    for (number, role) in roles.iter().enumerate() {
        if numbers.contains_key(&role.id) {
            warnings.push(Warning::DuplicateRole(role.id.clone()));
        } else if let Ok(number) = u32::try_from(number) {
            numbers.insert(role.id.clone(), number);
        }
    }
    (roles, numbers)
}

/// One grant per user on its own collection, with the role that the settings name (R14). Administrators need
/// none.
fn private_grants(model: &Model) -> Vec<Grant> {
    let users = model.users.iter().filter(|user| !user.admin);
    users
        .filter_map(|user| {
            Some(Grant {
                subject: GrantSubject::User(user.id.clone()),
                object: GrantObject::Collection(user.private_collection.clone()?),
                role: model.settings.default_new_user_role.clone(),
            })
        })
        .collect()
}
