//! Changing roles, collections, grants and accounts, and what each removal takes with it.

use crate::world::{at, company, object, subject};
use mke_core::ids::{AccountId, CollectionId, RoleId};
use mke_rbac::admin::{
    CollectionRefusal, DefaultCollectionRefusal, GrantRefusal, RoleRefusal, check_change_role,
    check_create_collection, check_create_role, check_default_collection, check_delete_collection,
    check_delete_role, check_grant,
};
use mke_rbac::demand::{Access, Home, ObjectKind};
use mke_rbac::model::{Collection, Grant, GrantObject, GrantSubject, Model, Team, builtin};
use mke_rbac::operation::{ModifierSet, ObjectType, Operation};
use mke_rbac::role::{builtin as roles, builtin_roles};
use mke_rbac::{Check, Denial, Policy, Role, Subject, Warning};
use serde_json::json;

fn may(policy: &Policy, user: &str, operation: Operation, collection: &str) -> bool {
    let subject = Subject::Account(user.into());
    policy.may(&subject, operation, &Home::Collection(collection.into()))
}

fn grant(subject: GrantSubject, collection: &str, role: &str) -> Grant {
    Grant {
        subject,
        object: GrantObject::Collection(collection.into()),
        role: role.into(),
    }
}

/// RBAC-002, RBAC-039: calls for administrators refuse everybody else, whatever their grants.
#[test]
fn administration_is_for_administrators() {
    let world = company();
    let ask = |user: &str| {
        let decision = world.policy().decide(&subject(&world, user), Access::Admin, &[]);
        decision.into_result().map(|_| ())
    };
    assert_eq!(ask("root"), Ok(()));
    for user in ["ada", "bob", "eva", "fresh"] {
        assert!(
            matches!(ask(user), Err(Denial::AdministratorOnly { .. })),
            "{user}"
        );
    }
    assert_eq!(
        ask("exroot"),
        Err(Denial::Inactive),
        "a deactivated administrator is none"
    );
}

/// RBAC-009, rbac-06: built-in roles stay, no role changes, and a role in use stays until its grants are gone.
#[test]
fn sec_rbac_06_roles_are_not_edited_and_go_only_when_unused() {
    let world = company();
    let policy = world.policy();
    for role in builtin_roles() {
        assert_eq!(
            check_delete_role(policy, &role.id),
            Err(RoleRefusal::BuiltIn(role.id.clone()))
        );
        assert_eq!(
            check_change_role(policy, &role.id),
            RoleRefusal::NotEditable(role.id)
        );
    }
    let mover = RoleId::new("Mover");
    assert_eq!(
        check_change_role(policy, &mover),
        RoleRefusal::NotEditable(mover.clone())
    );
    let Err(RoleRefusal::InUse { grants, .. }) = check_delete_role(policy, &mover) else {
        panic!("a used role must stay")
    };
    assert_eq!(grants.len(), 1);
    let mut model = policy.to_model();
    model.grants.retain(|grant| grant.role != mover);
    assert_eq!(check_delete_role(&Policy::compile(model), &mover), Ok(()));
    assert_eq!(
        check_delete_role(policy, &"gone".into()),
        Err(RoleRefusal::Unknown("gone".into()))
    );
}

/// RBAC-011, rbac-06: a custom role allows exactly its operations; without operations it allows nothing; unknown
/// names and stars are refused.
#[test]
fn sec_rbac_06_custom_roles_allow_exactly_what_they_list() {
    let body = json!({"Service": {"Service View": []}, "Container": {"Container Create": ["Privileged"]}});
    let custom = |operations| Role {
        id: "custom".into(),
        name: "Custom".into(),
        system_role: false,
        operations: check_create_role("Custom", operations).unwrap(),
    };
    let with = |operations| {
        let mut model = company().policy().to_model();
        model.roles.push(custom(operations));
        model.grants.push(grant(
            GrantSubject::User("u-eva".into()),
            "c-production",
            "custom",
        ));
        Policy::compile(model)
    };
    let policy = with(body);
    for operation in Operation::ALL {
        let listed = matches!(operation, Operation::ServiceView | Operation::ContainerCreate);
        assert_eq!(
            may(&policy, "u-eva", *operation, "c-production"),
            listed,
            "{operation}"
        );
        assert!(
            !may(&policy, "u-bob", *operation, "c-production"),
            "{operation} for another"
        );
    }
    let empty = with(json!({}));
    for operation in Operation::ALL {
        assert!(!may(&empty, "u-eva", *operation, "c-production"), "{operation}");
    }
    for wrong in [
        json!({"*": {}}),
        json!({"Service": {"*": []}}),
        json!({"Service": {"Service View": ["*"]}}),
    ] {
        assert!(
            matches!(check_create_role("x", wrong.clone()), Err(RoleRefusal::Body(_))),
            "{wrong}"
        );
    }
    assert_eq!(check_create_role("", json!({})), Err(RoleRefusal::Name));
    assert_eq!(check_create_role("a\nb", json!({})), Err(RoleRefusal::Name));
    assert_eq!(
        check_create_role(&"x".repeat(101), json!({})),
        Err(RoleRefusal::Name)
    );
}

