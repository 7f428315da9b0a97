//! Generated policies and requests: the same for the same numbers, small, and full of what is easily got wrong.
//!
//! Most requests are aimed: they start from a subject and a rule that a binding brings together, and then often
//! change in one place. The others take words at random. Requests are about a resource or about a URL, never about both
//! or neither: the API server makes no others.

use std::collections::{BTreeMap, HashSet};

use mke_rbac::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, LabelExpression, LabelOperator, LabelSelector,
    Rbac, Request, RoleKind, RoleRef, Rule,
};

use crate::dice::Dice;
use crate::words::{
    ACCOUNTS, API_GROUPS, DEFINED_ROLES, GROUPS, LABEL_VALUES, LABELS, NAMES, NAMESPACES, PATHS, RESOURCES,
    ROLES, RULE_RESOURCES, RULE_URLS, SUBRESOURCES, USERS, VERBS,
};

/// A policy of at most 20 roles and 24 bindings. Every twentieth also has the default roles of a cluster.
pub fn policy(dice: &mut Dice) -> Rbac {
    let mut rbac = if dice.once_in(20) {
        Rbac::bootstrap()
    } else {
        Rbac::default()
    };
    let mut names: HashSet<_> = rbac
        .roles
        .iter()
        .map(|role| (role.kind == RoleKind::Role, None, role.name.clone()))
        .collect();
    for _ in 0..dice.below(21) {
        let role = role(dice);
        // Two roles of one name cannot exist.
        let namespace = (role.kind == RoleKind::Role).then(|| role.namespace.clone().unwrap_or_default());
        if names.insert((role.kind == RoleKind::Role, namespace, role.name.clone())) {
            rbac.roles.push(role);
        }
    }
    for _ in 0..=dice.below(24) {
        rbac.bindings.push(binding(dice, &rbac.roles));
    }
    rbac
}

fn role(dice: &mut Dice) -> KubernetesRole {
    let kind = if dice.once_in(2) {
        RoleKind::Role
    } else {
        RoleKind::ClusterRole
    };
    let defined = ROLES.get(..DEFINED_ROLES).unwrap_or(ROLES);
    let aggregated = kind == RoleKind::ClusterRole && dice.once_in(4);
    KubernetesRole {
        kind,
        name: dice.word(defined),
        namespace: (kind == RoleKind::Role || dice.once_in(20)).then(|| dice.word(NAMESPACES)),
        labels: labels(dice, 3),
        aggregate: aggregated.then(|| (0..dice.below(4)).map(|_| selector(dice)).collect()),
        rules: rules(dice, 4),
    }
}

fn labels(dice: &mut Dice, below: usize) -> BTreeMap<String, String> {
    (0..dice.below(below))
        .map(|_| (dice.word(LABELS), dice.word(LABEL_VALUES)))
        .collect()
}

fn selector(dice: &mut Dice) -> LabelSelector {
    let expression = |dice: &mut Dice| {
        let operator = match dice.below(4) {
            0 => LabelOperator::In,
            1 => LabelOperator::NotIn,
            2 => LabelOperator::Exists,
            _ => LabelOperator::DoesNotExist,
        };
        // The first two need values, the others must have none.
        let valued = matches!(operator, LabelOperator::In | LabelOperator::NotIn);
        let count = if valued { 1 + dice.below(2) } else { 0 };
        LabelExpression {
            key: dice.word(LABELS),
            operator,
            values: (0..count).map(|_| dice.word(LABEL_VALUES)).collect(),
        }
    };
    LabelSelector {
        labels: labels(dice, 2),
        expressions: if dice.once_in(4) {
            vec![expression(dice)]
        } else {
            Vec::new()
        },
    }
}

/// Fewer than `below` rules, as a role holds them.
pub fn rules(dice: &mut Dice, below: usize) -> Vec<Rule> {
    (0..dice.below(below)).map(|_| rule(dice)).collect()
}

fn rule(dice: &mut Dice) -> Rule {
    // Rules of a cluster are for resources or for URLs; now and then one that is for both, or for nothing.
    let (resources, urls) = match dice.below(10) {
        0..6 => (true, false),
        6..9 => (false, true),
        _ => (dice.once_in(2), dice.once_in(2)),
    };
    let named = resources && dice.once_in(3);
    Rule {
        verbs: some(dice, VERBS, true),
        api_groups: some(dice, API_GROUPS, resources),
        resources: some(dice, RULE_RESOURCES, resources),
        resource_names: some(dice, NAMES, named),
        non_resource_urls: some(dice, RULE_URLS, urls),
    }
}

/// None to three of the words, mostly one.
fn some(dice: &mut Dice, words: &[&str], wanted: bool) -> Vec<String> {
    let count = match dice.below(20) {
        _ if !wanted => 0,
        0 => 0,
        1..12 => 1,
        12..18 => 2,
        _ => 3,
    };
    (0..count).map(|_| dice.word(words)).collect()
}

