//! What this manager knows about sessions and the store does not yet: when they were last used, and until when
//! requests renewed them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mke_core::config::SessionSettings;
use mke_core::ids::SessionId;
use mke_core::time::Timestamp;

use crate::records::Session;

#[derive(Debug, Clone, Copy)]
struct Times {
    last_used: Timestamp,
    expires: Timestamp,
    unsaved: bool,
}

/// Times of sessions in memory. Holds valid sessions only, and [`Live::retain`] drops those that ended.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<HashMap<SessionId, Times>>);

impl Live {
    /// Uses a session now; renews it when that is due. False when it is over.
    pub(super) fn use_at(&self, session: &Session, now: Timestamp, settings: &SessionSettings) -> bool {
        let mut sessions = self.sessions();
        let times = merged(&sessions, session);
        if times.expires <= now {
            return false;
        }
        let threshold = settings.renewal_threshold();
        let due = !threshold.is_zero() && times.expires.since(now) <= threshold;
        let expires = if due {
            times.expires.max(now.plus(settings.lifetime()))
        } else {
            times.expires
        };
        let fresh = Times {
            last_used: times.last_used.max(now),
            expires,
            unsaved: times.unsaved || times.last_used < now || times.expires < expires,
        };
        sessions.insert(session.id.clone(), fresh);
        true
    }

    /// When a session was last used and when it ends.
    pub(super) fn times(&self, session: &Session) -> (Timestamp, Timestamp) {
        let times = merged(&self.sessions(), session);
        (times.last_used, times.expires)
    }

    /// Forgets the sessions that are not to be kept.
    pub(super) fn retain(&self, keep: impl Fn(&SessionId) -> bool) {
        self.sessions().retain(|id, _| keep(id));
    }

    /// Sessions of which the store does not have the latest.
    pub(super) fn unsaved(&self) -> Vec<SessionId> {
        self.sessions()
            .iter()
            .filter(|(_, times)| times.unsaved)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Notes that the store has this, or something newer.
    pub(super) fn saved(&self, session: &Session) {
        if let Some(times) = self.sessions().get_mut(&session.id) {
            times.unsaved = times.last_used > session.last_used || times.expires > session.expires;
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Times>> {
        // Each value is replaced as a whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The later of what memory and the store say.
fn merged(sessions: &HashMap<SessionId, Times>, session: &Session) -> Times {
    match sessions.get(&session.id) {
        None => Times {
            last_used: session.last_used,
            expires: session.expires,
            unsaved: false,
        },
        Some(times) => Times {
            last_used: times.last_used.max(session.last_used),
            expires: times.expires.max(session.expires),
            unsaved: times.unsaved,
        },
    }
}
