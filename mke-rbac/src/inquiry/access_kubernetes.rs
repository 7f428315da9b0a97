//! `access` for a Kubernetes namespace: the rules that everybody holds there, and the bindings that give them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::access::{AccessReport, AccessTo, Row, Rows};
use super::graph::{Column, Graph, is_are, number};
use super::{InquiryError, Scene, identities, text};
use crate::kubernetes::identity::{AUTHENTICATED, service_account_user};
use crate::kubernetes::{Authorizer, Binding, BindingKind, BindingSubject, MASTERS, Rule};

/// Names of parts of Kubernetes itself begin so.
const SYSTEM: &str = "system:";

/// Characters of a line of resources.
const WIDEST: usize = 72;

/// Bindings that are drawn.
const MOST: usize = 400;

pub(super) fn access(
    scene: &Scene<'_>,
    namespace: &str,
    asked: &AccessTo,
) -> Result<AccessReport, InquiryError> {
    if !asked.operations.is_empty() {
        let problem = "a namespace has no operations; leave it out";
        return Err(InquiryError::field("operations", problem));
    }
    let authorizer = scene.authorizer();
    let bindings: Vec<_> = authorizer
        .bindings()
        .filter(|binding| reaches(binding, namespace))
        .collect();
    let mut rows = named(scene, &bindings, namespace, asked);
    if asked.rows == Rows::Users {
        rows.extend(accounts(scene, namespace));
    }
    rows.sort_by(|one, other| one.subject.cmp(&other.subject));
    rows.dedup_by(|one, other| one.subject == other.subject);
    Ok(AccessReport {
        place: format!("namespace {namespace}"),
        operations: Vec::new(),
        rows,
        graph: graph(scene, namespace, &bindings),
    })
}

fn reaches(binding: &Binding, namespace: &str) -> bool {
    match binding.kind {
        BindingKind::ClusterRoleBinding => true,
        BindingKind::RoleBinding => binding.namespace.as_deref() == Some(namespace),
    }
}

/// The subjects that bindings name. Of `system:masters` no binding speaks, so it is not among them.
fn named(scene: &Scene<'_>, bindings: &[&Binding], namespace: &str, asked: &AccessTo) -> Vec<Row> {
    let subjects = bindings
        .iter()
        .flat_map(|binding| binding.subjects.iter().map(|subject| in_full(binding, subject)));
    let subjects: BTreeMap<String, BindingSubject> =
        subjects.map(|subject| (subject.to_string(), subject)).collect();
    let wanted = |subject: &BindingSubject| {
        let rows = match subject {
            BindingSubject::Group { .. } => Rows::Teams,
            BindingSubject::User { .. } | BindingSubject::ServiceAccount { .. } => Rows::Users,
        };
        rows == asked.rows && (asked.system || !is_system(subject))
    };
    let rows = subjects.into_values().filter(wanted).filter_map(|subject| {
        let held = match &subject {
            BindingSubject::User { name } => rules(scene.authorizer(), name, &[], namespace),
            BindingSubject::Group { name } => {
                rules(scene.authorizer(), "", std::slice::from_ref(name), namespace)
            }
            BindingSubject::ServiceAccount {
                name,
                namespace: Some(own),
            } => rules(
                scene.authorizer(),
                &service_account_user(own, name),
                &[],
                namespace,
            ),
            BindingSubject::ServiceAccount { namespace: None, .. } => Vec::new(),
        };
        (!held.is_empty()).then(|| Row {
            subject: match identities::meaning(scene.policy, &subject) {
                Some(account) => account,
                None => subject.to_string(),
            },
            administrator: false,
            may: Vec::new(),
            rules: held,
        })
    });
    rows.collect()
}

/// A service account with the namespace that it has (R89).
fn in_full(binding: &Binding, subject: &BindingSubject) -> BindingSubject {
    match subject {
        BindingSubject::ServiceAccount {
            name,
            namespace: None,
        } => BindingSubject::ServiceAccount {
            name: name.clone(),
            namespace: binding.namespace.clone(),
        },
        other => other.clone(),
    }
}

/// The accounts of this cluster, as Kubernetes sees them: those that hold more than everybody does.
fn accounts(scene: &Scene<'_>, namespace: &str) -> Vec<Row> {
    let everybody = rules(scene.authorizer(), "", &[AUTHENTICATED.to_owned()], namespace);
    let rows = scene.policy.users().filter_map(|user| {
        let who = scene.directory().identity(user.id.as_str())?;
        let administrator = who.groups.iter().any(|group| group == MASTERS);
        let mut held = rules(scene.authorizer(), &who.user, &who.groups, namespace);
        if administrator {
            held = vec![Rule {
                verbs: vec!["*".to_owned()],
                api_groups: vec!["*".to_owned()],
                resources: vec!["*".to_owned()],
                ..Rule::default()
            }];
        }
        (administrator || held.iter().any(|rule| !everybody.contains(rule))).then(|| Row {
            subject: format!("user:{}", user.name),
            administrator,
            may: Vec::new(),
            rules: held,
        })
    });
    rows.collect()
}

