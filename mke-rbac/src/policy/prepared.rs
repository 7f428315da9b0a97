//! Decides nothing: users and collections looked up once, for programs that ask very many questions and know both by
//! their names or by their positions in two lists.
//!
//! [`SubjectKey`](super::SubjectKey) and [`CollectionKey`](super::CollectionKey) save the same search and borrow from the
//! policy; this owns what it needs, so that it can be kept and shared.

use mke_core::ids::{AccountId, CollectionId};

use super::grants::Subjects;
use super::named::Named;
use super::table::List;
use super::tree::Place;
use super::{Caller, Policy};
use crate::decision::{Check, Decision, Denial, Subject};
use crate::operation::{ModifierSet, Operation};

/// A policy with all its users and collections looked up, in the order of names and of paths.
///
/// ```
/// use mke_rbac::operation::{ModifierSet, Operation};
/// use mke_rbac::state::World;
///
/// let world = World::parse(r#"
/// format: rbac-scenarios/1
/// worlds: {bank: {users: {dina: {}, sam: {}},
///   grants: [{id: g1, subject: "user:dina", role: fullcontrol, collection: /Shared}]}}
/// "#, None)?;
/// let prepared = world.policy().prepare();
/// let shared = prepared.find_collection(b"/Shared").unwrap();
/// let allows = |name: &str| {
///     let user = prepared.find_user(name.as_bytes());
///     user.is_some() && prepared.permits(user, Operation::ServiceCreate, ModifierSet::EMPTY, shared)
/// };
/// assert!(allows("dina") && !allows("sam") && !allows("nobody"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prepared {
    policy: Policy,
    accounts: Vec<AccountId>,
    /// By name.
    users: Named<Known>,
    ids: Vec<CollectionId>,
    /// By path: the numbers of a collection and of those above it, nearest first.
    places: Named<List>,
}

/// A user, looked up.
#[derive(Debug, Clone)]
enum Known {
    /// Passes everything.
    Administrator,
    /// With the numbers of its own subjects.
    Member(List),
    /// Passes nothing (R6).
    Refused(Box<Denial>),
}

impl Default for Known {
    fn default() -> Self {
        Self::Refused(Box::new(Denial::UnknownAccount))
    }
}

const _: () = assert!(
    size_of::<Known>() == size_of::<List>(),
    "beside its name it is one line"
);

/// A user that was found by name, with what the next question reads: nothing is looked up again.
#[derive(Debug, Clone, Copy)]
pub struct UserRow<'p> {
    of: &'p Prepared,
    position: usize,
    known: &'p Known,
}

/// A collection that was found by path, with what the next question reads.
#[derive(Debug, Clone, Copy)]
pub struct CollectionRow<'p> {
    of: &'p Prepared,
    position: usize,
    way_up: &'p List,
}

impl UserRow<'_> {
    /// Its position in the list of all users.
    pub const fn position(self) -> usize {
        self.position
    }
}

impl CollectionRow<'_> {
    /// Its position in the list of all collections.
    pub const fn position(self) -> usize {
        self.position
    }
}

impl Policy {
    /// Looks all users and collections up.
    pub fn prepare(&self) -> Prepared {
        let mut users: Vec<_> = self.users().collect();
        users.sort_unstable_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        let mut collections: Vec<_> = self.collections().collect();
        collections.sort_unstable_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
        let known = |user: &crate::model::User| match self.people.caller(user.id.as_str()) {
            Ok(Caller::User(subjects)) => Known::Member(List::from(subjects.own())),
            Ok(Caller::Administrator) => Known::Administrator,
            Ok(Caller::Anonymous) => Known::Refused(Box::new(Denial::Unauthenticated)),
            Err(denial) => Known::Refused(Box::new(denial)),
        };
        // Every collection that is listed has a place.
        let placed = collections.into_iter().filter_map(|info| {
            let way_up: Vec<_> = self.place(&info.id)?.way_up().collect();
            Some((info, List::from(way_up.as_slice())))
        });
        let (collections, ways): (Vec<_>, Vec<_>) = placed.unzip();
        let paths = collections.iter().map(|info| info.path.as_str());
        Prepared {
            users: Named::new(users.iter().map(|user| (user.name.as_str(), known(user)))),
            places: Named::new(paths.zip(ways)),
            accounts: users.into_iter().map(|user| user.id.clone()).collect(),
            ids: collections.iter().map(|info| info.id.clone()).collect(),
            policy: self.clone(),
        }
    }
}

impl Prepared {
    /// The policy that was prepared.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many users there are: their positions are below that.
    pub const fn user_count(&self) -> usize {
        self.users.len()
    }

    /// How many collections there are: their positions are below that.
    pub const fn collection_count(&self) -> usize {
        self.places.len()
    }

