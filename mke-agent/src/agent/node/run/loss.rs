//! What a manager's agent does while the store takes no writes: it looks who is lost, and lets the member of its node go on alone
//! when that is the last one ([`crate::kv::alone`]).

use std::time::Duration;

use mke_core::causes::chain;
use mke_core::product::Role;
use tokio::time::Instant;

use super::NodeAgent;
use crate::agent::node::Hands;
use crate::kv::alone::Verdict;
use crate::node::{ClusterState, ManagerState, StoreHealth, StoreMember, WireSpec};

/// How long it must be so that this manager is the last one before it goes on alone by itself: the swarm takes some seconds
/// to know whom it has lost.
pub(super) const ALONE_AFTER: Duration = Duration::from_secs(15);

impl<H: Hands> NodeAgent<H> {
    /// Whether this is a manager whose store takes no writes.
    pub(super) fn has_lost_store(&self) -> bool {
        self.role == Role::Manager && *self.deaf.borrow()
    }

    /// Lets the member of the store on this node go on alone when it is the last one.
    pub(super) async fn consider_alone(&mut self, spec: &mut WireSpec) {
        let (mut since, mut said) = (None, String::new());
        match self.hands.verdict(spec).await {
            Ok(Verdict::Alone { lost, ordered }) => {
                let begun = *self.alone_since.get_or_insert_with(Instant::now);
                since = Some(begun);
                said = format!(
                    "this manager is the last one of the store and goes on without {}",
                    lost.join(", ")
                );
                if ordered || begun.elapsed() >= ALONE_AFTER {
                    go_alone(spec);
                }
            }
            Ok(Verdict::Wait(why)) => said = format!("the store takes no writes: {why}"),
            Ok(Verdict::Whole) => {}
            Err(error) => {
                said = format!(
                    "the store takes no writes, and nobody can say who is lost: {}",
                    chain(&*error)
                );
            }
        }
        self.alone_since = since;
        if self.loss_said != said {
            if !said.is_empty() {
                tracing::warn!("{said}");
            }
            self.loss_said = said;
        }
    }
}

/// What is wanted on the one manager that is left: a member that forgets the others, none of which counts any more.
fn go_alone(spec: &mut WireSpec) {
    let own = spec.node.id.clone();
    spec.cluster.store_alone = true;
    spec.cluster.store_members = vec![StoreMember {
        id: own.clone(),
        address: spec.node.address,
        member: None,
    }];
    spec.state = ClusterState {
        managers: vec![ManagerState {
            id: own,
            store: StoreHealth::Unhealthy,
            healthy: false,
        }],
        turn: None,
    };
}
