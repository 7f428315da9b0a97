//! Decides whether one list of rules gives everything that another one gives (R86).
//!
//! The wanted rules are taken apart into atoms, one verb on one resource or URL each. Every atom must be covered
//! by a single rule of the owner; a star is covered by a star only. Values that the same rules of the owner cover
//! are handled together, so that a rule of a thousand verbs, groups and resources does not become a thousand
//! million atoms.

use std::fmt;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::matching::{ALL, url_covers};
use super::model::Rule;

/// Most missing atoms that are listed.
const LISTED: usize = 1_000;

/// Most combinations of values that are looked at. Rules beyond count as not covered.
const COMBINATIONS: usize = 1 << 20;

/// The smallest thing that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Atom {
    /// One verb on one resource.
    Resource {
        /// The verb, or `*`.
        verb: String,
        /// The API group, empty for the core group, or `*`.
        group: String,
        /// The resource as rules write it: `pods`, `pods/log`, `*/scale` or `*`.
        resource: String,
        /// The only object; any object when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// One verb on one URL.
    Url {
        /// The verb, or `*`.
        verb: String,
        /// The path, perhaps with a star at the end.
        url: String,
    },
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource {
                verb,
                group,
                resource,
                name,
            } => {
                write!(f, "{verb} {resource}")?;
                if !group.is_empty() {
                    write!(f, ".{group}")?;
                }
                match name {
                    Some(name) => write!(f, " {name:?}"),
                    None => Ok(()),
                }
            }
            Self::Url { verb, url } => write!(f, "{verb} {url}"),
        }
    }
}

/// Whether the owner's rules cover the requested ones.
///
/// # Errors
/// The atoms that no rule of the owner covers, at most a thousand of them.
///
/// ```
/// use mke_rbac::kubernetes::{Rule, covers};
/// let rules = |json| serde_json::from_str::<Vec<Rule>>(json);
/// let owner = rules(r#"[{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]"#)?;
/// let wanted = rules(r#"[{"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods"]}]"#)?;
/// let missing = covers(&owner, &wanted).unwrap_err();
/// assert_eq!(missing.len(), 1);
/// assert_eq!(missing[0].to_string(), "delete pods");
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn covers(owner: &[Rule], requested: &[Rule]) -> Result<(), Vec<Atom>> {
    let owner: Vec<_> = owner.iter().collect();
    let requested: Vec<_> = requested.iter().collect();
    missing_atoms(&owner, &requested)
}

/// [`covers`] for rules that lie elsewhere.
pub(super) fn missing_atoms(owner: &[&Rule], requested: &[&Rule]) -> Result<(), Vec<Atom>> {
    let mut missing = Vec::new();
    for rule in requested {
        missing_resources(owner, rule, &mut missing);
        missing_urls(owner, rule, &mut missing);
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// Values of one list of a rule that exactly the same rules of the owner cover: one bit for each of them.
struct Class<'r> {
    covered_by: Vec<u64>,
    values: Vec<&'r str>,
}

/// Sorts values into classes, in the order of their first values.
fn classes<'r>(
    owner: &[&Rule],
    values: impl IntoIterator<Item = &'r str>,
    mut covers: impl FnMut(&Rule, &str) -> bool,
) -> Vec<Class<'r>> {
    let mut found: Vec<Class<'r>> = Vec::new();
    let mut numbers: FxHashMap<Vec<u64>, usize> = FxHashMap::default();
    for value in values {
        let mut covered_by = vec![0_u64; owner.len().div_ceil(64)];
        for (position, rule) in owner.iter().enumerate() {
            if covers(rule, value)
                && let Some(word) = covered_by.get_mut(position / 64)
            {
                *word |= 1 << (position % 64);
            }
        }
        let number = *numbers.entry(covered_by.clone()).or_insert_with(|| {
            found.push(Class {
                covered_by,
                values: Vec::new(),
            });
            found.len() - 1
        });
        if let Some(class) = found.get_mut(number)
            && !class.values.contains(&value)
        {
            class.values.push(value);
        }
    }
    found
}

fn texts(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}

fn lists(list: &[String], value: &str) -> bool {
    list.iter().any(|item| item == ALL || item == value)
}

