//! What a directory said, and what would follow from it.

use std::sync::Arc;

use mke_auth::ldap::{self, Counts, Fetched, Settings};
use pyo3::prelude::*;
use serde::Serialize;

use super::settings::options;
use super::store::AccountStore;
use crate::convert::{records, to_python};
use crate::errors::OrRaise as _;
use crate::runtime::wait;

/// What a directory said: its users, the members of linked teams, its administrators. It is complete: it exists only when everything
/// was read.
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct LdapFetched {
    pub(super) fetched: Arc<Fetched>,
    pub(super) settings: Arc<Settings>,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    full_name: &'a str,
    id: &'a str,
    dn: &'a str,
    enabled: bool,
}

#[derive(Serialize)]
struct Search<'a> {
    base: &'a str,
    entries: usize,
    users: usize,
}

#[derive(Serialize)]
struct Team<'a> {
    name: &'a str,
    members: Vec<&'a str>,
}

impl LdapFetched {
    fn names(&self, positions: &[u32]) -> Vec<&str> {
        let users = positions
            .iter()
            .filter_map(|at| self.fetched.user(usize::try_from(*at).ok()?));
        users.map(|user| user.name).collect()
    }
}

#[pymethods]
impl LdapFetched {
    /// The users: `name` of the account, `full_name`, `dn`, the `id` that identifies the entry, and whether the directory lets the
    /// person in (`enabled`).
    #[getter]
    fn users<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let users = self.fetched.users();
        let rows: Vec<User<'_>> = users
            .map(|user| User {
                name: user.name,
                full_name: user.full_name,
                id: user.id,
                dn: user.dn,
                enabled: user.enabled,
            })
            .collect();
        records(py, &rows, &["name", "full_name", "dn", "id", "enabled"])
    }

    /// What each user search found: `base`, and how many `entries` and `users`.
    #[getter]
    fn searches<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let searches = self.fetched.searches().iter();
        let rows: Vec<Search<'_>> = searches
            .map(|search| Search {
                base: &search.base,
                entries: search.entries,
                users: search.users,
            })
            .collect();
        records(py, &rows, &["base", "entries", "users"])
    }

    /// The teams that follow the directory: `name`, and the account names of its `members`.
    #[getter]
    fn teams<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let teams = self.fetched.teams().iter();
        let rows: Vec<Team<'_>> = teams
            .map(|team| Team {
                name: &team.sync.name,
                members: self.names(&team.members),
            })
            .collect();
        records(py, &rows, &["name", "members"])
    }

    /// The account names of the administrators; `None` when the directory does not say.
    #[getter]
    fn administrators(&self) -> Option<Vec<&str>> {
        self.fetched.admins().map(|admins| self.names(admins))
    }

    /// What is not as an administrator would want it, and stops nothing.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.fetched.notes().texts.clone()
    }

    /// What a synchronisation with these users would do to the accounts of a store. The other arguments are those of `ldap_sync`.
    #[pyo3(signature = (store, *, just_in_time=None, max_deactivated_percent=20, accept_deactivations=false))]
    fn plan(
        &self,
        py: Python<'_>,
        store: &Bound<'_, AccountStore>,
        just_in_time: Option<bool>,
        max_deactivated_percent: u32,
        accept_deactivations: bool,
    ) -> PyResult<LdapPlan> {
        let shared = store.get().open()?;
        let directory = wait(py, async move { shared.directory().await.or_raise() })?;
        let options = options(
            &self.settings,
            just_in_time,
            max_deactivated_percent,
            accept_deactivations,
        );
        Ok(py.detach(|| {
            let plan = ldap::plan(&self.fetched, &directory, &options);
            let checked = ldap::check(&plan, &self.fetched, &directory, &options);
            LdapPlan {
                counts: plan.counts(),
                refusals: texts(checked.err().unwrap_or_default()),
                text: plan.to_string(),
                data: serde_json::to_value(&plan).unwrap_or_default(),
            }
        }))
    }

    fn __len__(&self) -> usize {
        self.fetched.len()
    }

    fn __repr__(&self) -> String {
        format!("<LdapFetched: {} users>", self.fetched.len())
    }
}

/// Refusals as sentences.
pub(super) fn texts(refusals: Vec<ldap::Refusal>) -> Vec<String> {
    refusals.iter().map(ToString::to_string).collect()
}

/// What a synchronisation would do. `str()` says it line by line.
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct LdapPlan {
    counts: Counts,
    refusals: Vec<String>,
    text: String,
    data: serde_json::Value,
}

#[pymethods]
impl LdapPlan {
    /// How much it does: `created`, `renamed`, `updated`, `deactivated`, `reactivated`, `admins`, `joined`, `left`.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.counts)
    }

    /// Why it would not be done, one sentence each; empty when it would.
    #[getter]
    fn refusals(&self) -> Vec<String> {
        self.refusals.clone()
    }

    /// The plan as plain data: accounts to `create` and to `change`, the `targets` that they join and leave by number, `notes`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.data)
    }

    fn __bool__(&self) -> bool {
        self.counts != Counts::default()
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("<LdapPlan: {}>", self.counts)
    }
}
