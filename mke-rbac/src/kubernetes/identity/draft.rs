//! Decides which binding gives a role to somebody, chosen by hand: one subject, one place, one role.

use super::super::model::{Binding, BindingKind, BindingSubject, RoleKind, RoleRef};
use super::Directory;

/// Where a role is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// In one namespace. Namespaces lie flat: there is none inside another.
    Namespace(String),
    /// In all namespaces, also in those to come, and for what lies in none.
    AllNamespaces,
}

/// Why there is no such binding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A role of one namespace for all of them.
    #[error("{0} lies in one namespace; choose a ClusterRole for all namespaces")]
    LocalRole(RoleRef),
    /// Nobody has this name.
    #[error("there is no account for {0}")]
    UnknownSubject(BindingSubject),
    /// No name of a namespace.
    #[error("`{0}` is no name of a namespace: 1 to 63 small letters, digits and inner hyphens")]
    Namespace(String),
    /// A service account that says no namespace, for all namespaces.
    #[error("the namespace of {0} is missing")]
    AccountWithoutNamespace(BindingSubject),
}

impl Directory {
    /// The binding that gives a role to somebody (K8S-003): to a user, an organization or a team of this
    /// directory, by name or id, or to a service account. All namespaces can only be chosen with a cluster role.
    ///
    /// # Errors
    /// See [`DraftError`]. Unknown people are refused here, although a manifest may name them.
    ///
    /// ```
    /// use mke_rbac::kubernetes::identity::{Directory, DraftError, Scope};
    /// use mke_rbac::kubernetes::{BindingSubject, RoleKind, RoleRef};
    /// # use mke_rbac::model::{Model, User};
    /// # let model = Model { users: vec![User { id: "u-1".into(), name: "jane".into(), admin: false, active: true,
    /// #     private_collection: None, default_collection: None }], ..Model::default() };
    /// let directory = Directory::new(&model);
    /// let jane = BindingSubject::User { name: "jane".into() };
    /// let view = RoleRef { kind: RoleKind::ClusterRole, name: "view".into() };
    /// let binding = directory.draft(&jane, &Scope::Namespace("blue".into()), &view)?;
    /// assert_eq!(binding.to_string(), "RoleBinding blue/u-1:view");
    ///
    /// let local = RoleRef { kind: RoleKind::Role, ..view };
    /// let error = directory.draft(&jane, &Scope::AllNamespaces, &local).unwrap_err();
    /// assert_eq!(error.to_string(), "Role view lies in one namespace; choose a ClusterRole for all namespaces");
    /// # Ok::<_, DraftError>(())
    /// ```
    pub fn draft(
        &self,
        subject: &BindingSubject,
        scope: &Scope,
        role: &RoleRef,
    ) -> Result<Binding, DraftError> {
        let namespace = match scope {
            Scope::AllNamespaces if role.kind == RoleKind::Role => {
                return Err(DraftError::LocalRole(role.clone()));
            }
            Scope::AllNamespaces => None,
            Scope::Namespace(namespace) if !is_label(namespace) => {
                return Err(DraftError::Namespace(namespace.clone()));
            }
            Scope::Namespace(namespace) => Some(namespace.clone()),
        };
        let subject = self.rewrite(subject);
        let known = match &subject {
            BindingSubject::User { name } => self.is_user(name),
            BindingSubject::Group { name } => self.is_group(name),
            BindingSubject::ServiceAccount { namespace: own, .. } => {
                if own.is_none() && namespace.is_none() {
                    return Err(DraftError::AccountWithoutNamespace(subject));
                }
                true
            }
        };
        if !known {
            return Err(DraftError::UnknownSubject(subject));
        }
        let whom = match &subject {
            BindingSubject::User { name } | BindingSubject::Group { name } => name.clone(),
            BindingSubject::ServiceAccount { name, namespace: own } => {
                let own = own.as_ref().or(namespace.as_ref());
                format!("{}:{name}", own.map_or("", String::as_str))
            }
        };
        Ok(Binding {
            kind: match namespace {
                Some(_) => BindingKind::RoleBinding,
                None => BindingKind::ClusterRoleBinding,
            },
            name: Some(format!("{whom}:{}", role.name)),
            namespace,
            role: role.clone(),
            subjects: vec![subject],
        })
    }
}

/// Whether a text is a label of the domain name system, as names of namespaces are.
fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
