//! Decides which rule of a role allows a request: rules packed so that most are dismissed by a few bits.

use std::sync::Arc;

use super::asked::{
    Asked, EVERYTHING, OTHER_VERB, Resource, What, filter_bit, hash, resource_hash, verb_bit,
};
use super::index::Index;
use crate::kubernetes::evidence::RuleEvidence;
use crate::kubernetes::matching::{ALL, resource_matches, url_covers};
use crate::kubernetes::model::{Binding, KubernetesRole, RoleKind, Rule};

/// Lists longer than this are searched by halves.
const LINEAR: usize = 16;

/// Roles with more rules than this, and aggregated roles with more parts, have an index.
const INDEXED: usize = 24;

/// Texts by hash, each with its position in the rule.
#[derive(Debug)]
struct Texts {
    /// The union of the filter bits; [`EVERYTHING`] with a star.
    filter: u64,
    sorted: Box<[(u64, u32)]>,
}

impl Texts {
    fn new(texts: &[String], hash: impl Fn(&str) -> u64) -> Self {
        let positions = texts.iter().zip(0_u32..);
        let mut sorted: Box<[_]> = positions.map(|(text, position)| (hash(text), position)).collect();
        sorted.sort_unstable();
        let filter = sorted
            .iter()
            .fold(0, |filter, (hash, _)| filter | filter_bit(*hash));
        let star = texts.iter().any(|text| text == ALL);
        Self {
            filter: if star { EVERYTHING } else { filter },
            sorted,
        }
    }

    const fn all(&self) -> bool {
        self.filter == EVERYTHING
    }

    /// Whether a text with this hash passes the comparison of the texts themselves.
    fn any(&self, hash: u64, mut same: impl FnMut(usize) -> bool) -> bool {
        let from = match self.sorted.len() {
            0..=LINEAR => 0,
            _ => self.sorted.partition_point(|(other, _)| *other < hash),
        };
        let candidates = self.sorted.iter().skip(from);
        for (other, position) in candidates {
            if *other > hash {
                return false;
            }
            if *other == hash && same(*position as usize) {
                return true;
            }
        }
        false
    }
}

#[derive(Debug)]
struct PackedRule {
    verbs: u64,
    groups: Texts,
    resources: Texts,
    names: Texts,
    has_urls: bool,
}

impl PackedRule {
    fn new(rule: &Rule) -> Self {
        let star = rule.verbs.iter().any(|verb| verb == ALL);
        let verbs = rule.verbs.iter().fold(0, |verbs, verb| verbs | verb_bit(verb));
        Self {
            verbs: if star { EVERYTHING } else { verbs },
            groups: Texts::new(&rule.api_groups, hash),
            resources: Texts::new(&rule.resources, |entry| resource_hash(entry, None)),
            names: Texts::new(&rule.resource_names, hash),
            has_urls: !rule.non_resource_urls.is_empty(),
        }
    }

    fn allows(&self, rule: &Rule, asked: &Asked<'_>, with_urls: bool) -> bool {
        if self.verbs & asked.verb == 0 {
            return false;
        }
        if asked.verb == OTHER_VERB && self.verbs != EVERYTHING && !rule.verbs.contains(&asked.request.verb) {
            return false;
        }
        match &asked.what {
            What::Url(path) => {
                with_urls
                    && self.has_urls
                    && rule.non_resource_urls.iter().any(|entry| url_covers(entry, path))
            }
            What::Resource(wanted) => self.allows_resource(rule, asked, wanted),
        }
    }

    fn allows_resource(&self, rule: &Rule, asked: &Asked<'_>, wanted: &Resource<'_>) -> bool {
        if self.resources.filter & wanted.filter == 0 || self.groups.filter & wanted.group_filter == 0 {
            return false;
        }
        let entry = |position: usize| {
            let entry = rule.resources.get(position);
            entry.is_some_and(|entry| resource_matches(entry, wanted.resource, wanted.subresource))
        };
        let resource = self.resources.all()
            || self.resources.any(wanted.hash, entry)
            || wanted
                .of_any
                .is_some_and(|of_any| self.resources.any(of_any, entry));
        let group = |position: usize| rule.api_groups.get(position) == Some(&asked.request.group);
        resource
            && (self.groups.all() || self.groups.any(wanted.group, group))
            && (rule.resource_names.is_empty() || {
                let name = asked.request.name.as_deref().unwrap_or_default();
                let same = |position: usize| rule.resource_names.get(position).is_some_and(|own| own == name);
                self.names.any(hash(name), same)
            })
    }
}

/// What rules can allow at all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reach {
    verbs: u64,
    groups: u64,
    resources: u64,
    urls: bool,
}

