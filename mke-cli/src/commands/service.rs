//! `ucp service`: which services may still run on nodes that only Kubernetes should use (LBL-003).

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::names::text;
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

/// What the control plane gives to services that are made or updated through it.
const CONSTRAINT: &str = "node.labels.com.docker.ucp.orchestrator.swarm==true";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the services without the constraint that keeps them on nodes of Swarm. Agents of the control plane need none.
    Unconstrained {
        /// Update them, so that they get it. Their tasks are started again.
        #[arg(long)]
        update: bool,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    let Command::Unconstrained { update } = command;
    let services: Vec<Value> = client.get("/services").await?;
    let mut lacking: Vec<Value> = services.into_iter().filter(lacks).collect();
    lacking.sort_by_key(name);
    if update {
        for service in &lacking {
            let (id, version) = (text(service, "ID"), &service["Version"]["Index"]);
            let path = format!("/services/{}/update?version={version}", escape(&id));
            let _: Value = client.send_json(Method::POST, &path, &service["Spec"]).await?;
            output.remark(&format!("updated service {}", name(service)));
        }
        return Ok(());
    }
    output.table(&lacking, ["NAME", "ID"], |service| {
        [name(service), text(service, "ID")]
    })
}

fn name(service: &Value) -> String {
    text(&service["Spec"], "Name")
}

/// Whether a service may run on any node although the control plane would keep a new one of its kind off some.
fn lacks(service: &Value) -> bool {
    let name = name(service);
    let agent = name.starts_with("ucp-") && name.split('-').any(|part| part == "agent");
    let constraints = &service["Spec"]["TaskTemplate"]["Placement"]["Constraints"];
    let constrained = constraints
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|constraint| constraint.split_whitespace().collect::<String>() == CONSTRAINT);
    !agent && !constrained
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// LBL-003: whatever lacks the constraint, but not the agents.
    #[test]
    fn who_lacks_the_constraint() {
        let service = |name: &str, constraints: Value| json!({ "Spec": { "Name": name, "TaskTemplate": { "Placement": { "Constraints": constraints } } } });
        for (name, constraints, expected) in [
            ("web", json!(null), true),
            ("web", json!(["node.role==worker"]), true),
            ("web", json!([CONSTRAINT]), false),
            (
                "web",
                json!([
                    "node.role==worker",
                    "node.labels.com.docker.ucp.orchestrator.swarm == true"
                ]),
                false,
            ),
            ("ucp-worker-agent-x", json!(null), false),
            ("ucp-interlock", json!(null), true),
        ] {
            assert_eq!(
                lacks(&service(name, constraints.clone())),
                expected,
                "{name} {constraints}"
            );
        }
    }
}
