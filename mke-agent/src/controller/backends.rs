//! The back ends of logins that a configuration asks for, made once for each configuration that comes into force.

use std::sync::{Arc, Mutex, PoisonError};

use mke_auth::ldap::Settings;
use mke_auth::sessions::{Backends, LdapLogins};
use mke_core::config::Config;
use mke_core::time::Clock;

/// The back ends of the configuration that was asked for last.
#[derive(Debug, Default)]
pub(super) struct BackendCache(Mutex<Option<(Arc<Config>, Arc<Backends>)>>);

impl BackendCache {
    /// The back ends of a configuration.
    pub(super) fn of(&self, config: &Arc<Config>, clock: &Arc<dyn Clock>) -> Arc<Backends> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, backends)) = &*made
            && Arc::ptr_eq(of, config)
        {
            return Arc::clone(backends);
        }
        let backends = Arc::new(make(config, clock));
        *made = Some((Arc::clone(config), Arc::clone(&backends)));
        backends
    }
}

fn make(config: &Config, clock: &Arc<dyn Clock>) -> Backends {
    let auth = &config.auth;
    let backends = Backends::of(auth);
    if auth.backend != "ldap" {
        return backends;
    }
    match Settings::read(&auth.ldap) {
        Ok(settings) => {
            let on_demand = settings.just_in_time();
            let logins = LdapLogins::new(Arc::new(settings), Arc::clone(clock));
            backends.with_directory(Arc::new(logins), on_demand)
        }
        Err(problems) => {
            // The accounts kept here still log in, so that somebody can set it right.
            for problem in problems {
                tracing::error!(%problem, "the directory is not asked, because its settings are not right");
            }
            backends
        }
    }
}
