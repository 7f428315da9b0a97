//! Whether a plan may be carried out. This code did not write the plan and trusts none of its sums: it looks at the
//! accounts that are known and at what would become of each.

use std::collections::HashSet;
use std::fmt;

use mke_core::ids::AccountId;
use serde::Serialize;

use super::dn::Dn;
use super::fetched::Fetched;
use super::plan::{Options, Plan};
use crate::directory::Directory;
use crate::records::Source;

/// Why a plan is not carried out. None of it is; an administrator can look, and accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "why")]
pub enum Refusal {
    /// More would be deactivated at once than is usual (ldap-09).
    TooMany {
        /// How many would be.
        deactivated: usize,
        /// How many accounts of the directory are active.
        active: usize,
        /// Most that may be, in percent.
        max_percent: u32,
    },
    /// The directory has nobody at all (ldap-10).
    Nobody,
    /// A search found nobody, and accounts from below its base would be deactivated (ldap-10).
    EmptySearch {
        /// The DN below which it searches.
        base: String,
        /// How many accounts would be deactivated.
        deactivated: usize,
    },
    /// Nobody would be left who can administer the cluster.
    NoAdministrator,
    /// The plan touches the administrator that must stay, or an account that does not come from the directory.
    NotItsOwn {
        /// The account's name.
        name: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany {
                deactivated,
                active,
                max_percent,
            } => write!(
                f,
                "{deactivated} of {active} active accounts would be deactivated, more than {max_percent} %; \
                 look at the searches, then synchronise again and accept it"
            ),
            Self::Nobody => f.write_str(
                "the directory has no user at all; look at base DNs, filters and the rights of the reader",
            ),
            Self::EmptySearch { base, deactivated } => write!(
                f,
                "the search below `{base}` finds nobody and {deactivated} accounts from there would be deactivated; \
                 look at its filter and the rights of the reader, then synchronise again and accept it"
            ),
            Self::NoAdministrator => f.write_str(
                "no active administrator would be left; name a local one as `recoveryAdminUsername`",
            ),
            Self::NotItsOwn { name } => write!(f, "`{name}` must not be touched by a synchronisation"),
        }
    }
}

/// Whether a plan may be carried out.
///
/// # Errors
///
/// Every reason against it.
pub fn check(
    plan: &Plan<'_>,
    fetched: &Fetched,
    directory: &Directory,
    options: &Options,
) -> Result<(), Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut ending: HashSet<&AccountId> = HashSet::new();
    let mut no_admins: HashSet<&AccountId> = HashSet::new();
    for change in &plan.change {
        let id = &change.account.id;
        let account = directory.account(id);
        let is_active = account.is_some_and(|account| account.is_active_user());
        if change.deactivate.is_some() && is_active {
            ending.insert(id);
        }
        if change.deactivate.is_some() || change.admin == Some(false) {
            no_admins.insert(id);
        }
        let of_ldap = account
            .and_then(|account| account.origin())
            .is_some_and(|origin| origin.source == Source::Ldap);
        let is_recovery = options.recovery_admin.as_deref() == Some(change.account.name.as_str());
        let takes_away = change.deactivate.is_some()
            || change.rename.is_some()
            || change.reactivate
            || change.dn.is_some();
        if (takes_away && !of_ldap) || (is_recovery && !of_ldap && change.admin.is_some()) {
            refusals.push(Refusal::NotItsOwn {
                name: change.account.name.to_string(),
            });
        }
    }
    if !options.accept_deactivations && !ending.is_empty() {
        deactivations(&ending, fetched, directory, options, &mut refusals);
    }
    let had_admin = directory.accounts().any(|account| account.is_active_admin());
    let has_admin = directory
        .accounts()
        .any(|account| account.is_active_admin() && !no_admins.contains(&account.id));
    if had_admin && !has_admin {
        refusals.push(Refusal::NoAdministrator);
    }
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals)
    }
}

fn deactivations(
    ending: &HashSet<&AccountId>,
    fetched: &Fetched,
    directory: &Directory,
    options: &Options,
    refusals: &mut Vec<Refusal>,
) {
    if fetched.is_empty() {
        refusals.push(Refusal::Nobody);
    }
    let active = directory
        .accounts_of(Source::Ldap)
        .filter(|account| account.is_active_user())
        .count();
    let max_percent = usize::try_from(options.max_deactivated_percent).unwrap_or(usize::MAX);
    if ending.len().saturating_mul(100) > active.saturating_mul(max_percent) {
        refusals.push(Refusal::TooMany {
            deactivated: ending.len(),
            active,
            max_percent: options.max_deactivated_percent,
        });
    }
    for search in fetched.searches().iter().filter(|search| search.entries == 0) {
        let Ok(base) = Dn::parse(&search.base) else {
            continue;
        };
        let below = ending
            .iter()
            .filter_map(|id| Dn::parse(directory.account(id)?.origin()?.dn.as_deref()?).ok())
            .filter(|dn| dn.is_within(&base))
            .count();
        if below > 0 {
            refusals.push(Refusal::EmptySearch {
                base: search.base.clone(),
                deactivated: below,
            });
        }
    }
}
