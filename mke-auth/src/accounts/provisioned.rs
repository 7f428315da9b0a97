//! Users and teams that a SCIM client keeps: each change is one transaction, decided on what the store holds at that
//! moment, so that nothing is lost between reading and writing (scim-13).
//!
//! An account or team that was made otherwise is never found here: it is answered like one that does not exist
//! (scim-04, scim-05). The exception is a team that an administrator has linked to the group's name (SCIM-014).

use std::collections::BTreeSet;

use mke_core::ids::{AccountId, TeamId};
use mke_core::store::{Compare, KeyRange, Revision, Txn, layout};
use rand_core::CryptoRng;

use super::new::check_text;
use super::users::sessions_of;
use super::{AccountError, Accounts, Problems, put_account, put_new_account, touch};
use crate::directory::Directory;
use crate::records::{
    Account, AccountKind, MAX_FULL_NAME_CHARS, Membership, Origin, ScimGroup, ScimPerson, Source, Team, User,
};
use crate::storage::{self, ATTEMPTS, Found, StorageError};

/// Most memberships that begin or end in one change of a team: what fits into one transaction, at five steps each.
pub const MAX_MEMBER_CHANGES: usize = mke_core::store::MAX_TXN_STEPS / 5 - 10;

/// What becomes of the team's name when it is made for a group (SCIM-014).
pub const TEAM_SUFFIX: &str = "_SCIM";

/// What a SCIM client wants a user to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// The account's name (R8).
    pub name: String,
    /// The name for people.
    pub full_name: String,
    /// Whether it may log in.
    pub is_active: bool,
    /// What the client calls it.
    pub external_id: Option<String>,
    /// What else it says.
    pub person: ScimPerson,
}

/// What a SCIM client wants a group to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedGroup {
    /// Its name at the client.
    pub display_name: String,
    /// What the client calls it.
    pub external_id: Option<String>,
    /// Its members, all of them kept by SCIM.
    pub members: BTreeSet<AccountId>,
}

/// Whether a SCIM client keeps the account.
pub fn is_provisioned(account: &Account) -> bool {
    account
        .origin()
        .is_some_and(|origin| origin.source == Source::Scim)
}

impl Accounts {
    /// Makes a user that a SCIM client keeps. It has no password and is no administrator.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::NameInUse`], [`AccountError::Storage`].
    pub async fn create_provisioned(
        &self,
        new: &Provisioned,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Account, Revision), AccountError> {
        let name = new.check()?;
        let id = AccountId::random(rng);
        let now = self.clock.now();
        let mut account = Account {
            id: id.clone(),
            name,
            full_name: String::new(),
            created: now,
            kind: AccountKind::User(User {
                is_admin: false,
                is_active: true,
                is_imported: true,
                on_demand: false,
                password: None,
                password_version: 1,
                origin: Some(Origin::new(Source::Scim, id.as_str())),
            }),
            admin_sync: None,
        };
        new.write_to(&mut account);
        stamp(&mut account, now);
        let txn = put_new_account(Txn::new(), &account)?;
        match storage::commit(&*self.store, txn).await? {
            Some(revision) => Ok((account, revision)),
            None => Err(self.taken(&account).await?),
        }
    }

    /// Changes a user that a SCIM client keeps to what `change` makes of it. Its id stays, and so does whatever
    /// belongs to the account. Deactivating it ends its sessions in the same transaction. A change that changes
    /// nothing writes nothing: there is no revision then.
    ///
    /// # Errors
    ///
    /// What `change` refuses; [`AccountError::NoSuchAccount`] also for accounts that SCIM does not keep;
    /// [`AccountError::Invalid`], [`AccountError::NameInUse`], [`AccountError::LastAdministrator`],
    /// [`AccountError::Storage`].
    pub async fn change_provisioned<E: From<AccountError> + Send>(
        &self,
        id: &AccountId,
        mut change: impl FnMut(&Account) -> Result<Provisioned, E> + Send,
    ) -> Result<(Account, Option<Revision>), E> {
        for _ in 0..ATTEMPTS {
            let found = self.provisioned(id).await?;
            let wanted = change(&found.record)?;
            let name = wanted.check()?;
            let mut account = found.record.clone();
            wanted.write_to(&mut account);
            account.name = name;
            if account == found.record {
                return Ok((account, None));
            }
            stamp(&mut account, self.clock.now());
            let mut txn = put_account(Txn::new(), &found, &account).map_err(AccountError::from)?;
            if account.name != found.record.name {
                let key = layout::account_name(account.name.as_str());
                let taken = storage::read_entry(&*self.store, key.clone()).await;
                if taken.map_err(AccountError::from)?.is_some() {
                    return Err(AccountError::NameInUse { name: wanted.name }.into());
                }
                txn = txn
                    .when(Compare::Absent(key.clone()))
                    .delete(layout::account_name(found.record.name.as_str()))
                    .put(key, id.as_str());
            }
            if found.record.is_active_admin() && !account.is_active_admin() {
                txn = txn.when(self.another_administrator(&found.record).await?);
            }
            if found.record.is_active_user() && !account.is_active_user() {
                txn = txn.delete_range(sessions_of(id));
            }
            let committed = storage::commit(&*self.store, txn).await;
            if let Some(revision) = committed.map_err(AccountError::from)? {
                return Ok((account, Some(revision)));
            }
        }
        Err(AccountError::from(StorageError::Contended).into())
    }

