//! What Python may read of an error besides its text: the fields of its kind, by name.

use std::fmt::{Debug, Display};
use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use serde::Serialize;

use crate::convert::to_python;

/// Lists errors with their class, their kinds and the fields of each: `Kind`, `Kind { by, name }`, or `Kind(first, second)` where Rust
/// has no names. A struct is its only kind.
macro_rules! listed {
    ($($keyword:ident $error:path => $class:literal {
        $($kind:ident $(($($at:ident),*))? $({ $($field:ident),* })?),* $(,)?
    };)*) => {
        $(impl crate::errors::Raised for $error {
            const CLASS: &'static str = $class;

            #[allow(unreachable_patterns, reason = "some enums promise that they do not grow, others do not")]
            fn kind(&self) -> &'static str {
                match self {
                    $(listed!(@any $keyword $kind) => stringify!($kind),)*
                    _ => "Other",
                }
            }

            fn text(&self) -> String {
                mke_core::causes::chain(self)
            }

            #[allow(unreachable_patterns, unused_imports, unused_variables, reason = "as above, and some kinds have no fields")]
            fn fields(&self, into: &pyo3::Bound<'_, pyo3::types::PyDict>) -> pyo3::PyResult<()> {
                use crate::errors::fields::{ByDebug as _, ByDisplay as _, BySerialize as _, Each as _, Exact as _, Field, name};
                use pyo3::types::PyDictMethods as _;
                let py = into.py();
                match self {
                    $(listed!(@fields $keyword $kind $(($($at),*))? $({ $($field),* })?) => {
                        $($(into.set_item(name(stringify!($at)), (&&&&&Field($at)).show(py)?)?;)*)?
                        $($(into.set_item(name(stringify!($field)), (&&&&&Field($field)).show(py)?)?;)*)?
                    })*
                    _ => {}
                }
                Ok(())
            }
        })*

        /// The error's type in Rust, its class and its kinds.
        pub(super) const TABLE: &[(&str, &str, &[&str])] = &[
            $((stringify!($error), $class, &[$(stringify!($kind)),*]),)*
        ];
    };
    (@any enum $kind:ident) => { Self::$kind { .. } };
    (@any struct $kind:ident) => { Self { .. } };
    (@fields enum $kind:ident) => { Self::$kind { .. } };
    (@fields enum $kind:ident ($($at:ident),*)) => { Self::$kind($($at),*) };
    (@fields enum $kind:ident { $($field:ident),* }) => { Self::$kind { $($field,)* .. } };
    (@fields struct $kind:ident) => { Self { .. } };
    (@fields struct $kind:ident ($($at:ident),*)) => { Self($($at),*) };
    (@fields struct $kind:ident { $($field:ident),* }) => { Self { $($field,)* .. } };
}

pub(super) use listed;

/// The name of a field as an attribute: Python has words that are none.
pub(super) fn name(field: &'static str) -> &'static str {
    match field {
        "from" => "from_",
        field => field,
    }
}

/// A field. How it is shown is the first of these traits that its type allows: the compiler looks through fewer references first.
pub(super) struct Field<'a, T: ?Sized>(pub(super) &'a T);

type Shown<'py> = PyResult<Bound<'py, PyAny>>;

/// Durations are seconds.
pub(super) trait Exact {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py>;
}

impl Exact for &&&&Field<'_, Duration> {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py> {
        self.0.as_secs_f64().into_bound_py_any(py)
    }
}

/// What has a form as data has it here.
pub(super) trait BySerialize {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py>;
}

impl<T: Serialize> BySerialize for &&&Field<'_, T> {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py> {
        to_python(py, self.0)
    }
}

/// Several of what is shown as text, or perhaps one.
pub(super) trait Each {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py>;
}

impl<T: Display> Each for &&Field<'_, Vec<T>> {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py> {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        texts.into_bound_py_any(py)
    }
}

impl<T: Display> Each for &&Field<'_, Option<T>> {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py> {
        self.0.as_ref().map(ToString::to_string).into_bound_py_any(py)
    }
}

/// What people read, such as the cause of an error.
pub(super) trait ByDisplay {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py>;
}

impl<T: Display + ?Sized> ByDisplay for &Field<'_, T> {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py> {
        self.0.to_string().into_bound_py_any(py)
    }
}

/// The rest.
pub(super) trait ByDebug {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py>;
}

impl<T: Debug + ?Sized> ByDebug for Field<'_, T> {
    fn show<'py>(&self, py: Python<'py>) -> Shown<'py> {
        format!("{:?}", self.0).into_bound_py_any(py)
    }
}
