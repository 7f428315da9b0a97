//! What came back of a request.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::Value;

use super::raised;
use crate::convert::to_python;

/// An answer of the control plane.
#[pyclass(module = "mke.client", frozen)]
pub(crate) struct Answer {
    answer: mke_client::Answer,
    path: String,
}

impl Answer {
    pub(super) fn new(answer: mke_client::Answer, path: String) -> Self {
        Self { answer, path }
    }
}

#[pymethods]
impl Answer {
    /// The status code.
    #[getter]
    fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    /// Whether it is a success: a status from 200 to 299.
    #[getter]
    fn ok(&self) -> bool {
        self.answer.status.is_success()
    }

    /// The entity tag, as `if_match` takes it.
    #[getter]
    fn etag(&self) -> Option<&str> {
        self.answer.tag.as_deref()
    }

    /// The media type of the body.
    #[getter]
    fn content_type(&self) -> Option<&str> {
        self.answer.content_type.as_deref()
    }

    /// Where the next page of a list starts whose body has no room for it.
    #[getter]
    fn next_page(&self) -> Option<&str> {
        self.answer.next_page.as_deref()
    }

    /// The body as it came.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.answer.body)
    }

    /// The body as text.
    #[getter]
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.answer.body).into_owned()
    }

    /// The body as JSON; `None` for an empty one.
    ///
    /// Raises:
    ///     mke.errors.BadAnswerError: it is no JSON.
    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value: Value = self.answer.json(&self.path).map_err(raised)?;
        to_python(py, &value)
    }

    fn __repr__(&self) -> String {
        let length = self.answer.body.len();
        format!("<Answer {}, {length} bytes>", self.answer.status.as_u16())
    }
}
