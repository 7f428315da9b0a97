//! Decides nothing: one change of the roles and bindings of a cluster.

use serde::{Deserialize, Serialize};

use super::model::{Binding, BindingKind, KubernetesRole, RoleKind};

/// One change. Aggregated roles follow by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KubernetesChange {
    /// A new role, or new contents of the role with this kind, namespace and name.
    PutRole(KubernetesRole),
    /// A role goes; its bindings stay and give nothing.
    RemoveRole(RoleKey),
    /// A new binding, or new contents of the binding with this kind, namespace and name. A binding without a name
    /// is always a new one.
    PutBinding(Binding),
    /// A binding goes. One without a name cannot be removed.
    RemoveBinding(BindingKey),
}

/// Which role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleKey {
    /// The kind.
    pub kind: RoleKind,
    /// The namespace of a role; without meaning for a cluster role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// Which binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingKey {
    /// The kind.
    pub kind: BindingKind,
    /// The namespace of a role binding; without meaning for a cluster role binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl KubernetesRole {
    /// What identifies the role.
    pub fn key(&self) -> RoleKey {
        RoleKey {
            kind: self.kind,
            namespace: self.namespace.clone().filter(|_| self.kind == RoleKind::Role),
            name: self.name.clone(),
        }
    }
}

impl Binding {
    /// What identifies the binding; nothing when it has no name.
    pub fn key(&self) -> Option<BindingKey> {
        Some(BindingKey {
            kind: self.kind,
            namespace: self
                .namespace
                .clone()
                .filter(|_| self.kind == BindingKind::RoleBinding),
            name: self.name.clone()?,
        })
    }

    /// Whether [`Binding::key`] is this.
    pub(super) fn has_key(&self, key: &BindingKey) -> bool {
        let namespace = self.namespace.as_deref();
        let namespace = namespace.filter(|_| self.kind == BindingKind::RoleBinding);
        self.kind == key.kind
            && self.name.as_deref() == Some(&key.name)
            && namespace == key.namespace.as_deref()
    }

    /// The role that the binding refers to: for a [`RoleKind::Role`] that of its own namespace. None when it can
    /// refer to nothing, as a cluster role binding to the role of a namespace.
    pub fn role_key(&self) -> Option<RoleKey> {
        let namespace = match (self.role.kind, self.kind) {
            (RoleKind::ClusterRole, _) => None,
            (RoleKind::Role, BindingKind::RoleBinding) => Some(self.namespace.clone()?),
            (RoleKind::Role, BindingKind::ClusterRoleBinding) => return None,
        };
        Some(RoleKey {
            kind: self.role.kind,
            namespace,
            name: self.role.name.clone(),
        })
    }
}
