//! Inquiries, compared with the questions that they summarise, on every world of the conformance cases.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

use std::collections::BTreeSet;
use std::path::Path;

use mke_rbac::demand::ObjectKind;
use mke_rbac::inquiry::{
    self, AccessTo, Column, Explain, Inquiry as _, InquiryError, Report as _, Rows, Scene, WhoCan,
};
use mke_rbac::operation::{Modifier, Operation};
use mke_rbac::question::{
    ApiQuestion, Ask, CheckQuestion, KubernetesQuestion, Question, RightsQuestion, Verdict,
};
use mke_rbac::state::{StateFile, World};
use serde_json::{Value, json};

fn worlds() -> Vec<(String, World)> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/cases");
    let mut worlds = Vec::new();
    for entry in std::fs::read_dir(cases).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(file) = StateFile::parse(&text) else {
            continue;
        };
        for name in file.worlds.keys() {
            worlds.push((name.clone(), file.world(Some(name)).unwrap()));
        }
    }
    assert!(worlds.len() > 8, "found {} worlds", worlds.len());
    worlds
}

fn world(name: &str) -> World {
    worlds().into_iter().find(|(known, _)| known == name).unwrap().1
}

fn scene(world: &World) -> Scene<'_> {
    Scene::new(world.policy(), world.inventory())
}

fn check(operation: Operation, modifiers: &[Modifier], collection: &str) -> Ask {
    Ask::Check(CheckQuestion {
        operation,
        modifiers: modifiers.to_vec(),
        collection: collection.to_owned(),
    })
}

fn about(user: Option<&str>, ask: Ask) -> Question {
    Question {
        user: user.map(ToOwned::to_owned),
        ask,
    }
}

/// Every plain use of an operation, and every use with one modifier.
fn uses() -> Vec<(Operation, Vec<Modifier>)> {
    let mut uses = Vec::new();
    for operation in Operation::ALL {
        uses.push((*operation, Vec::new()));
        uses.extend(
            operation
                .modifiers()
                .iter()
                .map(|modifier| (*operation, vec![*modifier])),
        );
    }
    uses
}

/// RBAC-019: who-can names exactly those whom can-i allows it, and everybody through grants that carry it.
#[test]
fn who_can_agrees_with_can_i() {
    let mut compared = 0;
    for (name, world) in worlds() {
        let users: Vec<_> = world.policy().users().map(|user| user.name.clone()).collect();
        let collections: Vec<_> = world
            .policy()
            .collections()
            .map(|info| info.path.to_string())
            .collect();
        for collection in &collections {
            for (operation, modifiers) in uses() {
                let ask = check(operation, &modifiers, collection);
                let report = WhoCan { ask: ask.clone() }.ask(&scene(&world)).unwrap();
                let found: BTreeSet<_> = report.users.iter().map(|holder| holder.name.clone()).collect();
                assert_eq!(found.len(), report.users.len(), "nobody twice");
                for user in &users {
                    let answer = world.answer(&about(Some(user), ask.clone()));
                    let allowed = answer.decision == Verdict::Allow;
                    let what = format!("{name}: {user} {operation} {modifiers:?} in {collection}");
                    assert_eq!(found.contains(user), allowed, "{what}");
                    if let Some(holder) = report.users.iter().find(|holder| holder.name == *user) {
                        let mut through = holder.through.clone();
                        through.sort();
                        assert_eq!(Some(through), answer.decided_by, "{what}");
                    }
                    compared += 1;
                }
                let anonymous = world.answer(&about(None, ask)).decision == Verdict::Allow;
                assert_eq!(
                    report.anonymous, anonymous,
                    "{name}: anonymous {operation} in {collection}"
                );
            }
        }
    }
    assert!(compared > 40_000, "compared {compared}");
}

