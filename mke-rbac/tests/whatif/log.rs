//! `unused` and `replay`: what an audit log says about a policy.

use mke_rbac::demand::ObjectKind;
use mke_rbac::engine::ENDPOINTS;
use mke_rbac::inquiry::log::{AuditLog, LogReader};
use mke_rbac::inquiry::{Proposal, Replay, ReplayReport, Report as _, Unused, UnusedReport};
use mke_rbac::question::{Ask, Question, Verdict};
use mke_rbac::state::World;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bank::{advanced, ask, file, users, world};
use crate::dice::Dice;

/// A record as the controller writes it.
fn record(user: &str, method: &str, uri: &str, code: u16, more: Value) -> Value {
    let path = uri.split('?').next().unwrap();
    let mut audit = json!({
        "metadata": {"method": method, "endpoint": path, "remoteAddress": "192.0.2.1:1", "licenseKey": "unlicensed"},
        "level": "Metadata",
        "timestamp": "2026-11-20T10:00:00.000Z",
        "auditID": "1",
        "stage": "ResponseComplete",
        "requestURI": uri,
        "verb": method.to_lowercase(),
        "user": {"username": user, "uid": if user.is_empty() { String::new() } else { format!("u-{user}") }},
        "sourceIPs": ["192.0.2.1"],
        "requestReceivedTimestamp": "2026-11-20T10:00:00.000Z",
        "responseStatus": {"code": code},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        audit[key] = value.clone();
    }
    json!({ "audit": audit })
}

fn log(records: &[Value]) -> AuditLog {
    let mut reader = LogReader::default();
    for record in records {
        reader.line(&record.to_string());
    }
    reader.finish()
}

fn replay(world: &World, log: &AuditLog) -> ReplayReport {
    let replay = Replay {
        log: log.clone(),
        fail_on_flips: true,
        limit: 100,
    };
    ask::<Replay>(world, serde_json::to_value(&replay).unwrap()).unwrap()
}

fn unused(world: &World, log: &AuditLog) -> UnusedReport {
    let unused = Unused {
        log: log.clone(),
        system: false,
        limit: 100,
    };
    ask::<Unused>(world, serde_json::to_value(&unused).unwrap()).unwrap()
}

/// Records before the end, of the control plane, of the same request twice, and what is no record at all.
#[test]
fn what_is_read() {
    let mut reader = LogReader::default();
    let started = record(
        "sam",
        "GET",
        "/events",
        200,
        json!({"stage": "ResponseStarted", "auditID": "2"}),
    );
    let ended = record(
        "sam",
        "GET",
        "/events",
        200,
        json!({"auditID": "2", "timestamp": "2026-11-20T12:00:00.000Z"}),
    );
    for line in [
        record(
            "sam",
            "POST",
            "/services/create",
            201,
            json!({"stage": "RequestReceived"}),
        )
        .to_string(),
        record("sam", "POST", "/services/create", 201, json!({})).to_string(),
        record("sam", "POST", "/accounts", 201, json!({})).to_string(),
        started.to_string(),
        ended.to_string(),
        "not json".to_owned(),
        "{}".to_owned(),
        String::new(),
        json!({"audit": {"stage": "x"}}).to_string(),
    ] {
        reader.line(&line);
    }
    let coverage = reader.finish().coverage;
    assert_eq!(
        (coverage.lines, coverage.requests, coverage.control_plane),
        (8, 2, 1)
    );
    assert_eq!(
        (coverage.repeated, coverage.unreadable, coverage.without_bodies),
        (2, 3, 1)
    );
    assert_eq!(coverage.first.as_deref(), Some("2026-11-20T10:00:00.000Z"));
    assert_eq!(coverage.complaints.len(), 3);
    assert!(
        coverage.complaints[0].starts_with("line 6"),
        "{:?}",
        coverage.complaints
    );
}

/// Grants without any use, grants that give more than was used, and what a log without bodies cannot show.
#[test]
fn rights_that_are_not_used() {
    let body = json!({"level": "Request", "requestObject": {"Name": "m", "Labels": {"com.docker.ucp.access.label": "/prod/mobile"},
        "TaskTemplate": {"ContainerSpec": {"Image": "nginx", "Secrets": [{"SecretID": "mobile-db-pass", "File": {"Name": "x"}}]}}}});
    let records = [
        record("mindi", "POST", "/services/create", 201, body),
        record("mindi", "GET", "/services/mobile-prod", 200, json!({})),
        // Refused requests use nothing; administrators use no grant.
        record("peter", "DELETE", "/services/payments-prod", 403, json!({})),
        record("root", "DELETE", "/services/payments-stg", 200, json!({})),
        // Where a container went that is gone, nobody knows: it counts for every grant that could have been it.
        record("peter", "POST", "/containers/gone/start", 204, json!({})),
        record("sam", "GET", "/services", 200, json!({})),
    ];
    let report = unused(&advanced(), &log(&records));
    let entry = |subject: &str, collection: &str| {
        let found = report
            .unused_grants
            .iter()
            .find(|entry| entry.grant.subject.ends_with(subject) && entry.grant.collection == collection);
        found.unwrap_or_else(|| panic!("{subject} {collection}: {report}"))
    };
    let mobile = entry("/mobile", "/prod/mobile");
    assert_eq!(
        mobile.used.names(),
        ["Node Schedule", "Service Create", "Service View"]
    );
    assert_eq!(entry("/mobile", "/prod/db/mobile").used.names(), ["Secret Use"]);
    assert_eq!(entry("/mobile", "/staging/mobile").proposal, Proposal::Remove);
    assert_eq!(
        entry("/payments", "/prod/payments").used.names(),
        ["Container Start"]
    );
    assert_eq!(
        entry("/payments", "/staging/payments").used.names(),
        ["Container Start"]
    );
    assert_eq!(entry("/db", "/prod/db").requests, 0);
    assert_eq!(entry("/security", "/prod").used.names(), ["Service View"]);
    assert!(report.idle_grants >= 4, "{report}");
    // Without the body nobody knows which modifiers a create used, so all of them stay.
    let plain = [record("mindi", "POST", "/services/create", 201, json!({}))];
    let report = unused(&advanced(), &log(&plain));
    let mobile = report
        .unused_grants
        .iter()
        .find(|entry| entry.grant.collection == "/prod/mobile" && entry.requests > 0)
        .unwrap();
    assert!(
        mobile
            .used
            .names()
            .contains(&"Service Create with Host Bind Mounts".to_owned())
    );
    assert_eq!(report.coverage.without_bodies, 1);
    assert!(report.to_string().contains("without query and body"), "{report}");
    // A role that is used in full is not listed.
    let all = [
        record("sam", "GET", "/nodes", 200, json!({})),
        record("dina", "POST", "/services/create", 201, json!({})),
    ];
    let report = unused(&advanced(), &log(&all));
    assert!(
        !report
            .unused_grants
            .iter()
            .any(|entry| entry.grant.subject == "org:docker-datacenter"),
        "{report}"
    );
}

fn event(user: &str, verb: &str, resource: &str, namespace: &str, decision: &str) -> Value {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "k", "stage": "ResponseComplete",
        "requestURI": "/x", "verb": verb, "user": {"username": user, "groups": ["system:authenticated"]},
        "objectRef": {"resource": resource, "namespace": namespace, "apiVersion": "v1"},
        "stageTimestamp": "2026-11-20T10:00:00.000000Z", "annotations": {"authorization.k8s.io/decision": decision}})
}

