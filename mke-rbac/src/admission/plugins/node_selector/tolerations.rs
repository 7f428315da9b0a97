//! Which tolerations a pod keeps and gets.
//!
//! A toleration without a key tolerates every taint. It is narrowed to the effects that leave the product's taints
//! alone, rather than removed, so that it still does what it can.

use serde_json::{Value, json};

use super::{MANAGER, ORCHESTRATOR, Rules, text};
use crate::admission::pod::Pod;
use crate::admission::read::{At, Unreadable, object_at};

/// Every effect that a taint can have.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// The tolerations of a pod.
pub(super) fn of(pod: &Value) -> Result<Vec<Value>, Unreadable> {
    match At::root(pod).field("spec")? {
        Some(spec) => Ok(spec
            .list("tolerations")?
            .iter()
            .map(|at| at.value.clone())
            .collect()),
        None => Ok(Vec::new()),
    }
}

/// The tolerations as they shall be, with notes about every change. Those in `kept` stay; `running` pods get no
/// tolerations that nobody asked for.
pub(super) fn rewrite(
    pod: &Pod<'_>,
    rules: &Rules,
    kept: &[Value],
    running: bool,
) -> Result<(Vec<Value>, Vec<String>), Unreadable> {
    let mut tolerations = Vec::new();
    let mut notes = Vec::new();
    for toleration in pod.spec.list("tolerations")? {
        toleration.object()?;
        for field in ["key", "operator", "value", "effect"] {
            toleration.text_of(field)?;
        }
        if kept.contains(toleration.value) {
            tolerations.push(toleration.value.clone());
            continue;
        }
        let narrowed = narrow(toleration.value, rules);
        if narrowed.as_slice() != [toleration.value.clone()] {
            let key = text(toleration.value, "key");
            let shown = if key.is_empty() { "of every taint" } else { key };
            let how = if narrowed.is_empty() {
                "removed"
            } else {
                "narrowed"
            };
            notes.push(format!("{how} the toleration {shown} at {}", toleration.path));
        }
        tolerations.extend(narrowed);
    }
    for (key, wanted) in [(ORCHESTRATOR, rules.system), (MANAGER, rules.on_managers)] {
        let present = tolerations
            .iter()
            .any(|toleration| text(toleration, "key") == key && covers_all(toleration));
        if wanted && !running && !present {
            tolerations.push(json!({"key": key, "operator": "Exists"}));
            notes.push(format!("added the toleration {key}"));
        }
    }
    Ok((tolerations, notes))
}

/// Writes the tolerations back, if they are others.
pub(super) fn store(pod: &mut Value, tolerations: Vec<Value>) -> Result<(), Unreadable> {
    let spec = object_at(pod, &["spec"])?;
    let before = spec.get("tolerations").and_then(Value::as_array);
    if before.map_or(tolerations.is_empty(), |before| *before == tolerations) {
        return Ok(());
    }
    spec.insert("tolerations".to_owned(), Value::Array(tolerations));
    Ok(())
}

/// What is left of a toleration: itself, nothing, or one for each effect that it may keep.
fn narrow(toleration: &Value, rules: &Rules) -> Vec<Value> {
    let (key, effect) = (text(toleration, "key"), text(toleration, "effect"));
    let keys: &[&str] = match key {
        // Taints of nodes for swarm workloads are NoExecute, those of managers NoSchedule.
        "" => &[ORCHESTRATOR, MANAGER],
        ORCHESTRATOR => &[ORCHESTRATOR],
        MANAGER => &[MANAGER],
        _ => return vec![toleration.clone()],
    };
    let forbidden = |effect: &str| {
        keys.iter().any(|taint| {
            let relevant = !key.is_empty() || (*taint == ORCHESTRATOR) == (effect == "NoExecute");
            let preference = key.is_empty() && effect == "PreferNoSchedule";
            relevant && !preference && rules.forbids(taint, effect)
        })
    };
    let effects: Vec<&str> = match effect {
        "" => EFFECTS.to_vec(),
        one => vec![one],
    };
    let left: Vec<&str> = effects
        .iter()
        .copied()
        .filter(|effect| !forbidden(effect))
        .collect();
    if left.len() == effects.len() {
        return vec![toleration.clone()];
    }
    // Tolerations of one key are the product's business alone: all or nothing.
    if !key.is_empty() {
        return Vec::new();
    }
    let narrowed = left.into_iter().map(|effect| {
        let mut narrowed = toleration.clone();
        if let Some(fields) = narrowed.as_object_mut() {
            fields.insert("effect".to_owned(), json!(effect));
        }
        narrowed
    });
    narrowed.collect()
}

/// Whether a toleration of its key is for every value and effect.
fn covers_all(toleration: &Value) -> bool {
    text(toleration, "operator") == "Exists" && text(toleration, "effect").is_empty()
}