fn binding(dice: &mut Dice, roles: &[KubernetesRole]) -> Binding {
    let kind = if dice.once_in(3) {
        BindingKind::ClusterRoleBinding
    } else {
        BindingKind::RoleBinding
    };
    let namespaced = kind == BindingKind::RoleBinding || dice.once_in(20);
    // Mostly to a role that is there, and then mostly where it is.
    let target = if dice.once_in(5) { None } else { dice.pick(roles) };
    let role = match target {
        Some(role) => RoleRef {
            kind: role.kind,
            name: role.name.clone(),
        },
        None => RoleRef {
            kind: if dice.once_in(2) {
                RoleKind::Role
            } else {
                RoleKind::ClusterRole
            },
            name: dice.word(ROLES),
        },
    };
    let home = target
        .and_then(|role| role.namespace.clone())
        .filter(|_| !dice.once_in(6));
    Binding {
        kind,
        name: None,
        namespace: namespaced.then(|| home.unwrap_or_else(|| dice.word(NAMESPACES))),
        role,
        subjects: (0..dice.below(4)).map(|_| subject(dice)).collect(),
    }
}

fn subject(dice: &mut Dice) -> BindingSubject {
    match dice.below(3) {
        0 => BindingSubject::User {
            name: dice.word(USERS),
        },
        1 => BindingSubject::Group { name: group(dice) },
        _ => BindingSubject::ServiceAccount {
            name: dice.word(ACCOUNTS),
            namespace: (!dice.once_in(3)).then(|| dice.word(NAMESPACES)),
        },
    }
}

fn group(dice: &mut Dice) -> String {
    // Its members pass everything, so it must be rare to leave something to decide.
    if dice.once_in(200) {
        "system:masters".to_owned()
    } else {
        dice.word(GROUPS)
    }
}

/// A request about things that the policy speaks of, or about anything.
pub fn request(dice: &mut Dice, rbac: &Rbac) -> Request {
    let aimed = if dice.once_in(4) {
        None
    } else {
        (0..4).find_map(|_| aimed(dice, rbac))
    };
    let mut request = aimed.unwrap_or_else(|| anything(dice));
    if dice.once_in(3) {
        disturb(dice, &mut request);
    }
    request
}

fn anything(dice: &mut Dice) -> Request {
    let mut request = Request {
        user: dice.word(USERS),
        groups: groups(dice),
        verb: dice.word(VERBS),
        ..Request::default()
    };
    if dice.once_in(4) {
        request.path = Some(dice.word(PATHS));
    } else {
        request.group = dice.word(API_GROUPS);
        request.resource = Some(dice.word(RESOURCES));
        request.subresource = dice.once_in(3).then(|| dice.word(SUBRESOURCES));
        request.name = dice.once_in(2).then(|| dice.word(NAMES));
        request.namespace = (!dice.once_in(3)).then(|| dice.word(NAMESPACES));
    }
    request
}

fn groups(dice: &mut Dice) -> Vec<String> {
    (0..dice.below(4)).map(|_| group(dice)).collect()
}

/// A request that some binding might allow: its subject, one of its role's rules, its namespace.
fn aimed(dice: &mut Dice, rbac: &Rbac) -> Option<Request> {
    let binding = dice.pick(&rbac.bindings)?;
    let role = rbac.roles.iter().find(|role| {
        let here = role.kind == RoleKind::ClusterRole || role.namespace == binding.namespace;
        here && role.kind == binding.role.kind && role.name == binding.role.name
    })?;
    // What an aggregated role allows stands in others.
    let elsewhere = dice.pick(&rbac.roles)?;
    let written = if role.aggregate.is_some() { elsewhere } else { role };
    let rule = dice.pick(&written.rules)?;
    let mut request = anything(dice);
    match dice.pick(&binding.subjects)? {
        BindingSubject::User { name } => request.user.clone_from(name),
        BindingSubject::Group { name } => request.groups.push(name.clone()),
        BindingSubject::ServiceAccount { name, namespace } => {
            let namespace = namespace.as_deref().filter(|namespace| !namespace.is_empty());
            let namespace = namespace.or(binding.namespace.as_deref()).unwrap_or_default();
            request.user = format!("system:serviceaccount:{namespace}:{name}");
        }
    }
    request.verb = concrete(dice, &rule.verbs, "get");
    request.path = None;
    request.resource = None;
    let about_url = rule.resources.is_empty() || dice.once_in(2);
    if let Some(url) = dice.pick(&rule.non_resource_urls).filter(|_| about_url) {
        request = Request {
            user: request.user,
            groups: request.groups,
            verb: request.verb,
            ..Request::default()
        };
        let end = if dice.once_in(2) {
            dice.word(&["", "x", "/x", "*"])
        } else {
            String::new()
        };
        request.path = Some(format!("{}{end}", url.trim_end_matches('*')));
        return Some(request);
    }
    request.group = concrete(dice, &rule.api_groups, "apps");
    let resource = dice.pick(&rule.resources)?;
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) if !dice.once_in(10) => (resource, Some(subresource.to_owned())),
        _ => (resource.as_str(), None),
    };
    request.resource = Some(if resource == "*" {
        dice.word(RESOURCES)
    } else {
        resource.to_owned()
    });
    request.subresource = subresource.or_else(|| dice.once_in(5).then(|| dice.word(SUBRESOURCES)));
    if !rule.resource_names.is_empty() {
        request.name = dice.pick(&rule.resource_names).cloned();
    }
    if binding.kind == BindingKind::RoleBinding {
        request.namespace.clone_from(&binding.namespace);
    }
    if request.resource.as_deref() == Some("namespaces") && dice.once_in(2) {
        request.name.clone_from(&request.namespace);
        request.namespace = None;
    }
    Some(request)
}

