//! Who reaches which place through what, as nodes in four columns and edges between them.
//!
//! Which grants belong to a picture of a collection: those on it, on what it lies in, and on what lies in it.
//! Grants for everybody are drawn once, not per user. A picture that nobody could read is cut, and says so.

use std::collections::{BTreeMap, BTreeSet};

use mke_core::ids::{AccountId, CollectionId};
use serde::{Deserialize, Serialize};

use super::Scene;
use crate::model::{Grant, GrantObject, GrantSubject, builtin};
use crate::policy::CollectionInfo;

/// Users that are drawn one by one; more are drawn as a number per group.
const MOST_USERS: usize = 200;

/// Grants and collections that are drawn.
const MOST: usize = 400;

/// Collections without grants that are drawn below the one that was asked for.
const MOST_PLAIN: usize = 40;

/// The columns, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// Users, and service accounts of Kubernetes.
    Users,
    /// Teams, organizations and other groups.
    Groups,
    /// Roles, one node per subject and role.
    Roles,
    /// Collections, or namespaces.
    Places,
}

/// Something with a place in the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Where it stands.
    pub column: Column,
    /// What it is called.
    pub label: String,
    /// What else there is to say, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How deep it lies in the tree of places.
    #[serde(default)]
    pub depth: usize,
}

/// A connection from a node to one in a column further right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The position of the left node.
    pub from: usize,
    /// The position of the right node.
    pub to: usize,
    /// What it means, in one sentence.
    pub title: String,
}

/// A picture before it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// What it shows.
    pub title: String,
    /// The heads of the columns.
    pub heads: [String; 4],
    /// Nodes; those of one column in the order in which they are best read.
    pub nodes: Vec<Node>,
    /// Edges between them.
    pub edges: Vec<Edge>,
    /// What was left out, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Graph {
    pub(super) fn node(&mut self, column: Column, label: impl Into<String>, note: Option<String>) -> usize {
        self.nodes.push(Node {
            column,
            label: label.into(),
            note,
            depth: 0,
        });
        self.nodes.len() - 1
    }

    /// The graph without edges that lead nowhere or to the left: one that was read may have such.
    pub(super) fn sound(&self) -> Self {
        let column = |position: usize| self.nodes.get(position).map(|node| node.column);
        let leads_right = |edge: &&Edge| match (column(edge.from), column(edge.to)) {
            (Some(from), Some(to)) => from < to,
            _ => false,
        };
        Self {
            edges: self.edges.iter().filter(leads_right).cloned().collect(),
            ..self.clone()
        }
    }

    pub(super) fn edge(&mut self, from: usize, to: usize, title: impl Into<String>) {
        let title = title.into();
        if !self.edges.iter().any(|edge| edge.from == from && edge.to == to) {
            self.edges.push(Edge { from, to, title });
        }
    }
}

/// The picture of a collection.
pub(super) fn of_collection(scene: &Scene<'_>, at: &CollectionInfo) -> Graph {
    let mut graph = Graph {
        title: format!("Access to {}", at.path),
        heads: ["Users", "Teams and organizations", "Roles granted", "Collections"].map(str::to_owned),
        ..Graph::default()
    };
    let grants = grants(scene, at, &mut graph.remarks);
    let places = places(scene, at, &grants, &mut graph);
    let mut subjects = BTreeMap::new();
    let mut roles = BTreeMap::new();
    let groups = grants
        .iter()
        .filter(|grant| !matches!(grant.subject, GrantSubject::User(_)));
    let groups: BTreeSet<_> = groups.map(|grant| grant.subject.clone()).collect();
    for group in &groups {
        let node = graph.node(
            Column::Groups,
            scene.names().subject(group),
            group_note(scene, group),
        );
        subjects.insert(group.clone(), node);
    }
    users(scene, &grants, &groups, &mut subjects, &mut graph);
    for grant in &grants {
        let GrantObject::Collection(collection) = &grant.object else {
            continue;
        };
        let (Some(&subject), Some(&place)) = (subjects.get(&grant.subject), places.get(collection)) else {
            continue;
        };
        let role = *roles
            .entry((subject, grant.role.clone()))
            .or_insert_with(|| graph.node(Column::Roles, scene.names().role_name(grant.role.as_str()), None));
        if let Some(named) = scene.names().grant(grant) {
            let title = named.to_string();
            graph.edge(subject, role, title.clone());
            graph.edge(role, place, title);
        }
    }
    administrators(scene, at, &places, &mut graph);
    graph
}

