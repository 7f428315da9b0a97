//! Filters of list calls. They are read and written again, and must not tell of objects that the caller may
//! not see (R50, proxy-30).

use serde_json::{Map, Value};

use crate::demand::{ObjectKind, ObjectRef};
use crate::engine::call::{CallError, Place};
use crate::engine::draft::Draft;
use crate::engine::json;
use crate::operation::Operation;

/// Largest value of `filters`, in bytes.
const MAX_FILTERS_BYTES: usize = 64 * 1024;

/// `GET /containers/json`: the filters `before` and `since` answer whether another container exists, so they need sight
/// of it.
pub(super) fn containers(draft: &mut Draft) -> Result<(), CallError> {
    filters(draft)?;
    limit(draft)?;
    for name in ["before", "since"] {
        if let Some(container) = draft.query.one(name)?.filter(|value| !value.is_empty()) {
            let container = ObjectRef::new(ObjectKind::Container, container);
            draft.refer(Operation::ContainerView, container, Place::Query(name));
        }
        for container in values(&draft.query.one("filters")?.map(str::to_owned), name)? {
            let container = ObjectRef::new(ObjectKind::Container, container);
            draft.refer(Operation::ContainerView, container, Place::Filter(name));
        }
    }
    Ok(())
}

/// A limit counts what the caller sees. To the Engine a limit also means "stopped ones too".
fn limit(draft: &mut Draft) -> Result<(), CallError> {
    let Some(value) = draft.query.one("limit")?.filter(|value| !value.is_empty()) else {
        return Ok(());
    };
    let limit = value.parse::<i64>().map_err(|_| CallError::Value {
        place: "query limit".to_owned(),
        why: "must be a whole number",
    })?;
    draft.query.retain(|name| name != "limit");
    // The client sends -1 for "no limit".
    if limit > 0 {
        draft.limit = usize::try_from(limit).ok();
        draft.query.set("all", "1".to_owned());
    }
    Ok(())
}

/// Brings the parameter `filters` to the form `{"name": ["value", …]}`.
pub(super) fn filters(draft: &mut Draft) -> Result<(), CallError> {
    let known = draft.endpoint.query.iter().any(|param| param.name() == "filters");
    let Some(raw) = draft.query.one("filters")?.filter(|raw| known && !raw.is_empty()) else {
        return Ok(());
    };
    let filters = parse(raw)?;
    let text = Value::Object(filters).to_string();
    draft.query.set("filters", text);
    Ok(())
}

fn values(filters: &Option<String>, name: &str) -> Result<Vec<String>, CallError> {
    let Some(raw) = filters.as_deref().filter(|raw| !raw.is_empty()) else {
        return Ok(Vec::new());
    };
    let filters = parse(raw)?;
    let values = filters.get(name).and_then(Value::as_array);
    Ok(values
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect())
}

/// Both forms that the Engine reads: lists, and since API 1.22 sets written as `{"value": true}`.
fn parse(raw: &str) -> Result<Map<String, Value>, CallError> {
    let wrong = || CallError::Value {
        place: "query filters".to_owned(),
        why: "must be a JSON object with lists of texts",
    };
    let Value::Object(filters) = json::parse(raw.as_bytes(), MAX_FILTERS_BYTES)? else {
        return Err(wrong());
    };
    let one = |(name, values): (String, Value)| {
        let values = match values {
            Value::Array(values) if values.iter().all(Value::is_string) => values,
            Value::Object(set) => set
                .into_iter()
                .map(|(value, on)| match on {
                    // The Engine looks at the keys only; `false` would surprise somebody.
                    Value::Bool(true) => Ok(Value::String(value)),
                    _ => Err(wrong()),
                })
                .collect::<Result<Vec<_>, _>>()?,
            _ => return Err(wrong()),
        };
        Ok((name, Value::Array(values)))
    };
    filters.into_iter().map(one).collect()
}
