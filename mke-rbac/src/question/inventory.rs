//! The objects that a question may speak of, and where they lie.

use std::collections::BTreeMap;

use mke_core::names::CollectionPath;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::forms::{ResourceName, Use};
use crate::demand::{Facts, Home, ObjectFacts, ObjectKind, ObjectRef};
use crate::judge::JudgeError;
use crate::kubernetes::Rbac;
use crate::model::builtin;
use crate::operation::Modifier;
use crate::policy::Policy;

/// What exists, as far as a question goes. In JSON: `{"nodes": {"worker": "/Shared"}, "resources": […]}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// The licence tier to assume; that of the policy's settings when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<License>,
    /// Nodes by name, with the path of their collection.
    pub nodes: BTreeMap<String, String>,
    /// Everything else.
    pub resources: Vec<Resource>,
    /// Kubernetes roles and bindings.
    pub kubernetes: Rbac,
}

/// The licence tier, as far as decisions depend on it (R46).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum License {
    /// Nodes may lie in any collection.
    Advanced,
    /// Nodes lie in `/Shared` or `/System`.
    Basic,
}

/// An object that exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// The path of its collection.
    pub collection: String,
    /// Who made it; decides nothing (R52).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// What the Engine stores for a service, node, secret or config, for calls that change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    /// The modifiers with which it was made, such as `Privileged`; no decision looks at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<Modifier>,
}

/// Networks that every Engine has (R39).
const PREDEFINED_NETWORKS: [&str; 5] = ["bridge", "host", "ingress", "nat", "none"];

impl Inventory {
    /// The objects of one type with the paths of their collections. Images lie in the root (R35).
    pub(super) fn of_kind(&self, kind: ObjectKind) -> Vec<(&str, &str)> {
        let nodes = self.nodes.iter().filter(|_| kind == ObjectKind::Node);
        let nodes = nodes.map(|(name, path)| (name.as_str(), path.as_str()));
        let resources = self.resources.iter().filter(|resource| resource.kind == kind);
        let resources = resources.map(|resource| (resource.name.as_str(), path_of(resource)));
        nodes.chain(resources).collect()
    }

    pub(super) fn resource(&self, name: &ResourceName) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|resource| resource.kind == name.kind && resource.name == name.name)
    }

    /// The facts about the objects of a demand. An object in an unknown collection is an error, because the
    /// question contradicts the policy.
    pub(crate) fn facts<'o>(
        &self,
        policy: &Policy,
        objects: impl IntoIterator<Item = &'o ObjectRef>,
    ) -> Result<Facts, JudgeError> {
        let mut facts = Facts::default();
        for object in objects {
            let found = self.of_kind(object.kind);
            let found = match found.into_iter().find(|(name, _)| *name == object.name) {
                Some((name, path)) => self.known(policy, object.kind, name, path)?,
                None => predefined(object),
            };
            if let Some(found) = found {
                facts.objects.insert(object.clone(), found);
            }
        }
        Ok(facts)
    }

    fn known(
        &self,
        policy: &Policy,
        kind: ObjectKind,
        name: &str,
        path: &str,
    ) -> Result<Option<ObjectFacts>, JudgeError> {
        let Home::Collection(home) = home(policy, path)? else {
            return Ok(None);
        };
        let mut facts = ObjectFacts::at(name, home);
        let own = ResourceName {
            kind,
            name: name.to_owned(),
        };
        if let Some(resource) = self.resource(&own) {
            facts.spec.clone_from(&resource.spec);
            for volume in self.volumes_of(resource) {
                facts.volumes.push(self::home(policy, volume)?);
            }
        }
        Ok(Some(facts))
    }

    /// The paths of the volumes that a container mounts.
    fn volumes_of<'i>(&'i self, resource: &'i Resource) -> impl Iterator<Item = &'i str> {
        let used = resource.uses.iter().filter_map(|reference| match reference {
            Use::Existing(other) if other.kind == ObjectKind::Volume => self.resource(other),
            Use::Existing(_) | Use::NewVolume(_) => None,
        });
        used.map(path_of)
    }
}

fn predefined(object: &ObjectRef) -> Option<ObjectFacts> {
    let predefined =
        object.kind == ObjectKind::Network && PREDEFINED_NETWORKS.contains(&object.name.as_str());
    predefined.then(|| ObjectFacts {
        predefined_network: Some(object.name.clone()),
        ..ObjectFacts::at(object.name.as_str(), builtin::ROOT.into())
    })
}

fn path_of(resource: &Resource) -> &str {
    match resource.kind {
        ObjectKind::Image => "/",
        _ => &resource.collection,
    }
}

/// The collection with this path.
pub(super) fn home(policy: &Policy, path: &str) -> Result<Home, JudgeError> {
    let unknown = || JudgeError::UnknownCollection {
        label: path.to_owned(),
    };
    let parsed: CollectionPath = path.parse().map_err(|source| JudgeError::InvalidLabel {
        label: path.to_owned(),
        source,
    })?;
    let collection = policy.collection_by_path(&parsed).ok_or_else(unknown)?;
    Ok(Home::Collection(collection.id.clone()))
}
