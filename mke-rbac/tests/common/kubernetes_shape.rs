//! Kubernetes roles, bindings and requests that depend on a seed only: for differential tests and benchmarks.
//!
//! Include it beside `shape.rs`, whose dice it uses. What it makes can be given to the authorizer of Kubernetes
//! itself: names are unique, no group is `system:masters` (which Kubernetes lets through before it looks at roles),
//! and every role and binding passes the validation of the Kubernetes API, except where `odd` asks for more. The
//! namespace of a request for one Namespace object must be given to Kubernetes as `Request::scope` says, as its
//! server does when it reads the URL. Aggregated roles (`aggregation`) are what its controller fills in: give it
//! what `Authorizer::rules_of` says.

use mke_rbac::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, LabelExpression, LabelOperator, LabelSelector,
    Rbac, Request, RoleKind, RoleRef, Rule,
};

use super::shape::Dice;

/// How much there is of everything. Small numbers make requests meet rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) users: usize,
    pub(crate) groups: usize,
    /// Groups of each user, at most.
    pub(crate) memberships: usize,
    pub(crate) namespaces: usize,
    /// Roles and cluster roles each.
    pub(crate) roles: usize,
    /// Rules of a role, at most.
    pub(crate) rules: usize,
    pub(crate) bindings: usize,
    /// Subjects of a binding, at most.
    pub(crate) subjects: usize,
    /// Whether some cluster roles are aggregated.
    pub(crate) aggregation: bool,
    /// Whether there are objects that the Kubernetes API would not take: rules that mix resources and URLs, cluster
    /// role bindings to the roles of namespaces, empty lists.
    pub(crate) odd: bool,
}

/// Everybody meets everything.
pub(crate) const DENSE: Shape = Shape {
    users: 4,
    groups: 4,
    memberships: 3,
    namespaces: 3,
    roles: 6,
    rules: 4,
    bindings: 12,
    subjects: 3,
    aggregation: true,
    odd: true,
};

/// The same without anything that Kubernetes itself would refuse or fill in.
pub(crate) const PLAIN: Shape = Shape {
    aggregation: false,
    odd: false,
    ..DENSE
};

/// A cluster with this many bindings: one user for each, one role for ten, one namespace for fifty.
pub(crate) const fn cluster(bindings: usize) -> Shape {
    Shape {
        users: at_least(bindings, 10),
        groups: at_least(bindings / 10, 5),
        memberships: 4,
        namespaces: at_least(bindings / 50, 3),
        roles: at_least(bindings / 20, 5),
        rules: 6,
        bindings,
        subjects: 2,
        aggregation: false,
        odd: false,
    }
}

const fn at_least(number: usize, least: usize) -> usize {
    if number > least { number } else { least }
}

const VERBS: [&str; 14] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "bind",
    "escalate",
    "impersonate",
    "use",
    "verb1",
    "Get",
];
const GROUPS: [&str; 5] = ["", "apps", "batch", "rbac.authorization.k8s.io", "Apps"];
const RESOURCES: [&str; 10] = [
    "pods",
    "services",
    "secrets",
    "configmaps",
    "deployments",
    "jobs",
    "namespaces",
    "nodes",
    "roles",
    "clusterroles",
];
const SUBRESOURCES: [&str; 4] = ["log", "exec", "scale", "status"];
const NAMES: [&str; 5] = ["a", "b", "app", "ns0", "ns1"];
const URLS: [&str; 16] = [
    "/",
    "/*",
    "*",
    "/api",
    "/api/*",
    "/api*",
    "/api/v1",
    "/apis",
    "/apis/*",
    "/healthz",
    "/healthz/*",
    "/api/*/pods",
    "/a*b",
    "/metrics",
    "/apis/apps/v1*",
    "/**",
];
const PATHS: [&str; 13] = [
    "",
    "/",
    "/api",
    "/api/",
    "/api/v1",
    "/api/*/pods",
    "/apis",
    "/apis/apps/v1/x",
    "/healthz",
    "/healthz/ping",
    "/metrics",
    "/a*b",
    "api",
];

/// The name of the user with this number; one in seven is a service account.
pub(crate) fn user(number: usize) -> String {
    match number % 7 {
        3 => format!("system:serviceaccount:{}:sa{number}", namespace(number % 3)),
        _ => format!("user{number}"),
    }
}

/// The name of the group with this number.
pub(crate) fn group(number: usize) -> String {
    match number {
        0 => "system:authenticated".to_owned(),
        1 => "system:serviceaccounts:ns1".to_owned(),
        _ => format!("group{number}"),
    }
}

/// The name of the namespace with this number.
pub(crate) fn namespace(number: usize) -> String {
    format!("ns{number}")
}

