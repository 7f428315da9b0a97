//! Secrets and configs: creating and relabelling (R33, proxy-27).

use serde_json::{Map, Value};

use crate::demand::{ObjectFacts, Placement};
use crate::engine::call::{CallError, Rewrite};
use crate::engine::draft::{Draft, labels, text};
use crate::engine::labels::{ACCESS_LABEL, check_spelling};
use crate::engine::shape::is_zero;

/// Names of the control plane's own configs: its configuration and its licence.
const OWN_NAMES: [&str; 3] = ["com.docker.ucp.", "com.docker.mke.", "com.docker.license"];

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    place(draft, false)?;
    draft.rewrite = Rewrite::Labels;
    content(draft);
    Ok(())
}

pub(super) fn update(draft: &mut Draft, own: Option<&ObjectFacts>) -> Result<(), CallError> {
    place(draft, true)?;
    let stored = own.and_then(|own| own.spec.as_ref()).and_then(labels);
    draft.rewrite = Rewrite::Stored {
        stored: stored.cloned(),
    };
    content(draft);
    Ok(())
}

fn place(draft: &mut Draft, exists: bool) -> Result<(), CallError> {
    let body = draft.json();
    let labels = labels(&body);
    check_spelling(labels.into_iter().flat_map(Map::keys))?;
    let object_type = draft
        .wants
        .first()
        .map(|want| want.operation.object_type())
        .unwrap_or(crate::operation::ObjectType::Secret);
    draft.placement = Some(Placement {
        object_type,
        existing: draft.own.clone().filter(|_| exists),
        label: labels
            .and_then(|labels| labels.get(ACCESS_LABEL))
            .map(|label| text(label).to_owned()),
        node_bound: false,
    });
    Ok(())
}

fn content(draft: &mut Draft) {
    let body: Value = draft.json();
    let name = text(&body["Name"]);
    if OWN_NAMES.iter().any(|prefix| name.starts_with(prefix)) {
        draft.admin_only("names of the control plane's own configs and secrets are for administrators");
    }
    // Templates are filled in by the manager with facts about nodes and other secrets of the task; drivers are
    // programs on the managers.
    if !is_zero(&body["Templating"]) || !is_zero(&body["Driver"]) {
        draft.privileged();
    }
}
