//! What is known here before a synchronisation, put into the order in which it is compared. With a hundred thousand
//! accounts that takes longer than comparing, and it can be done while the directory server is still sending.

use std::collections::HashMap;
use std::sync::Arc;

use super::fetched::{Fetched, TextKey, content_key};
use super::plan::{Options, Plan};
use super::planner::Planner;
use crate::accounts::Place;
use crate::directory::Directory;
use crate::records::{Account, MemberSync, Source};

/// How many accounts or memberships are looked at in one go.
const AT_ONCE: usize = 512;

/// The accounts that come from the directory, and the members of what follows it.
#[derive(Debug)]
pub struct Before<'d> {
    pub(super) directory: &'d Directory,
    /// In the order of their ids' keys.
    pub(super) accounts: Vec<KnownAccount<'d>>,
    pub(super) places: HashMap<Place, Vec<KnownMember>>,
}

/// An account that comes from the directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownAccount<'d> {
    pub(super) id: TextKey,
    pub(super) content: TextKey,
    pub(super) account: &'d Arc<Account>,
    /// Whether it may log in, and whether it may not because the directory said so.
    pub(super) is_active: bool,
    pub(super) gone: bool,
}

/// A member of a team, or an administrator of an organization.
#[derive(Debug, Clone)]
pub(super) enum KnownMember {
    /// The account at this position of [`Before::accounts`].
    Known(u32),
    /// Another account.
    Other(Arc<Account>),
}

impl<'d> Before<'d> {
    /// Puts a directory in order.
    pub fn of(directory: &'d Directory) -> Self {
        let mut before = Self::empty(directory);
        let mut accounts = directory.accounts_of(Source::Ldap);
        while before.take_accounts(&mut accounts) {}
        let positions = before.settle();
        for (place, _) in places(directory) {
            before.take_place(place, &positions);
        }
        before
    }

    /// As [`Self::of`], a little at a time, so that something else goes on meanwhile on the same thread.
    pub async fn of_meanwhile(directory: &'d Directory) -> Self {
        let mut before = Self::empty(directory);
        let mut accounts = directory.accounts_of(Source::Ldap);
        while before.take_accounts(&mut accounts) {
            tokio::task::yield_now().await;
        }
        let positions = before.settle();
        for (place, _) in places(directory) {
            before.take_place(place, &positions);
            tokio::task::yield_now().await;
        }
        before
    }

    /// What a synchronisation with what was fetched would do. Pure.
    pub fn plan<'a>(&self, fetched: &'a Fetched, options: &Options) -> Plan<'a> {
        Planner::new(fetched, self, options).plan()
    }

    fn empty(directory: &'d Directory) -> Self {
        Self {
            directory,
            accounts: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Takes some accounts up; false after the last.
    fn take_accounts(&mut self, accounts: &mut impl Iterator<Item = &'d Arc<Account>>) -> bool {
        let before = self.accounts.len();
        for account in accounts.take(AT_ONCE) {
            let (Some(user), Some(origin)) = (account.user(), account.origin()) else {
                continue;
            };
            self.accounts.push(KnownAccount {
                id: TextKey::of([&origin.id]),
                content: content_key(
                    account.name.as_str(),
                    &account.full_name,
                    origin.dn.as_deref().unwrap_or_default(),
                ),
                account,
                is_active: user.is_active,
                gone: origin.gone,
            });
        }
        self.accounts.len() > before
    }

    /// Puts the accounts in order, and says where each is, by address: in one snapshot an account has one.
    fn settle(&mut self) -> Vec<(usize, u32)> {
        self.accounts.sort_unstable_by_key(|known| known.id);
        let mut positions: Vec<(usize, u32)> = self
            .accounts
            .iter()
            .map(|known| address(known.account))
            .zip(0u32..)
            .collect();
        positions.sort_unstable();
        positions
    }

    fn take_place(&mut self, place: Place, positions: &[(usize, u32)]) {
        let current: Vec<Arc<Account>> = match &place.team {
            Some(team) => self
                .directory
                .team_members(team)
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
        let members = current.into_iter().map(|account| {
            let found = positions.binary_search_by_key(&address(&account), |(address, _)| *address);
            match found.ok().and_then(|at| positions.get(at)) {
                Some((_, position)) => KnownMember::Known(*position),
                None => KnownMember::Other(account),
            }
        });
        let members = members.collect();
        self.places.insert(place, members);
    }
}

/// Everything that follows the directory.
fn places(directory: &Directory) -> impl Iterator<Item = (Place, &MemberSync)> {
    let organizations = directory.organizations().filter_map(|organization| {
        let place = Place {
            organization: organization.id.clone(),
            team: None,
        };
        Some((place, organization.admin_sync.as_deref()?))
    });
    let teams = directory.teams().filter_map(|team| {
        let place = Place {
            organization: team.organization.clone(),
            team: Some(team.id.clone()),
        };
        Some((place, team.sync.as_ref()?))
    });
    organizations.chain(teams).filter(|(_, sync)| sync.enabled)
}

fn address(account: &Arc<Account>) -> usize {
    Arc::as_ptr(account).addr()
}
