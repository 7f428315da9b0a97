//! Roles of collections: what the built-in ones hold, and whether another is right.

use mke_rbac::Role;
use mke_rbac::admin::check_create_role;
use mke_rbac::role::builtin::builtin_roles as all;
use pyo3::prelude::*;

use crate::convert::{from_python, to_python};
use crate::errors::OrRaise as _;

/// Checks a new role, and gives its operations in their usual form: type, operation, list of modifiers.
///
/// >>> import mke
/// >>> mke.rbac.check_role("readers", {"Service": {"Service View": []}})
/// {'Service': {'Service View': []}}
///
/// Raises:
///     mke.errors.RoleError: the name or the operations are wrong; all problems.
#[pyfunction]
pub(super) fn check_role<'py>(
    py: Python<'py>,
    name: &str,
    operations: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let body = check_create_role(name, from_python("operations", operations)?).or_raise()?;
    to_python(py, &body)
}

/// The roles that every installation has: a table with `id`, `name`, `system_role` and `operations`.
///
/// >>> import mke
/// >>> mke.rbac.builtin_roles().column("id")
/// ['none', 'viewonly', 'restrictedcontrol', 'scheduler', 'fullcontrol']
#[pyfunction]
pub(super) fn builtin_roles(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    table(py, &all())
}

/// Roles as a table.
pub(super) fn table<'py>(py: Python<'py>, roles: &[Role]) -> PyResult<Bound<'py, PyAny>> {
    let rows = to_python(py, &roles)?;
    let columns = ("id", "name", "system_role", "operations");
    py.import("mke._table")?.getattr("Table")?.call1((rows, columns))
}