/// Roles and bindings of this shape.
pub(crate) fn rbac(shape: Shape, dice: &mut Dice) -> Rbac {
    let mut rbac = Rbac::default();
    for number in 0..shape.roles {
        rbac.roles.push(cluster_role(shape, number, dice));
        rbac.roles.push(role(shape, number, dice));
    }
    for number in 0..shape.bindings {
        rbac.bindings.push(binding(shape, number, dice));
    }
    rbac
}

/// A cluster role with this number. One in four is aggregated, and every second one can be selected.
pub(crate) fn cluster_role(shape: Shape, number: usize, dice: &mut Dice) -> KubernetesRole {
    let aggregated = shape.aggregation && dice.below(4) == 0;
    let mut role = KubernetesRole {
        kind: RoleKind::ClusterRole,
        name: format!("cluster-role{number}"),
        namespace: None,
        labels: Default::default(),
        aggregate: aggregated.then(|| (0..1 + dice.below(2)).map(|_| selector(dice)).collect()),
        rules: rules(shape, true, dice),
    };
    if shape.aggregation && dice.below(2) == 0 {
        role.labels
            .insert("tier".into(), (*dice.pick(&["one", "two", "three"])).into());
    }
    role
}

/// A role with this number, in some namespace.
pub(crate) fn role(shape: Shape, number: usize, dice: &mut Dice) -> KubernetesRole {
    KubernetesRole {
        kind: RoleKind::Role,
        name: format!("role{number}"),
        namespace: Some(namespace(number % shape.namespaces)),
        labels: Default::default(),
        aggregate: None,
        rules: rules(shape, shape.odd, dice),
    }
}

fn selector(dice: &mut Dice) -> LabelSelector {
    let values = |dice: &mut Dice| -> Vec<String> {
        let mut values = vec!["one".to_owned()];
        if dice.below(2) == 0 {
            values.push("two".to_owned());
        }
        values
    };
    let expression = |operator, values| LabelExpression {
        key: "tier".into(),
        operator,
        values,
    };
    let mut selector = LabelSelector::default();
    match dice.below(8) {
        0 => {}
        1 => selector
            .expressions
            .push(expression(LabelOperator::In, values(dice))),
        2 => selector
            .expressions
            .push(expression(LabelOperator::NotIn, values(dice))),
        3 => selector
            .expressions
            .push(expression(LabelOperator::Exists, vec![])),
        4 => selector
            .expressions
            .push(expression(LabelOperator::DoesNotExist, vec![])),
        _ => {
            let value = dice.pick(&["one", "two", "three", "four"]);
            selector.labels.insert("tier".into(), (*value).into());
        }
    }
    selector
}

fn rules(shape: Shape, urls: bool, dice: &mut Dice) -> Vec<Rule> {
    let least = usize::from(!shape.odd);
    (0..least + dice.below(shape.rules + 1))
        .map(|_| rule(shape, urls, dice))
        .collect()
}

/// One rule; about URLs only when `urls` says so.
pub(crate) fn rule(shape: Shape, urls: bool, dice: &mut Dice) -> Rule {
    let mut rule = Rule {
        verbs: some(dice, &VERBS, 3, 12),
        ..Rule::default()
    };
    let about_urls = urls && dice.below(4) == 0;
    if about_urls {
        rule.non_resource_urls = some(dice, &URLS, 2, 0);
    }
    if !about_urls || shape.odd && dice.below(4) == 0 {
        rule.api_groups = some(dice, &GROUPS, 2, 6);
        rule.resources = (0..1 + dice.below(3)).map(|_| resource_entry(dice)).collect();
        if dice.below(4) == 0 {
            rule.resource_names = some(dice, &NAMES, 2, 0);
        }
    }
    rule
}

fn resource_entry(dice: &mut Dice) -> String {
    let resource = *dice.pick(&RESOURCES);
    let subresource = *dice.pick(&SUBRESOURCES);
    match dice.below(12) {
        0 => "*".to_owned(),
        1 => format!("*/{subresource}"),
        2 | 3 => format!("{resource}/{subresource}"),
        4 => format!("{resource}/*"),
        _ => resource.to_owned(),
    }
}

/// Between one and `most` texts, and one time in `star` a star instead; never when it is 0.
fn some(dice: &mut Dice, texts: &[&str], most: usize, star: usize) -> Vec<String> {
    if star > 0 && dice.below(star) == 0 {
        return vec!["*".to_owned()];
    }
    (0..1 + dice.below(most))
        .map(|_| (*dice.pick(texts)).to_owned())
        .collect()
}

