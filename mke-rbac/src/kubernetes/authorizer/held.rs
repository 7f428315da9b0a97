//! Decides which of the roles that one subject holds in one scope allows a request.
//!
//! Few roles are looked at one after the other. Who holds very many has an index over all their rules, so that a
//! decision does not take longer for it.

use std::sync::Arc;

use imbl::OrdMap;

use super::asked::Asked;
use super::index::Index;
use super::packed::{Block, CompiledRole};
use super::roles::{RoleNumber, Roles};
use crate::kubernetes::evidence::RuleEvidence;
use crate::kubernetes::model::Binding;

/// More bindings than this make a pile.
const FEW: usize = 16;

/// A binding with its number.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) number: u64,
    pub(super) binding: Binding,
}

/// One binding as one subject holds it.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) role: RoleNumber,
    /// The position of the subject in the binding.
    pub(super) subject: u32,
    pub(super) stored: Arc<Stored>,
}

impl Hold {
    /// The evidence that a rule of the role is held.
    pub(super) fn evidence<'a>(
        &'a self,
        role: &'a CompiledRole,
        block: &'a Block,
        rule_index: usize,
    ) -> Option<RuleEvidence<'a>> {
        role.evidence(&self.stored.binding, self.subject as usize, block, rule_index)
    }
}

/// What one subject holds in one scope.
#[derive(Debug, Clone)]
pub(super) enum Holds {
    Few(Vec<Hold>),
    Many(Arc<Pile>),
}

/// Very many bindings of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Pile {
    holds: OrdMap<(RoleNumber, u64), Hold>,
    index: Index,
}

/// What became of the roles that the index of a pile holds.
#[derive(Debug, Default)]
pub(super) struct Indexed {
    pub(super) added: Vec<RoleNumber>,
    pub(super) removed: Vec<RoleNumber>,
}

impl Default for Holds {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Holds {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_empty(),
            Self::Many(pile) => pile.holds.is_empty(),
        }
    }

    /// Every binding.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Hold> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(pile) => (None, Some(pile)),
        };
        let few = few.into_iter().flatten();
        few.chain(many.into_iter().flat_map(|pile| pile.holds.values()))
    }

    /// Adds a binding. The same binding is held once, by its first subject.
    pub(super) fn add(&mut self, hold: Hold, roles: &Roles) -> Indexed {
        let mut indexed = Indexed::default();
        match self {
            Self::Few(few) => {
                if few.iter().any(|other| other.stored.number == hold.stored.number) {
                    return indexed;
                }
                few.push(hold);
                if few.len() > FEW {
                    let mut pile = Pile::default();
                    for hold in std::mem::take(few) {
                        indexed.added.extend(pile.add(hold, roles));
                    }
                    *self = Self::Many(Arc::new(pile));
                }
            }
            Self::Many(pile) => {
                indexed.added.extend(Arc::make_mut(pile).add(hold, roles));
            }
        }
        indexed
    }

    /// Removes a binding.
    pub(super) fn remove(&mut self, role: RoleNumber, binding: u64, roles: &Roles) -> Indexed {
        let mut indexed = Indexed::default();
        match self {
            Self::Few(few) => few.retain(|hold| hold.stored.number != binding),
            Self::Many(pile) => {
                indexed
                    .removed
                    .extend(Arc::make_mut(pile).remove(role, binding, roles));
            }
        }
        indexed
    }

    /// Follows a role whose rules are other ones now.
    pub(super) fn follow(
        &mut self,
        role: RoleNumber,
        before: Option<&CompiledRole>,
        after: Option<&CompiledRole>,
    ) {
        if let Self::Many(pile) = self {
            let pile = Arc::make_mut(pile);
            pile.index.remove(role, before.into_iter().flat_map(rules));
            for rule in after.into_iter().flat_map(rules) {
                pile.index.add(role, rule);
            }
        }
    }

    /// A binding with a rule that allows the request.
    #[inline]
    pub(super) fn find<'a>(
        &'a self,
        asked: &Asked<'_>,
        with_urls: bool,
        roles: &'a Roles,
    ) -> Option<RuleEvidence<'a>> {
        let find = |number: RoleNumber| {
            let role = roles.compiled(number)?;
            let (block, rule) = role.find(asked, with_urls)?;
            Some((role, block, rule))
        };
        match self {
            Self::Few(few) => few.iter().find_map(|hold| {
                let (role, block, rule) = find(hold.role)?;
                hold.evidence(role, block, rule)
            }),
            Self::Many(pile) => pile.index.find(asked, |number| {
                let (role, block, rule) = find(number)?;
                let (_, hold) = pile.holds.range((number, 0)..=(number, u64::MAX)).next()?;
                hold.evidence(role, block, rule)
            }),
        }
    }
}

fn rules(role: &CompiledRole) -> impl Iterator<Item = &crate::kubernetes::model::Rule> {
    role.rules().map(|(_, _, rule)| rule)
}

impl Pile {
    fn holds(&self, role: RoleNumber) -> bool {
        self.holds.range((role, 0)..=(role, u64::MAX)).next().is_some()
    }

    /// Gives the role when it is new to the pile.
    fn add(&mut self, hold: Hold, roles: &Roles) -> Option<RoleNumber> {
        let role = hold.role;
        let new = !self.holds(role);
        self.holds.entry((role, hold.stored.number)).or_insert(hold);
        if new {
            for rule in roles.compiled(role).into_iter().flat_map(rules) {
                self.index.add(role, rule);
            }
        }
        new.then_some(role)
    }

    /// Gives the role when it is held no more.
    fn remove(&mut self, role: RoleNumber, binding: u64, roles: &Roles) -> Option<RoleNumber> {
        self.holds.remove(&(role, binding))?;
        if self.holds(role) {
            return None;
        }
        self.index
            .remove(role, roles.compiled(role).into_iter().flat_map(rules));
        Some(role)
    }
}