/// RBAC-019: an explanation says what can-i says, its proof passes the independent checker, and the grants
/// that it proposes turn a denial into an allow.
#[test]
fn explanations_are_true() {
    let mut denials = 0;
    for (name, world) in worlds() {
        let scene_of_world = scene(&world);
        let facts = mke_rbac::proof::facts(world.policy(), scene_of_world.authorizer());
        let state: mke_proof::State = serde_json::from_value(facts).unwrap();
        let users = world.policy().users().map(|user| Some(user.name.clone()));
        for user in users.chain([None]) {
            for info in world.policy().collections() {
                for (operation, modifiers) in uses().into_iter().step_by(7) {
                    let collection = info.path.as_str();
                    let question = about(user.as_deref(), check(operation, &modifiers, collection));
                    let answer = world.answer(&question);
                    let explanation = Explain { question }.ask(&scene(&world)).unwrap();
                    let what = format!("{name}: {user:?} {operation} {modifiers:?} in {collection}");
                    assert_eq!(explanation.decision, answer.decision, "{what}");
                    assert_eq!(explanation.is_no(), answer.decision != Verdict::Allow, "{what}");
                    let proof = serde_json::to_value(explanation.proof.as_ref().unwrap()).unwrap();
                    mke_proof::check(&state, &proof).unwrap_or_else(|flaw| panic!("{what}: {flaw:?}"));
                    if answer.decision == Verdict::Deny {
                        denials += 1;
                        let helps = !explanation.allowed_by.is_empty() || !explanation.obstacles.is_empty();
                        assert!(helps, "{what}: nothing is proposed");
                        assert!(
                            !explanation.checks[0].missing.is_empty() || answer.reason.is_some(),
                            "{what}"
                        );
                    }
                }
            }
        }
    }
    assert!(denials > 1_000, "{denials}");
}

/// RBAC-019: a row of the matrix is the effective role (R22), and there is one for everybody who has any.
#[test]
fn the_matrix_holds_effective_roles() {
    for (name, world) in worlds() {
        for info in world.policy().collections() {
            let asked = AccessTo {
                collection: Some(info.path.to_string()),
                namespace: None,
                rows: Rows::Users,
                operations: Vec::new(),
                system: false,
            };
            let report = asked.ask(&scene(&world)).unwrap();
            for user in world.policy().users() {
                let subject = world.subject(Some(&user.name)).unwrap();
                let effective = world.policy().effective(&subject, &info.id);
                let row = report
                    .rows
                    .iter()
                    .find(|row| row.subject == format!("user:{}", user.name));
                let may: BTreeSet<_> = row
                    .iter()
                    .flat_map(|row| &row.may)
                    .map(|held| {
                        (
                            held.operation,
                            held.modifiers.iter().copied().collect::<BTreeSet<_>>(),
                        )
                    })
                    .collect();
                let expected: BTreeSet<_> = effective
                    .rights()
                    .iter()
                    .map(|(operation, modifiers)| (operation, modifiers.iter().collect::<BTreeSet<_>>()))
                    .collect();
                assert_eq!(may, expected, "{name}: {} in {}", user.name, info.path);
            }
        }
    }
}

/// RBAC-019: everything that somebody holds is listed where it begins, and holds below; nobody sees more than can-i
/// allows.
#[test]
fn the_list_of_rights_is_complete() {
    for (name, world) in worlds() {
        for user in world.policy().users() {
            let answer = world.answer(&about(Some(&user.name), Ask::Rights(RightsQuestion::default())));
            let rights = answer.rights.unwrap();
            if !user.active {
                assert_eq!(
                    (answer.decision, rights.len()),
                    (Verdict::Deny, 0),
                    "{name}: {}",
                    user.name
                );
                continue;
            }
            let subject = world.subject(Some(&user.name)).unwrap();
            for info in world.policy().collections() {
                let path = info.path.as_str();
                let above = rights.iter().filter(|listed| {
                    listed.collection == "/"
                        || path == listed.collection
                        || path.starts_with(&format!("{}/", listed.collection))
                });
                let mut listed: BTreeSet<_> = BTreeSet::new();
                for rights in above {
                    listed.extend(rights.operations.keys().cloned());
                }
                let effective = world.policy().effective(&subject, &info.id);
                let held = effective
                    .rights()
                    .iter()
                    .map(|(operation, _)| operation.name().to_owned());
                assert_eq!(listed, held.collect(), "{name}: {} in {path}", user.name);
            }
        }
    }
}

