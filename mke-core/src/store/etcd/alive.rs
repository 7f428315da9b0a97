//! Whether the member that is asked lives: a watch waits for as long as nothing happens, and would wait forever for a member that
//! fell silent.
//!
//! The program is asked when to look, so that it wakes up once for all that recurs in it. Whoever heard something since the last
//! look, as everybody does who has a heartbeat, asks nothing.

use etcd_client::GetOptions;
use tokio::time::{Instant, sleep_until};

use super::Core;
use super::keys::Span;

impl Core {
    /// Leaves the member that is asked when it does not answer, and all watches leave with it. Ends when the store is closed.
    pub(super) async fn keep_looking(&self, next: fn() -> Instant) {
        let mut closed = self.closed.subscribe();
        loop {
            let begun = Instant::now();
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                () = sleep_until(next()) => {}
            }
            if self.members.heard_since(begun) {
                continue;
            }
            // What it knows by itself is enough, and what it says does not matter.
            let options = GetOptions::new().with_serializable().with_count_only();
            let asked = self.members.once(|client| async move {
                let key = Span::nothing().start;
                client.kv_client().get(key, Some(options)).await
            });
            if let Err(failure) = asked.await {
                tracing::debug!(why = %failure.give_up(false), "a member of etcd does not answer");
            }
        }
    }
}
