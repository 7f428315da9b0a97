//! How policies and requests travel to the upstream program: policies as the objects of
//! `rbac.authorization.k8s.io/v1`, requests in a compact form.

use mke_rbac::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, LabelSelector, Rbac, Request, RoleKind, Rule,
};
use serde_json::{Map, Value, json};

/// Longest text of a request in bytes. Longer ones cannot be asked.
pub const LONGEST: usize = u16::MAX as usize;

const API: &str = "rbac.authorization.k8s.io";

/// Roles and bindings by kind, as the upstream program reads them. A binding without a name is named after its place
/// in the list.
pub fn policy(rbac: &Rbac) -> Value {
    let roles_of = |kind: RoleKind| -> Vec<Value> {
        let roles = rbac.roles.iter().filter(|role| role.kind == kind);
        roles.map(role).collect()
    };
    let bindings_of = |kind: BindingKind| -> Vec<Value> {
        let numbered = rbac.bindings.iter().enumerate();
        numbered
            .filter(|(_, binding)| binding.kind == kind)
            .map(|(number, one)| binding(number, one))
            .collect()
    };
    json!({
        "roles": roles_of(RoleKind::Role),
        "clusterRoles": roles_of(RoleKind::ClusterRole),
        "roleBindings": bindings_of(BindingKind::RoleBinding),
        "clusterRoleBindings": bindings_of(BindingKind::ClusterRoleBinding),
    })
}

fn role(role: &KubernetesRole) -> Value {
    // A cluster role is outside of namespaces, whatever it says.
    let namespace = role.namespace.as_ref().filter(|_| role.kind == RoleKind::Role);
    let mut text = json!({
        "metadata": { "name": role.name, "namespace": namespace, "labels": role.labels },
        "rules": rules(&role.rules),
    });
    // Roles of a namespace are never aggregated.
    if let (Some(selectors), RoleKind::ClusterRole, Some(fields)) =
        (&role.aggregate, role.kind, text.as_object_mut())
    {
        let selectors: Vec<Value> = selectors.iter().map(selector).collect();
        fields.insert(
            "aggregationRule".to_owned(),
            json!({ "clusterRoleSelectors": selectors }),
        );
    }
    text
}

fn selector(selector: &LabelSelector) -> Value {
    json!({ "matchLabels": selector.labels, "matchExpressions": selector.expressions })
}

/// Rules as a list of policy rules.
pub fn rules(rules: &[Rule]) -> Value {
    let rule = |rule: &Rule| {
        json!({
            "verbs": rule.verbs,
            "apiGroups": rule.api_groups,
            "resources": rule.resources,
            "resourceNames": rule.resource_names,
            "nonResourceURLs": rule.non_resource_urls,
        })
    };
    rules.iter().map(rule).collect()
}

fn binding(number: usize, binding: &Binding) -> Value {
    let kind = match binding.role.kind {
        RoleKind::Role => "Role",
        RoleKind::ClusterRole => "ClusterRole",
    };
    let subject = |subject: &BindingSubject| match subject {
        BindingSubject::User { name } => json!({ "kind": "User", "apiGroup": API, "name": name }),
        BindingSubject::Group { name } => json!({ "kind": "Group", "apiGroup": API, "name": name }),
        BindingSubject::ServiceAccount { name, namespace } => {
            json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace })
        }
    };
    let mut metadata = Map::new();
    let name = || format!("binding-{number}");
    metadata.insert(
        "name".to_owned(),
        json!(binding.name.clone().unwrap_or_else(name)),
    );
    // A cluster role binding is outside of namespaces, whatever it says.
    if binding.kind == BindingKind::RoleBinding {
        metadata.insert("namespace".to_owned(), json!(binding.namespace));
    }
    json!({
        "metadata": metadata,
        "roleRef": { "apiGroup": API, "kind": kind, "name": binding.role.name },
        "subjects": binding.subjects.iter().map(subject).collect::<Vec<_>>(),
    })
}

/// Appends one request. False, and nothing is appended, when a text is longer than [`LONGEST`].
///
/// A request for one Namespace object is inside that namespace (R80): the API server says so before it asks its
/// authorizers, so it is said here.
pub fn write(request: &Request, bytes: &mut Vec<u8>) -> bool {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let one_namespace = request.group.is_empty() && request.resource.as_deref() == Some("namespaces");
    let own_namespace = || {
        if one_namespace {
            text(&request.name)
        } else {
            String::new()
        }
    };
    // Empty text is as good as none.
    let given = request
        .namespace
        .clone()
        .filter(|namespace| !namespace.is_empty());
    let namespace = given.unwrap_or_else(own_namespace);
    let start = bytes.len();
    bytes.push(u8::from(request.resource.is_some()));
    let fields = [
        &request.user,
        &request.verb,
        &request.group,
        &text(&request.resource),
        &text(&request.subresource),
        &text(&request.name),
        &namespace,
        &text(&request.path),
    ];
    let fits = fields.into_iter().all(|field| put(field, bytes))
        && put_number(request.groups.len(), bytes)
        && request.groups.iter().all(|group| put(group, bytes));
    if !fits {
        bytes.truncate(start);
    }
    fits
}

fn put(text: &str, bytes: &mut Vec<u8>) -> bool {
    let fits = put_number(text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
    fits
}

fn put_number(number: usize, bytes: &mut Vec<u8>) -> bool {
    match u16::try_from(number) {
        Ok(number) => {
            bytes.extend_from_slice(&number.to_le_bytes());
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_form() {
        let request = Request {
            user: "a".into(),
            groups: vec!["g".into()],
            verb: "get".into(),
            resource: Some("namespaces".into()),
            name: Some("n".into()),
            ..Request::default()
        };
        let mut bytes = Vec::new();
        assert!(write(&request, &mut bytes));
        let expected: &[u8] = b"\x01\x01\0a\x03\0get\0\0\x0a\0namespaces\0\0\x01\0n\x01\0n\0\0\x01\0\x01\0g";
        assert_eq!(bytes, expected, "its namespace is itself");
        let long = Request {
            user: "x".repeat(LONGEST + 1),
            ..request
        };
        assert!(!write(&long, &mut bytes));
        assert_eq!(
            bytes.len(),
            expected.len(),
            "nothing of a request that does not fit is left"
        );
    }
}
