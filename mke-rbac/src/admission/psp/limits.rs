//! What is wrong with a pod under a policy: everything that belongs to the pod as a whole, and the parts.

use super::spec::{PodSecurityPolicy, PolicySpec, SeLinuxOptions, SeLinuxRule};
use super::{container, profiles, volumes};
use crate::admission::outcome::Fault;
use crate::admission::pod::Pod;
use crate::admission::read::{At, Unreadable};

/// Kernel parameters that reach no further than their pod.
const SAFE_SYSCTLS: [&str; 4] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
];

/// Every fault; none when the policy allows the pod as it is.
pub(super) fn faults(policy: &PodSecurityPolicy, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let spec = &policy.spec;
    let mut faults = host_namespaces(spec, pod)?;
    faults.extend(groups(spec, pod)?);
    faults.extend(sysctls(spec, pod)?);
    faults.extend(volumes::faults(spec, pod)?);
    faults.extend(runtime_class(spec, pod)?);
    faults.extend(profiles::faults(policy, pod)?);
    let context = pod.context()?;
    let labels = context
        .as_ref()
        .map_or(Ok(None), |context| context.field("seLinuxOptions"))?;
    faults.extend(se_linux(
        spec,
        &format!("{}.securityContext", pod.spec.path),
        labels.as_ref(),
    )?);
    for container in pod.containers()? {
        faults.extend(container::faults(spec, pod, &container)?);
    }
    Ok(faults)
}

fn host_namespaces(spec: &PolicySpec, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let mut faults = Vec::new();
    for (field, allowed, message) in [
        (
            "hostNetwork",
            spec.host_network,
            "Host network is not allowed to be used",
        ),
        ("hostPID", spec.host_pid, "Host PID is not allowed to be used"),
        ("hostIPC", spec.host_ipc, "Host IPC is not allowed to be used"),
    ] {
        if pod.spec.flag_of(field)?.unwrap_or(false) && !allowed {
            faults.push(Fault {
                path: format!("{}.{field}", pod.spec.path),
                message: message.to_owned(),
            });
        }
    }
    Ok(faults)
}

fn groups(spec: &PolicySpec, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let context = pod.context()?;
    let path = |field: &str| format!("{}.securityContext.{field}", pod.spec.path);
    let (mut supplemental, mut owner) = (Vec::new(), Vec::new());
    if let Some(context) = &context {
        for group in context.list("supplementalGroups")? {
            supplemental.push(group.integer()?);
        }
        owner.extend(context.integer_of("fsGroup")?);
    }
    let faults = [
        spec.supplemental_groups
            .judge_groups(&path("supplementalGroups"), &supplemental),
        spec.fs_group.judge_groups(&path("fsGroup"), &owner),
    ];
    Ok(faults.into_iter().flatten().collect())
}

fn sysctls(spec: &PolicySpec, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let Some(context) = pod.context()? else {
        return Ok(Vec::new());
    };
    let mut faults = Vec::new();
    for sysctl in context.list("sysctls")? {
        // The kernel takes both spellings.
        let name = sysctl.text_of("name")?.unwrap_or_default().replace('/', ".");
        let message = if matches_any(&spec.forbidden_sysctls, &name) {
            format!("sysctl `{name}` is not allowed")
        } else if SAFE_SYSCTLS.contains(&name.as_str()) || matches_any(&spec.allowed_unsafe_sysctls, &name) {
            continue;
        } else {
            format!("unsafe sysctl `{name}` is not allowed")
        };
        faults.push(Fault {
            path: format!("{}.name", sysctl.path),
            message,
        });
    }
    Ok(faults)
}

fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    })
}

fn runtime_class(spec: &PolicySpec, pod: &Pod<'_>) -> Result<Vec<Fault>, Unreadable> {
    let (Some(classes), Some(name)) = (&spec.runtime_class, pod.spec.field("runtimeClassName")?) else {
        return Ok(Vec::new());
    };
    let found = name.text()?;
    let allowed = &classes.allowed_runtime_class_names;
    if found.is_empty() || allowed.iter().any(|allowed| allowed == "*" || allowed == found) {
        return Ok(Vec::new());
    }
    Ok(vec![Fault {
        path: name.path,
        message: format!("the runtime class `{found}` is not allowed to be used"),
    }])
}

/// Judges SELinux labels. `holder` is the path of the security context that has them, or would have them.
pub(super) fn se_linux(
    spec: &PolicySpec,
    holder: &str,
    labels: Option<&At<'_>>,
) -> Result<Vec<Fault>, Unreadable> {
    let empty = SeLinuxOptions::default();
    let mut found = Vec::new();
    for field in ["user", "role", "type", "level"] {
        found.push(
            labels
                .map_or(Ok(None), |labels| labels.text_of(field))?
                .unwrap_or_default(),
        );
    }
    if spec.se_linux.rule == SeLinuxRule::RunAsAny {
        return Ok(Vec::new());
    }
    let wanted = spec.se_linux.se_linux_options.as_ref().unwrap_or(&empty);
    let wanted = [&wanted.user, &wanted.role, &wanted.kind, &wanted.level];
    let fields = ["user", "role", "type", "level"];
    let faults = fields
        .iter()
        .zip(wanted)
        .zip(found)
        .filter_map(|((field, wanted), found)| {
            let same = if *field == "level" {
                same_level(wanted, found)
            } else {
                wanted == found
            };
            (!same).then(|| Fault {
                path: format!("{holder}.seLinuxOptions.{field}"),
                message: format!("must be `{wanted}`"),
            })
        });
    Ok(faults.collect())
}

/// Levels are the same when their categories are, in any order.
fn same_level(one: &str, other: &str) -> bool {
    let parts = |level: &str| {
        let (sensitivity, categories) = level.split_once(':').unwrap_or((level, ""));
        let mut categories: Vec<String> = categories.split(',').map(str::to_owned).collect();
        categories.sort();
        (sensitivity.to_owned(), categories)
    };
    parts(one) == parts(other)
}
