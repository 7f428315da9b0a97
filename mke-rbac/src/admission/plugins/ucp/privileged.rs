//! Privileged options of pods: for administrators, for service accounts that are bound to cluster-admin, and as far
//! as the configuration gives single attributes to single accounts (R91; ADM-007, ADM-008, ADM-012, ADM-013).
//!
//! The template is judged when somebody writes it, so Kubernetes itself may make its pods. An update is judged as a
//! whole, unless it leaves the specification as it was: who changes a privileged workload runs it.

use crate::admission::outcome::{Fault, No};
use crate::admission::plugin::Plugin;
use crate::admission::pod::{Pod, containers, keeps_spec};
use crate::admission::read::{At, Unreadable};
use crate::admission::review::{Draft, Review};
use crate::admission::settings::Attribute;

/// A privileged option, as refusals name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Privilege {
    HostIpc,
    HostNetwork,
    HostPid,
    Mode,
    Escalation,
    Capabilities,
    HostPath,
}

impl Privilege {
    const fn words(self) -> &'static str {
        match self {
            Self::HostIpc => "hostIPC",
            Self::HostNetwork => "hostNetwork",
            Self::HostPid => "hostPID",
            Self::Mode => "privileged mode",
            Self::Escalation => "allowPrivilegeEscalation",
            Self::Capabilities => "additional capabilities",
            Self::HostPath => "host bind mounts",
        }
    }

    /// The attribute that the configuration gives it by.
    const fn attribute(self) -> Attribute {
        match self {
            Self::HostIpc => Attribute::HostIpc,
            Self::HostNetwork => Attribute::HostNetwork,
            Self::HostPid => Attribute::HostPid,
            Self::Mode | Self::Escalation => Attribute::Privileged,
            Self::Capabilities => Attribute::KernelCapabilities,
            Self::HostPath => Attribute::HostBindMounts,
        }
    }
}

/// The sentence of every refusal.
pub(super) fn message(user: &str, option: &str) -> String {
    format!("user \"{user}\" is not an admin and does not have permissions to use {option} for resource")
}

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let request = review.request;
    let Some(object) = &draft.object else {
        return Ok(());
    };
    let found = if request.target.is_ephemeral_containers() {
        let root = At::root(object);
        let spec = root.field("spec")?;
        let mut found = Vec::new();
        for container in containers(spec.as_ref().unwrap_or(&root))? {
            of_context(&container, &mut found)?;
        }
        found
    } else {
        // Read in any case: a field that cannot be read is refused to everybody.
        match Pod::find(&request.target, object)? {
            Some(pod) => of_pod(&pod)?,
            None => return Ok(()),
        }
    };
    if found.is_empty() || has_every_option(review) || is_made_by_kubernetes(review, object)? {
        return Ok(());
    }
    if keeps_spec(request) && !request.target.is_ephemeral_containers() {
        return Ok(());
    }
    let refused: Vec<(Privilege, String)> = found
        .into_iter()
        .filter(|(privilege, _)| !may_use(review, *privilege))
        .collect();
    let Some((first, _)) = refused.first() else {
        return Ok(());
    };
    let message = message(&request.requester.user, first.words());
    let faults = refused.iter().map(|(privilege, path)| Fault {
        path: path.clone(),
        message: format!("uses {}", privilege.words()),
    });
    Err(review.forbidden(message).because(faults.collect()))
}

/// Administrators, and service accounts bound to cluster-admin for the whole cluster. The same role does nothing for
/// the account of a person.
pub(super) fn has_every_option(review: &Review<'_>) -> bool {
    let requester = &review.request.requester;
    requester.is_administrator()
        || requester
            .as_service_account()
            .is_some_and(|(namespace, name)| review.cluster.is_cluster_admin(namespace, name))
}

/// Pods of a template that was judged before, and pods that a kubelet runs anyway and only shows.
fn is_made_by_kubernetes(review: &Review<'_>, object: &serde_json::Value) -> Result<bool, Unreadable> {
    let requester = &review.request.requester;
    if requester.is_control_plane() {
        return Ok(true);
    }
    let Some(pod) = Pod::find(&review.request.target, object)? else {
        return Ok(false);
    };
    let own = requester.as_node().is_some() && pod.spec.text_of("nodeName")? == requester.as_node();
    Ok(own && pod.is_mirror()? && review.settings.is_on(Plugin::NodeRestriction))
}

fn may_use(review: &Review<'_>, privilege: Privilege) -> bool {
    let settings = review.settings;
    // The switch leaves the matter to the policies, so it needs them.
    let switched = privilege == Privilege::Mode
        && settings.raw().allow_privileged_pods
        && settings.is_on(Plugin::PodSecurityPolicy);
    switched || settings.grants(&review.request.requester, privilege.attribute())
}

/// Every privileged option of a pod, with its place.
fn of_pod(pod: &Pod<'_>) -> Result<Vec<(Privilege, String)>, Unreadable> {
    let mut found = Vec::new();
    for (field, privilege) in [
        ("hostIPC", Privilege::HostIpc),
        ("hostNetwork", Privilege::HostNetwork),
        ("hostPID", Privilege::HostPid),
    ] {
        if let Some(at) = pod.spec.field(field)?
            && at.flag()?
        {
            found.push((privilege, at.path));
        }
    }
    of_context(&pod.spec, &mut found)?;
    for container in pod.containers()? {
        of_context(&container, &mut found)?;
    }
    for volume in pod.spec.list("volumes")? {
        if let Some(source) = volume.field("hostPath")? {
            source.object()?;
            found.push((Privilege::HostPath, source.path));
        }
    }
    Ok(found)
}

/// The options in the security context of a container, or in that of the pod, where the API has none of them but a
/// client may have written one.
fn of_context(holder: &At<'_>, found: &mut Vec<(Privilege, String)>) -> Result<(), Unreadable> {
    let Some(context) = holder.field("securityContext")? else {
        return Ok(());
    };
    for (field, privilege) in [
        ("privileged", Privilege::Mode),
        ("allowPrivilegeEscalation", Privilege::Escalation),
    ] {
        if let Some(at) = context.field(field)?
            && at.flag()?
        {
            found.push((privilege, at.path));
        }
    }
    // The privileged mode of Windows.
    if let Some(windows) = context.field("windowsOptions")?
        && let Some(at) = windows.field("hostProcess")?
        && at.flag()?
    {
        found.push((Privilege::Mode, at.path));
    }
    if let Some(capabilities) = context.field("capabilities")? {
        let added = capabilities.texts("add")?;
        capabilities.texts("drop")?;
        if !added.is_empty() {
            found.push((Privilege::Capabilities, format!("{}.add", capabilities.path)));
        }
    }
    Ok(())
}
