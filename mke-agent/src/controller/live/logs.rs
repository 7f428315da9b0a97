//! What the program logs and where to, as the configuration says: a program that uses the controller builds its
//! subscriber from [`Logs::filter`] and [`Logs::remote`], and the controller changes both while it runs. A program that
//! does not keeps its own logging untouched; audit records are sent to a remote syslog all the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mke_core::config::Log;
use mke_core::time::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;

use super::level;
use super::syslog::{self, Origin, Queue, SyslogCounts, SyslogLayer, Target};

/// How long a stopping program waits for the remote syslog to take what waits.
const LAST_WORDS: Duration = Duration::from_secs(2);

type SetLevel = Box<dyn Fn(LevelFilter) + Send + Sync>;

/// The logs of one program. Clones are the same logs.
#[derive(Clone)]
pub struct Logs(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    origin: Arc<Origin>,
    target: watch::Sender<Option<Target>>,
    level: Mutex<Levels>,
}

struct Levels {
    now: LevelFilter,
    /// Tell every filter.
    followers: Vec<SetLevel>,
}

impl Default for Logs {
    fn default() -> Self {
        let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self(Arc::new(Inner {
            queue: Arc::default(),
            origin: Arc::new(Origin::here(&host_name)),
            target: watch::Sender::new(None),
            level: Mutex::new(Levels {
                now: LevelFilter::INFO,
                followers: Vec::new(),
            }),
        }))
    }
}

impl Logs {
    /// A filter for any layer of the program's subscriber that follows `log_configuration.level`. `INFO` until a
    /// configuration is read.
    pub fn filter<S: Subscriber>(&self) -> reload::Layer<LevelFilter, S> {
        let mut levels = self.levels();
        let (filter, handle) = reload::Layer::new(levels.now);
        levels.followers.push(Box::new(move |level| {
            // A filter whose subscriber is gone needs no level.
            let _ = handle.reload(level);
        }));
        filter
    }

    /// A layer for the program's subscriber that sends messages to the remote syslog, if one is configured.
    pub fn remote<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let layer = SyslogLayer {
            queue: self.0.queue.clone(),
            origin: self.0.origin.clone(),
        };
        layer.with_filter(self.filter())
    }

    /// What became of messages for the remote syslog.
    pub fn counts(&self) -> SyslogCounts {
        self.0.queue.counts()
    }

    /// Follows the configuration.
    pub(super) fn apply(&self, log: &Log) {
        let level = level::filter(&log.level);
        let mut levels = self.levels();
        if levels.now != level {
            levels.now = level;
            levels.followers.iter().for_each(|follow| follow(level));
        }
        drop(levels);
        let target = Target::of(log);
        if target.is_some() {
            self.0.queue.turn_on();
        } else {
            self.0.queue.turn_off();
        }
        self.0.target.send_if_modified(|before| {
            let changed = *before != target;
            *before = target;
            changed
        });
    }

    /// Sends an audit record as well, if a remote syslog is configured.
    pub(in super::super) fn audit(&self, at: Timestamp, record: &str) {
        self.0.queue.put_audit(&self.0.origin, at, record);
    }

    /// Sends what waits, for as long as it is polled.
    pub(super) async fn send(&self) {
        let targets = self.0.target.subscribe();
        syslog::run(self.0.queue.clone(), self.0.origin.clone(), targets).await;
    }

    /// Waits a moment for the remote syslog to take what waits.
    pub(super) async fn last_words(&self) {
        if timeout(LAST_WORDS, self.0.queue.empty()).await.is_err() {
            let waiting = self.counts().waiting;
            tracing::warn!(
                waiting,
                "messages for the remote syslog were not sent before the end"
            );
        }
    }

    fn levels(&self) -> std::sync::MutexGuard<'_, Levels> {
        self.0.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
