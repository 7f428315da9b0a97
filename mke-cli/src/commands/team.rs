//! `ucp team`: teams and their members. A team is written `ORGANIZATION/TEAM`.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::names::{org_and_team, text};
use super::org;
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the teams of an organization.
    List {
        /// Name or id of the organization.
        org: String,
    },
    /// Show one team.
    Show {
        /// ORGANIZATION/TEAM
        team: String,
    },
    /// Create a team.
    Create {
        /// ORGANIZATION/TEAM
        team: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Remove a team and its grants.
    Remove {
        /// ORGANIZATION/TEAM
        team: String,
    },
    /// List the members of a team.
    Members {
        /// ORGANIZATION/TEAM
        team: String,
    },
    /// Add a member; it joins the organization too.
    AddMember {
        /// ORGANIZATION/TEAM
        team: String,
        /// The user.
        user: String,
        /// Let it manage the team.
        #[arg(long)]
        admin: bool,
    },
    /// Remove a member from the team; it stays in the organization.
    RemoveMember {
        /// ORGANIZATION/TEAM
        team: String,
        /// The user.
        user: String,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::List { org } => {
            let teams = client
                .list(&format!("/accounts/{}/teams", escape(&org)), "teams")
                .await?;
            output.table(&teams, ["NAME", "DESCRIPTION", "MEMBERS", "ID"], |team| {
                [
                    text(team, "name"),
                    text(team, "description"),
                    text(team, "membersCount"),
                    text(team, "id"),
                ]
            })
        }
        Command::Show { team } => {
            let found: Value = client.get(&path(&team)?).await?;
            output.value(&found, |team| {
                ["name", "id", "orgID", "description", "membersCount"]
                    .map(|field| format!("{field}: {}\n", text(team, field)))
                    .concat()
            })
        }
        Command::Create { team, description } => {
            let (org, name) = org_and_team(&team)?;
            let body = json!({ "name": name, "description": description });
            let made: Value = client
                .send_json(Method::POST, &format!("/accounts/{}/teams", escape(org)), &body)
                .await?;
            output.value(&made, |made| format!("created team {}", text(made, "name")))
        }
        Command::Remove { team } => {
            client.call(Method::DELETE, &path(&team)?).await?;
            output.remark(&format!("removed {team}"));
            Ok(())
        }
        Command::Members { team } => org::members(client, output, &format!("{}/members", path(&team)?)).await,
        Command::AddMember { team, user, admin } => {
            let path = format!("{}/members/{}", path(&team)?, escape(&user));
            org::add_member(client, output, &path, &user, admin).await
        }
        Command::RemoveMember { team, user } => {
            client
                .call(
                    Method::DELETE,
                    &format!("{}/members/{}", path(&team)?, escape(&user)),
                )
                .await?;
            output.remark(&format!("removed {user} from {team}"));
            Ok(())
        }
    }
}

fn path(team: &str) -> Result<String, CliError> {
    let (org, team) = org_and_team(team)?;
    Ok(format!("/accounts/{}/teams/{}", escape(org), escape(team)))
}
