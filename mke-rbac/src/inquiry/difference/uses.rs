//! What can be decided about one collection, as a set: every operation, and every operation with one modifier.
//!
//! A use with several modifiers passes exactly when each of them passes alone (R23), so comparing these sets
//! compares all decisions.

use std::fmt;
use std::sync::LazyLock;

use crate::operation::{Modifier, ModifierSet, ObjectType, Operation};
use crate::role::{Rights, ordered};

/// Every single use, in the order of declaration; an operation before its uses with modifiers.
static ALL: LazyLock<Vec<(Operation, Option<Modifier>)>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for operation in Operation::ALL {
        all.push((*operation, None));
        all.extend(
            operation
                .modifiers()
                .iter()
                .map(|modifier| (*operation, Some(*modifier))),
        );
    }
    all
});

/// A set of uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(in crate::inquiry) struct Uses(u128);

impl Uses {
    /// No use.
    pub(in crate::inquiry) const NONE: Self = Self(0);

    /// Every use.
    pub(in crate::inquiry) fn all() -> Self {
        Self::of(&Rights::all())
    }

    /// The uses that a role allows.
    pub(in crate::inquiry) fn of(rights: &Rights) -> Self {
        let mut uses = 0;
        for (number, (operation, modifier)) in ALL.iter().enumerate() {
            let modifiers = modifier.map_or(ModifierSet::EMPTY, ModifierSet::of);
            if rights.allows(*operation, modifiers) {
                uses |= 1 << number;
            }
        }
        Self(uses)
    }

    pub(in crate::inquiry) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many.
    pub(in crate::inquiry) fn len(self) -> u64 {
        u64::from(self.0.count_ones())
    }

    /// Those that are not in `other`.
    pub(in crate::inquiry) const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Each of them.
    pub(in crate::inquiry) fn iter(self) -> impl Iterator<Item = (Operation, Option<Modifier>)> {
        let all = ALL.iter().enumerate();
        all.filter(move |(number, _)| self.0 & (1 << number) != 0)
            .map(|(_, one)| *one)
    }

    /// Each of them as text: `Service Create`, `Service Create with Host Bind Mounts`.
    pub(in crate::inquiry) fn names(self) -> Vec<String> {
        self.iter()
            .map(|(operation, modifier)| match modifier {
                None => operation.to_string(),
                Some(modifier) => format!("{operation} with {modifier}"),
            })
            .collect()
    }

    /// Reads what [`Uses::names`] writes; the first name that is none otherwise.
    pub(in crate::inquiry) fn from_names(names: &[String]) -> Result<Self, String> {
        let mut uses = Self::NONE;
        for name in names {
            let known = Self::all().names().iter().position(|known| known == name);
            uses.0 |= 1 << known.ok_or_else(|| name.clone())?;
        }
        Ok(uses)
    }

    fn modifiers(self, wanted: Operation) -> ModifierSet {
        self.iter()
            .filter(|(operation, _)| *operation == wanted)
            .filter_map(|(_, modifier)| modifier)
            .collect()
    }

    fn plain(self, wanted: Operation) -> bool {
        self.iter().any(|one| one == (wanted, None))
    }
}

/// For people: by type of object, `Service (everything)`, `Container: Exec, Create (Privileged)`. Modifiers of an
/// operation that was there before stand behind a plus: `Create (+ Privileged)`.
impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::all() {
            return f.write_str("everything");
        }
        let mut parts = Vec::new();
        for object_type in ObjectType::ALL {
            let own = |one: &&Operation| one.object_type() == *object_type;
            let whole: Rights = Operation::ALL
                .iter()
                .filter(own)
                .map(|operation| (*operation, operation.modifiers().iter().copied().collect()))
                .collect();
            if Self::of(&whole).minus(*self).is_empty() {
                parts.push(format!("{object_type}: everything"));
                continue;
            }
            let words: Vec<_> = Operation::ALL
                .iter()
                .filter(own)
                .filter_map(|operation| self.word(*operation, *object_type))
                .collect();
            if !words.is_empty() {
                parts.push(format!("{object_type}: {}", words.join(", ")));
            }
        }
        f.write_str(&parts.join("; "))
    }
}

impl Uses {
    fn word(self, operation: Operation, object_type: ObjectType) -> Option<String> {
        let plain = self.plain(operation);
        let modifiers = self.modifiers(operation);
        if !plain && modifiers.is_empty() {
            return None;
        }
        let name = operation.name().strip_prefix(object_type.name());
        let name = name.unwrap_or(operation.name()).trim();
        let list: Vec<_> = ordered(operation, modifiers).map(Modifier::name).collect();
        Some(match (plain, list.is_empty()) {
            (true, true) => name.to_owned(),
            (true, false) => format!("{name} ({})", list.join(", ")),
            (false, _) => format!("{name} (+ {})", list.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::builtin_roles;

    /// Every use has a place of its own, and a role's uses say the same as the role.
    #[test]
    fn uses_are_the_rights_of_a_role() {
        assert!(ALL.len() <= 128);
        for role in builtin_roles() {
            let rights = role.operations.rights();
            let uses = Uses::of(rights);
            for (operation, modifier) in ALL.iter() {
                let modifiers = modifier.map_or(ModifierSet::EMPTY, ModifierSet::of);
                assert_eq!(
                    uses.iter().any(|one| one == (*operation, *modifier)),
                    rights.allows(*operation, modifiers)
                );
            }
            assert_eq!(uses.len(), uses.names().len() as u64);
            assert_eq!(Uses::from_names(&uses.names()), Ok(uses));
        }
    }

    #[test]
    fn text_is_short() {
        let mut rights = Rights::NONE;
        rights.insert(Operation::ContainerExec, ModifierSet::EMPTY);
        rights.insert(Operation::VolumeView, ModifierSet::EMPTY);
        let before = Uses::of(&rights);
        assert_eq!(before.to_string(), "Container: Exec; Volume: View");
        rights.insert(Operation::ContainerCreate, ModifierSet::of(Modifier::Privileged));
        let after = Uses::of(&rights);
        assert_eq!(after.minus(before).to_string(), "Container: Create (Privileged)");
        rights.insert(Operation::ContainerCreate, ModifierSet::of(Modifier::PidMode));
        let more = Uses::of(&rights).minus(after);
        assert_eq!(more.to_string(), "Container: Create (+ PID Mode)");
        assert_eq!(more.names(), ["Container Create with PID Mode"]);
        assert_eq!(Uses::all().to_string(), "everything");
        assert_eq!(Uses::NONE.to_string(), "");
    }
}
