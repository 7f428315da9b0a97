//! What a synchronisation would do, computed from what the directory says and what is known here. Pure: it reads
//! nothing and changes nothing, and the same input gives the same plan.
//!
//! An account follows the unique id of its entry. The name of an account that was made here is never taken over
//! (ldap-14), and a new person with the name of one who is gone is somebody else: the old account is put aside with
//! everything that it has, the new one starts with nothing (ldap-12).

use std::fmt;
use std::sync::Arc;

use mke_core::ids::AccountId;
use mke_core::names::AccountName;
use serde::Serialize;

use super::before::Before;
use super::fetched::{Fetched, Notes};
use super::settings::Settings;
use crate::accounts::Place;
use crate::directory::Directory;
use crate::records::Account;

/// How to synchronise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether accounts are made at their first login only (LDAP-017).
    pub just_in_time: bool,
    /// The local administrator that is never touched (LDAP-014).
    pub recovery_admin: Option<String>,
    /// Most active accounts of the directory, in percent, that may be deactivated at once (ldap-09).
    pub max_deactivated_percent: u32,
    /// Whether an administrator has seen that more will be, and wants it.
    pub accept_deactivations: bool,
}

impl Default for Options {
    /// Accounts are made at their first login; at most a fifth is deactivated at once.
    fn default() -> Self {
        Self {
            just_in_time: true,
            recovery_admin: None,
            max_deactivated_percent: 20,
            accept_deactivations: false,
        }
    }
}

impl Options {
    /// What the settings say.
    pub fn of(settings: &Settings) -> Self {
        Self {
            just_in_time: settings.just_in_time(),
            recovery_admin: settings.recovery_admin().map(str::to_owned),
            ..Self::default()
        }
    }
}

/// Why an account is deactivated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Gone {
    /// No search finds it any more.
    Missing,
    /// The directory has switched it off, or it has expired.
    Disabled,
    /// Another person has its name now.
    Replaced,
}

/// An account to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Create<'a> {
    /// Its name.
    pub name: AccountName,
    /// The name for people.
    pub full_name: &'a str,
    /// What identifies the entry.
    pub id: &'a str,
    /// The name of the entry.
    pub dn: &'a str,
    /// Whether it is an administrator.
    pub is_admin: bool,
    /// Where it becomes a member, as positions in [`Plan::targets`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<u32>,
}

/// A change of an account; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountPlan<'a> {
    /// The account as it is.
    #[serde(serialize_with = "by_name")]
    pub account: Arc<Account>,
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rename: Option<AccountName>,
    /// Another full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<&'a str>,
    /// Where the entry is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dn: Option<&'a str>,
    /// It is deactivated, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deactivate: Option<Gone>,
    /// It is activated, because the directory lists it again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reactivate: bool,
    /// It becomes an administrator, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// Where it becomes a member, as positions in [`Plan::targets`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<u32>,
    /// Where it ceases to be one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leave: Vec<u32>,
}

fn by_name<S: serde::Serializer>(account: &Arc<Account>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(account.name.as_str())
}

impl<'a> AccountPlan<'a> {
    pub(super) fn of(account: &Arc<Account>) -> Self {
        Self {
            account: Arc::clone(account),
            rename: None,
            full_name: None,
            dn: None,
            deactivate: None,
            reactivate: false,
            admin: None,
            join: Vec::new(),
            leave: Vec::new(),
        }
    }
}

/// Where memberships are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// What it is called in messages.
    pub name: String,
    /// Where it is.
    #[serde(skip)]
    pub place: Place,
    /// Whether its members manage the others.
    #[serde(skip)]
    pub admins: bool,
}

/// Everything that a synchronisation would do. Empty when there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Plan<'a> {
    /// Accounts to make, by the ids of their entries.
    pub create: Vec<Create<'a>>,
    /// Accounts to change, those first that give up a name.
    pub change: Vec<AccountPlan<'a>>,
    /// What `join` and `leave` count.
    pub targets: Vec<Target>,
    /// How many active accounts come from the directory before this.
    pub imported_active: usize,
    /// An administrator whom this does not touch.
    #[serde(skip)]
    pub keeper: Option<AccountId>,
    /// What an administrator may want to know.
    pub notes: Notes,
}