    /// The user with this name, in UTF-8. Of several the one with the first id.
    pub fn find_user(&self, name: &[u8]) -> Option<UserRow<'_>> {
        let (position, known) = self.users.find(name)?;
        Some(UserRow {
            of: self,
            position,
            known,
        })
    }

    /// The collection with exactly this path (R10), in UTF-8.
    pub fn find_collection(&self, path: &[u8]) -> Option<CollectionRow<'_>> {
        let (position, way_up) = self.places.find(path)?;
        Some(CollectionRow {
            of: self,
            position,
            way_up,
        })
    }

    /// The user with this position.
    pub fn user(&self, position: usize) -> Option<&crate::model::User> {
        self.policy.user(self.accounts.get(position)?.as_str())
    }

    /// The collection with this position.
    pub fn collection(&self, position: usize) -> Option<&super::CollectionInfo> {
        self.policy.collection(self.ids.get(position)?.as_str())
    }

    /// Its users, in the order of their positions.
    pub fn users(&self) -> impl Iterator<Item = &crate::model::User> {
        let ids = self.accounts.iter();
        ids.filter_map(|id| self.policy.user(id.as_str()))
    }

    /// Its collections, in the order of their positions.
    pub fn collections(&self) -> impl Iterator<Item = &super::CollectionInfo> {
        let ids = self.ids.iter();
        ids.filter_map(|id| self.policy.collection(id.as_str()))
    }

    /// As [`Policy::allows`], for the user and in the collection with these positions; nobody is a request without
    /// credentials. Unknown positions are refused. Allocates nothing.
    pub fn allows(
        &self,
        user: Option<usize>,
        operation: Operation,
        modifiers: ModifierSet,
        collection: usize,
    ) -> bool {
        match (self.caller(user), self.place(collection)) {
            (Some(Ok(caller)), Some(place)) => self.policy.holds(&caller, place, operation, modifiers),
            _ => false,
        }
    }

    /// The same for what was found by name. Rows of another policy are refused.
    pub fn permits(
        &self,
        user: Option<UserRow<'_>>,
        operation: Operation,
        modifiers: ModifierSet,
        collection: CollectionRow<'_>,
    ) -> bool {
        let known = user.iter().all(|user| std::ptr::eq(user.of, self)) && std::ptr::eq(collection.of, self);
        if !known {
            return false;
        }
        let caller = user.map_or(Ok(Caller::Anonymous), |user| self.caller_of(user.known));
        match (caller, place_of(collection.way_up)) {
            (Ok(caller), Some(place)) => self.policy.holds(&caller, place, operation, modifiers),
            _ => false,
        }
    }

    /// Asks for the memory that [`Prepared::allows`] reads first, and does not wait for it: for several questions together,
    /// before the first is asked.
    pub fn fetch(&self, user: Option<usize>, collection: usize) {
        if let Some(user) = user {
            self.users.fetch(user);
        }
        self.places.fetch(collection);
    }

    /// As [`Policy::decide`] with [`Access::Operation`](crate::demand::Access::Operation) and one check. Nothing for
    /// unknown positions.
    pub fn decide(
        &self,
        user: Option<usize>,
        operation: Operation,
        modifiers: ModifierSet,
        collection: usize,
    ) -> Option<Decision> {
        let caller = self.caller(user)?;
        let place = self.place(collection)?;
        let subject = match user {
            None => Subject::Anonymous,
            Some(user) => Subject::Account(self.accounts.get(user)?.clone()),
        };
        let check = Check {
            operation,
            modifiers,
            collection: self.ids.get(collection)?.clone(),
        };
        Some(self.policy.decide_at(subject, caller, place, &check))
    }

    fn caller(&self, user: Option<usize>) -> Option<Result<Caller<'_>, Denial>> {
        let Some(user) = user else {
            return Some(Ok(Caller::Anonymous));
        };
        let caller = self.caller_of(self.users.get(user)?);
        Some(caller.map_err(Denial::clone))
    }

    fn caller_of<'p>(&'p self, known: &'p Known) -> Result<Caller<'p>, &'p Denial> {
        match known {
            Known::Administrator => Ok(Caller::Administrator),
            Known::Member(own) => {
                let subjects = Subjects::new(own.as_slice(), &self.policy.people.common);
                Ok(Caller::User(subjects))
            }
            Known::Refused(denial) => Err(denial),
        }
    }

    fn place(&self, collection: usize) -> Option<Place<'_>> {
        place_of(self.places.get(collection)?)
    }
}

fn place_of(way_up: &List) -> Option<Place<'_>> {
    let (number, above) = way_up.as_slice().split_first()?;
    Some(Place {
        number: *number,
        above,
    })
}
