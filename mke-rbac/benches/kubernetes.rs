//! K8S-001: how long Kubernetes decisions take: `cargo bench -p mke-rbac --bench kubernetes`.
//!
//! Clusters of five sizes on top of the default roles of Kubernetes, and shapes that are made to be slow. Requests
//! are drawn in advance, most of them about something that a rule of the user speaks of. Each figure is a single
//! call, less the cost of reading the clock.

#![expect(clippy::print_stdout, reason = "a benchmark reports what it measured")]

#[path = "../tests/common/kubernetes_shape.rs"]
#[expect(dead_code, reason = "some shapes are for tests")]
mod kubernetes_shape;
#[path = "../tests/common/shape.rs"]
#[expect(dead_code, reason = "only its dice are used here")]
mod shape;

use std::hint::black_box;
use std::time::{Duration, Instant};

use kubernetes_shape::{Shape, cluster};
use mke_rbac::kubernetes::{
    Authorizer, Binding, BindingKind, BindingSubject, KubernetesChange, KubernetesRole, Rbac, Request,
    RoleKind, RoleRef, Rule,
};
use shape::Dice;

const REQUESTS: usize = 1 << 15;

fn main() {
    println!(
        "{:<34} {:>9} {:>15} {:>15} {:>15} {:>9}",
        "", "build", "allows p50/p99", "decide p50/p99", "with p50/p99", "who_can"
    );
    let bootstrap = Rbac::bootstrap();
    report(
        "bootstrap",
        &bootstrap,
        &bootstrap_requests(&bootstrap),
        &mut Dice::new(1),
    );
    for bindings in [100, 1_000, 10_000, 100_000] {
        let shape = cluster(bindings);
        let mut dice = Dice::new(1);
        let mut rbac = Rbac::bootstrap();
        let own = kubernetes_shape::rbac(shape, &mut dice);
        let requests = requests(&own, shape, &mut dice);
        rbac.roles.extend(own.roles);
        rbac.bindings.extend(own.bindings);
        report(&format!("{bindings} bindings"), &rbac, &requests, &mut dice);
    }
    for (name, rbac, request) in slow_shapes() {
        report(name, &rbac, &vec![request; 1 << 12], &mut Dice::new(1));
    }
}

fn requests(rbac: &Rbac, shape: Shape, dice: &mut Dice) -> Vec<Request> {
    // A part of the bindings, because a binding is looked up slowly.
    let part = Rbac {
        roles: rbac.roles.clone(),
        bindings: rbac
            .bindings
            .iter()
            .step_by(1 + rbac.bindings.len() / 2_000)
            .cloned()
            .collect(),
    };
    let mut requests: Vec<_> = (0..2_000)
        .map(|_| kubernetes_shape::close_request(&part, shape, dice))
        .collect();
    while requests.len() < REQUESTS {
        let mut request = dice.pick(&requests[..2_000]).clone();
        if let Some(BindingSubject::User { name }) = dice_binding(rbac, dice).subjects.first() {
            request.user.clone_from(name);
        }
        requests.push(request);
    }
    requests
}

fn dice_binding<'r>(rbac: &'r Rbac, dice: &mut Dice) -> &'r Binding {
    dice.pick(&rbac.bindings)
}

/// Every rule of the default roles, asked for by somebody who holds it and by somebody who does not.
fn bootstrap_requests(rbac: &Rbac) -> Vec<Request> {
    let mut dice = Dice::new(1);
    let mut requests = Vec::new();
    while requests.len() < REQUESTS {
        let mut request = kubernetes_shape::close_request(rbac, cluster(10), &mut dice);
        request.groups.retain(|group| group != "system:masters");
        request.groups.push("system:authenticated".into());
        requests.push(request);
    }
    requests
}

fn report(name: &str, rbac: &Rbac, requests: &[Request], dice: &mut Dice) {
    let start = Instant::now();
    let authorizer = Authorizer::compile(rbac);
    let build = start.elapsed();
    let clock = quantiles(requests, |_| ());
    let allows = quantiles(requests, |request| {
        black_box(authorizer.allows(request));
    });
    let decide = quantiles(requests, |request| {
        black_box(authorizer.decide(request));
    });
    let changes: Vec<_> = (0..2_000)
        .map(|_| KubernetesChange::PutBinding(dice_binding(rbac, dice).clone()))
        .collect();
    let with = quantiles(&changes, |change| {
        black_box(authorizer.with(change));
    });
    let who_can = quantiles(&requests[..20], |request| {
        black_box(authorizer.who_can(request));
    });
    let allowed = requests
        .iter()
        .filter(|request| authorizer.allows(request))
        .count();
    println!(
        "{name:<34} {:>6} ms {:>5} / {:>4} ns {:>5} / {:>4} ns {:>5} / {:>4} ns {:>6} us  ({}% allowed)",
        build.as_millis(),
        nanoseconds(allows.0, clock.0),
        nanoseconds(allows.1, clock.1),
        nanoseconds(decide.0, clock.0),
        nanoseconds(decide.1, clock.1),
        nanoseconds(with.0, clock.0),
        nanoseconds(with.1, clock.1),
        who_can.0.as_micros(),
        allowed * 100 / requests.len(),
    );
}

