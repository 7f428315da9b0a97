//! The back ends of logins that a configuration asks for, made once for each configuration that comes into force.

use std::sync::{Arc, Mutex, PoisonError};

use mke_auth::sessions::Backends;
use mke_core::config::Config;

/// The back ends of the configuration that was asked for last.
#[derive(Debug, Default)]
pub(super) struct BackendCache(Mutex<Option<(Arc<Config>, Arc<Backends>)>>);

impl BackendCache {
    /// The back ends of a configuration.
    pub(super) fn of(&self, config: &Arc<Config>) -> Arc<Backends> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, backends)) = &*made
            && Arc::ptr_eq(of, config)
        {
            return Arc::clone(backends);
        }
        let backends = Arc::new(make(config));
        *made = Some((Arc::clone(config), Arc::clone(&backends)));
        backends
    }
}

fn make(config: &Config) -> Backends {
    Backends::of(&config.auth)
}
