//! What one node shall run, what it runs, and the way from one to the other.
//!
//! | step | in | pure |
//! | --- | --- | --- |
//! | what is wanted | [`Desired::of`], from a [`ClusterSpec`] and [`NodeFacts`] | yes |
//! | what is there | [`Runtime::observe`] gives an [`Observed`] | |
//! | what to do | [`plan()`] gives a [`Plan`] of [`Step`]s, each with its reason | yes |
//! | whether that may be done now | [`check()`] gives a [`Checked`] plan, or every [`Refusal`] | yes |
//! | doing it | [`apply()`] gives an [`Outcome`] for each step, also half-way | |
//!
//! `check` shares no code with `plan`: it is told what is wanted, what is there and how the other managers do, and
//! judges each step by itself. Plans can be kept, sent and printed; a plan of now is not a plan of later, so that whoever
//! applies one observes and plans anew.

pub mod apply;
pub mod check;
pub mod cluster;
pub mod container;
pub mod desired;
pub mod facts;
pub mod observed;
pub mod outcome;
pub mod plan;
pub mod preview;
pub mod runtime;
pub mod step;

pub use apply::apply;
pub use check::{Checked, Refusal, check};
pub use cluster::{
    ClusterSpec, ClusterState, ManagerFacts, ManagerState, Purpose, StoreHealth, StoreMember, WireSpec,
};
pub use container::{
    ContainerSpec, DnsSettings, MountSource, MountSpec, NetworkMode, PublishedPort, Restart,
};
pub(crate) use desired::is_switched_on;
pub use desired::{
    Desired, FileContent, FileSpec, NODE_CERTS, NetworkSpec, Source, VolumeSpec, Wanting, volume_path,
};
pub use facts::{EngineFacts, FactsProblems, NodeFacts};
pub use observed::{
    CertificateNeed, ContainerState, Observed, ObservedContainer, ObservedFile, ObservedNetwork,
    ObservedVolume,
};
pub use outcome::{Outcome, Progress, StepResult};
pub use plan::{Blocked, Plan, plan};
pub use preview::{ClusterFacts, Preview, Situation};
pub use runtime::{EngineRuntime, FakeNode, Faults, Material, NoMaterial, ObserveError, Runtime, StepError};
pub use step::{Action, Step};
