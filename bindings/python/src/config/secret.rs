//! Text that is not shown by accident.

use mke_core::secret;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::invalid;

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

/// An argument that is a secret: given as `Secret` or as text.
pub(crate) struct SecretText(pub(crate) secret::Secret);

impl<'py> FromPyObject<'_, 'py> for SecretText {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(secret) = value.cast::<Secret>() {
            return Ok(Self(secret.get().0.clone()));
        }
        match value.cast::<PyString>() {
            Ok(text) => Ok(Self(secret::Secret::new(text.to_cow()?))),
            Err(_) => Err(invalid(
                "secret",
                "a text or a mke.config.Secret is needed, this is neither",
            )),
        }
    }
}
