//! The ordered list of admission plugins, and which of them may be switched off (ADM-001, ADM-004).

use std::fmt;

use serde::{Deserialize, Serialize};

/// One admission plugin.
///
/// ```
/// use mke_rbac::admission::{Plugin, Work};
///
/// assert_eq!(Plugin::from_name("UCPAuthorization"), Some(Plugin::UcpAuthorization));
/// assert!(Plugin::UcpAuthorization.is_custom(), "so nobody can switch it off");
/// assert_eq!(Plugin::ValidatingAdmissionWebhook.work(), Work::Elsewhere);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Plugin {
    /// Not a plugin: what must be right before any plugin can look.
    #[serde(rename = "Request")]
    Request,
    /// Nothing new in missing or terminating namespaces; some namespaces cannot be deleted.
    NamespaceLifecycle,
    /// Identities, built-in objects, host paths and privileged options.
    #[serde(rename = "UCPAuthorization")]
    UcpAuthorization,
    /// Image signatures.
    CheckImageSigning,
    /// Where pods may run: tolerations, affinity, and nodes as the way around them.
    #[serde(rename = "UCPNodeSelector")]
    UcpNodeSelector,
    /// Defaults and bounds of a namespace's limit ranges.
    LimitRanger,
    /// Every pod has a service account.
    ServiceAccount,
    /// What a kubelet may change.
    NodeRestriction,
    /// Pod security policies.
    PodSecurityPolicy,
    /// Node selectors of namespaces.
    PodNodeSelector,
    /// Five minutes on a node that is not ready or not reachable.
    DefaultTolerationSeconds,
    /// Zone labels of volumes from the cloud provider.
    PersistentVolumeLabel,
    /// The storage class of claims that name none.
    DefaultStorageClass,
    /// Webhooks that change objects.
    MutatingAdmissionWebhook,
    /// Webhooks that judge objects.
    ValidatingAdmissionWebhook,
    /// Quotas of a namespace.
    ResourceQuota,
}

/// What a plugin does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// It may change the object, and judges it.
    Mutates,
    /// It only judges.
    Validates,
    /// It needs a network or a cloud, so this crate lists it and does no more.
    Elsewhere,
}

impl Plugin {
    /// All plugins in the order in which they run: all that mutate, then all that validate.
    pub const ALL: [Self; 15] = [
        Self::NamespaceLifecycle,
        Self::UcpAuthorization,
        Self::CheckImageSigning,
        Self::UcpNodeSelector,
        Self::LimitRanger,
        Self::ServiceAccount,
        Self::NodeRestriction,
        Self::PodSecurityPolicy,
        Self::PodNodeSelector,
        Self::DefaultTolerationSeconds,
        Self::PersistentVolumeLabel,
        Self::DefaultStorageClass,
        Self::MutatingAdmissionWebhook,
        Self::ValidatingAdmissionWebhook,
        Self::ResourceQuota,
    ];

    /// The name by which operators know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::NamespaceLifecycle => "NamespaceLifecycle",
            Self::UcpAuthorization => "UCPAuthorization",
            Self::CheckImageSigning => "CheckImageSigning",
            Self::UcpNodeSelector => "UCPNodeSelector",
            Self::LimitRanger => "LimitRanger",
            Self::ServiceAccount => "ServiceAccount",
            Self::NodeRestriction => "NodeRestriction",
            Self::PodSecurityPolicy => "PodSecurityPolicy",
            Self::PodNodeSelector => "PodNodeSelector",
            Self::DefaultTolerationSeconds => "DefaultTolerationSeconds",
            Self::PersistentVolumeLabel => "PersistentVolumeLabel",
            Self::DefaultStorageClass => "DefaultStorageClass",
            Self::MutatingAdmissionWebhook => "MutatingAdmissionWebhook",
            Self::ValidatingAdmissionWebhook => "ValidatingAdmissionWebhook",
            Self::ResourceQuota => "ResourceQuota",
        }
    }

    /// The plugin of this name, exactly as spelled.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plugin| plugin.name() == name)
    }

    /// Whether the plugin belongs to the product rather than to Kubernetes. Custom plugins are always on (ADM-004).
    pub const fn is_custom(self) -> bool {
        matches!(
            self,
            Self::Request | Self::UcpAuthorization | Self::CheckImageSigning | Self::UcpNodeSelector
        )
    }

    /// Whether upstream has given the plugin up.
    pub const fn is_deprecated(self) -> bool {
        matches!(self, Self::PersistentVolumeLabel)
    }

    /// What the plugin does here.
    pub const fn work(self) -> Work {
        match self {
            Self::UcpAuthorization
            | Self::UcpNodeSelector
            | Self::LimitRanger
            | Self::ServiceAccount
            | Self::PodSecurityPolicy
            | Self::PodNodeSelector
            | Self::DefaultTolerationSeconds
            | Self::DefaultStorageClass => Work::Mutates,
            Self::Request
            | Self::NamespaceLifecycle
            | Self::CheckImageSigning
            | Self::NodeRestriction
            | Self::ResourceQuota => Work::Validates,
            Self::PersistentVolumeLabel
            | Self::MutatingAdmissionWebhook
            | Self::ValidatingAdmissionWebhook => Work::Elsewhere,
        }
    }

    /// One sentence for lists.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Request => "the request and its object fit together",
            Self::NamespaceLifecycle => {
                "refuses new objects in missing or terminating namespaces, keeps default, kube-system and kube-public"
            }
            Self::UcpAuthorization => {
                "turns names into ids, notes identities, keeps cluster-admin, and leaves privileged options to those who may use them"
            }
            Self::CheckImageSigning => "refuses images without the required signatures",
            Self::UcpNodeSelector => "keeps pods off nodes that are not for them",
            Self::LimitRanger => "applies the defaults and bounds of limit ranges",
            Self::ServiceAccount => "gives every pod a service account and its token",
            Self::NodeRestriction => "limits kubelets to their own node and its pods",
            Self::PodSecurityPolicy => {
                "admits pods that a policy allows to the requester or the pod's service account"
            }
            Self::PodNodeSelector => "applies the node selector of the namespace",
            Self::DefaultTolerationSeconds => {
                "lets pods stay 300 seconds on nodes that are not ready or unreachable"
            }
            Self::PersistentVolumeLabel => {
                "adds the cloud's zone labels to volumes (deprecated; listed only)"
            }
            Self::DefaultStorageClass => "gives claims without a class the default one",
            Self::MutatingAdmissionWebhook => "calls webhooks that change objects (listed only)",
            Self::ValidatingAdmissionWebhook => "calls webhooks that judge objects (listed only)",
            Self::ResourceQuota => "keeps a namespace within its quotas",
        }
    }
}

impl fmt::Display for Plugin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
