//! What containers and pods ask for, resource by resource.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pod::Pod;
use super::quantity::Quantity;
use super::read::{At, Unreadable};

/// An amount and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) value: Quantity,
    pub(super) text: String,
}

/// Amounts by resource.
pub(super) type Amounts = BTreeMap<String, Amount>;

/// What is asked for, and what is the most that is used.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) requests: Amounts,
    pub(super) limits: Amounts,
}

/// The amounts in a field; none when it is absent.
pub(super) fn amounts(holder: &At<'_>, field: &str) -> Result<Amounts, Unreadable> {
    let Some(map) = holder.field(field)? else {
        return Ok(Amounts::new());
    };
    let mut amounts = Amounts::new();
    for (name, value) in map.object()? {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let quantity = Quantity::parse(&text).ok_or_else(|| {
            let at = At {
                value,
                path: format!("{}[{name}]", map.path),
            };
            at.not("an amount such as `100m` or `1Gi`")
        })?;
        amounts.insert(
            name.clone(),
            Amount {
                value: quantity,
                text,
            },
        );
    }
    Ok(amounts)
}

/// What a container needs; a limit without a request is also the request.
pub(super) fn of_container(container: &At<'_>) -> Result<Needs, Unreadable> {
    let Some(resources) = container.field("resources")? else {
        return Ok(Needs::default());
    };
    let limits = amounts(&resources, "limits")?;
    let mut requests = amounts(&resources, "requests")?;
    for (name, amount) in &limits {
        requests.entry(name.clone()).or_insert_with(|| amount.clone());
    }
    Ok(Needs { requests, limits })
}

/// What a pod needs: the sum of its containers, or the most that one of those needs that run first, one by one.
pub(super) fn of_pod(pod: &Pod<'_>) -> Result<Needs, Unreadable> {
    let mut needs = Needs::default();
    for container in pod.spec.list("containers")? {
        let own = of_container(&container)?;
        add(&mut needs.requests, own.requests, Quantity::plus);
        add(&mut needs.limits, own.limits, Quantity::plus);
    }
    for container in pod.spec.list("initContainers")? {
        let own = of_container(&container)?;
        add(&mut needs.requests, own.requests, Ord::max);
        add(&mut needs.limits, own.limits, Ord::max);
    }
    add(
        &mut needs.requests,
        amounts(&pod.spec, "overhead")?,
        Quantity::plus,
    );
    Ok(needs)
}

fn add(sums: &mut Amounts, more: Amounts, combine: fn(Quantity, Quantity) -> Quantity) {
    for (name, amount) in more {
        let value = match sums.get(&name) {
            Some(sum) => combine(sum.value, amount.value),
            None => amount.value,
        };
        let text = value.to_string();
        sums.insert(name, Amount { value, text });
    }
}
