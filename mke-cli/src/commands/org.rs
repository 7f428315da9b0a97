//! `ucp org`: organizations and their members.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::account;
use super::names::{mark, text};
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List organizations.
    List,
    /// Show one organization.
    Show {
        /// Name or id.
        name: String,
    },
    /// Create an organization.
    Create {
        /// Small letters, no spaces.
        name: String,
        /// A longer name.
        #[arg(long, default_value = "")]
        full_name: String,
    },
    /// Remove an organization, its teams and all their grants.
    Remove {
        /// Name or id.
        name: String,
    },
    /// List the members of an organization.
    Members {
        /// Name or id.
        org: String,
    },
    /// Add a member, or change whether it administers the organization.
    AddMember {
        /// The organization.
        org: String,
        /// The user.
        user: String,
        /// Let it manage members and teams.
        #[arg(long)]
        admin: bool,
    },
    /// Remove a member from the organization and all its teams.
    RemoveMember {
        /// The organization.
        org: String,
        /// The user.
        user: String,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::List => account::list(client, output, "orgs").await,
        Command::Show { name } => account::show(client, output, &name).await,
        Command::Create { name, full_name } => {
            let body = json!({ "name": name, "fullName": full_name, "isOrg": true });
            let org: Value = client.send_json(Method::POST, "/accounts/", &body).await?;
            output.value(&org, |org| format!("created organization {}", text(org, "name")))
        }
        Command::Remove { name } => account::remove(client, output, &name).await,
        Command::Members { org } => {
            members(client, output, &format!("/accounts/{}/members", escape(&org))).await
        }
        Command::AddMember { org, user, admin } => {
            let path = format!("/accounts/{}/members/{}", escape(&org), escape(&user));
            add_member(client, output, &path, &user, admin).await
        }
        Command::RemoveMember { org, user } => {
            client
                .call(
                    Method::DELETE,
                    &format!("/accounts/{}/members/{}", escape(&org), escape(&user)),
                )
                .await?;
            output.remark(&format!("removed {user} from {org}"));
            Ok(())
        }
    }
}

/// Lists the members at a path of the API.
pub(super) async fn members(client: &Client, output: &mut Output<'_>, path: &str) -> Result<(), CliError> {
    let members = client.list(path, "members").await?;
    output.table(&members, ["NAME", "FULL NAME", "ADMINISTERS"], |member| {
        let account = member.get("member").unwrap_or(&Value::Null);
        [
            text(account, "name"),
            text(account, "fullName"),
            mark(member, "isAdmin"),
        ]
    })
}

/// Adds a member at a path of the API.
pub(super) async fn add_member(
    client: &Client,
    output: &mut Output<'_>,
    path: &str,
    user: &str,
    admin: bool,
) -> Result<(), CliError> {
    let member: Value = client
        .send_json(Method::PUT, path, &json!({ "isAdmin": admin }))
        .await?;
    output.value(&member, |_| format!("{user} is a member"))
}
