//! The answer to an access question, with its reason.
//!
//! [`Policy::decide`] is the one function that answers. A [`Permit`] is the proof that it said yes; only this
//! module can make one, so code that acts for a caller asks for a permit and gets one from nowhere else.

use std::fmt;
use std::sync::Arc;

use mke_core::ids::{AccountId, CollectionId};
use mke_core::names::CollectionPath;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::demand::Access;
use crate::few::Few;
use crate::model::{Grant, builtin};
use crate::operation::{Modifier, ModifierSet, Operation};
use crate::policy::{Caller, Held, Names, Place, Policy};
use crate::role::ordered;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Nobody: a request without credentials.
    Anonymous,
    /// A user, already authenticated.
    #[serde(rename = "user")]
    Account(AccountId),
}

/// One use of an operation in one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The operation.
    pub operation: Operation,
    /// The modifiers that the use needs (R23).
    pub modifiers: ModifierSet,
    /// Where.
    pub collection: CollectionId,
}

/// Yes with a permit, or no with everything that is missing.
#[derive(Debug, PartialEq)]
#[must_use]
pub enum Decision {
    /// Every check passed.
    Allowed(Permit),
    /// Something did not.
    Denied(Denial),
}

impl Decision {
    /// Whether the answer is yes.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The permit or the denial, for `?`.
    pub fn into_result(self) -> Result<Permit, Denial> {
        match self {
            Self::Allowed(permit) => Ok(permit),
            Self::Denied(denial) => Err(denial),
        }
    }
}

/// The proof that the policy allowed something to somebody. It cannot be copied or built by hand.
#[derive(Debug, PartialEq)]
pub struct Permit {
    subject: Subject,
    reason: AllowReason,
}

impl Permit {
    /// To whom it was given.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Why.
    pub const fn reason(&self) -> &AllowReason {
        &self.reason
    }
}

/// Why something is allowed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AllowReason {
    /// Anybody may.
    Public,
    /// Every active account may.
    Authenticated,
    /// Administrators pass every operation check (R5).
    Administrator,
    /// Grants carry every check.
    Granted(Few<Evidence>),
}

/// What makes one check pass: all grants that carry its operation. It holds numbers and the snapshot that knows what
/// they stand for, so that giving the reason costs little more than the verdict.
#[derive(Clone)]
pub struct Evidence {
    names: Arc<Names>,
    place: u32,
    operation: Operation,
    modifiers: ModifierSet,
    found: Found,
}

/// Grants that a decision keeps without memory of its own. Few users reach one collection by more.
const AT_HAND: usize = 3;

/// The grants that were found, in numbers, nearest collection first.
#[derive(Clone)]
struct Found {
    here: [Held; AT_HAND],
    len: usize,
    more: Vec<Held>,
}

impl Found {
    const NONE: Self = Self {
        here: [Held {
            subject: 0,
            place: 0,
            role: 0,
        }; AT_HAND],
        len: 0,
        more: Vec::new(),
    };

    fn push(&mut self, held: Held) {
        match self.here.get_mut(self.len) {
            Some(free) => *free = held,
            None => self.more.push(held),
        }
        self.len += 1;
    }

    fn iter(&self) -> impl Iterator<Item = Held> {
        self.here.iter().take(self.len).chain(&self.more).copied()
    }
}

impl Evidence {
    /// The check.
    pub fn check(&self) -> Check {
        let collection = self.names.collection(self.place).cloned();
        Check {
            operation: self.operation,
            modifiers: self.modifiers,
            // Evidence is about a collection of its own snapshot, which does not change.
            collection: collection.unwrap_or_else(|| CollectionId::new(builtin::ROOT)),
        }
    }

    /// The grants that carry its operation, nearest collection first. At least one.
    pub fn grants(&self) -> impl Iterator<Item = Grant> {
        self.found.iter().filter_map(|held| self.names.grant(held))
    }
}

impl PartialEq for Evidence {
    fn eq(&self, other: &Self) -> bool {
        self.check() == other.check() && self.grants().eq(other.grants())
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("check", &self.check())
            .field("grants", &self.grants().collect::<Vec<_>>())
            .finish()
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Evidence", 2)?;
        fields.serialize_field("check", &self.check())?;
        fields.serialize_field("grants", &self.grants().collect::<Vec<_>>())?;
        fields.end()
    }
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The request carries no credentials.
    #[error("access denied: authentication is required")]
    Unauthenticated,
    /// The account is deactivated (R6).
    #[error("access denied: the account is inactive")]
    Inactive,
    /// No user has this id; a session or key outlived its account.
    #[error("access denied: the account does not exist")]
    UnknownAccount,
    /// Only administrators may do this (R62).
    #[error("access denied: administrators only: {why}")]
    AdministratorOnly {
        /// What makes it so.
        why: &'static str,
    },
    /// These checks failed, in the order of the request (R64). Never empty.
    #[error("{}{}", self.message(), detail(.0))]
    Missing(Few<MissingCheck>),
    /// A rule that no grant lifts.
    #[error("access denied: {0}")]
    Rule(RuleDenial),
    /// The labels of an object contradict each other across nodes, so that nobody but administrators reaches
    /// it (R38).
    #[error("access denied: the object carries conflicting access labels")]
    ConflictingLabels,
}

