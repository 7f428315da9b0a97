//! From the engine's description of an object to the facts that a decision needs. Pure.

use mke_core::ids::CollectionId;
use mke_rbac::Policy;
use mke_rbac::demand::{Home, ObjectFacts, ObjectKind};
use mke_rbac::engine::labels;
use mke_rbac::model::builtin;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Networks that every engine has (R39), by the names it reserves for them.
const PREDEFINED_NETWORKS: [&str; 4] = ["host", "bridge", "none", "nat"];

/// What one description says, and what else must be looked up.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Everything is known.
    Complete(Box<ObjectFacts>),
    /// The object lies where this one does.
    LiesWith {
        /// Its own id.
        id: String,
        /// The kind of the other object.
        kind: ObjectKind,
        /// The id of the other object.
        other: String,
        /// Where it lies should the other object be gone.
        otherwise: Home,
    },
}

/// The path that describes an object of this kind, before and after its name.
pub const fn path(kind: ObjectKind) -> (&'static str, &'static str) {
    match kind {
        ObjectKind::Config => ("/configs/", ""),
        ObjectKind::Container => ("/containers/", "/json"),
        ObjectKind::Exec => ("/exec/", "/json"),
        ObjectKind::Image => ("/images/", "/json"),
        ObjectKind::Network => ("/networks/", ""),
        ObjectKind::Node => ("/nodes/", ""),
        ObjectKind::Secret => ("/secrets/", ""),
        ObjectKind::Service => ("/services/", ""),
        ObjectKind::Task => ("/tasks/", ""),
        ObjectKind::Volume => ("/volumes/", ""),
    }
}

/// Takes a description apart. Of a container only what is looked at here is kept: the rest is many kilobytes, and
/// every call that names a container would pay for them.
pub fn parse(kind: ObjectKind, words: &[u8]) -> serde_json::Result<Value> {
    match kind {
        ObjectKind::Container => serde_json::to_value(serde_json::from_slice::<ContainerEssence>(words)?),
        _ => serde_json::from_slice(words),
    }
}

/// What [`read`] and [`volumes`] look at in a container.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerEssence {
    id: Value,
    name: Value,
    config: ConfigEssence,
    mounts: Value,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConfigEssence {
    labels: Value,
}

/// Reads a description. `None` when it lacks what the API promises, so that nothing is guessed.
pub fn read(kind: ObjectKind, object: &Value, policy: &Policy) -> Option<Found> {
    let text = |pointer: &str| object.pointer(pointer)?.as_str().filter(|text| !text.is_empty());
    let labels = |pointer: &str| labels::home_of(object.pointer(pointer).and_then(Value::as_object), policy);
    let plain = |id: &str, name: &str, home: Home| ObjectFacts {
        name: name.to_owned(),
        home,
        ..ObjectFacts::at(id, CollectionId::new(builtin::ROOT))
    };
    let facts = match kind {
        ObjectKind::Config | ObjectKind::Secret | ObjectKind::Service => ObjectFacts {
            spec: object.get("Spec").cloned(),
            previous_spec: object.get("PreviousSpec").cloned(),
            version: version(object),
            ..plain(text("/ID")?, text("/Spec/Name")?, labels("/Spec/Labels"))
        },
        ObjectKind::Node => ObjectFacts {
            spec: object.get("Spec").cloned(),
            version: version(object),
            ..plain(
                text("/ID")?,
                text("/Description/Hostname").unwrap_or_default(),
                labels("/Spec/Labels"),
            )
        },
        ObjectKind::Container => ObjectFacts {
            host_mounts: mounts(object, "bind").next().is_some(),
            ..plain(
                text("/Id")?,
                text("/Name")?.trim_start_matches('/'),
                labels("/Config/Labels"),
            )
        },
        ObjectKind::Image => plain(
            text("/Id")?,
            text("/Id")?,
            Home::Collection(CollectionId::new(builtin::ROOT)),
        ),
        ObjectKind::Network => ObjectFacts {
            predefined_network: predefined(object),
            ..plain(text("/Id")?, text("/Name")?, labels("/Labels"))
        },
        ObjectKind::Volume => plain(text("/Name")?, text("/Name")?, labels("/Labels")),
        ObjectKind::Exec => {
            return Some(Found::LiesWith {
                id: text("/ID")?.to_owned(),
                kind: ObjectKind::Container,
                other: text("/ContainerID")?.to_owned(),
                otherwise: Home::Conflicting,
            });
        }
        ObjectKind::Task => {
            return Some(Found::LiesWith {
                id: text("/ID")?.to_owned(),
                kind: ObjectKind::Service,
                other: text("/ServiceID").unwrap_or_default().to_owned(),
                otherwise: labels("/Spec/ContainerSpec/Labels"),
            });
        }
    };
    Some(Found::Complete(Box::new(facts)))
}

/// The names of the volumes that a container mounts.
pub fn volumes(container: &Value) -> Vec<String> {
    mounts(container, "volume")
        .filter_map(|mount| mount.get("Name")?.as_str())
        .map(str::to_owned)
        .collect()
}

