//! `ucp account`: people and programs.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::names::{mark, text};
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List accounts.
    List,
    /// Show one account.
    Show {
        /// Name or id.
        name: String,
    },
    /// Create an account. The password is asked for, or read from standard input.
    Create {
        /// Small letters, no spaces.
        name: String,
        /// The person's name.
        #[arg(long, default_value = "")]
        full_name: String,
        /// Give every right.
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove an account, its grants, sessions and bundles.
    Remove {
        /// Name or id.
        name: String,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::List => list(client, output, "users").await,
        Command::Show { name } => show(client, output, &name).await,
        Command::Create {
            name,
            full_name,
            admin,
            password_stdin,
        } => {
            let password = if password_stdin {
                let mut line = String::new();
                std::io::stdin()
                    .read_line(&mut line)
                    .map_err(|error| CliError::Failed(format!("cannot read the password: {error}")))?;
                mke_core::secret::Secret::new(line.trim_end_matches(['\r', '\n']))
            } else {
                super::login::hidden(output, &format!("Password for {name}: "))?
            };
            let body = json!({
                "name": name, "fullName": full_name, "isAdmin": admin, "isActive": true,
                "password": password.expose(),
            });
            let account: Value = client.send_json(Method::POST, "/accounts/", &body).await?;
            output.value(&account, |account| {
                format!("created account {}", text(account, "name"))
            })
        }
        Command::Remove { name } => remove(client, output, &name).await,
    }
}

/// Lists users or organizations.
pub(super) async fn list(client: &Client, output: &mut Output<'_>, filter: &str) -> Result<(), CliError> {
    let accounts = client
        .list(&format!("/accounts/?filter={filter}"), "accounts")
        .await?;
    output.table(
        &accounts,
        ["NAME", "FULL NAME", "ADMIN", "ACTIVE", "ID"],
        |account| {
            [
                text(account, "name"),
                text(account, "fullName"),
                mark(account, "isAdmin"),
                mark(account, "isActive"),
                text(account, "id"),
            ]
        },
    )
}

/// Shows a user or an organization.
pub(super) async fn show(client: &Client, output: &mut Output<'_>, name: &str) -> Result<(), CliError> {
    let account: Value = client.get(&format!("/accounts/{}", escape(name))).await?;
    output.value(&account, |account| {
        let mut lines = String::new();
        for field in [
            "name",
            "fullName",
            "id",
            "isOrg",
            "isAdmin",
            "isActive",
            "membersCount",
            "teamsCount",
        ] {
            let value = text(account, field);
            if !value.is_empty() {
                lines.push_str(&format!("{field}: {value}\n"));
            }
        }
        lines
    })
}

/// Removes a user or an organization.
pub(super) async fn remove(client: &Client, output: &mut Output<'_>, name: &str) -> Result<(), CliError> {
    client
        .call(Method::DELETE, &format!("/accounts/{}", escape(name)))
        .await?;
    output.remark(&format!("removed {name}"));
    Ok(())
}
