//! `azure.json`: what Kubernetes' cloud provider for Azure must know.

use super::components::{API_SERVER, CONTROLLER_MANAGER, KUBELET};
use super::key::{Key, Kind};
use super::section::section;
use crate::secret::Secret;

section! {
    /// The file `azure.json`.
    pub struct AzureConfig at "" {
        /// The tenant of the directory.
        tenant_id("tenantId"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The subscription that the machines belong to.
        subscription_id("subscriptionId"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The service principal that acts for the cluster.
        aad_client_id("aadClientId"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The secret of that principal.
        aad_client_secret("aadClientSecret"): Secret = Key::unset(Kind::Text).required().secret().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The resource group of the nodes.
        resource_group("resourceGroup"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The region of the nodes.
        location: String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The subnet of the nodes.
        subnet_name("subnetName"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The security group of the nodes.
        security_group_name("securityGroupName"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The virtual network of the nodes.
        vnet_name("vnetName"): String = Key::unset(Kind::Text).required().not_empty()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// Whether a node reads about itself from the metadata service.
        use_instance_metadata("useInstanceMetadata"): bool = Key::bool(true).required()
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The availability set of the workers.
        primary_availability_set_name("primaryAvailabilitySetName"): Option<String> = Key::unset(Kind::Text)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The resource group of the virtual network, where it is another one.
        vnet_resource_group("vnetResourceGroup"): Option<String> = Key::unset(Kind::Text)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// The route table, where the subnet has several.
        route_table_name("routeTableName"): Option<String> = Key::unset(Kind::Text)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// Which of Azure's clouds it is.
        cloud: String = Key::text("AzurePublicCloud").until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// Whether calls that fail are tried again ever later.
        cloud_provider_backoff("cloudProviderBackoff"): bool = Key::bool(false).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// How often they are tried again.
        cloud_provider_backoff_retries("cloudProviderBackoffRetries"): i64 = Key::integer(0).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// By how much each wait is longer than the one before.
        cloud_provider_backoff_exponent("cloudProviderBackoffExponent"): i64 = Key::integer(0).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// How many seconds the first wait lasts.
        cloud_provider_backoff_duration("cloudProviderBackoffDuration"): i64 = Key::integer(0).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// How much waits differ by chance.
        cloud_provider_backoff_jitter("cloudProviderBackoffJitter"): i64 = Key::integer(0).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// Whether calls are held to a rate.
        cloud_provider_ratelimit("cloudProviderRatelimit"): bool = Key::bool(false).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// How many calls a second that rate is.
        cloud_provider_rate_limit_qps("cloudProviderRateLimitQPS"): i64 = Key::integer(0).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// How many calls may come at once.
        cloud_provider_rate_limit_bucket("cloudProviderRateLimitBucket"): i64 = Key::integer(0).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// Whether machines act with an identity of their own.
        use_managed_identity_extension("useManagedIdentityExtension"): bool = Key::bool(false).until(3, 2, 0)
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
    }
}
