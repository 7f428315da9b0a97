//! Quotas of a namespace, against the usage that they report. Only what is new counts: updates of pods use no more.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::admission::outcome::{Fault, No};
use crate::admission::pod::Pod;
use crate::admission::quantity::Quantity;
use crate::admission::read::{At, Unreadable};
use crate::admission::request::AdmissionOperation;
use crate::admission::resources::{Amounts, amounts, of_pod};
use crate::admission::review::{Draft, Review};

/// Resources of pods that a quota can demand of each.
const COMPUTE: [&str; 8] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
];

type Usage = BTreeMap<String, Quantity>;

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let request = review.request;
    let created = request.operation == AdmissionOperation::Create && request.target.subresource.is_none();
    let (Some(object), Some(namespace)) = (draft.object.as_ref().filter(|_| created), review.namespace())
    else {
        return Ok(());
    };
    let pod = match request.target.is("Pod") {
        true => Pod::find(&request.target, object)?,
        false => None,
    };
    let usage = usage(review, object, pod.as_ref())?;
    let mut faults = Vec::new();
    for (name, quota) in review.cluster.objects().of("ResourceQuota", namespace) {
        let quota = At::root(quota);
        if !applies(&quota, pod.as_ref())? {
            continue;
        }
        let Some(spec) = quota.field("spec")? else {
            continue;
        };
        let hard = amounts(&spec, "hard")?;
        let status = quota.field("status")?;
        let used = status.map_or(Ok(Amounts::new()), |status| amounts(&status, "used"))?;
        let message = judge(name, &hard, &used, &usage, pod.is_some());
        faults.extend(message.map(|message| Fault {
            path: format!("resourcequotas/{name}"),
            message,
        }));
    }
    match faults.first() {
        None => Ok(()),
        Some(first) => Err(review.forbidden(&first.message).because(faults)),
    }
}

fn judge(name: &str, hard: &Amounts, used: &Amounts, usage: &Usage, pod: bool) -> Option<String> {
    let unsaid: Vec<&str> = hard
        .keys()
        .map(String::as_str)
        .filter(|resource| pod && COMPUTE.contains(resource) && !usage.contains_key(*resource))
        .collect();
    if !unsaid.is_empty() {
        return Some(format!("failed quota: {name}: must specify {}", unsaid.join(",")));
    }
    let (mut requested, mut taken, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    for (resource, limit) in hard {
        let Some(more) = usage.get(resource).filter(|more| **more > Quantity::ZERO) else {
            continue;
        };
        let before = used.get(resource).map_or(Quantity::ZERO, |used| used.value);
        if before.plus(*more) > limit.value {
            requested.push(format!("{resource}={more}"));
            taken.push(format!("{resource}={before}"));
            limited.push(format!("{resource}={}", limit.text));
        }
    }
    (!requested.is_empty()).then(|| {
        format!(
            "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
            requested.join(","),
            taken.join(","),
            limited.join(",")
        )
    })
}

/// What the object takes, by the names that quotas use.
fn usage(review: &Review<'_>, object: &Value, pod: Option<&Pod<'_>>) -> Result<Usage, Unreadable> {
    let target = &review.request.target;
    let mut usage = Usage::new();
    usage.insert(format!("count/{}", target.qualified()), Quantity::whole(1));
    const COUNTED: [&str; 7] = [
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
        "pods",
    ];
    if target.group.is_empty() && COUNTED.contains(&target.resource.as_str()) {
        usage.insert(target.resource.clone(), Quantity::whole(1));
    }
    if let Some(pod) = pod {
        let needs = of_pod(pod)?;
        for (name, amount) in needs.requests {
            // The short names mean requests.
            if ["cpu", "memory", "ephemeral-storage"].contains(&name.as_str()) {
                usage.insert(name.clone(), amount.value);
            }
            usage.insert(format!("requests.{name}"), amount.value);
        }
        for (name, amount) in needs.limits {
            usage.insert(format!("limits.{name}"), amount.value);
        }
    }
    let root = At::root(object);
    if target.is("PersistentVolumeClaim")
        && let Some(spec) = root.field("spec")?
    {
        let resources = spec.field("resources")?;
        let requests = resources.map_or(Ok(Amounts::new()), |found| amounts(&found, "requests"))?;
        let storage = requests
            .get("storage")
            .map_or(Quantity::ZERO, |amount| amount.value);
        usage.insert("requests.storage".to_owned(), storage);
        if let Some(class) = spec
            .text_of("storageClassName")?
            .filter(|class| !class.is_empty())
        {
            let prefix = format!("{class}.storageclass.storage.k8s.io");
            usage.insert(format!("{prefix}/requests.storage"), storage);
            usage.insert(format!("{prefix}/persistentvolumeclaims"), Quantity::whole(1));
        }
    }
    if target.is("Service")
        && let Some(spec) = root.field("spec")?
    {
        let kind = spec.text_of("type")?.unwrap_or_default();
        let ports = i64::try_from(spec.list("ports")?.len()).unwrap_or(i64::MAX);
        if kind == "LoadBalancer" {
            usage.insert("services.loadbalancers".to_owned(), Quantity::whole(1));
        }
        if kind == "LoadBalancer" || kind == "NodePort" {
            usage.insert("services.nodeports".to_owned(), Quantity::whole(1).times(ports));
        }
    }
    Ok(usage)
}

/// Whether all scopes of a quota hold for an object. Scopes are about pods only. A scope that is not known is taken to
/// hold, so that the quota counts.
fn applies(quota: &At<'_>, pod: Option<&Pod<'_>>) -> Result<bool, Unreadable> {
    let Some(spec) = quota.field("spec")? else {
        return Ok(false);
    };
    let selector = spec.field("scopeSelector")?;
    let expressions = selector.map_or(Ok(Vec::new()), |selector| selector.list("matchExpressions"))?;
    let scopes = spec.texts("scopes")?;
    let Some(pod) = pod else {
        return Ok(scopes.is_empty() && expressions.is_empty());
    };
    for scope in scopes {
        if !holds(pod, scope)? {
            return Ok(false);
        }
    }
    for expression in expressions {
        let scope = expression.text_of("scopeName")?.unwrap_or_default();
        let matches = match scope {
            "PriorityClass" => {
                let class = pod
                    .spec
                    .text_of("priorityClassName")?
                    .filter(|class| !class.is_empty());
                let values = expression.texts("values")?;
                match expression.text_of("operator")?.unwrap_or_default() {
                    "In" => class.is_some_and(|class| values.contains(&class)),
                    "NotIn" => class.is_none_or(|class| !values.contains(&class)),
                    "DoesNotExist" => class.is_none(),
                    _ => class.is_some(),
                }
            }
            scope => holds(pod, scope)?,
        };
        if !matches {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(pod: &Pod<'_>, scope: &str) -> Result<bool, Unreadable> {
    let ends = pod.spec.integer_of("activeDeadlineSeconds")?.is_some();
    let best_effort = || -> Result<bool, Unreadable> {
        let needs = of_pod(pod)?;
        let compute = |amounts: &Amounts| amounts.keys().any(|name| name == "cpu" || name == "memory");
        Ok(!compute(&needs.requests) && !compute(&needs.limits))
    };
    Ok(match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort()?,
        "NotBestEffort" => !best_effort()?,
        _ => true,
    })
}
