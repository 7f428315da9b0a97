//! Puts values into a tree of objects by path.
//!
//! A path has names with dots between. `providers[provider=calico]` is the item of a list whose `provider` is
//! `calico`; it is made when it is not there.

use serde_json::{Map, Value, json};

/// Puts a value at a path below an object. What stands there already is replaced.
pub(super) fn put(tree: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            tree.insert(path.to_owned(), value);
        }
        Some((step, rest)) => {
            if let Some(below) = below(tree, step) {
                put(below, rest, value);
            }
        }
    }
}

fn below<'t>(tree: &'t mut Map<String, Value>, step: &str) -> Option<&'t mut Map<String, Value>> {
    let Some((list, item)) = step.split_once('[') else {
        return tree.entry(step).or_insert_with(|| json!({})).as_object_mut();
    };
    let (key, name) = item.trim_end_matches(']').split_once('=')?;
    let items = tree.entry(list).or_insert_with(|| json!([])).as_array_mut()?;
    let is_it = |item: &Value| item.get(key).and_then(Value::as_str) == Some(name);
    let index = items.iter().position(is_it).unwrap_or(items.len());
    if index == items.len() {
        items.push(json!({ key: name }));
    }
    items.get_mut(index)?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values meet in common objects and list items, and nothing else changes.
    #[test]
    fn paths_share_what_they_have_in_common() {
        let mut tree = Map::new();
        put(
            &mut tree,
            "network.providers[provider=calico].enabled",
            json!(true),
        );
        put(
            &mut tree,
            "network.providers[provider=custom].enabled",
            json!(false),
        );
        put(
            &mut tree,
            "network.providers[provider=calico].extraConfig.cidrV4",
            json!("10.0.0.0/16"),
        );
        put(&mut tree, "network.serviceCIDR", json!("10.1.0.0/16"));
        assert_eq!(
            Value::Object(tree),
            json!({"network": {
                "providers": [
                    {"provider": "calico", "enabled": true, "extraConfig": {"cidrV4": "10.0.0.0/16"}},
                    {"provider": "custom", "enabled": false},
                ],
                "serviceCIDR": "10.1.0.0/16",
            }})
        );
    }
}
