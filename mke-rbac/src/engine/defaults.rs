//! What new services get that say nothing themselves: how long their tasks wait before they start again, and how often
//! they do (CFG-008).
//!
//! Only what the specification leaves out is filled in; zero is said. An update keeps what is stored: filling in there
//! would restart the tasks of services that were made before. Jobs are left alone, since the engine has restart rules of
//! its own for them.

use std::time::Duration;

use serde_json::{Value, json};

use super::forward::with_object;

/// The defaults of an installation. `Default` fills in nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceDefaults {
    /// How long to wait before a task starts again.
    pub restart_delay: Option<Duration>,
    /// How often a task is started again before it is given up.
    pub restart_attempts: Option<u64>,
}

/// Fills in what a new service leaves out.
pub(super) fn put(spec: &mut Value, defaults: &ServiceDefaults) {
    let is_job = |mode: &str| spec["Mode"].get(mode).is_some_and(Value::is_object);
    let runs_containers = spec["TaskTemplate"]["ContainerSpec"].is_object();
    if !runs_containers || is_job("ReplicatedJob") || is_job("GlobalJob") {
        return;
    }
    let nanoseconds = |delay: Duration| i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX);
    let missing: Vec<(&str, Value)> = [
        (
            "Delay",
            defaults.restart_delay.map(|delay| json!(nanoseconds(delay))),
        ),
        (
            "MaxAttempts",
            defaults.restart_attempts.map(|attempts| json!(attempts)),
        ),
    ]
    .into_iter()
    .filter(|(field, _)| spec["TaskTemplate"]["RestartPolicy"][*field].is_null())
    .filter_map(|(field, value)| Some((field, value?)))
    .collect();
    if missing.is_empty() {
        return;
    }
    with_object(&mut spec["TaskTemplate"], "RestartPolicy", |policy| {
        for (field, value) in missing {
            policy.insert(field.to_owned(), value);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: ServiceDefaults = ServiceDefaults {
        restart_delay: Some(Duration::from_secs(5)),
        restart_attempts: Some(3),
    };

    fn filled(mut spec: Value) -> Value {
        put(&mut spec, &DEFAULTS);
        spec["TaskTemplate"]["RestartPolicy"].take()
    }

    /// CFG-008: each field on its own, null is nothing, zero is something.
    #[test]
    fn only_what_is_left_out() {
        let service =
            |policy: Value| json!({ "TaskTemplate": { "ContainerSpec": {}, "RestartPolicy": policy } });
        let both = json!({ "Delay": 5_000_000_000_i64, "MaxAttempts": 3 });
        assert_eq!(filled(json!({ "TaskTemplate": { "ContainerSpec": {} } })), both);
        for (policy, result) in [
            (json!(null), both.clone()),
            (json!({}), both.clone()),
            (json!({ "Delay": null, "MaxAttempts": null }), both),
            (
                json!({ "Condition": "on-failure", "MaxAttempts": 0 }),
                json!({ "Condition": "on-failure", "MaxAttempts": 0, "Delay": 5_000_000_000_i64 }),
            ),
            (json!({ "Delay": 0 }), json!({ "Delay": 0, "MaxAttempts": 3 })),
            (
                json!({ "Delay": 1, "MaxAttempts": 9 }),
                json!({ "Delay": 1, "MaxAttempts": 9 }),
            ),
        ] {
            assert_eq!(filled(service(policy.clone())), result, "{policy}");
        }
    }

    #[test]
    fn what_is_left_alone() {
        for spec in [
            json!({}),
            json!({ "TaskTemplate": {} }),
            json!({ "TaskTemplate": { "Runtime": "plugin", "PluginSpec": {} } }),
            json!({ "TaskTemplate": { "ContainerSpec": {} }, "Mode": { "GlobalJob": {} } }),
            json!({ "TaskTemplate": { "ContainerSpec": {} }, "Mode": { "ReplicatedJob": { "MaxConcurrent": 1 } } }),
        ] {
            assert!(filled(spec.clone()).is_null(), "{spec}");
            let mut same = spec.clone();
            put(&mut same, &ServiceDefaults::default());
            assert_eq!(same, spec);
        }
    }
}
