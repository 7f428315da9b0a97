//! Whether a write to the Kubernetes API may go on, and what becomes of the object: admission as pure functions.
//!
//! [`review`] runs the plugins of [`Plugin::ALL`] in order and answers with the object as it will be stored, or with
//! every reason against it. Admission comes after access control: that the requester may write this kind of object at
//! all is decided before (module [`crate::kubernetes`]).
//!
//! | part | decides |
//! | --- | --- |
//! | [`Plugin`] | which plugins there are, in which order, and which can be switched off |
//! | [`RawSettings`], [`Settings`] | which settings make sense |
//! | [`Objects`], [`Cluster`] | nothing: what is known about the cluster |
//! | [`PodSecurityPolicy`] | what a policy allows pods to be |
//! | [`review`] | yes or no, with reasons, notes and a patch |
//!
//! Listed and not run, because they need a network or a cloud: webhooks, and zone labels of volumes.
//!
//! ```
//! use mke_rbac::admission::{AdmissionOperation, AdmissionRequest, Cluster, Objects, Requester, Settings, review};
//! use mke_rbac::model::Model;
//! use serde_json::json;
//!
//! let cluster = Cluster::new(Objects::defaults(), &Model::default())?;
//! let pod = |host_network: bool| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
//!     "spec": {"hostNetwork": host_network, "containers": [{"name": "c", "image": "nginx"}]}});
//! let may_create = |pod| {
//!     let jane = Requester::new("jane-id", []);
//!     let request = AdmissionRequest::of(AdmissionOperation::Create, jane, pod, "default")?;
//!     Ok::<_, Box<dyn std::error::Error>>(review(&request, &cluster, &Settings::default()).is_allowed())
//! };
//! assert!(may_create(pod(false))?);
//! assert!(!may_create(pod(true))?, "the network of the node is for those who are trusted with it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod cluster;
mod kinds;
mod objects;
mod outcome;
mod plugin;
mod plugins;
mod pod;
mod psp;
mod quantity;
mod read;
mod request;
mod requester;
mod resources;
mod review;
mod selector;
mod settings;

pub use accounts::Accounts;
pub use cluster::{Cluster, ClusterProblem, ClusterProblems, Signatures};
pub use objects::{MAX_MANIFEST_BYTES, ManifestsError, Objects};
pub use outcome::{Admitted, Fault, Note, Outcome, Refusal, Refused, Status};
pub use plugin::{Plugin, Work};
pub use psp::MANIFESTS as DEFAULT_POLICIES;
pub use psp::{
    AllowedCsiDriver, AllowedDriver, AllowedHostPath, DEFAULT_BINDING, IdRange, IdRule, IdStrategy,
    PodSecurityPolicy, PolicyError, PolicySpec, PortRange, RuntimeClasses, SeLinuxOptions, SeLinuxRule,
    SeLinuxStrategy,
};
pub use read::Unreadable;
pub use request::{AdmissionOperation, AdmissionRequest, Target};
pub use requester::Requester;
pub use review::review;
pub use settings::{
    Attribute, DEFAULT_TOLERATION_SECONDS, RawSettings, Settings, SettingsProblem, SettingsProblems,
};

/// Kinds that hold pods: the group, kind and resource of each, and the fields that lead to the pod.
pub fn kinds_with_pods() -> impl Iterator<
    Item = (
        &'static [&'static str],
        &'static str,
        &'static str,
        &'static [&'static str],
    ),
> {
    kinds::with_pods().map(|kind| {
        (
            kind.groups,
            kind.kind,
            kind.resource,
            kind.pod.unwrap_or_default(),
        )
    })
}
