//! `POST /containers/{id}/exec`. Starting, resizing and inspecting an instance need the same operation on its container
//! each time; the table says so (proxy-20).

use serde_json::Value;

use crate::engine::call::{CallBody, CallError};
use crate::engine::draft::Draft;

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    if draft.json()["Privileged"] == true {
        draft.privileged();
    }
    if let CallBody::Json(Value::Object(body)) = &mut draft.body {
        // Older clients repeat the container here; the path counts.
        body.remove("Container");
    }
    Ok(())
}
