//! Changes in part (RFC 7644, section 3.5.2) of a document, all or none.
//!
//! What real clients send beyond the RFC is taken where it has one meaning: operations in any capitals, no operation
//! for `add`, a list of members to remove as the value of `remove`, members with `"operation": "delete"`, names with
//! dots as members of a value, and a body that is the changed attributes themselves (SCIM-011, scim-08).

use serde_json::{Map, Value};

use super::document::{self, Document, MAX_MULTI, invalid, is_primary, read_value};
use super::error::{ScimError, ScimType};
use super::json;
use super::path::{self, Path};
use super::schema::{Attribute, Mutability, Schema};

/// Most operations of one request. Judgement: what a directory sends in one go.
pub(super) const MAX_OPERATIONS: usize = 1000;

const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Remove,
    Replace,
}

/// One operation, checked against the schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    pub(super) op: Op,
    pub(super) path: Option<Path>,
    pub(super) value: Value,
}

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

/// Reads the operations of a body.
///
/// # Errors
///
/// 400 for anything that is no operation on an attribute of the schema, and for more than [`MAX_OPERATIONS`].
pub(super) fn read(schema: &Schema, body: &Map<String, Value>) -> Result<Vec<Operation>, ScimError> {
    let Some(operations) = json::member(body, "Operations") else {
        // The short form: the body holds the attributes.
        document::check_schemas(schema.urn, body).or_else(|_| document::check_schemas(SCHEMA, body))?;
        return Ok(vec![Operation {
            op: Op::Add,
            path: None,
            value: Value::Object(body.clone()),
        }]);
    };
    document::check_schemas(SCHEMA, body)?;
    let operations = operations
        .as_array()
        .filter(|operations| !operations.is_empty())
        .ok_or_else(|| syntax("`Operations` must be an array of operations"))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(ScimError::bad(
            ScimType::TooMany,
            format!(
                "{} operations, at most {MAX_OPERATIONS} are done at once",
                operations.len()
            ),
        ));
    }
    operations
        .iter()
        .map(|operation| {
            let operation = operation
                .as_object()
                .ok_or_else(|| syntax("an operation must be an object"))?;
            read_one(schema, operation)
        })
        .collect()
}

fn read_one(schema: &Schema, operation: &Map<String, Value>) -> Result<Operation, ScimError> {
    let op = match json::member(operation, "op") {
        None => Op::Add,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("add") => Op::Add,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("remove") => Op::Remove,
        Some(Value::String(op)) if op.eq_ignore_ascii_case("replace") => Op::Replace,
        Some(_) => return Err(syntax("`op` must be add, remove or replace")),
    };
    let path = match json::member(operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(path::parse(schema, text)?),
        Some(_) => return Err(ScimError::bad(ScimType::InvalidPath, "`path` must be a text")),
    };
    let value = json::member(operation, "value").cloned().unwrap_or_default();
    match (op, &path, &value) {
        // Without a path everything would go (scim-10).
        (Op::Remove, None, _) => Err(ScimError::bad(
            ScimType::NoTarget,
            "remove needs a `path` that says what to remove",
        )),
        (Op::Add | Op::Replace, _, Value::Null) => Err(ScimError::bad(
            ScimType::InvalidValue,
            "add and replace need a `value`",
        )),
        (Op::Add | Op::Replace, None, value) if !value.is_object() => Err(ScimError::bad(
            ScimType::InvalidValue,
            "without a `path` the value must be an object of attributes",
        )),
        _ => Ok(Operation { op, path, value }),
    }
}

/// Applies operations one after the other.
///
/// # Errors
///
/// 400 when one of them cannot be applied. The document is then to be thrown away.
pub(super) fn apply(
    schema: &Schema,
    document: &mut Document,
    operations: &[Operation],
) -> Result<(), ScimError> {
    for operation in operations {
        match &operation.path {
            Some(path) => at_path(document, operation.op, path, &operation.value)?,
            None => {
                for (name, value) in operation.value.as_object().into_iter().flatten() {
                    let Ok(path) = path::parse(schema, name) else {
                        // Clients send whole resources here: `id` and what is not kept.
                        continue;
                    };
                    let op = if value.is_null() { Op::Remove } else { operation.op };
                    at_path(document, op, &path, value)?;
                }
            }
        }
    }
    Ok(())
}