/// The grants that reach the collection or something in it.
fn grants(scene: &Scene<'_>, at: &CollectionInfo, remarks: &mut Vec<String>) -> Vec<Grant> {
    let in_private = |id: &CollectionId| {
        id.as_str() != builtin::PRIVATE && scene.policy.covers(&builtin::PRIVATE.into(), id)
    };
    let asked_for_private = at.id.as_str() == builtin::PRIVATE || in_private(&at.id);
    let mut private = 0;
    let mut grants: Vec<_> = scene
        .policy
        .grants()
        .filter(|grant| {
            let GrantObject::Collection(on) = &grant.object else {
                return false;
            };
            let relevant = scene.policy.covers(&at.id, on) || scene.policy.covers(on, &at.id);
            let left_out = in_private(on) && !asked_for_private;
            private += usize::from(relevant && left_out);
            relevant && !left_out && role_exists(scene, grant)
        })
        .collect();
    // Those of teams first: they reach more, should something be left out.
    let of_user = |grant: &Grant| matches!(grant.subject, GrantSubject::User(_));
    grants.sort_by(|one, other| of_user(one).cmp(&of_user(other)).then_with(|| one.cmp(other)));
    grants.dedup();
    if private > 0 {
        remarks.push(format!(
            "{} of users on their private collections {} left out.",
            number(private, "grant"),
            is_are(private)
        ));
    }
    if grants.len() > MOST {
        let more = grants.len() - MOST;
        remarks.push(format!(
            "{} more left out: ask for a smaller collection.",
            number(more, "grant")
        ));
        grants.truncate(MOST);
    }
    grants
}

fn role_exists(scene: &Scene<'_>, grant: &Grant) -> bool {
    scene.policy.role(grant.role.as_str()).is_some() || grant.role.as_str() == "admin"
}

/// The collections with grants and their ancestors, in the order of the tree.
fn places(
    scene: &Scene<'_>,
    at: &CollectionInfo,
    grants: &[Grant],
    graph: &mut Graph,
) -> BTreeMap<CollectionId, usize> {
    let mut wanted: BTreeSet<&CollectionId> = BTreeSet::from([&at.id]);
    for grant in grants {
        if let GrantObject::Collection(id) = &grant.object
            && let Some(info) = scene.policy.collection(id.as_str())
        {
            wanted.insert(&info.id);
            wanted.extend(&info.parent_ids);
        }
    }
    wanted.extend(&at.parent_ids);
    let below: Vec<_> = scene
        .policy
        .collections()
        .filter(|info| {
            info.parent_ids.contains(&at.id)
                && !info.parent_ids.iter().any(|id| id.as_str() == builtin::PRIVATE)
        })
        .collect();
    if below.len() <= MOST_PLAIN {
        wanted.extend(below.iter().map(|info| &info.id));
    }
    let mut places = BTreeMap::new();
    let mut shown: Vec<_> = scene
        .policy
        .collections()
        .filter(|info| wanted.contains(&info.id))
        .collect();
    shown.sort_by(|one, other| one.path.as_str().split('/').cmp(other.path.as_str().split('/')));
    for info in shown {
        let note = (info.id == at.id).then(|| "asked for".to_owned());
        let label = match info.parent_ids.is_empty() {
            true => "/".to_owned(),
            false => info.name.clone(),
        };
        let node = graph.node(Column::Places, label, note);
        if let Some(node) = graph.nodes.get_mut(node) {
            node.depth = info.parent_ids.len();
        }
        places.insert(info.id.clone(), node);
    }
    let hidden = below.iter().filter(|info| !places.contains_key(&info.id)).count();
    if hidden > 0 {
        graph.remarks.push(format!(
            "{} without grants of {} own {} left out.",
            number(hidden, "collection"),
            if hidden == 1 { "its" } else { "their" },
            is_are(hidden)
        ));
    }
    places
}

