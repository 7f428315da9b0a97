//! Who is a manager now, as the engine of this node knows it: a certificate says what its node was when it was issued, and a
//! node that was demoted or removed must not live on what it once was (decision 0025).
//!
//! Every engine of a swarm keeps the list of managers, workers' engines too, because they need it to reach one. It is asked
//! only when somebody calls, and not more often than [`FRESH`] allows.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::engine::{EngineClient, EngineError};

/// How old the list may be for a call to begin.
pub const FRESH: Duration = Duration::from_secs(2);
/// How old it may be when somebody calls who is not in it: a node that has just been promoted need not wait, and somebody who
/// only knocks does not keep the engine busy.
const REPEAT: Duration = Duration::from_millis(500);
/// How often is looked whether somebody with an open transfer is still a manager.
pub const LOOK: Duration = Duration::from_secs(15);
/// How long the engine may take. Without a leader of the swarm it may think for long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the list comes from.
pub trait Source: Send + Sync + 'static {
    /// The ids of the managers now.
    fn managers(&self) -> impl Future<Output = Result<BTreeSet<String>, EngineError>> + Send;
}

impl Source for EngineClient {
    async fn managers(&self) -> Result<BTreeSet<String>, EngineError> {
        let info: Info = self.get_json("/info").await?;
        let managers = info.swarm.remote_managers.unwrap_or_default();
        Ok(managers.into_iter().map(|manager| manager.node_id).collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    swarm: Swarm,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Swarm {
    #[serde(default)]
    remote_managers: Option<Vec<Manager>>,
}

#[derive(Deserialize)]
struct Manager {
    #[serde(rename = "NodeID")]
    node_id: String,
}

/// The list, as it was last told.
pub struct Managers<S> {
    source: S,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    asked: Option<Instant>,
    ids: BTreeSet<String>,
}

impl<S: Source> Managers<S> {
    /// Knows nobody before it is asked.
    pub fn new(source: S) -> Self {
        Self {
            source,
            known: Mutex::default(),
        }
    }

    /// Whether a node is a manager. What was known counts while the source does not answer; nobody is one before it has answered
    /// once.
    pub async fn has(&self, node: &str) -> bool {
        self.has_within(node, FRESH).await
    }

    /// Ends when a node is no manager any more.
    pub async fn until_gone(&self, node: &str) {
        loop {
            sleep(LOOK).await;
            // All open transfers are content with one answer.
            if !self.has_within(node, LOOK / 2).await {
                return;
            }
        }
    }

    async fn has_within(&self, node: &str, fresh: Duration) -> bool {
        let mut known = self.known.lock().await;
        let enough = if known.ids.contains(node) { fresh } else { REPEAT };
        if known.asked.is_none_or(|asked| asked.elapsed() >= enough) {
            match timeout(PATIENCE, self.source.managers()).await {
                Ok(Ok(ids)) => known.ids = ids,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "who is a manager is taken from what was known before")
                }
                Err(_) => {
                    tracing::warn!("the engine does not say who is a manager; what was known before counts")
                }
            }
            known.asked = Some(Instant::now());
        }
        known.ids.contains(node)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex as Lock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::StatusCode;

    use super::*;

    /// What the swarm says; nothing while it does not answer.
    #[derive(Default)]
    struct World {
        says: Lock<Option<&'static [&'static str]>>,
        asked: AtomicUsize,
    }

    impl Source for Arc<World> {
        async fn managers(&self) -> Result<BTreeSet<String>, EngineError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let says = *self.says.lock().unwrap();
            says.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect())
                .ok_or_else(|| EngineError::Refused {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    message: "busy".to_owned(),
                })
        }
    }

    fn world(says: &'static [&'static str]) -> (Arc<World>, Managers<Arc<World>>) {
        let world = Arc::new(World::default());
        *world.says.lock().unwrap() = Some(says);
        (world.clone(), Managers::new(world))
    }

    /// Who is demoted or removed stops being one within [`FRESH`], who is promoted is one at once; many calls are one question.
    #[tokio::test(start_paused = true)]
    async fn who_is_one() {
        let (world, managers) = world(&["a", "b"]);
        for _ in 0..100 {
            assert!(managers.has("a").await && managers.has("b").await);
        }
        assert_eq!(world.asked.load(Ordering::SeqCst), 1);
        assert!(!managers.has("c").await);
        *world.says.lock().unwrap() = Some(&["a", "c"]);
        sleep(REPEAT).await;
        assert!(managers.has("c").await, "promoted");
        assert!(!managers.has("b").await, "demoted");
        *world.says.lock().unwrap() = Some(&["c"]);
        assert!(managers.has("a").await, "not heard of yet");
        sleep(FRESH).await;
        assert!(!managers.has("a").await);
        // Knocking asks twice a second at most.
        let asked = world.asked.load(Ordering::SeqCst);
        for _ in 0..100 {
            assert!(!managers.has("stranger").await);
            sleep(REPEAT / 10).await;
        }
        assert!(world.asked.load(Ordering::SeqCst) - asked <= 11);
    }

    /// Nobody is a manager before the swarm has said so; afterwards its silence changes nothing.
    #[tokio::test(start_paused = true)]
    async fn silence() {
        let (world, managers) = world(&["a"]);
        *world.says.lock().unwrap() = None;
        assert!(!managers.has("a").await);
        *world.says.lock().unwrap() = Some(&["a"]);
        sleep(REPEAT).await;
        assert!(managers.has("a").await);
        *world.says.lock().unwrap() = None;
        sleep(FRESH).await;
        assert!(managers.has("a").await && !managers.has("b").await);
    }

    /// An open transfer ends after its manager was demoted, and not before.
    #[tokio::test(start_paused = true)]
    async fn open_transfers() {
        let (world, managers) = world(&["a"]);
        let begun = Instant::now();
        let demoted = async {
            sleep(LOOK * 4 + FRESH).await;
            *world.says.lock().unwrap() = Some(&["b"]);
        };
        tokio::join!(managers.until_gone("a"), demoted);
        assert_eq!(begun.elapsed(), LOOK * 5);
        assert_eq!(world.asked.load(Ordering::SeqCst), 5);
    }
}
