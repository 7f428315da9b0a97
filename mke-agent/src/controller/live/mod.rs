//! Settings that act while the controller runs, without a restart.
//!
//! Whoever follows the store tells [`Live`] when the configuration becomes another one, on every controller. Settings
//! that a request reads from its snapshot need nothing of this; what acts between requests is told here.
//!
//! | file | makes act |
//! | --- | --- |
//! | `logs`, `level` | the log level and the remote syslog |
//! | `syslog` | sending to that syslog |

mod level;
mod logs;
mod syslog;

use std::sync::Arc;

use mke_core::config::Config;
use tokio::sync::watch;

pub use logs::Logs;
pub use syslog::SyslogCounts;

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

    /// What acts between requests, for as long as it is polled.
    pub(super) async fn run(&self) {
        self.logs.send().await;
    }

    /// The program is about to stop.
    pub(super) async fn last_words(&self) {
        self.logs.last_words().await;
    }
}