fn create_service(body: Value) -> Ask {
    Ask::Api(ApiQuestion {
        method: "POST".to_owned(),
        path: "/v1.41/services/create".to_owned(),
        resource: None,
        other: None,
        modifiers: Vec::new(),
        body: Some(body),
    })
}

/// A call is judged with its body as the proxy judges it: label, networks, mounts and unknown fields count, and a
/// body that the proxy would refuse has no verdict.
#[test]
fn whole_calls_are_judged_with_their_body() {
    let world = world("orcabank-advanced");
    let service = |label: &str, more: Value| {
        let mut spec = json!({ "Name": "m", "Labels": { "com.docker.ucp.access.label": label },
            "TaskTemplate": { "ContainerSpec": { "Image": "nginx" } } });
        for (key, value) in more.as_object().unwrap() {
            spec["TaskTemplate"][key] = value.clone();
        }
        spec
    };
    let own_network = json!({ "Networks": [{ "Target": "mobile-db-net" }] });
    let foreign_network = json!({ "Networks": [{ "Target": "payments-db-net" }] });
    let host_mount = json!({ "ContainerSpec": { "Image": "nginx", "Mounts": [{ "Type": "bind", "Source": "/", "Target": "/host" }] } });
    let verdict = |user: &str, body: Value| world.answer(&about(Some(user), create_service(body)));
    for (user, body, expected) in [
        ("mindi", service("/prod/mobile", json!({})), Verdict::Allow),
        ("mindi", service("/prod/mobile", own_network), Verdict::Allow),
        (
            "mindi",
            service("/prod/mobile", foreign_network.clone()),
            Verdict::Deny,
        ),
        ("mindi", service("/prod/payments", json!({})), Verdict::Deny),
        (
            "mindi",
            service("/prod/mobile", host_mount.clone()),
            Verdict::Allow,
        ),
        ("sam", service("/prod/mobile", json!({})), Verdict::Deny),
        ("root", service("/prod/mobile", foreign_network), Verdict::Allow),
        ("root", service("/nowhere", json!({})), Verdict::Error),
    ] {
        let answer = verdict(user, body.clone());
        assert_eq!(answer.decision, expected, "{user} {body}: {:?}", answer.message);
    }
    // Restricted Control on the own private collection has no host mounts.
    let private = service("/Shared/Private/mindi", host_mount);
    let answer = verdict("mindi", private);
    assert_eq!(answer.decision, Verdict::Deny);
    assert_eq!(
        answer.missing.unwrap()[0].modifier,
        Some(Modifier::HostBindMounts)
    );
    // A raw body is read as the proxy reads it: a key twice is refused, whoever asks.
    for raw in ["{\"Name\":\"a\",\"Name\":\"b\"}", "[]", "{", ""] {
        let answer = verdict("root", Value::String(raw.to_owned()));
        assert_eq!(answer.decision, Verdict::Error, "{raw}");
    }
    // Who gives a body does not summarise it as well.
    let mut both = create_service(json!({}));
    if let Ask::Api(ask) = &mut both {
        ask.modifiers = vec![Modifier::HostBindMounts];
    }
    assert_eq!(world.answer(&about(Some("root"), both)).decision, Verdict::Error);
}

