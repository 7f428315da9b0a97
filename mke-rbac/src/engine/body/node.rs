//! `POST /nodes/{id}/update` (R46, proxy-28).

use serde_json::{Map, Value};

use crate::demand::{ObjectFacts, Placement};
use crate::engine::call::{CallError, Rewrite};
use crate::engine::draft::{Draft, labels, text};
use crate::engine::labels::{ACCESS_LABEL, PRODUCT_PREFIX, check_spelling, is_system};
use crate::operation::ObjectType;

pub(super) fn update(draft: &mut Draft, own: Option<&ObjectFacts>) -> Result<(), CallError> {
    let body = draft.json();
    let sent = labels(&body);
    check_spelling(sent.into_iter().flat_map(Map::keys))?;
    let spec = own.and_then(|own| own.spec.as_ref());
    let stored = spec.and_then(labels);
    let label = |labels: Option<&Map<String, Value>>, key: &str| {
        labels
            .and_then(|labels| labels.get(key))
            .map(|label| text(label).to_owned())
    };
    let stored_role = spec.map(|spec| text(&spec["Role"]));
    if stored_role != Some(text(&body["Role"])) {
        draft.admin_only("the role of a node is changed by administrators");
    }
    let product_labels = sent
        .into_iter()
        .chain(stored)
        .flat_map(Map::keys)
        .filter(|key| key.starts_with(PRODUCT_PREFIX));
    for key in product_labels {
        // The control plane writes these itself; what was sent for them does not count.
        let written = is_system(key) || (key == ACCESS_LABEL && label(sent, key).is_none());
        if !written && label(sent, key) != label(stored, key) {
            draft.admin_only("labels of the product on nodes are changed by administrators");
        }
    }
    draft.placement = Some(Placement {
        object_type: ObjectType::Node,
        existing: draft.own.clone(),
        label: label(sent, ACCESS_LABEL),
        node_bound: false,
    });
    draft.rewrite = Rewrite::Stored {
        stored: stored.cloned(),
    };
    Ok(())
}
