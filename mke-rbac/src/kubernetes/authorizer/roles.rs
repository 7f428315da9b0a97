//! Decides which rules a role has, aggregated ones included (R85), and keeps that right when a role changes.
//!
//! A role has a number as long as it exists or a binding refers to it, so that bindings need not change with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};

use super::Map;
use super::asked::Asked;
use super::held::Stored;
use super::packed::{Block, CompiledRole, Reach};
use super::subjects::Place;
use crate::kubernetes::change::RoleKey;
use crate::kubernetes::model::{KubernetesRole, RoleKind};
use crate::kubernetes::selector::LabelSelector;
use crate::policy::pages::Pages;

/// The number of a role.
pub(super) type RoleNumber = u32;

/// The bindings of a role.
type Bindings = OrdMap<(Option<u64>, u64), Arc<Stored>>;

/// A label: key and value.
type Label = (String, String);

/// Slots of one page: a change copies a page.
const PAGE: usize = 8;

#[derive(Debug, Clone, Default)]
struct Slot {
    /// What the role can allow at all: most requests need no look at more.
    reach: Reach,
    /// What the role gives; nothing when it does not exist.
    compiled: Option<Arc<CompiledRole>>,
    rest: Arc<Rest>,
}

#[derive(Debug, Clone, Default)]
struct Rest {
    key: Option<RoleKey>,
    /// The block of the role's own rules, unless it is aggregated.
    own: Option<Arc<Block>>,
    /// The bindings that refer to it, by the hash of their namespace and by number; first those of the cluster.
    bindings: Bindings,
    /// Where the index of a pile holds its rules.
    piles: OrdSet<Place>,
}

/// All roles. Cheap to clone; clones share what they have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles {
    numbers: Map<RoleKey, RoleNumber>,
    slots: Pages<Slot, PAGE>,
    /// Numbers that nothing has.
    free: Vector<RoleNumber>,
    /// Cluster roles by label.
    labelled: Map<Label, OrdSet<RoleNumber>>,
    /// Aggregated cluster roles.
    aggregated: OrdSet<RoleNumber>,
}

/// A role whose rules are other ones now: before and after.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) number: RoleNumber,
    pub(super) before: Option<Arc<CompiledRole>>,
    pub(super) after: Option<Arc<CompiledRole>>,
    /// Where an index must follow.
    pub(super) piles: OrdSet<Place>,
}

impl Roles {
    pub(super) fn get(&self, key: &RoleKey) -> Option<&CompiledRole> {
        self.compiled(*self.numbers.get(key)?)
    }

    #[inline]
    pub(super) fn compiled(&self, number: RoleNumber) -> Option<&CompiledRole> {
        self.slots.get(number)?.compiled.as_deref()
    }

    /// A rule of a role that allows the request.
    #[inline]
    pub(super) fn find(
        &self,
        number: RoleNumber,
        asked: &Asked<'_>,
        with_urls: bool,
    ) -> Option<(&CompiledRole, &Block, usize)> {
        let slot = self.slots.get(number)?;
        if !slot.reach.may_allow(asked) {
            return None;
        }
        let role = slot.compiled.as_deref()?;
        let (block, rule) = role.find(asked, with_urls)?;
        Some((role, block, rule))
    }

    /// Every role that exists.
    pub(super) fn iter(&self) -> impl Iterator<Item = &CompiledRole> {
        self.slots.iter().filter_map(|(_, slot)| slot.compiled.as_deref())
    }

    /// Every role with a rule that allows the request, with the rule and with the bindings that refer to the role
    /// in the cluster and in the namespace with this hash.
    pub(super) fn allowing(
        &self,
        asked: &Asked<'_>,
        namespace: Option<u64>,
    ) -> impl Iterator<Item = (&CompiledRole, &Block, usize, impl Iterator<Item = &Stored>)> {
        let slots = self.slots.iter().map(|(_, slot)| slot);
        let near = slots.filter(|slot| slot.reach.may_allow(asked) && !slot.rest.bindings.is_empty());
        near.filter_map(move |slot| {
            let role = slot.compiled.as_deref()?;
            let (block, rule) = role.find(asked, true)?;
            let within = |scope| slot.rest.bindings.range((scope, 0)..=(scope, u64::MAX));
            let local = namespace.map(|namespace| within(Some(namespace)));
            let bindings = within(None).chain(local.into_iter().flatten());
            Some((role, block, rule, bindings.map(|(_, stored)| &**stored)))
        })
    }

