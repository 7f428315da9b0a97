//! Several roots that are trusted at once while one replaces the other.

use std::time::SystemTime;

use mke_core::pki;
use pyo3::prelude::*;

use super::certificate::{Certificate, listed};
use super::input::moment;
use crate::errors::OrRaise as _;

/// The roots that are trusted: the current one, and others until their time is over.
///
///     >>> from datetime import datetime, timedelta, timezone
///     >>> old, new = (mke.pki.Authority.create("client", "test").certificate for _ in range(2))
///     >>> roots = mke.pki.TrustSet(old)
///     >>> roots.rotate(new, until=datetime.now(timezone.utc) + timedelta(days=30))
///     >>> len(roots.roots()), roots.current == new
///     (2, True)
#[pyclass(module = "mke.pki")]
pub(crate) struct TrustSet(pki::TrustSet);

#[pymethods]
impl TrustSet {
    #[new]
    fn new(current: &Certificate) -> PyResult<Self> {
        pki::TrustSet::new(&current.der).or_raise().map(Self)
    }

    /// The root whose authority signs now.
    #[getter]
    fn current(&self) -> PyResult<Certificate> {
        Certificate::of(self.0.current().to_vec())
    }

    /// Trusts another root, for ever or until a moment.
    ///
    /// Raises:
    ///     mke.errors.PkiError: it may not sign, or there are too many.
    #[pyo3(signature = (root, until = None))]
    fn add(&mut self, root: &Certificate, until: Option<SystemTime>) -> PyResult<()> {
        self.0
            .add(&root.der, until.map(|until| moment(Some(until))))
            .or_raise()
    }

    /// Makes another root the current one. The one before stays trusted until a moment, so that certificates can be renewed.
    ///
    /// Raises:
    ///     mke.errors.PkiError: it may not sign, or there are too many.
    fn rotate(&mut self, next: &Certificate, until: SystemTime) -> PyResult<()> {
        self.0.rotate(&next.der, moment(Some(until))).or_raise()
    }

    /// Forgets the roots whose time is over, and says how many those were.
    #[pyo3(signature = (at = None))]
    fn expire(&mut self, at: Option<SystemTime>) -> usize {
        self.0.expire(moment(at))
    }

    /// The roots that are trusted now, or at a moment.
    #[pyo3(signature = (at = None))]
    fn roots<'py>(&self, py: Python<'py>, at: Option<SystemTime>) -> PyResult<Bound<'py, PyAny>> {
        let roots = self.0.roots(moment(at));
        listed(
            py,
            roots.into_iter().map(Certificate::of).collect::<PyResult<_>>()?,
        )
    }

    /// The same as one PEM text, for programs that read a file of authorities.
    #[pyo3(signature = (at = None))]
    fn pem(&self, at: Option<SystemTime>) -> String {
        self.0.bundle_pem(moment(at))
    }

    fn __repr__(&self) -> String {
        format!("<TrustSet of {}>", Vec::from(self.0.clone()).len())
    }
}
