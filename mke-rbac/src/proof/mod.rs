//! Proofs: decisions written down so that somebody who trusts neither the engine nor its snapshot can check them.
//!
//! A [`Proof`] holds the question, the decision, and for the decision the facts that it rests on, in ids only (R1):
//! names can change hands, and a proof must stay about the same things. The crate `mke-proof` checks proofs against plain
//! [`facts`]; it shares no code with this crate.
//!
//! An allow cites a sufficient set of grants for every check: with modifiers it may take several (R23), and none of
//! the cited can be left out. A denial lists everything that is missing, and the smallest set of grants that would
//! have allowed the request: [`Policy::remedy`].
//!
//! The JSON form is part of the API. This is a proof of an allow; a `subject` without credentials is the word
//! `anonymous`, and a collection that carries its own grant has itself as only element of `inheritance`:
//!
//! ```json
//! {"swarm": {
//!   "subject": {"user": "u1"},
//!   "access": "operation",
//!   "checks": [{"operation": "Service View", "modifiers": [], "collection": "c2"}],
//!   "decision": {"allowed": {"granted": [[{
//!     "grant": {"subject": {"team": "t1"}, "object": {"collection": "c1"}, "role": "viewonly"},
//!     "rule": {"operation": "Service View", "modifiers": []},
//!     "membership": [{"user": "u1"}, {"team": "t1"}],
//!     "inheritance": ["c2", "c1"]
//!   }]]}}
//! }}
//! ```
//!
//! Instead of `{"granted": …}` stand the words `public`, `authenticated` and `administrator`. This is the `decision` of
//! a denial; `remedy` is `null` when no grant would help, and its `role` is `null` when no existing role would do, so that
//! a new one must be made that holds exactly what stands under `needs`:
//!
//! ```json
//! {"denied": {
//!   "reason": "missing-operation",
//!   "missing": [{"operation": "Service Create", "modifier": null, "collection": "c2"}],
//!   "remedy": [{
//!     "subject": {"user": "u1"}, "collection": "c2",
//!     "needs": {"Service Create": []}, "role": "restrictedcontrol"
//!   }]
//! }}
//! ```
//!
//! And this one is about Kubernetes; a denial there reads `{"denied": {"namespace": "blue", "needs": {…}}}` with the rule
//! that a role would have to hold:
//!
//! ```json
//! {"kubernetes": {
//!   "user": "u1", "groups": ["system:authenticated"],
//!   "verb": "get", "group": "", "resource": "pods/log", "name": "web-0", "namespace": "blue", "path": null,
//!   "decision": {"allowed": {"bound": {
//!     "binding": {"kind": "RoleBinding", "namespace": "blue", "name": "readers"},
//!     "subject": {"kind": "User", "name": "u1"},
//!     "role": {"kind": "ClusterRole", "name": "view"},
//!     "rule": {"source": "view-pods", "index": 0,
//!       "rule": {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]}}
//!   }}}
//! }}
//! ```
//!
//! ```
//! use mke_rbac::demand::Access;
//! use mke_rbac::model::{Model, User};
//! use mke_rbac::operation::{ModifierSet, Operation};
//! use mke_rbac::proof::{Proof, Remedy};
//! use mke_rbac::{Check, Policy, Subject};
//!
//! let mut model = Model::with_builtin_collections();
//! model.users.push(User { id: "u1".into(), name: "jane".into(), admin: false, active: true,
//!     private_collection: None, default_collection: None });
//! let policy = Policy::compile(model);
//! let jane = Subject::Account("u1".into());
//! let checks = [Check { operation: Operation::NodeSchedule, modifiers: ModifierSet::EMPTY, collection: "shared".into() }];
//!
//! let decision = policy.decide(&jane, Access::Operation, &checks);
//! let proof = Proof::of(&policy, &jane, Access::Operation, &checks, &decision);
//! let text = serde_json::to_string(&proof)?;
//! assert_eq!(serde_json::from_str::<Proof>(&text)?, proof);
//!
//! let Remedy::Grants(grants) = policy.remedy(&jane, &checks) else { panic!() };
//! assert_eq!(grants[0].role, Some("scheduler".into()));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod cite;
mod facts;
mod kubernetes;
mod remedy;
mod swarm;

use serde::{Deserialize, Serialize};

use crate::decision::{Check, Decision, Subject};
use crate::demand::Access;
use crate::kubernetes::{KubernetesDecision, Request};
use crate::policy::Policy;

pub use facts::facts;
pub use kubernetes::{
    BindingName, Bound, KubernetesClaim, KubernetesProof, KubernetesReason, KubernetesRefusal, WrittenRule,
};
pub use remedy::{Obstacle, Proposal, Remedy};
pub use swarm::{Citation, Claim, Missing, Reason, Refusal, Right, SwarmProof};

/// A decision with everything that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A decision on collections.
    Swarm(SwarmProof),
    /// A decision of Kubernetes role-based access control.
    Kubernetes(KubernetesProof),
}

impl Proof {
    /// Writes down a decision that this policy took on this question. The proof of a decision on another question
    /// is not one: a checker refuses it.
    pub fn of(
        policy: &Policy,
        subject: &Subject,
        access: Access,
        checks: &[Check],
        decision: &Decision,
    ) -> Self {
        Self::Swarm(SwarmProof::of(policy, subject, access, checks, decision))
    }

    /// Writes down a decision that an [`Authorizer`](crate::kubernetes::Authorizer) took on this request.
    pub fn of_kubernetes(request: &Request, decision: &KubernetesDecision<'_>) -> Self {
        Self::Kubernetes(KubernetesProof::of(request, decision))
    }

    /// Whether the answer is yes.
    pub const fn is_allowed(&self) -> bool {
        match self {
            Self::Swarm(proof) => proof.is_allowed(),
            Self::Kubernetes(proof) => proof.is_allowed(),
        }
    }
}
