//! Whose turn it is among the managers: a lease in the store. While there are several, only the one that has it takes its
//! store or controller down, so that never two are away at once.

use std::sync::Arc;
use std::time::Duration;

use mke_core::store::{Compare, KeyRange, LeaseId, Store, StoreError, Txn, TxnOutcome, layout};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

/// How long the turn outlives the agent that has it.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(8);

/// The turn of one manager. It renews itself until it is given back.
pub struct Turn {
    node_id: String,
    held: Mutex<Option<Held>>,
}

struct Held {
    lease: LeaseId,
    _renewing: AbortOnDropHandle<()>,
}

impl Turn {
    /// The turn of a node; it does not have it yet.
    pub fn new(node_id: impl Into<String>) -> Self {
        Self {
            node_id: node_id.into(),
            held: Mutex::default(),
        }
    }

    /// Takes the turn, or makes sure that this node has it. Says whether it has it.
    ///
    /// # Errors
    /// When the store does not answer; then nobody has a turn that can be counted on.
    pub async fn take(&self, store: &Arc<dyn Store>) -> Result<bool, StoreError> {
        let mut held = self.held.lock().await;
        if let Some(current) = &*held {
            match store.keep_alive(current.lease).await {
                Ok(()) => return Ok(true),
                Err(StoreError::NoSuchLease(_)) => *held = None,
                Err(error) => return Err(error),
            }
        }
        // An agent of this node that was replaced may have left it behind.
        if let Some((holder, Some(lease))) = holder(&**store).await?
            && holder == self.node_id
        {
            *held = Some(self.renewing(store, lease));
            return Ok(true);
        }
        let lease = store.grant_lease(LEASE).await?;
        let txn = Txn::new()
            .when(Compare::Absent(layout::MANAGER_TURN.to_owned()))
            .put_leased(layout::MANAGER_TURN, self.node_id.as_bytes(), lease);
        match store.txn(txn).await {
            Ok(TxnOutcome::Committed(_)) => {
                *held = Some(self.renewing(store, lease));
                Ok(true)
            }
            Ok(TxnOutcome::Conflict(_)) => {
                store.revoke_lease(lease).await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether this program has it, as far as it knows.
    pub async fn is_held(&self) -> bool {
        self.held.lock().await.is_some()
    }

    /// Gives it back. When that fails it ends with its lease.
    pub async fn give(&self, store: Option<&Arc<dyn Store>>) {
        let Some(held) = self.held.lock().await.take() else {
            return;
        };
        if let Some(store) = store
            && let Err(error) = store.revoke_lease(held.lease).await
        {
            tracing::debug!(%error, "the turn among the managers ends by itself");
        }
    }

    fn renewing(&self, store: &Arc<dyn Store>, lease: LeaseId) -> Held {
        let store = store.clone();
        let renewing = async move {
            let mut ticks = interval(RENEWAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(StoreError::NoSuchLease(_)) = store.keep_alive(lease).await {
                    return;
                }
            }
        };
        Held {
            lease,
            _renewing: AbortOnDropHandle::new(tokio::spawn(renewing)),
        }
    }
}

/// The node whose turn it is, with its lease.
///
/// # Errors
/// When the store does not answer.
pub async fn holder(store: &dyn Store) -> Result<Option<(String, Option<LeaseId>)>, StoreError> {
    let page = store.range(KeyRange::key(layout::MANAGER_TURN), 1).await?;
    Ok(page
        .entries
        .into_iter()
        .next()
        .map(|entry| (String::from_utf8_lossy(&entry.value).into_owned(), entry.lease)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::store::sqlite::{SqliteOptions, SqliteStore};

    /// Only one manager has the turn; it is had again by who has it already, and by others once it was given back.
    #[tokio::test]
    async fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(dir.path().join("s.db"), SqliteOptions::default()).unwrap());
        let (one, other) = (Turn::new("a"), Turn::new("b"));
        assert!(one.take(&store).await.unwrap());
        assert!(one.take(&store).await.unwrap());
        assert!(!other.take(&store).await.unwrap());
        assert_eq!(
            holder(&*store).await.unwrap().map(|(node, _)| node).as_deref(),
            Some("a")
        );
        // The agent of the same node after a restart.
        assert!(Turn::new("a").take(&store).await.unwrap());
        one.give(Some(&store)).await;
        assert!(other.take(&store).await.unwrap());
        assert!(!one.take(&store).await.unwrap());
        other.give(Some(&store)).await;
        other.give(Some(&store)).await;
        assert_eq!(holder(&*store).await.unwrap(), None);
    }
}