    /// The number of a role, which need not exist.
    pub(super) fn number(&mut self, key: &RoleKey) -> RoleNumber {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let slot = Slot {
            reach: Reach::default(),
            compiled: None,
            rest: Arc::new(Rest {
                key: Some(key.clone()),
                ..Rest::default()
            }),
        };
        let number = match self.free.pop_back() {
            Some(number) => {
                if let Some(free) = self.slots.get_mut(number) {
                    *free = slot;
                }
                number
            }
            None => self.slots.push(slot),
        };
        self.numbers.insert(key.clone(), number);
        number
    }

    fn rest(&mut self, number: RoleNumber) -> Option<&mut Rest> {
        let slot = self.slots.get_mut(number)?;
        Some(Arc::make_mut(&mut slot.rest))
    }

    /// Notes that a binding refers to a role, in the cluster or in the namespace with this hash.
    pub(super) fn bind(&mut self, number: RoleNumber, namespace: Option<u64>, stored: Arc<Stored>) {
        if let Some(rest) = self.rest(number) {
            rest.bindings.insert((namespace, stored.number), stored);
        }
    }

    /// Notes that a binding refers to a role no more.
    pub(super) fn unbind(&mut self, number: RoleNumber, namespace: Option<u64>, binding: u64) {
        if let Some(rest) = self.rest(number) {
            rest.bindings.remove(&(namespace, binding));
        }
        self.forget(number);
    }

    /// Notes that the index of a pile holds a role, or holds it no more.
    pub(super) fn index(&mut self, number: RoleNumber, place: Place, holds: bool) {
        if let Some(rest) = self.rest(number) {
            match holds {
                true => rest.piles.insert(place),
                false => rest.piles.remove(&place),
            };
        }
    }

    /// Frees the number of a role that neither exists nor is referred to.
    fn forget(&mut self, number: RoleNumber) {
        let Some(slot) = self.slots.get_mut(number) else {
            return;
        };
        if slot.compiled.is_some() || !slot.rest.bindings.is_empty() {
            return;
        }
        let rest = std::mem::take(&mut slot.rest);
        if let Some(key) = &rest.key {
            self.numbers.remove(key);
            self.free.push_back(number);
        }
    }

    /// Puts a role without a look at aggregated roles: [`Roles::resolve_all`] must follow. One that exists stays.
    pub(super) fn load(&mut self, role: &KubernetesRole) {
        let number = self.number(&role.key());
        if self.compiled(number).is_none() {
            self.place(number, Arc::new(role.clone()));
        }
    }

    /// Gives every aggregated role its rules.
    pub(super) fn resolve_all(&mut self) {
        for number in self.aggregated.clone() {
            self.resolve(number);
        }
    }

    /// Puts a role and says which roles have other rules now.
    pub(super) fn put(&mut self, role: &KubernetesRole) -> Vec<Changed> {
        let number = self.number(&role.key());
        let before = self.take(number);
        self.place(number, Arc::new(role.clone()));
        self.settle(number, before, Some(role))
    }

    /// Removes a role and says which roles have other rules now.
    pub(super) fn remove(&mut self, key: &RoleKey) -> Vec<Changed> {
        let Some(number) = self.numbers.get(key).copied() else {
            return Vec::new();
        };
        let before = self.take(number);
        let changed = self.settle(number, before, None);
        self.forget(number);
        changed
    }

    /// Puts a role into its place, where none is.
    fn place(&mut self, number: RoleNumber, role: Arc<KubernetesRole>) {
        let aggregated = role.kind == RoleKind::ClusterRole && role.aggregate.is_some();
        if role.kind == RoleKind::ClusterRole {
            for (key, value) in &role.labels {
                let label = (key.clone(), value.clone());
                self.labelled.entry(label).or_default().insert(number);
            }
        }
        let own = (!aggregated).then(|| Arc::new(Block::new(Arc::clone(&role))));
        if aggregated {
            self.aggregated.insert(number);
        }
        let compiled = CompiledRole::new(role, own.clone().into_iter().collect());
        if let Some(slot) = self.slots.get_mut(number) {
            slot.reach = *compiled.reach();
            slot.compiled = Some(Arc::new(compiled));
            Arc::make_mut(&mut slot.rest).own = own;
        }
    }

