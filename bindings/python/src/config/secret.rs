//! Text that is not shown by accident.

use mke_core::secret;
use pyo3::prelude::*;

/// A password, token or private key. Neither `repr` nor `str` nor a log shows it; `expose()` gives it out.
///
///     >>> password = mke.config.Secret("correct horse")
///     >>> password
///     Secret(********)
///     >>> password.expose()
///     'correct horse'
#[pyclass(module = "mke.config", frozen, eq, skip_from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Secret(pub(crate) secret::Secret);

#[pymethods]
impl Secret {
    #[new]
    fn new(text: String) -> Self {
        Self(secret::Secret::new(text))
    }

    /// The text itself.
    fn expose(&self) -> &str {
        self.0.expose()
    }

    fn __bool__(&self) -> bool {
        !self.0.is_empty()
    }

    fn __repr__(&self) -> String {
        format!("Secret({})", mke_core::config::MASK)
    }

    fn __str__(&self) -> &'static str {
        mke_core::config::MASK
    }
}
