//! The certificate files of a node: what there should be, what there is, what must be issued.
//!
//! [`observe`] reads the volumes, [`plan`] compares and is pure, [`apply`] issues and writes. Planning twice gives an empty
//! plan the second time. Renewal and a change of names, role or authority are nothing special: they are differences.
//!
//! The reconciler mounts every volume of its role below one directory (`/v/<volume>`) and calls these three.

mod apply;
mod observe;
mod plan;
mod renewal;

pub use apply::{ApplyError, Authorities, Outcome, apply};
pub use observe::{Observed, SetState, observe};
pub(crate) use plan::share_a_name;
pub use plan::{Action, Plan, Problem, Reason, Target, plan};
pub use renewal::renew_at;

use mke_core::render::NodeRole;

use super::rules::{Component, Wanted};

/// A directory with `ca.pem`, `cert.pem` and `key.pem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The node's own certificate.
    Node,
    /// etcd.
    Kv,
    /// The API port. There is `client_ca.pem` besides.
    ControllerServer,
    /// What the controller shows to other components.
    ControllerClient,
    /// The authentication API.
    AuthApi,
    /// The authentication worker.
    AuthWorker,
    /// Whoever maintains the authentication store with the volume alone.
    AuthStore,
}

impl Place {
    /// The places of a node, in the order in which they are written.
    pub fn of(role: NodeRole) -> &'static [Self] {
        match role {
            NodeRole::Worker => &[Self::Node],
            NodeRole::Manager => &[
                Self::Node,
                Self::Kv,
                Self::ControllerClient,
                Self::ControllerServer,
                Self::AuthApi,
                Self::AuthWorker,
                Self::AuthStore,
            ],
        }
    }

    /// The volume.
    pub fn volume(self) -> &'static str {
        match self {
            Self::Node => "ucp-node-certs",
            Self::Kv => "ucp-kv-certs",
            Self::ControllerServer => "ucp-controller-server-certs",
            Self::ControllerClient => "ucp-controller-client-certs",
            Self::AuthApi => "ucp-auth-api-certs",
            Self::AuthWorker => "ucp-auth-worker-certs",
            Self::AuthStore => "ucp-auth-store-certs",
        }
    }

    /// What to ask the authority for.
    pub fn wanted(self, role: NodeRole) -> Wanted {
        Wanted::Component(match self {
            Self::Node => return Wanted::Node(role),
            Self::Kv => Component::Kv,
            Self::ControllerServer => Component::ControllerServer,
            // It asks the store and the proxy of the engine, as a controller does.
            Self::ControllerClient | Self::AuthStore => Component::ControllerClient,
            Self::AuthApi => Component::AuthApi,
            Self::AuthWorker => Component::AuthWorker,
        })
    }
}

/// File of [`Place::ControllerServer`] with the authorities of users' certificates, PEM.
pub const CLIENT_CA_FILE: &str = "client_ca.pem";
/// File of [`Place::ControllerClient`] with the key that opens what is sealed in the store.
pub const SEALING_KEY_FILE: &str = "sealing.key";
