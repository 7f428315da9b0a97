//! Decides who the subjects of Kubernetes bindings are in MKE 4, and which roles and bindings need not come along because
//! Kubernetes makes them.

use std::collections::BTreeSet;

use super::people::People;
use super::{Work, is_reserved};
use crate::kubernetes::{Binding, BindingSubject, MASTERS, Rbac};

pub(super) fn convert(work: &mut Work<'_>, kubernetes: &Rbac) {
    let bootstrap = Rbac::bootstrap();
    for role in &kubernetes.roles {
        let same = bootstrap.roles.iter();
        let mut same = same.filter(|other| {
            (other.kind, &other.namespace, &other.name) == (role.kind, &role.namespace, &role.name)
        });
        match same.next_back() {
            None => work.conversion.rbac.roles.push(role.clone()),
            // What an aggregated role holds is worked out by Kubernetes, not written.
            Some(own) if own.rules == role.rules || own.aggregate.is_some() => {}
            Some(_) => work.leave(
                role.to_string(),
                "Kubernetes makes a role of this name by itself, and this one was changed: change it again by hand",
            ),
        }
    }
    for binding in &kubernetes.bindings {
        let same = bootstrap.bindings.iter();
        let mut same = same.filter(|other| {
            other.name.is_some()
                && (other.kind, &other.namespace, &other.name)
                    == (binding.kind, &binding.namespace, &binding.name)
        });
        match same.next_back() {
            None => {
                let binding = rewrite(work, binding);
                work.conversion.rbac.bindings.push(binding);
            }
            Some(own) if own == binding => {}
            Some(_) => work.leave(
                binding.to_string(),
                "Kubernetes makes a binding of this name by itself, and this one was changed: change it again by hand",
            ),
        }
    }
}

/// The binding with users by name in the place of ids and of groups of MKE 3.
fn rewrite(work: &mut Work<'_>, binding: &Binding) -> Binding {
    let mut seen = BTreeSet::new();
    let mut subjects = Vec::new();
    for subject in &binding.subjects {
        for subject in who(work, binding, subject) {
            if seen.insert(subject.clone()) {
                subjects.push(subject);
            }
        }
    }
    Binding {
        subjects,
        ..binding.clone()
    }
}

/// Whom a subject of MKE 3 means in MKE 4.
fn who(work: &mut Work<'_>, binding: &Binding, subject: &BindingSubject) -> Vec<BindingSubject> {
    let user = |name: &str| BindingSubject::User {
        name: name.to_owned(),
    };
    let nobody = "it names nobody whom MKE 3 knows, and would reach whoever gets this name in MKE 4";
    let what = format!("{subject} in {binding}");
    match subject {
        BindingSubject::ServiceAccount { .. } => return vec![subject.clone()],
        // Administrators were in this group; in MKE 4 it is whoever holds the cluster's own certificates.
        BindingSubject::Group { name } if name == MASTERS => {
            work.leave(what, "the group is not carried over; bind administrators by hand");
        }
        BindingSubject::User { name } | BindingSubject::Group { name } if is_reserved(name) => {
            return vec![subject.clone()];
        }
        BindingSubject::User { name } => match work.people.users.get(name.as_str()) {
            Some(account) if People::is_carried(account) => return vec![user(&account.name)],
            // The report names it once, as an account.
            Some(_) => {}
            None => work.leave(what, nobody),
        },
        BindingSubject::Group { name } => match work.people.members(name) {
            Some(members) => return members.iter().map(|name| user(name)).collect(),
            None => work.leave(what, nobody),
        },
    }
    Vec::new()
}
