//! Which Python exception an error of Rust becomes.
//!
//! The classes are written in `python/mke/errors.py`. A Rust error names its class, its kind (the variant, or the name of the type
//! where there are no variants) and what else Python may read of it as fields.

mod fields;
mod of_agent;
mod of_auth;
mod of_core;
mod of_net;
mod of_rbac;
mod table;

use pyo3::prelude::*;
use pyo3::types::PyDict;

pub(crate) use table::fill;

/// Most bytes of a text of an exception: long enough for a hundred problems of a file, and too short for the file.
const LONGEST: usize = 16 * 1024;

/// An error of a library that Python can meet.
pub(crate) trait Raised: std::fmt::Display {
    /// The name of the class in `mke.errors`.
    const CLASS: &'static str;

    /// Which case of the error this is, spelled as in Rust.
    fn kind(&self) -> &'static str;

    /// What is wrong and what to do, with its causes.
    fn text(&self) -> String {
        self.to_string()
    }

    /// What a program may want to read besides the text.
    fn fields(&self, _into: &Bound<'_, PyDict>) -> PyResult<()> {
        Ok(())
    }
}

/// The exception for an error.
pub(crate) fn raise<E: Raised>(error: &E) -> PyErr {
    raise_as(error, E::CLASS)
}

/// The same with a class below the error's own, for errors that programs handle case by case.
pub(crate) fn raise_as<E: Raised>(error: &E, class: &str) -> PyErr {
    Python::attach(|py| exception(py, error, class).unwrap_or_else(|failed| failed))
}

fn exception<E: Raised>(py: Python<'_>, error: &E, class: &str) -> PyResult<PyErr> {
    let fields = PyDict::new(py);
    error.fields(&fields)?;
    let class = py.import("mke.errors")?.getattr(class)?;
    let raised = class.call((shown(error.text()), error.kind()), Some(&fields))?;
    Ok(PyErr::from_value(raised))
}

/// The text of an exception. Of one that repeats a value of megabytes the begin is shown; fields have all of it.
fn shown(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let begin = &text[..text.floor_char_boundary(LONGEST)];
    let more = text.len() - begin.len();
    format!("{begin}… ({more} more bytes)")
}

/// The exception for several errors of one type: the kind is that of the first, `problems` has the texts of all.
pub(crate) fn raise_all<E: Raised>(errors: &[E]) -> PyErr {
    let [first, ..] = errors else {
        return invalid(
            "library",
            "something failed without a reason, which is a fault of the program",
        );
    };
    let texts: Vec<_> = errors.iter().map(E::text).collect();
    Python::attach(|py| {
        let raised = || {
            let fields = PyDict::new(py);
            fields.set_item("problems", &texts)?;
            let class = py.import("mke.errors")?.getattr(E::CLASS)?;
            let raised = class.call((shown(texts.join("; ")), first.kind()), Some(&fields))?;
            Ok(PyErr::from_value(raised))
        };
        raised().unwrap_or_else(|failed| failed)
    })
}

/// `?` for results of the libraries.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception for the error.
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: Raised> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| raise(&error))
    }
}

/// The exception for an argument of the wrong shape: `mke.errors.InvalidValueError`, which is a `ValueError`.
pub(crate) fn invalid(what: &str, why: &str) -> PyErr {
    raise(&Invalid(format!("{what}: {why}")))
}

struct Invalid(String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Raised for Invalid {
    const CLASS: &'static str = "InvalidValueError";

    fn kind(&self) -> &'static str {
        "InvalidValue"
    }
}
