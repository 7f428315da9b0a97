//! What users, groups and service accounts gained and lost in Kubernetes, per scope.
//!
//! Only subjects are compared for whom something can be different: those of bindings that changed or whose role
//! changed, and accounts whose groups changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::report::{KubernetesSubjectChange, ScopeChange};
use super::rules::rules_of;
use super::{Difference, NAMED, Options};
use crate::inquiry::Scene;
use crate::inquiry::directory::{Directory, Identity};
use crate::kubernetes::{Atom, Authorizer, Binding, BindingKind, BindingSubject, RoleKey, Rule, covers};
use crate::model::User;

/// One side of the comparison.
struct Side<'s> {
    authorizer: Authorizer,
    directory: Directory<'s>,
    /// Namespaces of role bindings by the name that reaches them.
    namespaces: HashMap<String, BTreeSet<String>>,
}

impl<'s> Side<'s> {
    fn of(scene: &Scene<'s>) -> Self {
        let authorizer = Authorizer::compile(scene.kubernetes());
        let mut namespaces: HashMap<String, BTreeSet<String>> = HashMap::new();
        for binding in authorizer.bindings() {
            let Some(namespace) = binding.namespace.as_ref() else {
                continue;
            };
            if binding.kind == BindingKind::RoleBinding {
                for subject in &binding.subjects {
                    let key = key(subject, Some(namespace));
                    namespaces.entry(key).or_default().insert(namespace.clone());
                }
            }
        }
        Self {
            authorizer,
            directory: Directory::of(scene.policy),
            namespaces,
        }
    }

    /// The rules of a role, also of one that others are aggregated into.
    fn rules(&self, key: &RoleKey) -> Option<Vec<&Rule>> {
        let rules = self.authorizer.rules_of(key)?;
        Some(rules.into_iter().map(|(_, rule)| rule).collect())
    }

    fn held(&self, identity: Option<&Identity>, namespace: Option<&str>) -> Vec<Rule> {
        let Some(identity) = identity else {
            return Vec::new();
        };
        if identity.is_master() {
            return crate::kubernetes::everything().into();
        }
        let rules = self
            .authorizer
            .rules_for(&identity.user, &identity.groups, namespace);
        let mut rules: Vec<_> = rules.into_iter().cloned().collect();
        if namespace.is_some() {
            // URLs are no part of a namespace (R84).
            for rule in &mut rules {
                rule.non_resource_urls.clear();
            }
        }
        rules
    }
}

/// A name by which bindings reach somebody. Users and groups have name spaces of their own; the user name of a
/// service account reaches it too.
fn key(subject: &BindingSubject, namespace: Option<&str>) -> String {
    match subject {
        BindingSubject::User { name } => user_key(name),
        BindingSubject::Group { name } => group_key(name),
        BindingSubject::ServiceAccount { name, namespace: own } => {
            let namespace = own.as_deref().or(namespace).unwrap_or_default();
            user_key(&format!("system:serviceaccount:{namespace}:{name}"))
        }
    }
}

fn user_key(name: &str) -> String {
    format!("user {name}")
}

fn group_key(name: &str) -> String {
    format!("group {name}")
}

fn keys(identity: &Identity) -> impl Iterator<Item = String> {
    let groups = identity.groups.iter().map(|group| group_key(group));
    groups.chain((!identity.user.is_empty()).then(|| user_key(&identity.user)))
}

/// Somebody on both sides.
struct Compared {
    who: String,
    before: Option<Identity>,
    after: Option<Identity>,
}

/// Adds what differs in Kubernetes.
pub(super) fn compare(
    before: &Scene<'_>,
    after: &Scene<'_>,
    people: &[(Option<&User>, Option<&User>)],
    options: &Options<'_>,
    difference: &mut Difference,
) {
    if before.kubernetes().bindings.is_empty() && after.kubernetes().bindings.is_empty() {
        return;
    }
    let older = Side::of(before);
    let newer = Side::of(after);
    let changed = changed_keys(&older, &newer);
    let mut found: BTreeMap<String, (Vec<ScopeChange>, Vec<String>)> = BTreeMap::new();
    for one in subjects(&older, &newer, people) {
        let touched = one.before != one.after
            || one
                .before
                .iter()
                .chain(&one.after)
                .any(|identity| keys(identity).any(|key| changed.contains(&key)));
        if !touched {
            continue;
        }
        let scopes = scopes(&older, &newer, &one, &mut difference.counts);
        if scopes.is_empty() {
            continue;
        }
        let same = serde_json::to_string(&scopes).unwrap_or_default();
        found
            .entry(same)
            .or_insert_with(|| (scopes, Vec::new()))
            .1
            .push(one.who);
    }
    let mut listed: Vec<_> = found.into_values().collect();
    listed.sort_by(|(_, one), (_, other)| one.cmp(other));
    difference.left_out += listed.len().saturating_sub(options.limit);
    listed.truncate(options.limit);
    difference.kubernetes = listed
        .into_iter()
        .map(|(scopes, who)| KubernetesSubjectChange {
            count: who.len() as u64,
            who: who.into_iter().take(NAMED).collect(),
            scopes,
        })
        .collect();
}