/// K8S-001: a Kubernetes question is answered by the authorizer; an account asks with its ids and groups (R82).
#[test]
fn accounts_ask_kubernetes_with_their_groups() {
    let manifests = "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: mobile-view, namespace: blue}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'team:o-orcabank:t-orcabank/mobile'}]
";
    let world = world("orcabank-advanced");
    let mut inventory = world.inventory().clone();
    let mut rbac = mke_rbac::kubernetes::Rbac::from_manifests(manifests).unwrap();
    let bootstrap = mke_rbac::kubernetes::Rbac::bootstrap();
    rbac.roles.extend(bootstrap.roles);
    inventory.kubernetes = rbac;
    let scene = Scene::new(world.policy(), &inventory);
    let ask = |account: Option<&str>, verb: &str| {
        Ask::K8s(KubernetesQuestion {
            account: account.map(ToOwned::to_owned),
            groups: Vec::new(),
            verb: verb.to_owned(),
            group: String::new(),
            resource: Some("pods".to_owned()),
            subresource: None,
            name: None,
            namespace: Some("blue".to_owned()),
            path: None,
        })
    };
    let explain = |account: &str, verb: &str| {
        let question = about(None, ask(Some(account), verb));
        Explain { question }.ask(&scene)
    };
    for (account, verb, expected) in [
        ("mindi", "get", Verdict::Allow),
        ("mindi", "delete", Verdict::Deny),
        ("peter", "get", Verdict::Deny),
        ("root", "delete", Verdict::Allow),
    ] {
        assert_eq!(
            explain(account, verb).unwrap().decision,
            expected,
            "{account} {verb}"
        );
    }
    let grounds = explain("peter", "get").unwrap().kubernetes.unwrap();
    assert_eq!(
        grounds.allowed_by.as_deref(),
        Some("a RoleBinding in namespace blue of ClusterRole view to User u-peter")
    );
    assert!(matches!(
        explain("nobody", "get"),
        Err(InquiryError::Request { .. })
    ));
    let report = WhoCan {
        ask: ask(None, "get"),
    }
    .ask(&scene)
    .unwrap();
    let users: Vec<_> = report.users.iter().map(|holder| holder.name.as_str()).collect();
    assert_eq!(users, ["mindi", "root"]);
    assert_eq!(
        report.subjects[0].account.as_deref(),
        Some("team:orcabank/mobile")
    );
    assert!(!report.anonymous);
}

/// The picture is one well-formed file without scripts or anything from elsewhere, whatever things are called.
#[test]
fn pictures_are_well_formed_and_inert() {
    let nasty = r##"
format: rbac-scenarios/1
worlds:
  nasty:
    users: {"<script>alert(1)": {}, "a & b": {}, "'\"": {admin: true}}
    orgs: {"]]>": {teams: {"</svg>": ["a & b"]}}}
    roles: {"<img src=x onerror=y>": {Service: {Service View: []}}}
    collections: ["/x"]
    grants:
    - {id: a, subject: "user:<script>alert(1)", role: "<img src=x onerror=y>", collection: /x}
    - {id: b, subject: "team:]]>/</svg>", role: fullcontrol, collection: /x}
"##;
    let mut all = worlds();
    all.push(("nasty".to_owned(), World::parse(nasty, None).unwrap()));
    for (name, world) in all {
        for path in ["/", "/Shared"] {
            let asked = AccessTo {
                collection: Some(path.to_owned()),
                namespace: None,
                rows: Rows::Teams,
                operations: Vec::new(),
                system: false,
            };
            let report = asked.ask(&scene(&world)).unwrap();
            let image = report.image().unwrap();
            assert_eq!(
                asked.ask(&scene(&world)).unwrap().image().unwrap(),
                image,
                "{name}: deterministic"
            );
            well_formed(&image);
            for forbidden in ["<script", "<img", "href", "url(", "@import", "<foreignObject"] {
                assert!(!image.contains(forbidden), "{name}: {forbidden}");
            }
            assert!(image.contains("<title id=\"title\">") && image.contains("<desc id=\"desc\">"));
            let boxes = image.matches("<g class=\"node").count();
            assert_eq!(boxes, report.graph.nodes.len(), "{name}: every node is drawn");
            assert_eq!(image.matches("class=\"edge\"").count(), report.graph.edges.len());
        }
    }
}

