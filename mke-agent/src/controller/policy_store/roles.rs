//! Custom roles: made whole, never edited, deleted when no grant names them (R27).

use mke_core::ids::RoleId;
use mke_core::store::layout;
use mke_core::store::{Compare, Revision, Txn};
use mke_rbac::Policy;
use mke_rbac::admin::{self, RoleRefusal};
use rand_core::CryptoRng;
use serde_json::Value;

use super::{ATTEMPTS, PolicyStore, PolicyStoreError, unmoved};
use crate::controller::records::{RoleRecord, encode};

impl PolicyStore {
    /// Makes a role with a fresh id.
    ///
    /// # Errors
    ///
    /// Those of [`admin::check_create_role`].
    pub async fn create_role(
        &self,
        name: &str,
        operations: Value,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<(RoleRecord, Revision), PolicyStoreError> {
        let operations = admin::check_create_role(name, operations)?;
        let record = RoleRecord {
            id: RoleId::random(rng),
            name: name.to_owned(),
            operations,
            created_at: self.clock.now(),
        };
        let key = layout::role(&record.id);
        let txn = Txn::new()
            .when(Compare::Absent(key.clone()))
            .put(key, encode(&record)?);
        let revision = self.try_commit(txn).await?.ok_or(PolicyStoreError::Busy)?;
        Ok((record, revision))
    }

    /// Deletes a role that no grant names, in the policy or by now in the store.
    ///
    /// # Errors
    ///
    /// Those of [`admin::check_delete_role`].
    pub async fn delete_role(&self, policy: &Policy, id: &RoleId) -> Result<Revision, PolicyStoreError> {
        admin::check_delete_role(policy, id)?;
        for _ in 0..ATTEMPTS {
            let Some((_, entry)) = self.read::<RoleRecord>(layout::role(id)).await? else {
                return Err(RoleRefusal::Unknown(id.clone()).into());
            };
            let grants = self.grants_where(|grant| grant.role == *id).await?;
            if !grants.is_empty() {
                let grants = grants.into_iter().map(|(_, grant)| grant).collect();
                let role = id.clone();
                return Err(RoleRefusal::InUse { role, grants }.into());
            }
            let txn = Txn::new().when(unmoved(&entry)).delete(entry.key);
            if let Some(revision) = self.try_commit(txn).await? {
                return Ok(revision);
            }
        }
        Err(PolicyStoreError::Busy)
    }
}
