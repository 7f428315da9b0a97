//! `POST /volumes/create`.

use serde_json::Map;

use super::mount::local_options;
use crate::demand::{ObjectKind, ObjectRef, Placement, Target, Want};
use crate::engine::call::{CallError, Rewrite};
use crate::engine::draft::{Draft, labels, text};
use crate::engine::labels::{ACCESS_LABEL, check_spelling};
use crate::operation::{Modifier, ObjectType, Operation};

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    draft.node_of_name();
    let body = draft.json();
    let labels = labels(&body);
    check_spelling(labels.into_iter().flat_map(Map::keys))?;
    draft.placement = Some(Placement {
        object_type: ObjectType::Volume,
        existing: None,
        label: labels
            .and_then(|labels| labels.get(ACCESS_LABEL))
            .map(|label| text(label).to_owned()),
        // Other drivers keep their volumes outside the nodes (R41).
        node_bound: matches!(text(&body["Driver"]), "" | "local"),
    });
    draft.rewrite = Rewrite::Labels;
    if local_options(&body["Driver"], &body["DriverOpts"]) {
        draft.modifier(Modifier::LocalDriverOptions);
    }
    let name = text(&body["Name"]);
    if !name.is_empty() {
        // The Engine answers with the volume when there is one already, so that one is checked too.
        draft.want(Want::plain(
            Operation::VolumeCreateAttach,
            Target::VolumeOrWorkload(ObjectRef::new(ObjectKind::Volume, name)),
        ));
    }
    Ok(())
}
