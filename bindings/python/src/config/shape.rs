//! Files as nested tables: their values as dictionaries, and which tables and keys there are.

use mke_core::config::Step;
use mke_core::config::section::{ChildRef, Section};
use mke_core::config::{self, KeyPath, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::key::File;
use super::value as values;
use crate::convert::to_python;
use crate::errors::invalid;

/// A table with everything below it as a dictionary: unset keys are `None`, rows a list, named tables a dictionary.
pub(super) fn dict<'py>(py: Python<'py>, section: &dyn Section) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let mut result = Ok(());
    section.each_key(&mut |key| {
        let value = values::or_none(py, section.value(key.name).as_ref());
        let set = value.and_then(|value| dict.set_item(key.name, value));
        keep_first(&mut result, set);
    });
    section.each_child(&mut |child, tables| {
        let value = below(py, &tables);
        let set = value.and_then(|value| dict.set_item(child.name, value));
        keep_first(&mut result, set);
    });
    result.map(|()| dict)
}

fn below<'py>(py: Python<'py>, tables: &ChildRef<'_>) -> PyResult<Bound<'py, PyAny>> {
    match tables {
        ChildRef::Table(table) => Ok(dict(py, *table)?.into_any()),
        ChildRef::Rows(rows) => {
            let list = PyList::empty(py);
            for row in rows {
                list.append(dict(py, *row)?)?;
            }
            Ok(list.into_any())
        }
        ChildRef::Named(named) => {
            let all = PyDict::new(py);
            for (name, table) in named {
                all.set_item(name, dict(py, *table)?)?;
            }
            Ok(all.into_any())
        }
    }
}

fn keep_first(result: &mut PyResult<()>, new: PyResult<()>) {
    if result.is_ok() {
        *result = new;
    }
}

/// The tables at a path: a table or a row as a dictionary, an array of tables as a list; `None` when there is no such table.
pub(super) fn at<'py>(
    py: Python<'py>,
    section: &dyn Section,
    path: &KeyPath,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    walk(py, section, &path.0)
}

fn walk<'py>(py: Python<'py>, section: &dyn Section, steps: &[Step]) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some((first, rest)) = steps.split_first() else {
        return Ok(Some(dict(py, section)?.into_any()));
    };
    let Step::Name(name) = first else { return Ok(None) };
    let Some((_, tables)) = section.child(name) else {
        return Ok(None);
    };
    match (&tables, rest) {
        (ChildRef::Table(table), rest) => walk(py, *table, rest),
        (_, []) => below(py, &tables).map(Some),
        (ChildRef::Rows(rows), [Step::Row(row), rest @ ..]) => match rows.get(*row) {
            Some(row) => walk(py, *row, rest),
            None => Ok(None),
        },
        (ChildRef::Named(named), [Step::Name(name), rest @ ..]) => {
            match named.iter().find(|(known, _)| known == name) {
                Some((_, table)) => walk(py, *table, rest),
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// The value at a path; `None` when it is unset or no row is there.
pub(super) fn value(section: &dyn Section, steps: &[Step]) -> Option<Value> {
    let (Step::Name(name), rest) = steps.split_first()? else {
        return None;
    };
    if rest.is_empty() {
        return section.value(name);
    }
    let (_, tables) = section.child(name)?;
    match (tables, rest) {
        (ChildRef::Table(table), rest) => value(table, rest),
        (ChildRef::Rows(rows), [Step::Row(row), rest @ ..]) => value(*rows.get(*row)?, rest),
        (ChildRef::Named(tables), [Step::Name(name), rest @ ..]) => {
            let (_, table) = tables.into_iter().find(|(known, _)| known == name)?;
            value(table, rest)
        }
        _ => None,
    }
}

/// The JSON Schema (2020-12) of a file, for editors and pipelines: `"config"`, `"interlock"`, `"azure"`, or `"ldap"` for the body
/// of the directory's API.
///
///     >>> mke.config.json_schema()["title"]
///     'Configuration file'
#[pyfunction]
#[pyo3(signature = (file="config"))]
pub(super) fn json_schema<'py>(py: Python<'py>, file: &str) -> PyResult<Bound<'py, PyAny>> {
    let schema = match file {
        "config" => config::Config::json_schema(),
        "interlock" => config::Interlock::json_schema(),
        "azure" => config::AzureConfig::json_schema(),
        "ldap" => config::Ldap::json_schema(),
        other => {
            return Err(invalid(
                "file",
                &format!("one of `config`, `interlock`, `azure`, `ldap` is needed, not `{other}`"),
            ));
        }
    };
    to_python(py, &schema)
}

/// One table: where it stands, its keys with type and whether they may be unset, and the tables below it with how they stand
/// there and where.
type Table = (
    String,
    Vec<(&'static str, String, bool)>,
    Vec<(&'static str, &'static str, String)>,
);

/// Every table of a file, for the types of `mke.config_types`.
#[pyfunction]
pub(super) fn _shape(file: &str) -> PyResult<Vec<Table>> {
    let mut tables = Vec::new();
    gather(File::named(file)?.root().as_ref(), String::new(), &mut tables);
    Ok(tables)
}

fn gather(section: &dyn Section, path: String, tables: &mut Vec<Table>) {
    let (mut keys, mut children) = (Vec::new(), Vec::new());
    section.each_key(&mut |key| {
        let kind = if key.secret {
            "secret".to_owned()
        } else {
            key.kind.to_string()
        };
        keys.push((key.name, kind, section.value(key.name).is_none()));
    });
    let at = tables.len();
    section.each_child(&mut |child, found| {
        let how = match found {
            ChildRef::Table(_) => "table",
            ChildRef::Rows(_) => "rows",
            ChildRef::Named(_) => "named",
        };
        let below = if path.is_empty() {
            child.name.to_owned()
        } else {
            format!("{path}/{}", child.name)
        };
        gather((child.prototype)().as_ref(), below.clone(), tables);
        children.push((child.name, how, below));
    });
    tables.insert(at, (path, keys, children));
}
