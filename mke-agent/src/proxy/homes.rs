//! Where the objects lie that an answer only names.
//!
//! A list of containers names networks and volumes, a task its service: whether the caller may see those names depends
//! on where these objects lie. They are listed once per answer, and only when the answer names any.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use mke_rbac::Policy;
use mke_rbac::demand::{Home, ObjectKind, ObjectRef};
use mke_rbac::engine::{answer::labels_of, labels::home_of};
use serde_json::Value;

use crate::engine::{EngineClient, EngineError, Sight};
use crate::fleet::ask::{self, LIST_TIME};
use crate::fleet::container::Container;
use crate::fleet::{Fleet, Member};

/// Homes by name and by id.
#[derive(Debug, Default)]
pub(super) struct Homes(HashMap<ObjectRef, Home>);

impl Homes {
    /// The homes of everything that an answer of this kind may name.
    pub(super) async fn named_in(
        kind: ObjectKind,
        answer: &[u8],
        sight: &Sight,
        policy: &Policy,
    ) -> Result<Self, EngineError> {
        let kinds: Vec<_> = references(kind)
            .iter()
            .filter(|(_, marks)| marks.iter().any(|mark| contains(answer, mark.as_bytes())))
            .map(|(kind, _)| *kind)
            .collect();
        Self::of(&kinds, sight, policy).await
    }

    /// The homes of every object of these kinds.
    pub(super) async fn of(
        kinds: &[ObjectKind],
        sight: &Sight,
        policy: &Policy,
    ) -> Result<Self, EngineError> {
        let engine = |kind: ObjectKind| match kind {
            ObjectKind::Container | ObjectKind::Network | ObjectKind::Volume => sight.home(),
            _ => sight.manager(),
        };
        let lists = try_join_all(kinds.iter().map(|kind| list(engine(*kind), *kind))).await?;
        let mut homes = Self::default();
        for (kind, items) in kinds.iter().zip(&lists) {
            homes.add(*kind, items, policy);
        }
        Ok(homes)
    }

    /// The homes of every object of these kinds, of all nodes. A volume is found by its name, and by node and name; where
    /// nodes disagree about a name, nothing but the full id says where the object lies (R38).
    pub(super) async fn of_fleet(
        kinds: &[ObjectKind],
        fleet: &Fleet,
        members: &[Arc<Member>],
        policy: &Policy,
    ) -> Result<Self, EngineError> {
        let mut homes = Self::default();
        for kind in kinds {
            match kind {
                ObjectKind::Container | ObjectKind::Network | ObjectKind::Volume => {
                    let lists = ask::each(members.iter().cloned(), LIST_TIME, |member| async move {
                        Ok(match kind {
                            ObjectKind::Container => {
                                let list = member.containers().await?;
                                list.iter().map(|item| of_container(item)).collect::<Vec<_>>()
                            }
                            _ => {
                                let list = member.objects(*kind).await?;
                                list.iter().map(|item| item.value.clone()).collect()
                            }
                        })
                    })
                    .await
                    .any()?;
                    for (member, items) in &lists.answers {
                        homes.add_of_node(*kind, &member.name(), items, policy);
                    }
                }
                _ => homes.add(*kind, &list(fleet.local(), *kind).await?, policy),
            }
        }
        Ok(homes)
    }

    /// Adds objects of one node.
    fn add_of_node(&mut self, kind: ObjectKind, node: &str, items: &[Value], policy: &Policy) {
        for item in items {
            let home = home_of(labels_of(kind, item), policy);
            let mut names = names(kind, item).into_iter();
            let Some(id) = names.next() else { continue };
            let by_name: Vec<String> = match kind {
                ObjectKind::Volume => vec![id.clone()],
                _ => names.collect(),
            };
            for name in by_name {
                self.insert(ObjectRef::new(kind, format!("{node}/{name}")), home.clone());
                let known = self
                    .0
                    .entry(ObjectRef::new(kind, name))
                    .or_insert_with(|| home.clone());
                if *known != home {
                    *known = Home::Conflicting;
                }
            }
            if kind != ObjectKind::Volume {
                self.insert(ObjectRef::new(kind, id), home);
            }
        }
    }

    /// Adds objects of a kind. Ids come last: one object may be called like the id of another, and then the id counts.
    fn add(&mut self, kind: ObjectKind, items: &[Value], policy: &Policy) {
        let objects: Vec<_> = items
            .iter()
            .map(|item| (names(kind, item), home_of(labels_of(kind, item), policy)))
            .collect();
        for (names, home) in &objects {
            for name in names.iter().skip(1) {
                self.insert(ObjectRef::new(kind, name.as_str()), home.clone());
            }
        }
        for (names, home) in objects {
            if let Some(id) = names.into_iter().next() {
                self.insert(ObjectRef::new(kind, id), home);
            }
        }
    }

