//! `ucp auth`: where accounts come from and who vouches for people.

mod ldap;
mod saml;
mod scim;
mod second_factor;

use clap::Subcommand;
use serde_json::Value;

use crate::api::Client;
use crate::commands::names::{mark, text};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show which back ends look at logins.
    Show,
    /// Let people of an LDAP directory log in, and keep accounts and teams as it says.
    #[command(subcommand)]
    Ldap(ldap::Command),
    /// Let people log in through a SAML identity provider.
    #[command(subcommand)]
    Saml(saml::Command),
    /// Let an identity provider keep users and groups over SCIM 2.0.
    #[command(subcommand)]
    Scim(scim::Command),
    /// A code of an authenticator app besides the password.
    #[command(subcommand)]
    SecondFactor(second_factor::Command),
    /// Let an account log in again that failed logins have locked.
    Unlock {
        /// Name or id.
        name: String,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Show => show(client, output).await,
        Command::Ldap(command) => ldap::run(command, client, output).await,
        Command::Saml(command) => saml::run(command, client, output).await,
        Command::Scim(command) => scim::run(command, client, output).await,
        Command::SecondFactor(command) => second_factor::run(command, client, output).await,
        Command::Unlock { name } => second_factor::unlock(&name, client, output).await,
    }
}

async fn show(client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    let shown: Value = client.get("/enzi/v0/config/auth").await?;
    output.value(&shown, |shown| {
        let switch = |field| {
            if mark(shown, field).is_empty() {
                "off"
            } else {
                "on"
            }
        };
        let passwords = match (
            switch("managedPasswordDisabled"),
            text(shown, "managedPasswordFallbackUser"),
        ) {
            ("on", fallback) => format!("only of `{fallback}`"),
            _ => "of all accounts kept here".to_owned(),
        };
        format!(
            "directory: {}\nSAML: {}\nSCIM: {}\npasswords kept here: {passwords}",
            if text(shown, "backend") == "ldap" {
                "LDAP"
            } else {
                "none"
            },
            switch("samlEnabled"),
            switch("scimEnabled"),
        )
    })
}
