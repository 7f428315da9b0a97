//! The suite of runtimes on the node in memory.

use mke_agent::node::FakeNode;

use super::world::CLUSTER;

#[path = "../support/runtime_suite.rs"]
mod runtime_suite;

/// ARCH-004: a node in memory behaves as plans expect of a node.
#[tokio::test]
async fn a_node_in_memory() {
    let fake = FakeNode::new(CLUSTER);
    fake.meddle(|observed| super::world::foreign(observed, "ucp-upgrader"));
    runtime_suite::run(&fake, CLUSTER, "mirantis/ucp-agent:3.4.15").await;
}
