//! `paths`: every step is asked of the policy, and what is no way is not listed.

use mke_rbac::inquiry::{EscalationPath, PathNeed, PathOutcome, Paths, PathsReport, Report as _};
use mke_rbac::kubernetes::{Authorizer, Request};
use mke_rbac::operation::ModifierSet;
use mke_rbac::state::World;
use mke_rbac::{Check, Subject};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bank::{advanced, ask, basic, world};
use crate::dice::Dice;

fn paths(world: &World, body: Value) -> PathsReport {
    ask::<Paths>(world, body).unwrap()
}

/// The edges of each path of the one subject that is asked about.
fn edges(world: &World, who: &str, more: Value) -> Vec<String> {
    let mut body = more;
    body["who"] = who.into();
    let report = paths(world, body);
    let paths = report.entries.into_iter().flat_map(|entry| entry.paths);
    let text = |path: EscalationPath| {
        let edges: Vec<_> = path.steps.iter().map(|step| step.edge.clone()).collect();
        let conditional = if path.conditions.is_empty() { "" } else { " if" };
        format!("{}{conditional}", edges.join(" > "))
    };
    paths.map(text).collect()
}

/// Test table: users of the bank. Sam only looks; Full Control reaches the nodes below its collection.
#[test]
fn users_of_the_bank() {
    let full = [
        "host-mount-container",
        "host-mount-service",
        "host-mount-update",
        "kernel-capabilities",
        "privileged-container",
        "privileged-exec",
        "local-volume > attach-volume",
    ];
    assert_eq!(edges(&basic(), "user:sam", json!({})), [""; 0]);
    assert_eq!(edges(&basic(), "user:sam", json!({"footholds": true})), [""; 0]);
    assert_eq!(edges(&basic(), "user:root", json!({})), ["administrator"]);
    assert_eq!(edges(&basic(), "user:mindi", json!({})), full);
    let report = paths(&advanced(), json!({"who": "user:mindi"}));
    let nodes: Vec<_> = report.entries[0]
        .paths
        .iter()
        .map(|path| path.nodes.join(" "))
        .collect();
    // One collection in production and one in staging, each with its own nodes.
    assert!(
        nodes.contains(&"prod-mob".to_owned()) && nodes.contains(&"stg-mob".to_owned()),
        "{nodes:?}"
    );
    assert!(!nodes.iter().any(|nodes| nodes.contains("mgr1")), "{nodes:?}");
    let everybody = paths(&basic(), json!({}));
    assert_eq!(
        (everybody.subjects, everybody.root, everybody.conditional),
        (5, 4, 0)
    );
    assert!(everybody.is_no());
}

/// Test table: one grant each, and the ways that it opens. What needs nodes needs Node Schedule.
#[test]
fn single_rights() {
    let state = |operations: &str, more: &str| {
        world(&format!(
            "
settings: {{docker_datacenter_scheduler: false}}
users: {{ann: {{logged_in: false}}}}
collections: [/App, /Other]
roles: {{R: {operations}}}
grants: [{{id: g, subject: 'user:ann', role: R, collection: /App}}]
{more}
"
        ))
    };
    let nodes = "nodes: {n1: /App}\nresources: [{type: volume, name: plain, collection: /App}]";
    let strong = "nodes: {n1: /App}\nresources:\n- {type: service, name: agent, collection: /App, modifiers: [Host Bind Mounts]}\n- {type: volume, name: disk, collection: /App, modifiers: [Local Driver Options]}";
    let cases: [(&str, &str, &[&str]); 14] = [
        ("{Container: {Container Create: [Privileged]}}", nodes, &[]),
        (
            "{Container: {Container Create: [Privileged]}, Node: {Node Schedule: []}}",
            nodes,
            &["privileged-container"],
        ),
        (
            "{Container: {Container Create: []}, Node: {Node Schedule: []}}",
            nodes,
            &[],
        ),
        (
            "{Container: {Container Create: [PID Mode, IPC Mode, Host Networking Mode]}, Node: {Node Schedule: []}}",
            nodes,
            &[],
        ),
        (
            "{Service: {Service Create: [Host Bind Mounts]}, Node: {Node Schedule: []}}",
            nodes,
            &["host-mount-service"],
        ),
        // The service that is updated must exist; there is none, or nothing is known of any.
        ("{Service: {Service Update: [Host Bind Mounts]}}", nodes, &[]),
        (
            "{Service: {Service Update: [Host Bind Mounts]}}",
            "",
            &["host-mount-update if"],
        ),
        (
            "{Service: {Service Update: [Host Bind Mounts]}}",
            strong,
            &["host-mount-update"],
        ),
        (
            "{Volume: {Volume Create/Attach: [Local Driver Options]}, Node: {Node Schedule: []}}",
            nodes,
            &[],
        ),
        (
            "{Volume: {Volume Create/Attach: [Local Driver Options]}, Service: {Service Create: []}, Node: {Node Schedule: []}}",
            nodes,
            &["local-volume > attach-volume"],
        ),
        ("{Container: {Container Exec: []}}", nodes, &[]),
        (
            "{Container: {Container Exec: []}}",
            strong,
            &["exec-into-privileged"],
        ),
        (
            "{Volume: {Volume Create/Attach: []}, Container: {Container Create: []}, Node: {Node Schedule: []}}",
            strong,
            &["mapped-volume if"],
        ),
        (
            "{Node: {Node Update: [], Node Schedule: []}, Secret: {Secret Use: []}}",
            strong,
            &[],
        ),
    ];
    for (operations, more, expected) in cases {
        assert_eq!(
            edges(&state(operations, more), "user:ann", json!({})),
            expected,
            "{operations} {more}"
        );
    }
    // No node to start on: a way only if one comes.
    let nowhere = state(
        "{Container: {Container Create: [Privileged]}, Node: {Node Schedule: []}}",
        "nodes: {n1: /Other}\nresources: [{type: volume, name: x, collection: /App}]",
    );
    assert_eq!(
        edges(&nowhere, "user:ann", json!({})),
        ["privileged-container if"]
    );
    let update = state("{Node: {Node Update: []}}", nodes);
    assert_eq!(
        edges(&update, "user:ann", json!({"footholds": true})),
        ["node-update"]
    );
    let error = ask::<Paths>(&nowhere, json!({"who": "user:nobody"})).unwrap_err();
    assert!(error.to_string().contains("nobody"), "{error}");
    assert!(ask::<Paths>(&nowhere, json!({"who": "jane"})).is_err());
}

