//! Kubernetes role-based access control: whether a rule of a bound role allows a request (R80 to R90).
//!
//! Rights only add up. Nothing of the Swarm side reaches in here, and nothing here reaches the Swarm side.
//!
//! | to | use |
//! | --- | --- |
//! | read and write manifests | [`Rbac::from_manifests`], [`Manifests::read`], [`Rbac::to_manifests`] |
//! | have the roles that Kubernetes makes by itself | [`Rbac::bootstrap`] |
//! | decide | [`Authorizer::decide`] and [`Authorizer::allows`] |
//! | change one role or binding | [`Authorizer::with`] |
//! | ask who may, and what somebody may | [`Authorizer::who_can`], [`Authorizer::rules_for`] |
//! | check writes of roles and bindings | [`Authorizer::may_write_role`], [`Authorizer::may_write_binding`], [`covers`] |
//! | check impersonation | [`Authorizer::may_impersonate`] |
//! | turn accounts into users and groups, and names into ids | [`identity`] |
//!
//! ```
//! use mke_rbac::kubernetes::{Authorizer, Rbac, Request};
//!
//! let rbac = Rbac::from_manifests(r#"
//! apiVersion: rbac.authorization.k8s.io/v1
//! kind: Role
//! metadata: {namespace: blue, name: readers}
//! rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
//! ---
//! apiVersion: rbac.authorization.k8s.io/v1
//! kind: RoleBinding
//! metadata: {namespace: blue, name: jane-reads}
//! roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: readers}
//! subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]
//! "#)?;
//! let authorizer = Authorizer::compile(&rbac);
//! let request = |verb: &str| Request {
//!     user: "jane".into(), verb: verb.into(), resource: Some("pods".into()), namespace: Some("blue".into()),
//!     ..Request::default()
//! };
//! assert!(authorizer.allows(&request("get")));
//! assert!(!authorizer.allows(&request("delete")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub(crate) use escalation::everything;
pub use escalation::{RBAC_GROUP, WriteDecision, WriteProblem, WriteReason, WriteVerb};
pub use evidence::{KubernetesDecision, KubernetesDenial, KubernetesEvidence, RuleEvidence};
pub use impersonation::{Impersonation, ImpersonationDecision, ImpersonationError};
pub use manifest::{MAX_BYTES, MAX_OBJECTS, ManifestError, ManifestProblem, Manifests};
pub use model::{
    Binding, BindingKind, BindingSubject, KubernetesRole, Rbac, Request, RoleKind, RoleRef, Rule,
};
pub use selector::{LabelExpression, LabelOperator, LabelSelector};
pub use who_can::KubernetesWhoCan;