fn rules(authorizer: &Authorizer, user: &str, groups: &[String], namespace: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for rule in authorizer.rules_for(user, groups, Some(namespace)) {
        // URLs lie in no namespace.
        if !rule.resources.is_empty() && !rules.contains(rule) {
            rules.push(rule.clone());
        }
    }
    rules
}

/// One line per subject and set of verbs, and more where there are many resources.
pub(super) fn table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let mut lines = Vec::new();
    for row in rows {
        let mut subject = row.subject.clone();
        for (mut verbs, resources) in by_verbs(&row.rules) {
            for resources in text::wrapped(&resources, WIDEST) {
                lines.push([
                    std::mem::take(&mut subject),
                    std::mem::take(&mut verbs),
                    resources,
                ]);
            }
        }
    }
    text::table(f, ["SUBJECT", "VERBS", "RESOURCES"], &lines)
}

/// Verbs with the resources that they may be used on, written `pods`, `deployments.apps`, `secrets/tls-cert`.
pub fn by_verbs(rules: &[Rule]) -> Vec<(String, String)> {
    let mut verbs_of: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for rule in rules {
        for resource in resources(rule) {
            verbs_of
                .entry(resource)
                .or_default()
                .extend(rule.verbs.iter().map(String::as_str));
        }
    }
    let mut resources_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (resource, verbs) in verbs_of {
        let verbs = if verbs.contains("*") {
            BTreeSet::from(["*"])
        } else {
            verbs
        };
        let verbs: Vec<_> = verbs.into_iter().collect();
        resources_of.entry(verbs.join(" ")).or_default().push(resource);
    }
    resources_of
        .into_iter()
        .map(|(verbs, resources)| (verbs, resources.join(" ")))
        .collect()
}

fn resources(rule: &Rule) -> Vec<String> {
    let mut all = rule.non_resource_urls.clone();
    for group in &rule.api_groups {
        for resource in &rule.resources {
            let resource = match group.as_str() {
                "" => resource.clone(),
                "*" if resource == "*" => resource.clone(),
                group => format!("{resource}.{group}"),
            };
            if rule.resource_names.is_empty() {
                all.push(resource.clone());
            }
            all.extend(
                rule.resource_names
                    .iter()
                    .map(|name| format!("{resource}/{name}")),
            );
        }
    }
    all
}

/// Bindings between subjects, roles and the two places where they hold: the cluster and the namespace.
fn graph(scene: &Scene<'_>, namespace: &str, bindings: &[&Binding]) -> Graph {
    let mut graph = Graph {
        title: format!("Access to namespace {namespace}"),
        heads: ["Users and service accounts", "Groups", "Roles bound", "Places"].map(str::to_owned),
        ..Graph::default()
    };
    let cluster = graph.node(Column::Places, "the whole cluster", None);
    let inside = graph.node(Column::Places, namespace, Some("asked for".to_owned()));
    if let Some(inside) = graph.nodes.get_mut(inside) {
        inside.depth = 1;
    }
    let for_people = |binding: &&&Binding| !binding.subjects.iter().all(is_system);
    let drawn: Vec<_> = bindings.iter().filter(for_people).collect();
    let hidden = bindings.len() - drawn.len();
    if hidden > 0 {
        graph.remarks.push(format!(
            "{} for parts of Kubernetes {} left out.",
            number(hidden, "binding"),
            is_are(hidden)
        ));
    }
    if drawn.len() > MOST {
        graph.remarks.push(format!(
            "{} more left out.",
            number(drawn.len() - MOST, "binding")
        ));
    }
    let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
    for binding in drawn.into_iter().take(MOST) {
        let place = match binding.kind {
            BindingKind::ClusterRoleBinding => cluster,
            BindingKind::RoleBinding => inside,
        };
        let role = graph.node(Column::Roles, binding.role.name.clone(), None);
        graph.edge(role, place, binding.to_string());
        for subject in &binding.subjects {
            let subject = in_full(binding, subject);
            let column = match subject {
                BindingSubject::Group { .. } => Column::Groups,
                BindingSubject::User { .. } | BindingSubject::ServiceAccount { .. } => Column::Users,
            };
            let node = *subjects.entry(subject.to_string()).or_insert_with(|| {
                let (label, note) = label(scene, &subject);
                graph.node(column, label, note)
            });
            graph.edge(
                node,
                role,
                format!("{binding} gives {} to {subject}", binding.role),
            );
        }
    }
    graph
}

fn label(scene: &Scene<'_>, subject: &BindingSubject) -> (String, Option<String>) {
    let (name, kind) = match subject {
        BindingSubject::User { name } | BindingSubject::Group { name } => (name.clone(), None),
        BindingSubject::ServiceAccount { name, namespace } => {
            let namespace = namespace.as_deref().unwrap_or("?");
            (format!("{namespace}:{name}"), Some("service account".to_owned()))
        }
    };
    match identities::meaning(scene.policy, subject) {
        Some(account) => (account, None),
        None => (name, kind),
    }
}

fn is_system(subject: &BindingSubject) -> bool {
    match subject {
        BindingSubject::User { name } => name.starts_with(SYSTEM),
        BindingSubject::Group { name } => {
            name.starts_with(SYSTEM) && name != MASTERS && name != AUTHENTICATED
        }
        BindingSubject::ServiceAccount { namespace, .. } => namespace.as_deref() == Some("kube-system"),
    }
}
