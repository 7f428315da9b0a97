//! Which seccomp and AppArmor profiles a policy gives and allows. Limits and requests lie in annotations; seccomp
//! profiles also in the security context.

use serde_json::Value;

use super::spec::PodSecurityPolicy;
use crate::admission::outcome::Fault;
use crate::admission::pod::Pod;
use crate::admission::read::{At, Unreadable, object_at};

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const SECCOMP_DEFAULT: &str = "seccomp.security.alpha.kubernetes.io/defaultProfileName";
const SECCOMP_ALLOWED: &str = "seccomp.security.alpha.kubernetes.io/allowedProfileNames";
const APPARMOR_CONTAINER: &str = "container.apparmor.security.beta.kubernetes.io/";
const APPARMOR_DEFAULT: &str = "apparmor.security.beta.kubernetes.io/defaultProfileName";
const APPARMOR_ALLOWED: &str = "apparmor.security.beta.kubernetes.io/allowedProfileNames";

/// Whether an annotation of a pod names a profile, so that changing it changes how the pod runs.
pub(crate) fn is_profile_annotation(key: &str) -> bool {
    key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) || key.starts_with(APPARMOR_CONTAINER)
}

/// Gives the default profiles to a pod that names none (PSP-006).
pub(super) fn apply(policy: &PodSecurityPolicy, pod: &mut Value) -> Result<(), Unreadable> {
    let mut missing: Vec<(String, String)> = Vec::new();
    if let Some(found) = Pod::of(At::root(pod))? {
        if let Some(default) = policy.annotations.get(SECCOMP_DEFAULT)
            && seccomp_of_pod(&found)?.is_none()
        {
            missing.push((SECCOMP_POD.to_owned(), default.clone()));
        }
        if let Some(default) = policy.annotations.get(APPARMOR_DEFAULT) {
            for container in found.containers()? {
                let key = apparmor_key(&container)?;
                if found.annotation(&key)?.is_none_or(str::is_empty) {
                    missing.push((key, default.clone()));
                }
            }
        }
    }
    if !missing.is_empty() {
        let annotations = object_at(pod, &["metadata", "annotations"])?;
        for (key, profile) in missing {
            annotations.insert(key, Value::String(profile));
        }
    }
    Ok(())
}

/// What is wrong with the profiles of a pod.
pub(super) fn faults(policy: &PodSecurityPolicy, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let mut faults = Vec::new();
    let of_pod = seccomp_of_pod(pod)?;
    let mut seccomp = |path: String, profile: Option<&str>| {
        let message = judge_seccomp(policy, profile);
        faults.extend(message.map(|message| Fault { path, message }));
    };
    let annotations = format!("{}[{SECCOMP_POD}]", metadata(pod));
    seccomp(annotations, of_pod.as_deref());
    for container in pod.containers()? {
        let key = format!("{SECCOMP_CONTAINER}{}", name(&container)?);
        let own = match pod.annotation(&key)? {
            Some(profile) => Some(profile.to_owned()),
            None => seccomp_field(&container)?,
        };
        if own.is_some() && own != of_pod {
            seccomp(format!("{}[{key}]", metadata(pod)), own.as_deref());
        }
    }
    if let Some(allowed) = policy.annotations.get(APPARMOR_ALLOWED) {
        let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
        for container in pod.containers()? {
            let key = apparmor_key(&container)?;
            let profile = pod.annotation(&key)?.unwrap_or_default();
            if !allowed.contains(&profile) {
                faults.push(Fault {
                    path: format!("{}[{key}]", metadata(pod)),
                    message: format!("must be one of the AppArmor profiles {}", allowed.join(", ")),
                });
            }
        }
    }
    Ok(faults)
}

fn metadata(pod: &Pod<'_>) -> String {
    crate::admission::read::join(&pod.at.path, "metadata.annotations")
}

fn judge_seccomp(policy: &PodSecurityPolicy, profile: Option<&str>) -> Option<String> {
    let allowed = policy.annotations.get(SECCOMP_ALLOWED);
    let allowed: Vec<&str> = allowed
        .into_iter()
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    match profile {
        _ if allowed.contains(&"*") => None,
        None if allowed.is_empty() => None,
        Some(_) if allowed.is_empty() => Some("the policy allows no seccomp profile to be set".to_owned()),
        Some(profile) if allowed.iter().any(|allowed| same_seccomp(allowed, profile)) => None,
        _ => Some(format!(
            "must be one of the seccomp profiles {}",
            allowed.join(", ")
        )),
    }
}

/// The default profile of the runtime has two names.
fn same_seccomp(one: &str, other: &str) -> bool {
    let default = |name: &str| name == "runtime/default" || name == "docker/default";
    one == other || default(one) && default(other)
}

fn seccomp_of_pod(pod: &Pod<'_>) -> Result<Option<String>, Unreadable> {
    let annotated = pod.annotation(SECCOMP_POD)?.filter(|profile| !profile.is_empty());
    match annotated {
        Some(profile) => Ok(Some(profile.to_owned())),
        None => seccomp_field(&pod.spec),
    }
}

/// The profile in the security context, written as annotations write it.
fn seccomp_field(holder: &At<'_>) -> Result<Option<String>, Unreadable> {
    let Some(profile) = holder.descend(&["securityContext", "seccompProfile"])? else {
        return Ok(None);
    };
    let kind = profile.text_of("type")?;
    let file = profile.text_of("localhostProfile")?;
    Ok(match (kind, file) {
        (Some("RuntimeDefault"), _) => Some("runtime/default".to_owned()),
        (Some("Unconfined"), _) => Some("unconfined".to_owned()),
        (Some("Localhost"), Some(file)) => Some(format!("localhost/{file}")),
        (Some(other), _) => Some(other.to_owned()),
        (None, _) => None,
    })
}

fn apparmor_key(container: &At<'_>) -> Result<String, Unreadable> {
    Ok(format!("{APPARMOR_CONTAINER}{}", name(container)?))
}

fn name<'v>(container: &At<'v>) -> Result<&'v str, Unreadable> {
    Ok(container.text_of("name")?.unwrap_or_default())
}
