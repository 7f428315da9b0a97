//! What stands at a path of a TOML text, and the pieces of text that edits of values need.

use std::ops::Range;

use toml_edit::{InlineTable, Item, Table, Value as TomlValue};

use super::document::EditError;
use super::path::{KeyPath, Step};

/// What stands at a path.
pub(super) enum Walk<'d> {
    /// A value, and where.
    Value(Range<usize>),
    /// A table with a header, or one that is written with dotted keys.
    Table(&'d Table),
    /// An array of tables.
    Rows(Vec<&'d Table>),
    /// Nothing: the nearest table around it, the inline table in that if there is one, and the steps done to it.
    Nothing {
        table: &'d Table,
        /// The nearest table with a header of its own, or the root, and the steps done to that.
        home: (&'d Table, usize),
        inline: Option<(&'d InlineTable, Range<usize>)>,
        done: usize,
    },
    /// A value stands in the way.
    Blocked,
}

pub(super) fn walk<'d>(root: &'d Table, steps: &[Step]) -> Walk<'d> {
    let (mut table, mut done) = (root, 0);
    let mut home = (root, 0);
    let mut rest = steps;
    loop {
        if !table.is_dotted() {
            home = (table, done);
        }
        let [Step::Name(name), after @ ..] = rest else {
            return if rest.is_empty() {
                Walk::Table(table)
            } else {
                Walk::Blocked
            };
        };
        let nothing = Walk::Nothing {
            table,
            home,
            inline: None,
            done,
        };
        match (table.get(name), after) {
            (None | Some(Item::None), _) => return nothing,
            (Some(Item::Table(inner)), after) => (table, rest) = (inner, after),
            (Some(Item::ArrayOfTables(rows)), []) => return Walk::Rows(rows.iter().collect()),
            (Some(Item::ArrayOfTables(rows)), [Step::Row(row), after @ ..]) => match rows.get(*row) {
                Some(inner) => {
                    (table, rest) = (inner, after);
                    done += 1;
                }
                None => return nothing,
            },
            (Some(Item::ArrayOfTables(_)), _) => return Walk::Blocked,
            (Some(Item::Value(value)), after) => return walk_value(home, value, after, done + 1),
        }
        done += 1;
    }
}

pub(super) fn walk_value<'d>(
    home: (&'d Table, usize),
    value: &'d TomlValue,
    steps: &[Step],
    done: usize,
) -> Walk<'d> {
    let (mut value, mut rest, mut done) = (value, steps, done);
    loop {
        match (rest, value) {
            ([], value) => return value.span().map_or(Walk::Blocked, Walk::Value),
            ([Step::Name(name), after @ ..], TomlValue::InlineTable(inner)) => {
                match (inner.get(name), inner.span()) {
                    (Some(inner), _) => (value, rest) = (inner, after),
                    (None, Some(span)) => {
                        return Walk::Nothing {
                            table: home.0,
                            home,
                            inline: Some((inner, span)),
                            done,
                        };
                    }
                    (None, None) => return Walk::Blocked,
                }
            }
            ([Step::Row(row), after @ ..], TomlValue::Array(items)) => match items.get(*row) {
                Some(inner) => (value, rest) = (inner, after),
                None => return Walk::Blocked,
            },
            _ => return Walk::Blocked,
        }
        done += 1;
    }
}

/// The keys of a table that stand below its own header, with the places of key and value; dotted keys too.
pub(super) fn direct_values(table: &Table) -> Vec<(Range<usize>, Range<usize>)> {
    let mut values = Vec::new();
    for (name, item) in table.iter() {
        match item {
            Item::Value(value) => {
                if let (Some(key), Some(value)) =
                    (table.key(name).and_then(toml_edit::Key::span), value.span())
                {
                    values.push((key, value));
                }
            }
            Item::Table(inner) if inner.is_dotted() => values.extend(direct_values(inner)),
            _ => {}
        }
    }
    values
}

/// An inline table with one more key.
pub(super) fn with(
    inline: &InlineTable,
    steps: &[Step],
    value: &TomlValue,
    path: &KeyPath,
) -> Result<String, EditError> {
    let mut value = value.clone();
    let (Some(Step::Name(first)), rest) = (steps.first(), steps.get(1..).unwrap_or(&[])) else {
        return Err(EditError::NotATable(path.to_string()));
    };
    for step in rest.iter().rev() {
        let Step::Name(name) = step else {
            return Err(EditError::NotATable(path.to_string()));
        };
        let mut outer = InlineTable::new();
        outer.insert(name, value);
        value = outer.into();
    }
    let mut inline = inline.clone();
    inline.insert(first, value);
    inline.decor_mut().clear();
    Ok(TomlValue::from(inline).to_string())
}

/// The edit that takes a key out of the inline table that holds it.
pub(super) fn without(root: &Table, steps: &[Step]) -> Option<(Range<usize>, String)> {
    let (Step::Name(name), parents) = steps.split_last()? else {
        return None;
    };
    // One step more than the inline table has: the walk ends in it.
    let mut probe = parents.to_vec();
    probe.push(Step::Name(String::new()));
    let Walk::Nothing {
        inline: Some((inline, span)),
        ..
    } = walk(root, &probe)
    else {
        return None;
    };
    let mut inline = inline.clone();
    inline.remove(name)?;
    inline.decor_mut().clear();
    Some((span, TomlValue::from(inline).to_string()))
}

/// Whether the text of a value means the same as `value`.
pub(super) fn same(text: &str, value: &TomlValue) -> bool {
    text.parse::<TomlValue>().is_ok_and(|there| equal(&there, value))
}

pub(super) fn equal(a: &TomlValue, b: &TomlValue) -> bool {
    match (a, b) {
        (TomlValue::String(a), TomlValue::String(b)) => a.value() == b.value(),
        (TomlValue::Integer(a), TomlValue::Integer(b)) => a.value() == b.value(),
        (TomlValue::Boolean(a), TomlValue::Boolean(b)) => a.value() == b.value(),
        (TomlValue::Array(a), TomlValue::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (TomlValue::InlineTable(a), TomlValue::InlineTable(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => false,
    }
}