/// Rules that hold whatever somebody's grants are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleDenial {
    /// Nodes stay in `/System` (R46).
    #[error("nodes in the system collection cannot be moved")]
    NodeInSystemCollection,
    /// Moving nodes is for administrators (R46).
    #[error("only administrators move nodes between collections")]
    NodeMoveIsAdminOnly,
    /// Collections for nodes need the advanced licence (R46).
    #[error("nodes must be in either the shared or system collection without an advanced license")]
    AdvancedLicenseRequired,
    /// The request was classified as needing operations, yet names none: a fault, so it is refused.
    #[error("the request names no operation that could be checked")]
    NothingAsked,
}

impl RuleDenial {
    /// The word for it in answers to scripts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NodeInSystemCollection => "node-in-system-collection",
            Self::NodeMoveIsAdminOnly => "node-move-is-admin-only",
            Self::AdvancedLicenseRequired => "advanced-license-required",
            Self::NothingAsked => "nothing-asked",
        }
    }
}

/// A failed check. Without a modifier the operation itself is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingCheck {
    /// The operation.
    pub operation: Operation,
    /// The modifier that is missing while the operation is there.
    pub modifier: Option<Modifier>,
    /// Where.
    pub collection: CollectionId,
    path: PathIn,
}

impl MissingCheck {
    /// The path of the collection; nothing when it does not exist.
    pub fn path(&self) -> Option<&CollectionPath> {
        self.path.get()
    }
}

/// A path that stays in the snapshot until somebody reads it: most denials are only counted.
#[derive(Clone)]
struct PathIn(Option<(Arc<Names>, u32)>);

impl PathIn {
    fn get(&self) -> Option<&CollectionPath> {
        let (names, place) = self.0.as_ref()?;
        Some(&names.place(*place)?.path)
    }
}

impl PartialEq for PathIn {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for PathIn {}

impl fmt::Debug for PathIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Serialize for PathIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl Denial {
    /// What the caller reads (R60): the first missing operation and no collection, because the caller may not
    /// be allowed to know of it. `Display` adds the collections, for logs.
    pub fn message(&self) -> String {
        match self {
            Self::Missing(missing) => match missing.first() {
                Some(MissingCheck {
                    operation,
                    modifier: Some(modifier),
                    ..
                }) => format!("access denied: no access to {operation} with {modifier}"),
                Some(MissingCheck { operation, .. }) => format!("access denied: no access to {operation}"),
                None => "access denied".to_owned(),
            },
            other => other.to_string(),
        }
    }

    /// The word for it in answers to scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Inactive => "inactive",
            Self::UnknownAccount => "unknown-account",
            Self::AdministratorOnly { .. } => "administrator-only",
            Self::Missing(_) => "missing-operation",
            Self::Rule(rule) => rule.code(),
            Self::ConflictingLabels => "conflicting-labels",
        }
    }
}

fn detail(missing: &[MissingCheck]) -> String {
    let checks: Vec<_> = missing
        .iter()
        .map(|check| {
            let place = match check.path() {
                Some(path) => format!("`{path}`"),
                None => format!("the unknown collection `{}`", check.collection),
            };
            match check.modifier {
                Some(modifier) => format!("{} with {modifier} in {place}", check.operation),
                None => format!("{} in {place}", check.operation),
            }
        })
        .collect();
    format!(" (missing: {})", checks.join(", "))
}

impl Policy {
    /// Decides whether the subject passes all checks.
    ///
    /// - [`Access::Public`]: everybody passes.
    /// - [`Access::Admin`]: active administrators pass.
    /// - [`Access::Authenticated`], [`Access::Filter`]: active accounts pass if they pass the checks, often none.
    /// - [`Access::Operation`]: active administrators pass (R5); everybody else passes if there is at least one
    ///   check and grants carry every one (R20, R23). Grants for `anonymous` count for requests without
    ///   credentials only (R4).
    pub fn decide(&self, subject: &Subject, access: Access, checks: &[Check]) -> Decision {
        match self.reason(subject, access, checks) {
            Ok(reason) => Decision::Allowed(Permit {
                subject: subject.clone(),
                reason,
            }),
            Err(denial) => Decision::Denied(denial),
        }
    }

