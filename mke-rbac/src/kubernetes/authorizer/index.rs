//! Decides which of very many rules may allow a request: by what they are about, without a look at the others.
//!
//! A rule is entered under each combination of its verbs, groups, resources and names, under a number that is the
//! caller's: the position of the rule, or the role that has it. The request is looked up under each form in which
//! a rule may mean it. What is found is only a candidate.

use std::hash::Hasher;

use imbl::OrdSet;
use rustc_hash::FxHasher;

use super::Map;
use super::asked::{Asked, Resource, What, hash, resource_hash};
use crate::kubernetes::matching::ALL;
use crate::kubernetes::model::Rule;

/// A rule with more combinations than this is looked at for every request instead: one rule of three long lists
/// must not fill the memory.
const COMBINATIONS: usize = 1_024;

/// Rules by what they are about. Cheap to clone; clones share what they have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    holders: Map<u64, Holders>,
    /// Numbers whose rules have too many combinations.
    wide: OrdSet<u32>,
    /// Numbers with rules about URLs.
    urls: OrdSet<u32>,
    /// Which forms occurred since the index was made: others need no look.
    forms: Forms,
}

#[derive(Debug, Clone)]
enum Holders {
    One(u32),
    Many(OrdSet<u32>),
}

#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Forms {
    every_verb: bool,
    every_group: bool,
    every_resource: bool,
    of_any: bool,
    unnamed: bool,
    named: bool,
}

fn key(verb: u64, group: u64, resource: u64, name: Option<u64>) -> u64 {
    let mut hasher = FxHasher::default();
    for part in [verb, group, resource, name.unwrap_or(1)] {
        hasher.write_u64(part);
    }
    hasher.finish()
}

/// Every key of a rule about resources. None when there are too many.
fn keys(rule: &Rule) -> Option<Vec<u64>> {
    let lengths = [
        rule.verbs.len(),
        rule.api_groups.len(),
        rule.resources.len(),
        rule.resource_names.len().max(1),
    ];
    let combinations = lengths
        .iter()
        .fold(1_usize, |product, length| product.saturating_mul(*length));
    if combinations > COMBINATIONS {
        return None;
    }
    let names: Vec<_> = match rule.resource_names.is_empty() {
        true => vec![None],
        false => rule.resource_names.iter().map(|name| Some(hash(name))).collect(),
    };
    let mut keys = Vec::with_capacity(combinations);
    for verb in &rule.verbs {
        for group in &rule.api_groups {
            for resource in &rule.resources {
                for name in &names {
                    keys.push(key(hash(verb), hash(group), resource_hash(resource, None), *name));
                }
            }
        }
    }
    Some(keys)
}

impl Index {
    /// Enters a rule under a number. Entering twice is the same as once.
    pub(super) fn add(&mut self, number: u32, rule: &Rule) {
        if !rule.non_resource_urls.is_empty() {
            self.urls.insert(number);
        }
        let Some(keys) = keys(rule) else {
            self.wide.insert(number);
            return;
        };
        for key in keys {
            match self.holders.get_mut(&key) {
                None => {
                    self.holders.insert(key, Holders::One(number));
                }
                Some(Holders::Many(many)) => {
                    many.insert(number);
                }
                Some(one) => {
                    if let Holders::One(first) = *one
                        && first != number
                    {
                        *one = Holders::Many([first, number].into_iter().collect());
                    }
                }
            }
        }
        let star = |texts: &[String]| texts.iter().any(|text| text == ALL);
        let forms = &mut self.forms;
        forms.every_verb |= star(&rule.verbs);
        forms.every_group |= star(&rule.api_groups);
        forms.every_resource |= star(&rule.resources);
        forms.of_any |= rule.resources.iter().any(|entry| entry.starts_with("*/"));
        forms.unnamed |= rule.resource_names.is_empty();
        forms.named |= !rule.resource_names.is_empty();
    }

    /// Takes a number out, with all of its rules: those that were entered.
    pub(super) fn remove<'r>(&mut self, number: u32, rules: impl Iterator<Item = &'r Rule>) {
        self.urls.remove(&number);
        self.wide.remove(&number);
        for key in rules.filter_map(keys).flatten() {
            let empty = match self.holders.get_mut(&key) {
                None => false,
                Some(Holders::One(one)) => *one == number,
                Some(Holders::Many(many)) => {
                    many.remove(&number);
                    many.is_empty()
                }
            };
            if empty {
                self.holders.remove(&key);
            }
        }
    }

    /// The first number that stands the test.
    pub(super) fn find<T>(&self, asked: &Asked<'_>, mut test: impl FnMut(u32) -> Option<T>) -> Option<T> {
        let found = match &asked.what {
            What::Url(_) => self.urls.iter().copied().find_map(&mut test),
            What::Resource(wanted) => self.find_resource(asked, wanted, &mut test),
        };
        found.or_else(|| self.wide.iter().copied().find_map(test))
    }

    fn find_resource<T>(
        &self,
        asked: &Asked<'_>,
        wanted: &Resource<'_>,
        test: &mut impl FnMut(u32) -> Option<T>,
    ) -> Option<T> {
        let forms = &self.forms;
        let star = hash(ALL);
        let name = hash(asked.request.name.as_deref().unwrap_or_default());
        let verbs = [Some(hash(&asked.request.verb)), forms.every_verb.then_some(star)];
        let groups = [Some(wanted.group), forms.every_group.then_some(star)];
        let resources = [
            Some(wanted.hash),
            forms.every_resource.then_some(star),
            wanted.of_any.filter(|_| forms.of_any),
        ];
        let names = [forms.unnamed.then_some(None), forms.named.then_some(Some(name))];
        for resource in resources.into_iter().flatten() {
            for group in groups.into_iter().flatten() {
                for name in names.into_iter().flatten() {
                    for verb in verbs.into_iter().flatten() {
                        let found = match self.holders.get(&key(verb, group, resource, name)) {
                            None => None,
                            Some(Holders::One(one)) => test(*one),
                            Some(Holders::Many(many)) => many.iter().copied().find_map(&mut *test),
                        };
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
        }
        None
    }
}
