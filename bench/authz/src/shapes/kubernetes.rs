//! Clusters of a given number of bindings, besides the default roles and bindings of Kubernetes 1.20.
//!
//! One binding in ten is for the whole cluster; the others lie in namespaces of twenty. Half of the subjects are users,
//! the others groups and service accounts. Two requests in three are what a binding allows, or nearly; the third is
//! about anything in any namespace.

use mke_rbac::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, Rbac, Request, RoleKind, RoleRef, Rule,
};

use super::{Dice, QUESTIONS};

/// Numbers of bindings besides the default ones.
pub const SIZES: [(&str, usize); 5] = [
    ("bootstrap", 0),
    ("100", 100),
    ("1k", 1_000),
    ("10k", 10_000),
    ("100k", 100_000),
];

const RESOURCES: [(&str, &str); 8] = [
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("", "secrets"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingresses"),
];

const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

/// Users, groups and namespaces grow with the bindings.
struct Size {
    users: usize,
    groups: usize,
    namespaces: usize,
}

impl Size {
    const fn of(bindings: usize) -> Self {
        Self {
            users: bindings / 4 + 10,
            groups: bindings / 20 + 5,
            namespaces: bindings / 20 + 1,
        }
    }
}

fn namespace(number: usize) -> String {
    format!("team-{number}")
}

/// The default roles and bindings, and so many more.
pub fn rbac(bindings: usize) -> Rbac {
    let mut rbac = Rbac::bootstrap();
    let mut dice = Dice::new(bindings as u64);
    let size = Size::of(bindings);
    for number in 0..bindings {
        let for_cluster = number.is_multiple_of(10);
        let home = namespace(dice.below(size.namespaces));
        // One in four refers to a role of its namespace, made for it.
        let own = !for_cluster && number % 4 == 1;
        let role = if own {
            let name = format!("custom-{number}");
            rbac.roles.push(custom(&name, &home, &mut dice));
            RoleRef {
                kind: RoleKind::Role,
                name,
            }
        } else {
            let name = (*dice.pick(&["view", "edit", "admin"])).to_owned();
            RoleRef {
                kind: RoleKind::ClusterRole,
                name,
            }
        };
        rbac.bindings.push(Binding {
            kind: if for_cluster {
                BindingKind::ClusterRoleBinding
            } else {
                BindingKind::RoleBinding
            },
            name: Some(format!("bench-{number}")),
            namespace: (!for_cluster).then(|| home.clone()),
            role,
            subjects: (0..1 + dice.below(2))
                .map(|_| subject(&mut dice, &size))
                .collect(),
        });
    }
    rbac
}

fn custom(name: &str, namespace: &str, dice: &mut Dice) -> KubernetesRole {
    let rule = |dice: &mut Dice| {
        let (group, resource) = *dice.pick(&RESOURCES);
        Rule {
            verbs: (0..3).map(|_| (*dice.pick(&VERBS)).to_owned()).collect(),
            api_groups: vec![group.to_owned()],
            resources: vec![resource.to_owned(), format!("{resource}/status")],
            resource_names: if dice.below(4) == 0 {
                vec!["web".to_owned()]
            } else {
                Vec::new()
            },
            non_resource_urls: Vec::new(),
        }
    };
    KubernetesRole {
        kind: RoleKind::Role,
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
        labels: Default::default(),
        aggregate: None,
        rules: (0..1 + dice.below(3)).map(|_| rule(dice)).collect(),
    }
}

fn subject(dice: &mut Dice, size: &Size) -> BindingSubject {
    match dice.below(4) {
        0 | 1 => BindingSubject::User {
            name: format!("user-{}", dice.below(size.users)),
        },
        2 => BindingSubject::Group {
            name: format!("group-{}", dice.below(size.groups)),
        },
        _ => BindingSubject::ServiceAccount {
            name: "default".to_owned(),
            namespace: Some(namespace(dice.below(size.namespaces))),
        },
    }
}

/// Requests about such a cluster.
pub fn requests(rbac: &Rbac, bindings: usize) -> Vec<Request> {
    let mut dice = Dice::new(13);
    let size = Size::of(bindings);
    (0..QUESTIONS)
        .map(|number| request(&mut dice, rbac, &size, !number.is_multiple_of(3)))
        .collect()
}

fn request(dice: &mut Dice, rbac: &Rbac, size: &Size, aimed: bool) -> Request {
    let (group, resource) = *dice.pick(&RESOURCES);
    let mut request = Request {
        user: format!("user-{}", dice.below(size.users)),
        groups: vec![
            format!("group-{}", dice.below(size.groups)),
            format!("group-{}", dice.below(size.groups)),
            "system:authenticated".to_owned(),
        ],
        verb: (*dice.pick(&VERBS)).to_owned(),
        group: group.to_owned(),
        resource: Some(resource.to_owned()),
        name: Some("web".to_owned()),
        namespace: Some(namespace(dice.below(size.namespaces))),
        ..Request::default()
    };
    if aimed {
        let binding = dice.pick(&rbac.bindings);
        match binding.subjects.first() {
            Some(BindingSubject::User { name }) => request.user.clone_from(name),
            // Its members pass everything before any role is looked at: nothing to compare.
            Some(BindingSubject::Group { name }) if name != mke_rbac::kubernetes::MASTERS => {
                request.groups.push(name.clone());
            }
            Some(BindingSubject::ServiceAccount {
                name,
                namespace: Some(home),
            }) => {
                request.user = format!("system:serviceaccount:{home}:{name}");
                request.groups = vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{home}"),
                    "system:authenticated".to_owned(),
                ];
            }
            _ => {}
        }
        if binding.namespace.is_some() {
            request.namespace.clone_from(&binding.namespace);
        }
    }
    request
}
