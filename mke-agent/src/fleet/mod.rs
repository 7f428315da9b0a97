//! The nodes of the cluster as one engine.
//!
//! A [`Fleet`] knows every node of the swarm, has a client for each engine, and keeps what they list until their events
//! say that it changed. It knows nothing of callers: what somebody may see or do is decided in `mke-rbac` and carried
//! out in [`crate::proxy`].
//!
//! | module | decides |
//! | --- | --- |
//! | [`roster`] | which nodes there are, and how they are called |
//! | [`member`] | what is kept of a node, and what an event makes stale |
//! | [`kept`] | when a list is fetched again |
//! | [`ask`] | how long an answer may take, and who is left out |
//! | [`resolve`] | which object of which node a name means |
//! | [`placement`] | on which node something is made |
//! | [`merge`] | how the lists of several nodes become one |
//! | [`info`] | what the nodes are together |
//! | [`container`], [`status`] | how a kept container is shown later |

pub mod ask;
pub mod container;
pub mod find;
pub mod info;
pub mod kept;
pub mod member;
pub mod merge;
pub mod placement;
pub mod query;
pub mod resolve;
pub mod roster;
pub mod status;
mod watch;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout_at};

use self::kept::Budget;
pub use self::member::{Member, Presence};
use crate::controller::body::empty;
use crate::engine::{EngineClient, EngineError, NodeWay};
use crate::mtls::{Credentials, MtlsError};
use crate::steps;

/// Where the proxy in front of the engine of each node listens.
pub use crate::node_proxy::PORT as PROXY_PORT;
/// What the kept lists of all nodes may take together, in bytes.
const MAX_KEPT: usize = 24 * 1024 * 1024;
/// Events tell of new nodes; a look after so many steps is for those that were missed.
const REFRESH_STEPS: u32 = 16;
/// Rest before the swarm is asked again after it failed.
const RETRY: Duration = Duration::from_secs(2);
/// Exec instances of which the node is remembered. Each lives for seconds.
const MAX_EXECS: usize = 4096;

/// How other nodes are reached.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// The directory with the certificate of this node: `ca.pem`, `cert.pem` and `key.pem`.
    pub certificates: PathBuf,
    /// The port of the proxies, [`PROXY_PORT`] but where an installation changed it.
    pub proxy_port: u16,
}

/// The nodes of the cluster. Clones are the same fleet.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    local: EngineClient,
    way: Option<Reach>,
    members: ArcSwap<Vec<Arc<Member>>>,
    followers: Mutex<HashMap<String, Follower>>,
    budget: Arc<Budget>,
    execs: Mutex<Execs>,
}

struct Reach {
    credentials: Arc<Credentials>,
    port: u16,
}

/// Ends with the node that it follows.
struct Follower {
    member: Arc<Member>,
    task: JoinHandle<()>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// On which node an exec instance is, newest last.
#[derive(Default)]
struct Execs {
    nodes: HashMap<String, String>,
    order: std::collections::VecDeque<String>,
}

impl Fleet {
    /// One engine: it answers for itself, and nothing is kept.
    pub fn alone(local: EngineClient) -> Self {
        Self::new(local, None)
    }

    /// The swarm of this engine. Until [`Fleet::follow`] has found other nodes it is as if there was none.
    ///
    /// # Errors
    /// Without a certificate of this node that can be used.
    pub fn of_swarm(local: EngineClient, options: &FleetOptions) -> Result<Self, MtlsError> {
        let reach = Reach {
            credentials: Arc::new(Credentials::open(&options.certificates)?),
            port: options.proxy_port,
        };
        Ok(Self::new(local, Some(reach)))
    }

    fn new(local: EngineClient, way: Option<Reach>) -> Self {
        Self(Arc::new(Inner {
            local,
            way,
            members: ArcSwap::default(),
            followers: Mutex::default(),
            budget: Arc::new(Budget::new(MAX_KEPT)),
            execs: Mutex::default(),
        }))
    }

    /// The engine of this controller's node.
    pub fn local(&self) -> &EngineClient {
        &self.0.local
    }

    /// Every node of the cluster, ordered by name, when it has more than one. Nothing for a single engine, which needs
    /// no merging.
    pub fn members(&self) -> Option<Arc<Vec<Arc<Member>>>> {
        let members = self.0.members.load_full();
        (members.len() > 1).then_some(members)
    }

    /// The node with this name or id.
    pub fn member(&self, name: &str) -> Option<Arc<Member>> {
        let members = self.0.members.load();
        let by_id = members.iter().find(|member| member.facts().id == name);
        let by_name = || members.iter().find(|member| member.facts().name == name);
        by_id.or_else(by_name).cloned()
    }

