//! The settings of a directory, valid by construction.

use std::sync::Arc;

use mke_auth::ldap::{Options, Settings};
use mke_core::config::{Ldap, Problems};
use pyo3::prelude::*;

use crate::config::Config;
use crate::errors::OrRaise as _;

/// The settings of a directory: `LdapSettings(config)` takes `[auth.ldap]` of a configuration, `from_json` the body of the directory's
/// API. Nothing is asked of any server.
///
/// Raises `ConfigError` with everything that is wrong with them.
///
///     >>> config = mke.config.Config('''
///     ... [auth.ldap]
///     ... server_url = "ldaps://ldap.example.com"
///     ... [[auth.ldap.user_search_configs]]
///     ... base_dn = "ou=people,dc=example,dc=com"
///     ... username_attr = "uid"
///     ... match_group = false
///     ... ''')
///     >>> mke.identity.LdapSettings(config).just_in_time
///     True
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct LdapSettings(pub(super) Arc<Settings>);

impl LdapSettings {
    fn of(ldap: &Ldap) -> PyResult<Self> {
        let settings = Settings::read(ldap).map_err(Problems);
        settings.or_raise().map(|settings| Self(Arc::new(settings)))
    }
}

#[pymethods]
impl LdapSettings {
    #[new]
    fn new(config: &Bound<'_, Config>) -> PyResult<Self> {
        Self::of(&config.get().value.auth.ldap)
    }

    /// Settings in JSON, as the directory's API has them.
    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        Self::of(&Ldap::parse_json(text).or_raise()?)
    }

    /// Whether accounts are made at their first login only.
    #[getter]
    fn just_in_time(&self) -> bool {
        self.0.just_in_time()
    }

    /// When the directory is synchronised, as a schedule of cron.
    #[getter]
    fn schedule(&self) -> &str {
        self.0.schedule()
    }

    /// The local administrator that no synchronisation touches.
    #[getter]
    fn recovery_admin(&self) -> Option<&str> {
        self.0.recovery_admin()
    }

    fn __repr__(&self) -> &'static str {
        "<LdapSettings>"
    }
}

/// What a call says besides the settings.
pub(super) fn options(
    settings: &Settings,
    just_in_time: Option<bool>,
    max_deactivated_percent: u32,
    accept_deactivations: bool,
) -> Options {
    let said = Options::of(settings);
    Options {
        just_in_time: just_in_time.unwrap_or(said.just_in_time),
        max_deactivated_percent,
        accept_deactivations,
        ..said
    }
}
