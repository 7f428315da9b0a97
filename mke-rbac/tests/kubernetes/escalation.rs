//! Writes of roles and bindings, impersonation and coverage: the reasons, and what must not take forever.

use mke_rbac::kubernetes::{
    Atom, Authorizer, Binding, Impersonation, ImpersonationDecision, ImpersonationError, KubernetesRole,
    Rbac, Rule, WriteDecision, WriteProblem, WriteReason, WriteVerb, covers,
};

use crate::kubernetes_shape::{self as shapes, DENSE};
use crate::shape::Dice;

fn authorizer() -> Authorizer {
    let rbac: Rbac = serde_yaml_ng::from_str(
        "
roles:
- {kind: ClusterRole, name: writer, rules: [{verbs: [create, update], apiGroups: [rbac.authorization.k8s.io], resources: ['*']}]}
- {kind: ClusterRole, name: pods, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}
- {kind: ClusterRole, name: top, aggregate: [{to: top}]}
- {kind: ClusterRole, name: secrets, labels: {to: top}, rules: [{verbs: [get], apiGroups: [''], resources: [secrets]}]}
- {kind: ClusterRole, name: power, rules: [{verbs: [escalate, bind], apiGroups: [rbac.authorization.k8s.io], resources: ['*']}]}
bindings:
- {kind: ClusterRoleBinding, name: w, role: {kind: ClusterRole, name: writer}, subjects: [{kind: User, name: poor}, {kind: User, name: rich}]}
- {kind: ClusterRoleBinding, name: p, role: {kind: ClusterRole, name: pods}, subjects: [{kind: User, name: poor}]}
- {kind: ClusterRoleBinding, name: e, role: {kind: ClusterRole, name: power}, subjects: [{kind: User, name: rich}]}
",
    )
    .unwrap();
    Authorizer::compile(&rbac)
}

fn role(json: &str) -> KubernetesRole {
    serde_json::from_str(json).unwrap()
}

fn binding(json: &str) -> Binding {
    serde_json::from_str(json).unwrap()
}

/// rbac-10: the verdict names what is missing, with aggregated roles resolved and missing roles refused.
#[test]
fn sec_rbac_10_escalation_is_judged_on_what_roles_really_give() {
    let authorizer = authorizer();
    let new = role(
        r#"{"kind": "ClusterRole", "name": "n", "rules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]}"#,
    );
    let WriteDecision::Denied(problems) = authorizer.may_write_role("poor", &[], WriteVerb::Create, &new)
    else {
        panic!("poor got more");
    };
    let [WriteProblem::Escalation { missing }] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert_eq!(missing.len(), 1);
    assert_eq!(problems[0].to_string(), "the writer does not hold list pods");
    let top = binding(
        r#"{"kind": "RoleBinding", "namespace": "blue", "name": "b", "role": {"kind": "ClusterRole", "name": "top"}}"#,
    );
    let refused = authorizer.may_write_binding("poor", &[], WriteVerb::Create, &top);
    assert_eq!(
        refused.problems()[0].to_string(),
        "the writer does not hold get secrets"
    );
    let gone = binding(
        r#"{"kind": "RoleBinding", "namespace": "blue", "name": "b", "role": {"kind": "Role", "name": "top"}}"#,
    );
    let refused = authorizer.may_write_binding("poor", &[], WriteVerb::Create, &gone);
    assert!(
        matches!(refused.problems(), [WriteProblem::MissingRole { .. }]),
        "{refused:?}"
    );
    assert!(refused.problems()[0].is_error());
    let allowed = authorizer.may_write_binding("rich", &[], WriteVerb::Create, &gone);
    let WriteDecision::Allowed(WriteReason::Verb(evidence)) = allowed else {
        panic!("{allowed:?}");
    };
    assert_eq!(evidence.role.name, "power");
    let masters = ["system:masters".to_owned()];
    let allowed = authorizer.may_write_binding("x", &masters, WriteVerb::Create, &top);
    assert_eq!(allowed, WriteDecision::Allowed(WriteReason::Masters));
}

/// Every reason is given at once, the plain permission as well as what is missing.
#[test]
fn all_problems_are_given() {
    let authorizer = authorizer();
    let top = binding(
        r#"{"kind": "ClusterRoleBinding", "name": "p", "role": {"kind": "ClusterRole", "name": "top"}}"#,
    );
    let refused = authorizer.may_write_binding("nobody", &[], WriteVerb::Update, &top);
    let texts: Vec<_> = refused.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "the binding refers to ClusterRole pods and cannot be changed to ClusterRole top; delete it and create a new one",
            r#"user "nobody" cannot update resource "clusterrolebindings" in API group "rbac.authorization.k8s.io" with the name "p" at the cluster scope"#,
            "the writer does not hold get secrets",
        ]
    );
}