/// RBAC-004, R24: None gives nothing and takes nothing.
#[test]
fn the_role_none_changes_nothing() {
    let world = company();
    let before = world.policy();
    let mut model = before.to_model();
    for user in ["u-ada", "u-bob"] {
        model
            .grants
            .push(grant(GrantSubject::User(user.into()), builtin::ROOT, roles::NONE));
    }
    let after = Policy::compile(model);
    for user in ["u-ada", "u-bob"] {
        for collection in before.collections() {
            let subject = Subject::Account(user.into());
            assert_eq!(
                before.effective(&subject, &collection.id),
                after.effective(&subject, &collection.id)
            );
        }
        assert!(!may(&after, user, Operation::ServiceView, builtin::ROOT));
    }
}

/// RBAC-013, RBAC-014, R17: collections are made below existing ones, once; built-in and filled ones stay.
#[test]
fn collections_come_and_go_empty() {
    let world = company();
    let policy = world.policy();
    let prod = at(&world, "/prod");
    let made = check_create_collection(policy, &prod, "app layer").unwrap();
    assert_eq!(made.as_str(), "/prod/app layer");
    assert!(matches!(
        check_create_collection(policy, &prod, "web"),
        Err(CollectionRefusal::Exists(_))
    ));
    for wrong in ["", "a/b", "..", "."] {
        let refusal = check_create_collection(policy, &prod, wrong);
        assert!(matches!(refusal, Err(CollectionRefusal::Name(_))), "{wrong:?}");
    }
    assert!(matches!(
        check_create_collection(policy, &"gone".into(), "x"),
        Err(CollectionRefusal::Unknown(_))
    ));
    let mut model = policy.to_model();
    for number in 0..46 {
        let parent = if number == 0 {
            "c-lab".to_owned()
        } else {
            format!("deep{}", number - 1)
        };
        model.collections.push(Collection {
            id: format!("deep{number}").into(),
            name: "x".repeat(99),
            parent: Some(parent.into()),
        });
    }
    let deep = Policy::compile(model);
    assert!(check_create_collection(&deep, &"deep30".into(), "x").is_ok());
    assert!(
        matches!(
            check_create_collection(&deep, &"deep45".into(), "x"),
            Err(CollectionRefusal::Name(_))
        ),
        "a path has a longest length"
    );
    for id in builtin::COLLECTIONS
        .iter()
        .copied()
        .chain(["c-Shared-Private-ada"])
    {
        let refusal = check_delete_collection(policy, &id.into(), &[]);
        assert!(matches!(refusal, Err(CollectionRefusal::BuiltIn(_))), "{id}");
    }
    assert!(matches!(
        check_delete_collection(policy, &prod, &[]),
        Err(CollectionRefusal::HasChildren { .. })
    ));
    let web = at(&world, "/prod/web");
    let inside = [object(ObjectKind::Secret, "tls"), object(ObjectKind::Node, "n1")];
    let refusal = check_delete_collection(policy, &web, &inside).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "collection `/prod/web` holds node `n1` and 1 other objects; move or delete them first"
    );
    let gone = check_delete_collection(policy, &web, &[]).unwrap();
    assert_eq!(gone.len(), 1, "its grant goes with it");
}

/// RBAC-010, R28: a grant names an existing subject, collection and role; several for one pair add up.
#[test]
fn grants_name_what_exists() {
    let world = company();
    let policy = world.policy();
    let eva = || GrantSubject::User("u-eva".into());
    assert_eq!(
        check_grant(policy, &grant(eva(), "c-lab", roles::VIEW_ONLY)),
        Ok(())
    );
    assert_eq!(
        check_grant(policy, &policy.to_model().grants[0]),
        Ok(()),
        "again is fine"
    );
    assert!(matches!(
        check_grant(policy, &grant(eva(), "gone", roles::VIEW_ONLY)),
        Err(GrantRefusal::UnknownCollection(_))
    ));
    assert!(matches!(
        check_grant(policy, &grant(eva(), "c-lab", "gone")),
        Err(GrantRefusal::UnknownRole(_))
    ));
    for nobody in [
        GrantSubject::User("u-x".into()),
        GrantSubject::User("o-company".into()),
        GrantSubject::Organization("u-eva".into()),
        GrantSubject::Team("t-x".into()),
    ] {
        assert!(matches!(
            check_grant(policy, &grant(nobody, "c-lab", roles::VIEW_ONLY)),
            Err(GrantRefusal::UnknownSubject(_))
        ));
    }
    let mut model = policy.to_model();
    model.grants.push(grant(eva(), "c-lab", roles::VIEW_ONLY));
    model.grants.push(grant(eva(), "c-lab", roles::SCHEDULER));
    let policy = Policy::compile(model);
    assert!(may(&policy, "u-eva", Operation::ServiceView, "c-lab"));
    assert!(may(&policy, "u-eva", Operation::NodeSchedule, "c-lab"));
    assert!(may(&policy, "u-eva", Operation::SecretUse, "c-lab"));
}

