//! Reports: what an inquiry found, as an object of Python with the same fields, text and picture.

use mke_rbac::inquiry::Report;
use pyo3::prelude::*;

use crate::convert::to_python;

/// A report as an object of the class with this name in `mke.rbac._reports`.
pub(super) fn show<'py, R: Report>(py: Python<'py>, class: &str, report: &R) -> PyResult<Bound<'py, PyAny>> {
    show_with(py, class, report, report.image())
}

/// The same with a picture, or another text in its place.
pub(super) fn show_with<'py, R: Report>(
    py: Python<'py>,
    class: &str,
    report: &R,
    extra: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = to_python(py, report)?;
    let class = py.import("mke.rbac._reports")?.getattr(class)?;
    class.call1((fields, report.to_string(), report.is_no(), extra))
}

/// A text between tags of HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#x27;"),
            letter => safe.push(letter),
        }
    }
    safe
}