fn cluster(rules: &str, more: &str) -> World {
    world(&format!(
        "
users: {{ann: {{}}, admin: {{admin: true}}}}
k8s:
  roles:
  - {{kind: ClusterRole, name: cluster-admin, rules: [{{verbs: ['*'], apiGroups: ['*'], resources: ['*']}}]}}
  - {{kind: ClusterRole, name: own, rules: {rules}}}
  bindings:
  - {{kind: ClusterRoleBinding, name: strong, role: {{kind: ClusterRole, name: cluster-admin}},
     subjects: [{{kind: ServiceAccount, namespace: ops, name: deployer}}]}}
{more}
"
    ))
}

/// Test table: one Kubernetes right each, given to Ann in the whole cluster or in one namespace, and the ways from there.
#[test]
fn kubernetes_rights() {
    let whole = "  - {kind: ClusterRoleBinding, name: ann, role: {kind: ClusterRole, name: own}, subjects: [{kind: User, name: u-ann}]}";
    let inside = |namespace: &str| {
        format!(
            "  - {{kind: RoleBinding, name: ann, namespace: {namespace}, role: {{kind: ClusterRole, name: own}}, subjects: [{{kind: User, name: u-ann}}]}}"
        )
    };
    let (ops, dev) = (inside("ops"), inside("dev"));
    let core = |verbs: &str, resource: &str| {
        format!("[{{verbs: [{verbs}], apiGroups: [''], resources: [{resource}]}}]")
    };
    let rbac = |verbs: &str, resources: &str| {
        format!("[{{verbs: [{verbs}], apiGroups: [rbac.authorization.k8s.io], resources: [{resources}]}}]")
    };
    let cases: Vec<(String, &str, &[&str])> = vec![
        (core("get, list", "pods"), whole, &[]),
        // Pods with privileged attributes are for administrators and such service accounts (R91).
        (core("create", "pods"), &dev, &[]),
        (
            core("create", "pods"),
            &ops,
            &["pod-as-service-account > privileged-pod"],
        ),
        (
            core("get, list", "secrets"),
            &ops,
            &["secret-with-token > privileged-pod"],
        ),
        (core("get, list", "secrets"), &dev, &[]),
        (
            core("create", "serviceaccounts/token"),
            &ops,
            &["service-account-token > privileged-pod"],
        ),
        (
            core("create", "pods/exec"),
            &ops,
            &["exec-as-service-account > privileged-pod if"],
        ),
        (core("create", "nodes/proxy"), whole, &["node-proxy"]),
        (core("create", "nodes/proxy"), &ops, &[]),
        (core("impersonate", "users"), whole, &[]),
        (
            core("impersonate", "'users', 'groups'"),
            whole,
            &["impersonate > masters"],
        ),
        (
            core("impersonate", "serviceaccounts"),
            &ops,
            &["impersonate > privileged-pod"],
        ),
        (
            rbac("create, bind", "'clusterrolebindings', 'clusterroles'"),
            whole,
            &["bind > impersonate > masters"],
        ),
        (rbac("create", "clusterrolebindings"), whole, &[]),
        (
            rbac("update, escalate", "clusterroles"),
            whole,
            &["escalate > impersonate > masters"],
        ),
        (rbac("update", "clusterroles"), whole, &[]),
    ];
    for (rules, binding, expected) in cases {
        let found = edges(&cluster(&rules, binding), "user:ann", json!({}));
        match expected {
            [] => assert_eq!(found, [""; 0], "{rules} {binding}"),
            [wanted, ..] => assert!(
                found.iter().any(|path| path == wanted),
                "{rules} {binding}: {found:?}"
            ),
        }
    }
    let pods = cluster(&core("create", "pods"), &dev);
    let unrestricted = json!({"admission": {"unrestricted": true}});
    assert_eq!(edges(&pods, "user:ann", unrestricted), ["privileged-pod"]);
    let excepted = |attribute: &str| json!({"admission": {"users": ["ann"], "user_attributes": [attribute]}});
    assert_eq!(
        edges(&pods, "user:ann", excepted("hostBindMounts")),
        ["privileged-pod"]
    );
    assert_eq!(edges(&pods, "user:ann", excepted("hostIPC")), [""; 0]);
    let account = edges(&pods, "service-account:ops/deployer", json!({}));
    assert_eq!(
        account.first().map(String::as_str),
        Some("node-proxy"),
        "{account:?}"
    );
}

