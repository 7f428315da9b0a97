//! Many changes for a source that knows everybody at once: few transactions, each durable as a whole, several on
//! their way together so that they share the store's commits.
//!
//! A step is everything about one account, and it happens whole or not at all. What a run that was killed had done
//! stays, and steps that are done again change nothing. A step that does not fit what is stored by now (somebody
//! took the name) is refused alone; its neighbours happen.
//!
//! New accounts need no stamp for INVARIANT(owned): whatever belongs to them is written in the transaction that makes
//! them, so a deletion, which compares the account's record, has seen it.

use std::collections::BTreeMap;
use std::ops::Bound;

use futures_util::StreamExt as _;
use futures_util::future::poll_immediate;
use futures_util::stream::FuturesOrdered;
use mke_core::ids::{AccountId, TeamId};
use mke_core::names::AccountName;
use mke_core::store::{Change, Compare, MAX_TXN_BYTES, MAX_TXN_STEPS, Revision, StoreError, Txn, layout};

use super::users::{move_origin, sessions_of};
use super::{AccountError, Accounts, put_account, put_new_account, touch};
use crate::records::{Account, AccountKind, Membership, Origin, User};
use crate::storage::{self, ATTEMPTS, StorageError};

/// Transactions on their way at once: enough for the store to commit several together.
const IN_FLIGHT: usize = 8;

/// Most bytes of a transaction that is filled up; a single step may take it to [`MAX_TXN_BYTES`].
const FILL_BYTES: usize = MAX_TXN_BYTES / 4 * 3;

/// Most comparisons and changes of a transaction that is filled up.
const FILL_STEPS: usize = MAX_TXN_STEPS / 4 * 3;

/// Where somebody is a member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The organization.
    pub organization: AccountId,
    /// Its team; `None` for the organization itself.
    pub team: Option<TeamId>,
}

/// A membership to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Where.
    pub place: Place,
    /// Whether to manage the members there.
    pub is_admin: bool,
}

/// An account to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchCreate {
    /// Its id. Ids that rise from step to step are written fastest.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// The name for people.
    pub full_name: String,
    /// Who it is at its source.
    pub origin: Origin,
    /// Whether it is an administrator.
    pub is_admin: bool,
    /// Where it is a member from the start.
    pub join: Vec<Join>,
}

/// A change of an account; `None` leaves things as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchChange {
    /// Which one.
    pub id: AccountId,
    /// Another name.
    pub name: Option<AccountName>,
    /// The name for people.
    pub full_name: Option<String>,
    /// Who it is at its source. Only accounts of the same source are changed.
    pub origin: Option<Origin>,
    /// Whether it may log in. Ending that ends its sessions too.
    pub is_active: Option<bool>,
    /// Whether it is an administrator.
    pub is_admin: Option<bool>,
    /// Memberships to begin, or to change.
    pub join: Vec<Join>,
    /// Memberships to end.
    pub leave: Vec<Place>,
}

impl BatchChange {
    /// A change of nothing.
    pub fn of(id: AccountId) -> Self {
        Self {
            id,
            name: None,
            full_name: None,
            origin: None,
            is_active: None,
            is_admin: None,
            join: Vec::new(),
            leave: Vec::new(),
        }
    }
}

/// Everything about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchStep {
    /// Make it.
    Create(Box<BatchCreate>),
    /// Change it.
    Change(Box<BatchChange>),
}

/// What became of the steps.
#[derive(Debug, Default)]
pub struct BatchOutcome {
    /// How many were done.
    pub done: usize,
    /// Those that were not, by position, with the reason.
    pub refused: Vec<(usize, AccountError)>,
    /// The revision of the last transaction.
    pub revision: Option<Revision>,
}

/// What holds for all steps.
struct Around<'a> {
    keeper: Option<&'a AccountId>,
    /// The organization that holds every user.
    everyone: Option<AccountId>,
}

/// A transaction with the steps in it.
#[derive(Default)]
struct Filled {
    txn: Txn,
    steps: Vec<usize>,
    bytes: usize,
}

impl Filled {
    fn is_full(&self, more: &Txn, more_bytes: usize) -> bool {
        let steps = |txn: &Txn| txn.compares.len() + txn.changes.len();
        !self.steps.is_empty()
            && (self.bytes + more_bytes > FILL_BYTES || steps(&self.txn) + steps(more) > FILL_STEPS)
    }

