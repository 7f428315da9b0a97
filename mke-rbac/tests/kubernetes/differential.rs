//! The compiled snapshot against the slow evaluator, on random roles, bindings and requests.

use mke_rbac::kubernetes::{
    Authorizer, BindingKind, KubernetesDecision, KubernetesEvidence, Rbac, Request, RuleEvidence,
};

use crate::kubernetes_shape::{self as shapes, DENSE, Shape};
use crate::shape::Dice;
use crate::slow;

const CLUSTERS: u64 = 150;
const REQUESTS: usize = 400;

/// K8S-001, rbac-08: decisions, evidence, holders and lists of rules are those of the slow evaluator.
#[test]
fn sec_rbac_08_snapshots_agree_with_the_slow_evaluator() {
    let (mut allowed, mut denied) = (0, 0);
    for seed in 0..CLUSTERS {
        let mut dice = Dice::new(seed);
        let rbac = shapes::rbac(DENSE, &mut dice);
        let authorizer = Authorizer::compile(&rbac);
        for number in 0..REQUESTS {
            let request = match number % 2 {
                0 => shapes::request(DENSE, &mut dice),
                _ => shapes::close_request(&rbac, DENSE, &mut dice),
            };
            match compare(&rbac, &authorizer, &request) {
                true => allowed += 1,
                false => denied += 1,
            }
        }
        compare_views(&rbac, &authorizer, DENSE, &mut dice);
    }
    assert!(allowed > 10_000, "{allowed} allowed");
    assert!(denied > 10_000, "{denied} denied");
}

/// Compares one decision and gives it.
pub(crate) fn compare(rbac: &Rbac, authorizer: &Authorizer, request: &Request) -> bool {
    let expected = slow::allows(rbac, request);
    assert_eq!(authorizer.allows(request), expected, "{request:?}\n{rbac:#?}");
    match authorizer.decide(request) {
        KubernetesDecision::Allowed(KubernetesEvidence::Rule(evidence)) => {
            assert!(expected);
            check_evidence(rbac, &evidence, request);
        }
        KubernetesDecision::Allowed(KubernetesEvidence::Masters) => {
            assert!(request.groups.iter().any(|group| group == "system:masters"));
        }
        KubernetesDecision::Denied(denial) => {
            assert!(!expected);
            assert_eq!(denial.request, request);
        }
    }
    expected
}

/// Evidence that stands for itself: with nothing but what it names, the request is still allowed.
fn check_evidence(rbac: &Rbac, evidence: &RuleEvidence<'_>, request: &Request) {
    assert!(rbac.bindings.contains(evidence.binding));
    assert!(evidence.binding.subjects.contains(evidence.subject));
    assert!(rbac.roles.contains(evidence.role));
    assert_eq!(evidence.binding.role_key(), Some(evidence.role.key()));
    let written = evidence.source.unwrap_or(evidence.role);
    assert!(rbac.roles.contains(written));
    assert_eq!(written.rules.get(evidence.rule_index), Some(evidence.rule));
    assert!(slow::rules_of(rbac, evidence.role).contains(&evidence.rule));
    let mut role = evidence.role.clone();
    role.aggregate = None;
    role.rules = vec![evidence.rule.clone()];
    let mut binding = evidence.binding.clone();
    binding.subjects = vec![evidence.subject.clone()];
    let alone = Rbac {
        roles: vec![role],
        bindings: vec![binding],
    };
    assert!(slow::allows(&alone, request), "{evidence}");
}

/// Compares who can do something, and what somebody can do.
pub(crate) fn compare_views(rbac: &Rbac, authorizer: &Authorizer, shape: Shape, dice: &mut Dice) {
    for _ in 0..5 {
        let request = shapes::close_request(rbac, shape, dice);
        let found = authorizer.who_can(&request);
        let users = found.users.keys().map(|name| format!("user {name}"));
        let groups = found.groups.keys().map(|name| format!("group {name}"));
        let accounts = found.service_accounts.keys();
        let accounts = accounts.map(|(namespace, name)| format!("account {namespace}:{name}"));
        let shown: std::collections::BTreeSet<_> = users.chain(groups).chain(accounts).collect();
        assert_eq!(shown, slow::who_can(rbac, &request), "{request:?}\n{rbac:#?}");
        let holders = found.users.values().chain(found.groups.values());
        for evidence in holders.chain(found.service_accounts.values()) {
            let with_urls = evidence.binding.kind == BindingKind::ClusterRoleBinding;
            assert!(evidence.rule.allows(&request, with_urls));
        }
        let namespace = request.scope();
        let rules = authorizer.rules_for(&request.user, &request.groups, namespace);
        let mut rules: Vec<_> = rules.iter().map(|rule| format!("{rule:?}")).collect();
        let expected = slow::rules_for(rbac, &request.user, &request.groups, namespace);
        let mut expected: Vec<_> = expected.iter().map(|rule| format!("{rule:?}")).collect();
        rules.sort();
        rules.dedup();
        expected.sort();
        expected.dedup();
        assert_eq!(rules, expected);
    }
}
