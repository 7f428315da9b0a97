//! What a role allows, packed: which operations, and with which modifiers.

use crate::operation::{Modifier, ModifierSet, ObjectType, Operation, OperationSet};

/// How many operations have modifiers at all.
const SLOTS: usize = 6;

/// Where the modifiers of an operation are kept; nothing for operations without modifiers.
const fn slot(operation: Operation) -> Option<usize> {
    match operation {
        Operation::ContainerCreate => Some(0),
        Operation::ImageRemove => Some(1),
        Operation::NetworkCreate => Some(2),
        Operation::ServiceCreate => Some(3),
        Operation::ServiceUpdate => Some(4),
        Operation::VolumeCreateAttach => Some(5),
        _ => None,
    }
}

/// A set of operations, each with the modifiers it may be used with (R23). Copying it costs 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    operations: OperationSet,
    // INVARIANT(own-modifiers): a slot holds only modifiers that exist for its operation, and none when the
    // operation itself is absent. `insert` is the only writer besides `union`, which keeps it.
    modifiers: [ModifierSet; SLOTS],
}

impl Rights {
    /// No operation.
    pub const NONE: Self = Self {
        operations: OperationSet::EMPTY,
        modifiers: [ModifierSet::EMPTY; SLOTS],
    };

    /// Every operation with every modifier.
    pub fn all() -> Self {
        let mut rights = Self::NONE;
        for operation in Operation::ALL {
            rights.insert(*operation, operation.modifiers().iter().copied().collect());
        }
        rights
    }

    /// Adds an operation with these modifiers, on top of what is there. Modifiers that do not exist for the
    /// operation are left out.
    pub fn insert(&mut self, operation: Operation, modifiers: ModifierSet) {
        self.operations.insert(operation);
        if let Some(slot) = slot(operation) {
            let own: ModifierSet = operation.modifiers().iter().copied().collect();
            self.modifiers[slot] = self.modifiers[slot].union(modifiers.minus(modifiers.minus(own)));
        }
    }

    /// The operations.
    pub const fn operations(&self) -> OperationSet {
        self.operations
    }

    /// The modifiers allowed for an operation; nothing when the operation itself is not allowed.
    pub fn modifiers(&self, operation: Operation) -> Option<ModifierSet> {
        self.operations
            .contains(operation)
            .then(|| slot(operation).map_or(ModifierSet::EMPTY, |slot| self.modifiers[slot]))
    }

    /// Whether the operation may be used with all of these modifiers.
    pub fn allows(&self, operation: Operation, modifiers: ModifierSet) -> bool {
        self.modifiers(operation)
            .is_some_and(|held| held.covers(modifiers))
    }

    /// Whether every use that `other` allows is allowed here too.
    pub fn covers(&self, other: &Self) -> bool {
        self.operations.covers(other.operations)
            && self
                .modifiers
                .iter()
                .zip(other.modifiers)
                .all(|(own, theirs)| own.covers(theirs))
    }

    /// What either allows (R22).
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.operations = self.operations.union(other.operations);
        for (own, theirs) in self.modifiers.iter_mut().zip(other.modifiers) {
            *own = own.union(theirs);
        }
        self
    }

    /// Whether nothing is allowed.
    pub const fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Whether an operation on any of the given types is allowed.
    pub fn touches(&self, wanted: impl Fn(ObjectType) -> bool) -> bool {
        self.operations
            .iter()
            .any(|operation| wanted(operation.object_type()))
    }

    /// The operations with their modifiers, in the order of declaration.
    pub fn iter(&self) -> impl Iterator<Item = (Operation, ModifierSet)> + '_ {
        self.operations
            .iter()
            .filter_map(|operation| Some((operation, self.modifiers(operation)?)))
    }
}

impl FromIterator<(Operation, ModifierSet)> for Rights {
    fn from_iter<I: IntoIterator<Item = (Operation, ModifierSet)>>(items: I) -> Self {
        let mut rights = Self::NONE;
        for (operation, modifiers) in items {
            rights.insert(operation, modifiers);
        }
        rights
    }
}

impl FromIterator<Operation> for Rights {
    /// Plain uses only.
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        operations
            .into_iter()
            .map(|operation| (operation, ModifierSet::EMPTY))
            .collect()
    }
}

/// The modifiers of an operation in the product's order, out of a set.
pub(crate) fn ordered(operation: Operation, held: ModifierSet) -> impl Iterator<Item = Modifier> {
    operation
        .modifiers()
        .iter()
        .copied()
        .filter(move |modifier| held.contains(*modifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R23: a modifier is part of its own operation, and unknown combinations never get in.
    #[test]
    fn modifiers_stay_with_their_operation() {
        let mut rights = Rights::NONE;
        rights.insert(
            Operation::ServiceCreate,
            ModifierSet::of(Modifier::HostBindMounts),
        );
        rights.insert(Operation::ServiceUpdate, ModifierSet::EMPTY);
        rights.insert(Operation::ContainerView, ModifierSet::of(Modifier::Privileged));
        assert!(rights.allows(
            Operation::ServiceCreate,
            ModifierSet::of(Modifier::HostBindMounts)
        ));
        assert!(!rights.allows(
            Operation::ServiceUpdate,
            ModifierSet::of(Modifier::HostBindMounts)
        ));
        assert!(!rights.allows(Operation::ContainerView, ModifierSet::of(Modifier::Privileged)));
        assert_eq!(rights.modifiers(Operation::SecretUse), None);
    }

    /// Every operation that has modifiers has a place for them; the set of all covers each single one.
    #[test]
    fn every_modifier_has_a_slot() {
        let all = Rights::all();
        for operation in Operation::ALL {
            assert_eq!(
                slot(*operation).is_some(),
                !operation.modifiers().is_empty(),
                "{operation}"
            );
            for modifier in operation.modifiers() {
                assert!(all.allows(*operation, ModifierSet::of(*modifier)));
                assert!(!Rights::from_iter([*operation]).allows(*operation, ModifierSet::of(*modifier)));
            }
        }
    }
}
