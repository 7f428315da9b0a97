//! Kubernetes role-based access control: whether a rule of a bound role allows a request (R80 to R90).
//!
//! Rights only add up. Nothing of the Swarm side reaches in here, and nothing here reaches the Swarm side.

mod authorizer;
mod bootstrap;
mod change;
mod covers;
mod escalation;
mod evidence;
pub mod identity;
mod impersonation;
mod manifest;
mod matching;
mod model;
mod selector;
mod who_can;

pub use authorizer::{Authorizer, MASTERS};
pub use change::{BindingKey, KubernetesChange, RoleKey};
pub use covers::{Atom, covers};
pub use escalation::{RBAC_GROUP, WriteDecision, WriteProblem, WriteReason, WriteVerb};
pub use evidence::{KubernetesDecision, KubernetesDenial, KubernetesEvidence, RuleEvidence};
pub use impersonation::{Impersonation, ImpersonationDecision, ImpersonationError};
pub use manifest::{MAX_BYTES, MAX_OBJECTS, ManifestError, ManifestProblem, Manifests};
pub use model::{
    Binding, BindingKind, BindingSubject, KubernetesRole, Rbac, Request, RoleKind, RoleRef, Rule,
};
pub use selector::{LabelExpression, LabelOperator, LabelSelector};
pub use who_can::KubernetesWhoCan;
