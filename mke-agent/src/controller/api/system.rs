//! Health, certificates, version, engine information and metrics.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use mke_rbac::Subject;
use mke_rbac::engine::{NEWEST_API, answer};
use mke_rbac::operation::Operation;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::live::registry_authorities;
use crate::controller::metrics::Gauges;
use crate::fleet::{self, Member};

/// The version of this program, as Docker clients show it.
const VERSION: &str = concat!("ucp/", env!("CARGO_PKG_VERSION"));
/// The oldest Engine API version that is served.
const OLDEST_API: &str = "1.20";
/// For the engine to show that it lives.
const HEALTH_TIME: Duration = Duration::from_secs(5);

/// Whether this manager works. Administrators with a certificate read why it does not.
pub(super) async fn ping(call: Call) -> Result<Response, ApiError> {
    let healthy = match timeout(HEALTH_TIME, call.state.engine.get_bytes("/_ping")).await {
        Ok(Ok(_)) => match &call.state.board {
            Some(board) => board.own_health(&call.snapshot.roll, call.state.clock.now()),
            None => Ok(()),
        },
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the engine did not answer in time".to_owned()),
    };
    let (status, text) = match healthy {
        Ok(()) => (StatusCode::OK, "OK".to_owned()),
        Err(detail) if call.identity.as_ref().is_some_and(|identity| identity.is_admin()) => {
            (StatusCode::INTERNAL_SERVER_ERROR, detail)
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy".to_owned()),
    };
    let mut response = body::bytes(status, "text/plain; charset=utf-8", text);
    for (name, value) in [
        ("api-version", NEWEST_API),
        ("ostype", "linux"),
        ("docker-experimental", "false"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
    ] {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Health checks use GET; the product answers HEAD with 404, and Docker clients then use GET.
pub(super) async fn no_head_ping(_call: Call) -> Result<Response, ApiError> {
    Ok(body::status(StatusCode::NOT_FOUND))
}

/// What clients must trust to verify this server.
pub(super) async fn ca(call: Call) -> Result<Response, ApiError> {
    Ok(body::bytes(
        StatusCode::OK,
        "application/x-pem-file",
        call.state.authorities.server_ca_pem(),
    ))
}

/// What people must read before they log in (CFG-034). Nobody has to prove anything to read it.
pub(super) async fn pre_logon_message(call: Call) -> Result<Response, ApiError> {
    let message = &call.snapshot.config.cluster.pre_logon_message;
    Ok(body::json(StatusCode::OK, &json!({ "message": message })))
}

/// The authorities of the trusted registries, for whoever has to trust them too (CFG-006).
pub(super) async fn trusted_registry_ca(call: Call) -> Result<Response, ApiError> {
    Ok(body::bytes(
        StatusCode::OK,
        "application/x-pem-file",
        registry_authorities(&call.snapshot.config.registries),
    ))
}

/// The versions of this program and of the engine behind it.
pub(super) async fn version(call: Call) -> Result<Response, ApiError> {
    let engine: Value = call
        .state
        .engine
        .get_json("/version")
        .await
        .unwrap_or(Value::Null);
    let text = |key: &str| {
        engine
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut components = vec![json!({
        "Name": "Universal Control Plane",
        "Version": env!("CARGO_PKG_VERSION"),
        "Details": {
            "ApiVersion": NEWEST_API,
            "Arch": std::env::consts::ARCH,
            "BuildTime": "",
            "GitCommit": "",
            "GoVersion": "",
            "MinApiVersion": OLDEST_API,
            "Os": std::env::consts::OS,
            "Version": VERSION,
        },
    })];
    if let Some(Value::Array(own)) = engine.get("Components") {
        components.extend(own.iter().cloned());
    }
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "Platform": { "Name": "mke" },
            "Components": components,
            "Version": VERSION,
            "ApiVersion": NEWEST_API,
            "MinAPIVersion": OLDEST_API,
            "GitCommit": text("GitCommit"),
            "GoVersion": text("GoVersion"),
            "Os": std::env::consts::OS,
            "Arch": text("Arch"),
            "KernelVersion": text("KernelVersion"),
            "Experimental": false,
            "BuildTime": text("BuildTime"),
        }),
    ))
}

/// The engine's information under the cluster's identity (DAPI-004).
pub(super) async fn info(call: Call) -> Result<Response, ApiError> {
    let info = match call.state.fleet.members() {
        Some(members) => info_of_cluster(&call, &members).await?,
        None => call.state.engine.get_json("/info").await?,
    };
    let shown = info_for(info, &call.state.cluster.id, call.by_administrator());
    Ok(body::json(StatusCode::OK, &shown))
}

/// What the engines of all nodes are together. Users read of the nodes that they may view.
async fn info_of_cluster(call: &Call, members: &[Arc<Member>]) -> Result<Value, ApiError> {
    let all = fleet::info::ask(members).await;
    let policy = &call.snapshot.policy;
    let subject = call.identity.as_ref().map_or(Subject::Anonymous, |identity| {
        Subject::Account(identity.account().clone())
    });
    let shown = |member: &Member| {
        call.by_administrator() || policy.may(&subject, Operation::NodeView, &member.home(policy))
    };
    let strategy = &call.snapshot.config.cluster.swarm_strategy;
    Ok(fleet::info::merged(
        all,
        members,
        strategy,
        call.by_administrator(),
        &shown,
    )?)
}

/// What of the engine's information is shown: users see neither secrets nor counts of what they do not see, and no
/// labels of the engine.
fn info_for(info: Value, cluster: &str, administrator: bool) -> Value {
    let mut info = answer::info(info, administrator);
    if let Some(map) = info.as_object_mut() {
        map.insert("ID".to_owned(), json!(cluster));
        map.insert("ServerVersion".to_owned(), json!(VERSION));
        if !administrator {
            map.remove("Labels");
        }
    }
    info
}

/// The counters of this controller.
pub(super) async fn metrics(call: Call) -> Result<Response, ApiError> {
    let snapshot = &call.snapshot;
    let directory = &snapshot.directory;
    let gauges = Gauges {
        revision: snapshot.revision.0,
        counts: vec![
            ("user", directory.users_count()),
            ("organization", directory.organizations_count()),
            ("team", directory.teams().count()),
            ("session", directory.sessions().count()),
            ("collection", snapshot.policy.collection_count()),
            ("role", snapshot.policy.roles().len()),
            ("grant", snapshot.policy.grant_count()),
        ],
        syslog: call.state.logs.counts(),
        resident_bytes: resident_bytes(),
        containers: containers(&call).await,
    };
    Ok(body::bytes(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        call.state.metrics.expose(&gauges),
    ))
}

async fn containers(call: &Call) -> Vec<(&'static str, u64)> {
    let info: Value = match call.state.fleet.members() {
        Some(members) => {
            let all = fleet::info::ask(&members).await;
            fleet::info::merged(all, &members, "", false, &|_| false).unwrap_or(Value::Null)
        }
        None => call.state.engine.get_json("/info").await.unwrap_or(Value::Null),
    };
    [
        ("running", "ContainersRunning"),
        ("paused", "ContainersPaused"),
        ("stopped", "ContainersStopped"),
    ]
    .into_iter()
    .filter_map(|(state, key)| Some((state, info.get(key)?.as_u64()?)))
    .collect()
}

/// Resident memory: the second field of `/proc/self/statm`, in pages (proc(5)).
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Where Prometheus finds the metrics of this cluster, in the form of its file discovery.
pub(super) async fn metrics_discovery(call: Call) -> Result<Response, ApiError> {
    let target = format!("{}:{}", call.state.advertise_host, call.state.port);
    Ok(body::json(
        StatusCode::OK,
        &json!([{ "targets": [target], "labels": { "job": "ucp-controller" } }]),
    ))
}

/// The namespaces that the caller may use: none, since no Kubernetes runs here.
pub(super) async fn kubernetes_namespaces(_call: Call) -> Result<Response, ApiError> {
    Ok(body::json(
        StatusCode::OK,
        &json!({ "kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": [] }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DAPI-004, proxy-30: the cluster's identity for everybody; counts, places on the node and the swarm's secrets for
    /// administrators only.
    #[test]
    fn sec_proxy_30_information_for_users_and_administrators() {
        let canary = "canary";
        let engine = json!({
            "ID": "ENGINE",
            "Containers": 41, "ContainersRunning": 42, "ContainersPaused": 43, "ContainersStopped": 44, "Images": 45,
            "DockerRootDir": canary,
            "HttpProxy": canary, "HttpsProxy": canary, "NoProxy": canary,
            "RegistryConfig": { "Mirrors": [canary] },
            "Labels": [canary],
            "Swarm": { "NodeID": "n1", "Cluster": { "ID": canary }, "JoinTokens": { "Worker": canary } },
        });
        let user = info_for(engine.clone(), "c1", false);
        let text = user.to_string();
        assert_eq!(
            (&user["ID"], &user["ServerVersion"]),
            (&json!("c1"), &json!(VERSION))
        );
        assert_eq!(user["Swarm"], json!({ "NodeID": "n1" }));
        for hidden in [canary, "41", "42", "43", "44", "45"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        let administrator = info_for(engine.clone(), "c1", true);
        assert_eq!(administrator["ID"], "c1");
        for key in ["Containers", "DockerRootDir", "Labels", "Swarm"] {
            assert_eq!(administrator[key], engine[key], "{key}");
        }
    }
}
