//! Whole requests: placement, references, modifiers, scheduling, and the order in which they are judged.

use crate::world::{at, company, create, facts, object, on, subject, update};
use mke_rbac::demand::{Access, Demand, Facts, Home, ObjectFacts, ObjectKind, Target, Want};
use mke_rbac::operation::{Modifier, ModifierSet, ObjectType, Operation};
use mke_rbac::state::World;
use mke_rbac::{Decision, Denial, JudgeError, Placed, RuleDenial, Subject};

/// `allowed`, the missing checks, or the code of the error or of the denial.
fn judged(world: &World, user: &str, demand: &Demand, facts: &Facts) -> String {
    outcome(world, &subject(world, user), demand, facts).0
}

fn outcome(world: &World, subject: &Subject, demand: &Demand, facts: &Facts) -> (String, Option<Placed>) {
    match world.policy().judge(subject, demand, facts) {
        Err(error) => (error.code().to_owned(), None),
        Ok(judgement) => {
            let text = match judgement.decision {
                Decision::Allowed(_) => "allowed".to_owned(),
                Decision::Denied(Denial::Missing(missing)) => {
                    let missing: Vec<_> = missing
                        .iter()
                        .map(|check| {
                            let place = check.path().unwrap();
                            match check.modifier {
                                Some(modifier) => format!("{} with {modifier} in {place}", check.operation),
                                None => format!("{} in {place}", check.operation),
                            }
                        })
                        .collect();
                    missing.join(", ")
                }
                Decision::Denied(denial) => denial.code().to_owned(),
            };
            (text, judgement.placed)
        }
    }
}

fn new_service(label: Option<&str>, references: Vec<Want>) -> Demand {
    let own = Want::plain(Operation::ServiceCreate, Target::Workload);
    create(
        ObjectType::Service,
        label,
        [own].into_iter().chain(references).collect(),
    )
}

fn use_secret(name: &str) -> Want {
    Want::plain(
        Operation::SecretUse,
        Target::Object(object(ObjectKind::Secret, name)),
    )
}

/// RBAC-013, RBAC-017, RBAC-021, R12, R13: where a new object goes, by label and user.
#[test]
fn labels_and_defaults_name_the_collection() {
    let world = company();
    let place = |user: &str, label| {
        let (text, placed) = outcome(
            &world,
            &subject(&world, user),
            &new_service(label, vec![]),
            &Facts::default(),
        );
        placed.map_or(text, |placed| {
            let info = world.policy().collection(placed.collection.as_str());
            info.unwrap().path.to_string()
        })
    };
    assert_eq!(place("ada", Some("/prod/web")), "/prod/web");
    assert_eq!(
        place("ada", Some("/prod/web/")),
        "/prod/web",
        "a trailing slash is nothing"
    );
    assert_eq!(place("ada", None), "/Shared/Private/ada");
    assert_eq!(place("root", None), "/");
    for user in ["ada", "root"] {
        assert_eq!(place(user, Some("/nowhere")), "unknown-collection");
        assert_eq!(
            place(user, Some("/prod/WEB")),
            "unknown-collection",
            "case counts"
        );
        assert_eq!(
            place(user, Some("prod")),
            "unknown-collection",
            "means /Shared/Legacy/prod"
        );
        for wrong in ["", "/prod//web", "/prod/../System", "/./prod"] {
            assert_eq!(place(user, Some(wrong)), "invalid-label", "{wrong:?}");
        }
    }
    assert_eq!(place("fresh", None), "no-default-collection", "never logged in");
}

/// RBAC-021: a denial in an existing collection differs from a collection that does not exist.
#[test]
fn creating_without_a_grant_is_denied() {
    let world = company();
    let none = Facts::default();
    assert_eq!(
        judged(&world, "ada", &new_service(Some("/prod/db"), vec![]), &none),
        "Service Create in /prod/db, Node Schedule in /prod/db"
    );
    assert_eq!(
        judged(&world, "ada", &new_service(Some("/prod/web"), vec![]), &none),
        "allowed"
    );
    assert_eq!(
        judged(&world, "ada", &new_service(Some("/production"), vec![]), &none),
        "Service Create in /production, Node Schedule in /production"
    );
}

