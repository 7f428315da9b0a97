//! One write to the Kubernetes API, as admission sees it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kinds;
use super::read::{At, Unreadable};
use super::requester::Requester;

/// What is done to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdmissionOperation {
    /// It is new.
    #[default]
    Create,
    /// It replaces an older one.
    Update,
    /// It goes away.
    Delete,
}

/// The object that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, such as `Pod`.
    pub kind: String,
    /// The resource, such as `pods`.
    pub resource: String,
    /// The subresource, such as `ephemeralcontainers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// The namespace; absent for objects of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name; absent when the server makes one, and when all objects of a namespace are deleted at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A write: who, what, with which content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionRequest {
    /// What is done.
    pub operation: AdmissionOperation,
    /// Who asks.
    pub requester: Requester,
    /// To which object.
    pub target: Target,
    /// The object as it will be; absent when it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    /// The object as it was; absent when it is new. An update without it is judged as if all in it were new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_object: Option<Value>,
}

impl Target {
    /// The target that an object names: its kind, namespace and name. A namespaced object without a namespace goes
    /// to `namespace`.
    ///
    /// # Errors
    /// `apiVersion`, `kind` or `metadata` are missing or of the wrong type.
    pub fn of(object: &Value, namespace: &str) -> Result<Self, Unreadable> {
        let at = At::root(object);
        let missing = |name: &str, expected| Unreadable {
            path: name.to_owned(),
            expected,
            found: "nothing",
        };
        let version = at
            .text_of("apiVersion")?
            .ok_or_else(|| missing("apiVersion", "a group and version such as `apps/v1`"))?;
        let kind = at
            .text_of("kind")?
            .ok_or_else(|| missing("kind", "a kind such as `Pod`"))?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let metadata = at.field("metadata")?;
        let text = |name| {
            metadata
                .as_ref()
                .map_or(Ok(None), |metadata| metadata.text_of(name))
        };
        let (own, name) = (text("namespace")?, text("name")?);
        let known = kinds::find(group, kind);
        let namespaced = known.map_or(own.is_some(), |known| known.namespaced);
        let mut target = Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            resource: known.map_or_else(|| kinds::plural(kind), |known| known.resource.to_owned()),
            subresource: None,
            namespace: namespaced.then(|| own.unwrap_or(namespace).to_owned()),
            name: name.filter(|name| !name.is_empty()).map(str::to_owned),
        };
        if group.is_empty() && kind == "EphemeralContainers" {
            target.resource = "pods".to_owned();
            target.subresource = Some("ephemeralcontainers".to_owned());
            target.namespace = Some(own.unwrap_or(namespace).to_owned());
        }
        if group.is_empty() && kind == "Binding" {
            target.resource = "pods".to_owned();
            target.subresource = Some("binding".to_owned());
        }
        Ok(target)
    }

    /// Whether the target is of this kind, not of one with the same name in a foreign API group, and not a
    /// subresource.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind && self.subresource.is_none() && kinds::find(&self.group, kind).is_some()
    }

    /// The resource with its group, as refusals write it: `pods`, `deployments.apps`.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// Where the object holds a pod, when its kind does and the pod can be written this way.
    pub(super) fn pod(&self) -> Option<&'static [&'static str]> {
        match self.subresource.as_deref() {
            None => kinds::find(&self.group, &self.kind)?.pod,
            Some(_) => None,
        }
    }

    /// Whether containers for finding faults are added to a running pod.
    pub(super) fn is_ephemeral_containers(&self) -> bool {
        self.group.is_empty()
            && self.resource == "pods"
            && self.subresource.as_deref() == Some("ephemeralcontainers")
    }
}

impl AdmissionRequest {
    /// A request to create, update or delete the object as a whole.
    ///
    /// # Errors
    /// The object does not say what it is.
    pub fn of(
        operation: AdmissionOperation,
        requester: Requester,
        object: Value,
        namespace: &str,
    ) -> Result<Self, Unreadable> {
        let target = Target::of(&object, namespace)?;
        let deleted = operation == AdmissionOperation::Delete;
        let (object, old_object) = if deleted {
            (None, Some(object))
        } else {
            (Some(object), None)
        };
        Ok(Self {
            operation,
            requester,
            target,
            object,
            old_object,
        })
    }

    /// The name for refusals: that of the object, or the beginning of the one that the server will make.
    pub(super) fn shown_name(&self) -> String {
        let generated = || {
            let metadata = self.object.as_ref()?.get("metadata")?;
            let name = metadata.get("name").filter(|name| name.as_str() != Some(""));
            name.or_else(|| metadata.get("generateName"))?.as_str()
        };
        let named = self.target.name.as_deref();
        named.or_else(generated).unwrap_or_default().to_owned()
    }

    /// Whether the operation is one that brings content.
    pub(super) fn is_write(&self) -> bool {
        self.operation != AdmissionOperation::Delete
    }
}
