//! The roles that Kubernetes makes by itself: what is there, and how they relate.

use std::collections::{BTreeMap, BTreeSet};

use mke_rbac::kubernetes::{Atom, Authorizer, Rbac, Request, RoleKey, RoleKind, Rule, covers};

fn key(name: &str) -> RoleKey {
    RoleKey {
        kind: RoleKind::ClusterRole,
        namespace: None,
        name: name.into(),
    }
}

fn rules(authorizer: &Authorizer, name: &str) -> Vec<Rule> {
    let rules = authorizer.rules_of(&key(name)).unwrap();
    rules.into_iter().map(|(_, rule)| rule.clone()).collect()
}

/// What the first role has and the second has not, as `resource: verbs`.
fn beyond(authorizer: &Authorizer, more: &str, less: &str) -> BTreeMap<String, BTreeSet<String>> {
    let missing = covers(&rules(authorizer, less), &rules(authorizer, more)).unwrap_err();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for atom in missing {
        if let Atom::Resource {
            verb,
            group,
            resource,
            ..
        } = atom
        {
            found
                .entry(format!("{group}/{resource}"))
                .or_default()
                .insert(verb);
        }
    }
    found
}

/// K8S-001: the default roles read, compile and are complete: everybody that a binding names has its role.
#[test]
fn every_default_binding_has_its_role() {
    let rbac = Rbac::bootstrap();
    let authorizer = Authorizer::compile(&rbac);
    assert_eq!((rbac.roles.len(), rbac.bindings.len()), (67, 48));
    for binding in &rbac.bindings {
        let role = binding.role_key().and_then(|key| authorizer.role(&key));
        assert!(role.is_some(), "{binding} refers to {}", binding.role);
        assert!(
            !binding.subjects.is_empty() || binding.role.name == "system:node",
            "{binding}"
        );
    }
    for name in [
        "admin",
        "cluster-admin",
        "edit",
        "view",
        "system:basic-user",
        "system:discovery",
        "system:public-info-viewer",
        "system:auth-delegator",
        "system:heapster",
        "system:kube-aggregator",
        "system:kube-controller-manager",
        "system:kube-dns",
        "system:kube-scheduler",
        "system:kubelet-api-admin",
        "system:monitoring",
        "system:node",
        "system:node-bootstrapper",
        "system:node-problem-detector",
        "system:node-proxier",
        "system:persistent-volume-provisioner",
        "system:volume-scheduler",
        "system:controller:service-account-controller",
        "system:controller:namespace-controller",
        "system:controller:deployment-controller",
        "system:controller:node-controller",
    ] {
        assert!(authorizer.role(&key(name)).is_some(), "{name}");
    }
}

/// R85: cluster-admin covers admin, admin covers edit, edit covers view; the other way round each lacks exactly what
/// the page about user-facing roles says.
#[test]
fn people_roles_cover_each_other_downwards() {
    let authorizer = Authorizer::compile(&Rbac::bootstrap());
    for (more, less) in [("cluster-admin", "admin"), ("admin", "edit"), ("edit", "view")] {
        assert_eq!(
            covers(&rules(&authorizer, more), &rules(&authorizer, less)),
            Ok(()),
            "{more} {less}"
        );
    }
    let resources = |more: &str, less: &str| beyond(&authorizer, more, less).into_keys().collect::<Vec<_>>();
    assert_eq!(
        resources("admin", "edit"),
        [
            "authorization.k8s.io/localsubjectaccessreviews",
            "rbac.authorization.k8s.io/rolebindings",
            "rbac.authorization.k8s.io/roles",
        ]
    );
    let edit = beyond(&authorizer, "edit", "view");
    let reads = |verbs: &BTreeSet<String>| verbs.contains("get");
    let read: Vec<_> = edit
        .iter()
        .filter(|(_, verbs)| reads(verbs))
        .map(|(resource, _)| resource)
        .collect();
    assert_eq!(
        read,
        [
            "/pods/attach",
            "/pods/exec",
            "/pods/portforward",
            "/pods/proxy",
            "/secrets",
            "/services/proxy"
        ],
        "what edit reads and view does not"
    );
    assert_eq!(
        edit["/serviceaccounts"]
            .iter()
            .filter(|verb| *verb == "impersonate")
            .count(),
        1
    );
    for role in ["admin", "edit", "view"] {
        for rule in rules(&authorizer, role) {
            for list in [&rule.verbs, &rule.api_groups, &rule.resources] {
                assert!(!list.contains(&"*".to_owned()), "{role} has a star");
            }
            assert!(rule.non_resource_urls.is_empty());
            assert!(
                !rule.verbs.iter().any(|verb| verb == "escalate" || verb == "bind"),
                "{role}"
            );
        }
    }
    let viewing = BTreeSet::from(["get", "list", "watch"]);
    for rule in rules(&authorizer, "view") {
        assert!(rule.verbs.iter().all(|verb| viewing.contains(verb.as_str())));
    }
}

