//! Who may do what with the repositories of a registry that asks this cluster.
//!
//! A registry knows no accounts. A client asks here for a token that says what it may do, and shows it to the registry.
//! The rule is about the first part of a repository's name, its namespace:
//!
//! | who | in | may |
//! | --- | --- | --- |
//! | an administrator of the cluster | every repository | everything, also list all repositories |
//! | a user | `<user>/…` | everything |
//! | an administrator of an organization | `<organization>/…` | everything |
//! | an administrator of a team | `<organization>/<team>/…` | everything |
//! | a member of a team | `<organization>/<team>/…` | pull, push |
//! | a member of an organization | `<organization>/…` | pull |
//! | anybody else, and who shows no credential | | nothing |
//!
//! ```
//! use mke_rbac::registry::{Scope, Standing, Ties, decide};
//!
//! let asked = Scope::read_all(["repository:acme/app:pull,push"])?;
//! let member = Ties { organization: Some(Standing::Member), ..Ties::default() };
//! let ruling = decide(&asked[0], &member);
//! assert_eq!(ruling.granted, ["pull"]);
//! assert_eq!(ruling.reason.to_string(), "a member of the organization may pull");
//! # Ok::<(), mke_rbac::registry::ScopeError>(())
//! ```

mod scope;

pub use scope::{MAX_SCOPE_BYTES, MAX_SCOPES, Repository, Scope, ScopeError};

/// What somebody is in an organization or a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// An ordinary member.
    Member,
    /// One of its administrators.
    Administrator,
}

/// How an active account is tied to a repository. Nobody else has any ties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ties {
    /// Whether it is an administrator of the cluster.
    pub administrator: bool,
    /// Whether the namespace is its own name.
    pub owner: bool,
    /// What it is in the organization that the namespace names.
    pub organization: Option<Standing>,
    /// What it is in that organization's team that the second part of the name names.
    pub team: Option<Standing>,
}

/// Why something is granted, or nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// An administrator of the cluster asks.
    #[error("an administrator may do everything")]
    Administrator,
    /// The namespace is the account's own.
    #[error("the repository is the account's own")]
    Owner,
    /// An administrator of the organization asks.
    #[error("an administrator of the organization may do everything in its repositories")]
    OrganizationAdministrator,
    /// An administrator of the team asks.
    #[error("an administrator of the team may do everything in its repositories")]
    TeamAdministrator,
    /// A member of the team asks.
    #[error("a member of the team may pull and push")]
    TeamMember,
    /// A member of the organization asks.
    #[error("a member of the organization may pull")]
    Member,
    /// Nothing ties the account to the namespace.
    #[error("the namespace is neither the account's own nor that of one of its organizations")]
    Stranger,
    /// Only administrators list all repositories.
    #[error("only administrators list all repositories")]
    Catalog,
    /// It is no repository that could exist.
    #[error("this is no name of a repository and no other resource that is known")]
    Unknown,
}

/// What becomes of one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The actions of the scope that are granted, in its order.
    pub granted: Vec<String>,
    /// The others.
    pub refused: Vec<String>,
    /// Why.
    pub reason: Reason,
}

/// Decides what of a scope is granted to an account with these ties to it. Never more than what was asked for.
pub fn decide(scope: &Scope, ties: &Ties) -> Ruling {
    let (may, reason): (&[&str], Reason) = if scope.is_catalog() {
        match ties.administrator {
            true => (&["*"], Reason::Administrator),
            false => (&[], Reason::Catalog),
        }
    } else {
        match scope.repository() {
            Some(repository) => rights(repository, ties),
            None => (&[], Reason::Unknown),
        }
    };
    let (granted, refused) = scope
        .actions
        .iter()
        .cloned()
        .partition(|action| may.contains(&action.as_str()));
    Ruling {
        granted,
        refused,
        reason,
    }
}

/// All that can be done with a repository; `*` is all of it in one word.
const EVERYTHING: &[&str] = &["pull", "push", "delete", "*"];

fn rights(repository: Repository<'_>, ties: &Ties) -> (&'static [&'static str], Reason) {
    if ties.administrator {
        return (EVERYTHING, Reason::Administrator);
    }
    if repository.namespace().is_none() {
        return (&[], Reason::Stranger);
    }
    if ties.owner {
        return (EVERYTHING, Reason::Owner);
    }
    let team = ties.team.filter(|_| repository.team().is_some());
    // Who is in a team but not in its organization is in neither.
    match (ties.organization, team) {
        (None, _) => (&[], Reason::Stranger),
        (Some(Standing::Administrator), _) => (EVERYTHING, Reason::OrganizationAdministrator),
        (Some(Standing::Member), Some(Standing::Administrator)) => (EVERYTHING, Reason::TeamAdministrator),
        (Some(Standing::Member), Some(Standing::Member)) => (&["pull", "push"], Reason::TeamMember),
        (Some(Standing::Member), None) => (&["pull"], Reason::Member),
    }
}