/// R88: who it becomes: service accounts and authenticated users get their groups, nobody gets others.
#[test]
fn impersonation_says_who_it_becomes() {
    let authorizer = Authorizer::default();
    let masters = ["system:masters".to_owned()];
    let becomes = |user: &str, groups: &[&str]| {
        let target = Impersonation {
            user: Some(user.into()),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..Impersonation::default()
        };
        match authorizer.may_impersonate("root", &masters, &target) {
            ImpersonationDecision::Allowed(identity) => identity.groups,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(becomes("jane", &[]), ["system:authenticated"]);
    assert_eq!(becomes("jane", &["devs"]), ["devs", "system:authenticated"]);
    assert_eq!(becomes("system:anonymous", &[]), ["system:unauthenticated"]);
    assert_eq!(
        becomes("system:serviceaccount:blue:robot", &[]),
        [
            "system:serviceaccounts",
            "system:serviceaccounts:blue",
            "system:authenticated"
        ]
    );
    assert_eq!(
        becomes("system:serviceaccount:blue:robot", &["x"]),
        ["x", "system:authenticated"]
    );
    let nobody = authorizer.may_impersonate("root", &masters, &Impersonation::default());
    assert_eq!(nobody, ImpersonationDecision::Error(ImpersonationError::Nobody));
}

/// The most obvious way: every atom of the wanted rules against every rule of the owner.
fn slow_covers(owner: &[Rule], wanted: &[Rule]) -> bool {
    let lists = |list: &[String], item: &String| list.iter().any(|own| own == "*" || own == item);
    let resource = |rule: &Rule, wanted: &String| {
        let of_any = wanted.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        lists(&rule.resources, wanted) || of_any.is_some_and(|of_any| rule.resources.contains(&of_any))
    };
    let url = |rule: &Rule, wanted: &String| {
        rule.non_resource_urls
            .iter()
            .any(|own| own == wanted || own.ends_with('*') && wanted.starts_with(own.trim_end_matches('*')))
    };
    wanted.iter().all(|rule| {
        rule.verbs.iter().all(|verb| {
            let resources = rule.api_groups.iter().all(|group| {
                rule.resources.iter().all(|wanted| {
                    let names: Vec<Option<&String>> = match rule.resource_names.is_empty() {
                        true => vec![None],
                        false => rule.resource_names.iter().map(Some).collect(),
                    };
                    names.into_iter().all(|name| {
                        owner.iter().any(|own| {
                            let named = own.resource_names.is_empty()
                                || name.is_some_and(|name| own.resource_names.contains(name));
                            lists(&own.verbs, verb)
                                && lists(&own.api_groups, group)
                                && resource(own, wanted)
                                && named
                        })
                    })
                })
            });
            let urls = rule.non_resource_urls.iter().all(|wanted| {
                owner
                    .iter()
                    .any(|own| lists(&own.verbs, verb) && own.resource_names.is_empty() && url(own, wanted))
            });
            resources && urls
        })
    })
}

/// R86: coverage by classes of values is coverage atom by atom, and what is missing is exactly what is missing.
#[test]
fn coverage_agrees_with_single_atoms() {
    let mut dice = Dice::new(11);
    let mut covered = 0;
    for _ in 0..4_000 {
        let mut rules = |most| -> Vec<Rule> {
            (0..dice.below(most))
                .map(|_| shapes::rule(DENSE, true, &mut dice))
                .collect()
        };
        let owner = rules(8);
        let mut wanted = rules(3);
        // A part of a rule of the owner is covered by it.
        for rule in owner.iter().take(2) {
            wanted.push(Rule {
                verbs: rule.verbs.iter().take(1).cloned().collect(),
                resources: rule.resources.iter().skip(1).cloned().collect(),
                ..rule.clone()
            });
        }
        if wanted.len() % 2 == 0 {
            wanted.drain(..wanted.len() / 2);
        }
        let found = covers(&owner, &wanted);
        assert_eq!(
            found.is_ok(),
            slow_covers(&owner, &wanted),
            "{owner:?}\n{wanted:?}"
        );
        covered += usize::from(found.is_ok() && !wanted.is_empty());
        // With what was missing added, everything is covered.
        let mut owner = owner;
        owner.extend(
            found
                .err()
                .unwrap_or_default()
                .into_iter()
                .map(|atom| match atom {
                    Atom::Resource {
                        verb,
                        group,
                        resource,
                        name,
                    } => Rule {
                        verbs: vec![verb],
                        api_groups: vec![group],
                        resources: vec![resource],
                        resource_names: name.into_iter().collect(),
                        ..Rule::default()
                    },
                    Atom::Url { verb, url } => Rule {
                        verbs: vec![verb],
                        non_resource_urls: vec![url],
                        ..Rule::default()
                    },
                }),
        );
        assert_eq!(covers(&owner, &wanted), Ok(()));
    }
    assert!(covered > 50, "{covered}");
}

/// A rule of a thousand verbs, groups and resources is judged at once, and a million missing atoms are not listed.
#[test]
fn huge_rules_are_judged_in_bounded_time() {
    let many = |prefix: &str| {
        (0..1_000)
            .map(|number| format!("{prefix}{number}"))
            .collect::<Vec<_>>()
    };
    let huge = Rule {
        verbs: many("v"),
        api_groups: many("g"),
        resources: many("r"),
        resource_names: many("n"),
        ..Rule::default()
    };
    assert_eq!(
        covers(std::slice::from_ref(&huge), std::slice::from_ref(&huge)),
        Ok(())
    );
    assert_eq!(covers(&[], std::slice::from_ref(&huge)).unwrap_err().len(), 1_000);
}