fn nanoseconds(time: Duration, clock: Duration) -> u128 {
    time.saturating_sub(clock).as_nanos()
}

fn quantiles<T: Clone>(items: &[T], mut act: impl FnMut(&T)) -> (Duration, Duration) {
    let mut times: Vec<_> = items
        .iter()
        .map(|item| {
            // The item is in the cache, as it is for a caller who has just read it.
            black_box(item.clone());
            let start = Instant::now();
            act(black_box(item));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn rule(resource: String) -> Rule {
    Rule {
        verbs: vec!["get".into(), "list".into()],
        api_groups: vec![String::new()],
        resources: vec![resource],
        ..Rule::default()
    }
}

fn cluster_role(name: String, rules: Vec<Rule>) -> KubernetesRole {
    KubernetesRole {
        kind: RoleKind::ClusterRole,
        name,
        namespace: None,
        labels: Default::default(),
        aggregate: None,
        rules,
    }
}

fn binding(number: usize, role: usize, namespace: Option<String>, subject: BindingSubject) -> Binding {
    Binding {
        kind: match namespace {
            Some(_) => BindingKind::RoleBinding,
            None => BindingKind::ClusterRoleBinding,
        },
        name: Some(format!("b{number}")),
        namespace,
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: format!("r{role}"),
        },
        subjects: vec![subject],
    }
}

fn slow_shapes() -> Vec<(&'static str, Rbac, Request)> {
    let user = || BindingSubject::User { name: "u".into() };
    let denied = Request {
        user: "u".into(),
        verb: "delete".into(),
        resource: Some("resource7".into()),
        name: Some("x".into()),
        namespace: Some("ns7".into()),
        ..Request::default()
    };
    let many_roles = || {
        (0..10_000).map(|number| cluster_role(format!("r{number}"), vec![rule(format!("resource{number}"))]))
    };
    let one_user = Rbac {
        roles: many_roles().collect(),
        bindings: (0..10_000)
            .map(|number| binding(number, number, None, user()))
            .collect(),
    };
    let namespaces = Rbac {
        roles: many_roles().collect(),
        bindings: (0..10_000)
            .map(|number| binding(number, number, Some(format!("ns{number}")), user()))
            .collect(),
    };
    let long_role = Rbac {
        roles: vec![cluster_role(
            "r0".into(),
            (0..1_000)
                .map(|number| rule(format!("resource{number}")))
                .collect(),
        )],
        bindings: vec![binding(0, 0, None, user())],
    };
    let mut wide = rule(String::new());
    wide.resources = (0..10_000).map(|number| format!("resource{number}")).collect();
    wide.resource_names = (0..10_000).map(|number| format!("name{number}")).collect();
    let wide_rule = Rbac {
        roles: vec![cluster_role("r0".into(), vec![wide])],
        bindings: vec![binding(0, 0, None, user())],
    };
    let mut many_groups = Rbac {
        roles: many_roles().collect(),
        bindings: Vec::new(),
    };
    for number in 0..10_000 {
        let group = BindingSubject::Group {
            name: format!("g{}", number % 100),
        };
        many_groups.bindings.push(binding(number, number, None, group));
    }
    let in_groups = Request {
        groups: (0..100).map(|number| format!("g{number}")).collect(),
        ..denied.clone()
    };
    let get = |request: &Request| Request {
        verb: "get".into(),
        ..request.clone()
    };
    vec![
        ("10k roles of one user, denied", one_user.clone(), denied.clone()),
        ("10k roles of one user, allowed", one_user, get(&denied)),
        ("10k namespaces of one user, allowed", namespaces, get(&denied)),
        ("role of 1000 rules, denied", long_role.clone(), denied.clone()),
        ("role of 1000 rules, allowed", long_role, get(&denied)),
        ("rule of 10k resources and names", wide_rule, get(&denied)),
        ("100 groups of 100 roles, denied", many_groups, in_groups),
    ]
}
