//! Atoms put together to rules again, so that people can read them.

use std::collections::{BTreeMap, BTreeSet};

use crate::kubernetes::{Atom, Rule};

/// The usual order of verbs.
const VERBS: [&str; 8] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];

type Texts = BTreeSet<String>;

/// The fewest rules that a simple way finds for the same atoms.
pub(in crate::inquiry) fn rules_of(atoms: &[Atom]) -> Vec<Rule> {
    let mut verbs_of: BTreeMap<(&str, &str, Option<&str>), Texts> = BTreeMap::new();
    let mut urls: BTreeMap<&str, Texts> = BTreeMap::new();
    for atom in atoms {
        let verbs = match atom {
            Atom::Resource {
                group,
                resource,
                name,
                ..
            } => verbs_of.entry((group, resource, name.as_deref())).or_default(),
            Atom::Url { url, .. } => urls.entry(url).or_default(),
        };
        let (Atom::Resource { verb, .. } | Atom::Url { verb, .. }) = atom;
        verbs.insert(verb.clone());
    }
    // Resources with the same verbs stand together, then groups with the same resources.
    let mut resources: BTreeMap<(Texts, &str, Option<&str>), Texts> = BTreeMap::new();
    for ((group, resource, name), verbs) in verbs_of {
        resources
            .entry((verbs, group, name))
            .or_default()
            .insert(resource.to_owned());
    }
    let mut names: BTreeMap<(Texts, &str, Texts), Texts> = BTreeMap::new();
    for ((verbs, group, name), resources) in resources {
        names
            .entry((verbs, group, resources))
            .or_default()
            .extend(name.map(str::to_owned));
    }
    let mut groups: BTreeMap<(Texts, Texts, Texts), Texts> = BTreeMap::new();
    for ((verbs, group, resources), names) in names {
        groups
            .entry((verbs, resources, names))
            .or_default()
            .insert(group.to_owned());
    }
    let list = |texts: Texts| texts.into_iter().collect::<Vec<_>>();
    let mut rules: Vec<_> = groups
        .into_iter()
        .map(|((verbs, resources, names), groups)| Rule {
            verbs: in_order(verbs),
            api_groups: list(groups),
            resources: list(resources),
            resource_names: list(names),
            non_resource_urls: Vec::new(),
        })
        .collect();
    let mut by_verbs: BTreeMap<Texts, Texts> = BTreeMap::new();
    for (url, verbs) in urls {
        by_verbs.entry(verbs).or_default().insert(url.to_owned());
    }
    rules.extend(by_verbs.into_iter().map(|(verbs, urls)| Rule {
        verbs: in_order(verbs),
        non_resource_urls: list(urls),
        ..Rule::default()
    }));
    rules
}

fn in_order(verbs: Texts) -> Vec<String> {
    let rank = |verb: &String| {
        VERBS
            .iter()
            .position(|known| known == verb)
            .unwrap_or(VERBS.len())
    };
    let mut verbs: Vec<_> = verbs.into_iter().collect();
    verbs.sort_by_key(|verb| (rank(verb), verb.clone()));
    verbs
}