fn at_path(document: &mut Document, op: Op, path: &Path, value: &Value) -> Result<(), ScimError> {
    let attribute = path.attribute;
    match (path.part, &path.filter) {
        (None, None) if attribute.multi_valued => many(document, op, attribute, value)?,
        (None, None) => one(document, op, attribute, value)?,
        (Some(part), None) if !attribute.multi_valued => {
            let inner = document
                .entry(attribute.name)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(parts) = inner.as_object_mut() {
                set_part(parts, op, part, value)?;
            }
        }
        (Some(part), None) => {
            return Err(ScimError::bad(
                ScimType::InvalidPath,
                format!(
                    "say of which of the `{}` the `{}` is meant: {}[…].{}",
                    attribute.name, part.name, attribute.name, part.name
                ),
            ));
        }
        (_, Some(_)) => chosen(document, op, path, value)?,
    }
    // What is empty is absent.
    let is_empty = document.get(attribute.name).is_some_and(|value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => false,
    });
    if is_empty || document.get(attribute.name).is_some_and(Value::is_null) {
        document.remove(attribute.name);
    }
    Ok(())
}

/// The whole of a single-valued attribute. Parts that are not named stay as they are.
fn one(document: &mut Document, op: Op, attribute: &Attribute, value: &Value) -> Result<(), ScimError> {
    if op == Op::Remove {
        document.remove(attribute.name);
        return Ok(());
    }
    if let (true, Some(parts)) = (attribute.is_complex(), value.as_object()) {
        let inner = document
            .entry(attribute.name)
            .or_insert_with(|| Value::Object(Map::new()));
        for (name, value) in parts {
            if let (Some(part), Some(inner)) = (attribute.part(name), inner.as_object_mut()) {
                let op = if value.is_null() { Op::Remove } else { op };
                set_part(inner, op, part, value)?;
            }
        }
        return Ok(());
    }
    match read_value(attribute, value)? {
        Some(value) => document.insert(attribute.name.to_owned(), value),
        None => document.remove(attribute.name),
    };
    Ok(())
}

fn set_part(
    parts: &mut Map<String, Value>,
    op: Op,
    part: &Attribute,
    value: &Value,
) -> Result<(), ScimError> {
    let new = if op == Op::Remove {
        None
    } else {
        read_value(part, value)?
    };
    match new {
        Some(new) => parts.insert(part.name.to_owned(), new),
        None => parts.shift_remove(part.name),
    };
    Ok(())
}

/// All values of a multi-valued attribute.
fn many(document: &mut Document, op: Op, attribute: &Attribute, value: &Value) -> Result<(), ScimError> {
    let (gone, new) = deletions(value);
    match op {
        Op::Remove if value.is_null() => {
            document.remove(attribute.name);
        }
        // Some clients say in the value what to remove; taking away all then would be a disaster (scim-10).
        Op::Remove => {
            let named = texts(attribute, read_value(attribute, value)?);
            remove_named(document, attribute, &named);
        }
        Op::Add | Op::Replace => {
            let gone = texts(attribute, read_value(attribute, &gone)?);
            let new = match read_value(attribute, &new)? {
                Some(Value::Array(new)) => new,
                _ => Vec::new(),
            };
            if op == Op::Replace && gone.is_empty() {
                document.remove(attribute.name);
            }
            append(document, attribute, new)?;
            remove_named(document, attribute, &gone);
        }
    }
    Ok(())
}

/// Tells objects with `"operation": "delete"` from the others.
fn deletions(value: &Value) -> (Value, Value) {
    let items = match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    let (gone, new): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| {
        item.as_object()
            .and_then(|item| json::member(item, "operation"))
            .and_then(Value::as_str)
            .is_some_and(|operation| operation.eq_ignore_ascii_case("delete"))
    });
    (Value::Array(gone), Value::Array(new))
}

/// The parts `value` of values.
fn texts(attribute: &Attribute, values: Option<Value>) -> std::collections::HashSet<String> {
    let text = |item: &Value| {
        item.get("value")
            .and_then(Value::as_str)
            .map(|text| key(attribute, text))
    };
    let values = values.as_ref().and_then(Value::as_array);
    values.into_iter().flatten().filter_map(text).collect()
}

/// A text by which values of an attribute are told apart.
fn key(attribute: &Attribute, text: &str) -> String {
    match attribute.part("value") {
        Some(part) if part.case_exact => text.to_owned(),
        _ => super::schema::fold(text),
    }
}

fn remove_named(document: &mut Document, attribute: &Attribute, named: &std::collections::HashSet<String>) {
    if named.is_empty() {
        return;
    }
    if let Some(Value::Array(items)) = document.get_mut(attribute.name) {
        items.retain(|item| {
            let text = item.get("value").and_then(Value::as_str);
            !text.is_some_and(|text| named.contains(&key(attribute, text)))
        });
    }
}

