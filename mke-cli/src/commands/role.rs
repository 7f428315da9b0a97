//! `ucp role`: what may be done.

use clap::Subcommand;
use mke_rbac::operation::Operation;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::names::{mark, role_id, text};
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List roles.
    List,
    /// Show the operations of a role.
    Show {
        /// Name or id.
        role: String,
    },
    /// Create a role from operations, such as `--operation "Service View"`.
    Create {
        /// Its name.
        name: String,
        /// An operation; with modifiers, `Container Create=Privileged,Host Bind Mounts`.
        #[arg(long = "operation", short, required = true)]
        operations: Vec<String>,
    },
    /// Remove a role that no grant uses.
    Remove {
        /// Name or id.
        role: String,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::List => {
            let roles: Vec<Value> = client.get("/roles").await?;
            output.table(&roles, ["NAME", "BUILT IN", "ID"], |role| {
                [text(role, "name"), mark(role, "system_role"), text(role, "id")]
            })
        }
        Command::Show { role } => {
            let id = role_id(client, &role).await?;
            let found: Value = client.get(&format!("/roles/{}", escape(&id))).await?;
            output.value(&found, |role| {
                operations_text(role.get("operations").unwrap_or(&Value::Null))
            })
        }
        Command::Create { name, operations } => {
            let body = json!({ "name": name, "operations": parse_operations(&operations)? });
            let made: Value = client.send_json(Method::POST, "/roles", &body).await?;
            output.value(&made, |made| {
                format!("created role {name} with id {}", text(made, "id"))
            })
        }
        Command::Remove { role } => {
            let id = role_id(client, &role).await?;
            client
                .call(Method::DELETE, &format!("/roles/{}", escape(&id)))
                .await?;
            output.remark(&format!("removed role {role}"));
            Ok(())
        }
    }
}

/// `Operation[=Modifier,…]` to the role's JSON form. Only the grouping by type is done here; names that do not
/// exist are the server's to refuse, but the type of an unknown operation cannot be told.
fn parse_operations(operations: &[String]) -> Result<Value, CliError> {
    let mut types = Map::new();
    for text in operations {
        let (name, modifiers) = text.split_once('=').unwrap_or((text, ""));
        let operation = Operation::from_name(name).ok_or_else(|| {
            CliError::Usage(format!(
                "`{name}` is no operation; `ucp role show fullcontrol` lists all"
            ))
        })?;
        let modifiers: Vec<_> = modifiers
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let of_type = types
            .entry(operation.object_type().name())
            .or_insert_with(|| json!({}));
        if let Some(of_type) = of_type.as_object_mut() {
            of_type.insert(name.to_owned(), json!(modifiers));
        }
    }
    Ok(Value::Object(types))
}

fn operations_text(operations: &Value) -> String {
    let mut lines = String::new();
    for (operation, modifiers) in operations
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(_, group)| group.as_object())
        .flatten()
    {
        let modifiers: Vec<_> = modifiers
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        lines.push_str(operation);
        if !modifiers.is_empty() {
            lines.push_str(&format!(" = {}", modifiers.join(", ")));
        }
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_grouped_by_type() {
        let texts = [
            "Service View".to_owned(),
            "Container Create=Privileged, IPC Mode".to_owned(),
        ];
        assert_eq!(
            parse_operations(&texts).unwrap(),
            json!({"Service": {"Service View": []}, "Container": {"Container Create": ["Privileged", "IPC Mode"]}})
        );
        assert!(parse_operations(&["Fly".to_owned()]).is_err());
    }
}
