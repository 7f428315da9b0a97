//! Paths and places: what covers what, now and after a change.

use crate::world::{at, company, subject};
use mke_core::ids::CollectionId;
use mke_rbac::demand::Home;
use mke_rbac::model::{Collection, Grant, GrantObject, GrantSubject, Model, User};
use mke_rbac::operation::Operation;
use mke_rbac::role::builtin as roles;
use mke_rbac::{Policy, Subject};

fn sees_services(policy: &Policy, user: &str, collection: &CollectionId) -> bool {
    let home = Home::Collection(collection.clone());
    policy.may(&Subject::Account(user.into()), Operation::ServiceView, &home)
}

/// rbac-02, RBAC-013: ancestors are path elements, not beginnings of texts; paths compare exactly.
#[test]
fn sec_rbac_02_a_path_does_not_cover_its_longer_neighbour() {
    let world = company();
    let policy = world.policy();
    assert!(policy.covers(&at(&world, "/prod"), &at(&world, "/prod/web")));
    assert!(policy.covers(&at(&world, "/prod"), &at(&world, "/prod")));
    assert!(!policy.covers(&at(&world, "/prod"), &at(&world, "/production")));
    assert!(!policy.covers(&at(&world, "/prod/web"), &at(&world, "/prod")));
    assert!(sees_services(policy, "u-eva", &at(&world, "/prod/db")));
    assert!(!sees_services(policy, "u-eva", &at(&world, "/production")));
    assert!(!sees_services(policy, "u-eva", &at(&world, "/")));
    let found = |path: &str| {
        let path = path.parse();
        path.ok()
            .and_then(|path| policy.collection_by_path(&path))
            .is_some()
    };
    assert!(found("/") && found("/prod/web") && found("/prod/web/"));
    for absent in [
        "",
        "//",
        "/prod//web",
        "/prod/../prod/web",
        "/PROD/web",
        "prod/web",
        "/prod/we",
    ] {
        assert!(!found(absent), "{absent:?}");
    }
}

/// rbac-03, RBAC-013: a grant reaches what is made below its collection later, and leaves what moves away.
#[test]
fn sec_rbac_03_grants_follow_the_tree() {
    let mut model = company().policy().to_model();
    model.collections.push(Collection {
        id: "late".into(),
        name: "late".into(),
        parent: Some("c-prod-db".into()),
    });
    assert!(sees_services(
        &Policy::compile(model.clone()),
        "u-eva",
        &"late".into()
    ));
    for collection in &mut model.collections {
        if collection.id.as_str() == "c-prod-db" {
            collection.parent = Some("c-lab".into());
        }
    }
    let policy = Policy::compile(model);
    for left in ["late", "c-prod-db"] {
        assert!(!sees_services(&policy, "u-eva", &left.into()), "{left}");
    }
    assert_eq!(policy.collection("late").unwrap().path.as_str(), "/lab/db/late");
    assert!(
        sees_services(&policy, "u-bob", &"late".into()),
        "grants on the moved collection itself move along"
    );
}

/// RBAC-014, RBAC-026, R11: a fresh tree holds the built-in collections, and `/System` is for administrators.
#[test]
fn builtin_collections() {
    let paths: Vec<_> = Policy::compile(Model::with_builtin_collections())
        .collections()
        .map(|info| (info.path.to_string(), info.id.to_string()))
        .collect();
    let expected = [
        ("/", "swarm"),
        ("/Shared", "shared"),
        ("/Shared/Private", "private"),
        ("/Shared/Legacy", "legacy"),
        ("/System", "system"),
    ];
    assert_eq!(paths, expected.map(|(path, id)| (path.to_owned(), id.to_owned())));
    let world = company();
    for user in ["ada", "bob", "eva", "fresh"] {
        let user = subject(&world, user);
        assert!(!world.policy().sees_collection(&user, &at(&world, "/System")));
        let role = world.policy().effective(&user, &at(&world, "/System"));
        assert!(role.is_empty());
    }
    assert!(
        world
            .policy()
            .sees_collection(&subject(&world, "root"), &at(&world, "/System"))
    );
}