fn mounts<'c>(container: &'c Value, kind: &'static str) -> impl Iterator<Item = &'c Map<String, Value>> {
    container
        .get("Mounts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(move |mount| mount.get("Type").and_then(Value::as_str) == Some(kind))
}

/// Which of its versions a description shows.
fn version(object: &Value) -> Option<u64> {
    object.pointer("/Version/Index")?.as_u64()
}

fn predefined(network: &Value) -> Option<String> {
    let name = network.get("Name")?.as_str()?;
    if network.get("Ingress").and_then(Value::as_bool) == Some(true) {
        return Some("ingress".to_owned());
    }
    PREDEFINED_NETWORKS.contains(&name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::model::Model;
    use serde_json::json;

    fn read(kind: ObjectKind, object: &Value) -> Option<Found> {
        super::read(kind, object, &Policy::compile(Model::with_builtin_collections()))
    }

    fn complete(kind: ObjectKind, object: &Value) -> ObjectFacts {
        match read(kind, object) {
            Some(Found::Complete(facts)) => *facts,
            other => panic!("{other:?}"),
        }
    }

    fn shared() -> Home {
        Home::Collection("shared".into())
    }

    /// What is kept of a container says the same as the whole.
    #[test]
    fn the_essence_of_a_container() {
        for container in [
            json!({
                "Id": "abc", "Name": "/web", "State": { "Running": true }, "HostConfig": { "Binds": ["/etc:/etc"] },
                "Config": { "Image": "x", "Labels": { "com.docker.ucp.collection": "shared" } },
                "Mounts": [{ "Type": "bind", "Source": "/etc" }, { "Type": "volume", "Name": "data" }],
            }),
            json!({ "Id": "abc", "Name": "/web", "Config": { "Labels": null }, "Mounts": null }),
            json!({ "Name": "/web" }),
        ] {
            let kept = parse(ObjectKind::Container, container.to_string().as_bytes()).unwrap();
            assert_eq!(
                read(ObjectKind::Container, &kept),
                read(ObjectKind::Container, &container)
            );
            assert_eq!(volumes(&kept), volumes(&container));
        }
        assert!(parse(ObjectKind::Container, b"nonsense").is_err());
    }

    /// R18, proxy-18: full ids, names without the slash, and the collection of the labels.
    #[test]
    fn containers() {
        let container = json!({
            "Id": "abc", "Name": "/web", "Config": { "Labels": { "com.docker.ucp.collection": "shared" } },
            "Mounts": [
                { "Type": "volume", "Name": "data" },
                { "Type": "bind", "Source": "/etc" },
                { "Type": "tmpfs" },
            ],
        });
        let facts = complete(ObjectKind::Container, &container);
        assert_eq!((facts.id.as_str(), facts.name.as_str()), ("abc", "web"));
        assert_eq!(facts.home, shared());
        assert!(facts.host_mounts);
        assert_eq!(volumes(&container), ["data"]);
    }

    /// R39: unlabelled objects lie in `/`.
    #[test]
    fn unlabelled_objects_lie_in_the_root() {
        let volume = complete(ObjectKind::Volume, &json!({ "Name": "data", "Labels": null }));
        assert_eq!(volume.home, Home::Collection("swarm".into()));
    }

    /// R39: only the engine's own networks are predefined.
    #[test]
    fn predefined_networks() {
        let name = |name: &str, ingress: bool| {
            let network = json!({ "Id": "n", "Name": name, "Ingress": ingress });
            complete(ObjectKind::Network, &network).predefined_network
        };
        assert_eq!(name("bridge", false).as_deref(), Some("bridge"));
        assert_eq!(name("edge", true).as_deref(), Some("ingress"));
        assert_eq!(name("ingress", false), None);
        assert_eq!(name("backend", false), None);
    }

    /// R51, proxy-20: tasks lie with their service, exec instances with their container and nowhere without it.
    #[test]
    fn objects_that_lie_with_others() {
        let task = json!({
            "ID": "t", "ServiceID": "s",
            "Spec": { "ContainerSpec": { "Labels": { "com.docker.ucp.collection": "shared" } } },
        });
        let Some(Found::LiesWith { other, otherwise, .. }) = read(ObjectKind::Task, &task) else {
            panic!("a task stands alone");
        };
        assert_eq!((other.as_str(), otherwise), ("s", shared()));
        let Some(Found::LiesWith { otherwise, .. }) =
            read(ObjectKind::Exec, &json!({ "ID": "e", "ContainerID": "c" }))
        else {
            panic!("an exec instance stands alone");
        };
        assert_eq!(otherwise, Home::Conflicting);
    }

    /// The version that was judged is known, so that no other is changed.
    #[test]
    fn versions() {
        let service = json!({ "ID": "s", "Version": { "Index": 42 }, "Spec": { "Name": "web" } });
        assert_eq!(complete(ObjectKind::Service, &service).version, Some(42));
        let node = json!({ "ID": "n", "Version": { "Index": 7 } });
        assert_eq!(complete(ObjectKind::Node, &node).version, Some(7));
    }

    /// What the engine does not say is not made up.
    #[test]
    fn descriptions_without_an_id() {
        assert_eq!(read(ObjectKind::Container, &json!({ "Name": "/web" })), None);
        assert_eq!(read(ObjectKind::Exec, &json!({ "ID": "e" })), None);
        assert_eq!(read(ObjectKind::Volume, &json!([])), None);
    }
}
