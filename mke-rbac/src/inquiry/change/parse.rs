//! Changes as text: a list in YAML or JSON, and the short forms of a command line.

use std::str::FromStr;

use mke_core::causes::chain;
use serde::Deserialize;
use serde_json::Value;

use super::{GrantForm, WhatIf};
use crate::inquiry::InquiryError;
use crate::inquiry::read::fields;
use crate::kubernetes::{BindingKey, BindingKind, KubernetesChange, Rbac, RoleKey, RoleKind};

/// Reads a list of changes, YAML or JSON: the list itself, or an object with the list as `changes`.
///
/// ```
/// let changes = mke_rbac::inquiry::changes("
/// - add-member: {user: jane, to: team:dev/web}
/// - remove-collection: /Old
/// ")?;
/// assert_eq!(changes.len(), 2);
/// # Ok::<_, mke_rbac::inquiry::InquiryError>(())
/// ```
///
/// # Errors
/// [`InquiryError::Field`] for what is no change.
pub fn changes(text: &str) -> Result<Vec<WhatIf>, InquiryError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        changes: Vec<WhatIf>,
    }
    // Through JSON, because YAML writes choices with tags that nobody types.
    let value: Value = crate::yaml::from_str(text)
        .map_err(|error| InquiryError::field(".", format!("is no YAML: {}", chain(&error))))?;
    match value {
        Value::Array(_) => fields(value).map_err(|error| error.within("changes")),
        value => fields::<File>(value).map(|file| file.changes),
    }
}

/// Why a short form is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not of the form {form}")]
pub struct FlagError {
    found: String,
    form: &'static str,
}

fn wrong(found: &str, form: &'static str) -> FlagError {
    FlagError {
        found: found.to_owned(),
        form,
    }
}

/// `user:jane,viewonly,/Prod`. The role may hold commas as long as no slash follows one.
impl FromStr for GrantForm {
    type Err = FlagError;

    fn from_str(text: &str) -> Result<Self, FlagError> {
        let parts = || {
            let (subject, rest) = text.split_once(',')?;
            let at = rest.find(",/")?;
            let (role, collection) = (rest.get(..at)?, rest.get(at + 1..)?);
            let filled = !subject.is_empty() && !role.is_empty();
            filled.then(|| Self {
                subject: subject.to_owned(),
                role: role.to_owned(),
                collection: collection.to_owned(),
            })
        };
        parts().ok_or_else(|| wrong(text, "SUBJECT,ROLE,/COLLECTION, such as user:jane,viewonly,/Prod"))
    }
}

impl WhatIf {
    /// `jane=team:dev/web` as joining.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn joining(text: &str) -> Result<Self, FlagError> {
        let (user, to) = membership(text)?;
        Ok(Self::AddMember { user, to })
    }

    /// `jane=team:dev/web` as leaving.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn leaving(text: &str) -> Result<Self, FlagError> {
        let (user, from) = membership(text)?;
        Ok(Self::RemoveMember { user, from })
    }

    /// `/old/path=/new/path` as a move.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn moving(text: &str) -> Result<Self, FlagError> {
        match text.split_once("=/") {
            Some((from, to)) if from.starts_with('/') => Ok(Self::MoveCollection {
                from: from.to_owned(),
                to: format!("/{to}"),
            }),
            _ => Err(wrong(text, "/OLD=/NEW")),
        }
    }

    /// Every role and binding of manifests, put.
    ///
    /// # Errors
    /// When the text holds anything that is no role or binding.
    pub fn applying(manifests: &str) -> Result<Vec<Self>, InquiryError> {
        let rbac = Rbac::from_manifests(manifests)
            .map_err(|error| InquiryError::field("manifests", chain(&error)))?;
        let roles = rbac.roles.into_iter().map(KubernetesChange::PutRole);
        let bindings = rbac.bindings.into_iter().map(KubernetesChange::PutBinding);
        Ok(roles.chain(bindings).map(Self::Kubernetes).collect())
    }

    /// `clusterrole/NAME`, `clusterrolebinding/NAME`, `role/NAMESPACE/NAME` or `rolebinding/NAMESPACE/NAME`, removed.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn deleting(text: &str) -> Result<Self, FlagError> {
        const FORM: &str =
            "clusterrole/NAME, clusterrolebinding/NAME, role/NAMESPACE/NAME or rolebinding/NAMESPACE/NAME";
        let parts: Vec<_> = text.split('/').collect();
        let owned = |text: &str| text.to_owned();
        let change = match parts[..] {
            ["clusterrole", name] => KubernetesChange::RemoveRole(RoleKey {
                kind: RoleKind::ClusterRole,
                namespace: None,
                name: owned(name),
            }),
            ["role", namespace, name] => KubernetesChange::RemoveRole(RoleKey {
                kind: RoleKind::Role,
                namespace: Some(owned(namespace)),
                name: owned(name),
            }),
            ["clusterrolebinding", name] => KubernetesChange::RemoveBinding(BindingKey {
                kind: BindingKind::ClusterRoleBinding,
                namespace: None,
                name: owned(name),
            }),
            ["rolebinding", namespace, name] => KubernetesChange::RemoveBinding(BindingKey {
                kind: BindingKind::RoleBinding,
                namespace: Some(owned(namespace)),
                name: owned(name),
            }),
            _ => return Err(wrong(text, FORM)),
        };
        Ok(Self::Kubernetes(change))
    }
}

fn membership(text: &str) -> Result<(String, String), FlagError> {
    match text.split_once('=') {
        Some((user, group)) if !user.is_empty() && !group.is_empty() => {
            Ok((user.to_owned(), group.to_owned()))
        }
        _ => Err(wrong(text, "USER=team:ORG/TEAM or USER=org:ORG")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms() {
        let grant: GrantForm = "user:jane,View, Use,/Prod/a,b".parse().unwrap();
        assert_eq!(
            (grant.role.as_str(), grant.collection.as_str()),
            ("View, Use", "/Prod/a,b")
        );
        for wrong in [
            "",
            "user:jane",
            "user:jane,viewonly",
            "user:jane,,/Prod",
            ",viewonly,/Prod",
            "user:jane,viewonly,Prod",
        ] {
            assert!(wrong.parse::<GrantForm>().is_err(), "{wrong}");
        }
        assert!(WhatIf::joining("jane=team:a/b").is_ok());
        assert!(WhatIf::joining("jane").is_err() && WhatIf::leaving("=org:a").is_err());
        assert!(WhatIf::moving("/a=/b").is_ok());
        assert!(WhatIf::moving("a=/b").is_err() && WhatIf::moving("/a=b").is_err());
        assert!(WhatIf::deleting("rolebinding/blue/x").is_ok());
        assert!(WhatIf::deleting("rolebinding/x").is_err() && WhatIf::deleting("pod/x").is_err());
        assert!(changes("- nonsense").is_err() && changes("a: [").is_err());
        assert!(changes("{changes: [{remove-user: jane}], more: 1}").is_err());
    }
}