    pub(super) fn get(&self, object: &ObjectRef) -> Option<Home> {
        self.0.get(object).cloned()
    }

    pub(super) fn insert(&mut self, object: ObjectRef, home: Home) {
        self.0.insert(object, home);
    }
}

/// What objects of a kind name, and how an answer looks that does.
const fn references(kind: ObjectKind) -> &'static [(ObjectKind, &'static [&'static str])] {
    use ObjectKind::{Config, Container, Network, Secret, Service, Task, Volume};
    match kind {
        Container => &[(Network, &["\"NetworkID\":"]), (Volume, &["\"Type\":\"volume\""])],
        Network => &[
            (Container, &["\"EndpointID\":"]),
            (Service, &["\"Services\":{\""]),
        ],
        Service => &[(Secret, &["\"SecretID\":"]), (Config, &["\"ConfigID\":"])],
        Task => &[
            (Service, &["\"ServiceID\":"]),
            (Secret, &["\"SecretID\":"]),
            (Config, &["\"ConfigID\":"]),
        ],
        _ => &[],
    }
}

/// Every object of a kind; none of swarm kinds on an engine that is in no swarm.
async fn list(engine: &EngineClient, kind: ObjectKind) -> Result<Vec<Value>, EngineError> {
    let path = match kind {
        ObjectKind::Config => "/configs",
        ObjectKind::Container => "/containers/json?all=1",
        ObjectKind::Network => "/networks",
        ObjectKind::Node => "/nodes",
        ObjectKind::Secret => "/secrets",
        ObjectKind::Service => "/services",
        ObjectKind::Volume => "/volumes",
        ObjectKind::Exec | ObjectKind::Image | ObjectKind::Task => return Ok(Vec::new()),
    };
    let mut answer: Value = match engine.get_json(path).await {
        Ok(answer) => answer,
        Err(EngineError::Refused { status, .. }) if status == http::StatusCode::SERVICE_UNAVAILABLE => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let items = match kind {
        ObjectKind::Volume => answer["Volumes"].take(),
        _ => answer,
    };
    Ok(match items {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}

/// The id of an object, then every name.
fn names(kind: ObjectKind, item: &Value) -> Vec<String> {
    let at = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
    let found = match kind {
        ObjectKind::Container => {
            let names = item["Names"].as_array().into_iter().flatten();
            let names = names
                .filter_map(Value::as_str)
                .map(|name| name.trim_start_matches('/'));
            return at("/Id").into_iter().chain(names).map(str::to_owned).collect();
        }
        ObjectKind::Network => [at("/Id"), at("/Name")],
        ObjectKind::Volume => [at("/Name"), None],
        ObjectKind::Node => [at("/ID"), None],
        _ => [at("/ID"), at("/Spec/Name")],
    };
    found.into_iter().flatten().map(str::to_owned).collect()
}

/// What of a kept container says where it lies.
fn of_container(container: &Container) -> Value {
    let mut glance = container.glance();
    glance["Id"] = Value::from(container.id.as_str());
    glance
}

fn contains(text: &[u8], mark: &[u8]) -> bool {
    let first = mark[0];
    let mut rest = text;
    while let Some(position) = rest.iter().position(|byte| *byte == first) {
        if rest[position..].starts_with(mark) {
            return true;
        }
        rest = &rest[position + 1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use mke_rbac::model::Model;
    use serde_json::json;

    /// proxy-31: an object that is called like the id of another does not stand for it, whichever is listed first.
    #[test]
    fn sec_proxy_31_an_id_counts_before_a_name() {
        let policy = Policy::compile(Model::with_builtin_collections());
        let network = |id: &str, name: &str, place: &str| json!({ "Id": id, "Name": name, "Labels": { "com.docker.ucp.access.label": place } });
        let hidden = network("aa01", "net", "/System");
        let forged = network("bb02", "aa01", "/Shared");
        let expected = home_of(labels_of(ObjectKind::Network, &hidden), &policy);
        assert_ne!(
            expected,
            home_of(labels_of(ObjectKind::Network, &forged), &policy)
        );
        for items in [[hidden.clone(), forged.clone()], [forged, hidden]] {
            let mut homes = Homes::default();
            homes.add(ObjectKind::Network, &items, &policy);
            let found = homes.get(&ObjectRef::new(ObjectKind::Network, "aa01"));
            assert_eq!(found, Some(expected.clone()));
        }
    }
}
