//! Looks at the members of a store that has no leader: what the member of this node knows of the others, and who of them
//! answers. Asks at the port that members have for each other, where they answer also without a leader.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use mke_core::store::etcd::EtcdAdmin;
use tokio::time::timeout;

use super::world::Failure;
use crate::agent::cluster::swarm_nodes;
use crate::agent::store::{self, PEER_PORT, PORT};
use crate::engine::EngineClient;
use crate::kv::alone::{Loss, Peer, Verdict, alone};
use crate::mtls::{Caller, MANAGER, Material};

/// How long a member may take to answer.
const ANSWER: Duration = Duration::from_secs(3);

/// The members of the store, as one of them knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peers {
    /// All members.
    pub members: Vec<Peer>,
    /// The ids of those that answer.
    pub answering: BTreeSet<u64>,
    /// Whether the member that was asked follows a leader.
    pub has_leader: bool,
}

/// Asks the member at `own`, and all that it knows of, with the certificate in `certs`.
///
/// # Errors
/// When it does not answer, or there is no certificate.
pub async fn peers(certs: &Path, own: IpAddr) -> Result<Peers, Failure> {
    let caller = Caller::new(&Material::from_dir(certs)?)?;
    let place = SocketAddr::from((own, PEER_PORT));
    let members = list(&caller, place).await?;
    let asked = members.iter().map(|member| async {
        let places = member.peer_urls.iter();
        let mut places = places.filter_map(|url| url.strip_prefix("https://")?.parse().ok());
        let answers = match places.next() {
            Some(place) => list(&caller, place).await.is_ok(),
            None => false,
        };
        answers.then_some(member.id)
    });
    let leader = async {
        let admin = EtcdAdmin::new(&store::options(certs, [own])?).await?;
        let url = format!("https://{}", SocketAddr::from((own, PORT)));
        Ok::<_, Failure>(admin.health(&url).await?.leader != 0)
    };
    let (answering, has_leader) = tokio::join!(join_all(asked), leader);
    Ok(Peers {
        answering: answering.into_iter().flatten().collect(),
        // One that has had no leader since it was started does not answer there at all.
        has_leader: has_leader.unwrap_or(false),
        members,
    })
}

async fn list(caller: &Caller, place: SocketAddr) -> Result<Vec<Peer>, Failure> {
    let asked = caller.exchange(place, MANAGER, Method::GET, "/members", Vec::new());
    let answer = timeout(ANSWER, asked).await??;
    if !answer.status.is_success() {
        return Err(format!("the member of the store at {place} answers {}", answer.status).into());
    }
    Ok(serde_json::from_slice(&answer.body)?)
}

/// What the member of this node, which is reached at `own`, is to do about a store that takes no writes.
///
/// # Errors
/// When the swarm has no leader, or the member does not answer.
pub async fn verdict(
    engine: &EngineClient,
    certs: &Path,
    node_id: &str,
    own: IpAddr,
) -> Result<Verdict, Failure> {
    let nodes = swarm_nodes(engine).await?;
    let peers = peers(certs, own).await?;
    Ok(alone(&Loss {
        own: node_id,
        nodes: &nodes,
        members: &peers.members,
        answering: &peers.answering,
        has_leader: peers.has_leader,
    }))
}
