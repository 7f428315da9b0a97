//! How a [`Plan`] is made. The accounts that come from the directory and what was fetched are both put in the order
//! of unique ids and gone through side by side.

use std::collections::HashMap;
use std::sync::Arc;

use mke_core::ids::AccountId;
use mke_core::names::{AccountName, MAX_NAME_CHARS};

use super::fetched::{Fetched, FetchedTeam, FetchedUser};
use super::plan::{AccountPlan, Create, Gone, Options, Plan, Target};
use super::settings::SyncTarget;
use crate::accounts::Place;
use crate::directory::Directory;
use crate::records::{Account, Source, User};

pub(super) struct Planner<'a, 'd> {
    fetched: &'a Fetched,
    directory: &'d Directory,
    options: &'d Options,
    plan: Plan<'a>,
    changes: HashMap<AccountId, AccountPlan<'a>>,
    /// For each fetched user the account that it is.
    matched: Vec<Option<&'d Arc<Account>>>,
    /// Accounts whose entry was not found.
    missing: Vec<&'d Arc<Account>>,
    /// Fetched users that get an account, in the order of [`Plan::create`].
    created: Vec<u32>,
}

impl<'a, 'd> Planner<'a, 'd> {
    pub(super) fn new(fetched: &'a Fetched, directory: &'d Directory, options: &'d Options) -> Self {
        Self {
            fetched,
            directory,
            options,
            plan: Plan {
                notes: fetched.notes().clone(),
                ..Plan::default()
            },
            changes: HashMap::new(),
            matched: Vec::new(),
            missing: Vec::new(),
            created: Vec::new(),
        }
    }

