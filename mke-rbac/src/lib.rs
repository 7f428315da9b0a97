//! Who may do what: access control for Swarm collections and for Kubernetes, as pure functions.
//!
//! This crate decides, and says why. It does no input or output, reads no clock, and keeps no state besides the snapshot it is
//! asked about: the same question to the same [`Policy`] always has the same answer. Whether a caller is who it
//! says is decided elsewhere, before anybody asks here.
//!
//! ```
//! use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model, User};
//! use mke_rbac::{Check, Decision, Policy, Subject, demand::Access, operation::*};
//!
//! let jane = User { id: "jane-id".into(), name: "jane".into(), admin: false, active: true,
//!     private_collection: None, default_collection: None };
//! let grant = Grant { subject: GrantSubject::User(jane.id.clone()),
//!     object: GrantObject::Collection("shared".into()), role: "viewonly".into() };
//! let subject = Subject::Account(jane.id.clone());
//! let model = Model { users: vec![jane], grants: vec![grant], ..Model::with_builtin_collections() };
//! let policy = Policy::compile(model);
//!
//! let ask = |operation| [Check { operation, modifiers: ModifierSet::EMPTY, collection: "shared".into() }];
//! assert!(policy.decide(&subject, Access::Operation, &ask(Operation::ServiceView)).is_allowed());
//! let Decision::Denied(no) = policy.decide(&subject, Access::Operation, &ask(Operation::ServiceDelete)) else { panic!() };
//! assert_eq!(no.message(), "access denied: no access to Service Delete");
//! ```
//!
//! The same of Kubernetes roles and bindings, which nothing of the above reaches:
//!
//! ```
//! use mke_rbac::kubernetes::{Authorizer, Rbac, Request};
//!
//! let authorizer = Authorizer::compile(&Rbac::bootstrap());
//! let request = Request { user: "jane".into(), verb: "delete".into(), resource: Some("nodes".into()),
//!     ..Request::default() };
//! let decision = authorizer.decide(&request);
//! let why = decision.denial().ok_or("nobody gave her that")?;
//! assert_eq!(why.to_string(), r#"user "jane" cannot delete resource "nodes" in API group "" at the cluster scope"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to start
//!
//! | to | begin with |
//! | --- | --- |
//! | decide in a program | [`Policy::decide`], as above |
//! | change accounts, roles or grants while others read | [`Policy::with`] and [`Change`] |
//! | put a policy in front of an Engine | the example in [`engine`] |
//! | decide on Kubernetes requests | the example in [`kubernetes`] |
//! | judge Kubernetes objects before they are stored | the example in [`admission`] |
//! | ask without a cluster, of a file | the examples in [`state`] and [`question`] |
//! | know who can, why, what if and what changed | the example in [`inquiry`] |
//! | hand a decision to somebody who trusts nobody | the example in [`proof`] |
//!
//! # The parts
//!
//! In the order in which a request meets them:
//!
//! | module | decides |
//! | --- | --- |
//! | [`operation`] | which operations and modifiers exist |
//! | [`role`] | what a role allows, and whether its JSON form is right |
//! | [`model`] | nothing: accounts, collections, roles and grants as data |
//! | [`demand`] | nothing: what a request asks, before and after its objects are looked up |
//! | [`policy`] | which grants reach whom, and where |
//! | [`decision`] | yes or no, with the reason |
//! | [`engine`] | nothing: reads a call of the Engine API completely, and writes it out again |
//! | [`judge`] | what a whole request needs, and where its object lies |
//! | [`schedule`] | on which nodes a workload may run |
//! | [`visibility`] | which collections somebody sees |
//! | [`kubernetes`] | whether Kubernetes roles allow a request; apart from all the others |
//! | [`admission`] | whether a write to the Kubernetes API may go on, and what becomes of the object |
//!
//! And beside it:
//!
//! | module | decides |
//! | --- | --- |
//! | [`change`] | nothing: one change of the model as a value |
//! | [`admin`] | whether roles, collections and grants may be changed so |
//! | [`proof`] | nothing: decisions written down so that others can check them |
//! | [`question`] | nothing: questions and answers in names and paths |
//! | [`inquiry`] | nothing: questions about a whole policy, with reports |
//! | [`state`] | nothing: a whole policy in a file, to ask without a cluster |
//! | [`registry`] | who may pull, push and delete images of a registry; apart from all the others |
//! | [`mke4`] | what of all this comes along to MKE 4, as roles and bindings of Kubernetes |
//!
//! # What it asks of the machine
//!
//! Nothing: no runtime, no HTTP, no clock, no files, no random numbers, no threads, and no package that is made for
//! one platform. `cargo xtask architecture` refuses all of them.

pub mod admin;
pub mod admission;
pub mod change;
pub mod decision;
pub mod demand;
mod edit;
pub mod engine;
mod few;
pub mod inquiry;
pub mod judge;
pub mod kubernetes;
pub mod mke4;
pub mod model;
pub mod operation;
pub mod policy;
pub mod proof;
pub mod question;
pub mod registry;
pub mod role;
pub mod schedule;
pub mod state;
pub mod visibility;
mod yaml;

pub use change::{Change, ChangeError, Group};
pub use decision::{
    AllowReason, Check, Decision, Denial, Evidence, MissingCheck, Permit, RuleDenial, Subject,
};
pub use few::Few;
pub use judge::{JudgeError, Judgement, Placed};
pub use policy::{
    CollectionInfo, CollectionKey, CollectionRow, Filter, OrganizationInfo, Policy, Prepared, Reach,
    SubjectKey, TeamInfo, UserRow, Warning, WhoCan,
};
pub use role::{Rights, Role, RoleBody, RoleProblem};
pub use schedule::Schedule;
