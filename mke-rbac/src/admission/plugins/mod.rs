//! One file per plugin, and the dispatch to them.

mod default_storage_class;
mod default_tolerations;
mod image_signing;
mod limit_ranger;
mod namespace_lifecycle;
mod node_restriction;
mod node_selector;
mod pod_node_selector;
mod pod_security;
mod quota;
mod service_account;
mod ucp;

use super::outcome::No;
use super::plugin::Plugin;
use super::review::{Draft, Review};

/// Lets a plugin change the object. What it does not change it leaves alone.
pub(super) fn mutate(plugin: Plugin, review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    match plugin {
        Plugin::UcpAuthorization => ucp::mutate(review, draft),
        Plugin::UcpNodeSelector => node_selector::mutate(review, draft),
        Plugin::LimitRanger => limit_ranger::mutate(review, draft),
        Plugin::ServiceAccount => service_account::mutate(review, draft),
        Plugin::PodSecurityPolicy => pod_security::mutate(review, draft),
        Plugin::PodNodeSelector => pod_node_selector::mutate(review, draft),
        Plugin::DefaultTolerationSeconds => default_tolerations::mutate(review, draft),
        Plugin::DefaultStorageClass => default_storage_class::mutate(review, draft),
        Plugin::Request
        | Plugin::NamespaceLifecycle
        | Plugin::CheckImageSigning
        | Plugin::NodeRestriction
        | Plugin::PersistentVolumeLabel
        | Plugin::MutatingAdmissionWebhook
        | Plugin::ValidatingAdmissionWebhook
        | Plugin::ResourceQuota => Ok(()),
    }
}

/// Asks a plugin about the object as it will be stored.
pub(super) fn validate(plugin: Plugin, review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    match plugin {
        Plugin::NamespaceLifecycle => namespace_lifecycle::validate(review),
        Plugin::UcpAuthorization => ucp::validate(review, draft),
        Plugin::CheckImageSigning => image_signing::validate(review, draft),
        Plugin::UcpNodeSelector => node_selector::validate(review, draft),
        Plugin::LimitRanger => limit_ranger::validate(review, draft),
        Plugin::ServiceAccount => service_account::validate(review, draft),
        Plugin::NodeRestriction => node_restriction::validate(review, draft),
        Plugin::PodSecurityPolicy => pod_security::validate(review, draft),
        Plugin::PodNodeSelector => pod_node_selector::validate(review, draft),
        Plugin::ResourceQuota => quota::validate(review, draft),
        Plugin::Request
        | Plugin::DefaultTolerationSeconds
        | Plugin::PersistentVolumeLabel
        | Plugin::DefaultStorageClass
        | Plugin::MutatingAdmissionWebhook
        | Plugin::ValidatingAdmissionWebhook => Ok(()),
    }
}
