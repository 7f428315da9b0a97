//! A classic load balancer of AWS, as `aws elb create-load-balancer --cli-input-json` and `configure-health-check` take it.

use serde_json::{Value, json};

use super::{Balancer, Health};

/// Listeners and health check as JSON with the members `create` and `health`. One balancer has one health check: it is
/// that of the first listener, because a manager whose API does not answer should not get Kubernetes requests either.
pub fn aws(balancer: &Balancer) -> Value {
    let listeners: Vec<_> = balancer
        .listeners()
        .iter()
        .map(|listener| {
            json!({
                "Protocol": "TCP",
                "LoadBalancerPort": listener.port,
                "InstanceProtocol": "TCP",
                "InstancePort": listener.target_port,
            })
        })
        .collect();
    let target = balancer
        .listeners()
        .first()
        .map(|listener| match listener.health {
            Health::Ping => format!("HTTPS:{}/_ping", listener.target_port),
            Health::Connect => format!("TCP:{}", listener.target_port),
        });
    // Names of balancers have letters, digits and hyphens only.
    let name: String = balancer
        .name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let name: String = name.trim_matches('-').chars().take(32).collect();
    json!({
        "create": { "LoadBalancerName": name, "Listeners": listeners },
        "health": {
            "LoadBalancerName": name,
            "HealthCheck": {
                "Target": target,
                "Interval": 10,
                "Timeout": 2,
                "UnhealthyThreshold": 4,
                "HealthyThreshold": 2,
            },
        },
    })
}
