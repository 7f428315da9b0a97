//! Writes what the store knows of nodes: the inventory, reports, and the keys that say who is heard of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mke_core::store::{Compare, KeyRange, LeaseId, Store, StoreError, Txn, TxnOutcome, layout};
use mke_core::time::Clock;

use super::report::{Report, StoredReport};
use super::roll::{NodeRecord, Roll};
use super::state::HEARTBEAT;
use crate::controller::records::encode;

/// Entries read at once.
const PAGE: usize = 1000;

/// Writes to the store what is known of nodes. Clones share what they remember.
#[derive(Clone)]
pub struct Inventory {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    leases: Arc<Mutex<HashMap<String, LeaseId>>>,
}

impl Inventory {
    /// Writes there.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            leases: Arc::default(),
        }
    }

    /// Whether it writes to this store.
    pub fn is_of(&self, store: &Arc<dyn Store>) -> bool {
        Arc::ptr_eq(&self.store, store)
    }

    /// Everything that the store knows of nodes now.
    ///
    /// # Errors
    /// When the store does not answer. A record that cannot be read is left out.
    pub async fn roll(&self) -> Result<Roll, StoreError> {
        let mut roll = Roll::default();
        for family in [
            layout::NODES,
            layout::NODE_REPORTS,
            layout::NODE_BEATS,
            layout::CONTROLLER_BEATS,
        ] {
            let mut range = KeyRange::prefix(family);
            loop {
                let page = self.store.range(range.clone(), PAGE).await?;
                let last = page.entries.last().map(|entry| entry.key.clone());
                for entry in page.entries {
                    let key = entry.key.clone();
                    if let Err(error) = roll.apply(&mke_core::store::Event::Put(entry)) {
                        tracing::warn!(key, %error, "a record is left out");
                    }
                }
                match last {
                    Some(last) if page.more => range = range.after(last),
                    _ => break,
                }
            }
        }
        Ok(roll)
    }

    /// Takes a node into the inventory, or writes down what changed about it. Says whether something was written.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn register(&self, record: &NodeRecord) -> Result<bool, StoreError> {
        let key = layout::node(&record.id);
        let page = self.store.range(KeyRange::key(&key), 1).await?;
        let value = encode(record)?;
        let txn = match page.entries.first() {
            Some(entry) if entry.value == value => return Ok(false),
            Some(entry) => Txn::new().when(Compare::Modified(key.clone(), entry.modified)),
            None => Txn::new().when(Compare::Absent(key.clone())),
        };
        // Somebody else who writes it at the same moment knows it as well.
        Ok(matches!(
            self.store.txn(txn.put(key, value)).await?,
            TxnOutcome::Committed(_)
        ))
    }

    /// Forgets a node: the inventory, its report and its heartbeat, all at once (NOD-004).
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn forget(&self, id: &str) -> Result<(), StoreError> {
        self.leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|key, _| *key != layout::node_beat(id) && *key != layout::controller_beat(id));
        let txn = Txn::new()
            .delete(layout::node(id))
            .delete(layout::node_report(id))
            .delete(layout::node_beat(id))
            .delete(layout::controller_beat(id));
        self.store.txn(txn).await?;
        Ok(())
    }

    /// Keeps what an agent says. The same again is not written.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn keep_report(&self, id: &str, report: Report) -> Result<(), StoreError> {
        let key = layout::node_report(id);
        let page = self.store.range(KeyRange::key(&key), 1).await?;
        if let Some(entry) = page.entries.first()
            && let Ok(stored) = crate::controller::records::decode::<StoredReport>(entry)
            && stored.report == report
        {
            return Ok(());
        }
        let stored = StoredReport {
            report,
            at: self.clock.now(),
        };
        self.store.txn(Txn::new().put(key, encode(&stored)?)).await?;
        Ok(())
    }

    /// The agent of a node was heard of.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn heard_of_node(&self, id: &str) -> Result<(), StoreError> {
        self.beat(layout::node_beat(id)).await
    }

    /// The controller of a manager was heard of.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn heard_of_controller(&self, id: &str) -> Result<(), StoreError> {
        self.beat(layout::controller_beat(id)).await
    }

    /// Keeps a key alive for another [`HEARTBEAT`]. Renewing a lease writes nothing, so a thousand nodes cost the store
    /// little. Another manager may have made the lease.
    async fn beat(&self, key: String) -> Result<(), StoreError> {
        let known = self.lease_of(&key);
        if let Some(lease) = known
            && self.renewed(lease).await?
        {
            return Ok(());
        }
        let page = self.store.range(KeyRange::key(&key), 1).await?;
        let current = page.entries.first().and_then(|entry| entry.lease);
        if let Some(lease) = current
            && Some(lease) != known
            && self.renewed(lease).await?
        {
            self.remember(key, lease);
            return Ok(());
        }
        let lease = self.store.grant_lease(HEARTBEAT).await?;
        self.store
            .txn(Txn::new().put_leased(&key, b"{\"v\":1}".to_vec(), lease))
            .await?;
        self.remember(key, lease);
        Ok(())
    }

    async fn renewed(&self, lease: LeaseId) -> Result<bool, StoreError> {
        match self.store.keep_alive(lease).await {
            Ok(()) => Ok(true),
            Err(StoreError::NoSuchLease(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn lease_of(&self, key: &str) -> Option<LeaseId> {
        self.leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .copied()
    }

    fn remember(&self, key: String, lease: LeaseId) {
        self.leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, lease);
    }
}
