//! Which open streams must end when a credential dies or what allowed them is taken away (authn-04, pki-04, proxy-09).
//!
//! All streams of one credential share a token. Whenever the directory loses something, every credential in use is
//! looked at again, and the tokens of dead ones fire. Beside that, each open stream is kept with the demand that it
//! was allowed for. Whenever the policy changes, each is judged again, and those that would be refused now end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mke_auth::directory::Directory;
use mke_auth::identity::{Credential, Identity};
use mke_core::ids::AccountId;
use mke_rbac::demand::{Demand, Facts};
use mke_rbac::{Policy, Subject};
use tokio_util::sync::CancellationToken;

/// Account, credential, and whether it made an administrator: the end of that ends streams too.
type InUse = (AccountId, Credential, bool);

/// The credentials that have, or recently had, open streams.
#[derive(Debug, Default)]
pub(super) struct Streams {
    in_use: Mutex<HashMap<InUse, (Identity, CancellationToken)>>,
    all: CancellationToken,
    open: Mutex<Opened>,
}

/// Open streams by number.
#[derive(Debug, Default)]
struct Opened {
    next: u64,
    streams: HashMap<u64, (Allowed, CancellationToken)>,
}

/// Whom a stream was opened for, and what it needed.
#[derive(Debug)]
pub(crate) struct Allowed {
    pub(crate) subject: Subject,
    pub(crate) demand: Demand,
    pub(crate) facts: Facts,
}

impl Allowed {
    /// Whether it would be opened now as well. What cannot be decided any more, such as about a collection that is
    /// gone, is refused.
    fn still(&self, policy: &Policy) -> bool {
        policy
            .judge(&self.subject, &self.demand, &self.facts)
            .is_ok_and(|judgement| judgement.decision.is_allowed())
    }
}

/// One open stream, held by whoever carries it; dropped when it has ended.
#[derive(Debug)]
pub(crate) struct Lease {
    number: u64,
    token: CancellationToken,
    of: Arc<Streams>,
}

impl Lease {
    /// Fires when the stream must be cut.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

#[cfg(test)]
impl Lease {
    /// A lease that nobody judges again.
    pub(crate) fn untold(token: &CancellationToken) -> Self {
        Self {
            number: 0,
            token: token.clone(),
            of: Arc::default(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.streams.remove(&self.number);
    }
}

impl Streams {
    /// Remembers a stream until its lease is dropped. `credential` cuts it too. `newest` gives the policy after the
    /// stream is known, so that a change between the first decision and now is noticed, here or by
    /// [`Streams::cut_refused`].
    pub(super) fn open(
        self: &Arc<Self>,
        credential: &CancellationToken,
        allowed: Allowed,
        newest: impl FnOnce() -> Arc<Policy>,
    ) -> Lease {
        let token = credential.child_token();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !allowed.still(&newest()) {
            token.cancel();
        }
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, (allowed, token.clone()));
        Lease {
            number,
            token,
            of: self.clone(),
        }
    }

    /// Ends every stream that the policy does not allow any more.
    pub(super) fn cut_refused(&self, policy: &Policy) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (allowed, token) in open.streams.values() {
            if !allowed.still(policy) {
                token.cancel();
            }
        }
    }

    /// The token that fires when the identity's credential dies, or everything stops. `directory` is the newest
    /// one: a credential that died between the identification and now is noticed here.
    pub(super) fn token(&self, identity: &Identity, directory: &Directory) -> CancellationToken {
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (
            identity.account().clone(),
            identity.credential().clone(),
            identity.is_admin(),
        );
        let (_, token) = in_use
            .entry(key.clone())
            .or_insert_with(|| (identity.clone(), self.all.child_token()));
        let token = token.clone();
        if !identity.is_live(directory) {
            token.cancel();
            in_use.remove(&key);
        }
        token
    }

    /// Ends the streams of every credential that does not live any more.
    pub(super) fn cut_dead(&self, directory: &Directory) {
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, (identity, token)| {
            let live = identity.is_live(directory);
            if !live {
                token.cancel();
            }
            live
        });
    }

    /// Ends all streams.
    pub(super) fn cut_all(&self) {
        self.all.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::demand::Access;
    use mke_rbac::model::Model;

    /// proxy-09: a stream that would be refused now is cut, also one that was allowed a moment before; and a stream
    /// that has ended is not kept.
    #[test]
    fn sec_proxy_09_refused_streams_are_cut() {
        let streams = Arc::new(Streams::default());
        let policy = Arc::new(Policy::compile(Model::with_builtin_collections()));
        let open = |access| {
            let allowed = Allowed {
                subject: Subject::Anonymous,
                demand: Demand {
                    access,
                    placement: None,
                    wants: Vec::new(),
                    admin_only: None,
                },
                facts: Facts::default(),
            };
            streams.open(&CancellationToken::new(), allowed, || policy.clone())
        };
        let public = open(Access::Public);
        let refused = open(Access::Admin);
        assert!(refused.token().is_cancelled());
        streams.cut_refused(&policy);
        assert!(!public.token().is_cancelled());
        drop((public, refused));
        assert!(streams.open.lock().unwrap().streams.is_empty());
    }
}