/// K8S-007: namespaces lie flat, and who administers one cannot lift its quota, make another one or touch nodes.
/// K8S-009: so nobody schedules through an update of a node.
#[test]
fn administrators_of_a_namespace_stay_inside() {
    let mut rbac = Rbac::bootstrap();
    for (name, role) in [("adam", "admin"), ("eve", "edit"), ("vera", "view")] {
        let binding = format!(
            r#"{{"kind": "RoleBinding", "namespace": "blue", "role": {{"kind": "ClusterRole", "name": "{role}"}},
               "subjects": [{{"kind": "User", "name": "{name}"}}]}}"#
        );
        rbac.bindings.push(serde_json::from_str(&binding).unwrap());
    }
    let authorizer = Authorizer::compile(&rbac);
    let request = |user: &str, verb: &str, resource: &str, namespace: Option<&str>, name: &str| Request {
        user: user.into(),
        groups: vec!["system:authenticated".into()],
        verb: verb.into(),
        resource: Some(resource.into()),
        namespace: namespace.map(str::to_owned),
        name: Some(name.into()),
        ..Request::default()
    };
    for user in ["adam", "eve", "vera"] {
        assert!(authorizer.allows(&request(user, "get", "resourcequotas", Some("blue"), "q")));
        for verb in ["create", "update", "patch", "delete"] {
            for (resource, namespace) in [
                ("resourcequotas", Some("blue")),
                ("limitranges", Some("blue")),
                ("namespaces", None),
                ("nodes", None),
            ] {
                let request = request(user, verb, resource, namespace, "blue");
                assert!(!authorizer.allows(&request), "{user} {verb} {resource}");
            }
        }
        for namespace in ["red", "blue/inner", "blue.inner", "blue-inner", "Blue", ""] {
            let request = request(user, "get", "pods", Some(namespace), "p");
            assert!(!authorizer.allows(&request), "{user} in {namespace:?}");
        }
    }
}

/// K8S-006: editors make service accounts and act as them in their namespace; the default account of a namespace
/// holds nothing until somebody binds it, and its bindings can be seen by it.
#[test]
fn service_accounts_start_with_nothing() {
    use mke_rbac::kubernetes::identity::Identity;
    let mut rbac = Rbac::bootstrap();
    rbac.bindings.push(
        serde_json::from_str(
            r#"{"kind": "RoleBinding", "namespace": "blue", "name": "robot", "role": {"kind": "ClusterRole", "name": "view"},
                "subjects": [{"kind": "ServiceAccount", "name": "robot"}]}"#,
        )
        .unwrap(),
    );
    let authorizer = Authorizer::compile(&rbac);
    let get = |name: &str, namespace: &str| {
        let Identity { user, groups } = Identity::service_account("blue", name);
        Request {
            user,
            groups,
            verb: "get".into(),
            resource: Some("pods".into()),
            namespace: Some(namespace.into()),
            ..Request::default()
        }
    };
    assert!(!authorizer.allows(&get("default", "blue")));
    assert!(authorizer.allows(&get("robot", "blue")));
    assert!(!authorizer.allows(&get("robot", "red")));
    let holders = authorizer.who_can(&get("robot", "blue")).service_accounts;
    assert!(holders.contains_key(&("blue", "robot")));
    assert!(!holders.contains_key(&("blue", "default")));
}

/// K8S-010: types of custom resources are made by whoever is granted that, and by nobody else.
#[test]
fn custom_types_are_granted() {
    let mut rbac = Rbac::bootstrap();
    rbac.roles.push(
        serde_json::from_str(
            r#"{"kind": "ClusterRole", "name": "types", "rules": [{"verbs": ["create"], "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"]}]}"#,
        )
        .unwrap(),
    );
    for (name, role) in [("typer", "types"), ("adam", "admin")] {
        let binding = format!(
            r#"{{"kind": "ClusterRoleBinding", "role": {{"kind": "ClusterRole", "name": "{role}"}},
               "subjects": [{{"kind": "User", "name": "{name}"}}]}}"#
        );
        rbac.bindings.push(serde_json::from_str(&binding).unwrap());
    }
    let authorizer = Authorizer::compile(&rbac);
    let create = |user: &str| Request {
        user: user.into(),
        verb: "create".into(),
        group: "apiextensions.k8s.io".into(),
        resource: Some("customresourcedefinitions".into()),
        ..Request::default()
    };
    assert!(authorizer.allows(&create("typer")));
    assert!(!authorizer.allows(&create("adam")));
}

/// Who may do what changes only on purpose: every rule of every default role, and every binding, one line each.
#[test]
fn golden_default_roles() {
    let authorizer = Authorizer::compile(&Rbac::bootstrap());
    let mut lines = Vec::new();
    for role in authorizer.roles() {
        for (_, rule) in authorizer.rules_of(&role.key()).unwrap() {
            let what = [&rule.resources[..], &rule.non_resource_urls[..]]
                .concat()
                .join(",");
            let names = rule.resource_names.join(",");
            let verbs = rule.verbs.join(",");
            let groups = rule.api_groups.join(",");
            lines.push(
                format!("{role}: {verbs} [{groups}] {what} {names}")
                    .trim_end()
                    .to_owned(),
            );
        }
    }
    for binding in authorizer.bindings() {
        for subject in &binding.subjects {
            lines.push(format!("{binding}: {} to {subject}", binding.role));
        }
    }
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}