    pub(super) fn plan(mut self) -> Plan<'a> {
        self.match_ids();
        for account in std::mem::take(&mut self.missing) {
            self.gone(account);
        }
        for (position, user) in (0u32..).zip(self.fetched.users()) {
            match self.matched.get(at(position)).copied().flatten() {
                Some(account) => self.known(account, user),
                None => self.unknown(position, user),
            }
        }
        if let Some(admins) = self.fetched.admins() {
            self.administrators(admins);
        }
        self.memberships();
        self.plan.keeper = self.keeper();
        let mut changes: Vec<AccountPlan<'a>> = self.changes.into_values().collect();
        // Who gives up a name comes before whoever takes it.
        changes.sort_by(|a, b| {
            let keeps = |change: &AccountPlan<'_>| change.deactivate != Some(Gone::Replaced);
            (keeps(a), &a.account.name).cmp(&(keeps(b), &b.account.name))
        });
        self.plan.change = changes;
        self.plan
    }

    fn change(&mut self, account: &Arc<Account>) -> &mut AccountPlan<'a> {
        self.changes
            .entry(account.id.clone())
            .or_insert_with(|| AccountPlan::of(account))
    }

    /// Finds the account of each fetched user, and the accounts that have none.
    fn match_ids(&mut self) {
        let mut known: Vec<(&'d str, &'d Arc<Account>)> = self
            .directory
            .accounts_of(Source::Ldap)
            .filter_map(|account| Some((account.origin()?.id.as_str(), account)))
            .collect();
        known.sort_unstable_by_key(|(id, _)| *id);
        self.plan.imported_active = known
            .iter()
            .filter(|(_, account)| account.is_active_user())
            .count();
        let mut known = known.into_iter().peekable();
        self.matched = Vec::with_capacity(self.fetched.len());
        for user in self.fetched.users() {
            while let Some((_, account)) = known.next_if(|(id, _)| *id < user.id) {
                self.missing.push(account);
            }
            let account = known.next_if(|(id, _)| *id == user.id);
            self.matched.push(account.map(|(_, account)| account));
        }
        self.missing.extend(known.map(|(_, account)| account));
    }

    /// An account whose entry is not there any more.
    fn gone(&mut self, account: &Arc<Account>) {
        if account.is_active_user() {
            self.change(account).deactivate = Some(Gone::Missing);
        }
    }

    /// An account whose entry is there.
    fn known(&mut self, account: &'d Arc<Account>, user: FetchedUser<'a>) {
        let Some(User {
            is_active,
            origin: Some(origin),
            ..
        }) = account.user()
        else {
            return;
        };
        if account.full_name != user.full_name {
            self.change(account).full_name = Some(user.full_name);
        }
        if origin.dn.as_deref() != Some(user.dn) {
            self.change(account).dn = Some(user.dn);
        }
        match (is_active, user.enabled) {
            (true, false) => self.change(account).deactivate = Some(Gone::Disabled),
            (false, true) if origin.gone => self.change(account).reactivate = true,
            _ => {}
        }
        if account.name.as_str() != user.name
            && let Some(name) = self.free_name(user)
        {
            self.change(account).rename = Some(name);
        }
    }

    /// A user without an account.
    fn unknown(&mut self, position: u32, user: FetchedUser<'a>) {
        if !user.enabled {
            return;
        }
        let Some(name) = self.free_name(user) else { return };
        if self.options.just_in_time {
            return;
        }
        self.created.push(position);
        self.plan.create.push(Create {
            name,
            full_name: user.full_name,
            id: user.id,
            dn: user.dn,
            is_admin: false,
            join: Vec::new(),
        });
    }

    /// The name of a user, if it can have it. It is taken from an account whose entry is gone.
    fn free_name(&mut self, user: FetchedUser<'a>) -> Option<AccountName> {
        let name: AccountName = user.name.parse().ok()?;
        let Some(holder) = self.directory.account_by_name(user.name) else {
            return Some(name);
        };
        let taken = |what: &str| format!("`{}` cannot have the name `{}`: {what}", user.dn, user.name);
        let origin = holder.origin().filter(|origin| origin.source == Source::Ldap);
        let Some(origin) = origin else {
            self.plan
                .notes
                .add(|| taken("an account that does not come from the directory has it"));
            return None;
        };
        if self.find(&origin.id).is_some() {
            self.plan.notes.add(|| taken("another entry's account has it"));
            return None;
        }
        // The account of somebody who is gone gives the name up, and nothing else.
        let aside = self.name_aside(holder);
        let change = self.change(holder);
        match aside {
            Some(aside) => {
                change.rename = Some(aside);
                change.deactivate = Some(Gone::Replaced);
                Some(name)
            }
            None => {
                self.plan
                    .notes
                    .add(|| taken("the account of somebody who is gone has it"));
                None
            }
        }
    }

    /// The position of the user with this id.
    fn find(&self, id: &str) -> Option<u32> {
        let count = u32::try_from(self.fetched.len()).ok()?;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.fetched.user(at(middle))?.id;
            match found.cmp(id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// A name for an account whose own name somebody else needs: the name with the start of the account's id, which
    /// nobody else has.
    fn name_aside(&self, account: &Account) -> Option<AccountName> {
        let id: String = account
            .id
            .as_str()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let id = id.to_ascii_lowercase();
        [8, id.len()].into_iter().find_map(|length| {
            let tail = format!(".gone.{}", id.get(..length)?);
            let keep = MAX_NAME_CHARS.saturating_sub(tail.len());
            let name: String = account.name.as_str().chars().take(keep).collect();
            let name: AccountName = (name + &tail).parse().ok()?;
            self.directory
                .account_by_name(name.as_str())
                .is_none()
                .then_some(name)
        })
    }

    /// Makes administrators what the directory says (LDAP-014).
    fn administrators(&mut self, admins: &[u32]) {
        let mut position = 0;
        for at in 0..self.matched.len() {
            let Some(account) = self.matched.get(at).copied().flatten() else {
                continue;
            };
            while admins.get(position).is_some_and(|admin| self::at(*admin) < at) {
                position += 1;
            }
            let wanted = admins.get(position).is_some_and(|admin| self::at(*admin) == at);
            if is_admin(account) != wanted && !self.is_recovery(account) {
                self.change(account).admin = Some(wanted);
            }
        }
        for (create, position) in self.plan.create.iter_mut().zip(&self.created) {
            create.is_admin = admins.binary_search(position).is_ok();
        }
        let recovery = self
            .options
            .recovery_admin
            .as_deref()
            .and_then(|name| self.directory.account_by_name(name))
            .filter(|account| account.is_active_admin() && account.origin().is_none());
        // Others who are administrators here cease to be, but only as long as somebody certain is left.
        let others: Vec<&'d Arc<Account>> = self
            .directory
            .accounts()
            .filter(|account| is_admin(account) && !self.is_recovery(account))
            .filter(|account| {
                account
                    .origin()
                    .is_none_or(|origin| self.find(&origin.id).is_none())
            })
            .collect();
        for account in others {
            let of_ldap = account
                .origin()
                .is_some_and(|origin| origin.source == Source::Ldap);
            if of_ldap || recovery.is_some() {
                self.change(account).admin = Some(false);
            } else {
                self.plan.notes.add(|| {
                    format!(
                        "`{}` stays an administrator, because `recoveryAdminUsername` names no active local one",
                        account.name
                    )
                });
            }
        }
    }

    fn is_recovery(&self, account: &Account) -> bool {
        self.options.recovery_admin.as_deref() == Some(account.name.as_str())
    }

    /// Compares members of teams, and administrators of organizations, with what the directory says.
    fn memberships(&mut self) {
        // The same snapshot is read twice, so an account has one address.
        let mut positions: Vec<(usize, u32)> = (0u32..)
            .zip(&self.matched)
            .filter_map(|(position, account)| Some((address((*account)?), position)))
            .collect();
        positions.sort_unstable();
        let fetched = self.fetched;
        for (number, team) in (0u32..).zip(fetched.teams()) {
            let place = match &team.sync.target {
                SyncTarget::Team { organization, team } => Place {
                    organization: organization.clone(),
                    team: Some(team.clone()),
                },
                SyncTarget::OrganizationAdmins { organization } => Place {
                    organization: organization.clone(),
                    team: None,
                },
            };
            self.team(number, team, &place, &positions);
            self.plan.targets.push(Target {
                name: team.sync.name.clone(),
                admins: place.team.is_none(),
                place,
            });
        }
    }

    fn team(&mut self, number: u32, team: &FetchedTeam, place: &Place, positions: &[(usize, u32)]) {
        let mut are = vec![false; team.members.len()];
        let current: Vec<Arc<Account>> = match &place.team {
            Some(id) => self
                .directory
                .team_members(id)
                .map(|member| member.account)
                .collect(),
            None => self
                .directory
                .members(&place.organization)
                .into_iter()
                .filter(|member| member.membership.is_admin)
                .map(|member| member.account)
                .collect(),
        };
        for account in &current {
            let found = positions
                .binary_search_by_key(&address(account), |(address, _)| *address)
                .ok()
                .and_then(|at| positions.get(at))
                .and_then(|(_, position)| team.members.binary_search(position).ok());
            if let Some(is) = found.and_then(|member| are.get_mut(member)) {
                *is = true;
                continue;
            }
            let of_ldap = account
                .origin()
                .is_some_and(|origin| origin.source == Source::Ldap);
            if of_ldap || !team.sync.allow_others {
                self.change(account).leave.push(number);
            }
        }
        for (position, _) in team.members.iter().zip(are).filter(|(_, is)| !is) {
            if let Some(account) = self.matched.get(at(*position)).copied().flatten() {
                self.change(account).join.push(number);
            } else if let Ok(created) = self.created.binary_search(position)
                && let Some(create) = self.plan.create.get_mut(created)
            {
                create.join.push(number);
            }
        }
    }

    /// An active administrator whom nothing here touches, if there is one: rather one that was made here.
    fn keeper(&self) -> Option<AccountId> {
        let stays = |account: &&Arc<Account>| {
            account.is_active_admin()
                && self.changes.get(&account.id).is_none_or(|change| {
                    change.deactivate.is_none() && change.admin.is_none() && change.rename.is_none()
                })
        };
        let mut admins = self.directory.accounts().filter(stays);
        let first = admins.next()?;
        let local = std::iter::once(first)
            .chain(admins)
            .find(|account| account.origin().is_none());
        Some(local.unwrap_or(first).id.clone())
    }
}

fn at(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn address(account: &Arc<Account>) -> usize {
    Arc::as_ptr(account).addr()
}

fn is_admin(account: &Account) -> bool {
    account.user().is_some_and(|user| user.is_admin)
}
