//! Who passes a check: the question turned round, from the collection upwards to the subjects of its grants, and from
//! them to their members. Nobody is asked one by one unless a grant reaches everybody.

use super::names::Who;
use super::set::halves;
use super::{ANONYMOUS, Policy};
use crate::decision::{Check, Subject};
use crate::model::User;
use crate::operation::ModifierSet;

/// Everybody who passes a check.
#[derive(Debug, Clone)]
pub struct WhoCan<'p> {
    users: Vec<&'p User>,
    anonymous: bool,
}

impl<'p> WhoCan<'p> {
    /// The users that pass, in no particular order. Administrators among them pass whatever grants there are
    /// (R5); they are known by [`User::admin`].
    pub fn users(&self) -> impl ExactSizeIterator<Item = &'p User> {
        self.users.iter().copied()
    }

    /// Whether requests without credentials pass.
    pub const fn anonymous(&self) -> bool {
        self.anonymous
    }
}

impl Policy {
    /// Who passes a check: exactly those for whom [`Policy::allows`] says yes.
    pub fn who_can(&self, check: &Check) -> WhoCan<'_> {
        let parties = &self.names.parties;
        // What each account holds; a set of modifiers can be empty and still be held.
        let mut held: Vec<Option<ModifierSet>> = vec![None; parties.len()];
        let mut by_all: Option<ModifierSet> = None;
        let join = |held: &mut Option<ModifierSet>, more: ModifierSet| {
            *held = Some(held.unwrap_or(ModifierSet::EMPTY).union(more));
        };
        let place = self.place(&check.collection);
        for place in place.into_iter().flat_map(|place| place.way_up()) {
            for (subject, role) in self.grants.at(place) {
                let Some(more) = self.rights_of(role).modifiers(check.operation) else {
                    continue;
                };
                if self.people.common.contains(&subject) {
                    join(&mut by_all, more);
                } else if subject != ANONYMOUS {
                    self.reached(subject, |user| {
                        if let Some(held) = held.get_mut(user as usize) {
                            join(held, more);
                        }
                    });
                }
            }
        }
        let active = |number: u32, administrators: bool| match &parties.get(number)?.who {
            Who::User {
                active: true,
                admin,
                user,
            } if *admin == administrators => Some(&**user),
            _ => None,
        };
        let administrators = self.people.administrators.iter();
        let administrators = administrators.filter_map(|entry| active(halves(entry).1, true));
        let passes = |held: &Option<ModifierSet>| {
            let all = [*held, by_all].into_iter().flatten().reduce(ModifierSet::union);
            all.is_some_and(|all| all.covers(check.modifiers))
        };
        let candidates = (0u32..).zip(&held).filter(|(_, held)| passes(held));
        let users = candidates.filter_map(|(number, _)| active(number, false));
        WhoCan {
            users: administrators.chain(users).collect(),
            anonymous: self.allows(&Subject::Anonymous, check),
        }
    }
}
