//! The Engine API under access control.
//!
//! [`handle`] takes a routed request of an identified caller to the engine and its answer back:
//!
//! ```text
//! which node → own object → classify → look-ups → judge → Permit → forward → filter or stream the answer
//! ```
//!
//! What a request needs and what of an answer may be seen is decided in `mke_rbac`; here is the input and output
//! around it. Nothing reaches the engine without a [`mke_rbac::Permit`].

mod agree;
mod answer;
mod caller;
mod containers;
mod cut;
mod deliver;
mod dress;
mod error_text;
mod events;
mod everywhere;
mod handle;
pub(crate) mod headers;
mod homes;
mod linger;
mod lists;
mod make;
mod node_rules;
pub mod nodes;
pub(crate) mod ports;
mod prune;
mod send;
mod site;
mod stream;
mod system;
pub(crate) mod tunnel;

pub(crate) use handle::handle;

use std::sync::Arc;

use crate::fleet::Member;

/// The name of this controller's node, whose view of the swarm counts; nothing while it does not answer.
fn home_of_node(members: &[Arc<Member>]) -> Option<String> {
    let local = members.iter().find(|member| member.is_local())?;
    Some(local.name())
}
