//! Names on the command line to ids in the API, and back for people.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::api::{Client, escape};
use crate::error::CliError;

/// The part of an account, team, role or collection that commands need.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
}

/// Splits `ORG/TEAM`.
pub(super) fn org_and_team(text: &str) -> Result<(&str, &str), CliError> {
    match text.split_once('/') {
        Some((org, team)) if !org.is_empty() && !team.is_empty() => Ok((org, team)),
        _ => Err(CliError::Usage(format!(
            "`{text}` is no team, write ORGANIZATION/TEAM"
        ))),
    }
}

/// The id of a grant's subject: `user:NAME`, `org:NAME`, `team:ORG/TEAM`, `authenticated` or `anonymous`.
pub(super) async fn subject_id(client: &Client, text: &str) -> Result<String, CliError> {
    let found: Named = match text.split_once(':') {
        None if text == "authenticated" || text == "anonymous" => return Ok(text.to_owned()),
        Some(("user" | "org", name)) => client.get(&format!("/accounts/{}", escape(name))).await?,
        Some(("team", team)) => {
            let (org, team) = org_and_team(team)?;
            client
                .get(&format!("/accounts/{}/teams/{}", escape(org), escape(team)))
                .await?
        }
        _ => {
            return Err(CliError::Usage(format!(
                "`{text}` is no subject, write user:NAME, org:NAME, team:ORGANIZATION/TEAM, authenticated or anonymous"
            )));
        }
    };
    Ok(found.id)
}

/// The collection at a path.
pub(super) async fn collection(client: &Client, path: &str) -> Result<Value, CliError> {
    client
        .get(&format!("/collectionByPath?path={}", escape(path)))
        .await
}

/// The id of the collection at a path; what is no path is taken for an id.
pub(super) async fn collection_id(client: &Client, path_or_id: &str) -> Result<String, CliError> {
    if !path_or_id.starts_with('/') {
        return Ok(path_or_id.to_owned());
    }
    let found = collection(client, path_or_id).await?;
    Ok(text(&found, "id"))
}

/// The id of a role by id or by its exact name. A name that several roles have is refused.
pub(super) async fn role_id(client: &Client, name_or_id: &str) -> Result<String, CliError> {
    let roles: Vec<Named> = client.get("/roles").await?;
    if roles.iter().any(|role| role.id == name_or_id) {
        return Ok(name_or_id.to_owned());
    }
    let mut named = roles.into_iter().filter(|role| role.name == name_or_id);
    match (named.next(), named.next()) {
        (Some(role), None) => Ok(role.id),
        (None, _) => Err(CliError::Usage(format!(
            "there is no role `{name_or_id}`; see `ucp role list`"
        ))),
        (Some(_), Some(_)) => Err(CliError::Usage(format!(
            "several roles are called `{name_or_id}`; give the id from `ucp role list`"
        ))),
    }
}

/// The names of all roles by id.
pub(super) async fn role_names(client: &Client) -> Result<HashMap<String, String>, CliError> {
    let roles: Vec<Named> = client.get("/roles").await?;
    Ok(roles.into_iter().map(|role| (role.id, role.name)).collect())
}

/// A field of an answer as text, empty when it is absent.
pub(super) fn text(value: &Value, field: &str) -> String {
    match value.get(field) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// `yes` or nothing, for tables.
pub(super) fn mark(value: &Value, field: &str) -> String {
    if value.get(field).and_then(Value::as_bool) == Some(true) {
        "yes".to_owned()
    } else {
        String::new()
    }
}
