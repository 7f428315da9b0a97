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
use super::subjects::Whom;
use crate::kubernetes::evidence::RuleEvidence;
use crate::kubernetes::model::{Binding, Rule};

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

/// What is held in one place.
#[derive(Debug, Clone, Default)]
pub(super) enum Holds {
    #[default]
    Nothing,
    /// Most places hold one binding, which needs no list.
    One(Hold),
    Few(Arc<Vec<Hold>>),
    Many(Arc<Pile>),
}

/// Very many bindings of one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Pile {
    /// By role, binding and position of the subject.
    holds: OrdMap<(RoleNumber, u64, u32), Hold>,
    index: Index,
}

/// What became of the roles that the index of a pile holds.
#[derive(Debug, Default)]
pub(super) struct Indexed {
    pub(super) added: Vec<RoleNumber>,
    pub(super) removed: Vec<RoleNumber>,
}

impl Holds {
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Every binding.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Hold> {
        let (few, pile) = match self {
            Self::Nothing => (&[][..], None),
            Self::One(hold) => (std::slice::from_ref(hold), None),
            Self::Few(few) => (&few[..], None),
            Self::Many(pile) => (&[][..], Some(pile)),
        };
        few.iter()
            .chain(pile.into_iter().flat_map(|pile| pile.holds.values()))
    }

    /// Adds a binding.
    pub(super) fn add(&mut self, hold: Hold, roles: &Roles) -> Indexed {
        let mut indexed = Indexed::default();
        *self = match std::mem::take(self) {
            Self::Nothing => Self::One(hold),
            Self::One(first) => Self::Few(Arc::new(vec![first, hold])),
            Self::Few(mut few) if few.len() < FEW => {
                Arc::make_mut(&mut few).push(hold);
                Self::Few(few)
            }
            Self::Few(few) => {
                let mut pile = Pile::default();
                let all = few.iter().cloned().chain([hold]);
                indexed.added.extend(all.filter_map(|hold| pile.add(hold, roles)));
                Self::Many(Arc::new(pile))
            }
            Self::Many(mut pile) => {
                indexed.added.extend(Arc::make_mut(&mut pile).add(hold, roles));
                Self::Many(pile)
            }
        };
        indexed
    }

    /// Removes a binding, through whatever subjects it is held.
    pub(super) fn remove(&mut self, role: RoleNumber, binding: u64, roles: &Roles) -> Indexed {
        let mut indexed = Indexed::default();
        match self {
            Self::Nothing => {}
            Self::One(hold) => {
                if hold.stored.number == binding {
                    *self = Self::Nothing;
                }
            }
            Self::Few(few) => {
                let few = Arc::make_mut(few);
                few.retain(|hold| hold.stored.number != binding);
                if few.len() < 2 {
                    *self = few.pop().map_or(Self::Nothing, Self::One);
                }
            }
            Self::Many(pile) => {
                let pile = Arc::make_mut(pile);
                indexed.removed.extend(pile.remove(role, binding, roles));
                if pile.holds.is_empty() {
                    *self = Self::Nothing;
                }
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

    /// A binding of somebody with a rule that allows the request.
    #[inline]
    pub(super) fn find<'a>(
        &'a self,
        whom: &Whom<'_>,
        asked: &Asked<'_>,
        with_urls: bool,
        roles: &'a Roles,
    ) -> Option<RuleEvidence<'a>> {
        let try_one = |hold: &'a Hold| {
            let (role, block, rule) = roles.find(hold.role, asked, with_urls)?;
            let evidence = hold.evidence(role, block, rule)?;
            whom.is(evidence.binding, evidence.subject).then_some(evidence)
        };
        match self {
            Self::Nothing => None,
            Self::One(hold) => try_one(hold),
            Self::Few(few) => few.iter().find_map(try_one),
            Self::Many(pile) => pile.index.find(asked, |number| {
                let (role, block, rule) = roles.find(number, asked, with_urls)?;
                pile.of_role(number).find_map(|hold| {
                    let evidence = hold.evidence(role, block, rule)?;
                    whom.is(evidence.binding, evidence.subject).then_some(evidence)
                })
            }),
        }
    }
}

fn rules(role: &CompiledRole) -> impl Iterator<Item = &Rule> {
    role.rules().map(|(_, _, rule)| rule)
}

impl Pile {
    fn of_role(&self, role: RoleNumber) -> impl Iterator<Item = &Hold> {
        let range = (role, 0, 0)..=(role, u64::MAX, u32::MAX);
        self.holds.range(range).map(|(_, hold)| hold)
    }

    fn holds(&self, role: RoleNumber) -> bool {
        self.of_role(role).next().is_some()
    }

    /// Gives the role when it is new to the pile.
    fn add(&mut self, hold: Hold, roles: &Roles) -> Option<RoleNumber> {
        let role = hold.role;
        let new = !self.holds(role);
        self.holds.insert((role, hold.stored.number, hold.subject), hold);
        if new {
            for rule in roles.compiled(role).into_iter().flat_map(rules) {
                self.index.add(role, rule);
            }
        }
        new.then_some(role)
    }

    /// Gives the role when it is held no more.
    fn remove(&mut self, role: RoleNumber, binding: u64, roles: &Roles) -> Option<RoleNumber> {
        let range = (role, binding, 0)..=(role, binding, u32::MAX);
        let keys: Vec<_> = self.holds.range(range).map(|(key, _)| *key).collect();
        for key in &keys {
            self.holds.remove(key);
        }
        if keys.is_empty() || self.holds(role) {
            return None;
        }
        self.index
            .remove(role, roles.compiled(role).into_iter().flat_map(rules));
        Some(role)
    }
}
