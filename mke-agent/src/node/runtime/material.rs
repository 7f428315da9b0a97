//! What stands in no plan: certificates, keys and other secrets. Whoever carries plans out knows where they come from.

use mke_core::secret::Secret;

use super::StepError;
use crate::node::desired::Source;
use crate::node::observed::CertificateNeed;

/// Where certificates, keys and other secrets come from.
pub trait Material: Send + Sync {
    /// What must be done about certificates and keys, in order.
    fn needs(&self) -> impl Future<Output = Vec<CertificateNeed>> + Send;

    /// Brings one up to date, in its volume.
    ///
    /// # Errors
    /// When that was not possible.
    fn bring(&self, need: &CertificateNeed) -> impl Future<Output = Result<(), StepError>> + Send;

    /// The content of a file that stands in no plan.
    ///
    /// # Errors
    /// When it is not known here.
    fn held(&self, source: Source) -> impl Future<Output = Result<Secret, StepError>> + Send;

    /// Makes sure that the store's member may be started with the data that its volume holds. `ends` says that it was
    /// started with it and ended by itself again and again, `reads_list` that it lets nobody in without a list of revoked
    /// certificates.
    ///
    /// # Errors
    /// When it must not be started; why, and what helps.
    fn vet_store(&self, ends: bool, reads_list: bool) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// Nothing is known about certificates and secrets: for looking and planning only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMaterial;

impl Material for NoMaterial {
    async fn needs(&self) -> Vec<CertificateNeed> {
        Vec::new()
    }

    async fn bring(&self, need: &CertificateNeed) -> Result<(), StepError> {
        Err(StepError::new(format!(
            "certificates in volume {} are brought up to date by the node's reconciler only",
            need.volume
        )))
    }

    async fn held(&self, source: Source) -> Result<Secret, StepError> {
        Err(StepError::new(format!(
            "{source:?} is known to the node's reconciler only"
        )))
    }

    async fn vet_store(&self, _: bool, _: bool) -> Result<(), StepError> {
        Err(StepError::new(
            "the data of the store's member is looked at by the node's reconciler only",
        ))
    }
}
