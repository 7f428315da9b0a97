//! Decides whether somebody may act as somebody else (R88).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::authorizer::Authorizer;
use super::identity::{self, Identity};
use super::model::Request;

/// The API group of the extra fields of users.
const AUTHENTICATION_GROUP: &str = "authentication.k8s.io";

/// As whom somebody wants to act: the values of the `Impersonate-*` headers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Impersonation {
    /// The user name; that of a service account means the service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Extra fields by key, in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Why an impersonation makes no sense, whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ImpersonationError {
    /// Nobody is named.
    #[error("nobody is named to act as; name a user")]
    Nobody,
    /// Groups or extra fields without a user.
    #[error("groups and extra fields can only be taken on together with a user; name a user too")]
    WithoutUser,
}

/// Whether somebody may act as somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImpersonationDecision {
    /// Yes: further requests are decided for this identity.
    Allowed(Identity),
    /// No: each permission that is missing.
    Denied(Vec<Request>),
    /// The request is wrong.
    Error(ImpersonationError),
}

impl ImpersonationDecision {
    /// Whether the impersonation may go on.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

impl Impersonation {
    /// What must be allowed: one request for the user, each group and each value of an extra field.
    ///
    /// # Errors
    /// See [`ImpersonationError`].
    pub fn requests(&self, user: &str, groups: &[String]) -> Result<Vec<Request>, ImpersonationError> {
        let target = self.user.as_deref().filter(|name| !name.is_empty());
        let Some(target) = target else {
            let alone = self.groups.is_empty() && self.extra.is_empty();
            return Err(match alone {
                true => ImpersonationError::Nobody,
                false => ImpersonationError::WithoutUser,
            });
        };
        let request = |resource: &str, name: &str| Request {
            user: user.to_owned(),
            groups: groups.to_vec(),
            verb: "impersonate".to_owned(),
            resource: Some(resource.to_owned()),
            name: Some(name.to_owned()),
            ..Request::default()
        };
        let mut requests = vec![match identity::split_service_account(target) {
            Some((namespace, name)) => Request {
                namespace: Some(namespace.to_owned()),
                ..request("serviceaccounts", name)
            },
            None => request("users", target),
        }];
        requests.extend(self.groups.iter().map(|group| request("groups", group)));
        for (key, values) in &self.extra {
            requests.extend(values.iter().map(|value| Request {
                group: AUTHENTICATION_GROUP.to_owned(),
                subresource: Some(key.clone()),
                ..request("userextras", value)
            }));
        }
        Ok(requests)
    }

    /// Who the requests come from when the impersonation is allowed. A service account has its groups unless
    /// others are named; everybody but `system:anonymous` is authenticated.
    fn identity(&self) -> Identity {
        let user = self.user.clone().unwrap_or_default();
        let mut groups = self.groups.clone();
        if groups.is_empty()
            && let Some((namespace, _)) = identity::split_service_account(&user)
        {
            groups = identity::service_account_groups(namespace);
        }
        let standing = match user == identity::ANONYMOUS {
            true => identity::UNAUTHENTICATED,
            false => identity::AUTHENTICATED,
        };
        let stands = |group: &String| group == identity::AUTHENTICATED || group == identity::UNAUTHENTICATED;
        if !groups.iter().any(stands) {
            groups.push(standing.to_owned());
        }
        Identity { user, groups }
    }
}

impl Authorizer {
    /// Whether somebody may act as somebody else: verb `impersonate` on the user or service account, on each
    /// group and on each extra field (R88).
    ///
    /// ```
    /// use mke_rbac::kubernetes::{Authorizer, Impersonation, Rbac};
    /// let rbac = Rbac::from_manifests(r#"
    /// {kind: ClusterRole, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: as-jane},
    ///  rules: [{verbs: [impersonate], apiGroups: [''], resources: [users], resourceNames: [jane]}]}
    /// ---
    /// {kind: ClusterRoleBinding, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: proxy},
    ///  roleRef: {kind: ClusterRole, name: as-jane}, subjects: [{kind: User, name: proxy}]}
    /// "#)?;
    /// let authorizer = Authorizer::compile(&rbac);
    /// let jane = Impersonation { user: Some("jane".into()), ..Impersonation::default() };
    /// assert!(authorizer.may_impersonate("proxy", &[], &jane).is_allowed());
    /// let boss = Impersonation { groups: vec!["bosses".into()], ..jane };
    /// assert!(!authorizer.may_impersonate("proxy", &[], &boss).is_allowed());
    /// # Ok::<_, mke_rbac::kubernetes::ManifestError>(())
    /// ```
    pub fn may_impersonate(
        &self,
        user: &str,
        groups: &[String],
        target: &Impersonation,
    ) -> ImpersonationDecision {
        match target.requests(user, groups) {
            Err(error) => ImpersonationDecision::Error(error),
            Ok(mut requests) => {
                requests.retain(|request| !self.allows(request));
                match requests.is_empty() {
                    true => ImpersonationDecision::Allowed(target.identity()),
                    false => ImpersonationDecision::Denied(requests),
                }
            }
        }
    }
}
