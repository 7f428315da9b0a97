//! Where a volume lies that services mount, as far as their specifications say. Pure.
//!
//! An engine knows the volumes of its own node only. What tasks on other nodes made is known from the services that
//! mount it: the control plane labels every such mount with the collection of the volume (R30). A volume that was left
//! behind on another node when its last service went is known to nobody.

use mke_rbac::Policy;
use mke_rbac::demand::Home;
use mke_rbac::engine::labels::{self, home_of};
use serde_json::{Map, Value};

/// How the volumes of the control plane begin. They may be on managers that this engine is not.
const RESERVED: &str = "ucp-";

/// What the services say, now and before their last update, about where the volume `name` lies.
pub(super) fn homes(name: &str, services: &[Value], policy: &Policy) -> Vec<Home> {
    services
        .iter()
        .flat_map(|service| ["Spec", "PreviousSpec"].map(|spec| &service[spec]))
        .flat_map(|spec| of_mounts(name, spec, policy))
        .collect()
}

fn of_mounts(name: &str, spec: &Value, policy: &Policy) -> Vec<Home> {
    let mounts = spec.pointer("/TaskTemplate/ContainerSpec/Mounts");
    mounts
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|mount| mount["Type"] == "volume" && mount["Source"] == name)
        .map(|mount| {
            let own = mount.pointer("/VolumeOptions/Labels").and_then(Value::as_object);
            match own.filter(|own| says_where(own)) {
                Some(own) => home_of(Some(own), policy),
                None => home_of(spec["Labels"].as_object(), policy),
            }
        })
        .collect()
}

fn says_where(labels: &Map<String, Value>) -> bool {
    [labels::COLLECTION, labels::ACCESS_LABEL]
        .iter()
        .any(|key| labels.contains_key(*key))
}

/// One answer out of all. Nothing when nobody knows the volume, so that it is new; conflicting, which leaves it to
/// administrators, when they disagree (R38) or an unknown volume has a reserved name.
pub(super) fn agreed(name: &str, here: Option<&Home>, elsewhere: &[Home]) -> Option<Home> {
    if here.is_none() && name.starts_with(RESERVED) {
        return Some(Home::Conflicting);
    }
    let mut all = here.into_iter().chain(elsewhere);
    let first = all.next()?;
    Some(match all.all(|other| other == first) {
        true => first.clone(),
        false => Home::Conflicting,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::model::Model;
    use serde_json::json;

    fn spec(service: &str, volume: &Value) -> Value {
        json!({
            "Labels": { "com.docker.ucp.collection": service },
            "TaskTemplate": { "ContainerSpec": { "Mounts": [
                { "Type": "bind", "Source": "data", "Target": "/b" },
                { "Type": "volume", "Source": "data", "Target": "/d", "VolumeOptions": { "Labels": volume } },
            ] } },
        })
    }

    /// R30: the label of the mount, else the collection of the service; specifications that can be restored count.
    #[test]
    fn services_say_where_a_volume_lies() {
        let policy = Policy::compile(Model::with_builtin_collections());
        let labelled = json!({ "com.docker.ucp.collection": "shared" });
        let services = [
            json!({ "Spec": spec("system", &labelled) }),
            json!({ "Spec": { "Labels": {} }, "PreviousSpec": spec("shared", &Value::Null) }),
            json!({ "Spec": spec("gone", &json!({ "backup": "daily" })) }),
        ];
        let shared = || Home::Collection("shared".into());
        assert_eq!(
            homes("data", &services, &policy),
            [shared(), shared(), Home::Conflicting]
        );
        assert_eq!(homes("dat", &services, &policy), []);
    }

    /// R38: one who says otherwise is enough to refuse, and reserved names are never new.
    #[test]
    fn all_must_agree() {
        let at = |place: &str| Home::Collection(place.into());
        for (name, here, elsewhere, expected) in [
            ("data", None, vec![], None),
            ("data", Some(at("a")), vec![], Some(at("a"))),
            ("data", None, vec![at("a"), at("a")], Some(at("a"))),
            ("data", Some(at("a")), vec![at("a")], Some(at("a"))),
            ("data", Some(at("b")), vec![at("a")], Some(Home::Conflicting)),
            ("data", None, vec![at("a"), at("b")], Some(Home::Conflicting)),
            ("ucp-auth", None, vec![], Some(Home::Conflicting)),
            ("ucp-auth", Some(at("system")), vec![], Some(at("system"))),
        ] {
            assert_eq!(
                agreed(name, here.as_ref(), &elsewhere),
                expected,
                "{name} {elsewhere:?}"
            );
        }
    }
}
