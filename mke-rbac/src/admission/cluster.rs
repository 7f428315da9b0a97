//! What plugins know about the cluster: its objects, its roles and bindings, its accounts and image signatures.
//! A snapshot; nothing in it changes.

use std::collections::BTreeMap;

use mke_core::ids::AccountId;
use serde_json::Value;

use super::accounts::Accounts;
use super::objects::Objects;
use super::psp::{PodSecurityPolicy, PolicyError};
use super::read::Unreadable;
use crate::kubernetes::identity::{self, SERVICE_ACCOUNTS};
use crate::kubernetes::{Authorizer, BindingKind, BindingSubject, ManifestError, Rbac, Request, RoleKind};
use crate::model::Model;

/// Who signed which image: the image as pods write it, and the accounts.
pub type Signatures = BTreeMap<String, Vec<AccountId>>;

/// The kinds that are roles and bindings.
const ROLE_KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];

/// Everything that is wrong with the objects of a cluster.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ClusterProblems(pub Vec<ClusterProblem>);

/// One object that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterProblem {
    /// A pod security policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Roles and bindings.
    #[error(transparent)]
    Role(#[from] ManifestError),
}

/// A cluster as admission sees it.
///
/// ```
/// use mke_rbac::admission::{Cluster, Objects};
/// use mke_rbac::model::Model;
///
/// let mut objects = Objects::defaults();
/// objects.read("{apiVersion: v1, kind: Namespace, metadata: {name: dev}}")?;
/// let cluster = Cluster::new(objects, &Model::default())?;
/// assert_eq!(cluster.policies().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["privileged", "unprivileged"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cluster {
    objects: Objects,
    authorizer: Authorizer,
    policies: BTreeMap<String, PodSecurityPolicy>,
    accounts: Accounts,
    identities: identity::Directory,
    signatures: Signatures,
}

impl Cluster {
    /// Takes objects and accounts together.
    ///
    /// # Errors
    /// Every policy, role and binding that cannot be used: a limit that is not understood must not be missed.
    pub fn new(objects: Objects, model: &Model) -> Result<Self, ClusterProblems> {
        let mut problems = Vec::new();
        let mut policies = BTreeMap::new();
        for (name, object) in objects.all("PodSecurityPolicy") {
            match PodSecurityPolicy::from_object(object) {
                Ok(policy) => {
                    policies.insert(name.to_owned(), policy);
                }
                Err(error) => problems.push(error.into()),
            }
        }
        let rbac = Rbac::from_manifests(&objects.list(&ROLE_KINDS)).unwrap_or_else(|error| {
            problems.push(error.into());
            Rbac::default()
        });
        if !problems.is_empty() {
            return Err(ClusterProblems(problems));
        }
        Ok(Self {
            objects,
            authorizer: Authorizer::compile(&rbac),
            policies,
            accounts: Accounts::from(model),
            identities: identity::Directory::new(model),
            signatures: Signatures::new(),
        })
    }

    /// The same with signatures of images.
    #[must_use]
    pub fn with_signatures(self, signatures: Signatures) -> Self {
        Self { signatures, ..self }
    }

    /// Its pod security policies, in order of name.
    pub fn policies(&self) -> impl Iterator<Item = &PodSecurityPolicy> {
        self.policies.values()
    }

    /// Its accounts.
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whether a service account has the cluster role `cluster-admin` everywhere: by a cluster role binding that
    /// names it, its user name, or the groups of service accounts. What everybody has does not count (ADM-008).
    pub fn is_cluster_admin(&self, namespace: &str, name: &str) -> bool {
        let user = identity::service_account_user(namespace, name);
        let groups = [
            SERVICE_ACCOUNTS.to_owned(),
            format!("{SERVICE_ACCOUNTS}:{namespace}"),
        ];
        let reaches = |subject: &BindingSubject| match subject {
            BindingSubject::User { name } => *name == user,
            BindingSubject::Group { name } => groups.contains(name),
            BindingSubject::ServiceAccount {
                name: bound,
                namespace: of,
            } => bound == name && of.as_deref() == Some(namespace),
        };
        self.authorizer.bindings().any(|binding| {
            binding.kind == BindingKind::ClusterRoleBinding
                && binding.role.kind == RoleKind::ClusterRole
                && binding.role.name == "cluster-admin"
                && binding.subjects.iter().any(reaches)
        })
    }

    pub(super) fn allows(&self, request: &Request) -> bool {
        self.authorizer.allows(request)
    }

    /// A subject of a binding with ids in the place of names.
    pub(super) fn rewrite(&self, subject: &BindingSubject) -> BindingSubject {
        self.identities.rewrite(subject)
    }

    pub(super) fn objects(&self) -> &Objects {
        &self.objects
    }

    pub(super) fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// An annotation of a namespace.
    pub(super) fn namespace_annotation(
        &self,
        namespace: &str,
        key: &str,
    ) -> Result<Option<&str>, Unreadable> {
        match self.objects.get("Namespace", None, namespace) {
            Some(object) => annotation(object, key),
            None => Ok(None),
        }
    }
}

/// An annotation of any object.
pub(super) fn annotation<'v>(object: &'v Value, key: &str) -> Result<Option<&'v str>, Unreadable> {
    match super::read::At::root(object).field("metadata")? {
        Some(metadata) => metadata.pair("annotations", key),
        None => Ok(None),
    }
}