/// RBAC-017, R13: a default collection must be visible to its user, and gives no right.
#[test]
fn default_collections_are_visible_ones() {
    let world = company();
    let policy = world.policy();
    let ada = AccountId::from("u-ada");
    assert_eq!(check_default_collection(policy, &ada, &"c-prod".into()), Ok(()));
    for hidden in ["c-lab", "gone", "system"] {
        let refusal = check_default_collection(policy, &ada, &hidden.into());
        assert_eq!(refusal, Err(DefaultCollectionRefusal::NotVisible(hidden.into())));
    }
    let mut model = policy.to_model();
    for user in &mut model.users {
        user.default_collection = Some("c-lab".into());
    }
    let policy = Policy::compile(model.clone());
    assert_eq!(policy.default_collection(&ada).unwrap().path.as_str(), "/lab");
    assert!(!may(&policy, "u-ada", Operation::ServiceView, "c-lab"));
    model.remove_collection(&"c-lab".into());
    let policy = Policy::compile(model);
    assert_eq!(
        policy.default_collection(&ada).unwrap().path.as_str(),
        "/Shared/Private/ada"
    );
}

/// rbac-04, R7: removing an account, team, role or collection removes every grant that names it, and bringing the
/// id back revives nothing.
#[test]
fn sec_rbac_04_removed_things_take_their_grants_along() {
    let original = company().policy().to_model();
    let revived = |edit: &dyn Fn(&mut Model) -> Vec<Grant>, restore: &dyn Fn(&mut Model)| {
        let mut model = original.clone();
        let removed = edit(&mut model);
        restore(&mut model);
        (removed.len(), Policy::compile(model))
    };
    let ada = |operation| move |policy: &Policy| may(policy, "u-ada", operation, "c-prod-web");
    let execs = ada(Operation::ContainerExec);
    assert!(execs(&Policy::compile(original.clone())));

    let (removed, policy) = revived(&|model| model.remove_team(&"t-company/web".into()), &|model| {
        model.teams.clone_from(&original.teams);
    });
    assert_eq!(removed, 1);
    assert!(!execs(&policy));

    let (removed, policy) = revived(&|model| model.remove_account(&"u-bob".into()), &|model| {
        model.users.clone_from(&original.users);
    });
    assert_eq!(removed, 2);
    assert!(!may(&policy, "u-bob", Operation::ServiceCreate, "c-lab"));
    assert!(
        !may(&policy, "u-bob", Operation::ServiceView, "c-prod"),
        "not a member again"
    );

    let (removed, policy) = revived(&|model| model.remove_account(&"o-company".into()), &|model| {
        model.organizations.clone_from(&original.organizations);
        model.teams.clone_from(&original.teams);
    });
    assert_eq!(removed, 3, "its own grant and those of its teams");
    assert!(!may(&policy, "u-ada", Operation::ServiceView, "c-prod"));
    assert!(!execs(&policy));

    let (removed, policy) = revived(&|model| model.remove_role(&"Mover".into()), &|model| {
        model.roles.clone_from(&original.roles);
    });
    assert_eq!(removed, 1);
    assert!(!may(&policy, "u-bob", Operation::ServiceCreate, "c-lab"));

    let (removed, policy) = revived(&|model| model.remove_collection(&"c-prod-web".into()), &|model| {
        model.collections.clone_from(&original.collections)
    });
    assert_eq!(removed, 1);
    assert!(!execs(&policy));
}

