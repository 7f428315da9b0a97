//! LDAP: who is in the directory, whether a password is right there, and what follows for the accounts here.
//!
//! ```text
//! Settings::read          the table [auth.ldap], valid by construction
//! login, test_login       a name and a password, against the directory
//! fetch                   users, teams and administrators, complete or not at all
//! Before, plan            what is known here, and what would change (pure)
//! check                   whether that may be done, by code that did not write the plan (pure)
//! apply                   does it, in batches
//! sync, dry_run           all of it
//! ```
//!
//! Who is an account and what a name may be is decided by [`crate::accounts`]; when to synchronise, and what a login
//! leads to, by whoever calls. The protocol is spoken by code of our own (`wire`), because what a directory sends
//! must never end a process, and must be readable without holding all of it.

mod before;
mod check;
mod dn;
mod entry;
mod error;
mod fetch;
mod fetched;
mod filter;
mod login;
mod name;
mod plan;
mod planner;
mod search;
mod settings;
mod sync;
mod wire;

pub use before::Before;
pub use check::{Refusal, check};
pub use dn::{Dn, DnError, MAX_DN_BYTES, escape_dn_value};
pub use error::LdapError;
pub use fetch::{FetchError, fetch};
pub use fetched::{Fetched, FetchedTeam, FetchedUser, MAX_NOTES, Notes, SearchFound};
pub use filter::{
    Extensible, Filter, FilterError, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, Substrings, escape_filter_value,
};
pub use login::{
    Denial, LoginFailure, MAX_PASSWORD_BYTES, Person, TestReport, TestStep, login, look_up, memberships,
    test_login,
};
pub use name::account_name;
pub use plan::{AccountPlan, Counts, Create, Gone, Options, Plan, Target, plan};
pub use settings::{MemberRule, Settings, SyncTarget, TeamSync};
pub use sync::{DryRun, Log, Outcome, SyncError, apply, dry_run, log_fetched, sync};
pub use wire::TlsError;
pub use wire::ber::BerError;
