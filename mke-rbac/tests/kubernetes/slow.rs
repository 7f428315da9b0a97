//! Kubernetes rules in the most obvious way: every binding, every subject, every rule, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use mke_rbac::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, LabelOperator, LabelSelector, Rbac, Request,
    RoleKind, Rule,
};

pub(crate) fn allows(rbac: &Rbac, request: &Request) -> bool {
    if request.groups.iter().any(|group| group == "system:masters") {
        return true;
    }
    rbac.bindings.iter().any(|binding| {
        in_scope(binding, request)
            && binding
                .subjects
                .iter()
                .any(|subject| is(subject, binding, request))
            && rules_of_binding(rbac, binding)
                .iter()
                .any(|rule| matches(rule, binding, request))
    })
}

/// Users, groups and service accounts that a binding allows the request.
pub(crate) fn who_can(rbac: &Rbac, request: &Request) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for binding in &rbac.bindings {
        let rules = rules_of_binding(rbac, binding);
        if !in_scope(binding, request) || !rules.iter().any(|rule| matches(rule, binding, request)) {
            continue;
        }
        for subject in &binding.subjects {
            match subject {
                BindingSubject::User { name } => found.insert(format!("user {name}")),
                BindingSubject::Group { name } => found.insert(format!("group {name}")),
                BindingSubject::ServiceAccount { name, namespace } => {
                    match namespace.as_ref().or(binding.namespace.as_ref()) {
                        Some(namespace) => found.insert(format!("account {namespace}:{name}")),
                        None => false,
                    }
                }
            };
        }
    }
    found
}

/// Every rule that somebody holds in a scope.
pub(crate) fn rules_for(rbac: &Rbac, user: &str, groups: &[String], namespace: Option<&str>) -> Vec<Rule> {
    let asked = Request {
        user: user.to_owned(),
        groups: groups.to_vec(),
        namespace: namespace.map(str::to_owned),
        ..Request::default()
    };
    let bindings = rbac.bindings.iter().filter(|binding| {
        in_scope(binding, &asked)
            && binding
                .subjects
                .iter()
                .any(|subject| is(subject, binding, &asked))
    });
    bindings
        .flat_map(|binding| rules_of_binding(rbac, binding))
        .cloned()
        .collect()
}

fn in_scope(binding: &Binding, request: &Request) -> bool {
    let mut scope = request.namespace.clone().unwrap_or_default();
    let about_namespaces = request.group.is_empty() && request.resource.as_deref() == Some("namespaces");
    if scope.is_empty() && about_namespaces {
        scope = request.name.clone().unwrap_or_default();
    }
    match binding.kind {
        BindingKind::ClusterRoleBinding => true,
        BindingKind::RoleBinding => !scope.is_empty() && binding.namespace.as_ref() == Some(&scope),
    }
}

fn is(subject: &BindingSubject, binding: &Binding, request: &Request) -> bool {
    match subject {
        BindingSubject::User { name } => request.user == *name,
        BindingSubject::Group { name } => request.groups.contains(name),
        BindingSubject::ServiceAccount { name, namespace } => {
            let namespace = namespace.as_ref().or(binding.namespace.as_ref());
            namespace.is_some_and(|namespace| {
                request.user == ["system", "serviceaccount", namespace, name].join(":")
            })
        }
    }
}

fn rules_of_binding<'r>(rbac: &'r Rbac, binding: &Binding) -> Vec<&'r Rule> {
    let role = match (binding.role.kind, binding.kind) {
        (RoleKind::ClusterRole, _) => rbac
            .roles
            .iter()
            .find(|role| role.kind == RoleKind::ClusterRole && role.name == binding.role.name),
        (RoleKind::Role, BindingKind::RoleBinding) => rbac.roles.iter().find(|role| {
            role.kind == RoleKind::Role
                && role.name == binding.role.name
                && role.namespace == binding.namespace
        }),
        (RoleKind::Role, BindingKind::ClusterRoleBinding) => None,
    };
    role.map(|role| rules_of(rbac, role)).unwrap_or_default()
}

/// The rules of a role. An aggregated one has those of all that it selects, over any number of steps.
pub(crate) fn rules_of<'r>(rbac: &'r Rbac, role: &'r KubernetesRole) -> Vec<&'r Rule> {
    let cluster_roles: Vec<_> = rbac
        .roles
        .iter()
        .filter(|role| role.kind == RoleKind::ClusterRole)
        .collect();
    let aggregated = |role: &KubernetesRole| role.kind == RoleKind::ClusterRole && role.aggregate.is_some();
    if !aggregated(role) {
        return role.rules.iter().collect();
    }
    let mut reached: BTreeMap<&str, &KubernetesRole> = [(role.name.as_str(), role)].into();
    loop {
        let before = reached.len();
        for role in reached.clone().into_values() {
            for other in &cluster_roles {
                let selectors = role.aggregate.iter().flatten();
                if selectors
                    .into_iter()
                    .any(|selector| selects(selector, &other.labels))
                {
                    reached.entry(&other.name).or_insert(other);
                }
            }
        }
        if reached.len() == before {
            break;
        }
    }
    reached
        .into_values()
        .filter(|role| !aggregated(role))
        .flat_map(|role| &role.rules)
        .collect()
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    selector
        .labels
        .iter()
        .all(|label| labels.iter().any(|own| own == label))
        && selector.expressions.iter().all(|expression| {
            let value = labels.get(&expression.key);
            let listed = value.is_some_and(|value| expression.values.contains(value));
            match expression.operator {
                LabelOperator::In => listed,
                LabelOperator::NotIn => !listed,
                LabelOperator::Exists => value.is_some(),
                LabelOperator::DoesNotExist => value.is_none(),
            }
        })
}

fn matches(rule: &Rule, binding: &Binding, request: &Request) -> bool {
    let lists = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
    if !lists(&rule.verbs, &request.verb) {
        return false;
    }
    if let (Some(path), None) = (&request.path, &request.resource) {
        return binding.kind == BindingKind::ClusterRoleBinding
            && rule
                .non_resource_urls
                .iter()
                .any(|entry| match entry.strip_suffix('*') {
                    Some(prefix) => path.starts_with(prefix.trim_end_matches('*')),
                    None => entry == path,
                });
    }
    let (None, Some(resource)) = (&request.path, &request.resource) else {
        return false;
    };
    let subresource = request.subresource.clone().unwrap_or_default();
    let mut meant = vec!["*".to_owned()];
    if subresource.is_empty() {
        meant.push(resource.clone());
    } else {
        meant.push(format!("{resource}/{subresource}"));
        meant.push(format!("*/{subresource}"));
    }
    let name = request.name.clone().unwrap_or_default();
    lists(&rule.api_groups, &request.group)
        && rule.resources.iter().any(|entry| meant.contains(entry))
        && (rule.resource_names.is_empty() || rule.resource_names.contains(&name))
}
