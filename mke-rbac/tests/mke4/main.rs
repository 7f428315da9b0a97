//! From MKE 3 to MKE 4: the examples of the documents, names that collide, and that nobody gains or loses a right of
//! Kubernetes.

#![cfg(test)]

mod people;
mod structure;

use mke_rbac::kubernetes::{BindingSubject, Rbac};
use mke_rbac::mke4::{Conversion, convert};
use mke_rbac::state::World;

/// Converts a world of a few lines.
fn converted(record: &str) -> Conversion {
    let text = format!(
        "format: rbac-scenarios/1\nworlds:\n  one:\n    {}",
        record.trim().replace('\n', "\n    ")
    );
    let world = World::parse(&text, None).unwrap();
    convert(&world.policy().to_model(), &world.inventory().kubernetes)
}

/// Who is bound by the binding of this name.
fn bound<'r>(rbac: &'r Rbac, name: &str) -> Vec<&'r str> {
    let binding = rbac
        .bindings
        .iter()
        .find(|binding| binding.name.as_deref() == Some(name));
    let subjects = &binding.unwrap_or_else(|| panic!("no binding {name}")).subjects;
    subjects
        .iter()
        .map(|subject| match subject {
            BindingSubject::User { name } | BindingSubject::Group { name } => name.as_str(),
            BindingSubject::ServiceAccount { name, .. } => name.as_str(),
        })
        .collect()
}

/// The names of all cluster roles, in order.
fn roles(rbac: &Rbac) -> Vec<&str> {
    rbac.roles.iter().map(|role| role.name.as_str()).collect()
}
