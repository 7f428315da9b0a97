//! Lists of the Engine API from access data that is up to `authz_cache_timeout` seconds old (CFG-013).
//!
//! Here a decision costs less than remembering it, so this makes nothing faster. It is there because operators know what
//! the setting does: until the time is over, lists do not follow changes of roles, collections and grants. Only lists
//! are answered so, only for users who were there before and whose standing did not change, and never for who cannot
//! prove who they are: that is looked at before, and anew each time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mke_core::time::Timestamp;
use mke_rbac::{Policy, Subject};

/// The policy that lists are answered from, while there is one.
#[derive(Debug, Default)]
pub(crate) struct ListCache {
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    policy: Arc<Policy>,
    since: Timestamp,
}

impl ListCache {
    /// The policy for a list: the one that is kept while it is younger than `timeout_seconds`, else the current one, which
    /// is kept from now on. A timeout of 0 keeps nothing.
    pub(crate) fn policy(
        &self,
        timeout_seconds: i64,
        subject: &Subject,
        current: &Arc<Policy>,
        now: Timestamp,
    ) -> Arc<Policy> {
        let timeout = Duration::from_secs(u64::try_from(timeout_seconds).unwrap_or(0));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if timeout.is_zero() {
            *kept = None;
            return current.clone();
        }
        let young = |kept: &Kept| now >= kept.since && now.since(kept.since) < timeout;
        match kept.as_ref().filter(|kept| young(kept)) {
            Some(kept) if same_standing(subject, &kept.policy, current) => kept.policy.clone(),
            Some(_) => current.clone(),
            None => {
                *kept = Some(Kept {
                    policy: current.clone(),
                    since: now,
                });
                current.clone()
            }
        }
    }
}

/// Whether both policies know the account in the same way: as an active user, and both or neither as administrator.
fn same_standing(subject: &Subject, before: &Policy, now: &Policy) -> bool {
    let Subject::Account(id) = subject else {
        return false;
    };
    let active = |policy: &Policy| policy.user(id.as_str()).is_some_and(|user| user.active);
    active(before) && active(now) && before.is_administrator(subject) == now.is_administrator(subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::ids::AccountId;
    use mke_rbac::model::{Grant, GrantObject, GrantSubject, Model, User, builtin};

    fn policy(names: &[(&str, bool, bool)], granted: bool) -> Arc<Policy> {
        let mut model = Model::with_builtin_collections();
        for (name, active, admin) in names {
            model.users.push(User {
                id: AccountId::from(*name),
                name: (*name).to_owned(),
                admin: *admin,
                active: *active,
                private_collection: None,
                default_collection: None,
            });
        }
        if granted {
            model.grants.push(Grant {
                subject: GrantSubject::User(AccountId::from("jane")),
                object: GrantObject::Collection(builtin::SHARED.into()),
                role: "fullcontrol".into(),
            });
        }
        Arc::new(Policy::compile(model))
    }

    /// CFG-013: changes show when the time is over, at once when the setting is off, and at once for whoever is new,
    /// deactivated, or an administrator no more.
    #[test]
    fn how_old_a_list_may_be() {
        let cache = ListCache::default();
        let at = Timestamp::from_secs;
        let jane = Subject::Account(AccountId::from("jane"));
        let uses = |timeout, subject: &Subject, current: &Arc<Policy>, now, expected: &Arc<Policy>| {
            Arc::ptr_eq(&cache.policy(timeout, subject, current, at(now)), expected)
        };
        let before = policy(&[("jane", true, false)], true);
        let after = policy(&[("jane", true, false), ("new", true, false)], false);
        assert!(uses(5, &jane, &before, 100, &before));
        assert!(uses(5, &jane, &after, 104, &before));
        assert!(uses(
            5,
            &Subject::Account(AccountId::from("new")),
            &after,
            104,
            &after
        ));
        assert!(uses(5, &Subject::Anonymous, &after, 104, &after));
        assert!(uses(5, &jane, &after, 105, &after));
        // A clock that is set back keeps nothing alive.
        assert!(uses(5, &jane, &before, 50, &before));
        assert!(uses(5, &jane, &after, 51, &before));
        for changed in [("jane", false, false), ("jane", true, true)] {
            let changed = policy(&[changed], true);
            assert!(uses(5, &jane, &changed, 51, &changed), "{changed:?}");
        }
        assert!(uses(0, &jane, &after, 51, &after));
        assert!(uses(5, &jane, &before, 51, &before));
    }
}