/// RBAC-035, R30, R64: references are checked where the referenced object lies; all failures come in order.
#[test]
fn references_are_checked_on_their_own_collection() {
    let world = company();
    let facts = facts(
        &world,
        &[
            (ObjectKind::Secret, "tls", "/lab"),
            (ObjectKind::Secret, "pass", "/prod/db"),
            (ObjectKind::Network, "backbone", "/prod/db"),
            (ObjectKind::Volume, "data", "/prod/db"),
        ],
    );
    let network = Want::plain(
        Operation::NetworkConnect,
        Target::Network(object(ObjectKind::Network, "backbone")),
    );
    let volume = |name| {
        Want::plain(
            Operation::VolumeCreateAttach,
            Target::VolumeOrWorkload(object(ObjectKind::Volume, name)),
        )
    };
    let demand = |label, references| new_service(Some(label), references);
    assert_eq!(
        judged(
            &world,
            "ada",
            &demand(
                "/prod/web",
                vec![use_secret("pass"), network.clone(), volume("data")]
            ),
            &facts
        ),
        "Secret Use in /prod/db, Network Connect in /prod/db, Volume Create/Attach in /prod/db"
    );
    assert_eq!(
        judged(
            &world,
            "bob",
            &demand(
                "/prod/db",
                vec![use_secret("pass"), network, volume("data"), volume("new")]
            ),
            &facts
        ),
        "allowed"
    );
    assert_eq!(
        judged(&world, "bob", &demand("/lab", vec![volume("new")]), &facts),
        "Volume Create/Attach in /lab",
        "a new volume is created where the workload is"
    );
    assert_eq!(
        judged(
            &world,
            "bob",
            &demand("/prod/db", vec![use_secret("tls")]),
            &facts
        ),
        "Secret Use in /lab",
        "grants for secrets of one collection say nothing about another"
    );
}

/// R61: a missing object is an error for those who may use it, and shows nothing to those who may not.
#[test]
fn missing_objects_do_not_help_to_guess_names() {
    let world = company();
    let none = Facts::default();
    let view = on(Operation::ServiceView, object(ObjectKind::Service, "gone"));
    assert_eq!(judged(&world, "eva", &view, &none), "not-found");
    assert_eq!(judged(&world, "gone", &view, &none), "inactive");
    let with_secret = |label| new_service(Some(label), vec![use_secret("gone")]);
    assert_eq!(
        judged(&world, "ada", &with_secret("/prod/web"), &none),
        "not-found"
    );
    assert_eq!(
        judged(&world, "ada", &with_secret("/prod/db"), &none),
        "Service Create in /prod/db, Node Schedule in /prod/db"
    );
    let anonymous = outcome(&world, &Subject::Anonymous, &view, &none).0;
    assert_eq!(anonymous, "unauthenticated", "nobody learns what does not exist");
}

/// RBAC-015, R32, R33: moving needs Update here and Create there, scheduling there, modifiers on both sides.
#[test]
fn moves_need_rights_on_both_sides() {
    let world = company();
    let service = || object(ObjectKind::Service, "api");
    let facts = facts(
        &world,
        &[
            (ObjectKind::Service, "api", "/prod/db"),
            (ObjectKind::Secret, "pass", "/prod/db"),
        ],
    );
    let change = |modifiers: &[Modifier], label| {
        let want = Want::with(
            Operation::ServiceUpdate,
            modifiers.iter().copied(),
            Target::Object(service()),
        );
        update(service(), label, vec![want])
    };
    let (text, placed) = outcome(
        &world,
        &subject(&world, "bob"),
        &change(&[], Some("/lab")),
        &facts,
    );
    let placed = placed.unwrap();
    assert_eq!(text, "allowed");
    assert!(placed.moved);
    assert_eq!(placed.collection, at(&world, "/lab"));
    assert_eq!(placed.schedule.unwrap().root, at(&world, "/lab"));
    assert_eq!(
        judged(
            &world,
            "bob",
            &change(&[Modifier::HostBindMounts], Some("/lab")),
            &facts
        ),
        "allowed"
    );
    assert_eq!(
        judged(
            &world,
            "bob",
            &change(&[Modifier::CredentialSpec], Some("/lab")),
            &facts
        ),
        "Service Update with Credential Spec in /prod/db, Service Create with Credential Spec in /lab"
    );
    assert_eq!(
        judged(&world, "bob", &change(&[], Some("/prod/web")), &facts),
        "Service Create in /prod/web, Node Schedule in /prod/web"
    );
    assert_eq!(
        judged(&world, "ada", &change(&[], Some("/prod/web")), &facts),
        "Service Update in /prod/db"
    );
    let (text, placed) = outcome(
        &world,
        &subject(&world, "bob"),
        &change(&[], Some("/prod/db/")),
        &facts,
    );
    assert_eq!(text, "allowed");
    assert!(!placed.unwrap().moved, "the same collection is no move");
    let secret = object(ObjectKind::Secret, "pass");
    let want = Want::plain(Operation::SecretUpdate, Target::Object(secret.clone()));
    assert_eq!(
        judged(&world, "bob", &update(secret, Some("/lab"), vec![want]), &facts),
        "Secret Create in /lab"
    );
}

