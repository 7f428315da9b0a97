//! Settings that act while the controller runs, without a restart.
//!
//! Whoever follows the store tells [`Live`] when the configuration becomes another one, on every controller. Settings
//! that a request reads from its snapshot need nothing of this; what acts between requests is told here.
//!
//! | file | makes act |
//! | --- | --- |
//! | `logs`, `level` | the log level and the remote syslog |
//! | `syslog` | sending to that syslog |
//! | `workloads` | defaults of new services |
//! | `list_cache` | lists from access data that is a little old |
//! | `registries` | the authorities of registries |

mod level;
mod list_cache;
mod logs;
mod registries;
mod syslog;
mod workloads;

use std::path::Path;
use std::sync::Arc;

use mke_core::config::Config;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::state::State;

pub(crate) use list_cache::ListCache;
pub use logs::Logs;
pub(crate) use registries::{authorities as registry_authorities, host as registry_host};
pub use syslog::SyslogCounts;
pub(crate) use workloads::service_defaults;

/// What is told when the configuration changes.
pub(super) struct Live {
    logs: Logs,
    config: watch::Sender<Arc<Config>>,
}

impl Live {
    /// Begins with the configuration in force.
    pub(super) fn new(logs: Logs, config: Arc<Config>) -> Self {
        logs.apply(&config.log);
        Self {
            logs,
            config: watch::Sender::new(config),
        }
    }

    /// The configuration gave way to another one.
    pub(super) fn apply(&self, before: &Config, after: &Arc<Config>) {
        if before.log != after.log {
            self.logs.apply(&after.log);
            tracing::info!(
                level = after.log.level,
                remote = after.log.host,
                "the log settings changed"
            );
        }
        self.config.send_replace(after.clone());
    }

    /// What acts between requests, for as long as it is polled. `certs` is where the engine of this machine looks for the
    /// authorities of registries.
    pub(super) async fn run(&self, state: &State, certs: Option<&Path>) {
        tokio::join!(self.logs.send(), self.follow(state, certs));
    }

    /// Sends logs to where the configuration says, for as long as it is polled.
    pub(super) async fn send(&self) {
        self.logs.send().await;
    }

    /// Does what takes a moment, now and after each change.
    async fn follow(&self, state: &State, certs: Option<&Path>) {
        let mut configs = self.config.subscribe();
        loop {
            let config = configs.borrow_and_update().clone();
            if let Some(certs) = certs {
                let (certs, cluster, config) = (certs.to_owned(), state.cluster.id.clone(), config.clone());
                let write = move || registries::write(&certs, &cluster, &config.registries);
                let written = spawn_blocking(write).await;
                if let Ok(Err(error)) = written {
                    tracing::error!(%error, "the engine does not trust the registries of the configuration");
                }
            }
            if let Err(error) = state
                .authorities
                .set_shared_names(&config.cluster.shared_sans)
                .await
            {
                tracing::error!(%error, "the server certificate could not be given its names");
            }
            if configs.changed().await.is_err() {
                return;
            }
        }
    }

    /// The program is about to stop.
    pub(super) async fn last_words(&self) {
        self.logs.last_words().await;
    }
}