    /// [`Policy::decide`] with [`Access::Operation`] and one check, of somebody and about a place that were looked up
    /// before.
    pub(crate) fn decide_at(
        &self,
        subject: Subject,
        caller: Result<Caller<'_>, Denial>,
        place: Place<'_>,
        check: &Check,
    ) -> Decision {
        let reason = caller.and_then(|caller| match caller {
            Caller::Administrator => Ok(AllowReason::Administrator),
            caller => match (self.found(&caller, Some(place), check), caller) {
                (Ok(evidence), _) => Ok(AllowReason::Granted(Few::one(evidence))),
                (Err(_), Caller::Anonymous) => Err(Denial::Unauthenticated),
                (Err(held), _) => {
                    let mut missing = Few::none();
                    self.note(&mut missing, check, Some(place), held);
                    Err(Denial::Missing(missing))
                }
            },
        });
        match reason {
            Ok(reason) => Decision::Allowed(Permit { subject, reason }),
            Err(denial) => Decision::Denied(denial),
        }
    }

    fn reason(&self, subject: &Subject, access: Access, checks: &[Check]) -> Result<AllowReason, Denial> {
        if access == Access::Public {
            return Ok(AllowReason::Public);
        }
        let caller = self.caller(subject)?;
        match (&caller, access) {
            (Caller::Administrator, _) => Ok(AllowReason::Administrator),
            (Caller::Anonymous, Access::Operation) => match self.evidence(&caller, checks) {
                Ok(evidence) if !evidence.is_empty() => Ok(AllowReason::Granted(evidence)),
                _ => Err(Denial::Unauthenticated),
            },
            (Caller::Anonymous, _) => Err(Denial::Unauthenticated),
            (Caller::User(_), Access::Admin) => Err(Denial::AdministratorOnly {
                why: "no operation opens this call",
            }),
            (Caller::User(_), Access::Operation) if checks.is_empty() => {
                Err(Denial::Rule(RuleDenial::NothingAsked))
            }
            (Caller::User(_), _) if checks.is_empty() => Ok(AllowReason::Authenticated),
            (Caller::User(_), _) => Ok(AllowReason::Granted(self.evidence(&caller, checks)?)),
        }
    }

    /// The grants behind every check, or every check that has none.
    fn evidence(&self, caller: &Caller<'_>, checks: &[Check]) -> Result<Few<Evidence>, Denial> {
        let mut evidence = Few::none();
        let mut missing = Few::none();
        for check in checks {
            let place = self.place(&check.collection);
            match self.found(caller, place, check) {
                Ok(found) => evidence.push(found),
                Err(held) => self.note(&mut missing, check, place, held),
            }
        }
        if missing.is_empty() {
            Ok(evidence)
        } else {
            Err(Denial::Missing(missing))
        }
    }

    /// The grants behind one check, or the modifiers that are held with its operation, if that is held at all.
    fn found(
        &self,
        caller: &Caller<'_>,
        place: Option<Place<'_>>,
        check: &Check,
    ) -> Result<Evidence, Option<ModifierSet>> {
        let place = place.ok_or(None)?;
        let mut held = None;
        let mut found = Found::NONE;
        self.covering(caller, place, check.operation, |grant, modifiers| {
            held = Some(held.unwrap_or(ModifierSet::EMPTY).union(modifiers));
            found.push(grant);
            true
        });
        match held {
            Some(held) if held.covers(check.modifiers) => Ok(Evidence {
                names: Arc::clone(self.names()),
                place: place.number,
                operation: check.operation,
                modifiers: check.modifiers,
                found,
            }),
            held => Err(held),
        }
    }

    /// Notes what a failed check lacks.
    fn note(
        &self,
        missing: &mut Few<MissingCheck>,
        check: &Check,
        place: Option<Place<'_>>,
        held: Option<ModifierSet>,
    ) {
        let Some(held) = held else {
            missing.push(self.missing(check, place, None));
            return;
        };
        let absent = check.modifiers.minus(held);
        // A modifier that the operation does not have can never be held; it is reported as well.
        let known = ordered(check.operation, absent);
        let foreign = absent
            .iter()
            .filter(|modifier| !check.operation.modifiers().contains(modifier));
        missing.extend(
            known
                .chain(foreign)
                .map(|modifier| self.missing(check, place, Some(modifier))),
        );
    }

    pub(crate) fn missing(
        &self,
        check: &Check,
        place: Option<Place<'_>>,
        modifier: Option<Modifier>,
    ) -> MissingCheck {
        MissingCheck {
            operation: check.operation,
            modifier,
            collection: check.collection.clone(),
            path: PathIn(place.map(|place| (Arc::clone(self.names()), place.number))),
        }
    }
}
