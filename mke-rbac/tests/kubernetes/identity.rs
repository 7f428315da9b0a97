//! Who Kubernetes sees, and what names in bindings become.

use mke_rbac::kubernetes::identity::{Directory, DraftError, Identity, Scope};
use mke_rbac::kubernetes::{
    Authorizer, Binding, BindingKind, BindingSubject, KubernetesChange, Rbac, Request, RoleKind, RoleRef,
};
use mke_rbac::model::{Model, Organization, Team, User};

fn user(id: &str, name: &str) -> User {
    User {
        id: id.into(),
        name: name.into(),
        admin: false,
        active: true,
        private_collection: None,
        default_collection: None,
    }
}

fn directory() -> Directory {
    let organization = |id: &str, name: &str, members: &[&str]| Organization {
        id: id.into(),
        name: name.into(),
        members: members.iter().map(|member| (*member).into()).collect(),
    };
    let team = |id: &str, organization: &str, name: &str, members: &[&str]| Team {
        id: id.into(),
        organization: organization.into(),
        name: name.into(),
        members: members.iter().map(|member| (*member).into()).collect(),
    };
    Directory::new(&Model {
        users: vec![
            user("u-jane", "jane"),
            User {
                admin: true,
                ..user("u-root", "root")
            },
            User {
                active: false,
                ..user("u-gone", "gone")
            },
            user("u-loner", "loner"),
        ],
        organizations: vec![
            organization("o-all", "docker-datacenter", &[]),
            organization("o-shop", "shop", &["u-root"]),
            organization("o-org", "org", &[]),
            organization("o-team", "team", &[]),
        ],
        teams: vec![
            team("t-ops", "o-shop", "ops", &["u-jane"]),
            team("t-dev", "o-shop", "dev", &[]),
            team("t-shop", "o-org", "shop", &[]),
            team("t-colon", "o-shop", "a:b", &[]),
            team("t-lost", "o-missing", "lost", &["u-jane"]),
        ],
        ..Model::default()
    })
}

/// R82, R90: ids as names and groups, the organization of a team without being listed in it, everybody's
/// organization, masters for administrators; nothing for the deactivated and the unknown.
#[test]
fn identities_are_ids() {
    let directory = directory();
    let groups = |id: &str| directory.identity(id).map(|identity| identity.groups);
    assert_eq!(
        groups("u-jane").unwrap(),
        [
            "org:o-all",
            "org:o-shop",
            "team:o-shop:t-ops",
            "system:authenticated"
        ]
    );
    assert_eq!(
        groups("u-root").unwrap(),
        [
            "org:o-all",
            "org:o-shop",
            "system:authenticated",
            "system:masters"
        ]
    );
    assert_eq!(groups("u-loner").unwrap(), ["org:o-all", "system:authenticated"]);
    assert_eq!(groups("u-gone"), None);
    assert_eq!(groups("jane"), None, "names are no ids");
    assert_eq!(directory.identity("u-jane").unwrap().user, "u-jane");
}

/// K8S-004: each way to write a name becomes the id; ids, system names, unknown names and service accounts stay.
#[test]
fn names_in_bindings_become_ids() {
    let directory = directory();
    let group = |name: &str| BindingSubject::Group { name: name.into() };
    for (written, meant) in [
        ("shop", "org:o-shop"),
        ("org:shop", "org:o-shop"),
        ("shop:ops", "team:o-shop:t-ops"),
        ("team:shop:ops", "team:o-shop:t-ops"),
        ("shop:a:b", "team:o-shop:t-colon"),
        ("org:o-shop", "org:o-shop"),
        ("team:o-shop:t-ops", "team:o-shop:t-ops"),
        ("team:o-shop:dev", "team:o-shop:t-dev"),
        ("o-shop:ops", "team:o-shop:t-ops"),
        ("org", "org:o-org"),
        ("team", "org:o-team"),
        // `org:shop` is the organization shop before it is the team shop of the organization org.
        ("org:org:shop", "org:org:shop"),
        ("team:org:shop", "team:o-org:t-shop"),
        ("o-org:shop", "team:o-org:t-shop"),
        ("nobody", "nobody"),
        ("shop:nobody", "shop:nobody"),
        ("team:shop:nobody", "team:shop:nobody"),
        ("team:shop", "team:shop"),
        ("Shop", "Shop"),
        ("system:authenticated", "system:authenticated"),
        ("system:masters", "system:masters"),
        ("jane", "jane"),
        ("", ""),
    ] {
        assert_eq!(directory.rewrite(&group(written)), group(meant), "{written}");
        assert_eq!(
            directory.rewrite(&group(meant)),
            group(meant),
            "twice is once: {written}"
        );
    }
    let user = |name: &str| BindingSubject::User { name: name.into() };
    for (written, meant) in [
        ("jane", "u-jane"),
        ("gone", "u-gone"),
        ("u-jane", "u-jane"),
        ("shop", "shop"),
        ("nobody", "nobody"),
        ("system:kube-scheduler", "system:kube-scheduler"),
        ("*", "*"),
    ] {
        assert_eq!(directory.rewrite(&user(written)), user(meant), "{written}");
    }
    let account = BindingSubject::ServiceAccount {
        name: "jane".into(),
        namespace: None,
    };
    assert_eq!(directory.rewrite(&account), account);
}

