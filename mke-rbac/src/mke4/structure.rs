//! Decides which aggregated roles stand for organizations and teams, and which Swarm roles they are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use crate::kubernetes::identity::{organization_group, team_group};
use crate::kubernetes::{
    Binding, BindingKind, BindingSubject, KubernetesRole, LabelSelector, RoleKind, RoleRef,
};
use crate::model::GrantSubject;
use crate::role::builtin;

/// The role that stands in where there is none.
const NONE: &str = "none";

/// The value of the labels by which aggregated roles choose.
const LABEL_ON: &str = "true";

pub(super) fn convert(work: &mut Work<'_>) {
    let mut roles = swarm_roles(work);
    let places = aggregated(work);
    work.conversion.counts.users = work.people.users.len();
    work.conversion.counts.swarm_roles = roles.len();
    // Which Swarm roles an organization or team was granted.
    let mut lonely = Vec::new();
    for place in places {
        let granted: BTreeSet<_> = work
            .model
            .grants
            .iter()
            .filter(|grant| grant.subject == place.subject)
            .map(|grant| grant.role.as_str())
            .collect();
        let mut found = false;
        for id in granted {
            if let Some(role) = roles.get_mut(id) {
                role.labels.insert(place.label.clone(), LABEL_ON.to_owned());
                found = true;
            }
        }
        if !found {
            lonely.push(place.label);
        }
    }
    let mut placeholder = roles.remove(builtin::NONE);
    if !lonely.is_empty() {
        let none = placeholder.get_or_insert_with(|| empty(NONE.to_owned()));
        none.labels
            .extend(lonely.into_iter().map(|label| (label, LABEL_ON.to_owned())));
    }
    work.conversion.rbac.roles.extend(roles.into_values());
    work.conversion.rbac.roles.extend(placeholder);
}

/// An organization or team.
struct Place {
    subject: GrantSubject,
    /// The label that puts a role into its aggregated role.
    label: String,
}

/// The aggregated roles with their bindings, organizations first.
fn aggregated(work: &mut Work<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    let mut organizations: Vec<_> = work.people.organizations.values().copied().collect();
    organizations.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut teams: Vec<_> = work.people.teams.values().copied().collect();
    teams.sort_unstable_by_key(|team| (work.people.team_name(team), team.id.clone()));
    work.conversion.counts.organizations = organizations.len();
    work.conversion.counts.teams = teams.len();
    for organization in organizations {
        let what = format!("organization {}", organization.name);
        let name = work.name(what, &format!("{}-org", organization.name), &[]);
        let label = aggregate(work, &name, &organization_group(organization.id.as_str()));
        places.push(Place {
            subject: GrantSubject::Organization(organization.id.clone()),
            label,
        });
    }
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for team in &teams {
        *count.entry(team.name.as_str()).or_default() += 1;
    }
    for team in teams {
        let full = work.people.team_name(team);
        let long = format!("{}-team", full.replace('/', "-"));
        let shared = count.get(team.name.as_str()).is_some_and(|count| *count > 1);
        // Members of one would hold what belongs to the other: none of them gets the short name.
        let (name, why) = if shared {
            let (name, also) = work.names.take(&long, &[]);
            let why = "another organization has a team of this name";
            (
                name,
                Some(also.map_or(why.to_owned(), |also| format!("{why}, and {also}"))),
            )
        } else {
            let (name, why) = work.names.take(&format!("{}-team", team.name), &[long]);
            (name, why.map(str::to_owned))
        };
        work.rename(format!("team {full}"), &name, why);
        let label = aggregate(
            work,
            &name,
            &team_group(team.organization.as_str(), team.id.as_str()),
        );
        places.push(Place {
            subject: GrantSubject::Team(team.id.clone()),
            label,
        });
    }
    let orphans = work.model.teams.iter();
    let mut orphans: Vec<_> = orphans
        .filter(|team| !work.people.organizations.contains_key(team.organization.as_str()))
        .map(|team| team.name.clone())
        .collect();
    orphans.sort_unstable();
    for orphan in orphans {
        work.leave(format!("team {orphan}"), "its organization does not exist");
    }
    places
}

/// Makes the aggregated role of this name and binds it to the members of the group; the answer is the label that puts a
/// role into it.
fn aggregate(work: &mut Work<'_>, name: &str, group: &str) -> String {
    let label = work.names.label(name);
    let selector = LabelSelector {
        labels: [(label.clone(), LABEL_ON.to_owned())].into(),
        ..LabelSelector::default()
    };
    work.conversion.rbac.roles.push(KubernetesRole {
        aggregate: Some(vec![selector]),
        ..empty(name.to_owned())
    });
    let members = work.people.members(group).into_iter().flatten();
    work.conversion.rbac.bindings.push(Binding {
        kind: BindingKind::ClusterRoleBinding,
        name: Some(name.to_owned()),
        namespace: None,
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: name.to_owned(),
        },
        subjects: members
            .map(|name| BindingSubject::User {
                name: (*name).to_owned(),
            })
            .collect(),
    });
    label
}

/// The Swarm roles of the cluster by id, without permissions: custom ones, and built-in ones that are granted.
fn swarm_roles(work: &mut Work<'_>) -> BTreeMap<String, KubernetesRole> {
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for grant in &work.model.grants {
        if let Some(id) = builtin::IDS.into_iter().find(|id| *id == grant.role.as_str()) {
            found.insert(id, id);
        }
    }
    for role in &work.model.roles {
        found.entry(role.id.as_str()).or_insert(&role.name);
    }
    let mut sorted: Vec<_> = found.into_iter().collect();
    sorted.sort_unstable_by_key(|(id, name)| (*name, *id));
    // The placeholder has this name, whoever else would like it.
    let mut roles = BTreeMap::new();
    let none = work.names.take(NONE, &[]).0;
    for (id, name) in sorted {
        let new = if id == builtin::NONE {
            none.clone()
        } else {
            work.name(format!("Swarm role {name}"), name, &[format!("{name}-swarm")])
        };
        roles.insert(id.to_owned(), empty(new));
    }
    roles
}

fn empty(name: String) -> KubernetesRole {
    KubernetesRole {
        kind: RoleKind::ClusterRole,
        name,
        namespace: None,
        labels: BTreeMap::new(),
        aggregate: None,
        rules: Vec::new(),
    }
}
