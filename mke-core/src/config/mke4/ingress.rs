//! The ingress and MetalLB.

use serde_json::{Value as Json, json};

use super::Work;
use crate::config::{IngressAffinity, IngressToleration, port_range};

const KEY: &str = "cluster_config.ingress_controller";
/// The node ports of an ingress that was off, with the port range that MKE 3 has by itself.
const DEFAULT_PORTS: (u16, u16) = (33_000, 33_001);

pub(super) fn convert(work: &mut Work<'_>) {
    metallb(work);
    let ingress = &work.config.cluster.ingress_controller;
    // Keys of the ingress are all dealt with here.
    work.see_below(KEY);
    if !ingress.enabled {
        let (http, https) = first_ports(work);
        work.put(
            &format!("{KEY}.enabled"),
            "ingressController.nodePorts",
            json!({ "http": http, "https": https }),
        );
        return;
    }
    let extra = &ingress.extra_args;
    let fields: [(&str, &str, Json); 10] = [
        ("enabled", "enabled", true.into()),
        (
            "ingress_num_replicas",
            "numReplicas",
            ingress.ingress_num_replicas.into(),
        ),
        (
            "ingress_enable_lb",
            "enableLoadBalancer",
            ingress.ingress_enable_lb.into(),
        ),
        (
            "ingress_preserve_client_ip",
            "preserveClientIP",
            ingress.ingress_preserve_client_ip.into(),
        ),
        (
            "ingress_config_map",
            "configMap",
            json!(ingress.ingress_config_map),
        ),
        (
            "ingress_tcp_services",
            "tcpServices",
            json!(ingress.ingress_tcp_services),
        ),
        (
            "ingress_udp_services",
            "udpServices",
            json!(ingress.ingress_udp_services),
        ),
        (
            "ingress_extra_args.http_port",
            "extraArgs.httpPort",
            extra.http_port.into(),
        ),
        (
            "ingress_extra_args.https_port",
            "extraArgs.httpsPort",
            extra.https_port.into(),
        ),
        (
            "ingress_extra_args.enable_ssl_passthrough",
            "extraArgs.enableSslPassthrough",
            extra.enable_ssl_passthrough.into(),
        ),
    ];
    for (key, field, value) in fields {
        if value.as_object().is_none_or(|map| !map.is_empty()) {
            work.put(
                &format!("{KEY}.{key}"),
                &format!("ingressController.{field}"),
                value,
            );
        }
    }
    if !extra.default_ssl_certificate.is_empty() {
        work.put(
            &format!("{KEY}.ingress_extra_args.default_ssl_certificate"),
            "ingressController.extraArgs.defaultSslCertificate",
            extra.default_ssl_certificate.as_str().into(),
        );
    }
    if !extra.default_backend_service.is_empty() {
        let key = format!("{KEY}.ingress_extra_args.default_backend_service");
        work.leave(&key, &extra.default_backend_service, "MKE 4 has no field for it");
    }
    if !ingress.ingress_external_ips.is_empty() {
        let found = ingress.ingress_external_ips.join(", ");
        work.leave(
            &format!("{KEY}.ingress_external_ips"),
            found,
            "MKE 4 has no field for it",
        );
    }
    ports(work);
    placement(work);
}

/// An ingress that runs keeps its node ports.
fn ports(work: &mut Work<'_>) {
    let mut kept = serde_json::Map::new();
    for (row, port) in work.config.cluster.ingress_controller.ports.iter().enumerate() {
        let name = match port.name.as_str() {
            "http2" | "http" => Some("http"),
            "https" => Some("https"),
            _ => None,
        };
        match (name, port.node_port) {
            (Some(name), Some(node_port)) => {
                kept.insert(name.to_owned(), node_port.into());
            }
            _ => {
                let key = format!("{KEY}.ingress_exposed_ports[{row}]");
                let why =
                    "only the ports for HTTP and HTTPS are carried over; use ingressController.tcpServices";
                work.leave(&key, format!("{} {}", port.name, port.port), why);
            }
        }
    }
    if !kept.is_empty() {
        let key = format!("{KEY}.ingress_exposed_ports");
        work.put(&key, "ingressController.nodePorts", Json::Object(kept));
    }
}

/// Where its proxies run. What MKE 3 says by itself names a label that MKE 4 does not have.
fn placement(work: &mut Work<'_>) {
    let ingress = &work.config.cluster.ingress_controller;
    let affinity: Vec<_> = ingress
        .affinity
        .iter()
        .filter(|row| **row != IngressAffinity::default())
        .collect();
    if !affinity.is_empty() {
        let terms: Vec<_> = affinity
            .iter()
            .map(|row| {
                let operator = if row.value.is_empty() { "Exists" } else { "In" };
                let mut expression = json!({ "key": row.key, "operator": operator });
                if !row.value.is_empty() {
                    expression["values"] = json!([row.value]);
                }
                json!({ "weight": 100, "preference": { "matchExpressions": [expression] } })
            })
            .collect();
        work.put(
            &format!("{KEY}.ingress_node_affinity"),
            "ingressController.affinity",
            json!({ "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": terms } }),
        );
    }
    let tolerations = work.config.cluster.ingress_controller.toleration.iter();
    let tolerations: Vec<_> = tolerations
        .filter(|row| **row != IngressToleration::default())
        .map(|row| {
            let mut toleration = json!({ "key": row.key, "operator": row.operator, "effect": row.effect });
            if row.operator == "Equal" {
                toleration["value"] = row.value.as_str().into();
            }
            toleration
        })
        .collect();
    if !tolerations.is_empty() {
        work.put(
            &format!("{KEY}.ingress_node_toleration"),
            "ingressController.tolerations",
            Json::Array(tolerations),
        );
    }
}

/// 33000 and 33001, or the first two ports of another range.
fn first_ports(work: &Work<'_>) -> (u16, u16) {
    let range = &work.config.cluster.network.nodeport_range;
    match port_range(range) {
        Some((low, high)) if *range != work.default.cluster.network.nodeport_range => {
            (low, low.saturating_add(1).min(high))
        }
        _ => DEFAULT_PORTS,
    }
}

fn metallb(work: &mut Work<'_>) {
    const METALLB: &str = "cluster_config.metallb_config";
    let metallb = &work.config.cluster.metallb;
    if let Some(enabled) = work.value(&format!("{METALLB}.enabled")) {
        work.put(
            &format!("{METALLB}.enabled"),
            "metallb.enabled",
            super::plain(enabled),
        );
    }
    for (row, pool) in metallb.pools.iter().enumerate() {
        for name in ["name", "external_ip"] {
            work.seen
                .insert(format!("{METALLB}.metallb_ip_addr_pool[{row}].{name}"));
        }
        let found = format!("{}: {}", pool.name, pool.external_ip.join(", "));
        let why = "address pools are not carried over; make them again by hand";
        work.leave(&format!("{METALLB}.metallb_ip_addr_pool[{row}]"), found, why);
    }
}
