//! `/api/ucp/config/…`: parts of the configuration as JSON. Keys that a body does not name stay as they are; names that
//! the part does not have are refused, all problems at once.

use http::StatusCode;
use mke_core::config::{Config, Key, KeyPath, Problem, Problems, Registry, Value, find_key};
use serde_json::{Map, Value as Json, json};

use super::{Call, applied};
use crate::controller::body::{self, Response};
use crate::controller::configuration::{Applied, ChangeError};
use crate::controller::error::ApiError;

/// A part: how the history speaks of it, and its keys by their names in JSON.
struct Part {
    about: &'static str,
    keys: &'static [(&'static str, &'static str)],
}

const LOGGING: Part = Part {
    about: "the logging settings were changed",
    keys: &[
        ("logLevel", "log_configuration.level"),
        ("auditLevel", "audit_log_configuration.level"),
        (
            "supportDumpIncludeAuditLogs",
            "audit_log_configuration.support_dump_include_audit_logs",
        ),
    ],
};

const SCHEDULING: Part = Part {
    about: "the scheduling settings were changed",
    keys: &[
        (
            "enableAdminUCPScheduling",
            "scheduling_configuration.enable_admin_ucp_scheduling",
        ),
        (
            "defaultNodeOrchestrator",
            "scheduling_configuration.default_node_orchestrator",
        ),
    ],
};

const KUBERNETES: Part = Part {
    about: "the Kubernetes settings were changed",
    keys: &[
        (
            "privAttributesAllowedForUserAccounts",
            "cluster_config.priv_attributes_allowed_for_user_accounts",
        ),
        (
            "privAttributesUserAccounts",
            "cluster_config.priv_attributes_user_accounts",
        ),
        (
            "privAttributesAllowedForServiceAccounts",
            "cluster_config.priv_attributes_allowed_for_service_accounts",
        ),
        (
            "privAttributesServiceAccounts",
            "cluster_config.priv_attributes_service_accounts",
        ),
        (
            "ingressController.enabled",
            "cluster_config.ingress_controller.enabled",
        ),
    ],
};

/// What is logged and audited (AUD-007).
pub(in super::super) async fn show_logging(call: Call) -> Result<Response, ApiError> {
    Ok(shown(&call, &LOGGING))
}

/// Changes what is logged and audited.
pub(in super::super) async fn change_logging(call: Call) -> Result<Response, ApiError> {
    change(call, &LOGGING).await
}

/// Where workloads may run.
pub(in super::super) async fn show_scheduling(call: Call) -> Result<Response, ApiError> {
    Ok(shown(&call, &SCHEDULING))
}

/// Changes where workloads may run.
pub(in super::super) async fn change_scheduling(call: Call) -> Result<Response, ApiError> {
    change(call, &SCHEDULING).await
}

/// What Kubernetes workloads may ask for, and whether there is an ingress controller.
pub(in super::super) async fn show_kubernetes(call: Call) -> Result<Response, ApiError> {
    Ok(shown(&call, &KUBERNETES))
}

/// Changes what Kubernetes workloads may ask for.
pub(in super::super) async fn change_kubernetes(call: Call) -> Result<Response, ApiError> {
    change(call, &KUBERNETES).await
}

/// The trusted registries.
pub(in super::super) async fn show_registries(call: Call) -> Result<Response, ApiError> {
    let config = &call.snapshot.config;
    let registries: Vec<_> = config
        .registries
        .iter()
        .map(|registry| {
            json!({
                "hostAddress": registry.host_address,
                "serviceID": registry.service_id,
                "caBundle": registry.ca_bundle,
                "batchScanningDataEnabled": config.cluster.image_scan_aggregation_enabled,
            })
        })
        .collect();
    Ok(body::json(StatusCode::OK, &json!({ "registries": registries })))
}

/// Replaces the trusted registries.
pub(in super::super) async fn change_registries(call: Call) -> Result<Response, ApiError> {
    let registries = registries(&object(&call)?)?;
    let request = call.change_request("the trusted registries were changed")?;
    let done = call
        .state
        .configuration
        .change(&request, |config| {
            config.registries.clone_from(&registries);
            Ok(())
        })
        .await?;
    answer(&call, &done)
}

fn shown(call: &Call, part: &Part) -> Response {
    let mut object = Json::Object(Map::new());
    for (name, path, _) in part.resolved() {
        let value = call.snapshot.config.get(&path);
        let value = value.map_or(Json::Null, |value| value.to_json());
        // A name with a dot stands in an object of its own.
        match name.split_once('.') {
            Some((outer, inner)) => object[outer][inner] = value,
            None => object[name] = value,
        }
    }
    body::json(StatusCode::OK, &object)
}

async fn change(call: Call, part: &'static Part) -> Result<Response, ApiError> {
    let values = part.read(&object(&call)?)?;
    let request = call.change_request(part.about)?;
    let done = call
        .state
        .configuration
        .change(&request, |config| assign(config, &values))
        .await?;
    answer(&call, &done)
}