/// K8S-004: a binding written with names holds for the people that they mean.
#[test]
fn rewritten_bindings_reach_people() {
    let directory = directory();
    let rbac: Rbac = serde_json::from_str(
        r#"{"roles": [{"kind": "ClusterRole", "name": "r", "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}],
            "bindings": [{"kind": "RoleBinding", "namespace": "blue", "name": "b", "role": {"kind": "ClusterRole", "name": "r"},
              "subjects": [{"kind": "Group", "name": "shop:ops"}, {"kind": "User", "name": "loner"}]}]}"#,
    )
    .unwrap();
    let asks = |id: &str| {
        let Identity { user, groups } = directory.identity(id).unwrap();
        Request {
            user,
            groups,
            verb: "get".into(),
            resource: Some("pods".into()),
            namespace: Some("blue".into()),
            ..Request::default()
        }
    };
    let as_written = Authorizer::compile(&rbac);
    assert!(!as_written.allows(&asks("u-jane")) && !as_written.allows(&asks("u-loner")));
    let binding = directory.rewrite_binding(&rbac.bindings[0]);
    let rewritten = as_written.with(&KubernetesChange::PutBinding(binding));
    assert!(rewritten.allows(&asks("u-jane")) && rewritten.allows(&asks("u-loner")));
    assert!(rewritten.allows(&asks("u-root")), "an administrator");
}

/// K8S-003: user, organization, team or service account; one namespace, or all of them with a cluster role only.
#[test]
fn drafts_follow_the_wizard() {
    let directory = directory();
    let role = |kind| RoleRef {
        kind,
        name: "r".into(),
    };
    let blue = Scope::Namespace("blue".into());
    let subject = |json: &str| serde_json::from_str::<BindingSubject>(json).unwrap();
    let draft = |json: &str, scope: &Scope, kind| directory.draft(&subject(json), scope, &role(kind));
    for (json, name) in [
        (r#"{"kind": "User", "name": "jane"}"#, "u-jane:r"),
        (r#"{"kind": "Group", "name": "shop"}"#, "org:o-shop:r"),
        (r#"{"kind": "Group", "name": "shop:ops"}"#, "team:o-shop:t-ops:r"),
        (
            r#"{"kind": "ServiceAccount", "name": "robot", "namespace": "red"}"#,
            "red:robot:r",
        ),
    ] {
        for kind in [RoleKind::Role, RoleKind::ClusterRole] {
            let binding = draft(json, &blue, kind).unwrap();
            assert_eq!(binding.kind, BindingKind::RoleBinding);
            assert_eq!(binding.namespace.as_deref(), Some("blue"));
            assert_eq!(binding.name.as_deref(), Some(name));
            // What is drafted can be written and read.
            let text = binding.to_manifest().to_string();
            assert_eq!(Rbac::from_manifests(&text).unwrap().bindings, [binding]);
        }
        let binding = draft(json, &Scope::AllNamespaces, RoleKind::ClusterRole).unwrap();
        assert_eq!(
            (binding.kind, binding.namespace),
            (BindingKind::ClusterRoleBinding, None)
        );
        let refused = draft(json, &Scope::AllNamespaces, RoleKind::Role);
        assert_eq!(refused, Err(DraftError::LocalRole(role(RoleKind::Role))));
    }
    let jane = r#"{"kind": "User", "name": "jane"}"#;
    for namespace in ["", "Blue", "a/b", "a.b", "-a", "a-", "*", &"a".repeat(64)] {
        let refused: Result<Binding, _> = draft(jane, &Scope::Namespace(namespace.into()), RoleKind::Role);
        assert_eq!(refused, Err(DraftError::Namespace(namespace.into())));
    }
    for json in [
        r#"{"kind": "User", "name": "nobody"}"#,
        r#"{"kind": "User", "name": "shop"}"#,
        r#"{"kind": "Group", "name": "jane"}"#,
        r#"{"kind": "Group", "name": "shop:nobody"}"#,
        r#"{"kind": "Group", "name": "system:masters"}"#,
    ] {
        let refused = draft(json, &blue, RoleKind::Role);
        assert_eq!(refused, Err(DraftError::UnknownSubject(subject(json))));
    }
    let robot = r#"{"kind": "ServiceAccount", "name": "robot"}"#;
    assert!(draft(robot, &blue, RoleKind::Role).is_ok());
    let refused = draft(robot, &Scope::AllNamespaces, RoleKind::ClusterRole);
    assert_eq!(refused, Err(DraftError::AccountWithoutNamespace(subject(robot))));
}
