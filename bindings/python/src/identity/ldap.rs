//! A directory asked: read, synchronised, tried. Each in two forms over one future.

use std::sync::{Arc, Mutex, PoisonError};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::ldap::{self, Counts, Options, Settings, SyncError, TeamSync};
use mke_core::time::Timestamp;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::fetched::{LdapFetched, texts};
use super::moment::or_now;
use super::settings::{LdapSettings, options};
use super::store::{AccountStore, Shared};
use crate::config::SecretText;
use crate::convert::to_python;
use crate::errors::{OrRaise as _, raise};
use crate::runtime::{promise, wait};

fn now() -> Timestamp {
    or_now(None)
}

async fn fetch(settings: Arc<Settings>, store: Option<Shared>) -> PyResult<LdapFetched> {
    let teams = match store {
        Some(store) => {
            let directory = store.directory().await.or_raise()?;
            TeamSync::of(&directory).map_err(|problems| raise(&SyncError::Teams(problems)))?
        }
        None => Vec::new(),
    };
    let fetched = ldap::fetch(&settings, &teams, now()).await.or_raise()?;
    Ok(LdapFetched {
        fetched: Arc::new(fetched),
        settings,
    })
}

fn shared(store: Option<&Bound<'_, AccountStore>>) -> PyResult<Option<Shared>> {
    store.map(|store| store.get().open()).transpose()
}

/// Reads a directory: all of it or nothing. With a `store`, also the members of the teams that are linked there. Nothing is changed.
///
/// Raises `LdapFetchError` with what could not be read.
#[pyfunction]
#[pyo3(signature = (settings, store=None))]
pub(super) fn ldap_fetch(
    py: Python<'_>,
    settings: &Bound<'_, LdapSettings>,
    store: Option<&Bound<'_, AccountStore>>,
) -> PyResult<LdapFetched> {
    wait(py, fetch(Arc::clone(&settings.get().0), shared(store)?))
}

/// The asynchronous form of `ldap_fetch`.
#[pyfunction]
#[pyo3(signature = (settings, store=None))]
pub(super) fn ldap_fetch_async<'py>(
    py: Python<'py>,
    settings: &Bound<'py, LdapSettings>,
    store: Option<&Bound<'py, AccountStore>>,
) -> PyResult<Bound<'py, PyAny>> {
    promise(py, fetch(Arc::clone(&settings.get().0), shared(store)?))
}

/// What a synchronisation came to, or would come to.
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct LdapSync {
    planned: Counts,
    refusals: Vec<String>,
    text: String,
    done: usize,
    refused: Vec<String>,
    dry_run: bool,
}

#[pymethods]
impl LdapSync {
    /// How much there was to do: `created`, `renamed`, `updated`, `deactivated`, `reactivated`, `admins`, `joined`, `left`.
    #[getter]
    fn planned<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.planned)
    }

    /// Why it would not be done, of a dry run; empty when it would, or was.
    #[getter]
    fn refusals(&self) -> Vec<String> {
        self.refusals.clone()
    }

    /// How many accounts were written; 0 of a dry run.
    #[getter]
    fn done(&self) -> usize {
        self.done
    }

    /// Accounts that were not written, with the reason; the next run tries them again.
    #[getter]
    fn refused(&self) -> Vec<String> {
        self.refused.clone()
    }

    /// Whether nothing was written, because nothing was to be.
    #[getter]
    fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// Each step and note in a line of its own, of a dry run; the counts of one that was done.
    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        let what = if self.dry_run { "would be" } else { "is" };
        format!("<LdapSync: {what} {}>", self.planned)
    }
}

/// Whom a synchronisation tells what it does.
#[derive(Clone)]
struct Log {
    whom: Option<Arc<Py<PyAny>>>,
    failed: Arc<Mutex<Option<PyErr>>>,
}

impl Log {
    fn new(whom: Option<Py<PyAny>>) -> Self {
        Self {
            whom: whom.map(Arc::new),
            failed: Arc::default(),
        }
    }

    fn tell(&self, line: &str) {
        let Some(whom) = &self.whom else { return };
        if let Err(error) = Python::attach(|py| whom.call1(py, (line,)).map(drop)) {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(error);
        }
    }

    /// What a listener raised first. It is said at the end: a synchronisation is not broken off for it.
    fn end(&self) -> PyResult<()> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take().map_or(Ok(()), Err)
    }
}