    /// The node of this controller.
    pub fn local_member(&self) -> Option<Arc<Member>> {
        self.0
            .members
            .load()
            .iter()
            .find(|member| member.is_local())
            .cloned()
    }

    /// Remembers on which node an exec instance was made.
    pub fn remember_exec(&self, exec: &str, node: &Member) {
        let mut execs = self.0.execs.lock().unwrap_or_else(PoisonError::into_inner);
        if execs.nodes.insert(exec.to_owned(), node.id()).is_none() {
            execs.order.push_back(exec.to_owned());
        }
        while execs.order.len() > MAX_EXECS {
            if let Some(oldest) = execs.order.pop_front() {
                execs.nodes.remove(&oldest);
            }
        }
    }

    pub(super) fn remembered_exec(&self, exec: &str) -> Option<Arc<Member>> {
        let execs = self.0.execs.lock().unwrap_or_else(PoisonError::into_inner);
        self.member(execs.nodes.get(exec)?)
    }

    /// Keeps up with the nodes of the swarm, for as long as it is polled. A single engine has nothing to follow.
    pub async fn follow(&self) {
        if self.0.way.is_none() {
            return;
        }
        loop {
            if let Err(error) = self.follow_once().await {
                tracing::debug!(%error, "the nodes of the swarm cannot be followed, trying again");
            }
            sleep(RETRY).await;
        }
    }

    async fn follow_once(&self) -> Result<(), EngineError> {
        let path = "/events?filters=%7B%22type%22%3A%5B%22node%22%5D%7D";
        let request = Request::get(path)
            .body(empty())
            .map_err(|source| EngineError::Unreadable {
                path: path.to_owned(),
                source: source.into(),
            })?;
        // The stream opens first, so that no node slips in between.
        let mut events = self.0.local.send(request).await?.into_body();
        loop {
            self.refresh().await?;
            match timeout_at(steps::next(REFRESH_STEPS), events.frame()).await {
                Ok(Some(Ok(_))) | Err(_) => {}
                Ok(Some(Err(_)) | None) => return Ok(()),
            }
        }
    }

    /// Asks the swarm which nodes it has.
    ///
    /// # Errors
    /// When the local engine does not answer.
    pub async fn refresh(&self) -> Result<(), EngineError> {
        let local = self.0.local.node_id().await?;
        let nodes = match self.0.local.get_bytes("/nodes").await {
            Ok(nodes) => roster::read(&nodes).map_err(|source| EngineError::Malformed {
                path: "/nodes".to_owned(),
                source,
            })?,
            // Not in a swarm, or a worker: it answers for itself.
            Err(EngineError::Refused {
                status: StatusCode::SERVICE_UNAVAILABLE,
                ..
            }) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.adopt(nodes, &local);
        Ok(())
    }

    /// Takes up who is new, forgets who is gone.
    fn adopt(&self, nodes: Vec<roster::NodeFacts>, local: &str) {
        let Some(reach) = &self.0.way else {
            return;
        };
        let mut followers = self.0.followers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::new();
        let mut members = Vec::with_capacity(nodes.len());
        for facts in nodes {
            let kept = followers.remove(&facts.id).filter(|follower| {
                // Its texts carry the name, its client the address.
                let now = follower.member.facts();
                now.name == facts.name && now.address == facts.address
            });
            let id = facts.id.clone();
            let follower = match kept {
                Some(follower) => {
                    follower.member.set_facts(facts);
                    follower
                }
                None => match self.begin(facts, local, reach) {
                    Some(follower) => follower,
                    None => continue,
                },
            };
            members.push(follower.member.clone());
            next.insert(id, follower);
        }
        // What is left in the old map ends with it.
        *followers = next;
        self.0.members.store(Arc::new(members));
    }

    fn begin(&self, facts: roster::NodeFacts, local: &str, reach: &Reach) -> Option<Follower> {
        let is_local = facts.id == local;
        let engine = if is_local {
            self.0.local.clone()
        } else {
            let Some(address) = facts.address else {
                tracing::warn!(
                    node = facts.name,
                    "the swarm knows no address of the node, it is left out"
                );
                return None;
            };
            EngineClient::of_node(NodeWay {
                node: facts.id.clone(),
                address: SocketAddr::new(address, reach.port),
                credentials: reach.credentials.clone(),
            })
        };
        let member = Arc::new(Member::new(facts, is_local, engine, &self.0.budget));
        let task = tokio::spawn(watch::follow(member.clone()));
        Some(Follower { member, task })
    }
}
