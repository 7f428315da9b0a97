//! Kubernetes role-based access control, as far as questions need it: does a rule of a bound role match a
//! request (R80 to R85, R89, R90)?
//!
//! Rights only add up. Nothing of the Swarm side reaches in here, and nothing here reaches the Swarm side.
//! Admission, escalation checks and impersonation are not judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The group whose members pass everything (R90).
const MASTERS: &str = "system:masters";

/// Roles and bindings of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rbac {
    /// Roles and cluster roles.
    pub roles: Vec<KubernetesRole>,
    /// Role bindings and cluster role bindings.
    pub bindings: Vec<Binding>,
}

/// The two kinds of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoleKind {
    /// Of one namespace.
    Role,
    /// Of the cluster.
    ClusterRole,
}

/// The two kinds of bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingKind {
    /// For one namespace.
    RoleBinding,
    /// For the cluster.
    ClusterRoleBinding,
}

/// A role or cluster role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Selectors of an aggregated cluster role: any of them, each with all its labels (R85).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Vec<BTreeMap<String, String>>>,
    /// Its rules; without effect in an aggregated cluster role.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// What one rule allows: resources or URLs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// For a namespace or for the cluster.
    pub kind: BindingKind,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRef {
    /// A role is looked up in the binding's namespace.
    pub kind: RoleKind,
    /// Its name.
    pub name: String,
}

/// Whom a binding reaches. Names are literal: `*` is a user called `*` (R89).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// A request to the Kubernetes API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The user name that Kubernetes sees: the account id (R82).
    pub user: String,
    /// The groups of the user.
    pub groups: Vec<String>,
    /// The verb.
    pub verb: String,
    /// The API group, empty for the core group.
    pub group: String,
    /// The resource; absent for a URL.
    pub resource: Option<String>,
    /// The subresource.
    pub subresource: Option<String>,
    /// The name of the object.
    pub name: Option<String>,
    /// The namespace; absent for cluster-scoped objects and lists over all namespaces.
    pub namespace: Option<String>,
    /// The path of a request that is not about a resource.
    pub path: Option<String>,
}

impl Rbac {
    /// Whether any rule of any applicable binding allows the request.
    pub fn allows(&self, request: &Request) -> bool {
        if request.groups.iter().any(|group| group == MASTERS) {
            return true;
        }
        self.bindings
            .iter()
            .filter(|binding| binding.applies(request))
            .any(|binding| {
                let rules = self.rules(binding);
                rules.iter().any(|rule| rule.matches(request, binding.kind))
            })
    }

    /// The rules that a binding gives; none when it refers to a missing role, or when a cluster role binding
    /// refers to the role of a namespace.
    fn rules(&self, binding: &Binding) -> Vec<&Rule> {
        let role = self.roles.iter().find(|role| {
            role.kind == binding.role.kind
                && role.name == binding.role.name
                && match role.kind {
                    RoleKind::ClusterRole => true,
                    RoleKind::Role => {
                        binding.kind == BindingKind::RoleBinding && role.namespace == binding.namespace
                    }
                }
        });
        role.map(|role| self.rules_of(role)).unwrap_or_default()
    }

    /// The rules of a role. An aggregated cluster role has those of every cluster role that it selects, which
    /// may be aggregated in turn (R85).
    fn rules_of<'r>(&'r self, role: &'r KubernetesRole) -> Vec<&'r Rule> {
        let mut rules = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let mut waiting = vec![role];
        while let Some(role) = waiting.pop() {
            if seen.contains(&role.name.as_str()) {
                continue;
            }
            match &role.aggregate {
                Some(selectors) if role.kind == RoleKind::ClusterRole => {
                    seen.push(&role.name);
                    let selected = self.roles.iter().filter(|other| {
                        other.kind == RoleKind::ClusterRole
                            && selectors.iter().any(|selector| selects(selector, &other.labels))
                    });
                    waiting.extend(selected);
                }
                _ => rules.extend(&role.rules),
            }
        }
        rules
    }
}

fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

impl Binding {
    fn applies(&self, request: &Request) -> bool {
        let in_scope = match self.kind {
            BindingKind::ClusterRoleBinding => true,
            BindingKind::RoleBinding => {
                self.namespace.is_some() && self.namespace.as_deref() == request.scope()
            }
        };
        in_scope && self.subjects.iter().any(|subject| self.reaches(subject, request))
    }

    fn reaches(&self, subject: &BindingSubject, request: &Request) -> bool {
        match subject {
            BindingSubject::User { name } => *name == request.user,
            BindingSubject::Group { name } => request.groups.contains(name),
            BindingSubject::ServiceAccount { name, namespace } => {
                match namespace.as_deref().or(self.namespace.as_deref()) {
                    Some(namespace) => request.user == format!("system:serviceaccount:{namespace}:{name}"),
                    None => false,
                }
            }
        }
    }
}

impl Request {
    /// The namespace that the request is inside of. One Namespace object counts as inside itself (R80).
    fn scope(&self) -> Option<&str> {
        let one_namespace = self.group.is_empty() && self.resource.as_deref() == Some("namespaces");
        match &self.namespace {
            Some(namespace) => Some(namespace),
            None if one_namespace => self.name.as_deref(),
            None => None,
        }
    }
}

impl Rule {
    fn matches(&self, request: &Request, bound_by: BindingKind) -> bool {
        if !holds(&self.verbs, &request.verb) {
            return false;
        }
        match (&request.path, &request.resource) {
            (Some(path), None) => {
                bound_by == BindingKind::ClusterRoleBinding
                    && self.non_resource_urls.iter().any(|url| url_matches(url, path))
            }
            (None, Some(resource)) => {
                holds(&self.api_groups, &request.group)
                    && self.matches_resource(resource, request.subresource.as_deref())
                    && self.matches_name(request)
            }
            _ => false,
        }
    }

    fn matches_resource(&self, resource: &str, subresource: Option<&str>) -> bool {
        self.resources.iter().any(|rule| match subresource {
            _ if rule == "*" => true,
            None => rule == resource,
            Some(subresource) => match rule.split_once('/') {
                Some(("*", wanted)) => wanted == subresource,
                Some((parent, wanted)) => parent == resource && wanted == subresource,
                None => false,
            },
        })
    }

    fn matches_name(&self, request: &Request) -> bool {
        let name = request.name.as_deref().filter(|name| !name.is_empty());
        self.resource_names.is_empty()
            || name.is_some_and(|name| self.resource_names.iter().any(|allowed| allowed == name))
    }
}

fn holds(allowed: &[String], wanted: &str) -> bool {
    allowed.iter().any(|item| item == "*" || item == wanted)
}

fn url_matches(rule: &str, path: &str) -> bool {
    match rule.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => rule == path,
    }
}