fn missing_resources(owner: &[&Rule], rule: &Rule, missing: &mut Vec<Atom>) {
    let verbs = classes(owner, texts(&rule.verbs), |own, verb| lists(&own.verbs, verb));
    let groups = classes(owner, texts(&rule.api_groups), |own, group| {
        lists(&own.api_groups, group)
    });
    let resources = classes(owner, texts(&rule.resources), |own, resource| {
        resource_covered(&own.resources, resource)
    });
    // Without names the rule reaches every object, which only rules without names cover.
    let unnamed = Class {
        covered_by: bits(owner, |own| own.resource_names.is_empty()),
        values: Vec::new(),
    };
    let names = match rule.resource_names.is_empty() {
        true => vec![unnamed],
        false => classes(owner, texts(&rule.resource_names), |own, name| {
            own.resource_names.is_empty() || own.resource_names.iter().any(|item| item == name)
        }),
    };
    let combinations = [&verbs, &groups, &resources, &names]
        .iter()
        .fold(1_usize, |product, classes| product.saturating_mul(classes.len()));
    let unchecked = combinations > COMBINATIONS;
    for verb in &verbs {
        for group in &groups {
            for resource in &resources {
                for name in &names {
                    let parts = [verb, group, resource, name];
                    if unchecked || !one_rule_covers(&parts) {
                        add_resources(&parts, missing);
                    }
                    if missing.len() >= LISTED {
                        return;
                    }
                }
            }
        }
    }
}

fn missing_urls(owner: &[&Rule], rule: &Rule, missing: &mut Vec<Atom>) {
    let verbs = classes(owner, texts(&rule.verbs), |own, verb| lists(&own.verbs, verb));
    // A rule of the owner that holds for some objects only is no help for URLs either.
    let urls = classes(owner, texts(&rule.non_resource_urls), |own, url| {
        own.resource_names.is_empty() && own.non_resource_urls.iter().any(|entry| url_covers(entry, url))
    });
    for verb in &verbs {
        for url in &urls {
            if one_rule_covers(&[verb, url]) {
                continue;
            }
            for verb in &verb.values {
                for url in &url.values {
                    if missing.len() >= LISTED {
                        return;
                    }
                    missing.push(Atom::Url {
                        verb: (*verb).to_owned(),
                        url: (*url).to_owned(),
                    });
                }
            }
        }
    }
}

fn bits(owner: &[&Rule], mut covers: impl FnMut(&Rule) -> bool) -> Vec<u64> {
    let mut words = vec![0_u64; owner.len().div_ceil(64)];
    for (position, rule) in owner.iter().enumerate() {
        if covers(rule)
            && let Some(word) = words.get_mut(position / 64)
        {
            *word |= 1 << (position % 64);
        }
    }
    words
}

/// Whether some rule of the owner covers all parts.
fn one_rule_covers(parts: &[&Class<'_>]) -> bool {
    let words = parts.first().map_or(0, |part| part.covered_by.len());
    (0..words).any(|word| {
        let common = parts.iter().fold(u64::MAX, |common, part| {
            common & part.covered_by.get(word).copied().unwrap_or_default()
        });
        common != 0
    })
}

fn add_resources([verbs, groups, resources, names]: &[&Class<'_>; 4], missing: &mut Vec<Atom>) {
    let named: Vec<_> = match names.values.is_empty() {
        true => vec![None],
        false => names.values.iter().map(|name| Some((*name).to_owned())).collect(),
    };
    for verb in &verbs.values {
        for group in &groups.values {
            for resource in &resources.values {
                for name in &named {
                    if missing.len() >= LISTED {
                        return;
                    }
                    missing.push(Atom::Resource {
                        verb: (*verb).to_owned(),
                        group: (*group).to_owned(),
                        resource: (*resource).to_owned(),
                        name: name.clone(),
                    });
                }
            }
        }
    }
}

/// Whether a list of resources covers a resource as rules write it: `pods/scale` is covered by itself, by
/// `*/scale` and by `*`.
fn resource_covered(owned: &[String], wanted: &str) -> bool {
    owned.iter().any(|entry| {
        let of_anything = entry
            .strip_prefix("*/")
            .is_some_and(|sub| wanted.split_once('/').is_some_and(|(_, wanted)| wanted == sub));
        entry == ALL || entry == wanted || of_anything
    })
}
