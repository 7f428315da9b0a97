//! Lists of containers. They are long and are asked for all the time, so an item is taken apart only when something in
//! it has to be changed; all others are passed on as the engine wrote them.

use std::sync::Arc;
use std::time::Instant;

use mke_rbac::demand::ObjectKind;
use mke_rbac::engine::answer::{self, Viewer};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::answer::Wanted;
use super::{ports, system};
use crate::fleet::container::Container;

/// What of an item decides whether it is shown, and whether it is changed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Glance<'l> {
    #[serde(default)]
    names: Value,
    #[serde(default)]
    labels: Value,
    #[serde(borrow, default)]
    ports: Option<&'l RawValue>,
}

/// Filters the engine's list for a viewer.
///
/// # Errors
/// When it is not a list of containers.
pub(super) fn visible(list: &[u8], wanted: Wanted, viewer: &Viewer<'_>) -> serde_json::Result<Vec<u8>> {
    let items: Option<Vec<&RawValue>> = serde_json::from_slice(list)?;
    let mut shown = Vec::with_capacity(list.len());
    let mut left = wanted.limit.unwrap_or(usize::MAX);
    shown.push(b'[');
    for item in items.unwrap_or_default() {
        if left == 0 {
            break;
        }
        let glance: Glance<'_> = serde_json::from_str(item.get())?;
        let twins = glance
            .ports
            .is_some_and(|ports| ports::may_hold_twins(ports.get()));
        let labelled = Value::Object(Map::from_iter([
            ("Names".to_owned(), glance.names),
            ("Labels".to_owned(), glance.labels),
        ]));
        let hidden = !wanted.all && system::is_system(&labelled, viewer.policy);
        if hidden || !answer::shows(ObjectKind::Container, &labelled, viewer) {
            continue;
        }
        left -= 1;
        if shown.len() > 1 {
            shown.push(b',');
        }
        if viewer.admin && !twins {
            shown.extend_from_slice(item.get().as_bytes());
        } else {
            changed(serde_json::from_str(item.get())?, viewer, &mut shown)?;
        }
    }
    shown.push(b']');
    Ok(shown)
}

/// Filters the containers of several nodes for a viewer. They come in the order in which they are shown.
///
/// # Errors
/// When an item cannot be written out.
pub(super) fn visible_of_nodes(
    list: &[Arc<Container>],
    now: Instant,
    wanted: Wanted,
    viewer: &Viewer<'_>,
) -> serde_json::Result<Vec<u8>> {
    let mut shown = vec![b'['];
    let mut left = wanted.limit.unwrap_or(usize::MAX);
    for item in list {
        if left == 0 {
            break;
        }
        // Most are looked at only to see that nothing hides them.
        if !viewer.admin || !wanted.all {
            let glance = item.glance();
            let hidden = !wanted.all && system::is_system(&glance, viewer.policy);
            if hidden || !answer::shows(ObjectKind::Container, &glance, viewer) {
                continue;
            }
        }
        left -= 1;
        if shown.len() > 1 {
            shown.push(b',');
        }
        if viewer.admin && !item.twins {
            item.write(&mut shown, now);
        } else {
            changed(item.value(now)?, viewer, &mut shown)?;
        }
    }
    shown.push(b']');
    Ok(shown)
}

/// Adds a container that is not shown as the engine wrote it.
fn changed(mut container: Value, viewer: &Viewer<'_>, shown: &mut Vec<u8>) -> serde_json::Result<()> {
    ports::once_in_list_item(&mut container);
    serde_json::to_writer(shown, &answer::inspect(ObjectKind::Container, container, viewer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::ids::CollectionId;
    use mke_rbac::Policy;
    use mke_rbac::demand::Home;
    use mke_rbac::model::Model;
    use serde_json::json;

    fn filtered(admin: bool, wanted: Wanted) -> Value {
        let container = |name: &str, collection: &str, ports: Value| json!({ "Names": [name], "Ports": ports, "Labels": { "com.docker.ucp.collection": collection } });
        let port = |ip: &str| json!({ "IP": ip, "PrivatePort": 80, "PublicPort": 80, "Type": "tcp" });
        let list = json!([
            container("/ucp-proxy", "system", json!([])),
            container("/a", "shared", json!([port("0.0.0.0"), port("::")])),
            container("/b", "system", json!([])),
            container("/c", "shared", json!(null)),
        ]);
        let policy = Policy::compile(Model::with_builtin_collections());
        let viewer = Viewer {
            policy: &policy,
            may: &|_, home| *home == Home::Collection(CollectionId::new("shared")),
            look_up: &|_| None,
            admin,
        };
        let shown = visible(list.to_string().as_bytes(), wanted, &viewer).unwrap();
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        for item in shown.as_array().unwrap() {
            assert!(
                item["Ports"].as_array().is_none_or(|ports| ports.len() <= 1),
                "{item}"
            );
        }
        let names = shown.as_array().unwrap().iter();
        names.map(|item| item["Names"][0].clone()).collect()
    }

    /// R50, DAPI-006, DAPI-008: each sees its own, the control plane's on request only, ports once; a limit counts
    /// what is shown.
    #[test]
    fn lists_of_containers() {
        let all = Wanted {
            all: true,
            limit: None,
        };
        let two = Wanted {
            all: true,
            limit: Some(2),
        };
        assert_eq!(filtered(true, Wanted::default()), json!(["/a", "/b", "/c"]));
        assert_eq!(filtered(true, all), json!(["/ucp-proxy", "/a", "/b", "/c"]));
        assert_eq!(filtered(true, two), json!(["/ucp-proxy", "/a"]));
        assert_eq!(filtered(false, all), json!(["/a", "/c"]));
        assert_eq!(
            filtered(
                false,
                Wanted {
                    limit: Some(0),
                    ..all
                }
            ),
            json!([])
        );
    }
}