/// Elements close in the order in which they open, and attributes are quoted.
fn well_formed(image: &str) {
    let mut open = Vec::new();
    let mut rest = image;
    while let Some(start) = rest.find('<') {
        assert!(
            !rest[..start].contains('>') || open.last() == Some(&"style"),
            "a stray >"
        );
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "at {tag}");
        } else {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            if !tag.ends_with('/') {
                open.push(tag.split([' ', '\n']).next().unwrap());
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
}

/// A picture of very many stays readable: users become numbers, and what is left out is said.
#[test]
fn large_pictures_are_cut_and_say_so() {
    use std::fmt::Write as _;
    let mut text = "format: rbac-scenarios/1\nworlds:\n  big:\n    users:\n".to_owned();
    for user in 0..1_000 {
        writeln!(text, "      user{user}: {{}}").unwrap();
    }
    text.push_str("    orgs: {o: {teams: {t: [");
    text.push_str(
        &(0..1_000)
            .map(|user| format!("user{user}"))
            .collect::<Vec<_>>()
            .join(","),
    );
    text.push_str("]}}}\n    collections:\n");
    for collection in 0..500 {
        writeln!(text, "    - /c{collection}").unwrap();
    }
    text.push_str("    grants:\n    - {id: t, subject: 'team:o/t', role: viewonly, collection: /c0}\n");
    for grant in 0..500 {
        writeln!(
            text,
            "    - {{id: g{grant}, subject: 'user:user{grant}', role: fullcontrol, collection: /c{grant}}}"
        )
        .unwrap();
    }
    let world = World::parse(&text, None).unwrap();
    let asked = AccessTo {
        collection: Some("/".to_owned()),
        namespace: None,
        rows: Rows::Users,
        operations: Vec::new(),
        system: false,
    };
    let report = asked.ask(&scene(&world)).unwrap();
    well_formed(&report.image().unwrap());
    let labels: Vec<_> = report
        .graph
        .nodes
        .iter()
        .filter(|node| node.column == Column::Users)
        .map(|node| node.label.as_str())
        .collect();
    assert!(labels.contains(&"1000 users"), "{} users are drawn", labels.len());
    let remarks = report.graph.remarks.join(" ");
    assert!(
        remarks.contains("1000 users are drawn as numbers per group."),
        "{remarks}"
    );
    assert!(remarks.contains("more left out"), "{remarks}");
    let inside = AccessTo {
        collection: Some("/c0".to_owned()),
        ..asked
    };
    let report = inside.ask(&scene(&world)).unwrap();
    assert_eq!(report.rows.len(), 1_000, "the matrix leaves nobody out");
}

/// Complaints name the field, also deep inside.
#[test]
fn complaints_name_the_field() {
    let complaint = |body: Value| inquiry::read::<WhoCan>(body).unwrap_err().to_string();
    for (body, expected) in [
        (
            json!({ "kind": "check", "operation": "Fly", "collection": "/" }),
            "operation",
        ),
        (
            json!({ "kind": "check", "operation": "Service View", "collection": 5 }),
            "collection",
        ),
        (
            json!({ "kind": "check", "operation": "Service View" }),
            "collection",
        ),
        (
            json!({ "kind": "check", "operation": "Service View", "collection": "/", "modifiers": ["Privileged", 1] }),
            "modifiers[1]",
        ),
        (
            json!({ "kind": "check", "operation": "Service View", "collection": "/", "extra": 1 }),
            "extra",
        ),
        (json!({ "kind": "fly" }), "fly"),
        (json!({}), "kind"),
        (
            json!({ "kind": "api", "method": "GET", "path": "/x", "resource": "thing/x" }),
            "resource",
        ),
    ] {
        let text = complaint(body.clone());
        assert!(text.contains(expected), "{body}: {text}");
    }
    let world = world("orcabank-advanced");
    let errors = [
        WhoCan {
            ask: check(Operation::ServiceView, &[], "/nowhere"),
        }
        .ask(&scene(&world))
        .unwrap_err(),
        Explain {
            question: about(Some("nobody"), check(Operation::ServiceView, &[], "/")),
        }
        .ask(&scene(&world))
        .unwrap_err(),
    ];
    assert_eq!(
        errors[0].to_string(),
        "`collection`: there is no collection `/nowhere`"
    );
    assert_eq!(errors[1].to_string(), "`user`: there is no user `nobody`");
    let listing = Ask::List(mke_rbac::question::ListQuestion {
        kind: ObjectKind::Service,
    });
    assert!(WhoCan { ask: listing }.ask(&scene(&world)).is_err());
}
