//! Images: building, committing, pulling, removing (R35, proxy-22).

use super::task;
use crate::demand::{ObjectKind, ObjectRef, Target, Want};
use crate::engine::call::{CallError, Place};
use crate::engine::draft::Draft;
use crate::engine::json;
use crate::operation::{Modifier, Operation};

/// Largest JSON value in a query parameter, in bytes.
const MAX_PARAMETER_BYTES: usize = 64 * 1024;

pub(super) fn build(draft: &mut Draft) -> Result<(), CallError> {
    let value = |name| {
        draft
            .query
            .one(name)
            .map(|value| value.unwrap_or_default().to_owned())
    };
    let (mode, remote, dockerfile) = (value("networkmode")?, value("remote")?, value("dockerfile")?);
    let (cgroup, options, limits) = (value("cgroupparent")?, value("securityopt")?, value("ulimits")?);
    let isolation = value("isolation")?;
    match mode.as_str() {
        "" | "default" | "bridge" | "none" => {}
        "host" => draft.container_modifier(Modifier::HostNetworkingMode),
        _ => match mode.strip_prefix("container:") {
            Some(name) => {
                let container = ObjectRef::new(ObjectKind::Container, name);
                draft.want(Want::plain(
                    Operation::ContainerConnect,
                    Target::Object(container.clone()),
                ));
                draft.substitute(container, Place::PrefixedQuery("networkmode", "container:"));
            }
            None => draft.join(&mode, Place::Query("networkmode")),
        },
    }
    let harmless_limits = limits.is_empty()
        || task::ulimits_are_harmless(&json::parse(limits.as_bytes(), MAX_PARAMETER_BYTES)?);
    let no_options = matches!(options.as_str(), "" | "null" | "[]");
    let isolated = matches!(isolation.as_str(), "" | "default" | "hyperv");
    if !cgroup.is_empty() || !no_options || !harmless_limits || !isolated {
        draft.privileged();
    }
    // The node itself fetches such a context, from addresses that only it may reach. The build session is no address.
    if !matches!(remote.as_str(), "" | "client-session") {
        draft.admin_only("a build context that the node fetches itself can reach internal addresses");
    }
    let escapes = dockerfile.starts_with('/')
        || dockerfile.contains('\\')
        || dockerfile.split('/').any(|element| element == "..");
    if escapes {
        return Err(CallError::Value {
            place: "query dockerfile".to_owned(),
            why: "must be a path inside the build context",
        });
    }
    Ok(())
}

/// The control interface of BuildKit: its calls pass by unread, and builds with the node's own network are among them.
pub(super) fn control(draft: &mut Draft) {
    draft.container_modifier(Modifier::HostNetworkingMode);
}

pub(super) fn commit(draft: &mut Draft) -> Result<(), CallError> {
    let container = draft.query.one("container")?.unwrap_or_default().to_owned();
    if container.is_empty() {
        return Err(CallError::Value {
            place: "query container".to_owned(),
            why: "must name a container",
        });
    }
    draft.refer(
        Operation::ContainerView,
        ObjectRef::new(ObjectKind::Container, container),
        Place::Query("container"),
    );
    Ok(())
}

pub(super) fn create(draft: &mut Draft) -> Result<(), CallError> {
    let pulls = draft
        .query
        .one("fromImage")?
        .is_some_and(|image| !image.is_empty());
    let source = draft.query.one("fromSrc")?.unwrap_or_default();
    if !pulls && !matches!(source, "" | "-") {
        draft.admin_only("an import that the node fetches itself can reach internal addresses");
    }
    Ok(())
}

pub(super) fn remove(draft: &mut Draft) -> Result<(), CallError> {
    if draft.query.switch("force")? {
        draft.modifier(Modifier::ForceRemove);
    }
    Ok(())
}