/// The names for which bindings or their roles differ.
fn changed_keys(older: &Side<'_>, newer: &Side<'_>) -> HashSet<String> {
    let roles = older.authorizer.roles().chain(newer.authorizer.roles());
    let roles: HashSet<RoleKey> = roles.map(|role| role.key()).collect();
    let changed: HashSet<RoleKey> = roles
        .into_iter()
        .filter(|key| older.rules(key) != newer.rules(key))
        .collect();
    let mut names = HashSet::new();
    for (one, other) in [(older, newer), (newer, older)] {
        let known: HashSet<String> = other.authorizer.bindings().filter_map(text).collect();
        for binding in one.authorizer.bindings() {
            let same = text(binding).is_some_and(|text| known.contains(&text));
            let role_same = binding.role_key().is_none_or(|key| !changed.contains(&key));
            if !same || !role_same {
                let namespace = binding.namespace.as_deref();
                names.extend(binding.subjects.iter().map(|subject| key(subject, namespace)));
            }
        }
    }
    names
}

fn text(binding: &Binding) -> Option<String> {
    serde_json::to_string(binding).ok()
}

/// Accounts, and everybody whom bindings name besides.
fn subjects(older: &Side<'_>, newer: &Side<'_>, people: &[(Option<&User>, Option<&User>)]) -> Vec<Compared> {
    let mut found = Vec::new();
    let mut accounts = HashSet::new();
    for (before, after) in people {
        accounts.extend(before.iter().chain(after).map(|user| user.id.as_str()));
        found.push(Compared {
            who: (*after)
                .or(*before)
                .map_or_else(String::new, |user| format!("user:{}", user.name)),
            before: before.and_then(|user| older.directory.identity(user)),
            after: after.and_then(|user| newer.directory.identity(user)),
        });
    }
    let mut others = BTreeMap::new();
    for side in [older, newer] {
        for binding in side.authorizer.bindings() {
            for subject in &binding.subjects {
                let namespace = binding.namespace.as_deref();
                let identity = match subject {
                    BindingSubject::User { name } if is_account(older, newer, name) => continue,
                    BindingSubject::User { name } => Identity::user(name),
                    BindingSubject::Group { name } => Identity::group(name),
                    BindingSubject::ServiceAccount { name, namespace: own } => {
                        Identity::service_account(own.as_deref().or(namespace).unwrap_or_default(), name)
                    }
                };
                others.insert(identity, newer.directory.subject(subject, namespace));
            }
        }
    }
    found.extend(others.into_iter().map(|(identity, who)| Compared {
        who,
        before: Some(identity.clone()),
        after: Some(identity),
    }));
    found
}

fn is_account(older: &Side<'_>, newer: &Side<'_>, id: &str) -> bool {
    [older, newer]
        .iter()
        .any(|side| side.directory.policy().user(id).is_some())
}

/// A namespace or the whole cluster, with the namespaces that are excepted.
type Scope = (Option<String>, Vec<String>);

/// What differs for one of them, the whole cluster first.
fn scopes(
    older: &Side<'_>,
    newer: &Side<'_>,
    one: &Compared,
    counts: &mut super::DifferenceCounts,
) -> Vec<ScopeChange> {
    let namespaces: BTreeSet<String> = [(older, &one.before), (newer, &one.after)]
        .into_iter()
        .flat_map(|(side, identity)| {
            identity
                .iter()
                .flat_map(keys)
                .filter_map(|key| side.namespaces.get(&key))
        })
        .flatten()
        .cloned()
        .collect();
    let flips = |namespace: Option<&str>| {
        let before = older.held(one.before.as_ref(), namespace);
        let after = newer.held(one.after.as_ref(), namespace);
        let missing = |owner: &[Rule], wanted: &[Rule]| -> BTreeSet<Atom> {
            covers(owner, wanted)
                .err()
                .unwrap_or_default()
                .into_iter()
                .collect()
        };
        [missing(&before, &after), missing(&after, &before)]
    };
    let whole = flips(None);
    let mut found: BTreeMap<Scope, [Vec<Atom>; 2]> = BTreeMap::new();
    let inside: Vec<_> = namespaces
        .into_iter()
        .map(|namespace| {
            let flips = flips(Some(&namespace));
            (namespace, flips)
        })
        .collect();
    for (side, atoms) in whole.iter().enumerate() {
        for atom in atoms {
            let except = match atom {
                Atom::Url { .. } => Vec::new(),
                Atom::Resource { .. } => inside
                    .iter()
                    .filter(|(_, flips)| !flips[side].contains(atom))
                    .map(|(namespace, _)| namespace.clone())
                    .collect(),
            };
            found.entry((None, except)).or_default()[side].push(atom.clone());
        }
    }
    for (namespace, flips) in inside {
        for (side, atoms) in flips.into_iter().enumerate() {
            let own = atoms.into_iter().filter(|atom| !whole[side].contains(atom));
            let own: Vec<_> = own.collect();
            if !own.is_empty() {
                found.entry((Some(namespace.clone()), Vec::new())).or_default()[side].extend(own);
            }
        }
    }
    found
        .into_iter()
        .map(|((namespace, except), [gained, lost])| {
            counts.kubernetes_gained += gained.len() as u64;
            counts.kubernetes_lost += lost.len() as u64;
            ScopeChange {
                namespace,
                except,
                gained: rules_of(&gained),
                lost: rules_of(&lost),
            }
        })
        .collect()
}
