//! Kubernetes decisions: cases as data, and the corners that they leave out.

use std::collections::BTreeMap;

use mke_rbac::kubernetes::{Authorizer, Rbac, Request};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sets: BTreeMap<String, Rbac>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    set: String,
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    request: Asked,
    allowed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    verb: String,
    #[serde(default)]
    group: String,
    resource: Option<String>,
    subresource: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    path: Option<String>,
}

impl Case {
    fn request(&self) -> Request {
        let asked = &self.request;
        Request {
            user: self.user.clone(),
            groups: self.groups.clone(),
            verb: asked.verb.clone(),
            group: asked.group.clone(),
            resource: asked.resource.clone(),
            subresource: asked.subresource.clone(),
            name: asked.name.clone(),
            namespace: asked.namespace.clone(),
            path: asked.path.clone(),
        }
    }
}

/// R80 to R85, R89, R90: stars, subresources, names, URLs, aggregation, service accounts and the masters group.
#[test]
fn cases() {
    let file: File = serde_yaml_ng::from_str(include_str!("data/cases.yaml")).unwrap();
    let mut denied = 0;
    for (number, case) in file.cases.iter().enumerate() {
        let allowed = Authorizer::compile(&file.sets[&case.set]).allows(&case.request());
        assert_eq!(
            allowed, case.allowed,
            "case {number}: {} of {}",
            case.request.verb, case.set
        );
        denied += usize::from(!allowed);
    }
    assert!(denied >= 8, "a table without denials proves nothing");
}

fn rbac(yaml: &str) -> Authorizer {
    Authorizer::compile(&serde_yaml_ng::from_str(yaml).unwrap())
}

fn get(user: &str, resource: &str) -> Request {
    Request {
        user: user.into(),
        verb: "get".into(),
        resource: Some(resource.into()),
        ..Request::default()
    }
}

/// R80, R85: aggregation over aggregated roles ends although they select each other; rules written by hand into
/// one are lost; a missing role gives nothing.
#[test]
fn aggregation_follows_selectors_through_circles() {
    let rbac = rbac(
        "roles:
- {kind: ClusterRole, name: a, aggregate: [{to-a: 'true'}], rules: [{verbs: ['*'], apiGroups: ['*'], resources: [secrets]}]}
- {kind: ClusterRole, name: b, labels: {to-a: 'true'}, aggregate: [{to-b: 'true'}]}
- {kind: ClusterRole, name: c, labels: {to-b: 'true'}, rules: [{verbs: [get], apiGroups: [''], resources: [nodes]}]}
- {kind: ClusterRole, name: d, labels: {to-b: 'true'}, aggregate: [{to-a: 'true'}]}
bindings:
- {kind: ClusterRoleBinding, role: {kind: ClusterRole, name: a}, subjects: [{kind: User, name: u}]}
- {kind: ClusterRoleBinding, role: {kind: ClusterRole, name: gone}, subjects: [{kind: User, name: v}]}",
    );
    assert!(rbac.allows(&get("u", "nodes")));
    assert!(!rbac.allows(&get("u", "secrets")));
    assert!(!rbac.allows(&get("v", "nodes")));
}

/// R80, R89: a role of a namespace is not reached by a cluster role binding; a user called `*` is one user; one
/// Namespace object is inside itself; service accounts take the namespace of their role binding.
#[test]
fn scopes_and_literal_names() {
    let rbac = rbac(
        "roles:
- {kind: Role, name: r, namespace: ns1, rules: [{verbs: [get], apiGroups: [''], resources: ['*']}]}
- {kind: ClusterRole, name: all, rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}
bindings:
- {kind: ClusterRoleBinding, role: {kind: Role, name: r}, subjects: [{kind: User, name: u}]}
- {kind: ClusterRoleBinding, role: {kind: ClusterRole, name: all}, subjects: [{kind: User, name: '*'}]}
- {kind: RoleBinding, namespace: ns1, role: {kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: sa}, {kind: User, name: w}]}",
    );
    assert!(!rbac.allows(&get("u", "nodes")));
    assert!(!rbac.allows(&get("anyone", "nodes")));
    assert!(rbac.allows(&get("*", "nodes")));
    let inside = |request: Request| Request {
        namespace: Some("ns1".into()),
        ..request
    };
    assert!(rbac.allows(&inside(get("system:serviceaccount:ns1:sa", "pods"))));
    assert!(!rbac.allows(&inside(get("system:serviceaccount:ns2:sa", "pods"))));
    let namespace = |name: &str| Request {
        name: Some(name.into()),
        ..get("w", "namespaces")
    };
    assert!(rbac.allows(&namespace("ns1")));
    assert!(!rbac.allows(&namespace("ns2")));
    assert!(!rbac.allows(&get("w", "namespaces")), "all namespaces");
}
