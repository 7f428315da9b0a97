//! The gate of components that answer managers only: a certificate of one, and a node that is one now.

use std::sync::Arc;

use super::managers::{Managers, Source};
use super::rule::{Refused, may_use_engine};
use crate::ca::Peer;
use crate::mtls::{Credentials, Verified};

/// Lets managers in.
pub struct Gate<S> {
    credentials: Arc<Credentials>,
    managers: Arc<Managers<S>>,
}

impl<S: Source> Gate<S> {
    /// The gate of a component with these credentials, which are of the node; who is a manager is asked of `source`.
    pub fn new(credentials: Arc<Credentials>, source: S) -> Self {
        Self {
            credentials,
            managers: Arc::new(Managers::new(source)),
        }
    }

    /// Who is a manager now.
    pub fn managers(&self) -> &Arc<Managers<S>> {
        &self.managers
    }

    /// Whether a caller may come in: who it is.
    ///
    /// # Errors
    /// [`Refused`], with the reason; it is logged.
    pub async fn admit(&self, caller: &Verified) -> Result<Peer, Refused> {
        let loaded = self.credentials.current();
        let own = loaded.material.holder();
        let cluster = own.organization.as_deref().unwrap_or_default();
        let known = may_use_engine(caller.trust, &caller.holder, cluster);
        let admitted = match known {
            Ok(peer) if self.managers.has(peer.node()).await => Ok(peer),
            Ok(peer) => Err(Refused::NoManager(peer)),
            Err(refused) => Err(refused),
        };
        if let Err(refused) = &admitted {
            tracing::warn!(address = %caller.address, %refused, "a call is refused");
        }
        admitted
    }

    /// Whether a caller is the node itself, whatever it is.
    pub fn is_own(&self, caller: &Verified) -> bool {
        let loaded = self.credentials.current();
        let own = loaded.material.holder();
        let cluster = own.organization.as_deref().unwrap_or_default();
        match Peer::of(caller.trust, &caller.holder, cluster) {
            Ok(Peer::Node { node, .. }) => node == own.common_name,
            Ok(Peer::SwarmNode { .. } | Peer::Controller { .. }) | Err(_) => false,
        }
    }
}
