//! Embeds the policy engine: who may do what to which collection, decided in the process, with the reason.
//!
//! Run it: `cargo run -p mke-examples --bin embed-policy`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;

use mke_rbac::demand::Access;
use mke_rbac::model::{
    Collection, Grant, GrantObject, GrantSubject, Model, Organization, Team, User, builtin,
};
use mke_rbac::operation::{Modifier, ModifierSet, Operation};
use mke_rbac::{Check, Decision, Policy, Subject};

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::compile(orcabank());
    let mindi = Subject::Account("u-mindi".into());

    // The team's grant on /Shared/mobile covers everything below it.
    show(
        &policy,
        &mindi,
        Operation::ServiceCreate,
        ModifierSet::EMPTY,
        "c-mobile",
    );
    // Restricted Control does not reach the host.
    show(
        &policy,
        &mindi,
        Operation::ContainerCreate,
        ModifierSet::of(Modifier::Privileged),
        "c-mobile",
    );
    // No grant leads to the other team's collection.
    show(
        &policy,
        &mindi,
        Operation::ServiceView,
        ModifierSet::EMPTY,
        "c-payments",
    );

    println!("\ncollections that mindi sees:");
    for collection in policy.visible_collections(&mindi) {
        println!("  {}", collection.path);
    }
    let schedule = policy.schedule(&mindi, &"c-mobile".into())?;
    println!("\nher workloads run where {}", schedule.constraint);
    Ok(())
}

fn show(policy: &Policy, subject: &Subject, operation: Operation, modifiers: ModifierSet, collection: &str) {
    let check = Check {
        operation,
        modifiers,
        collection: collection.into(),
    };
    match policy.decide(subject, Access::Operation, std::slice::from_ref(&check)) {
        Decision::Allowed(permit) => println!(
            "yes: {operation} {modifiers:?} on {collection}\n     {:?}",
            permit.reason()
        ),
        Decision::Denied(denial) => println!("no:  {operation} {modifiers:?} on {collection}\n     {denial}"),
    }
}

/// A bank with one application team.
fn orcabank() -> Model {
    let mut model = Model::with_builtin_collections();
    for (id, name) in [("c-mobile", "mobile"), ("c-payments", "payments")] {
        model.collections.push(Collection {
            id: id.into(),
            name: name.to_owned(),
            parent: Some(builtin::SHARED.into()),
        });
    }
    model.users.push(User {
        id: "u-mindi".into(),
        name: "mindi".to_owned(),
        admin: false,
        active: true,
        private_collection: None,
        default_collection: None,
    });
    model.organizations.push(Organization {
        id: "o-orcabank".into(),
        name: "orcabank".to_owned(),
        members: vec!["u-mindi".into()],
    });
    model.teams.push(Team {
        id: "t-mobile".into(),
        organization: "o-orcabank".into(),
        name: "mobile".to_owned(),
        members: vec!["u-mindi".into()],
    });
    model.grants.push(Grant {
        subject: GrantSubject::Team("t-mobile".into()),
        object: GrantObject::Collection("c-mobile".into()),
        role: "restrictedcontrol".into(),
    });
    model
}
