//! What a pod gets from a policy where it says nothing. What it does say is never changed.

use serde_json::{Value, json};

use super::profiles;
use super::spec::{IdRule, PodSecurityPolicy, PolicySpec, SeLinuxRule};
use crate::admission::pod::{CONTAINER_LISTS, Pod, effective};
use crate::admission::read::{At, Unreadable, array_in, object_at};

/// Fills in the defaults of a policy.
pub(super) fn apply(policy: &PodSecurityPolicy, pod: &mut Value) -> Result<(), Unreadable> {
    let spec = &policy.spec;
    for (field, value) in [
        (
            "supplementalGroups",
            spec.supplemental_groups.default_id().map(|group| json!([group])),
        ),
        ("fsGroup", spec.fs_group.default_id().map(|group| json!(group))),
        ("seLinuxOptions", se_linux(spec)),
    ] {
        if let Some(value) = value {
            set_absent(pod, &["spec", "securityContext"], field, value)?;
        }
    }
    let class = spec.runtime_class.as_ref();
    if let Some(class) = class.and_then(|classes| classes.default_runtime_class_name.as_ref()) {
        set_absent(pod, &["spec"], "runtimeClassName", json!(class))?;
    }
    profiles::apply(policy, pod)?;
    for list in CONTAINER_LISTS {
        let count = pod
            .get("spec")
            .and_then(|spec| spec.get(list))
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        for index in 0..count {
            container(spec, pod, list, index)?;
        }
    }
    Ok(())
}

fn se_linux(spec: &PolicySpec) -> Option<Value> {
    let options = spec.se_linux.se_linux_options.as_ref();
    let options = options.filter(|_| spec.se_linux.rule == SeLinuxRule::MustRunAs)?;
    serde_json::to_value(options).ok()
}

fn set_absent(pod: &mut Value, path: &[&str], field: &str, value: Value) -> Result<(), Unreadable> {
    let holder = At::root(pod).descend(path)?;
    let present = match holder {
        Some(holder) => holder.field(field)?.is_some(),
        None => false,
    };
    if !present {
        object_at(pod, path)?.insert(field.to_owned(), value);
    }
    Ok(())
}

/// What one container lacks.
struct Missing {
    fields: Vec<(&'static str, Value)>,
    add: Vec<String>,
    drop: Vec<String>,
}

fn container(spec: &PolicySpec, pod: &mut Value, list: &str, index: usize) -> Result<(), Unreadable> {
    let Some(missing) = missing(spec, pod, list, index)? else {
        return Ok(());
    };
    let containers = pod.get_mut("spec").and_then(|spec| spec.get_mut(list));
    let Some(container) = containers.and_then(|containers| containers.get_mut(index)) else {
        return Ok(());
    };
    if !missing.fields.is_empty() {
        let context = object_at(container, &["securityContext"])?;
        for (field, value) in missing.fields {
            context.insert(field.to_owned(), value);
        }
    }
    for (field, names) in [("add", missing.add), ("drop", missing.drop)] {
        if !names.is_empty() {
            let capabilities = object_at(container, &["securityContext", "capabilities"])?;
            array_in(capabilities, field)?.extend(names.into_iter().map(Value::String));
        }
    }
    Ok(())
}

fn missing(spec: &PolicySpec, pod: &Value, list: &str, index: usize) -> Result<Option<Missing>, Unreadable> {
    let Some(pod) = Pod::of(At::root(pod))? else {
        return Ok(None);
    };
    let containers = pod.spec.list(list)?;
    let Some(container) = containers.get(index) else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    let user = effective(&pod, container, "runAsUser")?;
    match (spec.run_as_user.default_id(), &user) {
        (Some(id), None) => fields.push(("runAsUser", json!(id))),
        (None, None)
            if spec.run_as_user.rule == IdRule::MustRunAsNonRoot
                && effective(&pod, container, "runAsNonRoot")?.is_none() =>
        {
            // The kubelet checks it once the image is known.
            fields.push(("runAsNonRoot", json!(true)));
        }
        _ => {}
    }
    if let Some(id) = spec
        .run_as_group
        .as_ref()
        .and_then(super::spec::IdStrategy::default_id)
        && effective(&pod, container, "runAsGroup")?.is_none()
    {
        fields.push(("runAsGroup", json!(id)));
    }
    let context = container.field("securityContext")?;
    let absent = |field: &str| -> Result<bool, Unreadable> {
        Ok(match &context {
            Some(context) => context.field(field)?.is_none(),
            None => true,
        })
    };
    if spec.read_only_root_filesystem && absent("readOnlyRootFilesystem")? {
        fields.push(("readOnlyRootFilesystem", json!(true)));
    }
    let escalation = match spec.default_allow_privilege_escalation {
        Some(default) => Some(default),
        None => (!spec.allows_escalation()).then_some(false),
    };
    if let Some(default) = escalation
        && absent("allowPrivilegeEscalation")?
    {
        fields.push(("allowPrivilegeEscalation", json!(default)));
    }
    let held = context.map_or(Ok(None), |context| context.field("capabilities"))?;
    let (added, dropped) = match held {
        Some(held) => (held.texts("add")?, held.texts("drop")?),
        None => (Vec::new(), Vec::new()),
    };
    let lacks = |names: &[String]| -> Vec<String> {
        let known = |name: &str| added.contains(&name) || dropped.contains(&name);
        names.iter().filter(|name| !known(name)).cloned().collect()
    };
    Ok(Some(Missing {
        fields,
        add: lacks(&spec.default_add_capabilities),
        drop: lacks(&spec.required_drop_capabilities),
    }))
}
