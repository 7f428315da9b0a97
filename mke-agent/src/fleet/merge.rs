//! How lists of several nodes become one. Pure.
//!
//! Containers, volumes and networks of one node carry its name; what belongs to the swarm is shown once; an image that
//! several nodes have is one image.

use std::collections::{BTreeMap, HashMap};

use mke_rbac::demand::{Home, ObjectKind};
use mke_rbac::engine::answer::{self, Viewer};
use serde_json::{Map, Value, json};

/// The images of all nodes, newest first. Names and digests are those of all nodes together.
pub fn images<'v>(lists: impl IntoIterator<Item = &'v Value>) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for image in lists {
        let id = image["Id"].as_str().unwrap_or_default().to_owned();
        match known.get(&id).and_then(|position| merged.get_mut(*position)) {
            None => {
                known.insert(id, merged.len());
                merged.push(image.clone());
            }
            Some(first) => {
                for names in ["RepoTags", "RepoDigests"] {
                    if let Value::Array(more) = &image[names] {
                        join(&mut first[names], more);
                    }
                }
            }
        }
    }
    for image in &mut merged {
        without_placeholders(image);
    }
    merged.sort_by_key(|image| std::cmp::Reverse(image["Created"].as_i64().unwrap_or(0)));
    merged
}

fn join(names: &mut Value, more: &[Value]) {
    match names {
        Value::Array(names) => {
            for name in more {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        _ => *names = Value::Array(more.to_vec()),
    }
}

/// An engine writes `<none>:<none>` where there is no name; beside a name it says nothing.
fn without_placeholders(image: &mut Value) {
    for (list, none) in [("RepoTags", "<none>:<none>"), ("RepoDigests", "<none>@<none>")] {
        if let Some(Value::Array(names)) = image.get_mut(list)
            && names.iter().any(|name| *name != none)
        {
            names.retain(|name| *name != none);
        }
    }
}

/// What of the volumes of all nodes a viewer sees, with the name of the node before each. A volume that lies elsewhere on
/// another node is for administrators (R38).
pub fn volumes(items: Vec<(String, Value)>, viewer: &Viewer<'_>) -> Vec<Value> {
    let mut homes: HashMap<String, Option<Home>> = HashMap::new();
    for (_, item) in &items {
        let home = answer::home(ObjectKind::Volume, item, viewer);
        let name = item["Name"].as_str().unwrap_or_default().to_owned();
        homes
            .entry(name)
            .and_modify(|first| {
                if first.as_ref() != Some(&home) {
                    *first = None;
                }
            })
            .or_insert(Some(home));
    }
    let agreed = |item: &Value| {
        let name = item["Name"].as_str().unwrap_or_default();
        matches!(homes.get(name), Some(Some(_)))
    };
    items
        .into_iter()
        .filter(|(_, item)| viewer.admin || agreed(item))
        .filter(|(_, item)| answer::shows(ObjectKind::Volume, item, viewer))
        .map(|(node, item)| {
            let mut item = answer::inspect(ObjectKind::Volume, item, viewer);
            if item["Scope"] != "global" {
                prefix(&mut item, &node);
            }
            item
        })
        .fold(Vec::new(), |mut shown, item| {
            // Drivers that keep their volumes outside of the nodes list them on each.
            if item["Scope"] != "global" || !shown.contains(&item) {
                shown.push(item);
            }
            shown
        })
}

/// What of the networks a viewer sees. `manager` says which node's view of the swarm's networks counts.
pub fn networks(items: Vec<(String, Value)>, manager: Option<&str>, viewer: &Viewer<'_>) -> Vec<Value> {
    let mut of_swarm: BTreeMap<String, bool> = BTreeMap::new();
    for (node, item) in &items {
        if is_swarm(item) {
            let here = manager == Some(node.as_str());
            let id = item["Id"].as_str().unwrap_or_default().to_owned();
            let known = of_swarm.entry(id).or_default();
            *known |= here;
        }
    }
    let mut shown = Vec::new();
    for (node, item) in items {
        let swarm = is_swarm(&item);
        if swarm {
            let id = item["Id"].as_str().unwrap_or_default();
            let at_manager = of_swarm.get(id).copied();
            let here = manager == Some(node.as_str());
            match at_manager {
                Some(true) if !here => continue,
                None => continue,
                _ => {}
            }
            of_swarm.remove(id);
        }
        if !answer::shows(ObjectKind::Network, &item, viewer) {
            continue;
        }
        let mut item = answer::inspect(ObjectKind::Network, item, viewer);
        if !swarm {
            prefix(&mut item, &node);
        }
        shown.push(item);
    }
    shown
}

/// Whether a network belongs to the swarm and not to a node.
pub fn is_swarm(network: &Value) -> bool {
    matches!(network["Scope"].as_str(), Some("swarm" | "global"))
}

/// Writes the node before the name of an object.
pub fn prefix(object: &mut Value, node: &str) {
    if let Some(name) = object["Name"].as_str() {
        let name = format!("{node}/{}", name.trim_start_matches('/'));
        object["Name"] = Value::from(name);
    }
}

/// The answers of several engines to a prune call as one: lists are joined, numbers added.
pub fn sums(answers: impl IntoIterator<Item = Value>) -> Value {
    let mut sum = Map::new();
    for answer in answers {
        let Value::Object(answer) = answer else { continue };
        for (key, value) in answer {
            let slot = sum.entry(key).or_insert(Value::Null);
            match (&mut *slot, value) {
                (Value::Array(all), Value::Array(more)) => all.extend(more),
                (Value::Number(all), Value::Number(more)) => {
                    let total = all
                        .as_i64()
                        .unwrap_or(0)
                        .saturating_add(more.as_i64().unwrap_or(0));
                    *slot = json!(total);
                }
                (Value::Null, value) => *slot = value,
                _ => {}
            }
        }
    }
    Value::Object(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_core::ids::CollectionId;
    use mke_rbac::Policy;
    use mke_rbac::model::Model;

    fn look<T>(admin: bool, look: impl FnOnce(&Viewer<'_>) -> T) -> T {
        let policy = Policy::compile(Model::with_builtin_collections());
        look(&Viewer {
            policy: &policy,
            may: &|_, home| *home == Home::Collection(CollectionId::new("shared")),
            look_up: &|_| None,
            admin,
        })
    }

    fn names(items: &[Value]) -> Vec<&str> {
        items.iter().map(|item| item["Name"].as_str().unwrap()).collect()
    }

    /// DAPI-002: one image of several nodes is one image, with all its names.
    #[test]
    fn images_are_merged_by_id() {
        let lists = [
            json!({ "Id": "a", "Created": 1, "RepoTags": ["web:1"], "RepoDigests": null }),
            json!({ "Id": "b", "Created": 2, "RepoTags": ["<none>:<none>"] }),
            json!({ "Id": "a", "Created": 1, "RepoTags": ["web:1", "web:2"], "RepoDigests": ["web@x"] }),
            json!({ "Id": "b", "Created": 2, "RepoTags": ["db:1"] }),
            json!({ "Id": "c", "Created": 0, "RepoTags": ["<none>:<none>"] }),
        ];
        assert_eq!(
            images(&lists),
            [
                json!({ "Id": "b", "Created": 2, "RepoTags": ["db:1"] }),
                json!({ "Id": "a", "Created": 1, "RepoTags": ["web:1", "web:2"], "RepoDigests": ["web@x"] }),
                json!({ "Id": "c", "Created": 0, "RepoTags": ["<none>:<none>"] }),
            ]
        );
    }

    /// DAPI-002, R38: volumes of each node, and nobody but administrators sees those that nodes disagree about.
    #[test]
    fn volumes_of_each_node() {
        let volume = |name: &str, home: &str| json!({ "Name": name, "Scope": "local", "Labels": { "com.docker.ucp.collection": home } });
        let on = |node: &str, item: Value| (node.to_owned(), item);
        let mut shared = volume("everywhere", "shared");
        shared["Scope"] = json!("global");
        let items = vec![
            on("n1", volume("data", "shared")),
            on("n2", volume("data", "shared")),
            on("n1", volume("torn", "shared")),
            on("n2", volume("torn", "system")),
            on("n2", volume("other", "system")),
            on("n1", shared.clone()),
            on("n2", shared),
        ];
        look(false, |viewer| {
            let shown = volumes(items.clone(), viewer);
            assert_eq!(names(&shown), ["n1/data", "n2/data", "everywhere"]);
        });
        look(true, |viewer| {
            let shown = volumes(items.clone(), viewer);
            assert_eq!(
                names(&shown),
                [
                    "n1/data",
                    "n2/data",
                    "n1/torn",
                    "n2/torn",
                    "n2/other",
                    "everywhere"
                ]
            );
        });
    }

    /// DAPI-002: networks of the swarm once and as the manager sees them, all others with their node; also where the
    /// manager did not answer.
    #[test]
    fn networks_of_swarm_and_nodes() {
        let network = |id: &str, name: &str, scope: &str, home: &str| json!({ "Id": id, "Name": name, "Scope": scope, "Labels": { "com.docker.ucp.collection": home } });
        let on = |node: &str, item: Value| (node.to_owned(), item);
        let items = vec![
            on("n1", network("s1", "overlay", "swarm", "shared")),
            on("n2", network("s1", "overlay", "swarm", "shared")),
            on("n2", network("s2", "late", "swarm", "shared")),
            on("n1", network("b1", "bridge", "local", "system")),
            on("n2", network("b2", "bridge", "local", "system")),
            on("n2", network("x2", "hidden", "local", "system")),
        ];
        for manager in [Some("n2"), Some("n1"), None] {
            look(false, |viewer| {
                let mut shown = networks(items.clone(), manager, viewer);
                shown.sort_by_key(|item| item["Name"].to_string());
                assert_eq!(
                    names(&shown),
                    ["late", "n1/bridge", "n2/bridge", "overlay"],
                    "{manager:?}"
                );
            });
        }
    }

    /// DAPI-009: counts are sums.
    #[test]
    fn sums_of_answers() {
        let sum = sums([
            json!({ "ContainersDeleted": ["a"], "SpaceReclaimed": 1 }),
            json!({ "ContainersDeleted": null, "SpaceReclaimed": 2 }),
            json!({ "ContainersDeleted": ["b"], "SpaceReclaimed": 3 }),
        ]);
        assert_eq!(
            sum,
            json!({ "ContainersDeleted": ["a", "b"], "SpaceReclaimed": 6 })
        );
        assert_eq!(sums([]), json!({}));
    }
}