/// Whether the policy confirms every right that a step of this subject needs.
fn confirmed(world: &World, who: &str, path: &EscalationPath) -> bool {
    let name = who.strip_prefix("user:").unwrap_or(who);
    let Some(subject) = world.subject(Some(name)) else {
        return true;
    };
    path.steps
        .iter()
        .flat_map(|step| &step.needs)
        .all(|need| match need {
            PathNeed::Operation {
                operation,
                modifiers,
                collection,
            } => {
                let place = world
                    .policy()
                    .collection_by_path(&collection.parse().unwrap())
                    .unwrap();
                let check = Check {
                    operation: *operation,
                    modifiers: modifiers.iter().copied().collect::<ModifierSet>(),
                    collection: place.id.clone(),
                };
                world.policy().allows(&subject, &check)
            }
            PathNeed::Kubernetes(_) => true,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// On random worlds every step holds when the policy is asked, and administrators are never missed.
    #[test]
    fn every_step_is_confirmed(seed: u64) {
        let text = Dice::text(&Dice::new(seed).world().0);
        let world = World::parse(&text, None).unwrap();
        let report = paths(&world, json!({"footholds": true, "limit": 1000}));
        let mut listed = Vec::new();
        for entry in &report.entries {
            for who in &entry.who {
                listed.push(who.clone());
                for path in &entry.paths {
                    prop_assert!(confirmed(&world, who, path), "{who}: {path:?}");
                    prop_assert!(path.outcome == PathOutcome::Foothold || !path.steps.is_empty());
                }
            }
        }
        for user in world.policy().users().filter(|user| user.admin && user.active) {
            let who = format!("user:{}", user.name);
            prop_assert!(listed.contains(&who), "{}", who);
        }
        for user in world.policy().users().filter(|user| !user.active) {
            let who = format!("user:{}", user.name);
            prop_assert!(!listed.contains(&who), "{}", who);
        }
    }
}

/// The first step of every way in Kubernetes is confirmed by the authorizer.
#[test]
fn first_steps_in_kubernetes_are_confirmed() {
    let rules = "[{verbs: ['*'], apiGroups: [''], resources: ['pods', 'secrets', 'nodes/proxy', 'users', 'groups', 'pods/exec']}]";
    let world = cluster(
        rules,
        "  - {kind: ClusterRoleBinding, name: ann, role: {kind: ClusterRole, name: own}, subjects: [{kind: User, name: u-ann}]}",
    );
    let authorizer = Authorizer::compile(&world.inventory().kubernetes);
    let report = paths(&world, json!({"who": "user:ann"}));
    let mut asked = 0;
    for path in report.entries.iter().flat_map(|entry| &entry.paths) {
        for need in &path.steps[0].needs {
            let PathNeed::Kubernetes(one) = need else {
                continue;
            };
            let request = Request {
                user: "u-ann".into(),
                groups: vec!["system:authenticated".into()],
                verb: one.verb.clone(),
                group: one.group.clone(),
                resource: one.resource.clone(),
                subresource: one.subresource.clone(),
                name: one.name.clone(),
                namespace: one.namespace.clone(),
                path: one.path.clone(),
            };
            assert!(authorizer.allows(&request), "{one}");
            asked += 1;
        }
    }
    assert!(asked >= 4, "{asked}");
    assert_eq!(world.subject(Some("nobody")), None::<Subject>);
}
