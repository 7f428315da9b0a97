//! Who passes a check: the question turned round.

use super::Policy;
use crate::decision::{Check, Subject};
use crate::model::User;

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
        WhoCan {
            users: self
                .users()
                .filter(|user| self.allows(&Subject::Account(user.id.clone()), check))
                .collect(),
            anonymous: self.allows(&Subject::Anonymous, check),
        }
    }
}