/// What names something unknown has no effect, and is reported.
#[test]
fn dangling_references_are_inert_and_listed() {
    let mut model = company().policy().to_model();
    model.grants.push(grant(
        GrantSubject::User("u-ada".into()),
        "gone",
        roles::FULL_CONTROL,
    ));
    model
        .grants
        .push(grant(GrantSubject::User("u-ada".into()), builtin::ROOT, "gone"));
    model.collections.push(Collection {
        id: "orphan".into(),
        name: "orphan".into(),
        parent: Some("gone".into()),
    });
    model.teams.push(Team {
        id: "ghosts".into(),
        organization: "gone".into(),
        name: "ghosts".into(),
        members: vec!["u-ada".into()],
    });
    model.grants.push(grant(
        GrantSubject::Team("ghosts".into()),
        "c-lab",
        roles::FULL_CONTROL,
    ));
    let policy = Policy::compile(model);
    let inert = policy.warnings().into_iter();
    let inert = inert.filter(|warning| matches!(warning, Warning::InertGrant(_)));
    assert_eq!(inert.count(), 2);
    assert!(
        policy
            .warnings()
            .contains(&Warning::UnreachableCollection("orphan".into()))
    );
    assert!(!may(&policy, "u-ada", Operation::ServiceView, builtin::ROOT));
    assert!(!may(&policy, "u-ada", Operation::ServiceView, "c-lab"));
    let check = |collection: &str| Check {
        operation: Operation::ServiceView,
        modifiers: ModifierSet::EMPTY,
        collection: collection.into(),
    };
    for unknown in ["gone", "orphan"] {
        assert!(!policy.allows(&Subject::Account("u-ada".into()), &check(unknown)));
    }
}

/// RBAC-001, RBAC-028, R2, R3: organizations reach all their members, teams only theirs, equal names mean nothing.
#[test]
fn subjects_reach_their_members() {
    let world = company();
    let view = |user: &str| may(world.policy(), user, Operation::ServiceView, "c-prod");
    assert!(
        view("u-ada") && view("u-bob"),
        "team members are members of the organization"
    );
    assert!(view("u-eva"), "so are members without a team");
    assert!(!view("u-fresh") && !view("u-gone") && !view("o-company"));
    let mut model = world.policy().to_model();
    model.organizations.push(mke_rbac::model::Organization {
        id: "o-other".into(),
        name: "other".into(),
        members: vec![],
    });
    model.teams.push(Team {
        id: "t-other/web".into(),
        organization: "o-other".into(),
        name: "web".into(),
        members: vec!["u-bob".into(), "u-fresh".into()],
    });
    let policy = Policy::compile(model);
    assert!(!may(&policy, "u-fresh", Operation::ContainerExec, "c-prod-web"));
    assert!(
        may(&policy, "u-bob", Operation::ServiceView, "c-prod"),
        "both organizations count"
    );
}

/// RBAC-016, R18: the labels of a collection name it and every ancestor, always with `root` and `swarm`.
#[test]
fn collection_labels_name_every_ancestor() {
    let world = company();
    let labels = world.policy().collection_labels(&"c-prod-web".into());
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| (key.trim_start_matches("com.docker.ucp."), value.as_str()))
        .collect();
    assert_eq!(
        labels,
        [
            ("access.label", "/prod/web"),
            ("collection", "c-prod-web"),
            ("collection.root", "true"),
            ("collection.swarm", "true"),
            ("collection.c-prod", "true"),
            ("collection.c-prod-web", "true"),
        ]
    );
    assert!(
        world
            .policy()
            .collection_labels(&CollectionId::from("gone"))
            .is_empty()
    );
}

/// RBAC-029, R28, R53: everybody can see the grants that apply to them, and the union of what they hold.
#[test]
fn own_grants_and_total_role() {
    let world = company();
    let policy = world.policy();
    let ada = policy.grants_of(&subject(&world, "ada"));
    let roles: Vec<_> = ada.iter().map(|grant| grant.role.as_str()).collect();
    assert_eq!(
        roles,
        ["restrictedcontrol", "viewonly", "scheduler", "fullcontrol"],
        "by subject and object"
    );
    let total = policy.total(&subject(&world, "eva"));
    assert!(total.rights().operations().contains(Operation::NodeUpdate));
    assert!(total.rights().operations().contains(Operation::SecretUse));
    assert!(!total.rights().operations().contains(Operation::ContainerExec));
    let all = policy.total(&subject(&world, "root"));
    assert_eq!(all.rights().iter().count(), Operation::ALL.len());
    assert!(policy.total(&subject(&world, "gone")).is_empty());
}

/// RBAC-038: without the advanced licence every collection, and every decision that is not about moving nodes, is
/// the same.
#[test]
fn the_licence_does_not_touch_collections() {
    let world = company();
    let mut model = world.policy().to_model();
    model.settings.advanced_license = false;
    let basic = Policy::compile(model);
    assert!(basic.collections().eq(world.policy().collections()));
    for collection in basic.collections() {
        for object_type in ObjectType::ALL {
            let view = object_type.view_operation();
            let id = collection.id.as_str();
            assert_eq!(
                may(&basic, "u-eva", view, id),
                may(world.policy(), "u-eva", view, id)
            );
        }
    }
}
