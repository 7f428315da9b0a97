//! Grants: one subject, one object, one role (R28).

use mke_core::ids::AccountId;
use mke_core::store::layout;
use mke_core::store::{Compare, Revision, Txn};
use mke_rbac::admin::GrantRefusal;
use mke_rbac::model::{Grant, GrantObject, GrantSubject};

use super::{ATTEMPTS, PolicyStore, PolicyStoreError, touch};
use crate::controller::records::{CollectionRecord, GrantRecord, RoleRecord, encode};

/// The word of the API for all Kubernetes namespaces.
pub(crate) const ALL_NAMESPACES: &str = "kubernetesnamespaces";

/// The subject in the words of the API, which are also those of the store's keys.
pub(crate) fn subject_word(subject: &GrantSubject) -> &str {
    match subject {
        GrantSubject::User(id) | GrantSubject::Organization(id) => id.as_str(),
        GrantSubject::Team(id) => id.as_str(),
        GrantSubject::Authenticated => "authenticated",
        GrantSubject::Anonymous => "anonymous",
    }
}

/// The object in the words of the API.
pub(crate) fn object_word(object: &GrantObject) -> &str {
    match object {
        GrantObject::Collection(id) => id.as_str(),
        GrantObject::Namespace(name) => name,
        GrantObject::AllNamespaces => ALL_NAMESPACES,
    }
}

/// The key of a grant. A namespace may have the name of a collection, so it is marked.
fn key(grant: &Grant) -> String {
    let subject = subject_word(&grant.subject);
    match &grant.object {
        GrantObject::Namespace(name) => layout::grant(subject, &format!("namespace:{name}"), &grant.role),
        other => layout::grant(subject, object_word(other), &grant.role),
    }
}

impl PolicyStore {
    /// Writes a grant. Writing one that exists changes nothing (R28). `team_organization` is the organization
    /// of the subject when that is a team.
    ///
    /// # Errors
    ///
    /// [`GrantRefusal`] when subject, collection or role does not exist, or not any more.
    pub async fn put_grant(
        &self,
        grant: &Grant,
        team_organization: Option<&AccountId>,
    ) -> Result<Revision, PolicyStoreError> {
        let subject_key = self.subject_key(&grant.subject, team_organization)?;
        let key = key(grant);
        for _ in 0..ATTEMPTS {
            let mut txn = Txn::new();
            if !is_builtin_role(grant) {
                let (_, role) = self
                    .read::<RoleRecord>(layout::role(&grant.role))
                    .await?
                    .ok_or_else(|| GrantRefusal::UnknownRole(grant.role.clone()))?;
                txn = touch(txn, &role);
            }
            if let GrantObject::Collection(id) = &grant.object {
                let (_, collection) = self
                    .read::<CollectionRecord>(layout::collection(id))
                    .await?
                    .ok_or_else(|| GrantRefusal::UnknownCollection(id.clone()))?;
                txn = touch(txn, &collection);
            }
            if let Some(subject_key) = &subject_key {
                if self
                    .store
                    .range(mke_core::store::KeyRange::key(subject_key.clone()), 1)
                    .await?
                    .entries
                    .is_empty()
                {
                    return Err(GrantRefusal::UnknownSubject(grant.subject.clone()).into());
                }
                txn = txn.when(Compare::Present(subject_key.clone()));
            }
            let record = GrantRecord { grant: grant.clone() };
            if let Some(revision) = self.try_commit(txn.put(key.clone(), encode(&record)?)).await? {
                return Ok(revision);
            }
        }
        Err(PolicyStoreError::Busy)
    }

    /// Deletes exactly this triple (R28). Deleting one that does not exist is no error.
    pub async fn delete_grant(&self, grant: &Grant) -> Result<Revision, PolicyStoreError> {
        self.try_commit(Txn::new().delete(key(grant)))
            .await?
            .ok_or(PolicyStoreError::Busy)
    }

    /// The record that must exist for the subject to exist; none for the two special subjects.
    fn subject_key(
        &self,
        subject: &GrantSubject,
        team_organization: Option<&AccountId>,
    ) -> Result<Option<String>, PolicyStoreError> {
        let gone = || GrantRefusal::UnknownSubject(subject.clone());
        Ok(match subject {
            GrantSubject::User(id) | GrantSubject::Organization(id) => Some(layout::account(id)),
            GrantSubject::Team(id) => Some(layout::team(team_organization.ok_or_else(gone)?, id)),
            GrantSubject::Authenticated | GrantSubject::Anonymous => None,
        })
    }
}

fn is_builtin_role(grant: &Grant) -> bool {
    mke_rbac::role::builtin_roles()
        .iter()
        .any(|role| role.id == grant.role)
}