impl Reach {
    fn add(&mut self, other: Self) {
        self.verbs |= other.verbs;
        self.groups |= other.groups;
        self.resources |= other.resources;
        self.urls |= other.urls;
    }

    #[inline]
    pub(super) const fn may_allow(&self, asked: &Asked<'_>) -> bool {
        self.verbs & asked.verb != 0
            && match &asked.what {
                What::Url(_) => self.urls,
                What::Resource(wanted) => {
                    self.resources & wanted.filter != 0 && self.groups & wanted.group_filter != 0
                }
            }
    }
}

/// The rules that are written in one role. Aggregated roles share the blocks of what they select.
#[derive(Debug)]
pub(super) struct Block {
    role: Arc<KubernetesRole>,
    reach: Reach,
    rules: Box<[PackedRule]>,
    index: Option<Index>,
}

impl Block {
    pub(super) fn new(role: Arc<KubernetesRole>) -> Self {
        let rules: Box<[_]> = role.rules.iter().map(PackedRule::new).collect();
        let mut reach = Reach::default();
        for rule in &rules {
            reach.add(Reach {
                verbs: rule.verbs,
                groups: rule.groups.filter,
                resources: rule.resources.filter,
                urls: rule.has_urls,
            });
        }
        let index = (rules.len() > INDEXED).then(|| {
            let mut index = Index::default();
            for (rule, number) in role.rules.iter().zip(0..) {
                index.add(number, rule);
            }
            index
        });
        Self {
            role,
            reach,
            rules,
            index,
        }
    }

    /// The role in which the rules are written.
    pub(super) fn role(&self) -> &KubernetesRole {
        &self.role
    }

    fn find(&self, asked: &Asked<'_>, with_urls: bool) -> Option<usize> {
        if !self.reach.may_allow(asked) {
            return None;
        }
        let allows = |(packed, rule): (&PackedRule, &Rule)| packed.allows(rule, asked, with_urls);
        let rules = || self.rules.iter().zip(&self.role.rules);
        match &self.index {
            None => rules().position(allows),
            Some(index) => index.find(asked, |number| {
                let number = number as usize;
                let packed = self.rules.get(number).zip(self.role.rules.get(number));
                packed.is_some_and(allows).then_some(number)
            }),
        }
    }
}

/// A role as it is bound: its own block, or those of the roles that it selects.
#[derive(Debug)]
pub(super) struct CompiledRole {
    role: Arc<KubernetesRole>,
    reach: Reach,
    blocks: Box<[Arc<Block>]>,
    index: Option<Index>,
}

impl CompiledRole {
    pub(super) fn new(role: Arc<KubernetesRole>, blocks: Vec<Arc<Block>>) -> Self {
        let mut reach = Reach::default();
        for block in &blocks {
            reach.add(block.reach);
        }
        let index = (blocks.len() > INDEXED).then(|| {
            let mut index = Index::default();
            for (block, number) in blocks.iter().zip(0..) {
                for rule in &block.role.rules {
                    index.add(number, rule);
                }
            }
            index
        });
        Self {
            role,
            reach,
            blocks: blocks.into(),
            index,
        }
    }

    pub(super) const fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(super) const fn role(&self) -> &Arc<KubernetesRole> {
        &self.role
    }

    /// The evidence that a subject of a binding holds a rule of this role. None when there is no such subject or
    /// rule.
    pub(super) fn evidence<'a>(
        &'a self,
        binding: &'a Binding,
        subject: usize,
        block: &'a Block,
        rule_index: usize,
    ) -> Option<RuleEvidence<'a>> {
        let aggregated = self.role.kind == RoleKind::ClusterRole && self.role.aggregate.is_some();
        Some(RuleEvidence {
            binding,
            subject: binding.subjects.get(subject)?,
            role: &self.role,
            source: aggregated.then_some(&*block.role),
            rule_index,
            rule: block.role.rules.get(rule_index)?,
        })
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().map(|block| &**block)
    }

    /// The written rules with their positions and the blocks they are in.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&Block, usize, &Rule)> {
        self.blocks().flat_map(|block| {
            let rules = block.role.rules.iter().enumerate();
            rules.map(move |(number, rule)| (block, number, rule))
        })
    }

    /// A rule that allows the request.
    pub(super) fn find(&self, asked: &Asked<'_>, with_urls: bool) -> Option<(&Block, usize)> {
        if !self.reach.may_allow(asked) {
            return None;
        }
        let find = |block: &Block| block.find(asked, with_urls);
        match &self.index {
            None => self.blocks().find_map(|block| Some((block, find(block)?))),
            Some(index) => index.find(asked, |number| {
                let block = self.blocks.get(number as usize)?;
                Some((&**block, find(block)?))
            }),
        }
    }
}