fn assign(config: &mut Config, values: &[(KeyPath, Value)]) -> Result<(), ChangeError> {
    for (path, value) in values {
        if !config.assign(path, value) {
            return Err(ChangeError::Invalid(Problems(vec![Problem {
                key: path.to_string(),
                message: format!("`{value}` does not go there"),
                ..Problem::default()
            }])));
        }
    }
    Ok(())
}

fn answer(call: &Call, done: &Applied) -> Result<Response, ApiError> {
    applied(call, done, "Configuration updated.")
}

/// The body as an object, without keys that are null.
fn object(call: &Call) -> Result<Map<String, Json>, ApiError> {
    Ok(call.fields()?.into_present())
}

impl Part {
    /// The keys with their paths. A name that is no key of the configuration is left out; a test finds it.
    fn resolved(&self) -> impl Iterator<Item = (&'static str, KeyPath, &'static Key)> {
        self.keys
            .iter()
            .filter_map(|(name, path)| Some((*name, path.parse().ok()?, find_key(path)?)))
    }

    /// The values that a body gives.
    fn read(&self, body: &Map<String, Json>) -> Result<Vec<(KeyPath, Value)>, ChangeError> {
        let mut given = Vec::new();
        flatten(body, "", &mut given);
        let (mut values, mut problems) = (Vec::new(), Vec::new());
        for (name, json) in given {
            let known = self
                .resolved()
                .find(|(known, ..)| known.eq_ignore_ascii_case(&name));
            let problem = |message: String| Problem {
                key: format!("/{}", name.replace('.', "/")),
                message,
                ..Problem::default()
            };
            match known {
                None => {
                    let names: Vec<_> = self.keys.iter().map(|(name, _)| *name).collect();
                    let message = format!("unknown key, known are {}", names.join(", "));
                    problems.push(problem(message));
                }
                // Clients leave out a level by leaving it empty.
                Some((_, _, key))
                    if json.as_str() == Some("") && !key.allowed.is_empty() && !key.allowed.contains(&"") => {
                }
                Some((_, path, key)) => match Value::from_json(key, json) {
                    Ok(value) => values.push((path, value)),
                    Err(expected) => problems.push(problem(format!("must be {expected}"))),
                },
            }
        }
        if problems.is_empty() {
            Ok(values)
        } else {
            Err(Problems(problems).into())
        }
    }
}

/// Names inside objects are joined by dots; null is absent.
fn flatten<'b>(body: &'b Map<String, Json>, before: &str, given: &mut Vec<(String, &'b Json)>) {
    for (name, value) in body {
        let name = format!("{before}{name}");
        match value {
            Json::Null => {}
            Json::Object(inner) if before.is_empty() => flatten(inner, &format!("{name}."), given),
            other => given.push((name, other)),
        }
    }
}

/// Reads `registries`, all problems at once.
fn registries(body: &Map<String, Json>) -> Result<Vec<Registry>, ChangeError> {
    let mut problems = Vec::new();
    let mut refuse = |key: String, message: &str| {
        problems.push(Problem {
            key,
            message: message.to_owned(),
            ..Problem::default()
        });
    };
    for name in body
        .keys()
        .filter(|name| !name.eq_ignore_ascii_case("registries"))
    {
        refuse(format!("/{name}"), "unknown key, known is registries");
    }
    let rows = body
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("registries"));
    let Some(rows) = rows.and_then(|(_, rows)| rows.as_array()) else {
        refuse("/registries".to_owned(), "must be an array of registries");
        return Err(Problems(problems).into());
    };
    let mut registries = Vec::new();
    for (row, registry) in rows.iter().enumerate() {
        let mut read = Registry {
            host_address: String::new(),
            service_id: String::new(),
            ca_bundle: String::new(),
        };
        let Some(fields) = registry.as_object() else {
            refuse(format!("/registries/{row}"), "must be an object");
            continue;
        };
        for (name, value) in fields {
            let key = format!("/registries/{row}/{name}");
            let field = match name.to_ascii_lowercase().as_str() {
                "hostaddress" => &mut read.host_address,
                "serviceid" => &mut read.service_id,
                "cabundle" => &mut read.ca_bundle,
                // It is shown with every registry and set for all of them in `cluster_config`.
                "batchscanningdataenabled" => continue,
                _ => {
                    refuse(key, "unknown key, known are hostAddress, serviceID, caBundle");
                    continue;
                }
            };
            match value.as_str() {
                Some(text) => text.clone_into(field),
                None => refuse(key, "must be text"),
            }
        }
        registries.push(read);
    }
    if problems.is_empty() {
        Ok(registries)
    } else {
        Err(Problems(problems).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_name_keys_that_exist() {
        for part in [&LOGGING, &SCHEDULING, &KUBERNETES] {
            assert_eq!(part.resolved().count(), part.keys.len());
            let mut config = Config::default();
            for (name, path, _) in part.resolved() {
                let value = config.get(&path).unwrap();
                assert!(config.assign(&path, &value), "{name}");
            }
        }
    }
}
