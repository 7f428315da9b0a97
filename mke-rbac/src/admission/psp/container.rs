//! What is wrong with one container under a policy.

use super::limits::se_linux;
use super::spec::PolicySpec;
use crate::admission::outcome::Fault;
use crate::admission::pod::{Pod, effective};
use crate::admission::read::{At, Unreadable};

/// Every fault of a container.
pub(super) fn faults(spec: &PolicySpec, pod: &Pod<'_>, container: &At<'_>) -> Result<Vec<Fault>, Unreadable> {
    let mut faults = Vec::new();
    let context = container.field("securityContext")?;
    let holder = format!("{}.securityContext", container.path);
    let flag = |name: &str| context.as_ref().map_or(Ok(None), |context| context.flag_of(name));
    let mut fault = |field: &str, message: &str| {
        faults.push(Fault {
            path: format!("{holder}.{field}"),
            message: message.to_owned(),
        });
    };

    if flag("privileged")?.unwrap_or(false) && !spec.privileged {
        fault("privileged", "Privileged containers are not allowed");
    }
    // Unset means that processes may gain privileges.
    if flag("allowPrivilegeEscalation")?.unwrap_or(true) && !spec.allows_escalation() {
        fault(
            "allowPrivilegeEscalation",
            "Allowing privilege escalation for containers is not allowed",
        );
    }
    match (spec.read_only_root_filesystem, flag("readOnlyRootFilesystem")?) {
        (true, None) => fault("readOnlyRootFilesystem", "must be set, and to true"),
        (true, Some(false)) => fault("readOnlyRootFilesystem", "must be true"),
        _ => {}
    }
    let proc_mount = context
        .as_ref()
        .map_or(Ok(None), |context| context.text_of("procMount"))?;
    if let Some(kind) = proc_mount.filter(|kind| *kind != "Default") {
        let allowed = &spec.allowed_proc_mount_types;
        if !allowed.iter().any(|allowed| allowed == "*" || allowed == kind) {
            fault("procMount", "this type of /proc mount is not allowed");
        }
    }
    faults.extend(capabilities(spec, container, context.as_ref())?);
    faults.extend(host_ports(spec, pod, container)?);

    let user = effective(pod, container, "runAsUser")?;
    let non_root = effective(pod, container, "runAsNonRoot")?;
    let judged = spec
        .run_as_user
        .judge_user(&container.path, user.as_ref(), non_root.as_ref())?;
    faults.extend(judged);
    if let Some(strategy) = &spec.run_as_group {
        let group = effective(pod, container, "runAsGroup")?;
        let group = group.map(|group| group.integer()).transpose()?;
        let groups: Vec<i64> = group.into_iter().collect();
        faults.extend(strategy.judge_groups(&format!("{holder}.runAsGroup"), &groups));
    }
    let labels = effective(pod, container, "seLinuxOptions")?;
    faults.extend(se_linux(spec, &holder, labels.as_ref())?);
    Ok(faults)
}

fn capabilities(
    spec: &PolicySpec,
    container: &At<'_>,
    context: Option<&At<'_>>,
) -> Result<Vec<Fault>, Unreadable> {
    let held = context.map_or(Ok(None), |context| context.field("capabilities"))?;
    let (added, dropped) = match &held {
        Some(held) => (held.texts("add")?, held.texts("drop")?),
        None => (Vec::new(), Vec::new()),
    };
    let path = format!("{}.securityContext.capabilities", container.path);
    let mut faults = Vec::new();
    if !spec.allowed_capabilities.iter().any(|allowed| allowed == "*") {
        let may = |name: &str| {
            let known = spec
                .allowed_capabilities
                .iter()
                .chain(&spec.default_add_capabilities);
            known.into_iter().any(|allowed| allowed == name)
        };
        faults.extend(added.iter().filter(|name| !may(name)).map(|name| Fault {
            path: format!("{path}.add"),
            message: format!("capability {name} may not be added"),
        }));
    }
    for required in &spec.required_drop_capabilities {
        if added.contains(&required.as_str()) {
            faults.push(Fault {
                path: format!("{path}.add"),
                message: format!("capability {required} must be dropped, not added"),
            });
        } else if !dropped.contains(&required.as_str()) {
            faults.push(Fault {
                path: format!("{path}.drop"),
                message: format!("capability {required} must be dropped"),
            });
        }
    }
    Ok(faults)
}

/// Ports of the host. On the network of the host every port of a container is one.
fn host_ports(spec: &PolicySpec, pod: &Pod<'_>, container: &At<'_>) -> Result<Vec<Fault>, Unreadable> {
    let on_host = pod.spec.flag_of("hostNetwork")?.unwrap_or(false);
    let mut faults = Vec::new();
    for port in container.list("ports")? {
        let host = port.integer_of("hostPort")?.filter(|port| *port != 0);
        let inner = port.integer_of("containerPort")?;
        let Some(number) = host.or(inner.filter(|_| on_host)) else {
            continue;
        };
        let allowed = spec
            .host_ports
            .iter()
            .any(|range| (range.min..=range.max).contains(&number));
        if !allowed {
            faults.push(Fault {
                path: format!("{}.hostPort", port.path),
                message: format!("host port {number} is not allowed to be used"),
            });
        }
    }
    Ok(faults)
}
