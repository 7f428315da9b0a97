//! The Engine API as the policy sees it: what a call needs, what is sent, and what of the answer may be seen.
//!
//! A request goes through these functions in this order; each is pure:
//!
//! 1. [`normalize`]: the target becomes a path, once.
//! 2. [`route`]: method and path become an endpoint of the table, or the request is refused.
//! 3. [`classify`]: query and body are read completely and become a [`crate::demand::Demand`].
//! 4. The caller looks the named objects up and asks [`crate::Policy::judge`].
//! 5. [`Call::forward`]: the very value that was checked is written out for the Engine, with full ids instead of
//!    names, labels and constraints in place.
//! 6. [`answer`]: what comes back is filtered.
//!
//! Nothing here talks to an Engine, and nothing here decides.
//!
//! ```
//! use mke_rbac::demand::Facts;
//! use mke_rbac::engine::{CallHeaders, classify, normalize, route};
//! use mke_rbac::state::World;
//!
//! let world = World::parse(r#"
//! format: rbac-scenarios/1
//! worlds: {bank: {users: {dina: {}},
//!   grants: [{id: g1, subject: "user:dina", role: restrictedcontrol, collection: /Shared}]}}
//! "#, None)?;
//! let dina = world.subject(Some("dina")).ok_or("no such user")?;
//! let may_create = |body: &str| {
//!     let target = normalize("/v1.41/containers/create")?;
//!     let route = route("POST", &target)?;
//!     let call = classify(&route, &CallHeaders::default(), body.as_bytes(), None)?;
//!     // Nothing that the body names had to be looked up.
//!     let judgement = world.policy().judge(&dina, call.demand(), &Facts::default())?;
//!     Ok::<_, Box<dyn std::error::Error>>(judgement.decision.is_allowed())
//! };
//! let label = r#""Labels": {"com.docker.ucp.access.label": "/Shared"}"#;
//! assert!(may_create(&format!(r#"{{"Image": "nginx", {label}}}"#))?);
//! assert!(!may_create(&format!(r#"{{"Image": "nginx", {label}, "HostConfig": {{"Privileged": true}}}}"#))?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod answer;
mod body;
mod call;
mod classify;
mod constraints;
mod defaults;
mod draft;
mod endpoint;
mod forward;
mod json;
pub mod labels;
mod path;
mod prune;
mod query;
mod route;
mod shape;
mod shapes;
mod table;
mod volumes;
pub mod wishes;

pub use call::{Call, CallError, CallHeaders, Reason};
pub use classify::classify;
pub use defaults::ServiceDefaults;
pub use endpoint::{AnswerKind, Base, BodyKind, Endpoint, Param};
pub use forward::{Forward, ForwardBody, ForwardError, Forwarding};
pub use json::{JsonError, MAX_DEPTH};
pub use labels::Owner;
pub use path::{ApiVersion, MAX_PATH_BYTES, MAX_SEGMENTS, MAX_TARGET_BYTES, PathError, Target, normalize};
pub use prune::{Prune, Removal};
pub use query::{Query, QueryError};
pub use route::{NEWEST_API, Route, RouteError, route};
pub use shape::ShapeError;
pub use table::{ENDPOINTS, EndpointId};
