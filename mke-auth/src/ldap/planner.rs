//! How a [`Plan`] is made. The accounts that come from the directory and what was fetched are both in an order of
//! unique ids, and gone through side by side; texts are only read where something differs.

use std::collections::HashMap;
use std::sync::Arc;

use mke_core::ids::AccountId;
use mke_core::names::{AccountName, MAX_NAME_CHARS};

use super::before::{Before, KnownMember};
use super::fetched::{Fetched, FetchedTeam, FetchedUser, TextKey};
use super::plan::{AccountPlan, Create, Gone, Options, Plan, Target};
use super::settings::SyncTarget;
use crate::accounts::Place;
use crate::directory::Directory;
use crate::records::{Account, Source, User};

pub(super) struct Planner<'a, 'b, 'd> {
    fetched: &'a Fetched,
    before: &'b Before<'d>,
    directory: &'d Directory,
    options: &'b Options,
    plan: Plan<'a>,
    changes: HashMap<AccountId, AccountPlan<'a>>,
    /// For each fetched user the account that it is, as a position in [`Before::accounts`].
    matched: Vec<Option<u32>>,
    /// For each known account the fetched user that it is.
    positions: Vec<Option<u32>>,
    /// Fetched users that get an account, in order, with the position of the creation.
    created: Vec<u32>,
}

impl<'a, 'b, 'd> Planner<'a, 'b, 'd> {
    pub(super) fn new(fetched: &'a Fetched, before: &'b Before<'d>, options: &'b Options) -> Self {
        Self {
            fetched,
            before,
            directory: before.directory,
            options,
            plan: Plan {
                notes: fetched.notes().clone(),
                imported_active: before.accounts.iter().filter(|known| known.is_active).count(),
                ..Plan::default()
            },
            changes: HashMap::new(),
            matched: vec![None; fetched.len()],
            positions: vec![None; before.accounts.len()],
            created: Vec::new(),
        }
    }

    pub(super) fn plan(mut self) -> Plan<'a> {
        self.side_by_side();
        if let Some(admins) = self.fetched.admins() {
            self.administrators(admins);
        }
        self.memberships();
        self.plan.keeper = self.keeper();
        // In the order of the store, new records lie side by side there.
        self.plan.create.sort_unstable_by_key(|create| create.id);
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

    /// Goes through accounts and fetched users in the order of their ids.
    fn side_by_side(&mut self) {
        let before = self.before;
        let mut known = before.accounts.iter().zip(0u32..).peekable();
        let mut missing: Vec<&'d Arc<Account>> = Vec::new();
        let mut changed: Vec<(u32, &'d Arc<Account>)> = Vec::new();
        let mut new: Vec<u32> = Vec::new();
        for (position, (id, content, enabled)) in (0u32..).zip(self.fetched.keys()) {
            while let Some((gone, _)) = known.next_if(|(known, _)| known.id < id) {
                missing.extend(gone.is_active.then_some(gone.account));
            }
            let Some((account, at_known)) = known.next_if(|(known, _)| known.id == id) else {
                new.push(position);
                continue;
            };
            if let Some(matched) = self.matched.get_mut(at(position)) {
                *matched = Some(at_known);
            }
            if let Some(found) = self.positions.get_mut(at(at_known)) {
                *found = Some(position);
            }
            let switched = if enabled {
                !account.is_active && account.gone
            } else {
                account.is_active
            };
            if account.content != content || switched {
                changed.push((position, account.account));
            }
        }
        missing.extend(
            known
                .filter(|(known, _)| known.is_active)
                .map(|(known, _)| known.account),
        );
        for account in missing {
            self.change(account).deactivate = Some(Gone::Missing);
        }
        for (position, account) in changed {
            if let Some(user) = self.fetched.user(at(position)) {
                self.known(account, user);
            }
        }
        for position in new {
            if let Some(user) = self.fetched.user(at(position)) {
                self.unknown(position, user);
            }
        }
    }

    /// The account of a fetched user.
    fn account(&self, position: u32) -> Option<&'d Arc<Account>> {
        let known = self.matched.get(at(position)).copied().flatten()?;
        self.before.accounts.get(at(known)).map(|known| known.account)
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
        self.fetched.position(TextKey::of([id]))
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
        let mut next = admins.iter().copied().peekable();
        for position in (0u32..).take(self.matched.len()) {
            while next.next_if(|admin| *admin < position).is_some() {}
            let wanted = next.peek() == Some(&position);
            if let Some(account) = self.account(position)
                && is_admin(account) != wanted
                && !self.is_recovery(account)
            {
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
            self.team(number, team, &place);
            self.plan.targets.push(Target {
                name: team.sync.name.clone(),
                admins: place.team.is_none(),
                place,
            });
        }
    }

    fn team(&mut self, number: u32, team: &FetchedTeam, place: &Place) {
        let before = self.before;
        let mut are = vec![false; team.members.len()];
        for member in before.places.get(place).into_iter().flatten() {
            let account = match member {
                KnownMember::Known(known) => {
                    let position = self.positions.get(at(*known)).copied().flatten();
                    let found = position.and_then(|position| team.members.binary_search(&position).ok());
                    if let Some(is) = found.and_then(|found| are.get_mut(found)) {
                        *is = true;
                        continue;
                    }
                    match before.accounts.get(at(*known)) {
                        Some(known) => known.account,
                        None => continue,
                    }
                }
                KnownMember::Other(_) if team.sync.allow_others => continue,
                KnownMember::Other(account) => account,
            };
            self.change(account).leave.push(number);
        }
        for (position, _) in team.members.iter().zip(are).filter(|(_, is)| !is) {
            if let Some(account) = self.account(*position) {
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

fn is_admin(account: &Account) -> bool {
    account.user().is_some_and(|user| user.is_admin)
}