/// Users with grants of their own, and the members of the groups.
fn users(
    scene: &Scene<'_>,
    grants: &[Grant],
    groups: &BTreeSet<GrantSubject>,
    subjects: &mut BTreeMap<GrantSubject, usize>,
    graph: &mut Graph,
) {
    let with_grants = grants.iter().filter_map(|grant| match &grant.subject {
        GrantSubject::User(id) => Some(id.clone()),
        _ => None,
    });
    let with_grants: BTreeSet<_> = with_grants.collect();
    for id in &with_grants {
        let node = user(scene, id, graph);
        subjects.insert(GrantSubject::User(id.clone()), node);
    }
    let members = groups
        .iter()
        .filter(|group| !reaches_everybody(scene, group))
        .map(|group| (group, scene.policy.reached_by(group)));
    let members: Vec<_> = members.collect();
    let all: BTreeSet<_> = members
        .iter()
        .flat_map(|(_, users)| users.iter().map(|user| &user.id))
        .collect();
    let one_by_one = all.len() <= MOST_USERS;
    if !one_by_one {
        graph.remarks.push(format!(
            "{} are drawn as numbers per group.",
            number(all.len(), "user")
        ));
    }
    for (group, users) in members {
        let Some(&to) = subjects.get(group) else {
            continue;
        };
        let group = scene.names().subject(group);
        if !one_by_one {
            if !users.is_empty() {
                let from = graph.node(Column::Users, number(users.len(), "user"), None);
                graph.edge(from, to, format!("{} in {group}", number(users.len(), "user")));
            }
            continue;
        }
        for member in users {
            let subject = GrantSubject::User(member.id.clone());
            let from = match subjects.get(&subject) {
                Some(&node) => node,
                None => {
                    let node = user(scene, &member.id, graph);
                    subjects.insert(subject, node);
                    node
                }
            };
            graph.edge(from, to, format!("{} is in {group}", member.name));
        }
    }
}

fn user(scene: &Scene<'_>, id: &AccountId, graph: &mut Graph) -> usize {
    let note = scene.policy.user(id.as_str()).and_then(|user| {
        let note = match (user.active, user.admin) {
            (false, _) => "inactive",
            (true, true) => "administrator",
            (true, false) => return None,
        };
        Some(note.to_owned())
    });
    graph.node(Column::Users, scene.names().user_name(id), note)
}

fn reaches_everybody(scene: &Scene<'_>, group: &GrantSubject) -> bool {
    match group {
        GrantSubject::Authenticated | GrantSubject::Anonymous => true,
        GrantSubject::Organization(id) => scene
            .policy
            .organization(id.as_str())
            .is_some_and(|organization| organization.holds_everybody()),
        GrantSubject::User(_) | GrantSubject::Team(_) => false,
    }
}

fn group_note(scene: &Scene<'_>, group: &GrantSubject) -> Option<String> {
    let note = match group {
        GrantSubject::Anonymous => "no credentials",
        _ if reaches_everybody(scene, group) => "every user",
        _ => return None,
    };
    Some(note.to_owned())
}

/// Administrators need no grants (R5): they reach the topmost collection of the picture.
fn administrators(
    scene: &Scene<'_>,
    at: &CollectionInfo,
    places: &BTreeMap<CollectionId, usize>,
    graph: &mut Graph,
) {
    let top = at.parent_ids.first().unwrap_or(&at.id);
    let Some(&top) = places.get(top) else {
        return;
    };
    let mut administrators: Vec<_> = scene
        .policy
        .users()
        .filter(|user| user.admin && user.active)
        .collect();
    administrators.sort_by(|one, other| one.name.cmp(&other.name));
    if administrators.is_empty() {
        return;
    }
    let role = graph.node(Column::Roles, "everything", Some("administrator".to_owned()));
    graph.edge(role, top, "administrators may do everything");
    if administrators.len() > MOST_USERS {
        let from = graph.node(Column::Users, number(administrators.len(), "administrator"), None);
        graph.edge(from, role, "administrators may do everything");
        return;
    }
    for administrator in administrators {
        let drawn = graph
            .nodes
            .iter()
            .position(|node| node.column == Column::Users && node.label == administrator.name);
        let from = drawn.unwrap_or_else(|| user(scene, &administrator.id, graph));
        graph.edge(from, role, format!("{} is an administrator", administrator.name));
    }
}

pub(super) fn number(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

pub(super) const fn is_are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}
