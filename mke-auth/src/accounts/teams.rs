//! Teams: making, changing and deleting them.

use mke_core::ids::{AccountId, TeamId};
use mke_core::store::{Compare, KeyRange, Revision, Txn, layout};
use rand_core::CryptoRng;

use super::{AccountError, Accounts, NewTeam, TeamChange, grants_of_subject, touch};
use crate::records::Team;
use crate::storage::{self, ATTEMPTS, StorageError};

impl Accounts {
    /// Makes a team. Its name must be new within the organization only (R3).
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::NameInUse`], [`AccountError::NoSuchAccount`],
    /// [`AccountError::NotAnOrganization`], [`AccountError::Storage`].
    pub async fn create_team(
        &self,
        organization: &AccountId,
        new: NewTeam,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<(Team, Revision), AccountError> {
        let team = Team {
            id: TeamId::random(rng),
            organization: organization.clone(),
            name: new.check()?,
            description: new.description,
            created: self.clock.now(),
            sync: None,
            group_link: None,
            scim: None,
        };
        let name_key = layout::team_name(organization, team.name.as_str());
        for _ in 0..ATTEMPTS {
            self.organization(organization).await?;
            self.check_team_name_free(&name_key, &team.name).await?;
            let txn = touch(Txn::new(), organization)
                .when(Compare::Absent(name_key.clone()))
                .put(name_key.clone(), team.id.as_str())
                .put(layout::team(organization, &team.id), storage::encode(&team)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((team, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Changes a team's name or description. Its id, and with it its grants, stay.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::NameInUse`], [`AccountError::NoSuchTeam`],
    /// [`AccountError::Storage`].
    pub async fn update_team(
        &self,
        organization: &AccountId,
        id: &TeamId,
        change: &TeamChange,
    ) -> Result<(Team, Revision), AccountError> {
        let name = change.check()?;
        for _ in 0..ATTEMPTS {
            let found = self.team(organization, id).await?;
            let mut team = found.record.clone();
            if let Some(description) = &change.description {
                team.description.clone_from(description);
            }
            let key = layout::team(organization, id);
            let mut txn = Txn::new().when(Compare::Modified(key.clone(), found.modified));
            if let Some(name) = name.as_ref().filter(|name| **name != team.name) {
                let name_key = layout::team_name(organization, name.as_str());
                self.check_team_name_free(&name_key, name).await?;
                txn = txn
                    .when(Compare::Absent(name_key.clone()))
                    .delete(layout::team_name(organization, team.name.as_str()))
                    .put(name_key, id.as_str());
                team.name = name.clone();
            }
            let txn = txn.put(key, storage::encode(&team)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((team, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Deletes a team with its memberships and grants (R7). Its members stay in the organization.
    ///
    /// # Errors
    ///
    /// [`AccountError::NoSuchTeam`], [`AccountError::Storage`].
    pub async fn delete_team(&self, organization: &AccountId, id: &TeamId) -> Result<Revision, AccountError> {
        for _ in 0..ATTEMPTS {
            let found = self.team(organization, id).await?;
            let key = layout::team(organization, id);
            let members = layout::below(layout::TEAM_MEMBERS, [organization.as_str(), id.as_str()]);
            let txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .delete(key)
                .delete(layout::team_name(organization, found.record.name.as_str()))
                .delete_range(KeyRange::prefix(members))
                .delete_range(grants_of_subject(id.as_str()));
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok(revision);
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Tells a name in use from other reasons for which a transaction may fail.
    pub(super) async fn check_team_name_free(
        &self,
        name_key: &str,
        name: &mke_core::names::TeamName,
    ) -> Result<(), AccountError> {
        match storage::read_entry(&*self.store, name_key.to_owned()).await? {
            None => Ok(()),
            Some(_) => Err(AccountError::NameInUse {
                name: name.to_string(),
            }),
        }
    }
}
