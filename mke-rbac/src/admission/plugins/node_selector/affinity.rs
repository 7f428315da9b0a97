//! Keeps a pod off managers by a required node affinity, whatever affinity it brings itself.

use serde_json::{Value, json};

use super::{MANAGER, text};
use crate::admission::read::{Unreadable, array_in, object_at};

const REQUIRED: [&str; 4] = [
    "spec",
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
];

/// Adds the condition to every alternative; says whether anything was added.
pub(super) fn keep_off_managers(pod: &mut Value) -> Result<bool, Unreadable> {
    let condition = json!({"key": MANAGER, "operator": "DoesNotExist"});
    let terms = array_in(object_at(pod, &REQUIRED)?, "nodeSelectorTerms")?;
    if terms.is_empty() {
        terms.push(json!({"matchExpressions": [condition]}));
        return Ok(true);
    }
    let mut added = false;
    for term in terms {
        let term = object_at(term, &[])?;
        // A term without conditions selects no node at all.
        let conditions = ["matchExpressions", "matchFields"];
        if conditions
            .iter()
            .all(|field| term.get(*field).is_none_or(is_nothing))
        {
            continue;
        }
        let expressions = array_in(term, "matchExpressions")?;
        let known =
            |found: &Value| text(found, "key") == MANAGER && text(found, "operator") == "DoesNotExist";
        if !expressions.iter().any(known) {
            expressions.push(condition.clone());
            added = true;
        }
    }
    Ok(added)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
