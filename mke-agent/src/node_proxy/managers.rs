//! Who is a manager now, as the engine of this node knows it: a certificate says what its node was when it was issued, and a
//! node that was demoted or removed must not live on what it once was (decision 0025).
//!
//! Every engine of a swarm keeps the list of managers, workers' engines too, because they need it to reach one. It is asked
//! only when somebody calls, and not more often than [`FRESH`] allows. Components without its socket ask the proxy of their node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::controller::body::BoxError;
use crate::engine::EngineClient;
use crate::mtls::{Caller, Credentials};
use crate::steps::{self, STEP};

/// How old the list may be for a call to begin.
pub const FRESH: Duration = Duration::from_secs(2);
/// How old it may be when somebody calls who is not in it: a node that has just been promoted need not wait, and somebody who
/// only knocks does not keep the engine busy.
const REPEAT: Duration = Duration::from_millis(500);
/// How often is looked whether somebody with an open transfer is still a manager, in steps: all transfers at one moment.
const LOOK_STEPS: u32 = 4;
/// The same as a time.
const LOOK: Duration = STEP.saturating_mul(LOOK_STEPS);
/// How long the engine may take. Without a leader of the swarm it may think for long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the list comes from.
pub trait Source: Send + Sync + 'static {
    /// The ids of the managers now.
    fn managers(&self) -> impl Future<Output = Result<BTreeSet<String>, BoxError>> + Send;
}

impl Source for EngineClient {
    async fn managers(&self) -> Result<BTreeSet<String>, BoxError> {
        let info: Info = self.get_json("/info").await?;
        let managers = info.swarm.remote_managers.unwrap_or_default();
        Ok(managers.into_iter().map(|manager| manager.node_id).collect())
    }
}

/// The proxy of the own node, for components that have no business with the engine's socket.
pub struct OwnProxy {
    credentials: Arc<Credentials>,
    address: SocketAddr,
}

impl OwnProxy {
    /// Asks the proxy at this address, with the certificate of the node.
    pub fn new(credentials: Arc<Credentials>, address: SocketAddr) -> Self {
        Self { credentials, address }
    }
}

impl Source for OwnProxy {
    async fn managers(&self) -> Result<BTreeSet<String>, BoxError> {
        let loaded = self.credentials.current();
        let node = &loaded.material.holder().common_name;
        let caller = Caller::with_config(loaded.client.clone());
        let answer = caller
            .exchange(self.address, node, Method::GET, PATH, Vec::new())
            .await?;
        if !answer.status.is_success() {
            return Err(format!("the proxy of this node answers {}", answer.status).into());
        }
        let list: List = serde_json::from_slice(&answer.body)?;
        Ok(list.managers)
    }
}

/// Where a proxy tells its own node who is a manager; no path of the engine begins like this.
pub(super) const PATH: &str = "/ucp/managers";

/// What it answers there.
#[derive(Serialize, Deserialize)]
pub(super) struct List {
    pub(super) managers: BTreeSet<String>,
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
            steps::pass(LOOK_STEPS).await;
            // All open transfers are content with one answer.
            if !self.has_within(node, LOOK / 2).await {
                return;
            }
        }
    }

    /// All of them, for somebody who keeps the list himself.
    pub(super) async fn list(&self) -> List {
        let mut known = self.known.lock().await;
        self.refresh(&mut known, REPEAT).await;
        List {
            managers: known.ids.clone(),
        }
    }

    async fn has_within(&self, node: &str, fresh: Duration) -> bool {
        let mut known = self.known.lock().await;
        let enough = if known.ids.contains(node) { fresh } else { REPEAT };
        self.refresh(&mut known, enough).await;
        known.ids.contains(node)
    }

    async fn refresh(&self, known: &mut Known, enough: Duration) {
        if known.asked.is_none_or(|asked| asked.elapsed() >= enough) {
            match timeout(PATIENCE, self.source.managers()).await {
                Ok(Ok(ids)) => known.ids = ids,
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = &*error,
                        "who is a manager is taken from what was known before"
                    );
                }
                Err(_) => {
                    tracing::warn!("the engine does not say who is a manager; what was known before counts")
                }
            }
            known.asked = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Lock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::sleep;

    use super::*;

    /// What the swarm says; nothing while it does not answer.
    #[derive(Default)]
    struct World {
        says: Lock<Option<&'static [&'static str]>>,
        asked: AtomicUsize,
    }

    impl Source for Arc<World> {
        async fn managers(&self) -> Result<BTreeSet<String>, BoxError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let says = *self.says.lock().unwrap();
            says.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect())
                .ok_or_else(|| "busy".into())
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
        steps::pass(LOOK_STEPS).await;
        let begun = Instant::now();
        let demoted = async {
            sleep(LOOK * 4 + FRESH).await;
            *world.says.lock().unwrap() = Some(&["b"]);
        };
        tokio::join!(managers.until_gone("a"), demoted);
        let told = begun.elapsed().abs_diff(LOOK * 5);
        assert!(told < Duration::from_millis(10), "{told:?}");
        assert_eq!(world.asked.load(Ordering::SeqCst), 5);
    }
}