    /// Takes a role out of its place.
    fn take(&mut self, number: RoleNumber) -> Option<Arc<CompiledRole>> {
        let slot = self.slots.get_mut(number)?;
        let compiled = slot.compiled.take()?;
        slot.reach = Reach::default();
        Arc::make_mut(&mut slot.rest).own = None;
        self.aggregated.remove(&number);
        if compiled.role().kind == RoleKind::ClusterRole {
            for (key, value) in &compiled.role().labels {
                let label = (key.clone(), value.clone());
                let holders = self.labelled.get_mut(&label);
                let empty = holders.is_some_and(|holders| {
                    holders.remove(&number);
                    holders.is_empty()
                });
                if empty {
                    self.labelled.remove(&label);
                }
            }
        }
        Some(compiled)
    }

    /// After a role changed: resolves the aggregated roles that see it, and lists everything that changed.
    fn settle(
        &mut self,
        number: RoleNumber,
        before: Option<Arc<CompiledRole>>,
        after: Option<&KubernetesRole>,
    ) -> Vec<Changed> {
        let labels = |role: &KubernetesRole| match role.kind {
            RoleKind::ClusterRole => Some(role.labels.clone()),
            RoleKind::Role => None,
        };
        let old = before.as_ref().and_then(|before| labels(before.role()));
        let new = after.and_then(labels);
        let mut changed = Vec::new();
        for affected in self.affected(number, old, new) {
            let before = self.slots.get(affected).and_then(|slot| slot.compiled.clone());
            self.resolve(affected);
            if affected != number {
                changed.extend(self.changed(affected, before));
            }
        }
        changed.extend(self.changed(number, before));
        changed
    }

    fn changed(&self, number: RoleNumber, before: Option<Arc<CompiledRole>>) -> Option<Changed> {
        let slot = self.slots.get(number)?;
        Some(Changed {
            number,
            before,
            after: slot.compiled.clone(),
            piles: slot.rest.piles.clone(),
        })
    }

    /// The aggregated roles whose rules may be others when a role with these labels changed.
    fn affected(
        &self,
        number: RoleNumber,
        old: Option<BTreeMap<String, String>>,
        new: Option<BTreeMap<String, String>>,
    ) -> BTreeSet<RoleNumber> {
        let mut affected = BTreeSet::new();
        let mut waiting: Vec<_> = [old, new].into_iter().flatten().collect();
        if self.aggregated.contains(&number) {
            affected.insert(number);
        }
        while let Some(labels) = waiting.pop() {
            for candidate in self.aggregated.iter().copied() {
                let Some(role) = self.compiled(candidate).map(CompiledRole::role) else {
                    continue;
                };
                let mut selectors = role.aggregate.iter().flatten();
                if selectors.any(|selector| selector.selects(&labels)) && affected.insert(candidate) {
                    waiting.push(role.labels.clone());
                }
            }
        }
        affected
    }

    /// Gives an aggregated role the blocks of everything that it selects, directly or through other aggregated
    /// roles.
    fn resolve(&mut self, number: RoleNumber) {
        let Some(role) = self.compiled(number).map(|compiled| Arc::clone(compiled.role())) else {
            return;
        };
        let mut reached = BTreeSet::from([number]);
        let mut waiting = vec![Arc::clone(&role)];
        while let Some(role) = waiting.pop() {
            for selector in role.aggregate.iter().flatten() {
                for selected in self.selected(selector) {
                    let fresh = reached.insert(selected);
                    if fresh && self.aggregated.contains(&selected) {
                        waiting.extend(
                            self.compiled(selected)
                                .map(|compiled| Arc::clone(compiled.role())),
                        );
                    }
                }
            }
        }
        let slots = reached.iter().filter_map(|number| self.slots.get(*number));
        let blocks: Vec<_> = slots.filter_map(|slot| slot.rest.own.clone()).collect();
        if let Some(slot) = self.slots.get_mut(number) {
            let compiled = CompiledRole::new(role, blocks);
            slot.reach = *compiled.reach();
            slot.compiled = Some(Arc::new(compiled));
        }
    }

    /// The cluster roles that a selector selects.
    fn selected(&self, selector: &LabelSelector) -> Vec<RoleNumber> {
        let selects = |number: &RoleNumber| {
            self.compiled(*number).is_some_and(|compiled| {
                let role = compiled.role();
                role.kind == RoleKind::ClusterRole && selector.selects(&role.labels)
            })
        };
        // The rarest label leaves the fewest to look at.
        let labels = selector.labels.iter();
        let holders = labels.map(|(key, value)| self.labelled.get(&(key.clone(), value.clone())));
        match holders.min_by_key(|holders| holders.map_or(0, OrdSet::len)) {
            Some(None) => Vec::new(),
            Some(Some(holders)) => holders.iter().copied().filter(selects).collect(),
            None => (0_u32..).take(self.slots.len()).filter(selects).collect(),
        }
    }
}