async fn sync(
    settings: Arc<Settings>,
    store: Shared,
    options: Options,
    dry_run: bool,
    log: Log,
) -> PyResult<LdapSync> {
    let directory = store.directory().await.or_raise()?;
    if dry_run {
        let run = ldap::dry_run(&settings, &directory, &options, now())
            .await
            .or_raise()?;
        return Ok(LdapSync {
            planned: run.planned,
            refusals: texts(run.refusals),
            text: run.text,
            done: 0,
            refused: Vec::new(),
            dry_run,
        });
    }
    let told = log.clone();
    let tell = move |line: &str| told.tell(line);
    let mut rng = UnwrapErr(SysRng);
    let done = ldap::sync(&settings, &store.accounts, &directory, &options, &mut rng, &tell).await;
    let outcome = done.or_raise()?;
    log.end()?;
    Ok(LdapSync {
        text: outcome.planned.to_string(),
        planned: outcome.planned,
        refusals: Vec::new(),
        done: outcome.done,
        refused: outcome.refused,
        dry_run,
    })
}

/// Brings the accounts of a store in line with a directory: reads, plans, checks, writes. With `dry_run` it ends before the writing, and
/// what would keep it from writing is in the result.
///
/// `just_in_time` decides whether accounts are made at their first login only (the settings say it without it). At most
/// `max_deactivated_percent` of the active accounts are deactivated at once unless `accept_deactivations` says that this is wanted.
/// `log` is called with a line for each thing that happens.
///
/// Raises `LdapSyncError`; nothing was changed then, unless its kind is `Write`.
#[pyfunction]
#[pyo3(signature = (settings, store, *, dry_run=false, just_in_time=None, max_deactivated_percent=20, accept_deactivations=false, log=None))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(super) fn ldap_sync(
    py: Python<'_>,
    settings: &Bound<'_, LdapSettings>,
    store: &Bound<'_, AccountStore>,
    dry_run: bool,
    just_in_time: Option<bool>,
    max_deactivated_percent: u32,
    accept_deactivations: bool,
    log: Option<Py<PyAny>>,
) -> PyResult<LdapSync> {
    let settings = Arc::clone(&settings.get().0);
    let options = options(
        &settings,
        just_in_time,
        max_deactivated_percent,
        accept_deactivations,
    );
    wait(
        py,
        sync(settings, store.get().open()?, options, dry_run, Log::new(log)),
    )
}

/// The asynchronous form of `ldap_sync`.
#[pyfunction]
#[pyo3(signature = (settings, store, *, dry_run=false, just_in_time=None, max_deactivated_percent=20, accept_deactivations=false, log=None))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(super) fn ldap_sync_async<'py>(
    py: Python<'py>,
    settings: &Bound<'py, LdapSettings>,
    store: &Bound<'py, AccountStore>,
    dry_run: bool,
    just_in_time: Option<bool>,
    max_deactivated_percent: u32,
    accept_deactivations: bool,
    log: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let settings = Arc::clone(&settings.get().0);
    let options = options(
        &settings,
        just_in_time,
        max_deactivated_percent,
        accept_deactivations,
    );
    promise(
        py,
        sync(settings, store.get().open()?, options, dry_run, Log::new(log)),
    )
}

/// A report of a trial, as plain data for Python.
struct Report(ldap::TestReport);

impl<'py> IntoPyObject<'py> for Report {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        to_python(py, &self.0)
    }
}

async fn test_login(settings: Arc<Settings>, name: String, password: SecretText) -> PyResult<Report> {
    Ok(Report(
        ldap::test_login(&settings, &name, &password.0, now()).await,
    ))
}

/// Tries settings before they are saved: logs somebody in against the directory and says each step in words. `ok` says whether the person
/// may come in, `steps` lists `what` was done and whether it went well (`ok`).
#[pyfunction]
pub(super) fn ldap_test_login<'py>(
    py: Python<'py>,
    settings: &Bound<'py, LdapSettings>,
    name: String,
    password: SecretText,
) -> PyResult<Bound<'py, PyDict>> {
    let report = wait(py, test_login(Arc::clone(&settings.get().0), name, password))?;
    Ok(report.into_pyobject(py)?.cast_into()?)
}

/// The asynchronous form of `ldap_test_login`.
#[pyfunction]
pub(super) fn ldap_test_login_async<'py>(
    py: Python<'py>,
    settings: &Bound<'py, LdapSettings>,
    name: String,
    password: SecretText,
) -> PyResult<Bound<'py, PyAny>> {
    promise(py, test_login(Arc::clone(&settings.get().0), name, password))
}
