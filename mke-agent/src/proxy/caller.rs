//! Who asks, and the view that the request is decided on.

use std::sync::Arc;

use mke_auth::identity::Identity;
use mke_rbac::demand::{Home, ObjectRef};
use mke_rbac::engine::Owner;
use mke_rbac::engine::answer::Viewer;
use mke_rbac::operation::Operation;
use mke_rbac::{Policy, Subject};
use tokio_util::sync::CancellationToken;

use crate::controller::state::State;

/// An identified caller with the policy of the moment of its request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) subject: Subject,
    pub(super) name: String,
    pub(super) admin: bool,
    pub(super) policy: Arc<Policy>,
    /// Fires when the credential dies.
    pub(super) revoked: CancellationToken,
}

impl Caller {
    pub(super) fn of(state: &State, identity: &Identity) -> Self {
        Self {
            subject: Subject::Account(identity.account().clone()),
            name: identity.name().to_string(),
            admin: identity.is_admin(),
            policy: state.snapshot().policy.clone(),
            revoked: state.revocation(identity),
        }
    }

    pub(super) fn owner(&self) -> Owner<'_> {
        Owner {
            name: &self.name,
            admin: self.admin,
        }
    }

    /// Looks at an answer with this caller's eyes.
    pub(super) fn look<T>(
        &self,
        look_up: &dyn Fn(&ObjectRef) -> Option<Home>,
        look: impl FnOnce(&Viewer<'_>) -> T,
    ) -> T {
        let may = |operation: Operation, home: &Home| self.policy.may(&self.subject, operation, home);
        look(&Viewer {
            policy: &self.policy,
            may: &may,
            look_up,
            admin: self.admin,
        })
    }
}