/// Bindings of Kubernetes: unused ones, unused rules, and flips.
#[test]
fn kubernetes_events() {
    let state = "
k8s:
  roles:
  - {kind: Role, name: ops, namespace: blue, rules: [{verbs: [get, delete], apiGroups: [''], resources: [pods]}, {verbs: ['*'], apiGroups: [apps], resources: ['*']}]}
  bindings:
  - {kind: RoleBinding, name: ann, namespace: blue, role: {kind: Role, name: ops}, subjects: [{kind: User, name: ann}]}
  - {kind: RoleBinding, name: bob, namespace: blue, role: {kind: Role, name: ops}, subjects: [{kind: User, name: bob}]}
";
    let records = [
        event("ann", "get", "pods", "blue", "allow"),
        event("ann", "get", "pods", "blue", "allow"),
        event("ann", "get", "secrets", "blue", "forbid"),
        event("cyd", "get", "pods", "blue", "allow"),
    ];
    let log = log(&records);
    assert_eq!(log.entries.len(), 3, "the same request twice is one entry");
    let report = unused(&world(state), &log);
    assert_eq!((report.bindings, report.idle_bindings), (2, 1));
    let idle = &report.unused_bindings[0];
    assert!(
        idle.binding.contains("bob") && idle.proposal.is_empty(),
        "{report}"
    );
    let used = &report.unused_bindings[1];
    assert_eq!((used.requests, used.unused.len(), used.proposal.len()), (2, 1, 1));
    assert_eq!(used.proposal[0].verbs, ["get"]);
    let replayed = replay(&world(state), &log);
    assert_eq!(
        (replayed.same, replayed.denied_now, replayed.allowed_now),
        (3, 1, 0),
        "{replayed}"
    );
    assert_eq!(replayed.flips[0].user, "cyd");
}