/// RBAC-015, R32: containers, networks and volumes stay where they are, for administrators too.
#[test]
fn some_labels_cannot_be_changed() {
    let world = company();
    for (kind, operation) in [
        (ObjectKind::Container, Operation::ContainerCreate),
        (ObjectKind::Network, Operation::NetworkCreate),
        (ObjectKind::Volume, Operation::VolumeCreateAttach),
    ] {
        let facts = facts(&world, &[(kind, "x", "/prod/web")]);
        let change = |label| {
            let want = Want::plain(operation, Target::Object(object(kind, "x")));
            update(object(kind, "x"), Some(label), vec![want])
        };
        for user in ["ada", "root"] {
            assert_eq!(
                judged(&world, user, &change("/prod"), &facts),
                "label-not-editable"
            );
            assert_eq!(judged(&world, user, &change("/prod/web"), &facts), "allowed");
        }
    }
}

/// R34, R48: an update checks the whole new state, and keeps the stored constraint where it must.
#[test]
fn updates_check_everything_that_stays() {
    let world = company();
    let service = || object(ObjectKind::Service, "api");
    let facts = facts(
        &world,
        &[
            (ObjectKind::Service, "api", "/prod/web"),
            (ObjectKind::Secret, "pass", "/prod/db"),
        ],
    );
    let own = Want::plain(Operation::ServiceUpdate, Target::Object(service()));
    let change = |more: Vec<Want>| update(service(), None, [own.clone()].into_iter().chain(more).collect());
    let scheduled = |user: &str| {
        let (text, placed) = outcome(&world, &subject(&world, user), &change(vec![]), &facts);
        assert_eq!(text, "allowed");
        placed.unwrap().schedule.map(|schedule| schedule.constraint)
    };
    assert_eq!(
        judged(&world, "ada", &change(vec![use_secret("pass")]), &facts),
        "Secret Use in /prod/db"
    );
    assert_eq!(
        scheduled("ada").as_deref(),
        Some("node.labels.com.docker.ucp.collection.c-prod-web==true")
    );
    assert_eq!(
        scheduled("root"),
        None,
        "an administrator's update keeps the constraint"
    );
}

