//! What ties teams and organizations to a source of people. Whether somebody may be a member by hand while such a
//! tie holds is decided in [`Team::is_kept_by_source`]; who is a member by it, in the module of each source.

use mke_core::ids::{AccountId, TeamId};
use mke_core::store::{Compare, Revision, Txn, layout};

use super::new::check_sync;
use super::{AccountError, Accounts, Problems, put_account};
use crate::records::{Account, MAX_FULL_NAME_CHARS, MemberSync, ScimGroup, Team};
use crate::storage::{self, ATTEMPTS, StorageError};

/// What to change about a team's ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TeamLink {
    /// Its members by LDAP; `None` forgets how they were found.
    Sync(Option<MemberSync>),
    /// The group of the SAML identity provider; `None` ends the link. A SCIM client that keeps the team because of the
    /// link before does so no longer; who is a member stays one.
    Group(Option<String>),
    /// The group of a SCIM client; `None` ends the link.
    Scim(Option<ScimGroup>),
}

impl Accounts {
    /// Changes one of a team's ties. The others stay, but for what hangs on the one that ends.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::NoSuchTeam`], [`AccountError::Storage`].
    pub async fn link_team(
        &self,
        organization: &AccountId,
        id: &TeamId,
        link: &TeamLink,
    ) -> Result<(Team, Revision), AccountError> {
        link.check()?;
        for _ in 0..ATTEMPTS {
            let found = self.team(organization, id).await?;
            let mut team = found.record.clone();
            match link {
                TeamLink::Sync(sync) => team.sync.clone_from(sync),
                TeamLink::Group(group) => {
                    // The link is what gave the team to a SCIM client, so it ends with it.
                    if team.group_link != *group && team.scim.as_ref().is_some_and(|scim| scim.linked) {
                        team.scim = None;
                    }
                    team.group_link.clone_from(group);
                }
                TeamLink::Scim(group) => team.scim.clone_from(group),
            }
            let key = layout::team(organization, id);
            let txn = Txn::new()
                .when(Compare::Modified(key.clone(), found.modified))
                .put(key, storage::encode(&team)?);
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((team, revision));
            }
        }
        Err(StorageError::Contended.into())
    }

    /// Says which people of the LDAP directory administer an organization; `None` forgets how they were found.
    ///
    /// # Errors
    ///
    /// [`AccountError::Invalid`], [`AccountError::NoSuchAccount`], [`AccountError::NotAnOrganization`],
    /// [`AccountError::Storage`].
    pub async fn sync_administrators(
        &self,
        organization: &AccountId,
        sync: Option<&MemberSync>,
    ) -> Result<(Account, Revision), AccountError> {
        let mut problems = Problems::default();
        if let Some(sync) = sync {
            check_sync(&mut problems, sync);
        }
        problems.into_result()?;
        for _ in 0..ATTEMPTS {
            let found = self.organization(organization).await?;
            let mut account = found.record.clone();
            account.admin_sync = sync.cloned().map(Box::new);
            let txn = put_account(Txn::new(), &found, &account)?;
            if let Some(revision) = storage::commit(&*self.store, txn).await? {
                return Ok((account, revision));
            }
        }
        Err(StorageError::Contended.into())
    }
}

impl TeamLink {
    fn check(&self) -> Result<(), AccountError> {
        let mut problems = Problems::default();
        match self {
            Self::Sync(Some(sync)) => check_sync(&mut problems, sync),
            Self::Group(Some(name)) => super::new::check_group(&mut problems, "groupName", name),
            Self::Scim(Some(group)) => {
                super::new::check_text(
                    &mut problems,
                    "displayName",
                    &group.display_name,
                    MAX_FULL_NAME_CHARS,
                );
            }
            Self::Sync(None) | Self::Group(None) | Self::Scim(None) => {}
        }
        problems.into_result()
    }
}
