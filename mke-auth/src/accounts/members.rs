//! Members of organizations and teams.
//!
//! A member of a team is a member of its organization too (R2): joining the team makes it one, leaving the
//! organization ends its memberships in all of its teams. Leaving a team leaves the organization as it is.

use mke_core::ids::{AccountId, TeamId};
use mke_core::store::{Compare, Revision, Txn, layout};

use super::users::part_is;
use super::{AccountError, Accounts, touch, untouched};
use crate::records::Membership;
use crate::storage::{self, ATTEMPTS, StorageError};

impl Accounts {
    /// Makes a user a member of an organization, or changes how it is one.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchAccount`], [`AccountError::NotAUser`], [`AccountError::NotAnOrganization`],
    /// [`AccountError::Storage`].
    pub async fn put_member(
        &self,
        organization: &AccountId,
        user: &AccountId,
        membership: Membership,
    ) -> Result<Revision, AccountError> {
        for _ in 0..ATTEMPTS {
            self.organization(organization).await?;
            self.user(user).await?;
            let txn = touch(Txn::new(), user)
                .when(Compare::Present(layout::account(organization)))
                .put(layout::member(organization, user), storage::encode(&membership)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Ends a membership of an organization and of all of its teams.
    ///
    /// # Errors
    ///
    /// [`AccountError::BuiltIn`] for the default organization, [`AccountError::NotAMember`],
    /// [`AccountError::NoSuchAccount`], [`AccountError::NotAUser`], [`AccountError::NotAnOrganization`],
    /// [`AccountError::Storage`].
    pub async fn remove_member(
        &self,
        organization: &AccountId,
        user: &AccountId,
    ) -> Result<Revision, AccountError> {
        for _ in 0..ATTEMPTS {
            let owner = self.organization(organization).await?;
            if owner.record.is_default_organization() {
                return Err(AccountError::BuiltIn {
                    name: owner.record.name,
                });
            }
            let member = self.user(user).await?;
            let untouched = untouched(&*self.store, user).await?;
            let key = layout::member(organization, user);
            if storage::read_entry(&*self.store, key.clone()).await?.is_none() {
                return Err(AccountError::NotAMember {
                    name: member.record.name,
                });
            }
            let teams = layout::below(layout::TEAM_MEMBERS, [organization.as_str()]);
            let of_user = storage::scan(&*self.store, &teams)
                .await?
                .into_iter()
                .map(|entry| entry.key)
                .filter(|key| part_is(layout::TEAM_MEMBERS, key, 2, user.as_str()));
            let txn = touch(Txn::new(), user)
                .when(untouched)
                .when(Compare::Present(key.clone()))
                .delete(key);
            let txn = of_user.fold(txn, Txn::delete);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Makes a user a member of a team, or changes how it is one.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchAccount`], [`AccountError::NotAUser`], [`AccountError::NotAnOrganization`],
    /// [`AccountError::NoSuchTeam`], [`AccountError::Storage`].
    pub async fn put_team_member(
        &self,
        organization: &AccountId,
        team: &TeamId,
        user: &AccountId,
        membership: Membership,
    ) -> Result<Revision, AccountError> {
        for _ in 0..ATTEMPTS {
            let owner = self.organization(organization).await?;
            self.team(organization, team).await?;
            self.user(user).await?;
            let member_key = layout::member(organization, user);
            let mut txn = touch(Txn::new(), user)
                .when(Compare::Present(layout::team(organization, team)))
                .put(
                    layout::team_member(organization, team, user),
                    storage::encode(&membership)?,
                );
            if !owner.record.is_default_organization() {
                txn = match storage::read_entry(&*self.store, member_key.clone()).await? {
                    Some(_) => txn.when(Compare::Present(member_key)),
                    None => txn
                        .when(Compare::Absent(member_key.clone()))
                        .put(member_key, storage::encode(&Membership { is_admin: false })?),
                };
            }
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Ends a membership of a team.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAMember`], [`AccountError::NoSuchTeam`], [`AccountError::NoSuchAccount`],
    /// [`AccountError::NotAUser`], [`AccountError::Storage`].
    pub async fn remove_team_member(
        &self,
        organization: &AccountId,
        team: &TeamId,
        user: &AccountId,
    ) -> Result<Revision, AccountError> {
        self.team(organization, team).await?;
        let member = self.user(user).await?;
        let key = layout::team_member(organization, team, user);
        let txn = Txn::new().when(Compare::Present(key.clone())).delete(key);
        storage::commit(&*self.store, txn)
            .await?
            .ok_or(AccountError::NotAMember {
                name: member.record.name,
            })
    }
}