    /// Deletes a user that a SCIM client keeps, with everything that belongs to it, if `check` agrees.
    ///
    /// # Errors
    ///
    /// What `check` refuses; [`AccountError::NoSuchAccount`] also for accounts that SCIM does not keep;
    /// [`AccountError::LastAdministrator`], [`AccountError::TooMuch`], [`AccountError::Storage`].
    pub async fn delete_provisioned<E: From<AccountError> + Send>(
        &self,
        id: &AccountId,
        check: impl Fn(&Account) -> Result<(), E> + Send,
    ) -> Result<Revision, E> {
        for _ in 0..ATTEMPTS {
            let found = self.provisioned(id).await?;
            check(&found.record)?;
            if let Some(revision) = self.try_delete_user(&found).await? {
                return Ok(revision);
            }
        }
        Err(AccountError::from(StorageError::Contended).into())
    }

    async fn provisioned(&self, id: &AccountId) -> Result<Found<Account>, AccountError> {
        let found = self.account(id).await?;
        if is_provisioned(&found.record) {
            Ok(found)
        } else {
            Err(AccountError::NoSuchAccount { id: id.clone() })
        }
    }

    /// Makes the team of a group: named after it with [`TEAM_SUFFIX`], or `linked`, a team that an administrator
    /// has linked to the group's name and that is no other group's.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`] for the team's name, [`AccountError::NameInUse`], [`AccountError::NoSuchAccount`]
    /// for members that SCIM does not keep, [`AccountError::TooMuch`], [`AccountError::Storage`].
    ///
    /// `directory` is what the caller knows; see [`Self::change_group`].
    pub async fn create_group(
        &self,
        directory: &Directory,
        organization: &AccountId,
        linked: Option<&TeamId>,
        new: &ProvisionedGroup,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Team, Revision), AccountError> {
        let fresh = TeamId::random(rng);
        for attempt in 0..ATTEMPTS {
            let known = (attempt == 0).then_some(directory);
            let now = self.clock.now();
            let found = match linked {
                Some(id) => Some(self.team(organization, id).await?),
                None => None,
            };
            let mut team = match &found {
                // Checked in this very transaction: a link that was ended meanwhile gives nothing away.
                Some(found) if is_linkable(&found.record, &new.display_name) => found.record.clone(),
                Some(found) => {
                    return Err(AccountError::NameInUse {
                        name: found.record.name.to_string(),
                    });
                }
                None => Team {
                    id: fresh.clone(),
                    organization: organization.clone(),
                    name: new.check()?,
                    description: String::new(),
                    created: now,
                    sync: None,
                    group_link: None,
                    scim: None,
                },
            };
            team.scim = Some(ScimGroup {
                display_name: new.display_name.clone(),
                external_id: new.external_id.clone(),
                linked: found.is_some(),
                modified: now,
            });
            let key = layout::team(organization, &team.id);
            let txn = match &found {
                Some(found) => Txn::new().when(Compare::Modified(key.clone(), found.modified)),
                None => {
                    let name_key = layout::team_name(organization, team.name.as_str());
                    self.check_team_name_free(&name_key, &team.name).await?;
                    touch(Txn::new(), organization)
                        .when(Compare::Absent(name_key.clone()))
                        .put(name_key, team.id.as_str())
                }
            };
            let txn = txn.put(key, storage::encode(&team)?);
            let before = match &found {
                Some(found) => self.group_members(known, &found.record).await?,
                None => BTreeSet::new(),
            };
            let txn = self
                .move_members(known, txn, &team, &before, &new.members)
                .await?;
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((team, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Changes a group to what `change` makes of it and its members. Members that SCIM does not keep stay as they
    /// are. A change that changes nothing writes nothing.
    ///
    /// # Errors
    ///
    /// What `change` refuses; [`AccountError::NoSuchTeam`] also for teams that are no group; those of
    /// [`Self::create_group`].
    pub async fn change_group<E: From<AccountError> + Send>(
        &self,
        directory: &Directory,
        organization: &AccountId,
        id: &TeamId,
        mut change: impl FnMut(&Team, &BTreeSet<AccountId>) -> Result<ProvisionedGroup, E> + Send,
    ) -> Result<(Team, BTreeSet<AccountId>, Option<Revision>), E> {
        for attempt in 0..ATTEMPTS {
            let known = (attempt == 0).then_some(directory);
            let (found, group) = self.group(organization, id).await?;
            let before = self.group_members(known, &found.record).await?;
            let wanted = change(&found.record, &before)?;
            let mut team = found.record.clone();
            if !group.linked {
                team.name = wanted.check()?;
            }
            let now_group = ScimGroup {
                display_name: wanted.display_name.clone(),
                external_id: wanted.external_id.clone(),
                ..group.clone()
            };
            if now_group == group && wanted.members == before {
                return Ok((found.record, before, None));
            }
            team.scim = Some(ScimGroup {
                modified: self.clock.now(),
                ..now_group
            });
            // Every change writes the team's record, so changes of one group form a line.
            let key = layout::team(organization, id);
            let mut txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .put(key, storage::encode(&team).map_err(AccountError::from)?);
            if team.name != found.record.name {
                let name_key = layout::team_name(organization, team.name.as_str());
                self.check_team_name_free(&name_key, &team.name).await?;
                txn = txn
                    .when(Compare::Absent(name_key.clone()))
                    .delete(layout::team_name(organization, found.record.name.as_str()))
                    .put(name_key, id.as_str());
            }
            let txn = self
                .move_members(known, txn, &team, &before, &wanted.members)
                .await?;
            let committed = storage::commit(&*self.store, txn).await;
            if let Some(revision) = committed.map_err(AccountError::from)? {
                return Ok((team, wanted.members, Some(revision)));
            }
        }
        Err(AccountError::from(StorageError::Contended).into())
    }

    /// Deletes a group: its team with everything that belongs to it, or of a linked team only the tie and the
    /// members that SCIM keeps.
    ///
    /// # Errors
    ///
    /// What `check` refuses; [`AccountError::NoSuchTeam`] also for teams that are no group;
    /// [`AccountError::TooMuch`], [`AccountError::Storage`].
    pub async fn delete_group<E: From<AccountError> + Send>(
        &self,
        directory: &Directory,
        organization: &AccountId,
        id: &TeamId,
        check: impl Fn(&Team, &BTreeSet<AccountId>) -> Result<(), E> + Send,
    ) -> Result<Revision, E> {
        for attempt in 0..ATTEMPTS {
            let known = (attempt == 0).then_some(directory);
            let (found, group) = self.group(organization, id).await?;
            let members = self.group_members(known, &found.record).await?;
            check(&found.record, &members)?;
            let key = layout::team(organization, id);
            let txn = Txn::new().when(Compare::Modified(key.clone(), found.modified));
            let txn = if group.linked {
                let team = Team {
                    scim: None,
                    ..found.record
                };
                let txn = txn.put(key, storage::encode(&team).map_err(AccountError::from)?);
                self.move_members(known, txn, &team, &members, &BTreeSet::new())
                    .await?
            } else {
                let below = layout::below(layout::TEAM_MEMBERS, [organization.as_str(), id.as_str()]);
                txn.delete(key)
                    .delete(layout::team_name(organization, found.record.name.as_str()))
                    .delete_range(KeyRange::prefix(below))
                    .delete_range(super::grants_of_subject(id.as_str()))
            };
            let committed = storage::commit(&*self.store, txn).await;
            if let Some(revision) = committed.map_err(AccountError::from)? {
                return Ok(revision);
            }
        }
        Err(AccountError::from(StorageError::Contended).into())
    }

    async fn group(
        &self,
        organization: &AccountId,
        id: &TeamId,
    ) -> Result<(Found<Team>, ScimGroup), AccountError> {
        let found = self.team(organization, id).await?;
        match &found.record.scim {
            Some(group) => {
                let group = group.clone();
                Ok((found, group))
            }
            None => Err(AccountError::NoSuchTeam { id: id.clone() }),
        }
    }

    /// Whether a SCIM client keeps the account. The directory saves reads at the first attempt; the transaction then
    /// has the condition that the account exists. Later attempts ask the store.
    async fn keeps(&self, known: Option<&Directory>, id: &AccountId) -> Result<bool, AccountError> {
        if let Some(account) = known.and_then(|directory| directory.account(id)) {
            return Ok(is_provisioned(account));
        }
        match self.provisioned(id).await {
            Ok(_) => Ok(true),
            Err(AccountError::NoSuchAccount { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The members of a team that SCIM keeps.
    async fn group_members(
        &self,
        known: Option<&Directory>,
        team: &Team,
    ) -> Result<BTreeSet<AccountId>, AccountError> {
        let below = layout::below(
            layout::TEAM_MEMBERS,
            [team.organization.as_str(), team.id.as_str()],
        );
        let mut members = BTreeSet::new();
        for entry in storage::scan(&*self.store, &below).await? {
            let parts = layout::parts(layout::TEAM_MEMBERS, &entry.key).unwrap_or_default();
            if let Some(user) = parts.get(2) {
                let id = AccountId::from(user.as_ref());
                if self.keeps(known, &id).await? {
                    members.insert(id);
                }
            }
        }
        Ok(members)
    }

    /// Adds to a transaction who joins and who leaves a team.
    async fn move_members(
        &self,
        known: Option<&Directory>,
        mut txn: Txn,
        team: &Team,
        before: &BTreeSet<AccountId>,
        after: &BTreeSet<AccountId>,
    ) -> Result<Txn, AccountError> {
        let changes = before.symmetric_difference(after).count();
        if changes > MAX_MEMBER_CHANGES {
            return Err(AccountError::TooMuch {
                what: "changes of members",
                count: changes,
                max: MAX_MEMBER_CHANGES,
            });
        }
        let organization = &team.organization;
        let everyone = self
            .organization(organization)
            .await?
            .record
            .is_default_organization();
        for id in before.difference(after) {
            txn = txn.delete(layout::team_member(organization, &team.id, id));
        }
        let membership = Membership { is_admin: false };
        for id in after.difference(before) {
            if !self.keeps(known, id).await? {
                return Err(AccountError::NoSuchAccount { id: id.clone() });
            }
            txn = touch(txn, id).put(
                layout::team_member(organization, &team.id, id),
                storage::encode(&membership)?,
            );
            let key = layout::member(organization, id);
            if !everyone && storage::read_entry(&*self.store, key.clone()).await?.is_none() {
                txn = txn
                    .when(Compare::Absent(key.clone()))
                    .put(key, storage::encode(&membership)?);
            }
        }
        Ok(txn)
    }
}

/// Whether an administrator wants this team to be the group with this name.
pub fn is_linkable(team: &Team, display_name: &str) -> bool {
    team.scim.is_none() && team.group_link.as_deref() == Some(display_name)
}

/// Notes when a SCIM client changed something.
fn stamp(account: &mut Account, now: mke_core::time::Timestamp) {
    if let AccountKind::User(User {
        origin: Some(origin), ..
    }) = &mut account.kind
    {
        origin.scim.get_or_insert_default().modified = now;
    }
}

impl Provisioned {
    fn check(&self) -> Result<mke_core::names::AccountName, AccountError> {
        let mut problems = Problems::default();
        let name = problems.take("userName", self.name.parse());
        check_text(
            &mut problems,
            "name.formatted",
            &self.full_name,
            MAX_FULL_NAME_CHARS,
        );
        match name {
            Some(name) if problems.0.is_empty() => Ok(name),
            _ => Err(AccountError::Invalid(problems)),
        }
    }

    /// Everything but the name, which other records depend on, and the time of the change.
    fn write_to(&self, account: &mut Account) {
        account.full_name.clone_from(&self.full_name);
        if let AccountKind::User(user) = &mut account.kind {
            user.is_active = self.is_active;
            if let Some(origin) = &mut user.origin {
                origin.external_id.clone_from(&self.external_id);
                let modified = origin.scim.as_ref().map(|person| person.modified);
                origin.scim = Some(Box::new(ScimPerson {
                    modified: modified.unwrap_or_default(),
                    ..self.person.clone()
                }));
            }
        }
    }
}

impl ProvisionedGroup {
    /// The name of the team that is made for the group.
    fn check(&self) -> Result<mke_core::names::TeamName, AccountError> {
        let mut problems = Problems::default();
        let name = problems.take(
            "displayName",
            format!("{}{TEAM_SUFFIX}", self.display_name).parse(),
        );
        match name {
            Some(name) => Ok(name),
            None => Err(AccountError::Invalid(problems)),
        }
    }
}
