//! Finds the pod in an object, and the parts of it that plugins look at: its containers of all three kinds, and what
//! each container's security context says once that of the pod is taken into account.

use serde_json::Value;

use super::read::{At, Unreadable, descend_mut};
use super::request::{AdmissionRequest, Target};

/// The fields of a pod that hold containers.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// A pod, or the template of one.
#[derive(Debug, Clone)]
pub(super) struct Pod<'v> {
    /// The object that has `metadata` and `spec`.
    pub(super) at: At<'v>,
    /// Its specification.
    pub(super) spec: At<'v>,
}

impl<'v> Pod<'v> {
    /// The pod in an object of this kind; none when the kind has none, or the object leaves it out.
    pub(super) fn find(target: &Target, object: &'v Value) -> Result<Option<Self>, Unreadable> {
        let Some(path) = target.pod() else {
            return Ok(None);
        };
        match At::root(object).descend(path)? {
            Some(at) => Self::of(at),
            None => Ok(None),
        }
    }

    /// The pod at a place; none when it has no specification.
    pub(super) fn of(at: At<'v>) -> Result<Option<Self>, Unreadable> {
        at.field("metadata")?
            .map(|metadata| metadata.object())
            .transpose()?;
        let Some(spec) = at.field("spec")? else {
            return Ok(None);
        };
        spec.object()?;
        Ok(Some(Self { at, spec }))
    }

    /// All containers: those that run first, the ordinary ones and those for finding faults.
    pub(super) fn containers(&self) -> Result<Vec<At<'v>>, Unreadable> {
        containers(&self.spec)
    }

    /// The security context of the pod.
    pub(super) fn context(&self) -> Result<Option<At<'v>>, Unreadable> {
        self.spec.field("securityContext")
    }

    /// An annotation of the pod.
    pub(super) fn annotation(&self, key: &str) -> Result<Option<&'v str>, Unreadable> {
        match self.at.field("metadata")? {
            Some(metadata) => metadata.pair("annotations", key),
            None => Ok(None),
        }
    }

    /// The name of its service account; both fields that ever held it are read, and `default` is the default.
    pub(super) fn service_account(&self) -> Result<&'v str, Unreadable> {
        let name = self
            .spec
            .text_of("serviceAccountName")?
            .filter(|name| !name.is_empty());
        let old = self
            .spec
            .text_of("serviceAccount")?
            .filter(|name| !name.is_empty());
        Ok(name.or(old).unwrap_or("default"))
    }

    /// Whether it only mirrors what a kubelet runs already.
    pub(super) fn is_mirror(&self) -> Result<bool, Unreadable> {
        Ok(self.annotation("kubernetes.io/config.mirror")?.is_some())
    }
}

/// The containers in a specification, or in an object that has the same fields.
pub(super) fn containers<'v>(spec: &At<'v>) -> Result<Vec<At<'v>>, Unreadable> {
    let mut all = Vec::new();
    for list in CONTAINER_LISTS {
        for container in spec.list(list)? {
            container.object()?;
            all.push(container);
        }
    }
    Ok(all)
}

/// The value of a field of the container's security context, or else of the pod's.
pub(super) fn effective<'v>(
    pod: &Pod<'v>,
    container: &At<'v>,
    name: &str,
) -> Result<Option<At<'v>>, Unreadable> {
    let own = match container.field("securityContext")? {
        Some(context) => context.field(name)?,
        None => None,
    };
    match (own, pod.context()?) {
        (Some(own), _) => Ok(Some(own)),
        (None, Some(context)) => context.field(name),
        (None, None) => Ok(None),
    }
}

/// The pod in an object, to be changed.
pub(super) fn find_mut<'v>(target: &Target, object: &'v mut Value) -> Option<&'v mut Value> {
    let pod = descend_mut(object, target.pod()?)?;
    pod.get("spec").is_some_and(Value::is_object).then_some(pod)
}

/// Whether an update leaves the specification as it was, so that it brings nothing new to judge. What plugins changed
/// since does not count: it is not the requester's.
pub(super) fn keeps_spec(request: &AdmissionRequest) -> bool {
    let spec = |object: &'_ Option<Value>| object.as_ref().and_then(|object| object.get("spec")).cloned();
    let old = spec(&request.old_object);
    old.is_some() && old == spec(&request.object)
}