    fn take(&mut self, step: usize, more: Txn, bytes: usize) {
        for compare in more.compares {
            // Steps may share a condition, such as that a team exists.
            if !matches!(compare, Compare::Present(_))
                || !self.txn.compares.iter().rev().take(64).any(|has| *has == compare)
            {
                self.txn.compares.push(compare);
            }
        }
        self.txn.changes.extend(more.changes);
        self.steps.push(step);
        self.bytes += bytes;
    }
}

impl Accounts {
    /// Makes these changes. `keeper` is an administrator whom no step touches: as long as that one is active, others
    /// may stop being administrators; without one nobody does.
    ///
    /// # Errors
    ///
    /// [`AccountError::Storage`] when the store fails: some of the steps may have been done then, each whole. What
    /// is wrong with single steps is in the outcome.
    pub async fn apply_batch(
        &self,
        steps: &[BatchStep],
        keeper: Option<&AccountId>,
    ) -> Result<BatchOutcome, AccountError> {
        let around = Around {
            keeper,
            everyone: self.default_organization().await?,
        };
        let mut outcome = BatchOutcome::default();
        let mut again: Vec<usize> = Vec::new();
        let mut filled = Filled::default();
        let mut on_the_way = FuturesOrdered::new();
        for (position, step) in steps.iter().enumerate() {
            let txn = match self.step(step, &around).await {
                Ok(Some(txn)) => txn,
                Ok(None) => {
                    outcome.done += 1;
                    continue;
                }
                Err(AccountError::Storage(StorageError::Store(error))) => {
                    return Err(StorageError::Store(error).into());
                }
                Err(error) => {
                    outcome.refused.push((position, error));
                    continue;
                }
            };
            let bytes = bytes(&txn);
            if filled.is_full(&txn, bytes) {
                if on_the_way.len() >= IN_FLIGHT
                    && let Some(sent) = on_the_way.next().await
                {
                    note(sent?, &mut outcome, &mut again);
                }
                on_the_way.push_back(self.send(std::mem::take(&mut filled)));
                // Sets it off at once, so that the store works while the next one is filled.
                if let Some(Some(sent)) = poll_immediate(on_the_way.next()).await {
                    note(sent?, &mut outcome, &mut again);
                }
            }
            filled.take(position, txn, bytes);
        }
        if !filled.steps.is_empty() {
            on_the_way.push_back(self.send(filled));
        }
        while let Some(sent) = on_the_way.next().await {
            note(sent?, &mut outcome, &mut again);
        }
        // Somebody else changed something that these had read; alone, only those whose own it is are held up.
        for position in again {
            let Some(step) = steps.get(position) else { continue };
            match self.alone(step, &around).await {
                Ok(revision) => {
                    outcome.done += 1;
                    outcome.revision = outcome.revision.max(revision);
                }
                Err(AccountError::Storage(StorageError::Store(error)))
                    if !matches!(error, StoreError::Invalid(_)) =>
                {
                    return Err(StorageError::Store(error).into());
                }
                Err(error) => outcome.refused.push((position, error)),
            }
        }
        Ok(outcome)
    }

    async fn send(&self, filled: Filled) -> Result<(Vec<usize>, Option<Revision>), AccountError> {
        let Filled { mut txn, steps, .. } = filled;
        // Neighbours in the store are written together.
        txn.changes.sort_by(|a, b| key_of(a).cmp(key_of(b)));
        match storage::commit(&*self.store, txn).await {
            // One of them is beyond what a transaction can hold; alone it is seen which.
            Err(StorageError::Store(StoreError::Invalid(_))) => Ok((steps, None)),
            sent => Ok((steps, sent?)),
        }
    }