/// RBAC-013, R15: depth has no limit; a thousand levels work like one, and circles reach nothing.
#[test]
fn deep_trees_and_circles() {
    let mut model = Model::with_builtin_collections();
    let user = User {
        id: "u".into(),
        name: "u".into(),
        admin: false,
        active: true,
        private_collection: None,
        default_collection: None,
    };
    model.users.push(user);
    let level = |number: usize| CollectionId::from(format!("l{number}"));
    for number in 0..1000 {
        model.collections.push(Collection {
            id: level(number),
            name: "n".into(),
            parent: Some(if number == 0 {
                "swarm".into()
            } else {
                level(number - 1)
            }),
        });
    }
    for (id, parent) in [("x", "y"), ("y", "x")] {
        model.collections.push(Collection {
            id: id.into(),
            name: id.into(),
            parent: Some(parent.into()),
        });
    }
    for collection in [level(10), "x".into()] {
        model.grants.push(Grant {
            subject: GrantSubject::User("u".into()),
            object: GrantObject::Collection(collection),
            role: roles::VIEW_ONLY.into(),
        });
    }
    let policy = Policy::compile(model);
    assert!(sees_services(&policy, "u", &level(999)));
    assert!(sees_services(&policy, "u", &level(10)));
    assert!(!sees_services(&policy, "u", &level(9)));
    assert!(!sees_services(&policy, "u", &"x".into()));
    assert_eq!(policy.warnings().len(), 3, "two collections and one grant");
}

/// rbac-07, RBAC-030, R44: a scheduler grant on `/` wins over every narrower one, for its subjects only.
#[test]
fn sec_rbac_07_scheduler_on_the_root_wins() {
    let world = company();
    let scheduled = |policy: &Policy, user: &str, path: &str| {
        let subject = subject(&world, user);
        policy
            .schedule(&subject, &at(&world, path))
            .map(|schedule| schedule.constraint)
            .ok()
    };
    let on = |id: &str| Some(format!("node.labels.com.docker.ucp.collection.{id}==true"));
    assert_eq!(scheduled(world.policy(), "ada", "/prod/web"), on("c-prod-web"));
    let mut model = world.policy().to_model();
    model.grants.push(Grant {
        subject: GrantSubject::Team("t-company/web".into()),
        object: GrantObject::Collection("swarm".into()),
        role: roles::SCHEDULER.into(),
    });
    let policy = Policy::compile(model);
    for path in ["/prod/web", "/prod", "/lab", "/System", "/Shared/Private/ada"] {
        assert_eq!(scheduled(&policy, "ada", path), on("swarm"), "{path}");
    }
    assert_eq!(scheduled(&policy, "bob", "/prod/db"), on("c-prod-db"));
    assert_eq!(scheduled(&policy, "bob", "/prod/web"), None);
}

/// RBAC-007, RBAC-030, R42, R45: everybody schedules on `/Shared` after installation; administrators everywhere but on
/// managers, or everywhere when the setting says so.
#[test]
fn schedule_roots_and_the_nodes_they_admit() {
    let world = company();
    let policy = world.policy();
    let admits = |policy: &Policy, user: &str, path: &str, node: &str| {
        let schedule = policy.schedule(&subject(&world, user), &at(&world, path));
        schedule.is_ok_and(|schedule| schedule.admits(&Home::Collection(at(&world, node)), policy))
    };
    for user in ["ada", "bob", "fresh"] {
        assert!(admits(policy, user, "/Shared/Private/ada", "/Shared"), "{user}");
        assert!(!admits(policy, user, "/Shared/Private/ada", "/System"), "{user}");
        assert!(!admits(policy, user, "/System", "/System"), "{user}");
    }
    assert!(admits(policy, "root", "/prod", "/Shared") && admits(policy, "root", "/prod", "/lab"));
    assert!(!admits(policy, "root", "/prod", "/System"));
    let schedule = policy
        .schedule(&subject(&world, "root"), &at(&world, "/"))
        .unwrap();
    assert!(!schedule.admits(&Home::Conflicting, policy));
    let mut model = policy.to_model();
    model.settings.enable_admin_ucp_scheduling = true;
    let everywhere = Policy::compile(model);
    assert!(admits(&everywhere, "root", "/prod", "/System"));
    assert!(!admits(&everywhere, "ada", "/Shared/Private/ada", "/System"));
}

/// R14: the private grant follows the setting for all users at once.
#[test]
fn private_collections_follow_the_setting() {
    let private = CollectionId::from("c-Shared-Private-ada");
    let with = |role: &str| {
        let mut model = company().policy().to_model();
        model.settings.default_new_user_role = role.into();
        let policy = Policy::compile(model);
        let subject = Subject::Account("u-ada".into());
        let count = |operation| {
            usize::from(
                policy
                    .effective(&subject, &private)
                    .rights()
                    .operations()
                    .contains(operation),
            )
        };
        (
            count(Operation::ServiceView),
            count(Operation::ServiceCreate),
            count(Operation::ContainerExec),
        )
    };
    assert_eq!(with(roles::RESTRICTED_CONTROL), (1, 1, 0));
    assert_eq!(with(roles::VIEW_ONLY), (1, 0, 0));
    assert_eq!(with(roles::NONE), (0, 0, 0));
    assert_eq!(with("admin"), (1, 1, 1));
    assert_eq!(with("gone"), (0, 0, 0), "an unknown role gives nothing");
    let others = company();
    assert!(!sees_services(others.policy(), "u-bob", &private));
}
