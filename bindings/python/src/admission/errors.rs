//! What Python may read of errors about objects and settings, besides the text.

use mke_rbac::admission::{ClusterProblems, SettingsProblems, Unreadable};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Every object that cannot be used, in sentences.
pub(crate) fn cluster_fields(error: &ClusterProblems, into: &Bound<'_, PyDict>) -> PyResult<()> {
    let problems: Vec<_> = error.0.iter().map(ToString::to_string).collect();
    into.set_item("problems", problems)
}

/// Everything that is wrong with settings, in sentences.
pub(crate) fn settings_fields(error: &SettingsProblems, into: &Bound<'_, PyDict>) -> PyResult<()> {
    let problems: Vec<_> = error.0.iter().map(ToString::to_string).collect();
    into.set_item("problems", problems)
}

/// The place, what belongs there and what stands there.
pub(crate) fn unreadable_fields(error: &Unreadable, into: &Bound<'_, PyDict>) -> PyResult<()> {
    into.set_item("path", &error.path)?;
    into.set_item("expected", error.expected)?;
    into.set_item("found", error.found)
}
