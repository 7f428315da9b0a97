//! Names and filters of a directory: read, compared, written so that nothing escapes from them.

use mke_auth::ldap::{self, Filter};
use pyo3::prelude::*;

use crate::errors::OrRaise as _;

/// A distinguished name in the one form that all of its spellings share.
///
/// Raises `LdapNameError` for a text that is none.
///
///     >>> name = mke.identity.Dn("CN=Jane  Doe, OU=People,DC=example,DC=com")
///     >>> name == mke.identity.Dn("cn=jane doe,ou=people,dc=example,dc=com")
///     True
///     >>> name.is_within(mke.identity.Dn("dc=example,dc=com")), name.depth
///     (True, 4)
#[pyclass(module = "mke.identity", frozen, eq, hash, ord, skip_from_py_object)]
#[derive(PartialEq, Eq, PartialOrd, Hash)]
pub(crate) struct Dn(ldap::Dn);

#[pymethods]
impl Dn {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        ldap::Dn::parse(text).or_raise().map(Self)
    }

    /// How many parts it has.
    #[getter]
    fn depth(&self) -> usize {
        self.0.depth()
    }

    /// Whether it is `base` or lies below it.
    fn is_within(&self, base: &Self) -> bool {
        self.0.is_within(&base.0)
    }

    /// Whether it lies one level below `base`.
    fn is_child_of(&self, base: &Self) -> bool {
        self.0.is_child_of(&base.0)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Dn {}>", self.0)
    }
}

/// A search filter (RFC 4515), `str()` of which is its text. What a person typed becomes a value in it (`equals`) and never a part
/// of its text.
///
/// Raises `LdapFilterError` with the place for a text that is none.
///
///     >>> people = mke.identity.LdapFilter("(objectClass=person)")
///     >>> print(people & mke.identity.LdapFilter.equals("uid", "jane*)(uid=*"))
///     (&(objectClass=person)(uid=jane\2a\29\28uid=\2a))
#[pyclass(module = "mke.identity", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct LdapFilter(Filter);

#[pymethods]
impl LdapFilter {
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        Filter::parse(text).or_raise().map(Self)
    }

    /// The filter that every entry passes.
    #[staticmethod]
    fn everything() -> Self {
        Self(Filter::everything())
    }

    /// The filter for entries in which an attribute has this value, whatever stands in it.
    #[staticmethod]
    fn equals(attribute: &str, value: &str) -> Self {
        Self(Filter::equals(attribute, value))
    }

    fn __and__(&self, other: &Self) -> Self {
        Self(self.0.clone().and(other.0.clone()))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<LdapFilter {}>", self.0)
    }
}

/// The account name of a value of the directory. `InvalidNameError` when it cannot be one.
///
///     >>> mke.identity.account_name("Jane.DOE")
///     'jane.doe'
#[pyfunction]
pub(super) fn account_name(value: &str) -> PyResult<String> {
    ldap::account_name(value).or_raise().map(|name| name.to_string())
}

/// A text as the value of an attribute in a name.
///
///     >>> print(mke.identity.escape_dn_value("Smith, Jane"))
///     Smith\, Jane
#[pyfunction]
pub(super) fn escape_dn_value(value: &str) -> String {
    ldap::escape_dn_value(value)
}

/// A text as a value in a filter.
///
///     >>> print(mke.identity.escape_filter_value("a*b"))
///     a\2ab
#[pyfunction]
pub(super) fn escape_filter_value(value: &str) -> String {
    ldap::escape_filter_value(value)
}
