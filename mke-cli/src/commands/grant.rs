//! `ucp grant`: who has which role where.

use std::collections::HashMap;

use clap::Subcommand;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::names::{collection_id, role_id, role_names, subject_id, text};
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Triple {
    /// user:NAME, org:NAME, team:ORGANIZATION/TEAM, authenticated or anonymous.
    #[arg(long)]
    subject: String,
    /// Name or id of the role.
    #[arg(long)]
    role: String,
    /// Path or id of the collection.
    #[arg(long)]
    collection: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List grants: all for administrators, your own otherwise.
    List,
    /// Show the grants of one subject.
    Show {
        /// user:NAME, org:NAME, team:ORGANIZATION/TEAM, authenticated or anonymous.
        subject: String,
    },
    /// Grant a role.
    Create(Triple),
    /// Take a grant back.
    Remove(Triple),
}

#[derive(Serialize)]
struct Row {
    subject: String,
    role: String,
    collection: String,
    #[serde(rename = "subjectID")]
    subject_id: String,
    #[serde(rename = "objectID")]
    object_id: String,
    #[serde(rename = "roleID")]
    role_id: String,
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::List => list(client, output, None).await,
        Command::Show { subject } => {
            let id = subject_id(client, &subject).await?;
            list(client, output, Some(&id)).await
        }
        Command::Create(triple) => {
            client.call(Method::PUT, &path(client, &triple).await?).await?;
            output.remark(&format!(
                "granted {} to {} on {}",
                triple.role, triple.subject, triple.collection
            ));
            Ok(())
        }
        Command::Remove(triple) => {
            client.call(Method::DELETE, &path(client, &triple).await?).await?;
            output.remark(&format!(
                "took {} on {} back from {}",
                triple.role, triple.collection, triple.subject
            ));
            Ok(())
        }
    }
}

async fn path(client: &Client, triple: &Triple) -> Result<String, CliError> {
    let subject = subject_id(client, &triple.subject).await?;
    let object = collection_id(client, &triple.collection).await?;
    let role = role_id(client, &triple.role).await?;
    Ok(format!(
        "/collectionGrants/{}/{}/{}",
        escape(&subject),
        escape(&object),
        escape(&role)
    ))
}

async fn list(client: &Client, output: &mut Output<'_>, subject: Option<&str>) -> Result<(), CliError> {
    let filter = subject
        .map(|id| format!("&subjectID={}", escape(id)))
        .unwrap_or_default();
    let path = format!("/collectionGrants?showPaths=true{filter}");
    let grants = client.list(&path, "grants").await?;
    let subjects = client.list(&path, "subjects").await?;
    let names: HashMap<_, _> = subjects
        .iter()
        .map(|subject| (text(subject, "id"), subject_name(subject)))
        .collect();
    let roles = role_names(client).await?;
    let rows: Vec<_> = grants
        .iter()
        .map(|grant| {
            let (subject_id, role_id) = (text(grant, "subjectID"), text(grant, "roleID"));
            Row {
                subject: names
                    .get(&subject_id)
                    .cloned()
                    .unwrap_or_else(|| subject_id.clone()),
                role: roles.get(&role_id).cloned().unwrap_or_else(|| role_id.clone()),
                collection: text(grant, "collectionPath"),
                object_id: text(grant, "objectID"),
                subject_id,
                role_id,
            }
        })
        .collect();
    output.table(&rows, ["SUBJECT", "ROLE", "COLLECTION"], |row| {
        [row.subject.clone(), row.role.clone(), row.collection.clone()]
    })
}

fn subject_name(subject: &Value) -> String {
    let part = |field: &str| {
        subject
            .get(field)
            .map(|part| text(part, "name"))
            .unwrap_or_default()
    };
    match text(subject, "subject_type").as_str() {
        kind @ ("user" | "org") => format!("{kind}:{}", part("account")),
        "team" => match part("account") {
            org if org.is_empty() => format!("team:{}", part("team")),
            org => format!("team:{org}/{}", part("team")),
        },
        other => other.to_owned(),
    }
}