/// A binding with this number. One in ten refers to a role that is missing.
pub(crate) fn binding(shape: Shape, number: usize, dice: &mut Dice) -> Binding {
    let local = dice.below(3) > 0;
    let namespace = namespace(dice.below(shape.namespaces));
    let roles = shape.roles + shape.roles / 10 + 1;
    let target = dice.below(roles);
    let to_role = dice.below(2) == 0 && (local || shape.odd && dice.below(4) == 0);
    let role = match to_role {
        true => RoleRef {
            kind: RoleKind::Role,
            name: format!("role{target}"),
        },
        false => RoleRef {
            kind: RoleKind::ClusterRole,
            name: format!("cluster-role{target}"),
        },
    };
    // A role is found in the namespace of the binding only.
    let namespace = match to_role && dice.below(4) > 0 {
        true => self::namespace(target % shape.namespaces),
        false => namespace,
    };
    let least = usize::from(!shape.odd);
    let subjects = (0..least + dice.below(shape.subjects + 1)).map(|_| subject(shape, local, dice));
    Binding {
        kind: match local {
            true => BindingKind::RoleBinding,
            false => BindingKind::ClusterRoleBinding,
        },
        name: Some(format!("binding{number}")),
        namespace: local.then_some(namespace),
        role,
        subjects: subjects.collect(),
    }
}

fn subject(shape: Shape, local: bool, dice: &mut Dice) -> BindingSubject {
    match dice.below(5) {
        0 => BindingSubject::Group {
            name: group(dice.below(shape.groups)),
        },
        1 => BindingSubject::ServiceAccount {
            name: format!("sa{}", 3 + 7 * dice.below(shape.users / 7 + 1)),
            namespace: (!local || dice.below(2) == 0).then(|| namespace(dice.below(3))),
        },
        _ => BindingSubject::User {
            name: user(dice.below(shape.users)),
        },
    }
}

/// A request, about a namespace, the cluster or a URL.
pub(crate) fn request(shape: Shape, dice: &mut Dice) -> Request {
    let mut request = Request {
        user: user(dice.below(shape.users)),
        groups: (0..dice.below(shape.memberships + 1))
            .map(|_| group(dice.below(shape.groups)))
            .collect(),
        verb: (*dice.pick(&VERBS)).to_owned(),
        ..Request::default()
    };
    if dice.below(5) == 0 {
        request.path = Some((*dice.pick(&PATHS)).to_owned());
        return request;
    }
    request.group = (*dice.pick(&GROUPS)).to_owned();
    request.resource = Some((*dice.pick(&RESOURCES)).to_owned());
    if dice.below(3) == 0 {
        request.subresource = Some((*dice.pick(&SUBRESOURCES)).to_owned());
    }
    if dice.below(2) == 0 {
        request.name = Some((*dice.pick(&NAMES)).to_owned());
    }
    if dice.below(4) > 0 {
        request.namespace = Some(namespace(dice.below(shape.namespaces)));
    }
    request
}

/// A request like [`request`], but about something that a rule of a binding speaks of, asked by one of its
/// subjects: most of them are allowed.
pub(crate) fn close_request(rbac: &Rbac, shape: Shape, dice: &mut Dice) -> Request {
    let mut request = request(shape, dice);
    let binding = dice.pick(&rbac.bindings);
    let role = rbac.roles.iter().find(|role| role.key() == role_key(binding));
    let Some(rule) = role
        .filter(|role| !role.rules.is_empty())
        .map(|role| dice.pick(&role.rules))
    else {
        return request;
    };
    if !binding.subjects.is_empty() {
        match dice.pick(&binding.subjects) {
            BindingSubject::User { name } => request.user.clone_from(name),
            BindingSubject::Group { name } => request.groups.push(name.clone()),
            BindingSubject::ServiceAccount { name, namespace } => {
                let namespace = namespace.as_ref().or(binding.namespace.as_ref());
                let namespace = namespace.cloned().unwrap_or_default();
                request.user = format!("system:serviceaccount:{namespace}:{name}");
            }
        }
    }
    request.namespace.clone_from(&binding.namespace);
    let filled = |dice: &mut Dice, entries: &[String], otherwise: &str| match entries {
        [] => otherwise.to_owned(),
        entries => dice.pick(entries).replace('*', otherwise),
    };
    request.verb = filled(dice, &rule.verbs, "get");
    if !rule.non_resource_urls.is_empty() {
        return Request {
            path: Some(filled(dice, &rule.non_resource_urls, "x")),
            group: String::new(),
            resource: None,
            subresource: None,
            name: None,
            namespace: None,
            ..request
        };
    }
    request.path = None;
    request.group = filled(dice, &rule.api_groups, "apps");
    let resource = filled(dice, &rule.resources, "pods");
    match resource.split_once('/') {
        Some((resource, subresource)) => {
            request.resource = Some(resource.to_owned());
            request.subresource = Some(subresource.to_owned());
        }
        None => {
            request.resource = Some(resource);
            request.subresource = None;
        }
    }
    if !rule.resource_names.is_empty() {
        request.name = Some(dice.pick(&rule.resource_names).clone());
    }
    request
}

fn role_key(binding: &Binding) -> mke_rbac::kubernetes::RoleKey {
    mke_rbac::kubernetes::RoleKey {
        kind: binding.role.kind,
        namespace: binding
            .namespace
            .clone()
            .filter(|_| binding.role.kind == RoleKind::Role),
        name: binding.role.name.clone(),
    }
}