/// Adds values that are not there yet. Values that cannot change (members) are the same when their `value` is.
fn append(document: &mut Document, attribute: &Attribute, new: Vec<Value>) -> Result<(), ScimError> {
    let place = document
        .entry(attribute.name)
        .or_insert_with(|| Value::Array(Vec::new()));
    let Some(items) = place.as_array_mut() else {
        return Ok(());
    };
    let by_value = attribute
        .part("value")
        .is_some_and(|part| part.mutability == Mutability::Immutable);
    let identity = |item: &Value| match (by_value, item.get("value").and_then(Value::as_str)) {
        (true, Some(text)) => key(attribute, text),
        _ => item.to_string(),
    };
    let mut known: std::collections::HashSet<String> = items.iter().map(identity).collect();
    for item in new {
        if known.insert(identity(&item)) {
            if is_primary(&item) {
                no_other_primary(items);
            }
            items.push(item);
        }
    }
    if items.len() > MAX_MULTI {
        return Err(invalid(
            attribute,
            &format!("must have at most {MAX_MULTI} values"),
        ));
    }
    Ok(())
}

/// A new preferred value takes the place of the old one (RFC 7644, section 3.5.2).
fn no_other_primary(items: &mut [Value]) {
    for item in items.iter_mut().filter(|item| is_primary(item)) {
        item["primary"] = Value::Bool(false);
    }
}

/// The values that a filter chooses.
fn chosen(document: &mut Document, op: Op, path: &Path, value: &Value) -> Result<(), ScimError> {
    let attribute = path.attribute;
    let Some(filter) = &path.filter else {
        return Ok(());
    };
    let mut items = match document.remove(attribute.name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let is_chosen = |item: &Value| item.as_object().is_some_and(|item| filter.passes(item));
    let any = items.iter().any(is_chosen);
    match op {
        Op::Remove => match path.part {
            None => items.retain(|item| !is_chosen(item)),
            Some(part) => {
                changeable(part)?;
                for item in items.iter_mut().filter(|item| is_chosen(item)) {
                    if let Some(parts) = item.as_object_mut() {
                        set_part(parts, op, part, value)?;
                    }
                }
            }
        },
        Op::Replace if !any => {
            return Err(ScimError::bad(
                ScimType::NoTarget,
                format!("the filter chooses none of the `{}`", attribute.name),
            ));
        }
        Op::Add if !any => {
            // `add` to `emails[type eq "work"].value` makes a work address when there is none.
            let mut new = filter.as_value().ok_or_else(|| {
                ScimError::bad(
                    ScimType::NoTarget,
                    format!(
                        "the filter chooses none of the `{}` and does not say what to add",
                        attribute.name
                    ),
                )
            })?;
            write(&mut new, attribute, path.part, value)?;
            let new = Value::Object(new);
            if is_primary(&new) {
                no_other_primary(&mut items);
            }
            items.push(new);
        }
        Op::Add | Op::Replace => {
            let places: Vec<usize> = (0..items.len())
                .filter(|place| items.get(*place).is_some_and(is_chosen))
                .collect();
            for place in places {
                let Some(mut parts) = items.get(place).and_then(Value::as_object).cloned() else {
                    continue;
                };
                if let Some(part) = path.part {
                    changeable(part)?;
                } else {
                    attribute.parts().iter().try_for_each(changeable)?;
                }
                if op == Op::Replace && path.part.is_none() {
                    parts.clear();
                }
                let was_primary = items.get(place).is_some_and(is_primary);
                write(&mut parts, attribute, path.part, value)?;
                let new = Value::Object(parts);
                if is_primary(&new) && !was_primary {
                    no_other_primary(&mut items);
                }
                if let Some(item) = items.get_mut(place) {
                    *item = new;
                }
            }
        }
    }
    // Read again: what a change leaves must be a valid value too.
    if let Some(items) = read_value(attribute, &Value::Array(items))? {
        document.insert(attribute.name.to_owned(), items);
    }
    Ok(())
}

fn write(
    parts: &mut Map<String, Value>,
    attribute: &Attribute,
    part: Option<&Attribute>,
    value: &Value,
) -> Result<(), ScimError> {
    if let Some(part) = part {
        return set_part(parts, Op::Replace, part, value);
    }
    let Some(members) = value.as_object() else {
        return Err(invalid(attribute, "must be an object"));
    };
    for (name, value) in members {
        if let Some(part) = attribute.part(name) {
            set_part(parts, Op::Replace, part, value)?;
        }
    }
    Ok(())
}

/// Parts of a member are given once.
fn changeable(part: &Attribute) -> Result<(), ScimError> {
    if part.mutability == Mutability::ReadWrite {
        return Ok(());
    }
    Err(ScimError::bad(
        ScimType::Mutability,
        format!(
            "`{}` cannot be changed; remove the value and add another",
            part.name
        ),
    ))
}
