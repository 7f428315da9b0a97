//! Collections: a tree whose names are unique among siblings (R10, R17), and the private ones of users (R14).

use mke_core::ids::{AccountId, CollectionId};
use mke_core::names::AccountName;
use mke_core::store::layout;
use mke_core::store::{Compare, Entry, KeyRange, Revision, Txn};
use mke_rbac::Policy;
use mke_rbac::admin::{self, CollectionRefusal};
use mke_rbac::demand::ObjectRef;
use mke_rbac::model::{GrantObject, Model, builtin};
use rand_core::CryptoRng;
use serde_json::Value;

use super::{ATTEMPTS, PolicyStore, PolicyStoreError, touch, unmoved};
use crate::controller::records::{CollectionRecord, DefaultCollectionRecord, encode};

/// A collection to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCollection {
    /// Its own name.
    pub name: String,
    /// Constraints for workloads in it.
    pub label_constraints: Vec<Value>,
    /// Key of the label that stood for it in old releases.
    pub legacy_label_key: String,
    /// Value of that label.
    pub legacy_label_value: String,
}

impl PolicyStore {
    /// Makes a collection below `parent`.
    ///
    /// # Errors
    ///
    /// Those of [`admin::check_create_collection`].
    pub async fn create_collection(
        &self,
        policy: &Policy,
        parent: &CollectionId,
        new: NewCollection,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<(CollectionRecord, Revision), PolicyStoreError> {
        self.insert(policy, parent, new, None, rng).await
    }

    /// Makes the private collection of a user at its first login; later calls find it there (R14).
    pub async fn ensure_private_collection(
        &self,
        policy: &Policy,
        user: &AccountId,
        name: &AccountName,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Option<Revision>, PolicyStoreError> {
        if policy
            .user(user.as_str())
            .is_some_and(|user| user.private_collection.is_some())
        {
            return Ok(None);
        }
        let new = NewCollection {
            name: name.as_str().to_owned(),
            ..NewCollection::default()
        };
        let parent = CollectionId::new(builtin::PRIVATE);
        match self.insert(policy, &parent, new, Some(user), rng).await {
            Ok((_, revision)) => Ok(Some(revision)),
            // Two first logins at once: the other one made it. A namesake's is taken over by nobody.
            Err(PolicyStoreError::Collection(CollectionRefusal::Exists(path))) => {
                match self.private_owner(name).await? {
                    Some((owner, revision)) if owner == *user => Ok(Some(revision)),
                    _ => Err(CollectionRefusal::Exists(path).into()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whose private collection has this name, and when it was written.
    async fn private_owner(
        &self,
        name: &AccountName,
    ) -> Result<Option<(AccountId, Revision)>, PolicyStoreError> {
        let name_key = layout::collection_name(&builtin::PRIVATE.into(), name.as_str());
        let Some((id, _)) = self.read::<NameRecord>(name_key).await? else {
            return Ok(None);
        };
        let record = self.read::<CollectionRecord>(layout::collection(&id.id)).await?;
        Ok(record.and_then(|(record, entry)| Some((record.private_of?, entry.modified))))
    }

    async fn insert(
        &self,
        policy: &Policy,
        parent: &CollectionId,
        new: NewCollection,
        private_of: Option<&AccountId>,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<(CollectionRecord, Revision), PolicyStoreError> {
        let path = admin::check_create_collection(policy, parent, &new.name)?;
        for _ in 0..ATTEMPTS {
            let (_, parent_entry) = self
                .read::<CollectionRecord>(layout::collection(parent))
                .await?
                .ok_or_else(|| CollectionRefusal::Unknown(parent.clone()))?;
            let name_key = layout::collection_name(parent, &new.name);
            if self.read::<NameRecord>(name_key.clone()).await?.is_some() {
                return Err(CollectionRefusal::Exists(path).into());
            }
            let now = self.clock.now();
            let record = CollectionRecord {
                id: CollectionId::random(rng),
                name: new.name.clone(),
                parent: Some(parent.clone()),
                private_of: private_of.cloned(),
                label_constraints: new.label_constraints.clone(),
                legacy_label_key: new.legacy_label_key.clone(),
                legacy_label_value: new.legacy_label_value.clone(),
                created_at: now,
                updated_at: now,
            };
            let mut txn = touch(put_collection(Txn::new(), &record)?, &parent_entry);
            if let Some(user) = private_of {
                txn = txn.when(Compare::Present(layout::account(user)));
            }
            if let Some(revision) = self.try_commit(txn).await? {
                return Ok((record, revision));
            }
        }
        Err(PolicyStoreError::Busy)
    }

    /// Replaces the constraints of a collection.
    pub async fn update_constraints(
        &self,
        id: &CollectionId,
        label_constraints: Vec<Value>,
    ) -> Result<Revision, PolicyStoreError> {
        for _ in 0..ATTEMPTS {
            let (mut record, entry) = self
                .read::<CollectionRecord>(layout::collection(id))
                .await?
                .ok_or_else(|| CollectionRefusal::Unknown(id.clone()))?;
            record.label_constraints = label_constraints.clone();
            record.updated_at = self.clock.now();
            let txn = Txn::new().when(unmoved(&entry)).put(entry.key, encode(&record)?);
            if let Some(revision) = self.try_commit(txn).await? {
                return Ok(revision);
            }
        }
        Err(PolicyStoreError::Busy)
    }

    /// Deletes a collection in which nothing lies, with its grants (R17, rbac-04). `inside` are the Engine objects
    /// that were found in it.
    ///
    /// # Errors
    ///
    /// Those of [`admin::check_delete_collection`].
    pub async fn delete_collection(
        &self,
        policy: &Policy,
        id: &CollectionId,
        inside: &[ObjectRef],
    ) -> Result<Revision, PolicyStoreError> {
        admin::check_delete_collection(policy, id, inside)?;
        for _ in 0..ATTEMPTS {
            let (record, entry) = self
                .read::<CollectionRecord>(layout::collection(id))
                .await?
                .ok_or_else(|| CollectionRefusal::Unknown(id.clone()))?;
            let children = KeyRange::prefix(layout::below(layout::COLLECTION_NAMES, [id.as_str()]));
            if !self.store.range(children, 1).await?.entries.is_empty() {
                // One was made since the policy was compiled; the next attempt of the caller names it.
                return Err(PolicyStoreError::Busy);
            }
            let txn = self.deletion(&record, &entry).await?;
            if let Some(revision) = self.try_commit(txn).await? {
                return Ok(revision);
            }
        }
        Err(PolicyStoreError::Busy)
    }

    /// The private collection of a user goes with the user; what lies in it is left to administrators.
    pub async fn delete_private_collection(
        &self,
        user: &AccountId,
    ) -> Result<Option<Revision>, PolicyStoreError> {
        let own = self
            .records_where(layout::COLLECTIONS, |record: &CollectionRecord| {
                record.private_of.as_ref() == Some(user)
            })
            .await?;
        let mut last = None;
        for (key, _) in own {
            if let Some((record, entry)) = self.read::<CollectionRecord>(key).await? {
                last = self.try_commit(self.deletion(&record, &entry).await?).await?;
            }
        }
        Ok(last)
    }

    async fn deletion(&self, record: &CollectionRecord, entry: &Entry) -> Result<Txn, PolicyStoreError> {
        let object = GrantObject::Collection(record.id.clone());
        let grants = self.grants_where(|grant| grant.object == object).await?;
        let defaults = self
            .records_where(layout::DEFAULT_COLLECTIONS, |chosen: &DefaultCollectionRecord| {
                chosen.collection == record.id
            })
            .await?;
        let keys = grants
            .into_iter()
            .map(|(key, _)| key)
            .chain(defaults.into_iter().map(|(key, _)| key));
        let mut txn = Txn::new().when(unmoved(entry)).delete(entry.key.clone());
        if let Some(parent) = &record.parent {
            txn = txn.delete(layout::collection_name(parent, &record.name));
        }
        Ok(keys.fold(txn, Txn::delete))
    }

    /// Chooses where a user's unlabelled resources go (R13), or with `None` goes back to the initial place.
    pub async fn set_default_collection(
        &self,
        policy: &Policy,
        user: &AccountId,
        collection: Option<&CollectionId>,
    ) -> Result<Revision, PolicyStoreError> {
        let key = layout::default_collection(user);
        let Some(id) = collection else {
            return self
                .try_commit(Txn::new().delete(key))
                .await?
                .ok_or(PolicyStoreError::Busy);
        };
        admin::check_default_collection(policy, user, id)?;
        for _ in 0..ATTEMPTS {
            let (_, entry) = self
                .read::<CollectionRecord>(layout::collection(id))
                .await?
                .ok_or_else(|| CollectionRefusal::Unknown(id.clone()))?;
            let chosen = DefaultCollectionRecord {
                collection: id.clone(),
            };
            let txn = touch(Txn::new(), &entry)
                .when(Compare::Present(layout::account(user)))
                .put(key.clone(), encode(&chosen)?);
            if let Some(revision) = self.try_commit(txn).await? {
                return Ok(revision);
            }
        }
        Err(PolicyStoreError::Busy)
    }

    /// Makes the built-in collections that are missing (R11).
    pub async fn ensure_builtin_collections(&self) -> Result<(), PolicyStoreError> {
        let now = self.clock.now();
        for collection in Model::with_builtin_collections().collections {
            let record = CollectionRecord {
                id: collection.id,
                name: collection.name,
                parent: collection.parent,
                private_of: None,
                label_constraints: Vec::new(),
                legacy_label_key: String::new(),
                legacy_label_value: String::new(),
                created_at: now,
                updated_at: now,
            };
            // A conflict means that it is there.
            self.try_commit(put_collection(Txn::new(), &record)?).await?;
        }
        Ok(())
    }
}

/// The id behind a name among siblings.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct NameRecord {
    id: CollectionId,
}

fn put_collection(txn: Txn, record: &CollectionRecord) -> Result<Txn, PolicyStoreError> {
    let key = layout::collection(&record.id);
    let txn = txn.when(Compare::Absent(key.clone())).put(key, encode(record)?);
    let Some(parent) = &record.parent else {
        return Ok(txn);
    };
    let name_key = layout::collection_name(parent, &record.name);
    let name = NameRecord {
        id: record.id.clone(),
    };
    Ok(txn
        .when(Compare::Absent(name_key.clone()))
        .put(name_key, encode(&name)?))
}