    async fn alone(&self, step: &BatchStep, around: &Around<'_>) -> Result<Option<Revision>, AccountError> {
        for _ in 0..ATTEMPTS {
            let Some(txn) = self.step(step, around).await? else {
                return Ok(None);
            };
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(Some(revision));
            }
            if let BatchStep::Create(create) = step {
                let account = self.made(create);
                if self.is_made(&account).await? {
                    return Ok(None);
                }
                return Err(self.taken(&account).await?);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Whether the account of this origin is there already, by this very name.
    async fn is_made(&self, account: &Account) -> Result<bool, AccountError> {
        let Some(origin) = account.origin() else {
            return Ok(false);
        };
        let key = layout::account_origin(origin.source.as_str(), &origin.id);
        let name = layout::account_name(account.name.as_str());
        let of_origin = storage::read_entry(&*self.store, key).await?;
        let of_name = storage::read_entry(&*self.store, name).await?;
        Ok(of_origin
            .zip(of_name)
            .is_some_and(|(origin, name)| origin.value == name.value))
    }

    /// The transaction of a step; `None` when everything is so already.
    async fn step(&self, step: &BatchStep, around: &Around<'_>) -> Result<Option<Txn>, AccountError> {
        match step {
            BatchStep::Create(create) => {
                let account = self.made(create);
                let mut txn = put_new_account(Txn::new(), &account)?;
                let mut organizations: BTreeMap<&AccountId, bool> = BTreeMap::new();
                for join in &create.join {
                    let is_admin = organizations.entry(&join.place.organization).or_default();
                    *is_admin |= join.is_admin && join.place.team.is_none();
                    if let Some(team) = &join.place.team {
                        txn =
                            put_team_member(txn, &join.place.organization, team, &create.id, join.is_admin)?;
                    }
                }
                for (organization, is_admin) in organizations {
                    if is_admin || around.everyone.as_ref() != Some(organization) {
                        txn = put_member(txn, organization, &create.id, is_admin)?;
                    }
                }
                Ok(Some(txn))
            }
            BatchStep::Change(change) => self.change(change, around).await,
        }
    }

    fn made(&self, create: &BatchCreate) -> Account {
        Account {
            id: create.id.clone(),
            name: create.name.clone(),
            full_name: create.full_name.clone(),
            created: self.clock.now(),
            kind: AccountKind::User(User {
                is_admin: create.is_admin,
                is_active: true,
                is_imported: true,
                password: None,
                password_version: 1,
                origin: Some(create.origin.clone()),
                on_demand: false,
            }),
            admin_sync: None,
        }
    }

    async fn change(&self, change: &BatchChange, around: &Around<'_>) -> Result<Option<Txn>, AccountError> {
        let found = self.user(&change.id).await?;
        let before = &found.record;
        let mut account = before.clone();
        let AccountKind::User(user) = &mut account.kind else {
            return Err(AccountError::NotAUser { name: account.name });
        };
        user.is_active = change.is_active.unwrap_or(user.is_active);
        user.is_admin = change.is_admin.unwrap_or(user.is_admin);
        if let Some(origin) = &change.origin {
            if user.origin.as_ref().map(|origin| origin.source) != Some(origin.source) {
                return Err(AccountError::NotImported { name: account.name });
            }
            user.origin = Some(origin.clone());
        }
        if let Some(full_name) = &change.full_name {
            account.full_name.clone_from(full_name);
        }
        if let Some(name) = &change.name {
            account.name = name.clone();
        }
        let mut txn = Txn::new();
        if account != *before {
            txn = put_account(txn, &found, &account)?;
            txn = move_origin(txn, before, &account);
            if account.name != before.name {
                let new = layout::account_name(account.name.as_str());
                if storage::read_entry(&*self.store, new.clone()).await?.is_some() {
                    return Err(AccountError::NameInUse {
                        name: account.name.to_string(),
                    });
                }
                txn = txn
                    .when(Compare::Absent(new.clone()))
                    .delete(layout::account_name(before.name.as_str()))
                    .put(new, account.id.as_str());
            }
            if before.is_active_user() && !account.is_active_user() {
                txn = txn.delete_range(sessions_of(&account.id));
            }
            if before.is_active_admin() && !account.is_active_admin() {
                txn = txn.when(self.stays(around.keeper, before).await?);
            }
        }
        let txn = self.memberships(txn, change, around).await?;
        Ok(if txn.changes.is_empty() { None } else { Some(txn) })
    }

    /// The condition that the keeper stays an administrator.
    async fn stays(&self, keeper: Option<&AccountId>, instead_of: &Account) -> Result<Compare, AccountError> {
        let last = || AccountError::LastAdministrator {
            name: instead_of.name.clone(),
        };
        let keeper = keeper
            .filter(|keeper| **keeper != instead_of.id)
            .ok_or_else(last)?;
        let found = self.account(keeper).await?;
        if found.record.is_active_admin() {
            Ok(Compare::Modified(layout::account(keeper), found.modified))
        } else {
            Err(last())
        }
    }

    async fn memberships(
        &self,
        txn: Txn,
        change: &BatchChange,
        around: &Around<'_>,
    ) -> Result<Txn, AccountError> {
        if change.join.is_empty() && change.leave.is_empty() {
            return Ok(txn);
        }
        let user = &change.id;
        let mut txn = txn;
        let mut began = false;
        // Two joins may need the same organization.
        let mut organizations: BTreeMap<&AccountId, Option<bool>> = BTreeMap::new();
        for join in &change.join {
            let organization = &join.place.organization;
            match &join.place.team {
                Some(team) => {
                    txn = put_team_member(txn, organization, team, user, join.is_admin)?;
                    began = true;
                    organizations.entry(organization).or_default();
                }
                None => {
                    organizations.insert(organization, Some(join.is_admin));
                }
            }
        }
        for (organization, wanted) in organizations {
            let key = layout::member(organization, user);
            match (storage::read_entry(&*self.store, key.clone()).await?, wanted) {
                (Some(_), None) => txn = txn.when(Compare::Present(key)),
                (None, None) if around.everyone.as_ref() == Some(organization) => {}
                (_, wanted) => {
                    txn = put_member(txn, organization, user, wanted.unwrap_or(false))?;
                    began = true;
                }
            }
        }
        for place in &change.leave {
            txn = match &place.team {
                Some(team) => txn.delete(layout::team_member(&place.organization, team, user)),
                None => txn.delete(layout::member(&place.organization, user)),
            };
        }
        if began && !txn.changes.iter().any(|put| key_of(put) == layout::account(user)) {
            return Ok(touch(txn, user));
        }
        Ok(txn)
    }

    /// The id of the organization that holds every user, once it was made.
    async fn default_organization(&self) -> Result<Option<AccountId>, AccountError> {
        let key = layout::account_name(mke_core::names::DEFAULT_ORGANIZATION);
        Ok(storage::read_entry(&*self.store, key)
            .await?
            .map(|entry| AccountId::from(String::from_utf8_lossy(&entry.value).into_owned())))
    }
}

fn put_member(
    txn: Txn,
    organization: &AccountId,
    user: &AccountId,
    is_admin: bool,
) -> Result<Txn, StorageError> {
    Ok(txn.when(Compare::Present(layout::account(organization))).put(
        layout::member(organization, user),
        storage::encode(&Membership { is_admin })?,
    ))
}

fn put_team_member(
    txn: Txn,
    organization: &AccountId,
    team: &TeamId,
    user: &AccountId,
    is_admin: bool,
) -> Result<Txn, StorageError> {
    Ok(txn.when(Compare::Present(layout::team(organization, team))).put(
        layout::team_member(organization, team, user),
        storage::encode(&Membership { is_admin })?,
    ))
}

/// Counts the steps of a transaction, or keeps them for another try.
fn note(sent: (Vec<usize>, Option<Revision>), outcome: &mut BatchOutcome, again: &mut Vec<usize>) {
    let (steps, revision) = sent;
    if revision.is_some() {
        outcome.done += steps.len();
        outcome.revision = outcome.revision.max(revision);
    } else {
        again.extend(steps);
    }
}

fn key_of(change: &Change) -> &str {
    match change {
        Change::Put { key, .. } => key,
        Change::Delete(range) => match &range.start {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => "",
        },
    }
}

/// What a transaction counts for [`MAX_TXN_BYTES`].
fn bytes(txn: &Txn) -> usize {
    let compares = txn.compares.iter().map(|compare| match compare {
        Compare::Absent(key) | Compare::Present(key) | Compare::Modified(key, _) => key.len(),
        Compare::Value(key, value) => key.len() + value.len(),
    });
    let changes = txn.changes.iter().map(|change| match change {
        Change::Put { key, value, .. } => key.len() + value.len(),
        Change::Delete(_) => 0,
    });
    compares.chain(changes).sum()
}