/// A policy that lost a grant denies what it allowed; one that gained a grant allows what was denied.
#[test]
fn flips_against_another_policy() {
    let missing = json!({"metadata": {"method": "DELETE", "endpoint": "/services/mobile-prod", "missing": {"code": "missing-operation",
        "text": "", "checks": [{"operation": "Service Delete", "modifier": null, "collection": "c-prod-mobile", "path": "/prod/mobile"}]}}});
    let records = [
        record("mindi", "DELETE", "/services/mobile-prod", 200, json!({})),
        record("peter", "DELETE", "/services/mobile-prod", 403, missing),
        record("sam", "GET", "/services", 200, json!({})),
        record("sam", "GET", "/services/unknown", 404, json!({})),
        record("gone", "GET", "/services", 200, json!({})),
    ];
    let log = log(&records);
    let same = replay(&advanced(), &log);
    assert_eq!(
        (same.same, same.denied_now, same.allowed_now, same.unclear),
        (3, 1, 0, 1),
        "{same}"
    );
    assert_eq!(same.flips[0].why, "there is no such account");
    let text = file("swarm-orcabank-advanced.yaml").replace(
        "subject: 'team:orcabank/mobile', role: fullcontrol, collection: /prod/mobile",
        "subject: 'team:orcabank/payments', role: fullcontrol, collection: /prod/mobile",
    );
    let other = replay(&World::parse(&text, None).unwrap(), &log);
    assert_eq!(
        (other.same, other.denied_now, other.allowed_now),
        (1, 2, 1),
        "{other}"
    );
    assert!(other.is_no());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A log whose outcomes the policy itself gave flips nothing against the same policy.
    #[test]
    fn the_same_policy_flips_nothing(seed: u64) {
        let dice = &mut Dice::new(seed);
        let (mut record_of_world, paths) = dice.world();
        let kinds = ["service", "container", "network", "volume", "secret", "config", "node"];
        let resources: Vec<_> = kinds[..6].iter().map(|kind| json!({"type": kind, "name": format!("{kind}1"), "collection": dice.pick(&paths)})).collect();
        record_of_world["resources"] = resources.into();
        record_of_world["nodes"] = json!({"node1": dice.pick(&paths)});
        let world = World::parse(&Dice::text(&record_of_world), None).unwrap();
        let names = users(world.policy());
        let mut records = Vec::new();
        for number in 0..60 {
            let endpoint = dice.pick(ENDPOINTS);
            if endpoint.unavailable.is_some() {
                continue;
            }
            let name = match endpoint.own {
                Some(ObjectKind::Node) => "node1".to_owned(),
                Some(kind) => format!("{}1", kind.word()),
                None => "x".to_owned(),
            };
            let path = match endpoint.template.split_once('{') {
                Some((before, rest)) => format!("{before}{name}{}", rest.split_once('}').unwrap().1),
                None => endpoint.template.to_owned(),
            };
            let user = dice.pick(&names);
            let ask: Ask = serde_json::from_value(json!({"kind": "api", "method": endpoint.method, "path": path})).unwrap();
            let answer = world.answer(&Question { user: Some(user.clone()), ask });
            let code = match answer.decision {
                Verdict::Allow => 200,
                Verdict::Deny => 403,
                Verdict::Error => 404,
            };
            records.push(record(&user, endpoint.method, &path, code, json!({"auditID": number.to_string()})));
        }
        let replayed = replay(&world, &log(&records));
        prop_assert_eq!((replayed.denied_now, replayed.allowed_now), (0, 0), "{}", replayed);
    }
}
