//! What the cluster agent keeps in Kubernetes: the objects of its add-ons, such as the network of pods and the names of services,
//! and the product's taints on nodes (ARCH-003, SCH-003).
//!
//! | step | in | pure |
//! | --- | --- | --- |
//! | what is wanted | [`Wanted::of`], from a [`ClusterSpec`](crate::node::ClusterSpec) and [`KubeNode`]s | yes |
//! | what is there | [`Objects`], read from a list as `kubectl get --output json` prints it | yes |
//! | what to do | [`plan()`] gives an [`AddonPlan`] | yes |
//! | whether that may be done | [`check()`] gives every [`Refusal`](crate::node::Refusal) | yes |
//!
//! This version has no images of Kubernetes, so that nothing is sent to an API server: plans are made and shown ([`AddonPreview`]),
//! as those of Kubernetes' components on nodes are.
//!
//! What is ours: an object whose label [`INSTANCE_ID`](mke_core::product::labels::INSTANCE_ID) names this installation. Its
//! annotation [`SPEC`](mke_core::product::labels::SPEC) holds the digest of what was wanted when it was made: another digest means that
//! something else is wanted now. What operators change in an object of ours stays until then, such as the node selector of
//! `ucp-metrics`. Nothing of others is touched, whatever its name; taints are the product's by their keys.

mod around;
mod check;
mod manifest;
mod nodes;
mod observed;
mod plan;
mod pods;
mod preview;
mod settings;
mod wanted;
mod workloads;

pub use check::check;
pub use manifest::{ADDON, Manifest, Place};
pub use nodes::{KubeNode, NodeTaints, Taint};
pub use observed::{Objects, SeenNode, SeenObject};
pub use plan::{AddonPlan, AddonStep, Change, plan};
pub use preview::AddonPreview;
pub use wanted::Wanted;
