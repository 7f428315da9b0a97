//! Limit ranges of a namespace: what containers get that ask for nothing, and the bounds for what is asked.

use serde_json::json;

use crate::admission::outcome::{Fault, No};
use crate::admission::pod::{Pod, find_mut, keeps_spec};
use crate::admission::quantity::Quantity;
use crate::admission::read::{At, Unreadable, object_at};
use crate::admission::request::AdmissionOperation;
use crate::admission::resources::{Needs, amounts, of_container, of_pod};
use crate::admission::review::{Draft, Review};

/// The lists whose containers count; those for finding faults have no resources.
const LISTS: [&str; 2] = ["initContainers", "containers"];

/// A default for one container: where, what and how much.
struct Addition {
    list: &'static str,
    index: usize,
    field: &'static str,
    resource: String,
    amount: String,
}

pub(super) fn mutate(review: &Review<'_>, draft: &mut Draft) -> Result<(), No> {
    let target = &review.request.target;
    if !target.is("Pod") || review.request.operation != AdmissionOperation::Create {
        return Ok(());
    }
    let Some(object) = draft.object.as_mut() else {
        return Ok(());
    };
    let Some(pod) = Pod::find(target, object)? else {
        return Ok(());
    };
    let mut additions = Vec::new();
    for range in ranges(review, "Container")? {
        for list in LISTS {
            for (index, container) in pod.spec.list(list)?.iter().enumerate() {
                additions.extend(missing(&range, container, list, index)?);
            }
        }
    }
    let Some(pod) = find_mut(target, object).filter(|_| !additions.is_empty()) else {
        return Ok(());
    };
    let count = additions.len();
    for addition in additions {
        let containers = pod.get_mut("spec").and_then(|spec| spec.get_mut(addition.list));
        if let Some(container) = containers.and_then(|containers| containers.get_mut(addition.index)) {
            let amounts = object_at(container, &["resources", addition.field])?;
            // The first limit range wins.
            amounts
                .entry(addition.resource)
                .or_insert_with(|| json!(addition.amount));
        }
    }
    draft.note(format!("set {count} default requests and limits"));
    Ok(())
}

/// The defaults that a container lacks.
fn missing(
    range: &At<'_>,
    container: &At<'_>,
    list: &'static str,
    index: usize,
) -> Result<Vec<Addition>, Unreadable> {
    let limits = amounts(range, "default")?;
    let requests = amounts(range, "defaultRequest")?;
    let own = of_container(container)?;
    let addition = |field, resource: &String, amount: &String| Addition {
        list,
        index,
        field,
        resource: resource.clone(),
        amount: amount.clone(),
    };
    let mut additions = Vec::new();
    for (name, amount) in &limits {
        if !own.limits.contains_key(name) {
            additions.push(addition("limits", name, &amount.text));
        }
    }
    // The default limit is also the default request, unless there is one.
    let fallback = limits.iter().filter(|(name, _)| !requests.contains_key(*name));
    for (name, amount) in requests.iter().chain(fallback) {
        if !own.requests.contains_key(name) {
            additions.push(addition("requests", name, &amount.text));
        }
    }
    Ok(additions)
}

pub(super) fn validate(review: &Review<'_>, draft: &Draft) -> Result<(), No> {
    let target = &review.request.target;
    let Some(object) = &draft.object else {
        return Ok(());
    };
    let mut faults = Vec::new();
    if target.is("PersistentVolumeClaim") {
        let resources = At::root(object).descend(&["spec", "resources"])?;
        let requests = resources.map_or(Ok(Default::default()), |found| amounts(&found, "requests"))?;
        let needs = Needs {
            limits: requests.clone(),
            requests,
        };
        for range in ranges(review, "PersistentVolumeClaim")? {
            faults.extend(judge(&range, "PersistentVolumeClaim", "spec.resources", &needs)?);
        }
    }
    let judged = target.is("Pod") && !keeps_spec(review.request);
    if let Some(pod) = Pod::find(target, object)?.filter(|_| judged) {
        for range in ranges(review, "Container")? {
            for list in LISTS {
                for container in pod.spec.list(list)? {
                    let needs = of_container(&container)?;
                    let path = format!("{}.resources", container.path);
                    faults.extend(judge(&range, "Container", &path, &needs)?);
                }
            }
        }
        for range in ranges(review, "Pod")? {
            faults.extend(judge(&range, "Pod", &pod.spec.path, &of_pod(&pod)?)?);
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let all: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    Err(review.forbidden(format!("[{}]", all.join(", "))).because(faults))
}

/// Compares what is asked for with the bounds of one limit range. A bound wants an answer: asking for nothing is a
/// fault too.
fn judge(range: &At<'_>, kind: &str, path: &str, needs: &Needs) -> Result<Vec<Fault>, Unreadable> {
    let mut faults = Vec::new();
    let mut fault = |message: String| {
        faults.push(Fault {
            path: path.to_owned(),
            message,
        });
    };
    for (bound, upper) in [("min", false), ("max", true)] {
        let word = if upper { "maximum" } else { "minimum" };
        let outside = |amount: Quantity, limit: Quantity| if upper { amount > limit } else { amount < limit };
        for (name, limit) in amounts(range, bound)? {
            let rule = format!("{word} {name} usage per {kind} is {}", limit.text);
            let (request, most) = (needs.requests.get(&name), needs.limits.get(&name));
            let needed = if upper { most } else { request };
            if needed.is_none() {
                let what = if upper { "limit" } else { "request" };
                fault(format!("{rule}. No {what} is specified"));
                continue;
            }
            for (what, amount) in [("request", request), ("limit", most)] {
                if let Some(amount) = amount.filter(|amount| outside(amount.value, limit.value)) {
                    fault(format!("{rule}, but {what} is {}", amount.text));
                    break;
                }
            }
        }
    }
    for (name, ratio) in amounts(range, "maxLimitRequestRatio")? {
        let rule = format!("{name} max limit to request ratio per {kind} is {}", ratio.text);
        match (needs.requests.get(&name), needs.limits.get(&name)) {
            (Some(request), Some(limit)) if request.value > Quantity::ZERO => {
                if limit.value.is_more_than(ratio.value, request.value) {
                    fault(format!(
                        "{rule}, but the limit is {} for a request of {}",
                        limit.text, request.text
                    ));
                }
            }
            _ => fault(format!("{rule}, but no request or no limit is specified")),
        }
    }
    Ok(faults)
}

/// The limits of one type in all limit ranges of the namespace.
fn ranges<'r>(review: &Review<'r>, kind: &str) -> Result<Vec<At<'r>>, Unreadable> {
    let Some(namespace) = review.namespace() else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (_, object) in review.cluster.objects().of("LimitRange", namespace) {
        if let Some(spec) = At::root(object).field("spec")? {
            for item in spec.list("limits")? {
                if item.text_of("type")? == Some(kind) {
                    found.push(item);
                }
            }
        }
    }
    Ok(found)
}