/// RBAC-006, R39: host and bridge networks cost the workload a modifier, none and ingress are free, and other
/// containers' host directories count as one's own.
#[test]
fn predefined_networks_and_foreign_mounts_cost_modifiers() {
    let world = company();
    let mut facts = Facts::default();
    for name in ["host", "bridge", "none", "ingress"] {
        let found = ObjectFacts {
            predefined_network: Some(name.to_owned()),
            ..ObjectFacts::at(name, at(&world, "/"))
        };
        facts.objects.insert(object(ObjectKind::Network, name), found);
    }
    let donor = ObjectFacts {
        host_mounts: true,
        volumes: vec![Home::Collection(at(&world, "/lab"))],
        ..ObjectFacts::at("donor", at(&world, "/prod/db"))
    };
    facts
        .objects
        .insert(object(ObjectKind::Container, "donor"), donor);
    let container = |more: Want| {
        let own = Want::plain(Operation::ContainerCreate, Target::Workload);
        create(ObjectType::Container, Some("/prod/db"), vec![own, more])
    };
    let join = |name: &str| {
        container(Want::plain(
            Operation::NetworkConnect,
            Target::Network(object(ObjectKind::Network, name)),
        ))
    };
    assert_eq!(
        judged(&world, "bob", &join("host"), &facts),
        "Container Create with Host Networking Mode in /prod/db"
    );
    for free in ["bridge", "none", "ingress"] {
        assert_eq!(judged(&world, "bob", &join(free), &facts), "allowed", "{free}");
    }
    let volumes_from = container(Want::plain(
        Operation::VolumeCreateAttach,
        Target::VolumesOf(object(ObjectKind::Container, "donor")),
    ));
    assert_eq!(
        judged(&world, "bob", &volumes_from, &facts),
        "Container Create with Host Bind Mounts in /prod/db, Volume Create/Attach in /lab"
    );
    let connect = Demand {
        placement: None,
        wants: vec![Want::plain(
            Operation::NetworkConnect,
            Target::Network(object(ObjectKind::Network, "host")),
        )],
        ..join("host")
    };
    assert_eq!(
        judged(&world, "bob", &connect, &facts),
        "Network Connect in /",
        "without a workload a predefined network is an object of /"
    );
}

/// R38: objects with contradicting labels exist for administrators only.
#[test]
fn conflicting_labels_are_for_administrators() {
    let world = company();
    let volume = object(ObjectKind::Volume, "split");
    let mut facts = Facts::default();
    let found = ObjectFacts {
        home: Home::Conflicting,
        ..ObjectFacts::at("split", at(&world, "/"))
    };
    facts.objects.insert(volume.clone(), found);
    let remove = on(Operation::VolumeRemove, volume);
    assert_eq!(judged(&world, "ada", &remove, &facts), "conflicting-labels");
    assert_eq!(judged(&world, "root", &remove, &facts), "allowed");
    let policy = world.policy();
    assert!(!policy.may(&subject(&world, "ada"), Operation::VolumeView, &Home::Conflicting));
    assert!(policy.may(
        &subject(&world, "root"),
        Operation::VolumeView,
        &Home::Conflicting
    ));
}

/// RBAC-018, RBAC-026, R46: who moves nodes where, and who changes what else about them.
#[test]
fn node_rules() {
    let world = company();
    let facts = facts(
        &world,
        &[
            (ObjectKind::Node, "worker", "/Shared"),
            (ObjectKind::Node, "manager", "/System"),
            (ObjectKind::Node, "web", "/prod/web"),
        ],
    );
    let change = |name: &str, label: Option<&str>| {
        let node = object(ObjectKind::Node, name);
        let want = Want::plain(Operation::NodeUpdate, Target::Object(node.clone()));
        update(node, label, vec![want])
    };
    let moved =
        |user: &str, name: &str, label: &str| judged(&world, user, &change(name, Some(label)), &facts);
    assert_eq!(moved("root", "worker", "/prod"), "allowed");
    assert_eq!(moved("root", "worker", "/System"), "allowed");
    assert_eq!(moved("root", "manager", "/Shared"), "node-in-system-collection");
    assert_eq!(moved("root", "worker", "/nowhere"), "unknown-collection");
    assert_eq!(moved("eva", "web", "/prod"), "node-move-is-admin-only");
    assert_eq!(
        moved("eva", "manager", "/prod"),
        "node-move-is-admin-only",
        "nothing more is told"
    );
    assert_eq!(judged(&world, "eva", &change("web", None), &facts), "allowed");
    assert_eq!(
        judged(&world, "eva", &change("worker", None), &facts),
        "Node Update in /Shared"
    );
    let role = Demand {
        admin_only: Some("the role of a node"),
        ..change("web", None)
    };
    assert_eq!(judged(&world, "eva", &role, &facts), "administrator-only");
    assert_eq!(judged(&world, "root", &role, &facts), "allowed");
}

