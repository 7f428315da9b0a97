//! The control-plane API: login, accounts, roles, collections, grants, configuration and the cluster itself.
//!
//! [`table`] lists every endpoint with who may call it; [`access`] turns that into a decision; the other
//! modules hold the handlers, a file per subject. A handler runs only with the permit of that decision, reads
//! the snapshot of its request, and writes through the services of [`State`].

pub(super) mod access;
mod accounts;
mod auth_config;
mod authz;
mod banner;
mod bundle;
mod can_i;
mod certificates;
mod collections;
mod config;
mod debug;
mod grants;
mod jobs;
mod links;
mod login;
mod members;
mod nodes;
mod public_keys;
mod registry;
mod roles;
mod saml;
pub(super) mod scim;
mod second_factor;
mod shapes;
mod system;
pub(super) mod table;
mod teams;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use mke_auth::identity::Identity;
use mke_core::store::Revision;
use mke_core::time::Timestamp;
use mke_rbac::engine::Query;
use mke_rbac::{Permit, Subject};

use super::audit::Notes;
use super::error::ApiError;
use super::fields::Fields;
use super::paging::Paging;
use super::snapshot::Snapshot;
use super::state::State;

/// One request to the control-plane API, decided on and ready to be handled.
pub(super) struct Call {
    pub(super) state: Arc<State>,
    /// What it was decided on.
    pub(super) snapshot: Arc<Snapshot>,
    /// Who asks; nothing on public endpoints without a credential.
    pub(super) identity: Option<Identity>,
    /// The proof that it may be handled.
    pub(super) permit: Permit,
    pub(super) method: http::Method,
    /// The variable elements of the path, in order.
    pub(super) params: Vec<String>,
    pub(super) query: Query,
    /// The query as it stands in the request line, for signatures over it.
    pub(super) raw_query: Option<String>,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Bytes,
    pub(super) peer: SocketAddr,
    /// When the request arrived.
    pub(super) received: Timestamp,
    pub(super) notes: Notes,
}

impl Call {
    /// The variable element of the path at this position. The table guarantees that it is there.
    fn param(&self, position: usize) -> &str {
        self.params.get(position).map_or("", String::as_str)
    }

    /// The JSON body.
    fn fields(&self) -> Result<Fields, ApiError> {
        Fields::parse(&self.body)
    }

    /// A query parameter that comes at most once; an empty one counts as absent.
    fn query(&self, name: &str) -> Result<Option<&str>, ApiError> {
        Ok(self.query.one(name)?.filter(|value| !value.is_empty()))
    }

    fn paging(&self) -> Result<Paging, ApiError> {
        Paging::parse(self.query("start")?, self.query("limit")?)
    }

    /// Who asks, on endpoints that need somebody.
    fn identity(&self) -> Result<&Identity, ApiError> {
        self.identity.as_ref().ok_or_else(ApiError::unauthenticated)
    }

    /// For whom the call was decided.
    fn subject(&self) -> &Subject {
        self.permit.subject()
    }

    /// Whether an administrator asks.
    fn by_administrator(&self) -> bool {
        self.snapshot.policy.is_administrator(self.subject())
    }

    /// Waits until a write is in force, and returns the view that has it (R63).
    async fn in_force(&self, revision: Revision) -> Result<Arc<Snapshot>, ApiError> {
        self.state.wait_for(revision).await?;
        Ok(self.state.snapshot())
    }
}
