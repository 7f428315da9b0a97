//! Decides nothing: roles, bindings and requests as data.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::selector::LabelSelector;

/// Roles and bindings of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rbac {
    /// Roles and cluster roles.
    pub roles: Vec<KubernetesRole>,
    /// Role bindings and cluster role bindings.
    pub bindings: Vec<Binding>,
}

/// The two kinds of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RoleKind {
    /// Of one namespace.
    Role,
    /// Of the cluster.
    ClusterRole,
}

/// The two kinds of bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BindingKind {
    /// For one namespace.
    RoleBinding,
    /// For the cluster.
    ClusterRoleBinding,
}

/// A role or cluster role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesRole {
    /// Which of the two.
    pub kind: RoleKind,
    /// Its name.
    pub name: String,
    /// The namespace of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its labels, by which aggregation selects it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Selectors of an aggregated cluster role: any of them selects (R85). Without meaning for the role of a
    /// namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Vec<LabelSelector>>,
    /// Its rules; without effect in an aggregated cluster role.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// What one rule allows: resources or URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// Verbs, `*` for all.
    pub verbs: Vec<String>,
    /// API groups, empty text for the core group, `*` for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// Resources: `pods`, `pods/log`, `*`, `*/scale` (R81).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Object names; none for any (R83).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// URL paths, with a star at the end for a prefix (R84).
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
}

/// A binding of a role to subjects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// For a namespace or for the cluster.
    pub kind: BindingKind,
    /// Its name, unique among the bindings of its kind and namespace. Bindings without a name are all different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace of a role binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The role.
    pub role: RoleRef,
    /// Who gets it.
    #[serde(default)]
    pub subjects: Vec<BindingSubject>,
}

/// A role by name. A reference to a missing role does nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRef {
    /// A role is looked up in the binding's namespace.
    pub kind: RoleKind,
    /// Its name.
    pub name: String,
}

/// Whom a binding reaches. Names are literal: `*` is a user called `*` (R89).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
pub enum BindingSubject {
    /// A user.
    User {
        /// Its name.
        name: String,
    },
    /// A group.
    Group {
        /// Its name.
        name: String,
    },
    /// A service account.
    ServiceAccount {
        /// Its name.
        name: String,
        /// Its namespace; that of the role binding when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
    },
}

/// A request to the Kubernetes API, as the API server sees it after it knows who asks.
///
/// Either `resource` or `path` is present; a request with both or with neither is allowed to nobody but
/// `system:masters`. Empty text counts as absent in `subresource`, `name` and `namespace`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The user name that Kubernetes sees: the account id (R82).
    pub user: String,
    /// The groups of the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The verb.
    pub verb: String,
    /// The API group, empty for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource; absent for a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The name of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace; absent for cluster-scoped objects and lists over all namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The path of a request that is not about a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Request {
    /// The namespace that the request is inside of; none for the whole cluster. One Namespace object counts as
    /// inside itself (R80).
    ///
    /// ```
    /// use mke_rbac::kubernetes::Request;
    /// let one = Request { resource: Some("namespaces".into()), name: Some("blue".into()), ..Request::default() };
    /// assert_eq!(one.scope(), Some("blue"));
    /// let all = Request { name: None, ..one };
    /// assert_eq!(all.scope(), None);
    /// ```
    pub fn scope(&self) -> Option<&str> {
        let one_namespace = self.group.is_empty() && self.resource.as_deref() == Some("namespaces");
        let named = || self.name.as_deref().filter(|_| one_namespace);
        present(&self.namespace).or_else(|| named().filter(|name| !name.is_empty()))
    }
}

/// The text, unless it is empty.
pub(super) fn present(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

impl RoleKind {
    /// The word in manifests.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
        }
    }

    /// The resource of the Kubernetes API.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Role => "roles",
            Self::ClusterRole => "clusterroles",
        }
    }
}

impl BindingKind {
    /// The word in manifests.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RoleBinding => "RoleBinding",
            Self::ClusterRoleBinding => "ClusterRoleBinding",
        }
    }

    /// The resource of the Kubernetes API.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::RoleBinding => "rolebindings",
            Self::ClusterRoleBinding => "clusterrolebindings",
        }
    }
}

impl fmt::Display for RoleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for BindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// `ClusterRole view`
impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// `User jane`, `Group devs`, `ServiceAccount builds:runner`
impl fmt::Display for BindingSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { name } => write!(f, "User {name}"),
            Self::Group { name } => write!(f, "Group {name}"),
            Self::ServiceAccount { name, namespace } => match namespace {
                Some(namespace) => write!(f, "ServiceAccount {namespace}:{name}"),
                None => write!(f, "ServiceAccount {name}"),
            },
        }
    }
}

/// `RoleBinding blue/readers`, `ClusterRoleBinding admins`
impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "of {}", self.role),
        }
    }
}

/// `Role blue/reader`, `ClusterRole view`
impl fmt::Display for KubernetesRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}