/// How much a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Accounts made.
    pub created: usize,
    /// Accounts with another name.
    pub renamed: usize,
    /// Accounts with another full name or entry.
    pub updated: usize,
    /// Accounts that may not log in any more.
    pub deactivated: usize,
    /// Accounts that may log in again.
    pub reactivated: usize,
    /// Accounts that became administrators, or ceased to be.
    pub admins: usize,
    /// Memberships begun.
    pub joined: usize,
    /// Memberships ended.
    pub left: usize,
}

impl Plan<'_> {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.change.is_empty()
    }

    /// How much it does.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            created: self.create.len(),
            joined: self.create.iter().map(|create| create.join.len()).sum(),
            admins: self.create.iter().filter(|create| create.is_admin).count(),
            ..Counts::default()
        };
        for change in &self.change {
            counts.renamed += usize::from(change.rename.is_some());
            counts.updated += usize::from(change.full_name.is_some() || change.dn.is_some());
            counts.deactivated += usize::from(change.deactivate.is_some());
            counts.reactivated += usize::from(change.reactivate);
            counts.admins += usize::from(change.admin.is_some());
            counts.joined += change.join.len();
            counts.left += change.leave.len();
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} created, {} renamed, {} updated, {} deactivated, {} reactivated, {} administrators changed, \
             {} memberships begun, {} ended",
            self.created,
            self.renamed,
            self.updated,
            self.deactivated,
            self.reactivated,
            self.admins,
            self.joined,
            self.left
        )
    }
}

impl fmt::Display for Plan<'_> {
    /// One line for each thing that would be done, then the notes, then the counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = |at: &u32| {
            usize::try_from(*at)
                .ok()
                .and_then(|at| self.targets.get(at))
                .map_or("?", |target| target.name.as_str())
        };
        for create in &self.create {
            writeln!(f, "create {} ({})", create.name, create.dn.escape_debug())?;
            if create.is_admin {
                writeln!(f, "make {} an administrator", create.name)?;
            }
            for at in &create.join {
                writeln!(f, "add {} to {}", create.name, target(at))?;
            }
        }
        for change in &self.change {
            let name = &change.account.name;
            if let Some(new) = &change.rename {
                writeln!(f, "rename {name} to {new}")?;
            }
            if let Some(full_name) = change.full_name {
                writeln!(f, "set the full name of {name} to `{}`", full_name.escape_debug())?;
            }
            if let Some(dn) = change.dn {
                writeln!(f, "follow {name} to {}", dn.escape_debug())?;
            }
            match change.deactivate {
                Some(Gone::Missing) => writeln!(f, "deactivate {name}: the directory does not list it")?,
                Some(Gone::Disabled) => writeln!(f, "deactivate {name}: the directory has switched it off")?,
                Some(Gone::Replaced) => writeln!(f, "deactivate {name}: somebody else has its name now")?,
                None => {}
            }
            if change.reactivate {
                writeln!(f, "activate {name}")?;
            }
            match change.admin {
                Some(true) => writeln!(f, "make {name} an administrator")?,
                Some(false) => writeln!(f, "make {name} no administrator")?,
                None => {}
            }
            for at in &change.join {
                writeln!(f, "add {name} to {}", target(at))?;
            }
            for at in &change.leave {
                writeln!(f, "remove {name} from {}", target(at))?;
            }
        }
        for note in &self.notes.texts {
            writeln!(f, "note: {}", note.escape_debug())?;
        }
        if self.notes.more > 0 {
            writeln!(f, "note: and {} more", self.notes.more)?;
        }
        write!(f, "{}", self.counts())
    }
}

/// Compares what the directory says with what is known here.
pub fn plan<'a>(fetched: &'a Fetched, directory: &Directory, options: &Options) -> Plan<'a> {
    Before::of(directory).plan(fetched, options)
}
