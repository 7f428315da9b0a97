//! Who may use the engine of a node from another one, and what else is for managers only.

use mke_core::pki::Holder;
use mke_core::render::NodeRole;

use crate::ca::{Peer, PeerError};
use crate::mtls::Trust;

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The certificate is not one of a manager of this cluster.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// A worker.
    #[error("{0} is not answered here, managers are")]
    Worker(Peer),
    /// A node that was a manager once.
    #[error("{0} is no manager any more, or not yet, as this node's engine knows the swarm")]
    NoManager(Peer),
    /// A node that has not got a certificate of the cluster yet.
    #[error("{0} shows the certificate of the swarm, which is for joining only")]
    Swarm(Peer),
}

/// Managers and their controllers may; workers, nodes that only joined the swarm, other components and users may not.
/// Users never get as far as here: the authority of their certificates is not trusted on this port.
///
/// # Errors
/// [`Refused`], with the reason.
pub fn may_use_engine(trust: Trust, holder: &Holder, cluster_id: &str) -> Result<Peer, Refused> {
    let peer = Peer::of(trust, holder, cluster_id)?;
    match peer {
        Peer::Controller { .. }
        | Peer::Node {
            role: NodeRole::Manager,
            ..
        } => Ok(peer),
        Peer::Node {
            role: NodeRole::Worker,
            ..
        } => Err(Refused::Worker(peer)),
        Peer::SwarmNode { .. } => Err(Refused::Swarm(peer)),
    }
}