/// One of the words; something else for a star.
fn concrete(dice: &mut Dice, words: &[String], instead: &str) -> String {
    match dice.pick(words).map(String::as_str) {
        Some("*") | None => instead.to_owned(),
        Some(word) => word.to_owned(),
    }
}

/// Changes one thing, so that what was just allowed is just denied, or the other way round.
fn disturb(dice: &mut Dice, request: &mut Request) {
    let about_url = request.path.is_some();
    match dice.below(9) {
        0 => request.user = dice.word(USERS),
        1 => request.groups = groups(dice),
        2 => request.verb = dice.word(VERBS),
        3 if about_url => request.path = Some(dice.word(PATHS)),
        3 => request.resource = Some(dice.word(RESOURCES)),
        4 => mangle(dice, &mut request.user),
        5 => mangle(dice, &mut request.verb),
        6 => {
            if let Some(text) = request.path.as_mut().or(request.resource.as_mut()) {
                mangle(dice, text);
            }
        }
        _ if about_url => {}
        7 => request.group = dice.word(API_GROUPS),
        _ => match dice.below(3) {
            0 => request.namespace = dice.once_in(2).then(|| dice.word(NAMESPACES)),
            1 => request.name = dice.once_in(2).then(|| dice.word(NAMES)),
            _ => request.subresource = dice.once_in(2).then(|| dice.word(SUBRESOURCES)),
        },
    }
}

fn mangle(dice: &mut Dice, text: &mut String) {
    match dice.below(5) {
        0 => text.push('x'),
        1 => {
            text.pop();
        }
        2 => *text = text.to_uppercase(),
        3 => text.push('*'),
        _ => text.insert(0, '/'),
    }
}

/// Rules that somebody has, and rules that he wants to give; often nearly covered.
pub fn pair(dice: &mut Dice) -> (Vec<Rule>, Vec<Rule>) {
    let mut owned = rules(dice, 6);
    let mut wanted = rules(dice, 3);
    if dice.once_in(2) {
        // A part of what he has, perhaps from two rules.
        wanted = (0..dice.below(3))
            .filter_map(|_| dice.pick(&owned).cloned())
            .collect();
        for rule in &mut wanted {
            for words in [
                &mut rule.verbs,
                &mut rule.api_groups,
                &mut rule.resources,
                &mut rule.resource_names,
            ] {
                if words.len() > 1 && dice.once_in(2) {
                    words.pop();
                }
            }
        }
    }
    if dice.once_in(3)
        && let Some(rule) = owned.first_mut()
    {
        let place = dice.below(4);
        let words = [
            &mut rule.verbs,
            &mut rule.api_groups,
            &mut rule.resources,
            &mut rule.resource_names,
        ];
        if let Some(words) = words.into_iter().nth(place) {
            words.clear();
            if dice.once_in(2) {
                words.push("*".to_owned());
            }
        }
    }
    (owned, wanted)
}

#[cfg(test)]
mod tests {
    use mke_rbac::kubernetes::Authorizer;

    use super::*;

    /// A generator that allows nothing or everything compares nothing.
    #[test]
    fn verdicts_of_both_kinds_are_frequent() {
        let mut dice = Dice::new(1);
        let (mut allowed, mut asked) = (0, 0);
        for _ in 0..200 {
            let rbac = policy(&mut dice);
            let authorizer = Authorizer::compile(&rbac);
            for _ in 0..50 {
                allowed += usize::from(authorizer.allows(&request(&mut dice, &rbac)));
                asked += 1;
            }
        }
        assert!(
            allowed * 10 > asked && allowed * 10 < asked * 6,
            "{allowed} of {asked}"
        );
    }

    #[test]
    fn requests_are_about_a_resource_or_about_a_url() {
        let mut dice = Dice::new(2);
        let rbac = policy(&mut dice);
        for _ in 0..1000 {
            let request = request(&mut dice, &rbac);
            assert!(
                request.path.is_some() != request.resource.is_some(),
                "{request:?}"
            );
        }
    }
}
