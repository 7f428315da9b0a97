//! Generated policies and questions in which much happens: everybody meets everything.

use mke_core::ids::{AccountId, CollectionId, RoleId};
use mke_rbac::demand::Access;
use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model};
use mke_rbac::operation::{ModifierSet, Operation};
use mke_rbac::role::{Rights, builtin};
use mke_rbac::{Check, Role, Subject};

use crate::shape::{self, Dice, Size};

/// Small enough that grants meet, large enough that there are strangers.
pub(crate) const CROWDED: Size = Size {
    users: 12,
    organizations: 3,
    teams: 6,
    collections: 14,
    depth: 4,
    grants: 30,
    memberships: 2,
};

/// A model of the common generator with what that leaves out: administrators, inactive users, direct members, the
/// organization that holds everybody, private collections, custom roles with modifiers, grants for nobody in
/// particular, and grants that name what does not exist.
pub(crate) fn model(size: Size, seed: u64) -> Model {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut model = shape::model(size, seed);
    for user in &mut model.users {
        user.admin = dice.below(10) == 0;
        user.active = dice.below(10) > 0;
        user.private_collection =
            (dice.below(3) == 0).then(|| shape::collection(dice.below(size.collections)));
    }
    let private_roles = [
        builtin::RESTRICTED_CONTROL,
        builtin::NONE,
        builtin::FULL_CONTROL,
        "admin",
    ];
    model.settings.default_new_user_role = (*dice.pick(&private_roles)).into();
    model.organizations[0].name = "docker-datacenter".to_owned();
    let users: Vec<_> = model.users.iter().map(|user| user.id.clone()).collect();
    for organization in &mut model.organizations {
        let members = (0..dice.below(4)).map(|_| dice.pick(&users).clone());
        organization.members = members.collect();
    }
    for number in 0..6 {
        model.roles.push(Role {
            id: format!("r{number}").into(),
            name: String::new(),
            system_role: false,
            operations: rights(&mut dice).into(),
        });
    }
    for number in 0..size.grants {
        let grant = match number % 3 {
            0 => odd_grant(&model, &mut dice),
            _ => Grant {
                role: custom_role(&mut dice),
                ..dice.pick(&model.grants).clone()
            },
        };
        model.grants.push(grant);
    }
    model
}

fn custom_role(dice: &mut Dice) -> RoleId {
    // One of them does not exist.
    format!("r{}", dice.below(7)).into()
}

/// A few operations, mostly those that have modifiers.
fn rights(dice: &mut Dice) -> Rights {
    (0..1 + dice.below(4))
        .map(|_| {
            let operation = operation(dice);
            (operation, modifiers(operation, dice))
        })
        .collect()
}

fn operation(dice: &mut Dice) -> Operation {
    let modified: Vec<_> = Operation::ALL
        .iter()
        .filter(|operation| !operation.modifiers().is_empty())
        .collect();
    match dice.below(3) {
        0 => *dice.pick(Operation::ALL),
        _ => **dice.pick(&modified),
    }
}

fn modifiers(operation: Operation, dice: &mut Dice) -> ModifierSet {
    let own = operation.modifiers().iter().copied();
    own.filter(|_| dice.below(3) == 0).collect()
}

fn odd_grant(model: &Model, dice: &mut Dice) -> Grant {
    let subject = match dice.below(4) {
        0 => GrantSubject::Authenticated,
        1 => GrantSubject::Anonymous,
        2 => GrantSubject::User(dice.pick(&model.users).id.clone()),
        _ => GrantSubject::Organization(dice.pick(&model.organizations).id.clone()),
    };
    let object = match dice.below(8) {
        0 => GrantObject::AllNamespaces,
        1 => GrantObject::Collection("missing".into()),
        _ => GrantObject::Collection(dice.pick(&model.collections).id.clone()),
    };
    let role = match dice.below(3) {
        0 => (*dice.pick(&builtin::IDS)).into(),
        _ => custom_role(dice),
    };
    Grant {
        subject,
        object,
        role,
    }
}

/// What somebody asks.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) subject: Subject,
    pub(crate) access: Access,
    pub(crate) checks: Vec<Check>,
}

/// Any question, mostly of a user about one to three uses of operations.
pub(crate) fn question(model: &Model, dice: &mut Dice) -> Question {
    let subject = match dice.below(20) {
        0 => Subject::Anonymous,
        1 => Subject::Account(AccountId::new("stranger")),
        _ => Subject::Account(dice.pick(&model.users).id.clone()),
    };
    let access = match dice.below(16) {
        0 => Access::Public,
        1 => Access::Admin,
        2 => Access::Authenticated,
        3 => Access::Filter,
        _ => Access::Operation,
    };
    let count = match dice.below(12) {
        0 => 0,
        number => 1 + number % 3,
    };
    let near = dice.pick(&model.collections).id.clone();
    let checks = (0..count).map(|_| check(model, &near, dice)).collect();
    Question {
        subject,
        access,
        checks,
    }
}

/// A check near a collection, so that the checks of one question meet on the way up. One in forty names a collection
/// that does not exist, one in forty a modifier that the operation does not have.
fn check(model: &Model, near: &CollectionId, dice: &mut Dice) -> Check {
    let operation = operation(dice);
    let mut modifiers = modifiers(operation, dice);
    if dice.below(40) == 0 {
        modifiers.insert(*dice.pick(mke_rbac::operation::Modifier::ALL));
    }
    let collection = match dice.below(40) {
        0 => "missing".into(),
        1..20 => near.clone(),
        20..30 => {
            let info = model.collections.iter().find(|known| known.id == *near);
            info.and_then(|info| info.parent.clone())
                .unwrap_or_else(|| near.clone())
        }
        _ => dice.pick(&model.collections).id.clone(),
    };
    Check {
        operation,
        modifiers,
        collection,
    }
}

/// The model for the slow evaluator, which does not know that the setting `admin` means everything (R14): Full Control
/// holds the same.
pub(crate) fn for_slow(model: &Model) -> Model {
    let mut model = model.clone();
    if model.settings.default_new_user_role.as_str() == "admin" {
        model.settings.default_new_user_role = builtin::FULL_CONTROL.into();
    }
    model
}