/// R62, R6: classes of endpoints by kind of caller; a request that asks for nothing is refused.
#[test]
fn access_classes() {
    let world = company();
    let callers = ["root", "ada", "gone", "exroot"];
    let bare = |access| Demand {
        access,
        placement: None,
        wants: vec![],
        admin_only: None,
    };
    let ask = |access| {
        let none = Facts::default();
        let mut answers: Vec<_> = callers
            .iter()
            .map(|user| judged(&world, user, &bare(access), &none))
            .collect();
        answers.push(outcome(&world, &Subject::Anonymous, &bare(access), &none).0);
        let stranger = Subject::Account("nobody".into());
        answers.push(outcome(&world, &stranger, &bare(access), &none).0);
        answers.join(" ")
    };
    assert_eq!(
        ask(Access::Public),
        "allowed allowed allowed allowed allowed allowed"
    );
    for access in [Access::Authenticated, Access::Filter] {
        assert_eq!(
            ask(access),
            "allowed allowed inactive inactive unauthenticated unknown-account"
        );
    }
    assert_eq!(
        ask(Access::Admin),
        "allowed administrator-only inactive inactive unauthenticated unknown-account"
    );
    assert_eq!(
        ask(Access::Operation),
        "nothing-asked nothing-asked inactive inactive unauthenticated unknown-account"
    );
}

/// R4: grants for `anonymous` count without credentials only; a denial then asks for credentials.
#[test]
fn anonymous_grants_are_for_nobody_else() {
    let world = company();
    let facts = facts(
        &world,
        &[
            (ObjectKind::Service, "open", "/lab"),
            (ObjectKind::Service, "closed", "/prod"),
        ],
    );
    let view = |name: &str| on(Operation::ServiceView, object(ObjectKind::Service, name));
    let nobody = |demand| outcome(&world, &Subject::Anonymous, &demand, &facts).0;
    assert_eq!(nobody(view("open")), "allowed");
    assert_eq!(nobody(view("closed")), "unauthenticated");
    assert_eq!(
        judged(&world, "ada", &view("open"), &facts),
        "Service View in /lab"
    );
}

/// R60: the message names the first missing operation and no collection; the text for logs names them all.
#[test]
fn messages_hide_collections_and_logs_show_them() {
    let world = company();
    let demand = new_service(Some("/prod/db"), vec![]);
    let judgement = world
        .policy()
        .judge(&subject(&world, "ada"), &demand, &Facts::default());
    let Decision::Denied(denial) = judgement.unwrap().decision else {
        panic!("must be denied")
    };
    assert_eq!(denial.message(), "access denied: no access to Service Create");
    assert_eq!(
        denial.to_string(),
        "access denied: no access to Service Create (missing: Service Create in `/prod/db`, Node Schedule in `/prod/db`)"
    );
    assert_eq!(
        Denial::Rule(RuleDenial::AdvancedLicenseRequired).message(),
        "access denied: nodes must be in either the shared or system collection without an advanced license"
    );
    let error = JudgeError::UnknownCollection { label: "/x".into() };
    assert_eq!(
        error.to_string(),
        "collection `/x` of the access label does not exist; create it or use another one"
    );
}

/// RBAC-008, RBAC-006, R23: each modifier on its own: Full Control has it, Restricted Control only the harmless one.
#[test]
fn every_container_modifier_by_role() {
    let world = company();
    for modifier in Operation::ContainerCreate.modifiers() {
        let demand = |label| {
            let want = Want::with(Operation::ContainerCreate, [*modifier], Target::Workload);
            create(ObjectType::Container, Some(label), vec![want])
        };
        let none = Facts::default();
        assert_eq!(judged(&world, "ada", &demand("/prod/web"), &none), "allowed");
        let restricted = judged(&world, "bob", &demand("/prod/db"), &none);
        if *modifier == Modifier::BridgeNetworkingMode {
            assert_eq!(restricted, "allowed");
        } else {
            assert_eq!(
                restricted,
                format!("Container Create with {modifier} in /prod/db")
            );
        }
    }
    let all: ModifierSet = Operation::ContainerCreate.modifiers().iter().copied().collect();
    assert_eq!(all.iter().count(), 8);
}
